"""Steps of one entry from state to state; an illegal one raises LedgerError."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

from reconciler.core.model import Operation, SaleReturn, State, Write
from reconciler.core.records import Transition
from reconciler.core.states import NEEDS_A_PERSON, OPEN, predecessors
from reconciler.errors import LedgerError, SafetyStop
from reconciler.ledger.entry_updates import START_ANEW, StoredEntry, Values, entries_before
from reconciler.ledger.tables import entries, intents, meta, sale_returns


def entry_before(connection: Connection, return_id: str) -> StoredEntry:
    """What a step starts from. Raises LedgerError for a return without an entry."""
    found = entries_before(connection, [return_id])
    if return_id not in found:
        raise LedgerError(f"the ledger has no entry of return {return_id}")
    return found[return_id]


def refuse_forbidden(connection: Connection, return_id: str, write: Write) -> None:
    """Stop a write that must never be sent, whatever planned it.

    Raises ValueError, SafetyStop, LedgerError (`core.ports.Journal.intend`).
    """
    if write.operation is Operation.CREATE:
        # safeguard: no-empty-id-list
        if not write.sale_item_ids:
            raise ValueError(f"return {return_id}: a create without items returns the whole sale")
        stopped = connection.execute(select(meta.c.creation_stopped)).scalar_one()
        # safeguard: no-intent-while-creation-is-stopped
        if stopped is not None:
            raise SafetyStop(f"return {return_id}: creating is stopped: {stopped}")
    query = (
        select(func.count())
        .select_from(intents)
        .where(intents.c.return_id == return_id, intents.c.closed_as.is_(None))
    )
    # safeguard: one-write-at-a-time
    if connection.execute(query).scalar_one():
        raise LedgerError(f"return {return_id}: it is not known yet what became of its last write")


def step(connection: Connection, before: StoredEntry, after: State, values: Values) -> None:
    """Take the entry to that state. Raises LedgerError if `core.states` does not allow it."""
    # safeguard: legal-transitions
    legal = entries.c.state.in_(predecessors(after))
    statement = entries.update().where(entries.c.return_id == before.return_id, legal)
    if connection.execute(statement.values(values | {"state": after})).rowcount != 1:
        raise LedgerError(f"return {before.return_id} cannot go from {before.state} to {after}")


def after(before: StoredEntry, transition: Transition) -> tuple[State, Values]:
    """The state that the transition really leads to, and the other columns it sets."""
    values: Values = {"reason": transition.reason, "next_try_at": transition.next_try_at}
    if transition.attempts is not None:
        values["attempts"] = transition.attempts
    pushed = transition.pushed_fingerprint
    if pushed is None:
        return transition.state, values
    values["pushed_fingerprint"] = pushed
    if transition.state is State.SYNCED and pushed != before.fingerprint:
        return State.PENDING, values | START_ANEW
    return transition.state, values


def due_since(before: StoredEntry, after: State, now: datetime) -> datetime | None:
    """Since when the program or a person has something to do; None when neither has."""
    if after in OPEN:
        return before.due_since if before.due_since and before.state in OPEN else now
    if after in NEEDS_A_PERSON:
        return before.due_since or now
    return None


def replace_sale_returns(
    connection: Connection, return_id: str, ours: tuple[SaleReturn, ...]
) -> None:
    """Store all sale returns of the entry. Raises LedgerError when one is another entry's."""
    query = select(sale_returns.c.id, sale_returns.c.return_id).where(
        sale_returns.c.id.in_([one.id for one in ours]), sale_returns.c.return_id != return_id
    )
    taken = connection.execute(query).first()
    # safeguard: one-owner-per-sale-return
    if taken is not None:
        raise LedgerError(
            f"return {return_id}: sale return {taken.id} already belongs to return "
            f"{taken.return_id}",
            f"look at both with `reconciler show {taken.return_id}`",
        )
    connection.execute(sale_returns.delete().where(sale_returns.c.return_id == return_id))
    if ours:
        rows = [msgspec.structs.asdict(one) for one in ours]
        connection.execute(sale_returns.insert().values(return_id=return_id), rows)
        connection.execute(meta.update().where(meta.c.has_pushed == 0).values(has_pushed=1))


def stamp_intents(connection: Connection, return_id: str, transition: Transition) -> None:
    """Close the outstanding intents, or note the first read-back that found nothing."""
    outstanding = intents.update().where(
        intents.c.return_id == return_id, intents.c.closed_as.is_(None)
    )
    if transition.intents_absent_at is not None:
        first = outstanding.where(intents.c.absent_at.is_(None))
        connection.execute(first.values(absent_at=transition.intents_absent_at))
    if transition.intents_closed_as is not None:
        connection.execute(outstanding.values(closed_as=transition.intents_closed_as))
