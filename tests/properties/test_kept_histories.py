"""Histories that once ended badly, step by step as Hypothesis told them; each must end well.

What a calm end demands is told in `tests/properties/calm.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.properties.history_machine import Histories


@pytest.fixture
def state() -> Iterator[Histories]:
    """A history to be told; its end is calm."""
    made = Histories()
    yield made
    made.teardown()


def test_a_return_cancelled_and_submitted_anew_between_two_passes_needs_nobody(
    state: Histories,
) -> None:
    state.begins(loop={}, jetti={}, page_size=750, old=0, guard=25)
    state.orders_and_returns(lines=[(0, 1)], arrives=True, twin=False, units=[1])
    state.runs_later(options=())
    state.changes(how=("turns", "cancelled"), one=0, place=0)
    state.time_passes(seconds=20)
    state.returns_more(order=0, units=[1])
    state.runs_later(options=())

    assert {told for told, _ in state.history.states().values()} == {"synced"}


@pytest.mark.covers("F90")
def test_what_was_told_after_a_backup_does_not_stay_as_it_was_once_it_is_restored(
    state: Histories,
) -> None:
    state.begins(loop={}, jetti={}, page_size=750, old=0, guard=25)
    state.runs_later(options=())
    state.the_machine_suffers(how=("backs_up", ()))
    state.changes_and_runs(how=("labels", False), one=0, place=0)
    state.the_machine_suffers(how=("restores", ()))
    state.runs(options=())

    state.changes_and_runs(how=("scans", None), one=0, place=0)

    told = {row["trackingStatus"] for row in state.history.world.jetti.sale_returns()}
    assert told == {"transit"}


def test_who_takes_back_a_write_that_has_no_answer_yet_is_seen_by_nobody(state: Histories) -> None:
    # The oracle took the second write for one over a person's value; Jetti shows no difference.
    state.begins(loop={}, jetti={}, page_size=750, old=0, guard=25)
    lost = ("reset_before_headers", {"applied": True})
    state.jetti_breaks_writes(fault=lost, operation="PUT /sale-return-items/*", nth=1)
    state.runs_later(options=())
    state.staff_work(how=("counts_again", False), one=1)
    state.runs_later(options=())

    assert state.history.witness.counts["unanswered writes that a person took back"] == 1


def test_a_create_of_the_moment_in_which_the_ledger_was_lost_is_a_person_s_to_judge(
    state: Histories,
) -> None:
    # Its marker was not yet written, so that nothing tells it from what staff raised.
    state.begins(
        loop={}, jetti={"read_lag_seconds": 20.0}, page_size=750, old=0, guard=25, late=0.0
    )
    state.runs_later(options=())
    state.the_machine_suffers(how=("loses", ()))
    state.runs(options=())

    assert {told for told, _ in state.history.states().values()} == {"review"}


def test_what_a_killed_run_was_asked_for_is_still_asked_for(state: Histories) -> None:
    # The oracle only remembered what was asked of runs that came to their end.
    state.begins(
        loop={}, jetti={"read_lag_seconds": 20.0}, page_size=750, old=2, guard=25, late=0.0
    )
    state.returns_more(order=0, units=[0])
    state.changes_and_runs(how=("touches", None), one=0, place=0)
    state.dies(how="before", nth=13, options=("--from", "3d", "--yes"))
    state.runs(options=("--max-writes", "1"))

    assert state.history.witness.counts["created"] == 3


def test_what_is_stopped_is_opened_by_no_laxer_limit(state: Histories) -> None:
    state.begins(loop={}, jetti={}, page_size=750, old=0, guard=25)
    state.a_plan_is_too_large(options=(), then="limits")
    state.a_plan_is_too_large(options=(), then="named")

    assert state.history.witness.counts["created"] == 1


def test_a_parcel_that_moves_after_its_return_was_cancelled_is_a_person_s_to_judge(
    state: Histories,
) -> None:
    # Cancelled for good in Jetti; the goods come back all the same.
    state.begins(loop={}, jetti={}, page_size=750, old=0, guard=25)
    state.changes_and_runs(how=("labels", False), one=0, place=0)
    state.changes_and_runs(how=("turns", "expired"), one=0, place=0)
    state.shop_goes_on(how=("scans_late", ()), one=0, place=0, runs=True)

    assert {told for told, _ in state.history.states().values()} <= {"review", "synced"}


def test_an_old_return_that_a_person_named_stays_in_jetti_when_the_ledger_is_restored(
    state: Histories,
) -> None:
    # The oracle took what the lost ledger had made at a person's word for a stray.
    state.begins(loop={}, jetti={}, page_size=750, old=1, guard=25)
    state.runs(options=("--sweep", "120d"))
    state.the_machine_suffers(how=("backs_up", ()))
    state.runs_for_one(one=1, by="return")
    state.the_machine_suffers(how=("restores", ()))
    state.runs_later(options=())

    assert state.history.witness.counts["created"] >= 1


def test_who_accepts_a_look_at_an_old_return_has_not_asked_for_its_creation(
    state: Histories,
) -> None:
    # The stopped plan held "adopt 1"; once accepted, a range created that return unasked.
    state.begins(loop={}, jetti={}, page_size=750, old=1, guard=2)
    state.a_plan_is_too_large(options=("--sweep", "120d"), then="")
    state.plan_is_accepted()
    state.runs_later(options=("--from", "3d"))

    assert state.history.witness.counts["created"] == 5


def test_what_is_stopped_is_not_opened_by_taking_over_what_staff_raised(state: Histories) -> None:
    # The create was an update from then on, which no guard knew as stopped.
    state.begins(loop={}, jetti={}, page_size=750, old=0, guard=25)
    state.a_plan_is_too_large(options=(), then="")
    state.staff_work(how=("raises", True), one=0)
    state.adoption_is_broken_off(nth=1, how="end")
    state.runs(options=())

    assert state.history.world.writes() == []


def test_of_an_order_nothing_is_promised_that_neither_loop_nor_the_ledger_names(
    state: Histories,
) -> None:
    # Loop named the newer of two returns, the other was never read; the oracle had both promised.
    state.begins(loop={}, jetti={}, page_size=750, old=1, guard=25)
    state.returns_more(order=1, units=[1])
    state.time_passes(seconds=130)
    state.runs_for_one(one=0, by="order")

    old, _, new = (row.id for row in state.history._rows())
    assert (state.history.promised, state.history.asked_for) == ({new}, {new})
    assert old not in state.history.states()


def test_of_an_order_all_is_promised_that_the_ledger_knows_by_whatever_name(
    state: Histories,
) -> None:
    # The program looked for the new name alone, by which the ledger did not know the older one.
    state.begins(loop={}, jetti={}, page_size=750, old=1, guard=25)
    state.runs(options=("--sweep", "120d"))
    state.returns_more(order=1, units=[1])
    state.shop_goes_on(how=("renames_order", (False,)), one=1, place=0, runs=False)
    state.time_passes(seconds=130)
    state.runs_for_one(one=0, by="order")

    old, _, new = (row.id for row in state.history._rows())
    assert state.history.promised == {old, new}


def test_of_what_was_made_in_the_same_second_as_a_named_return_nothing_is_learnt(
    state: Histories,
) -> None:
    # The oracle missed the other's row, which nobody can understand, among the reasons of `status`.
    state.begins(loop={}, jetti={}, page_size=750, old=2, guard=25)
    state.shop_goes_on(how=("garbles", ("no lines",)), one=2, place=0, runs=False)
    state.runs_for_one(one=1, by="return")

    assert len(state.history.states()) == 1
