"""What the report says of the run as a whole, and when it says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.matching.created import CAN_PROVE, PROVEN_BY
from reconciler.core.pass_result import LedgerState, PassResult, PassStart
from reconciler.core.plan import CreationRules, Plan
from reconciler.core.records import Run
from reconciler.core.report import OutcomeKind, Requests, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.run_remarks import run_remarks
from reconciler.core.settings import Policy
from reconciler.core.summary import CREATION_STOPPED, LedgerTotals, ReadTotals
from tests.core.samples import NOON, a_return, an_entry, pushed, wanted_line, wants
from tests.support.planning import make_plan

DRY_RANGE = RunRequest(kind=RunKind.RANGE, start=NOON, dry_run=True)
BLANK = PassStart(Run(1, "range", NOON), watermark=None)
START = PassStart(Run(1, "scheduled", NOON), watermark=NOON)
STATE = LedgerState(LedgerTotals(), (), (), NOON, proven_ids_key="ids")
NEVER_PUSHED = replace(STATE, has_pushed=False)


def creates(count: int, go_live=NOON - timedelta(days=9)) -> Plan:
    rules = CreationRules(Policy(), go_live=go_live, asked_for=True)
    entries = [an_entry(seen=a_return(id=str(number))) for number in range(count)]
    return make_plan(entries, rules, NOON)


def an_update() -> Plan:
    rules = CreationRules(Policy(), go_live=NOON - timedelta(days=9), asked_for=False)
    return make_plan([an_entry(wants(wanted_line("A", 2)), sale_returns=(pushed(),))], rules, NOON)


def a_result(plan: Plan | None = None, request: RunRequest | None = None, **more) -> PassResult:
    plan = plan or Plan(())
    usual = {
        "request": request or RunRequest(),
        "start": START,
        "windows": (),
        "read": ReadTotals(0, 0, 0),
        "read_ids": (),
        "malformed_keys": (),
        "plan": plan,
        "stopped": (),
        "digest": plan.digest,
        "outcomes": (),
        "skipped": (),
        "failures": (),
        "is_accepted": False,
        "remarks": (),
        "requests": Requests(),
    }
    return PassResult(**(usual | more))


def test_nothing_is_said_of_a_run_of_which_there_is_nothing_to_say() -> None:
    assert run_remarks(a_result(creates(1)), STATE, "ids") == ()


def test_what_was_so_from_the_beginning_comes_first_and_what_jetti_said_before_what_is_left() -> (
    None
):
    result = a_result(
        creates(1),
        start=replace(START, remarks=("no ledger",)),
        remarks=("Jetti is odd",),
        outcomes=tuple(c.with_outcome(OutcomeKind.DEFERRED) for c in creates(1).changes),
        is_accepted=True,
    )

    assert run_remarks(result, STATE, "other") == (
        "no ledger",
        f"no create has proven jetti.cancel_ids_key yet, so they go one by one; {PROVEN_BY} proves"
        " it",
        "Jetti is odd",
        "1 return is left; scheduled passes continue with the rest, after fresh changes",
    )


def test_while_creation_is_stopped_that_is_all_there_is_to_say_of_creates() -> None:
    """Not that anything proves the list, nor that anybody goes on with what is to be created."""
    [create], [update] = creates(1).changes, an_update().changes
    both = replace(create, return_id="7"), update
    result = a_result(
        replace(creates(1), changes=both),
        outcomes=tuple(change.with_outcome(OutcomeKind.DEFERRED) for change in both),
        remarks=("Jetti is odd",),
        is_accepted=True,
    )
    stopped = replace(NEVER_PUSHED, totals=LedgerTotals(creation_stopped="overreach"))

    assert run_remarks(result, stopped, "other") == (
        f"{CREATION_STOPPED}: overreach",
        "Jetti is odd",
        "1 return is left; scheduled passes continue with the rest, after fresh changes",
    )
    alone = replace(result, outcomes=result.outcomes[:1])
    assert len(run_remarks(alone, stopped, "other")) == 2


@pytest.mark.parametrize(
    ("plan", "request_", "state", "is_said"),
    [
        (creates(1), RunRequest(dry_run=True), NEVER_PUSHED, True),
        (creates(1), RunRequest(dry_run=True), STATE, False),
        (creates(1), RunRequest(dry_run=True, against_jetti=True), NEVER_PUSHED, False),
        (creates(1), RunRequest(), NEVER_PUSHED, False),
        (an_update(), RunRequest(dry_run=True), NEVER_PUSHED, False),
    ],
)
def test_a_ledger_that_never_pushed_cannot_know_what_jetti_has(
    plan: Plan, request_: RunRequest, state: LedgerState, is_said: bool
) -> None:
    remarks = run_remarks(a_result(plan, request_), state, "ids")

    said = "whether Jetti already has any of these was not checked; --against-jetti does that"
    assert remarks == ((said,) if is_said else ())


@pytest.mark.parametrize("proven", [None, "other"])
def test_only_a_plan_that_creates_speaks_of_what_is_unproven(proven: str | None) -> None:
    state = replace(STATE, proven_ids_key=proven)

    assert len(run_remarks(a_result(creates(2)), state, "ids")) == 1
    assert run_remarks(a_result(an_update()), state, "ids") == ()


LOOKED = RunRequest(dry_run=True, against_jetti=True)
GENERAL = f"{PROVEN_BY} proves it"
NONE_OF_THESE = f"none of these can prove it, only {PROVEN_BY}"


@pytest.mark.parametrize(
    ("request_", "outcomes", "able", "said"),
    [
        (LOOKED, "pp", "", NONE_OF_THESE),
        (LOOKED, "pp", "0", "return 0 can prove it"),
        (LOOKED, "ppp", "12", "return 1 and 1 more can prove it"),
        (LOOKED, "pppp", "123", "return 1 and 2 more can prove it"),
        (LOOKED, "pf", "", GENERAL),
        (LOOKED, "pd", "", GENERAL),
        (RunRequest(dry_run=True), "pp", "", GENERAL),
        (RunRequest(against_jetti=True), "pp", "", GENERAL),
        (RunRequest(), "pf", "", GENERAL),
        (RunRequest(), "pf", "0", "return 0 can prove it"),
    ],
)
def test_which_create_can_prove_the_id_list_is_said_where_each_was_looked_up(
    request_: RunRequest, outcomes: str, able: str, said: str
) -> None:
    """`outcomes`: planned, failed or deferred; `able`: ids of those that can prove it."""
    kinds = {"p": OutcomeKind.PLANNED, "f": OutcomeKind.FAILED, "d": OutcomeKind.DEFERRED}
    plan = creates(len(outcomes))
    told = [
        change.with_outcome(kinds[letter], remarks=(CAN_PROVE,) if change.return_id in able else ())
        for change, letter in zip(
            sorted(plan.changes, key=lambda one: one.return_id), outcomes, strict=True
        )
    ]
    [update] = an_update().changes
    told.append(update.with_outcome(OutcomeKind.FAILED, remarks=(CAN_PROVE,)))

    result = a_result(plan, request_, outcomes=tuple(told))

    assert run_remarks(result, STATE, "other") == (
        f"no create has proven jetti.cancel_ids_key yet, so they go one by one; {said}",
    )


@pytest.mark.parametrize(("older", "which"), [(1, "1 of these was"), (2, "2 of these were")])
def test_without_a_ledger_a_range_shows_what_the_advised_ledger_would_leave_alone(
    older: int, which: str
) -> None:
    plan = creates(older, go_live=NOON + timedelta(days=1))

    assert run_remarks(a_result(plan, DRY_RANGE, start=BLANK), STATE, "ids") == (
        f"{which} raised before this range: after `reconciler init --since` with its start, only"
        " a range that is asked for creates such returns, and scheduled passes leave them alone",
    )


def test_nothing_is_older_than_a_range_where_it_is_not_or_where_there_is_a_ledger_or_no_range() -> (
    None
):
    old, young = creates(1, go_live=NOON + timedelta(days=1)), creates(1)

    for result in (
        a_result(young, DRY_RANGE, start=BLANK),
        a_result(old, DRY_RANGE),
        a_result(old, RunRequest(dry_run=True), start=BLANK),
    ):
        assert run_remarks(result, STATE, "ids") == ()


@pytest.mark.parametrize("most", [0, 3])
def test_a_dry_run_says_that_a_budget_would_cut_its_plan_off(most: int) -> None:
    request = RunRequest(dry_run=True, max_writes=most)

    assert run_remarks(a_result(creates(1), request), STATE, "ids") == (
        f"with --max-writes {most} a run ends before the next return once that many writes were"
        " sent; the rest of this plan then stays pending",
    )
    assert run_remarks(a_result(request=request), STATE, "ids") == ()
    assert run_remarks(a_result(creates(1), RunRequest(max_writes=most)), STATE, "ids") == ()


@pytest.mark.parametrize(("count", "which"), [(1, "1 return is"), (2, "2 returns are")])
def test_who_agreed_to_a_plan_is_told_who_goes_on_with_the_rest_of_it(
    count: int, which: str
) -> None:
    done, *left = creates(count + 1).changes
    outcomes = (
        done.with_outcome(OutcomeKind.PUSHED),
        *(change.with_outcome(OutcomeKind.DEFERRED) for change in left),
    )
    request = RunRequest(kind=RunKind.RANGE, start=NOON)
    agreed = a_result(request=request, outcomes=outcomes, is_accepted=True)

    said = f"{which} left; scheduled passes continue with the rest, after fresh changes"
    assert run_remarks(agreed, STATE, "ids") == (said,)
    for silent in (
        replace(agreed, is_accepted=False),
        replace(agreed, outcomes=outcomes[:1]),
        replace(agreed, request=DRY_RANGE),
    ):
        assert run_remarks(silent, STATE, "ids") == ()
