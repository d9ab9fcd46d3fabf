"""What someone decides about a return: shown first, recorded with who and why, undone by another
decision, and never about anything else than what was shown."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from reconciler import config, failpoints
from reconciler.core.decisions import Decision
from reconciler.deciding import Prospect, Request, decide
from reconciler.errors import SafetyStop
from reconciler.failpoints import Failpoint
from reconciler.runtime import Runtime
from tests.stories.test_people_in_jetti import by_hand
from tests.stories.test_rows_not_understood import UNREADABLE, spoil
from tests.support.agreement import assert_agreement
from tests.support.beginnings import played
from tests.support.world import World


def decisions(world: World) -> list[tuple[Any, ...]]:
    path = world.ledger.removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as raw:
        query = "SELECT return_id, decision, reason, decided_by, sale_returns FROM decisions"
        return raw.execute(query).fetchall()


def overlapped(world: World) -> tuple[str, int]:
    """A return in review: someone raised a sale return for two of its line's three units, of which
    it wants one."""
    return played(world, _overlaps)


def _overlaps(world: World) -> tuple[str, int]:
    world.trusted()
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    [theirs] = by_hand(world, order, 2)
    world.pass_time()
    assert world.run().code == 3
    assert world.state(one) == "review"
    return one, theirs


def pushed(world: World) -> tuple[str, dict[str, Any]]:
    """A return of one of two units, and its sale return in Jetti."""
    return played(world, _pushes)


def _pushes(world: World) -> tuple[str, dict[str, Any]]:
    world.trusted()
    one = world.returned(("Acme", 2))
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    return one, made


# --------------------------------------------------------------------------------------- retry


def test_a_retried_review_is_pushed_once_its_cause_is_gone(world: World) -> None:
    one, theirs = overlapped(world)
    world.jetti.edit_sale_return(theirs, status="cancelled")
    world.pass_time()
    assert world.run().code == 3, "nothing moves a review but a decision"

    decided = world.call("retry", one, "--yes", "--reason", "cancelled the other")
    ran = world.run()

    assert (decided.code, ran.code, world.state(one)) == (0, 0, "synced")
    assert_agreement(world)
    [row] = decisions(world)
    assert row[:3] == (one, "retry", "cancelled the other")
    assert row[3]


def test_a_retried_review_whose_cause_stands_comes_back(world: World) -> None:
    one, theirs = overlapped(world)
    before = world.entry(one).reason

    assert world.call("retry", one, "--yes").code == 0
    assert world.state(one) == "pending"
    ran = world.run()

    assert (ran.code, world.state(one), world.entry(one).reason) == (3, "review", before)
    assert [made["id"] for made in world.on_order(world.orders[-1])] == [theirs]


@pytest.mark.parametrize("name", ["id", "order", "order without #"])
def test_an_order_is_accepted_wherever_a_return_is(world: World, name: str) -> None:
    one, _ = overlapped(world)
    order = world.orders[-1].name
    typed = {"id": one, "order": order, "order without #": order.removeprefix("#")}[name]

    assert world.call("ignore", typed, "--reason", "by hand", "--yes").code == 0

    assert world.state(one) == "ignored"


def test_of_a_named_order_all_that_can_be_decided_about(world: World) -> None:
    world.trusted()
    order = world.order(("Acme", 3), ("Acme", 3))
    done = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    stuck = world.submit(order, 0, 1)
    by_hand(world, order, 0, 2)
    world.pass_time()
    assert world.run().code == 3

    ran = world.call("retry", order.name, "--yes")

    assert (ran.code, world.state(done), world.state(stuck)) == (0, "synced", "pending")
    assert "1 return left as it was" in ran.stdout


def test_all_in_a_state_are_retried_and_count_for_the_guards(world: World) -> None:
    world.trusted()
    late = [world.order(("Acme", 1), arrives=False) for _ in range(3)]
    waiting = [world.submit(order) for order in late]
    world.pass_time()
    assert world.run().code == 0
    assert {world.state(one) for one in waiting} == {"waiting"}
    for order in late:
        world.jetti.import_sale(order)

    ran = world.call("retry", "--all", "--state", "waiting", "--yes")
    assert (ran.code, {world.state(one) for one in waiting}) == (0, {"pending"})
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    assert world.run(**tight).code == 7
    assert [world.in_jetti(one) for one in waiting] == [[], [], []]
    # By name they are let past it.
    assert world.call("retry", *waiting, "--yes").code == 0
    assert world.run(**tight).code == 0
    assert_agreement(world)


def test_retry_takes_a_named_member_out_of_a_stopped_plan(world: World) -> None:
    world.trusted()
    made = [world.returned() for _ in range(3)]
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    assert world.run(**tight).code == 7

    ran = world.call("retry", made[0], "--yes")
    assert "leaves the stopped plan" in ran.stdout
    world.run(**tight)

    assert [len(world.in_jetti(one)) for one in made] == [1, 0, 0]


def test_without_its_name_no_member_leaves_a_stopped_plan(world: World) -> None:
    world.trusted()
    for _ in range(3):
        world.returned()
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    assert world.run(**tight).code == 7

    ran = world.call("retry", "--all", "--state", "pending", "--yes")

    assert (ran.code, decisions(world)) == (0, [])
    assert "leaves the stopped plan" not in ran.stdout + ran.stderr
    assert world.run(**tight).code == 7


def test_an_ignored_member_leaves_the_stopped_plan_for_good(world: World) -> None:
    world.trusted()
    made = [world.returned() for _ in range(2)]
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    assert world.run(**tight).code == 7

    assert world.call("ignore", made[0], "--reason", "a test order", "--yes").code == 0
    ran = world.run(**tight)
    assert (ran.code, len(ran.report["changes"])) == (7, 1), "the other is stopped as before"
    assert world.call("retry", made[1], "--yes").code == 0

    assert world.run(**tight).code == 0
    assert [len(world.in_jetti(one)) for one in made] == [0, 1]
    assert world.call("status").code == 0


# -------------------------------------------------------------------------------------- ignore


def test_what_is_ignored_is_counted_nowhere_and_stays_so_whatever_changes(world: World) -> None:
    one, _ = overlapped(world)
    assert world.call("status").code == 3

    assert world.call("ignore", one, "--reason", "settled in Jetti", "--yes").code == 0

    assert (world.run().code, world.call("status").code) == (0, 0)
    world.loop.edit(one, state="cancelled")
    world.pass_time(days=2)
    assert (world.run().code, world.call("status").code) == (0, 0)
    assert (world.state(one), world.entry(one).due_since) == ("ignored", None)
    listed = json.loads(world.call("list", "--state", "ignored", "--format", "json").stdout)
    assert [(row["return_id"], row["reason"]) for row in listed["returns"]] == [
        (one, "settled in Jetti")
    ]


def test_ignore_is_undone_by_retry_with_the_newest_want(world: World) -> None:
    one, theirs = overlapped(world)
    world.call("ignore", one, "--reason", "later", "--yes")
    world.jetti.edit_sale_return(theirs, status="cancelled")
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    assert world.in_jetti(one) == []

    assert world.call("retry", one, "--yes").code == 0
    assert world.run().code == 0

    assert_agreement(world)
    assert [row[1] for row in decisions(world)] == ["ignore", "retry"]


@pytest.mark.parametrize("how", [(), ("--dry-run",), ("--dry-run", "--against-jetti")])
def test_whoever_asks_for_an_ignored_return_reads_that_it_is_ignored(
    world: World, how: tuple[str, ...]
) -> None:
    one, _ = pushed(world)
    assert world.call("ignore", one, "--reason", "settled", "--yes").code == 0
    world.loop.set_state(one, "cancelled")
    world.pass_time()

    ran = world.call("run", "--return", one, *how)

    assert ran.code == 0
    assert f"until `reconciler retry {one}`" in " ".join(ran.stdout.split())
    assert world.call("run").stdout == "", "who asks for nothing in particular is not told"


def test_what_was_deleted_on_purpose_is_ignored_by_its_id_and_listed_no_more(world: World) -> None:
    one, made = pushed(world)
    world.jetti.delete_sale_return(made["id"])
    world.pass_time()
    found = world.call("verify")
    assert (found.code, world.call("status").code) == (3, 0)
    assert f"reconciler ignore {one} --reason" in " ".join(found.stdout.split())

    assert world.call("ignore", one, "--reason", "meant", "--yes").code == 0

    assert world.call("verify").code == 0
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    assert (world.in_jetti(one), world.state(one)) == ([], "ignored")

    # Undone by another decision, which looks at what is wanted and at Jetti again.
    assert world.call("retry", one, "--yes").code == 0
    assert world.run().code == 3
    assert "deleted in Jetti" in (world.entry(one).reason or "")


def test_what_was_deleted_is_not_ignored_before_its_row_is_understood(world: World) -> None:
    """`ignore` means the part that is not understood, and verify says what comes first."""
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    spoil(world, one, **UNREADABLE)
    assert world.run().code == 3
    for made in world.in_jetti(one):
        world.jetti.delete_sale_return(made["id"])
    world.pass_time()
    ignore = ("ignore", one, "--reason", "meant", "--yes")

    def advice() -> str:
        [found] = json.loads(world.call("verify", "--format", "json").stdout)["differences"]
        return str(found["proposed"])

    assert "correct in Loop what is not understood" in advice()
    assert [world.call(*ignore).code, world.call(*ignore).code] == [0, 2]
    assert "correct in Loop what is not understood" in advice()

    spoil(world, one)
    world.run()
    assert "correct in Loop" not in advice()
    assert (world.call(*ignore).code, world.call("verify").code) == (0, 0)


@pytest.mark.parametrize("by", ["order", "state"])
def test_a_return_that_is_well_is_not_ignored_with_others(world: World, by: str) -> None:
    world.trusted()
    order = world.order(("Acme", 4))
    one = world.submit(order, 1)
    world.pass_time()
    assert world.run().code == 0
    by_hand(world, order, 2)
    other = world.submit(order, 1)
    world.pass_time()
    assert world.run().code == 3
    assert (world.state(one), world.state(other)) == ("synced", "review")
    named = (order.name,) if by == "order" else ("--all", "--state", "synced", "--state", "review")

    assert world.call("ignore", *named, "--reason", "settled", "--yes").code == 0

    assert (world.state(one), world.state(other)) == ("synced", "ignored")


def test_a_refusal_of_all_in_a_state_says_how_many_it_does_not_name(world: World) -> None:
    ones = {world.trusted(), *(world.returned() for _ in range(4))}
    world.pass_time()
    assert world.run().code == 0
    assert set(map(world.state, ones)) == {"synced"}

    ran = world.call("ignore", "--all", "--state", "synced", "--reason", "x", "--yes")

    said = " ".join(ran.stdout.split())
    named = set(re.findall(r"return (\d+):", said))
    assert (ran.code, set(map(world.state, ones))) == (0, {"synced"})
    assert named < ones
    assert said.endswith(f"; and {len(ones - named)} more.")


@pytest.mark.parametrize("first", ["order", "id"])
def test_a_synced_return_that_is_named_beside_its_order_is_ignored(
    world: World, first: str
) -> None:
    one, _ = pushed(world)
    names = [world.seen(one).order_name, one]

    named = names if first == "order" else names[::-1]
    decided = world.call("ignore", *named, "--reason", "settled", "--yes")

    assert (decided.code, world.state(one)) == (0, "ignored")


def test_an_ignored_row_is_reported_again_only_with_another_problem(world: World) -> None:
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    spoil(world, one, **UNREADABLE)
    assert world.run().code == 3

    ran = world.call("ignore", one, "--reason", "the shop knows", "--yes")
    world.pass_time()

    assert (ran.code, world.run().code, world.call("status").code) == (0, 0, 0)
    assert world.state(one) == "synced", "what is understood of it is pushed all the same"
    spoil(world, one, 0, **UNREADABLE)
    assert (world.run().code, world.call("status").code) == (3, 3)


def test_an_ignored_row_is_reported_again_when_someone_retries_it(world: World) -> None:
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    spoil(world, one, **UNREADABLE)
    assert world.run().code == 3
    assert world.call("retry", one, "--yes").code == 2, "there is nothing to retry"
    world.call("ignore", one, "--reason", "the shop knows", "--yes")

    assert world.call("retry", one, "--yes").code == 0

    assert world.call("status").code == 3


@pytest.mark.parametrize("how", [("--create",), ("--adopt", "1")])
def test_what_nothing_is_understood_of_cannot_be_resolved(
    world: World, how: tuple[str, ...]
) -> None:
    world.trusted()
    one = world.returned()
    world.loop.edit(one, extra={"line_items": None})
    world.pass_time()
    assert world.run().code == 3

    ran = world.call("resolve", one, *how, "--yes")

    assert (ran.code, decisions(world)) == (2, [])
    assert "nothing of it is understood" in ran.stderr


# ------------------------------------------------------------------------- shown, then decided


def test_nobody_there_and_no_yes_decides_nothing(world: World) -> None:
    one, _ = overlapped(world)

    ran = world.call("retry", one)

    assert (ran.code, world.state(one), decisions(world)) == (7, "review", [])
    assert "--yes" in ran.stderr


def test_what_is_shown_is_what_stands_in_both_services(world: World) -> None:
    one, theirs = overlapped(world)
    [row] = [row for row in world.jetti.sale_returns() if row["id"] == theirs]

    ran = world.call("resolve", one, "--adopt", row["reference"], "--yes")

    assert ran.code == 0, ran.stderr
    line = world.orders[-1].lines[0].order_line_id
    assert f"{row['reference']} ({theirs}) with 2 of order line {line}" in ran.stdout
    assert "requested; unmarked" in ran.stdout
    assert f"quantity[{line}]: 2 -> 1" in ran.stdout
    assert "open, as last read" in ran.stdout


def test_a_version_that_has_moved_on_is_refused(world: World) -> None:
    one, _ = overlapped(world)
    shown = world.call("ignore", one, "--reason", "x", "--version", "00000000", "--yes")
    assert (shown.code, world.state(one)) == (7, "review")
    [version] = re.findall(r"its version is ([0-9a-f]{8})", shown.stderr)
    world.loop.label(one)
    world.pass_time()
    world.run()

    ran = world.call("ignore", one, "--reason", "x", "--version", version, "--yes")

    assert (ran.code, world.state(one)) == (7, "review")
    again = re.findall(r"its version is ([0-9a-f]{8})", ran.stderr)
    assert world.call("ignore", one, "--reason", "x", "--version", again[0], "--yes").code == 0


# ------------------------------------------------------------------------------------- resolve


def test_an_adopted_sale_return_is_brought_to_what_is_wanted(world: World) -> None:
    one, theirs = overlapped(world)

    ran = world.call("resolve", one, "--adopt", str(theirs), "--yes", "--reason", "it is this one")
    assert ran.code == 0, ran.stderr
    assert world.run().code == 0

    [made] = world.on_order(world.orders[-1])
    assert (made["id"], made["marker"], list(made["lines"].values())) == (theirs, one, [1])
    assert_agreement(world)
    [row] = decisions(world)
    assert row[1:3] == ("adopt", "it is this one")
    assert json.loads(row[4]) == [theirs]


def test_what_someone_says_is_another_s_is_left_alone_and_a_new_one_is_made(world: World) -> None:
    one, theirs = overlapped(world)

    ran = world.call("resolve", one, "--create", "--yes", "--reason", "a gift")
    assert ran.code == 0, ran.stderr
    assert world.run().code == 0

    made = {row["id"]: row for row in world.on_order(world.orders[-1])}
    assert made[theirs]["marker"] is None
    assert list(made[theirs]["lines"].values()) == [2]
    assert [row["marker"] for id_, row in made.items() if id_ != theirs] == [one]
    world.loop.label(one)
    world.loop.move_label(one, "delivered")
    world.pass_time()
    assert world.run().code == 0
    assert len(world.on_order(world.orders[-1])) == 2


def test_adopting_is_undone_before_the_next_run_by_creating(world: World) -> None:
    one, theirs = overlapped(world)
    assert world.call("resolve", one, "--adopt", str(theirs), "--yes").code == 0

    assert world.call("resolve", one, "--create", "--yes").code == 0
    assert world.run().code == 0

    made = {row["id"]: row["marker"] for row in world.on_order(world.orders[-1])}
    assert made.pop(theirs) is None
    assert list(made.values()) == [one]


def test_creating_is_undone_before_the_next_run_by_adopting(world: World) -> None:
    one, theirs = overlapped(world)
    assert world.call("resolve", one, "--create", "--yes").code == 0

    assert world.call("resolve", one, "--adopt", str(theirs), "--yes").code == 0
    assert world.run().code == 0

    assert [row["marker"] for row in world.on_order(world.orders[-1])] == [one]


def test_no_create_without_units_left(world: World) -> None:
    world.trusted()
    order = world.order(("Acme", 2))
    one = world.submit(order, 1)
    by_hand(world, order, 2)
    world.pass_time()
    assert world.run().code == 3

    ran = world.call("resolve", one, "--create", "--yes")

    assert (ran.code, world.state(one), decisions(world)) == (2, "review", [])
    assert "only 0 of 2 left" in ran.stderr


def test_a_deleted_sale_return_is_made_again_when_someone_says_so(world: World) -> None:
    one, made = pushed(world)
    world.jetti.delete_sale_return(made["id"])
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 3

    assert world.call("resolve", one, "--create", "--yes").code == 0
    assert world.run().code == 0

    [again] = world.in_jetti(one)
    assert again["id"] != made["id"]
    assert_agreement(world)


def test_alive_again_after_our_cancel_a_new_one_is_made(world: World) -> None:
    one, made = pushed(world)
    world.loop.edit(one, state="cancelled")
    world.pass_time()
    assert world.run().code == 0
    world.loop.edit(one, state="open")
    world.pass_time()
    assert world.run().code == 3

    assert world.call("resolve", one, "--create", "--yes").code == 0
    assert world.run().code == 0

    rows = {row["id"]: row["status"] for row in world.in_jetti(one)}
    assert rows.pop(made["id"]) == "cancelled"
    assert list(rows.values()) == ["requested"]
    world.pass_time()
    assert world.run().code == 0
    assert len(world.in_jetti(one)) == 2


@pytest.mark.parametrize(
    ("whose", "told"),
    [
        ("another return's marker", "is marked as return 4711's"),
        ("another order's", "shows no sale return"),
        ("cancelled", "is cancelled in Jetti"),
        ("other lines", "holds none of this return's lines"),
    ],
)
def test_what_is_not_its_own_cannot_be_adopted(world: World, whose: str, told: str) -> None:
    one, theirs = overlapped(world)
    named = theirs
    if whose == "another return's marker":
        world.jetti.edit_sale_return(theirs, externalId="4711")
    elif whose == "other lines":
        order = world.order(("Acme", 3), ("Acme", 1))
        one = world.submit(order, 1, 0)
        by_hand(world, order, 2)
        [named] = by_hand(world, order, 0, 1)
        world.pass_time()
        assert world.run().code == 3
    elif whose == "cancelled":
        world.jetti.edit_sale_return(theirs, status="cancelled")
    else:
        other = world.order(("Acme", 1))
        [named] = by_hand(world, other, 1)

    ran = world.call("resolve", one, "--adopt", str(named), "--yes")

    assert (ran.code, world.state(one), decisions(world)) == (2, "review", [])
    assert told in ran.stderr


def test_nobody_resolves_while_a_write_may_still_take_effect(world: World) -> None:
    world.trusted()
    order = world.order(("Acme", 4))
    one = world.submit(order, 1)
    world.breaks("POST *", "not_applied_then_lost")
    world.pass_time()
    assert world.run().code == 3
    world.heals()
    by_hand(world, order, 2)
    world.pass_time()
    assert world.run().code == 3
    assert (world.state(one), len(world.entry(one).intents)) == ("review", 1)
    world.clock.ahead = -600.0

    ran = world.call("resolve", one, "--create", "--yes")

    assert (ran.code, world.state(one), decisions(world)) == (2, "review", [])
    assert "may still take effect" in ran.stderr


def test_deciding_sends_no_write_to_jetti(world: World) -> None:
    one, theirs = overlapped(world)
    before = world.writes()

    world.call("resolve", one, "--adopt", str(theirs), "--yes")
    world.call("ignore", one, "--reason", "x", "--yes")
    world.call("retry", one, "--yes")

    assert world.writes() == before


# ---------------------------------------------------------------------- the stop of creation


def test_a_decision_by_name_opens_creation_which_is_proven_anew(world: World) -> None:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    world.environ |= {"RECONCILER_JETTI__CANCEL_IDS_KEY": "saleItemIds"}
    other = world.returned()
    world.pass_time()
    assert world.run().code == 7
    listed = world.call("ignore", "--all", "--state", "review", "--reason", "x", "--yes")
    assert listed.code == 0
    assert world.run().code == 7, "what stopped creation has to be named"

    ran = world.call("ignore", one, "--reason", "undone by hand", "--yes")

    assert (ran.code, "is open again" in ran.stdout) == (0, True)
    assert world.run().code == 0
    assert len(world.in_jetti(other)) == 1
    assert world.call("status").code == 0


def test_what_was_proven_before_creation_was_stopped_proves_nothing_once_it_is_opened(
    world: World,
) -> None:
    world.trusted()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    world.sandbox.jetti.switches.cancel_ids_key = "ids"
    assert world.call("ignore", one, "--reason", "undone by hand", "--yes").code == 0
    for _ in range(2):
        world.returned()
    world.breaks("POST *", "applied_then_lost", nth=1)
    world.pass_time()
    before = len(world.writes())

    assert world.run().code == 3

    assert len(world.writes()) == before + 1, "no other create while one has no answer"


def test_whoever_opens_creation_too_early_has_it_stopped_again(world: World) -> None:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    further = [world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0) for _ in range(2)]
    world.pass_time()

    assert world.call("retry", one, "--yes").code == 0
    ran = world.run()

    assert ran.code == 7
    made = [
        bool(world.in_jetti(each) or world.on_order(order))
        for each, order in zip(further, world.orders[-2:], strict=True)
    ]
    assert sum(made) <= 1, "one create at a time"


# -------------------------------------------------------------------- repeated, and at a bad time


@pytest.mark.parametrize("command", [("retry",), ("ignore", "--reason", "x")])
def test_a_repeated_decision_does_nothing_more(world: World, command: tuple[str, ...]) -> None:
    one, _ = overlapped(world)
    verb, *more = command
    assert world.call(verb, one, *more, "--yes").code == 0
    before = decisions(world)

    again = world.call(verb, one, *more, "--yes")

    assert (again.code, decisions(world)) == (0, before)
    assert "nothing to" in again.stdout


def test_what_has_changed_since_it_was_shown_is_not_decided(world: World) -> None:
    one, theirs = overlapped(world)
    runtime = Runtime(world.clock, world.environ, connect=world.connect)

    def answers(shown: tuple[Prospect, ...]) -> bool:
        [prospect] = shown
        assert prospect.outlook.state == "review"
        [item] = world.jetti.items_of(theirs)
        world.jetti.edit_item(item["id"], quantity=3)
        return True

    request = Request(Decision.ADOPT, (one,), sale_returns=(str(theirs),))
    with pytest.raises(SafetyStop, match="has changed meanwhile"):
        decide(config.load(None, world.environ), request, runtime, answers)

    assert (world.state(one), decisions(world)) == ("review", [])


def test_while_a_run_goes_on_a_decision_waits_and_then_gives_up(world: World) -> None:
    one, _ = overlapped(world)
    other = world.returned()
    world.pass_time()
    tried: list[int] = []

    def meanwhile(point: Failpoint) -> None:
        if point is Failpoint.CREATED and not tried:
            tried.append(world.call("ignore", one, "--reason", "x", "--yes", "--wait", "0s").code)

    with failpoints.watched(meanwhile):
        ran = world.run()

    assert (tried, ran.code, world.state(one)) == ([75], 3, "review")
    assert len(world.in_jetti(other)) == 1


def test_an_unanswered_write_is_read_back_before_anything_is_decided(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.breaks("POST *", "applied_then_lost")
    world.pass_time()
    assert world.run().code == 3
    world.heals()
    before = world.state(one)
    assert before == "unknown"

    for command in (("retry",), ("ignore", "--reason", "x"), ("resolve", "--create")):
        verb, *more = command
        refused = world.call(verb, one, *more, "--yes")
        assert (refused.code, world.state(one)) == (2, before)
        assert f"return {one} is unanswered: a write to Jetti has no answer yet" in refused.stderr
    assert "unanswered" in world.call("list").stdout
    world.pass_time()
    assert world.run().code == 0
    assert len(world.in_jetti(one)) == 1


def test_a_decision_names_states_in_the_words_of_every_page(world: World) -> None:
    one, _ = overlapped(world)

    asked = world.call("retry", one, "--yes").stdout

    assert f"return {one}  in review  version" in asked


def test_a_dry_run_and_the_run_after_a_decision_agree(world: World) -> None:
    one, theirs = overlapped(world)
    world.call("resolve", one, "--adopt", str(theirs), "--yes")
    dry = world.call("run", "--dry-run", "--against-jetti", "--format", "json")
    planned = {row["return_id"]: row["fields"] for row in json.loads(dry.stdout)["changes"]}

    ran = world.run()

    [change] = [row for row in ran.report["changes"] if row["return_id"] == one]
    assert planned[one] == change["fields"]


@pytest.mark.parametrize(
    ("status", "code"),
    [("503", 5), ("401", 6)],
)
def test_jetti_that_cannot_be_asked_leaves_everything_undecided(
    world: World, status: str, code: int
) -> None:
    one, theirs = overlapped(world)
    world.breaks("GET *", status)

    ran = world.call("resolve", one, "--adopt", str(theirs), "--yes")

    assert (ran.code, world.state(one), decisions(world)) == (code, "review", [])


@pytest.mark.parametrize(
    "command",
    [
        ("retry",),
        ("retry", "--all"),
        ("retry", "--state", "dead"),
        ("retry", "8812", "--all", "--state", "dead"),
        ("retry", "--all", "--state", "dead", "--version", "00000000"),
        ("ignore", "8812"),
        ("ignore", "8812", "--reason", " "),
        ("resolve", "8812"),
        ("resolve", "8812", "--adopt", "1", "--create"),
        ("resolve", "8812", "8813", "--create"),
        ("resolve", "8812", "--adopt", " "),
        ("retry", "8812"),
        ("resolve", "8812", "--create"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_without_a_change(
    world: World, command: tuple[str, ...]
) -> None:
    world.go_live()

    assert (world.call(*command, "--yes").code, decisions(world)) == (2, [])


# ------------------------------------------------------------ where all seemed well until someone


def test_what_was_deleted_is_made_again_before_anything_changes_in_loop(world: World) -> None:
    one, made = pushed(world)
    world.jetti.delete_sale_return(made["id"])
    world.pass_time()
    [gone] = json.loads(world.call("verify", "--format", "json").stdout)["differences"]
    assert (gone["kind"], gone["command"]) == ("deleted", f"reconciler resolve {one} --create")

    assert world.call(*gone["command"].split()[1:], "--yes").code == 0
    assert world.run().code == 0

    assert len(world.in_jetti(one)) == 1
    assert_agreement(world)
    assert world.call("verify").code == 0


def test_a_deleted_line_is_made_again_beside_what_is_left(world: World) -> None:
    world.trusted()
    one = world.submit(world.order(("Acme", 2), ("Acme", 2)), 1, 1)
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    item, _ = world.jetti.items_of(made["id"])
    world.jetti.world.delete("SaleReturnItem", item["id"])
    world.pass_time()

    ran = world.call("resolve", one, "--create", "--yes")
    assert ran.code == 0, ran.stderr
    assert world.run().code == 0

    assert sorted(len(row["lines"]) for row in world.in_jetti(one)) == [1, 1]
    assert_agreement(world)
