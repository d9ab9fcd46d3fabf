"""One pass: read and record, plan, guard, push and record.

The pass relies on what reading and pushing promise, not on how they do it. A dry run is the same
pass over a copy of the ledger, towards a target that carries nothing out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from sys import intern

from msgspec import Struct
from msgspec.structs import replace

from reconciler.approval import Approval
from reconciler.clock import Clock
from reconciler.core.batches import batched
from reconciler.core.budget import Budget, Spent
from reconciler.core.estimate import Rates, Worked
from reconciler.core.field_changes import NOTHING_WRITTEN
from reconciler.core.model import Entry, State
from reconciler.core.pass_result import PassResult, PassStart
from reconciler.core.plan import (
    Change,
    CreationRules,
    NothingToPush,
    Plan,
    Planner,
    digest_of,
)
from reconciler.core.ports import Ledger
from reconciler.core.records import Transition
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange, Requests, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.states import UNANSWERED
from reconciler.core.target import DeferredTarget
from reconciler.errors import (
    Interrupted,
    KeyRefused,
    ReconcilerError,
    SafetyStop,
    TargetUnavailable,
    Unforeseen,
    UnknownPlan,
)
from reconciler.failpoints import Failpoint, hit
from reconciler.log_events import Event
from reconciler.request_reader import RequestReader
from reconciler.runtime import Progress
from reconciler.turns import Turns

_log = logging.getLogger(__name__)

_READY = frozenset({State.PENDING, State.WAITING, State.FAILED, State.SKIPPED})
_ASK_AGAIN = "the run ended before it was looked up; only a run that asks for it does that"


class PassDependencies(Struct, frozen=True):
    """What one pass works with; `app` puts it together."""

    reader: RequestReader
    ledger: Ledger
    rules: CreationRules
    planner: Planner
    """Which has decided about each new return by the time that it is recorded."""
    approval: Approval
    target: DeferredTarget
    try_jetti_token: Callable[[], None] | None
    """Asks Jetti one question, where the pass is to find out whether it accepts its key even if
    nothing is due. Raises KeyRefused, TargetUnavailable, Interrupted."""
    requests: Callable[[], Requests]
    """Requests that left for both services so far."""
    clock: Clock
    progress: Progress
    rates: Rates
    """What Jetti allows."""


class Pass:
    """One pass, to be run once."""

    def __init__(
        self, request: RunRequest, start: PassStart, dependencies: PassDependencies
    ) -> None:
        self._request = request
        self._start = start
        self._reader = dependencies.reader
        self._ledger = dependencies.ledger
        self._rules = dependencies.rules
        self._planner = dependencies.planner
        self._approval = dependencies.approval
        self._target = dependencies.target
        self._try_jetti_token = dependencies.try_jetti_token
        self._requests = dependencies.requests
        self._clock = dependencies.clock
        self._began = dependencies.clock.monotonic()
        self._budget = Budget(request.max_writes, request.max_seconds, request.backlog_seconds)
        self._rates = dependencies.rates
        self._turns = Turns(self._budget, dependencies.rates, self._spent, dependencies.progress)
        self._plan = Plan(())
        self._ended_by: ReconcilerError | None = None
        """What ended the pass before its plan was carried out."""
        self._trial_ended_by: KeyRefused | Interrupted | None = None
        """What came of trying Jetti's key, on which nothing in this pass depended."""
        self._untried: tuple[str, ...] = ()

    def run(self) -> PassResult:
        """Go through the pass as far as possible. Whatever ends it early is in the result, too.

        What Loop fails to deliver does not hold back what is known already: what is owed to Jetti
        is in the ledger.
        """
        try:
            self._reader.read(self._request)
            self._plan = self._decide()
            hit(Failpoint.PLAN_MADE)
            approved = self._approval.approve(self._plan)
            hit(Failpoint.GUARD_PASSED)
            self._push(approved)
        except ReconcilerError as error:
            self._ended_by = error
        # safeguard: bug-hides-no-push
        except Exception as error:  # noqa: BLE001 - what was pushed must be reported all the same
            _log.info("where it happened", exc_info=error, extra=Event.BUG.fields)
            self._ended_by = Unforeseen(error)
        self._try_key()
        return self._result()

    def _try_key(self) -> None:
        """Find out whether Jetti still accepts the key, unless a request of this pass did.

        Last of all: a pass that pushes asks nothing more, and whatever Jetti does here delays
        nothing.
        """
        jetti = self._requests().jetti
        is_over = isinstance(self._ended_by, Interrupted)
        if self._try_jetti_token is None or is_over or jetti.get or jetti.write:
            return
        try:
            self._try_jetti_token()
        # Also beside what ended the pass: a signal is never overlooked.
        except (KeyRefused, Interrupted) as error:
            self._trial_ended_by = error
        except TargetUnavailable as error:
            self._untried = (f"whether Jetti accepts the key could not be found out: {error}",)
        except ReconcilerError as error:
            self._ended_by = self._ended_by or error
        except Exception as error:  # noqa: BLE001 - what was pushed must be reported all the same
            _log.info("where it happened", exc_info=error, extra=Event.BUG.fields)
            self._ended_by = self._ended_by or Unforeseen(error)

    # ---------------------------------------------------------------------------------- plan

    def _decide(self) -> Plan:
        """Plan what is due, and record what needs no push."""
        for portion in batched(self._due()):
            settled = [done for entry in portion if (done := self._planner.decide(entry))]
            steps = [(done.entry.id, _transition_of(done)) for done in settled]
            self._ledger.journal.apply_all(steps)
        return self._planner.plan()

    def _due(self) -> Iterator[Entry]:
        """Everything the ledger has to do besides what was planned as it was recorded; of a range,
        a verification or single returns, only what was read."""
        now, planned = self._clock.now(), self._planner.planned
        if not self._request.asked_for:
            # safeguard: a-verification-pushes-only-what-it-read
            among = self._reader.log.ids if self._request.kind is RunKind.VERIFY else None
            for entry in self._ledger.entries.due(now, besides=planned):
                if among is None or entry.id in among:
                    yield entry
            return
        for ids in batched(sorted(self._reader.log.ids.keys() - planned)):
            for entry in self._ledger.entries.get(ids):
                settled = all(intent.settle_at <= now for intent in entry.intents)
                if entry.state in _READY or (entry.state in UNANSWERED and settled):
                    yield entry

    # ------------------------------------------------------------------------ push and record

    def _push(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        with self._target.in_use() as target:
            self._turns.push(target, changes)

    def _spent(self) -> Spent:
        return Spent(self._requests().jetti.write, self._clock.monotonic() - self._began)

    # -------------------------------------------------------------------------------- result

    def _result(self) -> PassResult:
        log, stopped = self._reader.log, tuple(self._approval.stopped)
        digest = digest_of(stopped) if stopped else self._plan.digest
        ended_by = tuple(error for error in (self._ended_by, self._trial_ended_by) if error)
        return PassResult(
            request=self._request,
            start=self._start,
            windows=tuple(log.windows),
            read=log.totals(),
            read_ids=log.ids.keys(),
            malformed_keys=log.malformed,
            plan=self._plan,
            stopped=stopped,
            digest=digest,
            outcomes=(*self._carried_out(), *self._deferred(stopped, digest)),
            skipped=self._planner.skipped,
            failures=(*log.failures, *self._approval.failures, *ended_by),
            is_accepted=self._approval.is_accepted,
            accepted_by=self._approval.accepted_by,
            remarks=(*self._target.remarks, *self._approval.remarks, *self._untried),
            requests=self._requests(),
            seconds_at_pace=self._rates.seconds(self._plan.changes),
            worked=self._worked(),
            ended_early=self._ended_by is not None,
        )

    def _worked(self) -> Worked | None:
        if self._request.dry_run or (self._ended_by and not self._turns.has_begun):
            return None
        return self._turns.worked(self._target.pending_again)

    def _carried_out(self) -> Iterator[ReportedChange]:
        """What became of each change that was tried. What failed in an outage is left like the
        rest, as the ledger has it."""
        again, spent = self._target.pending_again, self._budget.why_spent(self._spent())
        # safeguard: pending-again-is-not-failed
        tried = {c.return_id: c for c in self._plan.changes if c.return_id in again}
        for outcome in self._turns.outcomes:
            change = tried.get(outcome.return_id)
            if change is None or outcome.outcome is not OutcomeKind.FAILED:
                yield outcome
            else:
                why = intern(self._why_left(change, spent))
                yield replace(outcome, outcome=OutcomeKind.DEFERRED, reason=why)

    def _deferred(self, stopped: Sequence[Change], digest: str) -> Iterator[ReportedChange]:
        """Each change that was not carried out, with the reason."""
        done = {outcome.return_id for outcome in self._turns.outcomes}
        why_stopped = f"stopped with plan {digest}, until someone accepts it"
        spent = self._budget.why_spent(self._spent())
        waiting = iter(stopped)  # in the plan's order
        next_stopped = next(waiting, None)
        for change in self._plan.changes:
            is_stopped = change is next_stopped
            if is_stopped:
                next_stopped = next(waiting, None)
            if change.return_id in done:
                continue
            if is_stopped:
                foreseen = change.foreseen()
                yield change.with_outcome(
                    OutcomeKind.DEFERRED, why_stopped, written=foreseen, stopped=True
                )
            else:
                # safeguard: cut-short-push-shows-what-was-written
                written = self._target.unfinished.get(change.return_id, NOTHING_WRITTEN)
                why = intern(self._why_left(change, spent))  # one text, however many have it
                yield change.with_outcome(OutcomeKind.DEFERRED, why, written=written)

    def _why_left(self, change: Change, spent: str | None) -> str:
        """Why it was not carried out, and who goes on with it. `spent`: why no budget is left."""
        match self._ended_by:
            case None:
                return self._why_not_now(change, spent)
            case SafetyStop() if not isinstance(self._ended_by, UnknownPlan):
                return f"it waits for a decision: {self._ended_by}"
            case _ if self._request.dry_run:
                return f"{self._ended_by}, so this dry run did not come to it"
            case _ if change.rests:
                return f"{self._ended_by}; {_ASK_AGAIN}"
            case _ if (digest := self._stopped_already(change)) is not None:
                return f"{self._ended_by}; it stays stopped with plan {digest}"
            case _ if self._has_to_be_asked_for(change):
                return f"{self._ended_by}, before it was accepted: it has to be asked for again"
            case KeyRefused():
                return f"{self._ended_by}, so it stays pending until the key is accepted"
            case _:
                return f"{self._ended_by}, so it was left for a later pass"

    def _why_not_now(self, change: Change, spent: str | None) -> str:
        """Of a pass that was not broken off."""
        stopped = self._start.creation_stopped
        # safeguard: what-rests-is-not-left-to-passes
        if change.rests:
            return _ASK_AGAIN
        if stopped is not None and change.creates and not change.reads_back:
            return f"creation is stopped: {stopped}"
        why = spent or "the backlog has had its share of this pass"
        return f"{why}, so it was left for a later pass"

    def _stopped_already(self, change: Change) -> str | None:
        """The digest of the plan with which it is held back, where this pass did not come to judge
        it."""
        plan = self._approval.stopped_before
        if plan is None:
            return None
        # What is wanted is stopped, whatever change it takes by now (`core.guard`).
        member = change.member()
        same = (replace(member, change=kind.value) for kind in ChangeKind)
        return plan.digest if any(one in plan.members for one in same) else None

    def _has_to_be_asked_for(self, change: Change) -> bool:
        """Whether only who asks has it created, and nobody has done so to the end."""
        # Elsewhere what is from before go-live is created because somebody did.
        is_asked_now = self._rules.asked_for and not self._approval.is_accepted
        return is_asked_now and change.creates and change.before_go_live and not change.is_accepted


def _transition_of(done: NothingToPush) -> Transition:
    if done.state is not State.SYNCED:
        return Transition(done.state, done.reason)
    return Transition(
        done.state, done.reason, attempts=0, pushed_fingerprint=done.entry.fingerprint
    )
