"""One pass: read and record, plan, guard, push and record.

The pass relies on what reading and pushing promise, not on how they do it. A dry run is the same
pass over a copy of the ledger, towards a target that carries nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core.guard import Grounds, check_ledger_is_not_lost, check_plan
from reconciler.core.model import Entry, Malformed, Return, State, Window
from reconciler.core.plan import Plan, Settled, Terms, make_plan, skipped
from reconciler.core.ports import By, Ledger, Move, PlanMember, Source
from reconciler.core.report import ChangeKind, OutcomeKind, ReadWindow, ReportedChange, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.rules import Guards
from reconciler.core.sale import names
from reconciler.core.target import Target
from reconciler.core.watermark import check_clock, check_progress, cut, readable_until
from reconciler.errors import (
    ConfigError,
    ImplausibleListing,
    ReconcilerError,
    SafetyStop,
    SourceError,
)
from reconciler.host import Progress
from reconciler.intake import Intake
from reconciler.points import Point, reached

LATELY = timedelta(days=28)
"""The guard's share is of the entries that changed in that span."""

_TOGETHER = 500  # entries fetched at a time for a range
_TYPED = frozenset({RunKind.RANGE, RunKind.SINGLE})
_READY = frozenset({State.PENDING, State.WAITING, State.FAILED, State.SKIPPED})
_UNANSWERED = frozenset({State.IN_FLIGHT, State.UNKNOWN})


class Bounds(Struct, frozen=True):
    """How Loop is cut into windows."""

    lag: timedelta
    overlap: timedelta
    longest: timedelta


class Parts(Struct, frozen=True):
    """What one pass works with; `app` puts it together."""

    source: Source
    ledger: Ledger
    target: Callable[[], Target]
    """Made when there is something to push; a pass that finds nothing needs no Jetti."""
    intake: Intake
    clock: Clock
    progress: Progress
    bounds: Bounds
    terms: Terms
    guards: Guards
    mapping_version: str
    ids_key: str
    """`jetti.cancel_ids_key`, which a create has to prove."""
    command: str
    """How to start this pass again, for hints."""
    writes: Callable[[], int]
    """Writes that left for Jetti so far."""


class Pass:
    """One pass and what came of it; `make` never raises what belongs in the report."""

    def __init__(self, request: RunRequest, parts: Parts) -> None:
        self.windows: list[ReadWindow] = []
        self.failures: list[ReconcilerError] = []
        self.outcomes: list[ReportedChange] = []
        self.skipped: list[ReportedChange] = []
        self.plan = Plan((), ())
        self._request = request
        self._parts = parts
        self._started_at = parts.clock.now()
        self._began = parts.clock.monotonic()

    def make(self) -> None:
        """Go through the pass as far as it can be gone.

        What Loop fails to tell does not hold back what is already known: pushing has its own
        debt, in the ledger.
        """
        try:
            try:
                self._read()
            except ImplausibleListing:
                raise
            except SourceError as error:
                self.failures.append(error)
            self.plan = self._decide()
            reached(Point.PLAN_MADE)
            self._guard()
            reached(Point.GUARD_PASSED)
            self._push()
        except ReconcilerError as error:
            self.failures.append(error)
        finally:
            self._defer_the_rest()

    # ------------------------------------------------------------------------ read and record

    def _read(self) -> None:
        now, meta = self._parts.clock.now(), self._parts.ledger.meta()
        check_clock(now, meta.watermark)
        self._parts.intake.remap()
        request, bounds = self._request, self._parts.bounds
        if request.kind is RunKind.SINGLE:
            self._parts.intake.singles(self._singles())
            return
        server_now = self._parts.source.server_time()
        until = readable_until(now, server_now, bounds.lag)
        if request.kind in (RunKind.SCHEDULED, RunKind.SWEEP):
            check_progress(now, server_now, meta.watermark)
        if request.kind is RunKind.SCHEDULED:
            self._windows(meta.watermark - bounds.overlap, until, By.UPDATED)
        elif request.kind is RunKind.SWEEP and request.sweep is not None:
            read = self._windows(until - request.sweep, until, By.CREATED)
            self._parts.intake.missed(read)
        elif request.start is not None:
            self._windows(request.start, min(request.end or until, until), request.by)

    def _windows(self, start: datetime, end: datetime, by: By) -> tuple[Window, ...]:
        moves = self._request.kind is RunKind.SCHEDULED
        windows = cut(start, end, self._parts.bounds.longest)
        for window in windows:
            self.windows.append(ReadWindow(window.start, window.end, drained=False))
            self._parts.intake.window(window, by, moves_watermark=moves)
            self.windows[-1] = ReadWindow(window.start, window.end, drained=True)
        return windows

    def _singles(self) -> list[Return | Malformed]:
        """What a person named, read one by one. Raises ConfigError for what Loop does not know."""
        rows: list[Return | Malformed] = []
        for return_id in self._request.return_ids:
            rows.append(self._single(return_id))
        for name in self._request.order_names:
            found = list(self._parts.source.fetch_order(name))
            listed = {row.id for row in found if isinstance(row, Return)}
            known = {
                entry.id
                for spelling in names(name)
                for entry in self._parts.ledger.entries_on_order(None, spelling)
            }
            found += [self._single(return_id) for return_id in sorted(known - listed)]
            if not found:
                raise ConfigError(f"--order {name}: Loop knows no return of this order")
            rows += found
        return rows

    def _single(self, return_id: str) -> Return | Malformed:
        row = self._parts.source.fetch(return_id)
        if row is None:
            raise ConfigError(
                f"--return {return_id}: Loop knows no such return, or keeps it in a state that "
                "its list does not show"
            )
        return row

    # ---------------------------------------------------------------------------------- plan

    def _decide(self) -> Plan:
        plan = make_plan(self._due(), self._parts.terms, self._started_at)
        if self._request.kind in _TYPED:
            # What cannot be done at once must not be forgotten by the next scheduled pass.
            creates = [c.return_id for c in plan.changes if c.kind is ChangeKind.CREATE]
            self._parts.ledger.ask_for(creates)
        fresh = [done for done in plan.settled if done.entry.state is not done.state]
        self._parts.ledger.move_all([(done.entry.id, _settling(done)) for done in fresh])
        self.skipped = [skipped(done) for done in fresh if done.state is State.SKIPPED]
        return plan

    def _due(self) -> Iterator[Entry]:
        """Everything the ledger has to do; of a range or single returns, only what was read."""
        now = self._parts.clock.now()
        if self._request.kind not in _TYPED:
            yield from self._parts.ledger.due(now)
            return
        ids = sorted(self._parts.intake.tally.ids)
        for start in range(0, len(ids), _TOGETHER):
            for entry in self._parts.ledger.entries(ids[start : start + _TOGETHER]):
                settled = all(intent.settle_at <= now for intent in entry.intents)
                if entry.state in _READY or (entry.state in _UNANSWERED and settled):
                    yield entry

    # --------------------------------------------------------------------------------- guard

    def _guard(self) -> None:
        """Raises SafetyStop before anything is written; the stopped plan is kept."""
        parts, meta = self._parts, self._parts.ledger.meta()
        grounds = Grounds(
            kind=self._request.kind,
            guards=parts.guards,
            changed_lately=parts.ledger.count_changed_since(self._started_at - LATELY),
            mapping_is_new=meta.mapping_version != parts.mapping_version,
            accepted=self._accepted(),
            command=parts.command,
        )
        try:
            check_plan(self.plan, grounds)
        except SafetyStop:
            members = (change.member() for change in self.plan.changes)
            parts.ledger.keep_plan(self.plan.digest, members, parts.clock.now())
            raise
        creates = [c for c in self.plan.changes if c.kind is ChangeKind.CREATE]
        if creates and not meta.has_pushed:
            check_ledger_is_not_lost(parts.target().marked(creates))
        if grounds.mapping_is_new and self._request.kind not in _TYPED:
            parts.ledger.accept_mapping(parts.mapping_version)

    def _accepted(self) -> frozenset[PlanMember]:
        """What a person has reviewed: this plan, one a stopped pass kept, or a report's members."""
        digest = self._request.accept_digest
        members: tuple[PlanMember, ...] = ()
        if digest == self.plan.digest:
            members = tuple(change.member() for change in self.plan.changes)
        elif digest is not None:
            members = self._parts.ledger.kept_plan(digest) or ()
        return frozenset(members) | frozenset(self._request.accept_members)

    # ------------------------------------------------------------------------ push and record

    def _push(self) -> None:
        changes = self.plan.changes
        if not changes:
            return
        outcomes = self._parts.target().push(changes)
        while not self._is_spent() and (outcome := next(outcomes, None)) is not None:
            self.outcomes.append(outcome)
            self._parts.progress.pushing(len(self.outcomes), len(changes))

    def _is_spent(self) -> bool:
        """Whether a budget is used up; checked between entries, never inside one."""
        request, parts = self._request, self._parts
        elapsed = parts.clock.monotonic() - self._began
        return (request.max_writes is not None and parts.writes() >= request.max_writes) or (
            request.max_seconds is not None and elapsed >= request.max_seconds
        )

    def _defer_the_rest(self) -> None:
        told = {outcome.return_id for outcome in self.outcomes}
        stopped = self.failures[-1] if self.failures else None
        reason = "left for the next pass"
        if stopped:
            reason = "the pass ended before its turn"
        elif self._is_spent():
            reason = "the budget of the pass is spent"
        self.outcomes += [
            change.told(OutcomeKind.DEFERRED, reason)
            for change in self.plan.changes
            if change.return_id not in told
        ]


def _settling(done: Settled) -> Move:
    if done.state is not State.SYNCED:
        return Move(done.state, done.reason)
    return Move(done.state, attempts=0, pushed_fingerprint=done.entry.fingerprint)
