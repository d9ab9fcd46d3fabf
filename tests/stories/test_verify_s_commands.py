"""Each command that `verify` proposes is run, for each kind of difference in each situation in
which it is proposed: then that difference is gone, at once and after the next runs."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from reconciler.core.verification.report import DifferenceKind
from tests.stories.verifying import lose_from_ledger, lose_writes, verify
from tests.support.world import World

Situation = Callable[[World], str]
"""Brings about a difference, and returns the return that it is about."""

OLD = timedelta(days=3)


def rests(world: World) -> None:
    """What changed until now is behind the overlap of the next pass."""
    world.pass_time(hours=1)
    assert world.run().code in (0, 3)


def pushed(world: World, *lines: tuple[str | None, int], **more: Any) -> str:
    """A return that was created and updated."""
    world.go_live("1d")
    one = world.submit(world.order(*(lines or (("Acme", 2),))), **more)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    assert world.run().code == 0
    rests(world)
    return one


def raised(world: World, one: str, units: int = 1, **attributes: Any) -> int:
    """Someone raises a sale return on its order, by default with its marker."""
    [order] = [o for o in world.orders if o.order_id == world.seen(one).provider_order_id]
    [made] = world.jetti.raise_sale_return(
        world.sale_id(order),
        {world.item_ids(order)[0]: units},
        **({"externalId": one} | attributes),
    )
    return made


def deletes(world: World, one: str) -> None:
    for there in world.in_jetti(one):
        world.jetti.delete_sale_return(there["id"])


def silently(world: World, change: Callable[[], object]) -> None:
    """A change in Loop that moves no time."""
    world.sandbox.loop.switches.label_changes_bump = False
    world.sandbox.loop.switches.edits_bump = False
    change()


# ----------------------------------------------------------- in Loop, and not in the ledger


def lost_with_its_sale_return(world: World) -> str:
    one = pushed(world)
    lose_from_ledger(world, one)
    return one


def lost_with_nothing_in_jetti(world: World) -> str:
    one = lost_with_its_sale_return(world)
    deletes(world, one)
    return one


def lost_with_one_raised_by_hand(world: World) -> str:
    one = lost_with_nothing_in_jetti(world)
    raised(world, one, externalId=None)
    return one


def lost_and_held(world: World) -> str:
    one = lost_with_its_sale_return(world)
    world.loop.edit(one, state="review", at=world.seen(one).updated_at)
    return one


def lost_and_cancelled(world: World) -> str:
    one = lost_with_nothing_in_jetti(world)
    world.loop.edit(one, state="cancelled", at=world.seen(one).updated_at)
    return one


def lost_and_excluded(world: World) -> str:
    one = lost_with_nothing_in_jetti(world)
    world.environ["RECONCILER_POLICY__SKUS__EXCLUDE"] = '["SKU-*"]'
    return one


def lost_and_doubtful(world: World) -> str:
    one = lost_with_nothing_in_jetti(world)
    raised(world, one, 2, externalId=None)
    return one


def old_and_missed_since_it_changed(world: World) -> str:
    order = world.order(("Acme", 1))
    one = world.submit(order, at=world.clock.now() - OLD)
    world.go_live("1d")
    world.loop.touch(one)
    world.pass_time()
    assert world.run().code == 0
    rests(world)
    lose_from_ledger(world, one)
    return one


# ------------------------------------------------------------------------- newer in Loop


def scanned_silently(world: World) -> str:
    one = pushed(world)
    silently(world, lambda: world.loop.move_label(one, "delivered"))
    return one


def cancelled_silently(world: World) -> str:
    one = pushed(world)
    silently(world, lambda: world.loop.edit(one, state="cancelled"))
    return one


def in_review_and_changed_silently(world: World) -> str:
    one = pushed(world)
    deletes(world, one)
    world.loop.move_label(one, "out_for_delivery")
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 3
    world.pass_time(hours=1)
    assert world.run().code == 3
    assert world.state(one) == "review"
    silently(world, lambda: world.loop.move_label(one, "delivered"))
    return one


def old_and_changed_silently(world: World) -> str:
    order = world.order(("Acme", 1))
    one = world.submit(order, at=world.clock.now() - OLD)
    world.go_live("1d")
    world.pass_time()
    assert world.run("--sweep", "120d").code == 0
    rests(world)
    silently(world, lambda: world.loop.label(one, status="in_transit"))
    return one


# --------------------------------------------------- in the ledger, and not in Loop; lost


def gone(world: World) -> str:
    one = pushed(world)
    world.loop.remove(one)
    return one


def gone_from_review(world: World) -> str:
    one = in_review_and_changed_silently(world)
    world.loop.remove(one)
    return one


def gone_before_it_was_marked(world: World) -> str:
    """A sale return in which the marker is still to be written when someone has to decide."""
    one = pushed(world)
    world.loop.remove(one)
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE sale_returns SET fields = replace(fields, ?, 'null')", (f'"{one}"',))
    return one


def write_is_lost(world: World) -> str:
    one = pushed(world)
    lose_writes(world, [one])
    return one


# -------------------------------------------------------------------------------- deleted


def sale_return_is_deleted(world: World) -> str:
    one = pushed(world)
    deletes(world, one)
    return one


def one_of_two_is_deleted(world: World) -> str:
    one = pushed(world, ("Acme", 1), ("Bolt", 1))
    first, _ = world.in_jetti(one)
    world.jetti.delete_sale_return(first["id"])
    return one


def deleted_while_held(world: World) -> str:
    one = pushed(world)
    world.loop.set_state(one, "review")
    world.pass_time()
    assert world.run().code == 0
    rests(world)
    deletes(world, one)
    return one


def deleted_and_its_units_used_up(world: World) -> str:
    one = pushed(world)
    deletes(world, one)
    raised(world, one, 2, externalId="by another")
    return one


# --------------------------------------------- in Jetti, and the ledger does not know that


def old_and_marked(world: World) -> str:
    order = world.order(("Acme", 1))
    one = world.submit(order, at=world.clock.now() - OLD)
    world.go_live("1d")
    world.returned(("Acme", 1))
    world.pass_time()
    assert world.run("--sweep", "120d").code == 0
    assert world.state(one) == "skipped"
    raised(world, one)
    return one


def old_and_marked_on_another_order(world: World) -> str:
    one = old_and_marked(world)
    deletes(world, one)
    other = world.orders[1]
    world.jetti.raise_sale_return(
        world.sale_id(other), {world.item_ids(other)[0]: 1}, externalId=one
    )
    return one


def ended_early_and_marked(world: World) -> str:
    world.go_live("1d")
    one = world.returned(("Acme", 1), state="cancelled")
    world.pass_time()
    assert world.run().code == 0
    rests(world)
    raised(world, one)
    return one


def held_and_marked(world: World) -> str:
    world.go_live("1d")
    one = world.returned(("Acme", 1), state="review")
    world.pass_time()
    assert world.run().code == 0
    rests(world)
    raised(world, one)
    return one


def refused_and_marked(world: World) -> str:
    world.trusted()
    one = world.returned(("Acme", 1))
    world.breaks("POST *", "422")
    world.pass_time()
    assert world.run().code == 3
    world.heals()
    assert world.state(one) == "dead"
    world.pass_time(hours=1)
    raised(world, one)
    return one


def doubtful_and_marked(world: World) -> str:
    world.trusted()
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    by_hand = raised(world, one, 2, externalId=None)
    world.pass_time()
    assert world.run().code == 3
    assert world.state(one) == "review"
    world.pass_time(hours=1)
    world.jetti.edit_sale_return(by_hand, status="cancelled")
    raised(world, one)
    return one


def cancelled_and_another_marked(world: World) -> str:
    one = pushed(world)
    [there] = world.in_jetti(one)
    world.jetti.edit_sale_return(there["id"], status="cancelled")
    world.loop.label(one)
    world.pass_time()
    world.run()
    rests(world)
    raised(world, one)
    return one


def deleted_and_another_marked(world: World) -> str:
    one = pushed(world)
    deletes(world, one)
    raised(world, one)
    return one


def never_recorded_and_marked(world: World) -> str:
    order = world.order(("Acme", 1))
    one = world.submit(order, at=world.clock.now() - OLD)
    world.go_live("1d")
    world.returned(("Acme", 1))
    world.pass_time()
    assert world.run().code == 0
    raised(world, one)
    return one


def older_than_the_range_and_marked(world: World) -> str:
    order = world.order(("Acme", 2))
    one = world.submit(order, 1, at=world.clock.now() - timedelta(days=200))
    world.go_live("1d")
    world.submit(order, 1)
    world.pass_time()
    assert world.run().code == 0
    raised(world, one)
    return one


def marked_with_nonsense(world: World) -> str:
    one = pushed(world)
    raised(world, one, externalId="90909")
    return "90909"


K = DifferenceKind
HELPS = [
    (K.NOT_IN_LEDGER, lost_with_its_sale_return),
    (K.NOT_IN_LEDGER, lost_with_nothing_in_jetti),
    (K.NOT_IN_LEDGER, lost_with_one_raised_by_hand),
    (K.NOT_IN_LEDGER, lost_and_held),
    (K.NOT_IN_LEDGER, lost_and_cancelled),
    (K.NOT_IN_LEDGER, lost_and_excluded),
    (K.NOT_IN_LEDGER, lost_and_doubtful),
    (K.NOT_IN_LEDGER, old_and_missed_since_it_changed),
    (K.NEWER_IN_LOOP, scanned_silently),
    (K.NEWER_IN_LOOP, cancelled_silently),
    (K.NEWER_IN_LOOP, in_review_and_changed_silently),
    (K.NEWER_IN_LOOP, old_and_changed_silently),
    (K.NOT_IN_LOOP, gone),
    (K.NOT_IN_LOOP, gone_from_review),
    (K.LOST_WRITE, write_is_lost),
    (K.DELETED, sale_return_is_deleted),
    (K.DELETED, one_of_two_is_deleted),
    (K.NOT_RECORDED, old_and_marked),
    (K.NOT_RECORDED, ended_early_and_marked),
    (K.NOT_RECORDED, refused_and_marked),
    (K.NOT_RECORDED, doubtful_and_marked),
    (K.NOT_RECORDED, cancelled_and_another_marked),
    (K.NOT_RECORDED, deleted_and_another_marked),
    (K.UNKNOWN_MARKER, never_recorded_and_marked),
    (K.UNKNOWN_MARKER, older_than_the_range_and_marked),
]
BY_HAND = [
    (K.NOT_IN_LOOP, gone_before_it_was_marked),
    (K.DELETED, deleted_while_held),
    (K.DELETED, deleted_and_its_units_used_up),
    (K.NOT_RECORDED, held_and_marked),
    (K.NOT_RECORDED, old_and_marked_on_another_order),
    (K.UNKNOWN_MARKER, marked_with_nonsense),
]


def names(cases: list[tuple[DifferenceKind, Situation]]) -> list[str]:
    return [f"{kind}-{situation.__name__}" for kind, situation in cases]


def run_as_proposed(world: World, command: str) -> int:
    program, *arguments = shlex.split(command)
    assert program == "reconciler"
    asks = arguments[0] == "resolve" or arguments[:2] == ["ledger", "forget"]
    return world.call(*arguments, *(["--yes"] if asks else [])).code


@pytest.mark.parametrize(("kind", "situation"), HELPS, ids=names(HELPS))
def test_what_is_proposed_settles_it(
    world: World, kind: DifferenceKind, situation: Situation
) -> None:
    one = situation(world)
    found = verify(world)
    assert (kind, one) in found.kinds

    code = run_as_proposed(world, found.one(kind)["command"])

    assert code in (0, 3)
    assert (kind, one) not in verify(world).kinds
    world.pass_time()
    assert world.run().code in (0, 3)
    world.pass_time()
    assert (kind, one) not in verify(world).kinds


@pytest.mark.parametrize(("kind", "situation"), BY_HAND, ids=names(BY_HAND))
def test_where_no_command_helps_none_is_named(
    world: World, kind: DifferenceKind, situation: Situation
) -> None:
    one = situation(world)
    found = verify(world)

    assert (kind, one) in found.kinds
    assert found.one(kind)["command"] is None
    assert any(
        said in found.one(kind)["proposed"]
        for said in ("by hand", "cannot be made again", "refused as long as")
    )


def test_a_ledger_that_never_pushed_asks_first_whether_another_was_lost(world: World) -> None:
    order = world.order(("Acme", 1))
    one = world.submit(order, at=world.clock.now() - OLD)
    world.go_live("1d")
    raised(world, one)
    world.pass_time()
    program, *arguments = verify(world).one("unknown_marker")["command"].split()

    ran = world.call(*arguments)

    assert (program, ran.code) == ("reconciler", 7)
    assert "init --adopt" in ran.stderr + ran.stdout


def test_every_kind_is_tried_or_left_to_people() -> None:
    left_to_people = {K.EDITED, K.DOUBLE}

    assert {kind for kind, _ in HELPS} == {*K} - left_to_people


def test_a_return_from_before_go_live_is_not_created_by_what_is_proposed(world: World) -> None:
    one = old_and_missed_since_it_changed(world)
    found = verify(world).one("not_in_ledger")

    assert found["command"] == "reconciler verify --repair"
    assert run_as_proposed(world, found["command"]) == 0
    assert world.run().code == 0
    assert (world.in_jetti(one), world.state(one)) == ([], "skipped")
