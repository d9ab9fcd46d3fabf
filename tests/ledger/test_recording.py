"""What `record`, `remap` and `refund_attempts` promise."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.model import Entry, Malformed, State, Wanted, Window
from reconciler.core.records import By, Transition
from reconciler.core.states import REARMED_BY_CHANGE
from reconciler.errors import LedgerError
from reconciler.ledger import opening
from reconciler.ledger.sql_ledger import SqlLedger
from tests.ledger.samples import (
    LATER,
    MINUTE,
    NOON,
    bring_to,
    drained,
    fingerprint,
    intend,
    observation,
    wanted,
)

UNMOVED = sorted(set(State) - REARMED_BY_CHANGE)


def entry_of(ledger: SqlLedger, id_: str = "1") -> Entry:
    (entry,) = ledger.entries.get([id_])
    return entry


def test_a_new_return_becomes_a_pending_entry(ledger):
    news = observation("1")

    ledger.windows.record(drained(news), LATER)

    assert entry_of(ledger) == Entry(
        seen=news.seen,
        wanted=news.wanted,
        fingerprint=news.fingerprint,
        state=State.PENDING,
        changed_at=LATER,
        due_since=LATER,
    )


def test_a_window_fails_as_a_whole_where_what_was_new_is_there_by_now(url, clock):
    news = replace(observation("1", "b", at=LATER), is_new=True)

    with opening.open_ledger(url, clock) as ledger:
        ledger.windows.record(drained(observation("1")), LATER)
        before = entry_of(ledger)
        with pytest.raises(LedgerError):
            ledger.windows.record(drained(observation("2"), news, watermark=LATER), LATER)

    with opening.open_reader(url, clock) as reader:
        assert reader.entries.get(["1", "2"]) == [before]
        assert reader.meta.read().watermark == NOON


def test_an_older_version_is_ignored(ledger):
    ledger.windows.record(drained(observation("1", "b", at=LATER)), LATER)
    before = entry_of(ledger)

    ledger.windows.record(drained(observation("1", "a", at=NOON)), LATER + MINUTE)

    assert entry_of(ledger) == before


@pytest.mark.covers("F30")
def test_of_two_versions_in_one_window_the_newer_counts(ledger):
    newer, older = observation("1", "b", at=LATER), observation("1", "a", at=NOON)

    ledger.windows.record(drained(newer, older), LATER)

    assert entry_of(ledger).fingerprint == newer.fingerprint


def test_of_two_versions_of_the_same_second_the_last_read_counts(ledger):
    ledger.windows.record(drained(observation("1", "a"), observation("1", "b")), NOON)

    assert entry_of(ledger).fingerprint == fingerprint("b")


@pytest.mark.parametrize("state", sorted(REARMED_BY_CHANGE))
def test_a_new_want_makes_pending_and_starts_anew(ledger, state):
    ledger.windows.record(drained(observation("1", "a")), NOON)
    ledger.journal.apply("1", Transition(state=state, reason="why", attempts=3, next_try_at=LATER))

    ledger.windows.record(drained(observation("1", "b", at=LATER)), LATER)

    entry = entry_of(ledger)
    assert entry.state is State.PENDING
    assert (entry.attempts, entry.next_try_at, entry.reason) == (0, None, None)
    assert entry.changed_at == LATER


@pytest.mark.parametrize("state", UNMOVED)
def test_a_new_want_leaves_the_other_states(ledger, state):
    ledger.windows.record(drained(observation("1", "a")), NOON)
    bring_to(ledger, "1", state)

    ledger.windows.record(drained(observation("1", "b", at=LATER)), LATER)

    entry = entry_of(ledger)
    assert entry.state is state
    assert entry.fingerprint == fingerprint("b")
    assert entry.wanted == wanted("b")


def test_patience_counts_from_the_first_thing_left_undone(ledger):
    ledger.windows.record(drained(observation("1", "a")), NOON)
    ledger.journal.apply("1", Transition(state=State.WAITING))

    ledger.windows.record(drained(observation("1", "b", at=LATER)), LATER)

    assert entry_of(ledger).due_since == NOON
    assert entry_of(ledger).changed_at == LATER


@pytest.mark.parametrize("state", [State.SYNCED, State.DEAD, State.SKIPPED])
def test_patience_starts_anew_when_the_program_had_nothing_to_do(ledger, state):
    ledger.windows.record(drained(observation("1", "a")), NOON)
    ledger.journal.apply("1", Transition(state=state))

    ledger.windows.record(drained(observation("1", "b", at=LATER)), LATER)

    assert entry_of(ledger).due_since == LATER


def test_a_change_within_the_same_second_is_not_taken_for_an_older_version(ledger):
    ledger.windows.record(drained(observation("1", "a")), NOON)

    ledger.windows.record(drained(observation("1", "b")), LATER)

    assert entry_of(ledger).fingerprint == fingerprint("b")


def test_the_same_want_only_replaces_what_was_seen(ledger):
    ledger.windows.record(drained(observation("1", "a")), NOON)
    ledger.journal.apply("1", Transition(state=State.DEAD, reason="refused", attempts=2))
    before = entry_of(ledger)
    seen_again = observation("1", "a", at=LATER, order_name="#renamed")

    ledger.windows.record(drained(seen_again), LATER)

    after = entry_of(ledger)
    assert after.seen == seen_again.seen
    assert (after.state, after.attempts, after.changed_at) == (State.DEAD, 2, before.changed_at)
    assert ledger.entries.versions(["1"])["1"].content == seen_again.content
    assert ledger.entries.on_order(None, "#renamed") == [after]


def test_a_touch_moves_the_time_forwards_only(ledger):
    ledger.windows.record(drained(observation("1"), observation("2", at=LATER)), NOON)

    ledger.windows.record(drained(touched=(("1", LATER), ("2", NOON), ("unknown", NOON))), NOON)

    assert entry_of(ledger, "1").seen.updated_at == LATER
    assert entry_of(ledger, "2").seen.updated_at == LATER
    assert ledger.entries.ids_updated_between(LATER, LATER) == {"1", "2"}


@pytest.mark.covers("P4")
def test_the_watermark_moves_forwards_only(ledger):
    ledger.windows.record(drained(watermark=LATER), NOON)
    ledger.windows.record(drained(watermark=LATER - MINUTE), NOON)
    ledger.windows.record(drained(watermark=None), NOON)

    assert ledger.meta.read().watermark == LATER


@pytest.mark.covers("P4")
def test_a_window_that_fails_leaves_nothing_behind(url, clock):
    more_than_a_batch = [observation(str(number)) for number in range(600)]
    poison = observation("poison", at=NOON.replace(tzinfo=None))

    with opening.open_ledger(url, clock) as ledger, pytest.raises(ValueError, match="a zone"):
        ledger.windows.record(drained(*more_than_a_batch, poison, watermark=LATER), NOON)

    with opening.open_reader(url, clock) as reader:
        assert reader.entries.counts_by_state() == {}
        assert reader.meta.read().watermark == NOON


def test_a_malformed_row_is_kept_once_and_cleared_by_a_good_one(ledger):
    bad = Malformed(key="9", problem="state: not a string")
    ledger.windows.record(drained(malformed=(bad,)), NOON)
    ledger.windows.record(drained(malformed=(Malformed(key="9", problem="id: missing"),)), LATER)

    (kept,) = ledger.malformed.oldest(limit=5)
    assert (kept.first_seen, kept.last_seen, kept.problem) == (NOON, LATER, "id: missing")
    assert ledger.malformed.count() == 1

    ledger.windows.record(drained(parsed=("9", "10")), LATER)
    assert ledger.malformed.count() == 0


@pytest.mark.parametrize(
    ("by", "start", "end", "kept"),
    [
        (By.UPDATED, -5, 5, 0),
        (By.UPDATED, 0, 5, 0),
        (By.UPDATED, 1, 5, 1),
        (By.UPDATED, -5, 0, 1),
        (By.CREATED, -5, 5, 1),
        (By.CREATED, -65, -55, 0),
    ],
)
def test_a_row_without_an_id_is_forgotten_where_its_own_time_is_read_without_it(
    ledger, by, start, end, kept
):
    """Minutes around its time; bounds are sent in whole seconds, so a bound at it says nothing."""
    created, updated = NOON - timedelta(hours=1), NOON
    row = Malformed("ab" * 32, "id: missing", created_at=created, updated_at=updated)
    named = replace(row, key="9", return_id="9")
    ledger.windows.record(drained(malformed=(row, named)), LATER)
    window = Window(NOON + start * MINUTE, NOON + end * MINUTE)

    ledger.windows.record(replace(drained(), window=window, by=by), LATER)
    left = {found.return_id for found in ledger.malformed.oldest()}
    assert left == ({"9", None} if kept else {"9"})

    ledger.windows.record(replace(drained(malformed=(row,)), window=window, by=by), LATER)
    assert ledger.malformed.count() == 2, "as long as it is listed"


def test_what_is_understood_in_part_is_kept_and_found_as_such(ledger):
    whole = Malformed("9", "state: absent", "9", "#7")
    part = replace(whole, problem="line_items[0]: expected object, found null", is_partial=True)
    for row, at in [(whole, NOON), (part, LATER)]:
        ledger.windows.record(drained(malformed=(row, Malformed("ab" * 32, "id: missing"))), at)

    [_, kept] = sorted(ledger.malformed.oldest(), key=lambda row: row.return_id or "")

    assert (kept.return_id, kept.order_name, kept.is_partial) == ("9", "#7", True)
    assert (kept.problem, kept.first_seen, kept.last_seen) == (part.problem, NOON, LATER)
    for name in ("9", "7", "#7"):
        assert ledger.malformed.find(name) == [kept]
    assert [row.return_id for row in ledger.malformed.find("ab" * 32)] == [None]
    assert ledger.malformed.find("#") == []


@pytest.mark.covers("F42")
def test_ten_thousand_returns_are_stored_without_holding_them_twice(ledger):
    window = drained(*(observation(str(number)) for number in range(10_000)))
    tracemalloc.start()

    ledger.windows.record(window, NOON)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ledger.entries.counts_by_state() == {State.PENDING: 10_000}
    assert peak < 20_000_000


def remapped(ledger: SqlLedger, version: str, letter: str) -> Iterator[tuple[str, Wanted, bytes]]:
    """What a pass does after `mapping.*` changed: project every entry again, as it is read."""
    for entry in ledger.entries.mapped_otherwise(version):
        yield entry.id, wanted(letter), fingerprint("n")


def test_equal_wants_are_restamped_silently(ledger):
    ledger.windows.record(drained(observation("1"), observation("2"), observation("3")), NOON)
    ledger.journal.apply("1", Transition(state=State.SYNCED, pushed_fingerprint=fingerprint("a")))
    ledger.journal.apply(
        "2", Transition(state=State.FAILED, pushed_fingerprint=fingerprint("o"), attempts=2)
    )
    intend(ledger, "3")

    ledger.entries.remap(remapped(ledger, "m2", "a"), "m2")

    synced, failed, flying = ledger.entries.get(["1", "2", "3"])
    assert {entry.fingerprint for entry in (synced, failed, flying)} == {fingerprint("n")}
    assert (synced.state, synced.pushed_fingerprint) == (State.SYNCED, fingerprint("n"))
    assert (failed.state, failed.pushed_fingerprint) == (State.FAILED, fingerprint("o"))
    assert failed.attempts == 2
    assert flying.intents[0].fingerprint == fingerprint("n")
    assert list(ledger.entries.mapped_otherwise("m2")) == []
    assert [entry.id for entry in ledger.entries.mapped_otherwise("m1")] == ["1", "2", "3"]


def test_different_wants_are_treated_as_news(ledger, clock):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    ledger.journal.apply("1", Transition(state=State.SYNCED, pushed_fingerprint=fingerprint("a")))
    bring_to(ledger, "2", State.REVIEW)
    clock.time = LATER

    ledger.entries.remap(remapped(ledger, "m2", "b"), "m2")

    synced, reviewed = ledger.entries.get(["1", "2"])
    # The settings changed and not the return, so `changed_at` stays.
    assert (synced.state, synced.changed_at, synced.due_since) == (State.PENDING, NOON, LATER)
    assert synced.pushed_fingerprint == fingerprint("a")
    assert reviewed.state is State.REVIEW
    assert list(ledger.entries.mapped_otherwise("m2")) == []


def test_a_mapping_is_accepted_until_the_next_one(ledger):
    ledger.meta.accept_mapping("m2")

    assert ledger.meta.read().mapping_version == "m2"


def test_an_outage_is_forgiven(ledger):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    ledger.journal.apply(
        "1", Transition(state=State.FAILED, attempts=3, next_try_at=LATER, reason="503")
    )
    ledger.journal.apply("2", Transition(state=State.DEAD, attempts=8))

    ledger.journal.refund_attempts(["1", "2"])

    failed, dead = ledger.entries.get(["1", "2"])
    assert (failed.state, failed.attempts, failed.next_try_at) == (State.PENDING, 2, None)
    assert (dead.state, dead.attempts) == (State.DEAD, 8)


def test_a_new_return_that_needs_no_push_starts_where_a_step_would_take_it(ledger):
    held = replace(observation("1"), state=State.SKIPPED, reason="held")
    ledger.windows.record(drained(held, observation("2")), NOON)
    ledger.journal.apply("2", Transition(State.SKIPPED, "held"))

    started, stepped = ledger.entries.get(["1", "2"])

    assert started == replace(
        stepped, seen=observation("1").seen, wanted=started.wanted, fingerprint=started.fingerprint
    )
    assert (started.state, started.reason, started.due_since) == (State.SKIPPED, "held", None)


def test_where_a_new_return_starts_does_not_concern_a_known_one(ledger):
    ledger.windows.record(drained(observation("1", at=NOON - MINUTE)), NOON)
    held = replace(observation("1", want="other"), state=State.SKIPPED)
    ledger.windows.record(drained(held), NOON)

    [entry] = ledger.entries.get(["1"])

    assert (entry.state, entry.due_since) == (State.PENDING, NOON)
