"""A dry run that looks: what would become of each change, without a single write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.model import Entry
from reconciler.core.plan import Change, why_not_created
from reconciler.core.report import OutcomeKind, ReportedChange
from reconciler.core.verdict import Absent, Attributed, Review, Wait
from reconciler.errors import TargetUnavailable
from reconciler.jetti.judge import Judge, Judged
from reconciler.jetti.lookup import Unseen
from reconciler.jetti.told import Told, named
from reconciler.jetti.update import Update, left_alone, why_left

_PROVES = "can prove jetti.cancel_ids_key: of its order's lines only some come back"


class Scout:
    """Judges like the pusher does and stops there."""

    def __init__(self, judge: Judge, update: Update) -> None:
        self._judge = judge
        self._update = update

    def push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        """Say what each change would meet. Raises KeyRefused, SafetyStop, ConfigError, and at
        the end TargetUnavailable when Jetti failed for any."""
        unseen: list[str] = []
        for judged in self._judge.judge(changes):
            told = self._foresee(judged)
            if isinstance(judged.verdict, Unseen):
                unseen.append(judged.verdict.reason)
            remarks = (*judged.remarks, *((_PROVES,) if self._judge.can_prove(judged) else ()))
            yield judged.change.told(
                told.outcome, told.reason, told.sale_returns, remarks, told.left_alone
            )
        if unseen:
            raise TargetUnavailable(
                f"{unseen[0]}; {len(unseen)} of {len(changes)} returns could not be looked up"
            )

    def marked(self, changes: Sequence[Change]) -> list[str]:
        """See `core.target.Target`."""
        return self._judge.marked(changes)

    def vendors(self, changes: Sequence[Change]) -> int | None:
        """See `core.target.Target`."""
        return self._judge.vendors(changes)

    def remarks(self) -> tuple[str, ...]:
        """See `core.target.Target`."""
        return self._judge.remarks()

    def _foresee(self, judged: Judged) -> Told:
        entry, verdict = judged.entry, judged.verdict
        match verdict:
            case Unseen(reason):
                return Told(OutcomeKind.FAILED, reason)
            case Review(reason):
                return Told(OutcomeKind.REVIEW, reason, named(entry.sale_returns))
            case Wait(reason):
                return Told(OutcomeKind.WAITING, reason)
            case Absent():
                return Told(OutcomeKind.PLANNED, "a create without an answer is not in Jetti")
            case Attributed():
                return self._attributed(entry, verdict)

    def _attributed(self, entry: Entry, found: Attributed) -> Told:
        names = named(found.sale_returns)
        if found.missing:
            vendors = {one.item.vendor_id for one in found.missing}
            return Told(OutcomeKind.PLANNED, f"would make {_count(len(vendors))}", names)
        if not found.sale_returns:
            return Told(OutcomeKind.SKIPPED, why_not_created(entry, self._judge.terms))
        todo = self._update.agenda(entry, found)
        if isinstance(todo, Review):
            return Told(OutcomeKind.REVIEW, todo.reason, names)
        reason = why_left(todo) if todo.writes else "Jetti already holds what is wanted"
        return Told(OutcomeKind.PLANNED, reason, names, left_alone=left_alone(todo))


def _count(sale_returns: int) -> str:
    return "one sale return" if sale_returns == 1 else f"{sale_returns} sale returns"
