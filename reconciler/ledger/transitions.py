"""Steps of entries from state to state; an illegal one raises LedgerError.

Many entries take their steps together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, bindparam, func, or_, select

from reconciler.core.batches import BATCH
from reconciler.core.model import Operation, SaleReturn, State, Write
from reconciler.core.records import Transition
from reconciler.core.states import NEEDS_A_PERSON, OPEN, predecessors
from reconciler.errors import LedgerError, SafetyStop
from reconciler.ledger.entry_updates import NO_TRY_YET, Values
from reconciler.ledger.loading import columns_of, owners
from reconciler.ledger.tables import attempts, entries, intents, meta, sale_returns

Step = tuple[str, Transition]
"""A return id, and the step that its entry takes."""


class StepStart(Struct, frozen=True):
    """The columns that a step depends on."""

    return_id: str
    state: State
    fingerprint: bytes
    pushed_fingerprint: bytes | None
    attempts: int
    due_since: datetime | None


_STARTS = select(*columns_of(entries, StepStart)).where(
    entries.c.return_id.in_(bindparam("these", expanding=True))
)
_STEP = entries.update().where(
    entries.c.return_id == bindparam("this"), entries.c.state == bindparam("was")
)
_OUTSTANDING = (
    select(func.count())
    .select_from(intents)
    .where(intents.c.return_id == bindparam("this"), intents.c.closed_as.is_(None))
    .scalar_subquery()
)
_BEFORE_A_WRITE = select(
    meta.c.has_pushed, meta.c.creation_stopped, _OUTSTANDING.label("outstanding")
)
_CLOSE = intents.update().where(
    intents.c.return_id == bindparam("this"), intents.c.closed_as.is_(None)
)
_NOTE_ABSENT = _CLOSE.where(
    # Later than now was noted by a clock that was ahead.
    or_(intents.c.absent_at.is_(None), intents.c.absent_at > bindparam("now"))
).values(absent_at=bindparam("now"))
_FORGET_SALE_RETURNS = sale_returns.delete().where(sale_returns.c.return_id == bindparam("this"))
_ADD_SALE_RETURNS = sale_returns.insert()
_ADD_ATTEMPTS = attempts.insert()
_HAS_PUSHED = meta.update().where(meta.c.has_pushed == 0).values(has_pushed=1)


def starts(connection: Connection, return_ids: Sequence[str]) -> dict[str, StepStart]:
    """What a step of each starts from. Raises LedgerError for a return without an entry."""
    rows = connection.execute(_STARTS, {"these": return_ids})
    found = {row.return_id: StepStart(*row) for row in rows}
    for return_id in return_ids:
        if return_id not in found:
            raise LedgerError(f"the ledger has no entry of return {return_id}")
    return found


def portions(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps in their order, in lists of at most 500 in which no return occurs twice."""
    portion: dict[str, Step] = {}
    for step in steps:
        if step[0] in portion or len(portion) == BATCH:
            yield list(portion.values())
            portion = {}
        portion[step[0]] = step
    if portion:
        yield list(portion.values())


def take(connection: Connection, steps: Sequence[Step], now: datetime) -> None:
    """Take one step with each of these entries. Raises LedgerError for an illegal one."""
    before = starts(connection, [return_id for return_id, _ in steps])
    move(
        connection,
        [(before[id_], *_after(before[id_], transition, now)) for id_, transition in steps],
    )
    owned = {id_: t.sale_returns for id_, t in steps if t.sale_returns is not None}
    if owned:
        _replace_sale_returns(connection, owned)
    absent = [(id_, t.intents_absent_at) for id_, t in steps if t.intents_absent_at is not None]
    if absent:
        connection.execute(_NOTE_ABSENT, [{"this": id_, "now": at} for id_, at in absent])
    closed = [(id_, t.intents_closed_as) for id_, t in steps if t.intents_closed_as is not None]
    if closed:
        connection.execute(_CLOSE, [{"this": id_, "closed_as": how} for id_, how in closed])
    made = [{"return_id": id_, **asdict(t.attempt)} for id_, t in steps if t.attempt is not None]
    if made:
        connection.execute(_ADD_ATTEMPTS, made)


def move(connection: Connection, moves: Sequence[tuple[StepStart, State, Values]]) -> None:
    """Take entries to other states, with other columns set on the way; of every move the same.

    Raises LedgerError if `core.states` does not allow one.
    """
    for start, after, _ in moves:
        # safeguard: legal-transitions
        if start.state not in predecessors(after):
            raise LedgerError(f"return {start.return_id} cannot go from {start.state} to {after}")
    rows = [
        {"this": start.return_id, "was": start.state, "state": after, **values}
        for start, after, values in moves
    ]
    if connection.execute(_STEP, rows).rowcount != len(rows):
        raise LedgerError("an entry changed its state while a step of it was being recorded")


def admit(connection: Connection, return_id: str, write: Write) -> None:
    """Remember that something is pushed; stop a write that must never be sent, whatever planned it.

    Raises ValueError, SafetyStop, LedgerError (`core.ports.Journal.intend`).
    """
    found = connection.execute(_BEFORE_A_WRITE, {"this": return_id}).one()
    if write.operation is Operation.CREATE:
        # safeguard: no-empty-id-list
        if not write.sale_item_ids:
            raise ValueError(f"return {return_id}: a create without items returns the whole sale")
        # safeguard: no-intent-while-creation-is-stopped
        if found.creation_stopped is not None:
            raise SafetyStop(f"return {return_id}: creating is stopped: {found.creation_stopped}")
    # safeguard: one-write-at-a-time
    if found.outstanding:
        raise LedgerError(f"return {return_id}: it is not known yet what became of its last write")
    if not found.has_pushed:
        connection.execute(_HAS_PUSHED)


def _after(start: StepStart, transition: Transition, now: datetime) -> tuple[State, Values]:
    """The state that the transition really leads to, and the other columns it sets."""
    state, pushed = transition.state, transition.pushed_fingerprint
    values: Values = {
        "reason": transition.reason,
        "attempts": start.attempts if transition.attempts is None else transition.attempts,
        "next_try_at": transition.next_try_at,
        "pushed_fingerprint": start.pushed_fingerprint if pushed is None else pushed,
    }
    if state is State.SYNCED and pushed is not None and pushed != start.fingerprint:
        # What is wanted has changed meanwhile.
        values |= NO_TRY_YET
        state = State.PENDING
    values["due_since"] = _due_since(start, state, now)
    return state, values


def _due_since(start: StepStart, after: State, now: datetime) -> datetime | None:
    """Since when the program or a person has something to do; None when neither has."""
    if after in OPEN:
        return start.due_since if start.due_since and start.state in OPEN else now
    if after in NEEDS_A_PERSON:
        return start.due_since or now
    return None


def _replace_sale_returns(
    connection: Connection, owned: Mapping[str, tuple[SaleReturn, ...]]
) -> None:
    """Store all sale returns of these entries. Raises LedgerError when one is another entry's."""
    claimed = {one.id: return_id for return_id, ours in owned.items() for one in ours}
    known = owners(connection, claimed)
    for id_, owner in known.items():
        # safeguard: one-owner-per-sale-return
        if owner != claimed[id_]:
            raise LedgerError(
                f"return {claimed[id_]}: sale return {id_} already belongs to return {owner}",
                f"look at both with `reconciler show {owner}`",
            )
    connection.execute(_FORGET_SALE_RETURNS, [{"this": return_id} for return_id in owned])
    rows = [{"return_id": id_, **asdict(one)} for id_, ours in owned.items() for one in ours]
    if rows:
        connection.execute(_ADD_SALE_RETURNS, rows)
    if claimed.keys() - known.keys():
        connection.execute(_HAS_PUSHED)
