"""What `intend` and `apply` promise: legal steps only, each whole or not at all."""

from __future__ import annotations

import random
from itertools import product

import pytest
from msgspec.structs import replace

from reconciler.core import states
from reconciler.core.model import IntentOutcome, Operation, State, Write
from reconciler.core.records import Attempt, Transition
from reconciler.errors import LedgerError, SafetyStop
from reconciler.ledger import opening
from tests.ledger.samples import (
    BIRTH,
    CREATE,
    LATER,
    MINUTE,
    NOON,
    bring_to,
    drained,
    fingerprint,
    intend,
    observation,
    sale_return,
    state_of,
)

STEPS = sorted(product(State, State))
LEGAL = [(before, after) for before, after in STEPS if before in states.predecessors(after)]
IN_THE_AIR = {State.IN_FLIGHT, State.UNKNOWN}
ILLEGAL = [step for step in STEPS if step not in LEGAL]

APPLIED = Attempt(at=NOON, operation=Operation.CREATE, target_id=10, answer="applied", status=200)


@pytest.fixture
def ledger(ledger):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    return ledger


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_a_legal_step_is_taken(ledger, before, after):
    bring_to(ledger, "1", before)

    ledger.journal.apply("1", Transition(state=after, reason="why"))

    (entry,) = ledger.entries.get(["1"])
    assert (entry.state, entry.reason) == (after, "why")


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_an_illegal_step_changes_nothing(ledger, before, after):
    bring_to(ledger, "1", before)
    (entry,) = ledger.entries.get(["1"])
    transition = Transition(
        state=after,
        reason="why",
        attempts=9,
        sale_returns=(sale_return(),),
        intents_closed_as=IntentOutcome.APPLIED,
        attempt=APPLIED,
    )

    with pytest.raises(LedgerError, match=f"return 1 cannot go from {before} to {after}"):
        ledger.journal.apply("1", transition)

    assert ledger.entries.get(["1"]) == [entry]
    assert ledger.journal.attempts_of("1") == []


def test_a_return_without_an_entry_takes_no_step(ledger):
    with pytest.raises(LedgerError, match="no entry of return 99"):
        ledger.journal.apply("99", Transition(state=State.PENDING))
    with pytest.raises(LedgerError, match="no entry of return 99"):
        intend(ledger, "99")


def test_a_step_does_not_touch_its_neighbour(ledger):
    (neighbour,) = ledger.entries.get(["2"])

    ledger.journal.apply(
        "1", Transition(state=State.DEAD, sale_returns=(sale_return(),), attempt=APPLIED)
    )

    assert ledger.entries.get(["2"]) == [neighbour]


def test_many_steps_are_taken_together_or_not_at_all(ledger):
    ledger.journal.apply_all(
        [("1", Transition(state=State.WAITING)), ("2", Transition(state=State.SKIPPED))]
    )
    assert ledger.entries.counts_by_state() == {State.WAITING: 1, State.SKIPPED: 1}

    with pytest.raises(LedgerError, match="return 2 cannot go"):
        ledger.journal.apply_all(
            [("1", Transition(state=State.DEAD)), ("2", Transition(state=State.SYNCED))]
        )

    assert ledger.entries.counts_by_state() == {State.WAITING: 1, State.SKIPPED: 1}


def some_steps(seed: int, returns: int, steps: int) -> list[tuple[str, Transition]]:
    """Legal ones, of which some returns take several."""
    rng = random.Random(seed)
    at = {str(number): State.PENDING for number in range(returns)}
    taken: list[tuple[str, Transition]] = []
    for number in range(steps):
        id_ = rng.choice(sorted(at))
        after = rng.choice([b for a, b in LEGAL if a is at[id_] and b not in IN_THE_AIR])
        pushed = rng.choice([None, fingerprint("a"), fingerprint("b")])
        goes_back = after is State.SYNCED and pushed == fingerprint("b")
        at[id_] = State.PENDING if goes_back else after
        transition = Transition(
            state=after,
            reason=rng.choice([None, f"reason {number}"]),
            attempts=rng.choice([None, number]),
            next_try_at=rng.choice([None, LATER]),
            pushed_fingerprint=pushed,
            sale_returns=rng.choice([None, (), (sale_return(1000 + int(id_)),)]),
            attempt=rng.choice([None, replace(APPLIED, target_id=number)]),
        )
        taken.append((id_, transition))
    return taken


@pytest.mark.parametrize("seed", range(3))
def test_steps_taken_together_come_to_the_same_as_one_after_the_other(
    seed, ledger, tmp_path, clock
):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    opening.create(url, BIRTH, clock)
    steps = some_steps(seed, returns=20, steps=50)
    with opening.open_ledger(url, clock) as other:
        ids = [str(number) for number in range(20)]
        for one in (ledger, other):
            one.windows.record(drained(*map(observation, ids)), NOON)
        ledger.journal.apply_all(steps)
        for return_id, transition in steps:
            other.journal.apply(return_id, transition)

        assert ledger.entries.get(ids) == other.entries.get(ids)
        assert len({entry.state for entry in ledger.entries.get(ids)}) > 3
        for return_id in ids:
            assert ledger.journal.attempts_of(return_id) == other.journal.attempts_of(return_id)


def test_a_thousand_steps_are_taken_together(ledger):
    ids = [str(number) for number in range(1001)]
    ledger.windows.record(drained(*map(observation, ids)), NOON)

    ledger.journal.apply_all([(id_, Transition(State.SKIPPED, f"because {id_}")) for id_ in ids])

    assert {entry.id: entry.reason for entry in ledger.entries.get(ids)} == {
        id_: f"because {id_}" for id_ in ids
    }
    assert ledger.entries.counts_by_state() == {State.SKIPPED: 1001}


def test_a_move_stores_all_it_says(ledger):
    transition = Transition(
        state=State.WAITING,
        reason="no such order yet",
        attempts=2,
        next_try_at=LATER,
        sale_returns=(sale_return(7), sale_return(8, purchase_id=3)),
        pushed_fingerprint=fingerprint("p"),
        attempt=APPLIED,
    )

    ledger.journal.apply("1", transition)

    (entry,) = ledger.entries.get(["1"])
    assert (entry.attempts, entry.next_try_at) == (2, LATER)
    assert entry.sale_returns == transition.sale_returns
    assert entry.pushed_fingerprint == fingerprint("p")
    assert ledger.journal.attempts_of("1") == [APPLIED]


def test_what_a_move_does_not_say_stays(ledger):
    known = Transition(
        state=State.FAILED,
        attempts=2,
        sale_returns=(sale_return(),),
        pushed_fingerprint=fingerprint("p"),
    )
    ledger.journal.apply("1", known)

    ledger.journal.apply("1", Transition(state=State.PENDING))

    (entry,) = ledger.entries.get(["1"])
    assert entry.attempts == 2
    assert entry.sale_returns == known.sale_returns
    assert entry.pushed_fingerprint == fingerprint("p")


def test_sale_returns_are_replaced_as_a_whole(ledger):
    ledger.journal.apply(
        "1", Transition(state=State.PENDING, sale_returns=(sale_return(7), sale_return(8)))
    )

    ledger.journal.apply(
        "1", Transition(state=State.PENDING, sale_returns=(sale_return(8, reference="R-new"),))
    )

    (entry,) = ledger.entries.get(["1"])
    assert entry.sale_returns == (sale_return(8, reference="R-new"),)


def test_one_sale_return_never_belongs_to_two_entries(ledger):
    ledger.journal.apply("1", Transition(state=State.PENDING, sale_returns=(sale_return(7),)))

    with pytest.raises(LedgerError, match="sale return 7 already belongs to return 1"):
        ledger.journal.apply("2", Transition(state=State.PENDING, sale_returns=(sale_return(7),)))

    first, second = ledger.entries.get(["1", "2"])
    assert (first.sale_returns, second.sale_returns) == ((sale_return(7),), ())


def test_synced_with_the_newest_want_is_synced(ledger):
    ledger.journal.apply("1", Transition(state=State.SYNCED, pushed_fingerprint=fingerprint("a")))

    assert state_of(ledger, "1") is State.SYNCED


def test_synced_with_an_older_want_is_pending_again(ledger):
    intend(ledger, "1")
    ledger.journal.apply("1", Transition(state=State.UNKNOWN, attempts=2))
    ledger.windows.record(drained(observation("1", "b", at=LATER)), LATER)

    adopted = Transition(
        state=State.SYNCED,
        pushed_fingerprint=fingerprint("a"),
        intents_closed_as=IntentOutcome.READ_BACK,
    )
    ledger.journal.apply("1", adopted)

    (entry,) = ledger.entries.get(["1"])
    assert (entry.state, entry.attempts) == (State.PENDING, 0)
    assert (entry.pushed_fingerprint, entry.fingerprint) == (fingerprint("a"), fingerprint("b"))
    assert entry.due_since == NOON


def test_patience_starts_when_there_is_something_to_do_again(ledger, clock):
    ledger.journal.apply("1", Transition(state=State.SYNCED))
    clock.time = LATER

    ledger.journal.apply("1", Transition(state=State.REVIEW))
    assert ledger.entries.get(["1"])[0].due_since == LATER

    clock.time = LATER + MINUTE
    ledger.journal.apply("1", Transition(state=State.PENDING))
    assert ledger.entries.get(["1"])[0].due_since == LATER + MINUTE


def test_patience_goes_on_through_every_further_step(ledger, clock):
    clock.time = LATER

    for state in (State.WAITING, State.FAILED, State.PENDING, State.DEAD):
        ledger.journal.apply("1", Transition(state=state))
        assert ledger.entries.get(["1"])[0].due_since == NOON


def test_an_intent_is_on_disk_before_the_write(ledger, url, clock):
    intent = ledger.journal.intend("1", CREATE, before={9, 3}, sent_at=NOON, settle_at=LATER)

    with opening.open_reader(url, clock) as stranger:
        (entry,) = stranger.entries.get(["1"])
    assert entry.state is State.IN_FLIGHT
    assert entry.intents == (intent,)
    assert (intent.write, intent.before, intent.fingerprint) == (CREATE, (3, 9), fingerprint("a"))
    assert (intent.sent_at, intent.settle_at, intent.absent_at) == (NOON, LATER, None)


def test_a_closed_intent_is_history(ledger):
    intend(ledger, "1")

    ledger.journal.apply(
        "1", Transition(state=State.SYNCED, intents_closed_as=IntentOutcome.APPLIED)
    )

    assert ledger.entries.get(["1"])[0].intents == ()
    assert [past.outcome for past in ledger.journal.writes_of("1")] == ["applied"]


def test_the_first_read_back_that_found_nothing_is_remembered(ledger):
    bring_to(ledger, "1", State.UNKNOWN)

    ledger.journal.apply("1", Transition(state=State.UNKNOWN, intents_absent_at=LATER))
    ledger.journal.apply("1", Transition(state=State.UNKNOWN, intents_absent_at=LATER + MINUTE))

    assert ledger.entries.get(["1"])[0].intents[0].absent_at == LATER


def test_one_write_after_the_other_is_told_apart(ledger):
    intend(ledger, "1")
    ledger.journal.apply(
        "1", Transition(state=State.IN_FLIGHT, intents_closed_as=IntentOutcome.APPLIED)
    )
    update = Write(operation=Operation.UPDATE_ITEM, target_id=5, fields={"quantity": 2})

    intend(ledger, "1", update)

    first, second = ledger.journal.writes_of("1")
    assert (first.operation, first.outcome) == (Operation.CREATE, "applied")
    assert (second.operation, second.target_id) == (Operation.UPDATE_ITEM, 5)
    assert (second.fields, second.outcome) == ({"quantity": 2}, None)


def test_no_second_write_while_the_first_is_unknown(ledger):
    intend(ledger, "1")

    with pytest.raises(LedgerError, match="what became of its last write"):
        intend(ledger, "1")

    assert len(ledger.journal.writes_of("1")) == 1


@pytest.mark.covers("F73")
def test_a_create_without_items_is_never_intended(ledger):
    with pytest.raises(ValueError, match="returns the whole sale"):
        intend(ledger, "1", Write(operation=Operation.CREATE, target_id=10))

    assert state_of(ledger, "1") is State.PENDING


def test_stopped_creation_stops_every_later_run(ledger, url, clock):
    ledger.meta.stop_creation("1", "cancelled a whole sale")
    ledger.meta.stop_creation("2", "a later reason")

    with pytest.raises(SafetyStop, match="return 1: cancelled a whole sale"):
        intend(ledger, "1")
    intend(ledger, "2", Write(operation=Operation.UPDATE_ITEM, target_id=5))

    with opening.open_reader(url, clock) as later:
        assert later.meta.read().creation_stopped == "return 1: cancelled a whole sale"
        assert later.meta.read().creation_stopped_by == "1"


@pytest.mark.parametrize(
    "push",
    [
        lambda ledger: intend(ledger, "1"),
        lambda ledger: ledger.journal.apply(
            "1", Transition(state=State.SYNCED, sale_returns=(sale_return(),))
        ),
    ],
)
def test_a_ledger_remembers_that_it_has_pushed(ledger, push):
    assert not ledger.meta.read().has_pushed

    push(ledger)

    assert ledger.meta.read().has_pushed


def test_a_spelling_counts_when_a_second_order_shows_the_same(ledger, url, clock):
    assert not ledger.spellings.learn("EU", "", "4800")
    assert not ledger.spellings.learn("EU", "", "4800"), "the same order says it twice"
    assert not ledger.spellings.learn("EU", "-B", "4801"), "another spelling"
    assert ledger.spellings.learn("EU", "", "4802")

    with opening.open_reader(url, clock) as later:
        assert later.spellings.learn("EU", "", "4800")
        assert later.spellings.learn("EU", "", "9")


def test_pins_are_set_once_and_forgotten_on_demand(ledger):
    ledger.meta.pin(shop="alpha")
    ledger.meta.pin(shop="beta", account="77")
    assert (ledger.meta.read().shop, ledger.meta.read().account) == ("alpha", "77")

    ledger.meta.repin()
    assert (ledger.meta.read().shop, ledger.meta.read().account) == (None, None)


def test_creates_without_an_answer_are_known_until_somebody_settles_them(ledger):
    ledger.windows.record(drained(observation("3")), NOON)
    intend(ledger, "2")
    intend(ledger, "1")
    intend(ledger, "3", Write(operation=Operation.UPDATE_ITEM, target_id=5))
    assert ledger.journal.unanswered_creates() == ["1", "2"]

    ledger.journal.apply("1", Transition(state=State.UNKNOWN))
    ledger.journal.apply("2", Transition(state=State.REVIEW))
    assert ledger.journal.unanswered_creates() == ["1"]

    ledger.journal.apply(
        "1", Transition(state=State.PENDING, intents_closed_as=IntentOutcome.ABSENT)
    )
    assert ledger.journal.unanswered_creates() == []


def test_a_verified_create_is_remembered_with_its_key(ledger):
    ledger.meta.prove_create("ids")

    assert ledger.meta.read().proven_ids_key == "ids"
