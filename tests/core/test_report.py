"""What a report takes over from the ledger."""

from __future__ import annotations

from reconciler.core.health import Stopped
from reconciler.core.model import State
from reconciler.core.records import PlanMember, StoppedPlan
from reconciler.core.report import Problem
from tests.core.samples import DAY, HOUR, NOON, a_return, an_entry


def test_a_problem_tells_which_return_it_is_in_what_state_since_when_and_why() -> None:
    seen = a_return(id="88", order_id="47", order_name="#12")
    entry = an_entry(
        seen=seen, state=State.REVIEW, reason="two sales", changed_at=NOON, due_since=NOON - DAY
    )

    assert Problem.of(entry) == Problem(
        return_id="88",
        order_name="#12",
        order_id="47",
        state="review",
        since=NOON - DAY,
        reason="two sales",
    )


def test_a_problem_that_is_not_due_counts_from_its_last_change() -> None:
    entry = an_entry(changed_at=NOON - HOUR, due_since=None)

    assert Problem.of(entry).since == NOON - HOUR


def test_a_stopped_plan_is_told_by_its_digest_its_age_and_how_many_of_each_kind() -> None:
    members = {PlanMember(str(number), kind, b"") for number, kind in enumerate("aab")}

    assert Stopped.of(StoppedPlan("feed", frozenset(members), NOON)) == Stopped(
        "feed", NOON, {"a": 2, "b": 1}
    )
