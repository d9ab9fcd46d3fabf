"""Everything about one return: seen, wanted, pushed, every attempt, and what happens next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core.decisions import Decided, Decision, outlook_of_row, possible, version
from reconciler.core.field_changes import FieldChange
from reconciler.core.instants import to_the_second
from reconciler.core.left_over import LeftOver, left_over
from reconciler.core.live_order import LiveOrder
from reconciler.core.model import Entry, IntentOutcome, Operation, Return, SaleReturn, State, Wanted
from reconciler.core.records import Attempt, PastWrite, SetAside
from reconciler.core.report import Failure
from reconciler.core.retry import ORDERS_ARRIVE_WITHIN, TRIES
from reconciler.core.states import UNANSWERED
from reconciler.core.summary import CREATION_STOPPED, needs_creating
from reconciler.core.timeline import Event, known_since, timeline

_TOOK_EFFECT = (
    IntentOutcome.APPLIED,
    IntentOutcome.READ_BACK,
    IntentOutcome.SHORT,
    IntentOutcome.OVERREACHED,
)


class SettlingCommand(Struct, frozen=True):
    """A command that could settle it."""

    command: str
    does: str | None = None
    """None of a decision, whose command says it."""


class ReturnDetail(Struct, frozen=True, kw_only=True):
    """One return as `show` reports it."""

    return_id: str
    state: str
    reason: str | None
    next: str
    """What happens next and why."""
    due_since: datetime | None
    next_try_at: datetime | None
    tries: int
    changed_at: datetime | None
    fingerprint: str
    pushed_fingerprint: str | None
    seen: Return
    wanted: Wanted
    pushed: tuple[SaleReturn, ...]
    writes: tuple[PastWrite, ...]
    attempts: tuple[Attempt, ...]
    remarks: tuple[str, ...] = ()
    """What operators should know about it besides its state."""
    lacks: tuple[FieldChange, ...] = ()
    """What was understood but is not pushed yet."""
    left: LeftOver = LeftOver()
    """What the last push left although it is wanted."""
    never_pushed: tuple[int, ...] = ()
    """Ids of sale returns to which no push is recorded: they are as found when adopted."""
    is_history_whole: bool = True
    """Whether no older push can have been pruned, so that those were certainly not pushed."""
    not_understood: SetAside | None = None
    """Its current row in Loop, if that is malformed, wholly or in part."""
    known_since: datetime | None = None
    """When it was in the ledger at the latest; perhaps it was earlier."""
    read_up_to: datetime | None = None
    """Up to when Loop has been read, and has shown no later change of it."""
    timeline: tuple[Event, ...] = ()
    """What happened, and what is to come, in its order."""
    version: str = ""
    """Changes with everything that a decision about it rests on."""
    decisions: tuple[Decided, ...] = ()
    """Oldest first."""
    commands: tuple[SettlingCommand, ...] = ()
    """What could settle it."""
    live: LiveOrder | None = None
    """What Jetti holds now; None where it was not asked, or did not answer."""


class RowDetail(Struct, frozen=True):
    """What can be decided about a row that was not understood at all."""

    key: str
    version: str
    commands: tuple[SettlingCommand, ...]


class ReturnDetails(Struct, frozen=True):
    """The returns that were asked for: one, or all on an order."""

    returns: tuple[ReturnDetail, ...]
    not_understood: tuple[SetAside, ...] = ()
    """Those that were never understood."""
    rows: tuple[RowDetail, ...] = ()
    """One for each of `not_understood`."""
    asked_for: str = ""
    """The id or the order that was typed."""
    is_beside_a_run: bool = False
    """Whether a run was going on: what it was writing just then may not be here yet."""
    jetti_asked_at: datetime | None = None
    """None where Jetti was not asked."""
    failures: tuple[Failure, ...] = ()
    """What kept Jetti from being read."""
    exit_code: int = 0


class Known(Struct, frozen=True):
    """What is known besides the entry, its writes and their answers."""

    settle: timedelta = timedelta(0)
    """`jetti.settle`."""
    watermark: datetime | None = None
    is_only_too_old: bool = False
    """Whether nothing but go-live keeps it from being created."""
    creation_stopped_by: str | None = None
    """The return that someone has to decide about before anything is created again."""
    decisions: tuple[Decided, ...] = ()
    unknown_words: tuple[str, ...] = ()
    """A sentence about each."""
    live: LiveOrder | None = None
    is_history_whole: bool = True
    """Whether writes from its whole time in this ledger are still kept."""


NOTHING_ELSE = Known()


class Turn(Struct, frozen=True):
    """When a pending return comes to be pushed: its place in a pass."""

    before: int
    """Returns of the same part that come first."""
    is_backlog: bool
    """Of the backlog, or else of what is fresh."""


def describe(
    entry: Entry,
    writes: tuple[PastWrite, ...],
    attempts: tuple[Attempt, ...],
    *,
    remarks: tuple[str, ...] = (),
    lacks: tuple[FieldChange, ...] = (),
    not_understood: SetAside | None = None,
    stopped_with: str | None = None,
    creation_stopped: str | None = None,
    turn: Turn | None = None,
    known: Known = NOTHING_ELSE,
) -> ReturnDetail:
    """Describe an entry. `stopped_with` is the digest of the stopped plan that it belongs to,
    `creation_stopped` why nothing is created any more; `turn` is that of a pending one."""
    circumstances = Circumstances(not_understood is not None, stopped_with, creation_stopped)
    # safeguard: what-is-too-old-is-only-looked-for
    by_itself = _LOOKED_FOR if _is_only_looked_for(entry, known) else what_next(entry, turn)
    following = what_follows(entry, by_itself, circumstances)
    return ReturnDetail(
        return_id=entry.id,
        state=entry.state.value,
        reason=entry.reason,
        next=following,
        due_since=entry.due_since,
        next_try_at=entry.next_try_at,
        tries=entry.attempts,
        changed_at=entry.changed_at,
        fingerprint=entry.fingerprint.hex(),
        pushed_fingerprint=entry.pushed_fingerprint.hex() if entry.pushed_fingerprint else None,
        seen=entry.seen,
        wanted=entry.wanted,
        pushed=entry.sale_returns,
        writes=writes,
        attempts=attempts,
        remarks=(*remarks, *known.unknown_words),
        lacks=lacks,
        left=left_over(entry),
        never_pushed=never_pushed(entry, writes),
        is_history_whole=known.is_history_whole,
        not_understood=not_understood,
        known_since=known_since(entry, attempts, not_understood),
        read_up_to=_read_up_to(entry, not_understood, known),
        timeline=timeline(
            entry, writes, attempts, not_understood, known.decisions, settle=known.settle
        ),
        version=version(entry, not_understood),
        decisions=known.decisions,
        commands=tuple(_commands(entry, circumstances, known)),
        live=known.live,
    )


def never_pushed(entry: Entry, writes: Iterable[PastWrite]) -> tuple[int, ...]:
    """Ids of its sale returns which no recorded write has made or changed."""
    effective = [write for write in writes if write.outcome in _TOOK_EFFECT]
    # safeguard: adopted-is-not-called-pushed
    written = {write.target_id for write in effective if write.operation is not Operation.CREATE}
    created = {item for write in effective for item in write.sale_item_ids}
    return tuple(
        known.id
        for known in entry.sale_returns
        if written.isdisjoint({known.id, *(item.id for item in known.items)})
        and created.isdisjoint(item.sale_item_id for item in known.items)
    )


def describe_row(row: SetAside) -> RowDetail:
    """Describe a row of which there is no entry."""
    deciding = [outlook_of_row(row, one) for one in (Decision.RETRY, Decision.IGNORE)]
    retry, ignore = (one.refusal is None for one in deciding)
    name = row.return_id or row.key
    commands = (
        (row.return_id is not None, f"reconciler run --return {name}", "reads it from Loop again"),
        (retry, f"reconciler retry {name}", None),
        (ignore, f"reconciler ignore {name} --reason TEXT", None),
    )
    return RowDetail(
        row.key,
        deciding[0].version,
        tuple(SettlingCommand(text, does) for is_possible, text, does in commands if is_possible),
    )


def _read_up_to(entry: Entry, not_understood: SetAside | None, known: Known) -> datetime | None:
    """None where Loop has shown a later change, or has not been read that far."""
    if not_understood is not None and not not_understood.is_partial:
        return None
    watermark = known.watermark
    is_read = watermark is not None and watermark >= entry.seen.updated_at
    return watermark if is_read else None


def _commands(
    entry: Entry, circumstances: Circumstances, known: Known
) -> Iterator[SettlingCommand]:
    """What someone can type about it, each with what it does."""
    this = f"reconciler run --return {entry.id}"
    stopped_with, stopped = circumstances.stopped_with, circumstances.creation_stopped
    if stopped is not None and needs_creating(entry) and not entry.intents:
        if known.creation_stopped_by is not None:
            look = f"reconciler show {known.creation_stopped_by} --against-jetti"
            yield SettlingCommand(look, "shows the return because of which nothing is created")
    elif stopped_with is not None:
        yield SettlingCommand(
            f"reconciler run --accept-plan {stopped_with}", "lets the whole plan through"
        )
        yield SettlingCommand(this, "lets this return through alone")
    elif _is_only_looked_for(entry, known):
        yield SettlingCommand(this, "creates it, although it is older than go-live")
    elif entry.state in _PUSHED_WHEN_ASKED:
        yield SettlingCommand(this, _PUSHED_WHEN_ASKED[entry.state])
    elif entry.state is State.SKIPPED and known.is_only_too_old:
        yield SettlingCommand(this, "pushes it although it is older than go-live")
    elif circumstances.is_not_understood:
        yield SettlingCommand(this, "reads it from Loop again")
    for command in possible(entry):
        yield SettlingCommand(command)


def _is_only_looked_for(entry: Entry, known: Known) -> bool:
    """Whether passes find out whether Jetti has it, and create nothing where it has not."""
    return entry.state is State.PENDING and known.is_only_too_old and not entry.sale_returns


_LOOKED_FOR = "looked for in Jetti, and not created where it is not there: older than go-live"

_PUSHED_WHEN_ASKED = {
    State.PENDING: "reads it from Loop again and pushes it now",
    State.WAITING: "looks for it in Jetti now",
    State.FAILED: "tries it again now",
    State.IN_FLIGHT: "reads Jetti back, once the write has settled",
    State.UNKNOWN: "reads Jetti back, once the write has settled",
}


_FIXED = {
    State.PENDING: "the next pass pushes it",
    State.SYNCED: "nothing: what is wanted was pushed, or was in Jetti already; the next change in"
    " Loop queues it again",
    State.SKIPPED: "nothing: there is nothing to send to Jetti; the next change in Loop queues it"
    " again",
    State.DEAD: "nothing automatically: it was given up for this version; the next change in Loop"
    " queues it again, as does `reconciler retry`",
    State.REVIEW: "nothing until someone decides with `reconciler retry`, `resolve` or `ignore`",
    State.IGNORED: "nothing until someone decides otherwise with `reconciler retry`",
}


_LEFT = (
    "nothing automatically, although not all that is wanted was pushed: see what was left; the"
    " next change in Loop queues it again"
)


class Circumstances(Struct, frozen=True):
    """What besides its state decides what happens to a return."""

    is_not_understood: bool = False
    """Whether its current row is malformed, wholly or in part."""
    stopped_with: str | None = None
    """The digest of the stopped plan that it belongs to."""
    creation_stopped: str | None = None
    """Why nothing is created any more."""


def what_follows(entry: Entry, following: str, circumstances: Circumstances) -> str:
    """What happens next in these circumstances; `following` is what would by the state alone."""
    is_not_understood = circumstances.is_not_understood
    if is_not_understood:
        following = _until_it_makes_sense(entry, following)
    if entry.state is State.SYNCED and not is_not_understood and left_over(entry) != LeftOver():
        # safeguard: show-says-what-was-left
        following = _LEFT
    if circumstances.stopped_with is not None:
        following = while_stopped(entry, circumstances.stopped_with)
    stopped = circumstances.creation_stopped
    if stopped is not None and needs_creating(entry) and not entry.intents:
        # safeguard: stopped-creation-in-show
        following = f"nothing: {CREATION_STOPPED}: {stopped}"
    return following


def _until_it_makes_sense(entry: Entry, following: str) -> str:
    """What happens next to an entry whose current row is malformed: done only means so far."""
    if entry.state in (State.SYNCED, State.SKIPPED):
        return "nothing until everything Loop says about it is understood"
    return f"{following}; and not everything Loop says about it is understood"


def while_stopped(entry: Entry, digest: str) -> str:
    """What has to be done about an entry that was stopped with a plan."""
    return (
        f"nothing until someone accepts plan {digest} with"
        f" `reconciler run --accept-plan {digest}`, or this return alone with"
        f" `reconciler run --return {entry.id}`"
    )


def what_next(entry: Entry, turn: Turn | None = None) -> str:
    """What the program will do about an entry next, and why. `turn` is that of a pending one;
    without it nothing comes first."""
    if entry.state is State.PENDING and turn is not None:
        return _when_its_turn_comes(turn)
    if entry.state in _FIXED:
        return _FIXED[entry.state]
    if entry.state in UNANSWERED:
        return _after_a_lost_answer(entry)
    at = entry.next_try_at
    again = f"from {to_the_second(at)}" if at else "in the next pass"
    if entry.state is State.WAITING:
        days = ORDERS_ARRIVE_WITHIN.days
        return f"looked for in Jetti again {again}; given up after {days} days"
    return f"tried again {again}; {entry.attempts} of {TRIES} tries are spent"


def _when_its_turn_comes(turn: Turn) -> str:
    if not turn.is_backlog and not turn.before:
        return _FIXED[State.PENDING]
    number = turn.before or "no"
    others = "return" if turn.before == 1 else "returns"
    if turn.is_backlog:
        # safeguard: show-tells-the-place-in-the-backlog
        return f"in the backlog: pushed after what is fresh and {number} older {others}"
    return f"pushed by the next passes, after {number} {others} that changed later"


def _after_a_lost_answer(entry: Entry) -> str:
    settled = max((intent.settle_at for intent in entry.intents), default=None)
    found = any(intent.absent_at for intent in entry.intents)
    once = " for the second time" if found else ""
    reader = f"the first pass after {to_the_second(settled)}" if settled else "the next pass"
    return (
        f"a write was sent and no answer is recorded: {reader} reads Jetti{once} before anything"
        " else is written"
    )
