"""Which decision may be made in which state, and what follows from it, in every combination."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.core.decisions import (
    Decision,
    Situation,
    after,
    outlook,
    possible,
    refusal,
    ruling,
    version,
)
from reconciler.core.model import GONE, Entry, State
from reconciler.core.records import SetAside
from reconciler.core.states import predecessors
from tests.core.test_return_detail import entry, intent

DOC = Path(__file__).parents[2] / "docs" / "deciding.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def documented() -> dict[tuple[str, str], bool]:
    """The table of docs/deciding.md, read as text."""
    header, _, *rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in DOC.read_text(encoding="utf-8").split("## What may be decided when")[1]
        .split("\n\n")[1].splitlines()
    ]  # fmt: skip
    return {
        (row[0], decision): cell == "yes"
        for row in rows
        for decision, cell in zip(header[1:], row[1:], strict=True)
    }


def test_the_page_has_every_state_and_every_decision():
    every = {(state.value, decision.value) for state in State for decision in Decision}

    assert documented().keys() == every


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("decision", Decision)
def test_what_may_be_decided_is_what_the_page_says(state: State, decision: Decision):
    given = entry(state)

    refused = refusal(given, decision, Situation())

    assert (refused is None) is documented()[state.value, decision.value]
    if refused is None:
        assert state in predecessors(after(given, decision)), "else the ledger would refuse it"
        assert refusal(given, decision, Situation()) is None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("decision", Decision)
def test_nothing_is_decided_over_a_write_that_a_run_will_read_back(
    state: State, decision: Decision
):
    given = entry(state, intents=(intent(),))

    refused = refusal(given, decision, Situation())

    waits_for_a_person = state in (State.REVIEW, State.IGNORED)
    allowed = waits_for_a_person and decision is not Decision.IGNORE
    assert (refused is None) is (allowed and documented()[state.value, decision.value])


@pytest.mark.parametrize("state", [State.REVIEW])
def test_a_retry_has_an_unanswered_write_read_back_before_anything_else(state: State):
    assert after(entry(state, intents=(intent(),)), Decision.RETRY) is State.UNKNOWN


@pytest.mark.parametrize("state", State)
def test_what_loop_no_longer_lists_is_not_retried(state: State):
    given = entry(state)
    given = replace(given, seen=replace(given.seen, state=GONE))

    assert refusal(given, Decision.RETRY, Situation()) is not None


@pytest.mark.parametrize("decision", Decision)
def test_what_stopped_creation_is_decided_about_by_its_name_alone(decision: Decision):
    given = entry(State.REVIEW)

    by_name = outlook(given, decision, Situation(stopped_creation=True))
    by_state = outlook(given, decision, Situation(stopped_creation=True, is_named=False))

    assert (by_name.refusal, by_name.opens_creation) == (None, True)
    assert (by_state.refusal is None, by_state.opens_creation) == (False, False)


CHANGES = {
    "state": {"state": State.DEAD},
    "reason": {"reason": "another"},
    "want": {"fingerprint": b"other"},
    "a write": {"intents": (intent(),)},
    "whose they are": {"not_ours": (7,)},
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_version_changes_with_what_a_decision_rests_on(what: str):
    given = entry(State.REVIEW)

    assert version(replace(given, **CHANGES[what])) != version(given)
    assert re.fullmatch("[0-9a-f]{8}", version(given))


def test_the_version_is_the_same_for_the_same():
    given = entry(State.REVIEW)

    assert version(replace(given, attempts=9, next_try_at=NOON)) == version(given)


def row(*, is_ignored: bool = False) -> SetAside:
    return SetAside("1", "1", "#1", "line_items[1]: absent", True, NOON, NOON, is_ignored)


@pytest.mark.parametrize("state", State)
def test_a_row_is_ignored_along_with_its_return_or_alone(state: State):
    found = outlook(entry(state), Decision.IGNORE, Situation(row()))

    assert (found.refusal, found.row) == (None, "line_items[1]: absent")
    # What is understood of a synced one is pushed all the same.
    alone = not documented()[state.value, "ignore"] or state is State.SYNCED
    assert (found.becomes is None) is alone


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("named", [True, False])
def test_only_what_was_named_is_let_past_the_guards(decision: Decision, named: bool):
    given = entry(State.REVIEW)
    one = outlook(given, decision, Situation(is_named=named))

    made = ruling(given, one, decision, "why", is_named=named)

    assert made.is_accepted is (named and decision is not Decision.IGNORE)
    assert made.step is not None
    assert made.step.reason == ("why" if decision is Decision.IGNORE else None)


@pytest.mark.parametrize("state", State)
def test_the_commands_that_are_offered_are_those_that_would_work(state: State):
    given: Entry = entry(state)

    offered = possible(given)

    assert len(offered) == (
        sum(documented()[state.value, one.value] for one in Decision)
        if state not in (State.PENDING, State.SYNCED)
        else 0
    )
