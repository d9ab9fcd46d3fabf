from __future__ import annotations

import re
from itertools import combinations, permutations

import pytest
from msgspec.structs import asdict, replace

from reconciler.core.model import Purpose, State
from reconciler.core.report import (
    STANDING,
    ChangeKind,
    Counts,
    OutcomeKind,
    ReportedChange,
    Sums,
)
from reconciler.core.states import OPEN, TROUBLED
from reconciler.core.summary import (
    LedgerTotals,
    ReadTotals,
    count,
    exit_code,
    is_overdue,
    needs_creating,
    problems_of,
    sentence,
    sums,
    totals_of,
)
from reconciler.errors import PRECEDENCE, worst
from tests.core.samples import (
    HOUR,
    MINUTE,
    NOON,
    a_return,
    an_entry,
    pushed,
    pushed_item,
    wanted_line,
    wants,
)

IN_ORDER = (129, 130, 143, 8, 6, 7, 4, 5, 3, 10, 0)
CALM = LedgerTotals()


def reported(change, outcome):
    return ReportedChange("1", "#1", None, change, outcome)


# --------------------------------------------------------------------------------------------- sums


def test_sums_are_of_what_was_planned_and_not_skipped():
    planned = reported(ChangeKind.CREATE, OutcomeKind.PLANNED)
    skipped = reported(ChangeKind.ADOPT, OutcomeKind.SKIPPED)
    changes = [
        replace(planned, vendors=("41", "42")),
        replace(planned, vendors=("42",), before_go_live=True),
        replace(skipped, vendors=("43",), before_go_live=True),
        planned,
    ]

    assert sums(changes, 61.5) == Sums(vendors=2, before_go_live=1, seconds_at_pace=62)
    assert sums([], 0.0) == Sums()


# ------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (ChangeKind.CREATE, "created"),
        (ChangeKind.UPDATE, "updated"),
        (ChangeKind.CANCEL, "cancelled"),
        (ChangeKind.ADOPT, "adopted"),
    ],
)
def test_what_was_pushed_counts_by_its_kind(change, name):
    counts = count(ReadTotals(0, 0, 0), [reported(change, OutcomeKind.PUSHED)] * 3, CALM)

    assert getattr(counts, name) == 3


@pytest.mark.parametrize("change", ChangeKind)
def test_what_was_skipped_counts_as_that(change):
    counts = count(ReadTotals(0, 0, 0), [reported(change, OutcomeKind.SKIPPED)], CALM)

    assert counts == Counts(skipped=1)


@pytest.mark.parametrize("outcome", sorted({*OutcomeKind} - {"pushed", "skipped"}))
def test_what_else_became_of_a_change_counts_by_how_its_return_is_in_the_ledger(outcome):
    changes = [reported(kind, OutcomeKind(outcome)) for kind in ChangeKind]

    assert count(ReadTotals(0, 0, 0), changes, CALM) == Counts()


STATES = {
    State.PENDING: 1,
    State.WAITING: 2,
    State.FAILED: 3,
    State.REVIEW: 4,
    State.DEAD: 5,
    State.UNKNOWN: 6,
    State.IN_FLIGHT: 10,
    State.SYNCED: 20,
    State.SKIPPED: 30,
    State.IGNORED: 40,
}


def test_how_returns_are_in_the_ledger_counts_whatever_this_pass_did():
    counts = count(ReadTotals(0, 0, 0), [], LedgerTotals(states=STATES, malformed=7))

    assert counts == Counts(
        pending=1, waiting=2, failed=3, review=4, dead=5, unanswered=16, malformed=7
    )
    assert {name for name, number in asdict(counts).items() if number} == STANDING


def test_what_was_seen_is_new_changed_or_unchanged():
    totals = LedgerTotals(states={State.PENDING: 4, State.SYNCED: 9}, malformed=2)
    counts = count(ReadTotals(seen=10, new=3, changed=2), [], totals)

    assert (counts.seen, counts.new, counts.changed, counts.unchanged) == (10, 3, 2, 5)
    assert (counts.pending, counts.malformed) == (4, 2)
    assert count(ReadTotals(0, 0, 0), [], CALM).pending == 0


# -------------------------------------------------------------------------------- how returns stand


def numbered(number, **changes):
    return an_entry(seen=a_return(id=str(number)), **changes)


@pytest.mark.parametrize("state", State)
def test_overdue_is_what_the_program_itself_had_to_do_for_as_long_as_that_or_longer(state):
    for since, overdue in ((NOON - HOUR, True), (NOON, True), (NOON + MINUTE, False)):
        entry = an_entry(state=state, due_since=since)
        assert is_overdue(entry, NOON) is (overdue and state in OPEN)
    assert not is_overdue(an_entry(state=state, due_since=None), NOON)


@pytest.mark.parametrize("state", State)
def test_a_return_needs_creating_while_a_line_of_it_is_not_in_jetti_and_it_is_not_settled(state):
    both = wants(wanted_line("A"), wanted_line("B"))
    half, whole = pushed(), pushed(pushed_item("B"), id=22)

    assert needs_creating(an_entry(both, state=state)) is (state in OPEN)
    assert needs_creating(an_entry(both, state=state, sale_returns=(half,))) is (state in OPEN)
    assert not needs_creating(an_entry(both, state=state, sale_returns=(half, whole)))


@pytest.mark.parametrize("purpose", [Purpose.CANCEL, Purpose.HOLD])
def test_what_is_not_to_exist_needs_no_creating(purpose):
    assert not needs_creating(an_entry(wants(purpose=purpose)))


def test_returns_stand_by_their_states_and_by_what_is_overdue_of_them():
    entries = [
        an_entry(state=State.PENDING, due_since=NOON - HOUR),
        an_entry(state=State.PENDING, due_since=NOON + HOUR),
        an_entry(state=State.DEAD, due_since=None),
        an_entry(state=State.WAITING, due_since=NOON),
    ]

    assert totals_of(entries, NOON, 5, None) == LedgerTotals(
        states={State.PENDING: 2, State.DEAD: 1, State.WAITING: 1}, overdue=2, malformed=5
    )
    assert totals_of([], NOON, 0, None) == CALM


def test_that_creation_is_stopped_concerns_returns_that_wait_to_be_created_alone():
    new, known = an_entry(), an_entry(sale_returns=(pushed(),))

    assert totals_of([known, new], NOON, 0, "whole sale").creation_stopped == "whole sale"
    assert totals_of([known], NOON, 0, "whole sale").creation_stopped is None
    assert totals_of([new], NOON, 0, None).creation_stopped is None


@pytest.mark.parametrize("state", State)
def test_a_problem_is_what_is_in_trouble_or_overdue(state):
    late, fresh = (numbered(n, state=state, due_since=NOON + n * HOUR) for n in (-1, 1))

    assert problems_of([late], NOON) == ([late] if state in OPEN | TROUBLED else [])
    assert problems_of([fresh], NOON) == ([fresh] if state in TROUBLED else [])


def test_problems_stand_by_how_long_they_wait_then_by_their_ids():
    ordered = [
        numbered(9, state=State.REVIEW, due_since=None),
        numbered(5, due_since=NOON - 2 * HOUR),
        numbered(3, state=State.DEAD, due_since=NOON - HOUR),
        numbered(4, due_since=NOON - HOUR),
        numbered(1, due_since=NOON),
    ]

    for some in list(permutations(ordered)):
        assert problems_of(some, NOON) == ordered


# ---------------------------------------------------------------------------------------- exit code


@pytest.mark.covers("P13")
def test_when_several_codes_apply_the_first_of_the_design_wins():
    assert PRECEDENCE == IN_ORDER
    for one, other in list(combinations(IN_ORDER, 2)):
        assert worst({one, other}) == worst({other, one}) == one
    assert worst(set(IN_ORDER)) == 129
    assert worst(set()) == 0


def test_a_code_outside_the_order_wins_over_all():
    assert worst({1, 130, 3}) == 1


def code(*failures, pending_shows=False, **totals):
    return exit_code(failures, LedgerTotals(**totals), pending_shows=pending_shows)


def test_all_is_well():
    assert code() == 0
    assert code(states={State.PENDING: 9, State.SYNCED: 9, State.WAITING: 9, State.SKIPPED: 9}) == 0
    assert code(states={State.IGNORED: 9}) == 0


@pytest.mark.covers("P13")
@pytest.mark.parametrize(
    "state", [State.DEAD, State.REVIEW, State.FAILED, State.UNKNOWN, State.IN_FLIGHT]
)
def test_an_entry_in_trouble_speaks_on_every_run_until_it_is_settled(state):
    assert code(states={state: 1}) == 3
    assert code(states={state: 0}) == 0


@pytest.mark.parametrize("totals", [{"overdue": 1}, {"malformed": 1}])
def test_overdue_and_malformed_ask_for_a_person(totals):
    assert code(**totals) == 3


def test_stopped_creation_is_a_safety_stop_on_every_run():
    assert code(creation_stopped="whole sale", states={State.REVIEW: 1}) == 7
    assert code(5, creation_stopped="whole sale") == 7
    assert code(6, creation_stopped="whole sale") == 6


def test_what_stopped_the_pass_goes_before_how_the_ledger_stands():
    assert code(4, states={State.DEAD: 1}) == 4
    assert code(5, overdue=1) == 5
    assert code(4, 5) == 4


def test_pending_changes_show_only_where_asked_and_where_nothing_is_worse():
    assert code(pending_shows=True) == 10
    assert code(pending_shows=True, overdue=1) == 3


# ----------------------------------------------------------------------- what is said of it


def test_a_pass_that_ended_well_or_for_another_reason_says_nothing_of_the_ledger():
    stopped = LedgerTotals(states={State.DEAD: 1}, creation_stopped="whole sale")

    assert sentence(0, CALM) is None
    assert sentence(10, LedgerTotals(states={State.PENDING: 1})) is None
    assert sentence(4, LedgerTotals(states={State.DEAD: 1})) is None
    assert sentence(6, stopped) is None
    assert sentence(8, stopped) is None
    # A guard has stopped the pass, and says so itself.
    assert sentence(7, LedgerTotals(states={State.DEAD: 1})) is None


def test_that_creation_is_stopped_is_said_with_its_reason(golden):
    said = sentence(7, LedgerTotals(creation_stopped="whole sale"))

    assert said.endswith(": whole sale")
    assert "until someone decides about the return that caused it" in said
    golden(said)


def test_what_needs_a_look_is_said_with_its_counts(golden):
    states = {
        State.DEAD: 1,
        State.FAILED: 2,
        State.IN_FLIGHT: 3,
        State.REVIEW: 4,
        State.UNKNOWN: 5,
        State.SYNCED: 900,
        State.WAITING: 90,
    }

    all_of_it = sentence(3, LedgerTotals(states=states, overdue=6, malformed=7))
    one_in_review = sentence(3, LedgerTotals(states={State.REVIEW: 1}))
    two_rows = sentence(3, LedgerTotals(malformed=2))

    assert [int(number) for number in re.findall(r"\d+", all_of_it)] == [1, 2, 3, 4, 5, 6, 7]
    assert re.findall(r"\d+ .*", one_in_review) == ["1 in review"]
    assert re.findall(r"\d+", two_rows) == ["2"]
    golden("\n".join((all_of_it, one_in_review, two_rows)))
