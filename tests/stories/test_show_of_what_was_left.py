"""`show` says that what is wanted was pushed only where all of it was; else what was left
and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_what_was_written import STAFF, Staff, ended, pushed, scan
from tests.support.world import World

UP_TO_DATE, ALL = "what is wanted was pushed", "as last pushed (all that is wanted)"


def shown(world: World, return_id: str) -> tuple[dict[str, Any], str]:
    """As JSON and as text."""
    [detail] = json.loads(world.call("show", return_id, "--format", "json").stdout)["returns"]
    return detail, world.call("show", return_id).stdout


def last_pushed(world: World, return_id: str) -> dict[str, Any]:
    """By the ledger, named like fields in a report."""
    return {
        f"{name}[{known.reference}]": value
        for known in world.entry(return_id).sale_returns
        for name, value in known.fields.items()
    }


def assert_left(world: World, return_id: str, left: dict[str, tuple[Any, Any]]) -> str:
    """These fields, with what was last pushed and what is wanted. Answers the text."""
    detail, text = shown(world, return_id)
    assert world.state(return_id) == "synced"
    fields = {one["field"]: (one["before"], one["after"]) for one in detail["left"]["fields"]}
    assert fields == left
    assert (UP_TO_DATE in detail["next"]) == (ALL in text) == (not left)
    assert bool(detail["left"]["reasons"]) == bool(left)
    for name, (before, after) in left.items():
        assert f"  {name}: {before or '-'} -> {after}" in text
    return text


@pytest.mark.covers("R21")
@pytest.mark.parametrize(("staff", "named"), STAFF)
def test_what_staff_had_changed_before_a_push_is_shown_as_left(
    world: World, staff: Staff, named: tuple[str, ...]
) -> None:
    one, made = pushed(world)
    staff(world, made)
    scan(world, one)
    world.pass_time()
    assert world.run().code == 0

    told = last_pushed(world, one)
    wanted = {
        f"{name}[{row['reference']}]": value
        for row in made
        for name, value in (("status", "shipped"), ("trackingStatus", "transit"))
    }
    left = {name: (told[name], value) for name, value in wanted.items() if told[name] != value}
    assert bool(left) == bool(named)
    text = assert_left(world, one, left)
    assert all(word in text for word in named)


def test_what_staff_changed_later_is_not_known_to_the_ledger(world: World) -> None:
    one, made = pushed(world)
    world.jetti.edit_sale_return(made[0]["id"], status="received")

    assert_left(world, one, {})


def test_of_what_was_cancelled_on_both_sides_nothing_was_left(world: World) -> None:
    one, made = pushed(world, ("Acme", 1))
    world.jetti.edit_sale_return(made[0]["id"], status="cancelled")
    ended(world, one)
    world.pass_time()
    assert world.run().code == 0

    text = assert_left(world, one, {})
    assert "what is wanted was pushed, or was in Jetti already" in text


def another_label(world: World, one: str) -> None:
    world.loop.edit(one, labels=())
    world.loop.label(one, carrier="UPS")


def no_label(world: World, one: str) -> None:
    world.loop.edit(one, labels=())


@pytest.mark.covers("R21")
@pytest.mark.parametrize("news", [another_label, no_label])
def test_a_status_that_would_go_back_is_shown_as_left(
    world: World, news: Callable[[World, str], None]
) -> None:
    one, made = pushed(world, ("Acme", 1))
    scan(world, one)
    world.pass_time()
    world.run()
    news(world, one)
    world.pass_time()
    assert world.run().code == 0

    text = assert_left(world, one, {f"status[{made[0]['reference']}]": ("shipped", "requested")})
    assert "is shipped, further than requested" in text


def test_a_line_that_policy_kept_back_is_shown_as_left(world: World) -> None:
    world.environ["RECONCILER_POLICY__SKUS__EXCLUDE"] = "*-1"
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 2))
    one = world.submit(order, 1, 2)
    world.pass_time()
    assert world.run().code == 0
    assert len(world.in_jetti(one)) == 1

    text = assert_left(world, one, {f"quantity[{order.lines[1].order_line_id}]": (None, 2)})
    assert "policy" in text
