"""What the ledger promises of plans that were stopped and wants that were accepted."""

from __future__ import annotations

import pytest

from reconciler.core.model import State
from reconciler.core.records import PlanMember, Transition
from reconciler.ledger.plans import PLANS_KEPT
from tests.ledger.samples import LATER, NOON, drained, fingerprint, observation, state_of


def member(id_: str, want: str = "a", change: str = "create") -> PlanMember:
    return PlanMember(id_, change, fingerprint(want))


@pytest.fixture
def both(ledger):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    ledger.plans.stop("abc", [member("1"), member("2")], NOON)
    return ledger


def stopped(ledger):
    plan = ledger.plans.stopped()
    return plan and (plan.digest, {one.return_id for one in plan.members}, plan.since)


def test_what_is_stopped_is_told_with_its_name_and_since_when(both):
    assert stopped(both) == ("abc", {"1", "2"}, NOON)
    assert both.plans.kept("abc") == (member("1"), member("2"))


def test_nothing_is_stopped_in_a_new_ledger(ledger):
    assert ledger.plans.stopped() is None


def test_a_member_that_changed_or_is_done_is_stopped_no_more(both):
    both.windows.record(drained(observation("1", "b", LATER)), LATER)
    assert stopped(both) == ("abc", {"2"}, NOON)

    both.journal.apply("2", Transition(State.DEAD))
    assert stopped(both) is None


@pytest.mark.covers("R8")
def test_stopped_again_under_another_name_a_member_keeps_its_time(both):
    both.windows.record(drained(observation("3")), LATER)
    both.plans.stop("def", [member("2"), member("3")], LATER)

    assert stopped(both) == ("def", {"2", "3"}, NOON)

    both.plans.stop("ghi", [member("3")], LATER)
    assert stopped(both) == ("ghi", {"3"}, LATER)

    both.plans.stop("", [], LATER)
    assert stopped(both) is None


def test_a_member_keeps_its_time_when_the_same_is_wanted_by_another_change(both):
    """A create that became an update: `init --adopt` took over what staff had raised."""
    both.plans.stop("def", [member("1", change="update")], LATER)

    assert stopped(both) == ("def", {"1"}, NOON)


@pytest.mark.covers("R8")
def test_an_equal_want_of_another_mapping_stays_stopped_and_let_through(both):
    both.windows.record(drained(observation("3")), NOON)
    both.plans.accept([member("3")], NOON, asked_for=False)
    entries = both.entries.get(["1", "2", "3"])

    both.entries.remap([(one.id, one.wanted, fingerprint("n")) for one in entries], "m2")

    plan = both.plans.stopped()
    assert plan.members == {member("1", "n"), member("2", "n")}
    [third] = both.entries.get(["3"])
    assert third.accepted_fingerprint == third.fingerprint


def test_what_is_let_through_is_stopped_no_more(both):
    both.plans.accept([member("1")], LATER, asked_for=False)

    assert stopped(both) == ("abc", {"2"}, NOON)
    first, second = both.entries.get(["1", "2"])
    assert (first.accepted_fingerprint, second.accepted_fingerprint) == (fingerprint("a"), None)
    assert not first.asked_for


def test_only_the_very_want_is_let_through(both):
    both.plans.accept([member("1", "older")], LATER, asked_for=True)

    [first] = both.entries.get(["1"])
    assert (first.accepted_fingerprint, first.asked_for) == (None, False)


def test_what_a_person_asked_for_is_due_even_where_it_was_skipped(both):
    both.journal.apply("1", Transition(State.SKIPPED, "created before go-live"))

    both.plans.accept([member("1")], LATER, asked_for=True)

    [first] = both.entries.get(["1"])
    assert (first.state, first.asked_for, first.due_since) == (State.PENDING, True, LATER)


def test_acceptance_follows_the_want_of_what_was_asked_for_until_it_is_pushed(both):
    both.plans.accept([member("1")], NOON, asked_for=True)
    both.plans.accept([member("2")], NOON, asked_for=False)
    both.windows.record(drained(observation("1", "b", LATER), observation("2", "b", LATER)), LATER)

    first, second = both.entries.get(["1", "2"])
    assert first.accepted_fingerprint == first.fingerprint
    assert second.accepted_fingerprint != second.fingerprint

    both.journal.apply("1", Transition(State.SYNCED, pushed_fingerprint=fingerprint("b")))
    both.windows.record(drained(observation("1", "c", LATER)), LATER)
    [first] = both.entries.get(["1"])
    assert first.accepted_fingerprint != first.fingerprint
    assert state_of(both, "1") is State.PENDING


def test_of_many_kept_plans_the_newest_stay(ledger):
    for number in range(PLANS_KEPT + 2):
        at = NOON.replace(second=number % 60, minute=number // 60)
        ledger.plans.keep(f"{number:03}", [member("1")], at)

    kept = [number for number in range(PLANS_KEPT + 2) if ledger.plans.kept(f"{number:03}")]
    assert kept == list(range(2, PLANS_KEPT + 2))
