"""One pass: read and record, plan, guard, push and record.

The pass relies on what reading and pushing promise, not on how they do it. A dry run is the same
pass over a copy of the ledger, towards a target that carries nothing out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core.estimate import Rates
from reconciler.core.guard import (
    Guarded,
    GuardInputs,
    RangeSum,
    check_ledger_is_not_lost,
    guard,
    needs_consent,
    opened,
    remapped,
    stop,
    stopped,
    unaccepted,
)
from reconciler.core.matching.order import names
from reconciler.core.model import Entry, Malformed, Return, State, Window
from reconciler.core.plan import (
    Change,
    CreationRules,
    NothingToPush,
    Plan,
    digest_of,
    make_plan,
    skipped,
)
from reconciler.core.ports import Ledger, Source
from reconciler.core.records import By, PlanMember, Transition
from reconciler.core.report import (
    ChangeKind,
    OutcomeKind,
    ReadWindow,
    ReportedChange,
    Requests,
    RunKind,
)
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards, Mapping
from reconciler.core.target import Target
from reconciler.core.windows import check_clock, check_progress, cut, readable_until
from reconciler.errors import (
    ConfigError,
    ImplausibleListing,
    KeyRefused,
    ReconcilerError,
    SafetyStop,
    SourceError,
    TargetUnavailable,
    Unforeseen,
)
from reconciler.failpoints import Failpoint, hit
from reconciler.ingest import Ingest
from reconciler.runtime import Progress

LATELY = timedelta(days=28)
"""The guard's share is of the returns that changed in Loop in that span."""
MOST_LOOKED_UP = 200
"""Creates of a range whose vendors are counted before a person is asked: ten times two GETs."""

_log = logging.getLogger(__name__)

_TOGETHER = 500  # entries fetched at a time for a range
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
    ingest: Ingest
    clock: Clock
    progress: Progress
    bounds: Bounds
    rules: CreationRules
    guards: Guards
    mapping: Mapping
    mapping_version: str
    ids_key: str
    """`jetti.cancel_ids_key`, which a create has to prove."""
    command: str
    """How to start this pass again, for hints."""
    requests: Callable[[], Requests]
    """Requests that left for both services so far."""
    consent: Callable[[Callable[[], RangeSum]], bool]
    """Asks the person who typed a range. May raise Interrupted, and what looking it up may."""
    rates: Rates
    """At which pace the target may be written to."""


class Pass:
    """One pass and what came of it; `make` never raises what belongs in the report."""

    def __init__(self, request: RunRequest, parts: Parts) -> None:
        self.windows: list[ReadWindow] = []
        self.failures: list[ReconcilerError] = []
        self.outcomes: list[ReportedChange] = []
        self.skipped: list[ReportedChange] = []
        self.plan = Plan((), ())
        self.stopped: Sequence[Change] = ()
        """What a guard let nobody carry out."""
        self._remarks: tuple[str, ...] = ()
        """What a reader should know of how the target answered."""
        self.is_agreed = False
        """Whether what a person typed was let through, so that later passes go on with it."""
        self._is_planned = False
        self._knows_the_digest = True
        self._marked: Sequence[str] | None = ()
        """What Jetti holds of the creates of a ledger that never pushed; None: nobody looked."""
        self._ended_by: ReconcilerError | None = None
        """What ended it before its plan was carried out."""
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
            self._is_planned = True
            hit(Failpoint.PLAN_MADE)
            through = self._guard()
            hit(Failpoint.GUARD_PASSED)
            self._push(through)
        except ReconcilerError as error:
            self.failures.append(error)
            self._ended_by = error
        # safeguard: bug-hides-no-push
        except Exception as error:  # noqa: BLE001 - what was pushed must be told all the same
            _log.info("where it happened", exc_info=error)
            self._ended_by = Unforeseen(error)
            self.failures.append(self._ended_by)
        finally:
            self._defer_the_rest()

    # ------------------------------------------------------------------------ read and record

    def _read(self) -> None:
        now, meta = self._parts.clock.now(), self._parts.ledger.meta.read()
        check_clock(now, meta.watermark)
        self._parts.ingest.remap()
        request, bounds = self._request, self._parts.bounds
        if request.kind is RunKind.SINGLE:
            self._read_singles()
            return
        server_now = self._parts.source.server_time()
        until = readable_until(now, server_now, bounds.lag)
        if request.kind in (RunKind.SCHEDULED, RunKind.SWEEP):
            check_progress(now, server_now, meta.watermark)
        if request.kind is RunKind.SCHEDULED:
            # safeguard: window-overlap
            self._windows(meta.watermark - bounds.overlap, until, By.UPDATED)
        elif request.kind is RunKind.SWEEP and request.sweep is not None:
            read = self._windows(until - request.sweep, until, By.CREATED)
            # safeguard: unlisted-returns-are-read-singly
            self.failures += self._parts.ingest.recheck_unlisted(read)
        elif request.start is not None:
            self._windows(request.start, min(request.end or until, until), request.by)

    def _windows(self, start: datetime, end: datetime, by: By) -> tuple[Window, ...]:
        # safeguard: only-a-scheduled-pass-moves-the-watermark
        moves = self._request.kind is RunKind.SCHEDULED
        windows = cut(start, end, self._parts.bounds.longest)
        for window in windows:
            self.windows.append(ReadWindow(window.start, window.end, drained=False))
            self._parts.ingest.window(window, by, moves_watermark=moves)
            self.windows[-1] = ReadWindow(window.start, window.end, drained=True)
        return windows

    def _read_singles(self) -> None:
        """What a person named, read one by one; what Loop does not tell of one is a failure, and
        the others are recorded. Raises ConfigError for what Loop does not know."""
        rows: list[Return | Malformed] = []
        for return_id in self._request.return_ids:
            rows += self._told(self._named(return_id))
        for name in self._request.order_names:
            rows += self._on_order(name)
        self._parts.ingest.singles(rows)

    def _told(self, rows: Iterator[Return | Malformed]) -> list[Return | Malformed]:
        """As many as Loop tells; that it fails to tell the rest is kept for the report."""
        found: list[Return | Malformed] = []
        try:
            for row in rows:
                found.append(row)
        except SourceError as error:
            self.failures.append(error)
        return found

    def _on_order(self, name: str) -> list[Return | Malformed]:
        before = len(self.failures)
        found = self._told(self._parts.source.fetch_order(name))
        listed = {row.id if isinstance(row, Return) else row.key for row in found}
        for return_id in sorted(self._known_on(name, found) - listed):
            found += self._told(self._named(return_id))
        if not found and len(self.failures) == before:
            raise ConfigError(
                f"--order {name}: Loop knows no return of this order, or keeps it in a state "
                "that its list does not show"
            )
        return found

    def _known_on(self, name: str, found: Iterable[Return | Malformed]) -> set[str]:
        """What the ledger knows on the order that bears this name, also from before it did.

        Loop may name just one of its returns, and a return may be known by an older name.
        """
        orders: list[tuple[str | None, str]] = [(None, spelling) for spelling in names(name)]
        orders += [(row.order_id, row.order_name) for row in found if isinstance(row, Return)]
        on_order = self._parts.ledger.entries.on_order
        return {entry.id for order_id, called in orders for entry in on_order(order_id, called)}

    def _named(self, return_id: str) -> Iterator[Return | Malformed]:
        row = self._parts.source.fetch(return_id)
        if row is None:
            raise ConfigError(
                f"--return {return_id}: Loop knows no such return, or keeps it in a state that "
                "its list does not show"
            )
        yield row

    # ---------------------------------------------------------------------------------- plan

    def _decide(self) -> Plan:
        rules = self._parts.rules
        plan = make_plan(self._due(), rules, self._started_at)
        fresh = [done for done in plan.nothing_to_push if done.entry.state is not done.state]
        self._parts.ledger.journal.apply_all(
            [(done.entry.id, _transition_of(done)) for done in fresh]
        )
        self.skipped = [
            skipped(done, rules)
            for done in fresh
            if done.state is State.SKIPPED or done.reason is not None
        ]
        return plan

    def _due(self) -> Iterator[Entry]:
        """Everything the ledger has to do; of a range or single returns, only what was read."""
        now = self._parts.clock.now()
        if not self._request.asked_for:
            yield from self._parts.ledger.entries.due(now)
            return
        ids = sorted(self._parts.ingest.log.ids)
        for start in range(0, len(ids), _TOGETHER):
            for entry in self._parts.ledger.entries.get(ids[start : start + _TOGETHER]):
                settled = all(intent.settle_at <= now for intent in entry.intents)
                if entry.state in _READY or (entry.state in _UNANSWERED and settled):
                    yield entry

    # --------------------------------------------------------------------------------- guard

    def _guard(self) -> tuple[Change, ...]:
        """What may be carried out now, in its order; the rest is kept for a person to look at.

        Raises SafetyStop where nothing may be.
        """
        parts, meta = self._parts, self._parts.ledger.meta.read()
        creates = [c for c in self.plan.changes if c.kind is ChangeKind.CREATE]
        if creates and not meta.has_pushed:
            # Before any count: that such a plan is large is no news.
            with self._target() as target:
                self._marked = target.marked(creates)
            # safeguard: lost-ledger
            check_ledger_is_not_lost(self._marked or ())
        if self._request.asked_for:
            return self._guard_asked_for()
        inputs = self._guard_inputs()
        guarded = guard(self.plan, inputs)
        if self._request.accept_digest == guarded.digest:
            self._knows_the_digest = True
            members = [change.member() for change in guarded.stopped]
            inputs = replace(inputs, accepted={*inputs.accepted, *members})
            guarded = guard(self.plan, inputs)
        self._let_through([c for c in guarded.through if c.member() in inputs.accepted])
        self._stop(guarded, inputs)
        if inputs.mapping_is_new and not any(c.touches_pushed for c in guarded.stopped):
            parts.ledger.meta.accept_mapping(parts.mapping_version)
        return guarded.through

    def _guard_inputs(self) -> GuardInputs:
        parts, meta = self._parts, self._parts.ledger.meta.read()
        stopped = parts.ledger.plans.stopped()
        accepted = self._accepted()
        if stopped and stopped.digest == self._request.accept_digest:
            # By name, whatever a new mapping has made of the fingerprints of equal wants.
            accepted |= opened(self.plan.changes, stopped.members)
        return GuardInputs(
            guards=parts.guards,
            changed_lately=parts.ledger.entries.count_updated_since(self._started_at - LATELY),
            mapping_is_new=meta.mapping_version != parts.mapping_version,
            accepted=accepted,
            stopped=stopped.members if stopped else frozenset(),
            stopped_since=stopped.since if stopped else None,
            stopped_as=stopped.digest if stopped else "",
        )

    def _stop(self, guarded: Guarded, inputs: GuardInputs) -> None:
        """Remember what is stopped from now on; members that are not due today stay so."""
        parts, later = self._parts, _not_due(inputs.stopped, self.plan)
        if guarded.stopped or inputs.stopped:
            members = chain((change.member() for change in guarded.stopped), later)
            digest = guarded.digest if guarded.stopped else inputs.stopped_as
            parts.ledger.plans.stop(digest, members, parts.clock.now())
        if guarded.stopped:
            self.stopped = guarded.stopped
            # A plan that is stopped still is looked at by a look alone: passes come often.
            is_look = self._request.dry_run and self._request.reaches_jetti
            looks = bool(guarded.reasons) or is_look
            marked = self._held_of(guarded.stopped) if looks else self._marked
            self.failures.append(stop(guarded, inputs, parts.command, marked))

    def _held_of(self, changes: Iterable[Change]) -> Sequence[str] | None:
        """What of a plan that is stopped Jetti holds: a ledger that was lost may have pushed
        something since."""
        creates = [c for c in changes if c.kind is ChangeKind.CREATE]
        if not creates or not self._parts.ledger.meta.read().has_pushed:
            return self._marked
        try:
            with self._target() as target:
                # safeguard: lost-ledger-that-has-pushed
                return target.marked(creates) or ()
        except (TargetUnavailable, KeyRefused) as error:
            self.failures.append(error)  # the plan is stopped all the same, with other advice
            return ()

    def _guard_asked_for(self) -> tuple[Change, ...]:
        """What a person named is let through, of a range once that person knows its sum."""
        if not self._parts.rules.asked_for:
            return self.plan.changes  # adopting writes nothing to Jetti
        inputs = self._guard_inputs()
        asked = unaccepted(self.plan.changes, inputs.accepted)
        if self._request.kind is RunKind.RANGE and needs_consent(asked, inputs):
            self._ask(asked, inputs)
        # safeguard: requested-returns-pass-guards
        self._let_through(self.plan.changes, asked=True)
        self.is_agreed = True
        return self.plan.changes

    def _ask(self, asked: Sequence[Change], inputs: GuardInputs) -> None:
        """Raises SafetyStop unless a person agrees; the plan is kept then, for its digest."""
        parts = self._parts
        # Looked up only where somebody is told: whoever agreed beforehand need not wait for it.
        total = cache(lambda: self._sum(asked, inputs))
        # safeguard: range-needs-consent
        if parts.consent(total):
            return
        marked = self._held_of(asked)
        self.stopped = self.plan.changes
        members = (change.member() for change in self.plan.changes)
        parts.ledger.plans.keep(self.plan.digest, members, parts.clock.now())
        told = f"plan {self.plan.digest} of this range was not carried out: {total().in_words()}"
        raise stopped(told, self.plan.digest, parts.command, marked, ", or with --yes")

    def _sum(self, asked: Sequence[Change], inputs: GuardInputs) -> RangeSum:
        creates = [change for change in asked if change.kind is ChangeKind.CREATE]
        looked_up = creates[:MOST_LOOKED_UP]
        return RangeSum(
            creates=len(creates),
            before_go_live=sum(change.before_go_live for change in creates),
            remapped=remapped(asked, inputs),
            vendors=self._parts.target().vendors(looked_up),
            looked_up=len(looked_up),
            seconds=self._parts.rates.seconds(asked),
        )

    def _let_through(self, changes: Iterable[Change], *, asked: bool = False) -> None:
        """Committed before anything is written: what a person allowed must not be forgotten by
        the next pass, should this one be cut short.

        A look is not remembered: who let one through has not agreed to create what it looked for.
        """
        # safeguard: lookup-is-no-consent
        members = [change.member() for change in changes if change.kind is not ChangeKind.ADOPT]
        if members:
            self._parts.ledger.plans.let_through(members, self._parts.clock.now(), asked=asked)

    def _accepted(self) -> frozenset[PlanMember]:
        """What a person has reviewed: this plan, one a stopped pass kept, or a report's members."""
        digest = self._request.accept_digest
        members: tuple[PlanMember, ...] = ()
        if digest == self.plan.digest:
            members = tuple(change.member() for change in self.plan.changes)
        elif digest is not None:
            kept = self._parts.ledger.plans.kept(digest)
            self._knows_the_digest = kept is not None
            members = kept or ()
        return frozenset(members) | frozenset(self._request.accept_members)

    # ------------------------------------------------------------------------ push and record

    def _push(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        with self._target() as target:
            outcomes = target.push(changes)
            while not self._spent() and (outcome := next(outcomes, None)) is not None:
                self.outcomes.append(outcome)
                self._parts.progress.pushing(len(self.outcomes), len(changes))

    @contextmanager
    def _target(self) -> Iterator[Target]:
        """The target, whose remarks are kept however it ends."""
        target = self._parts.target()
        try:
            yield target
        finally:
            self._remarks = target.remarks()

    def _spent(self) -> str | None:
        """Which budget is used up, if one is; checked between entries, never inside one."""
        request, parts = self._request, self._parts
        if request.max_writes is not None and parts.requests().jetti.write >= request.max_writes:
            return f"the budget of {request.max_writes} writes is spent"
        elapsed = parts.clock.monotonic() - self._began
        if request.max_seconds is not None and elapsed >= request.max_seconds:
            return f"the {request.max_seconds:.0f} s of the pass are over"
        return None

    def _defer_the_rest(self) -> None:
        """Say of each change that was not carried out why it was not."""
        told = {outcome.return_id for outcome in self.outcomes}
        reason = self._why_left()
        # Once: it is a hash over all of them.
        why_stopped = f"stopped with plan {self.digest}, until a person lets it through"
        stopped = iter(self.stopped)  # in the plan's order, like all parts of it
        next_stopped = next(stopped, None)
        for change in self.plan.changes:
            is_stopped = change is next_stopped
            if is_stopped:
                next_stopped = next(stopped, None)
            if change.return_id not in told:
                left = change.with_outcome(
                    OutcomeKind.DEFERRED, why_stopped if is_stopped else reason
                )
                self.outcomes.append(replace(left, stopped=is_stopped))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know of the plan, and of how the target answered."""
        named = frozenset(self._request.accept_members)
        if named and self._is_planned and not any(c.member() in named for c in self.plan.changes):
            said = "nothing in the file matches this plan any more, so it lets nothing through"
            return (*self._remarks, f"--accept-plan: {said}")
        if self._knows_the_digest:
            return self._remarks
        digest = self._request.accept_digest
        return (*self._remarks, f"--accept-plan {digest}: no such plan was kept or made")

    @property
    def digest(self) -> str:
        """Names the plan: where a guard stopped a part of it, just that part."""
        return digest_of(self.stopped) if self.stopped else self.plan.digest

    def _why_left(self) -> str:
        match self._ended_by:
            case None:
                spent = self._spent() or "the pass was over"
                return f"{spent}, so it was left for the next pass"
            case SafetyStop():
                return f"it waits for a person: {self._ended_by}"
            case _ if self._parts.rules.asked_for and not self.is_agreed:
                return f"{self._ended_by}, before it was agreed to"
            case _:
                return f"{self._ended_by}, so it was left for the next pass"


def _transition_of(done: NothingToPush) -> Transition:
    if done.state is not State.SYNCED:
        return Transition(done.state, done.reason)
    return Transition(
        done.state, done.reason, attempts=0, pushed_fingerprint=done.entry.fingerprint
    )


def _not_due(members: Collection[PlanMember], plan: Plan) -> list[PlanMember]:
    """Those of which this plan says nothing."""
    if not members:
        return []
    due = {change.return_id for change in plan.changes}
    return [one for one in members if one.return_id not in due]
