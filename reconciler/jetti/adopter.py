"""Recognising what Jetti already has, for `init --adopt`: GETs only, and nothing is skipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from reconciler.core.model import Entry, State
from reconciler.core.plan import Change
from reconciler.core.ports import Journal, Move
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.verdict import Attributed, Review
from reconciler.errors import TargetUnavailable
from reconciler.jetti.judge import Judge, Judged
from reconciler.jetti.lookup import Unseen
from reconciler.jetti.told import Told, named
from reconciler.jetti.update import Update


class Adopter:
    """Takes over what is provably ours. What is not found stays as it was, for the next run."""

    def __init__(self, judge: Judge, update: Update, journal: Journal) -> None:
        self._judge = judge
        self._update = update
        self._journal = journal

    def push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        """One outcome per change. Raises KeyRefused, SafetyStop, ConfigError, Interrupted, and
        at the end TargetUnavailable when Jetti failed for any: not all was looked for then."""
        unknown = [
            replace(c, kind=ChangeKind.ADOPT)  # a create that a person had asked for, too
            for c in changes
            if c.kind in (ChangeKind.ADOPT, ChangeKind.CREATE) and not c.reads_back
        ]
        unseen: list[str] = []
        for judged in self._judge.judge(unknown):
            told = self._look(judged)
            if isinstance(judged.verdict, Unseen):
                unseen.append(judged.verdict.reason)
            yield judged.change.told(told.outcome, told.reason, told.sale_returns, judged.remarks)
        if unseen:
            raise TargetUnavailable(
                f"{unseen[0]}; {len(unseen)} of {len(unknown)} returns could not be looked up",
                hint="do it again: what was taken over stays",
            )

    def marked(self, changes: Sequence[Change]) -> list[str]:
        """None in the way: what Jetti holds is what this is to find."""
        return []

    def vendors(self, changes: Sequence[Change]) -> int | None:
        """None: nothing is created here."""
        return None

    def remarks(self) -> tuple[str, ...]:
        """See `core.target.Target`."""
        return self._judge.remarks()

    def _look(self, judged: Judged) -> Told:
        match judged.verdict:
            case Unseen(reason):
                return Told(OutcomeKind.DEFERRED, reason)
            case Review(reason):
                # Left pending: the next run looks again and sends it to a person if it must.
                return Told(OutcomeKind.DEFERRED, reason)
            case Attributed() as found if found.sale_returns:
                return self.take(judged.entry, found)
            case _:
                return Told(OutcomeKind.SKIPPED, "not in Jetti")

    def take(self, entry: Entry, found: Attributed) -> Told:
        """Into the ledger; what should change in Jetti is for a plan, and its guard, to see."""
        todo = self._update.agenda(entry, found)
        names = named(found.sale_returns)
        if entry.state is State.SKIPPED:
            self._journal.move(entry.id, Move(State.PENDING))
        if isinstance(todo, Review):
            move = Move(State.REVIEW, todo.reason, sale_returns=found.sale_returns)
            self._journal.move(entry.id, move)
            return Told(OutcomeKind.REVIEW, todo.reason, names)
        if todo.writes or found.missing:
            self._journal.move(entry.id, Move(State.PENDING, sale_returns=found.sale_returns))
            return Told(OutcomeKind.PUSHED, "taken over; a later pass brings it up to date", names)
        synced = Move(
            State.SYNCED,
            attempts=0,
            sale_returns=found.sale_returns,
            pushed_fingerprint=entry.fingerprint,
        )
        self._journal.move(entry.id, synced)
        return Told(OutcomeKind.PUSHED, "taken over", names)
