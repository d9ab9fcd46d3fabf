"""Which changes of a plan may be carried out now (architecture.md#guards).

`core/guard.py` judges; this asks the ledger and Jetti for what that rests on, asks whoever typed
a range, and records in the ledger what is stopped and what is accepted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from reconciler.acceptance import Acceptance
from reconciler.clock import Clock
from reconciler.core.estimate import Rates
from reconciler.core.guard import (
    Guarded,
    GuardInputs,
    RangeSum,
    check_ledger_is_not_lost,
    guard,
    needs_consent,
    remapped,
    safety_stop,
    stop_of,
    unaccepted,
)
from reconciler.core.pass_result import PassStart
from reconciler.core.plan import Change, Plan
from reconciler.core.ports import Ledger
from reconciler.core.records import PlanMember, StoppedPlan
from reconciler.core.report import ChangeKind, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards
from reconciler.core.target import DeferredTarget
from reconciler.errors import KeyRefused, ReconcilerError, SafetyStop, TargetUnavailable
from reconciler.log_events import Event

_log = logging.getLogger(__name__)

LATELY = timedelta(days=28)
"""The guard's share is of the returns that changed in Loop in this span."""
MOST_LOOKED_UP = 200
"""Creates of a range whose vendors are counted before anyone is asked: ten times two GETs."""

Consent = Callable[[Callable[[], RangeSum]], bool]
"""Asks whoever typed a range. May raise Interrupted, and what working out its sum may."""


class Approval(Protocol):
    """Decides once about one plan. What it says of that plan is true also when it raises."""

    @property
    def stopped(self) -> Sequence[Change]:
        """What is stopped, in the plan's order."""

    @property
    def stopped_before(self) -> StoppedPlan | None:
        """What a guard had stopped before this plan and nobody has accepted, also not by now."""

    @property
    def failures(self) -> Sequence[ReconcilerError]:
        """What the report must say although the pass goes on."""

    @property
    def is_accepted(self) -> bool:
        """Whether what was asked for was accepted, so that later passes go on with it."""

    @property
    def accepted_by(self) -> str | None:
        """Who let changes past the guards with --accept-plan; None where none were."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What should be known of the plan that was accepted on the command line."""

    def approve(self, plan: Plan) -> tuple[Change, ...]:
        """The changes that may be carried out now, in the plan's order.

        Raises SafetyStop where none may, LedgerError, and whatever asking Jetti or for consent
        may raise.
        """


class UnguardedApproval:
    """Approves all of a plan: `init --adopt` writes nothing to Jetti."""

    stopped: Sequence[Change] = ()
    stopped_before: StoppedPlan | None = None
    failures: Sequence[ReconcilerError] = ()
    is_accepted = False
    accepted_by: str | None = None
    remarks: tuple[str, ...] = ()

    def approve(self, plan: Plan) -> tuple[Change, ...]:
        return plan.changes


class GuardPolicy(Struct, frozen=True):
    """What the guards go by, besides the plan and the ledger."""

    guards: Guards
    consent: Consent
    mapping_version: str
    """Of the settings; pushed returns may have been accepted under another one."""
    rates: Rates
    """At which pace Jetti may be written to."""


class GuardedApproval:
    """Approves what the guards let pass, and what someone has reviewed or agrees to."""

    def __init__(
        self,
        request: RunRequest,
        start: PassStart,
        ledger: Ledger,
        target: DeferredTarget,
        policy: GuardPolicy,
        clock: Clock,
    ) -> None:
        self.stopped: Sequence[Change] = ()
        self.stopped_before: StoppedPlan | None = None
        self.failures: list[ReconcilerError] = []
        self.is_accepted = False
        self._request = request
        self._start = start
        self._ledger = ledger
        self._target = target
        self._policy = policy
        self._clock = clock
        self._judged: Plan | None = None
        self._stopped_as = ""
        """The digest of what is stopped."""
        self._acceptance = Acceptance(request, start.run.id, ledger, clock)
        self._was_looked_for = False
        """Whether the creates that are stopped were looked for in Jetti."""
        self._already_there: Sequence[str] | None = ()
        """If this ledger never pushed: planned creates that Jetti already has; None: not asked."""

    @property
    def accepted_by(self) -> str | None:
        return self._acceptance.accepted_by

    @property
    def remarks(self) -> tuple[str, ...]:
        said = self._acceptance.remarks(self._judged)
        if self.stopped and self._request.dry_run and self._request.against_jetti:
            seen = "what is stopped was not looked up in Jetti"
            if self._was_looked_for:
                seen = "what is stopped was looked for in Jetti by the markers of its creates alone"
            said += (
                f"{seen}: the same command with --accept-plan {self._stopped_as} looks its orders"
                " up, and accepts nothing",
            )
        return said

    def approve(self, plan: Plan) -> tuple[Change, ...]:
        try:
            return self._approve(plan)
        finally:
            # Logged as well: with --quiet a pass that went well has no report. A dry run has one.
            for remark in () if self._request.dry_run else self.remarks:
                _log.error("%s", remark, extra=Event.PLAN_REMARK.fields)

    def _approve(self, plan: Plan) -> tuple[Change, ...]:
        self.stopped_before = self._ledger.plans.stopped()
        creates, meta = _creates(plan.changes), self._ledger.meta.read()
        if creates and not meta.has_pushed:
            # Before any count: it is no news that such a plan is large.
            with self._target.in_use() as target:
                self._already_there = target.already_has(creates)
            # safeguard: lost-ledger
            check_ledger_is_not_lost(self._already_there or (), len(creates), meta.go_live)
        if self._request.asked_for:
            return self._approve_asked_for(plan)
        return self._approve_counted(plan)

    # ------------------------------------------------------------------ a scheduled pass or sweep

    def _approve_counted(self, plan: Plan) -> tuple[Change, ...]:
        inputs = self._inputs(plan)
        guarded = guard(plan, inputs)
        if self._acceptance.names(guarded):
            members = [change.member() for change in guarded.stopped]
            inputs = replace(inputs, accepted={*inputs.accepted, *members})
            guarded = guard(plan, inputs)
        accepted = [change for change in guarded.through if change.member() in inputs.accepted]
        self._acceptance.accept(accepted, asked_for=False)
        if self.stopped_before is not None:
            # safeguard: judged-anew
            self.stopped_before = self.stopped_before.without(c.return_id for c in guarded.through)
        self._stop(plan, guarded, inputs)
        self._acceptance.require_known()
        if inputs.mapping_is_new and not any(c.touches_pushed for c in guarded.stopped):
            self._accept_mapping()
        return guarded.through

    def _accept_mapping(self) -> None:
        """Nothing that was pushed would change by the new mapping; known only of a plan of the
        whole ledger."""
        # safeguard: a-repair-accepts-no-mapping
        if self._request.kind is not RunKind.VERIFY:
            self._ledger.meta.accept_mapping(self._policy.mapping_version)

    def _stop(self, plan: Plan, guarded: Guarded, inputs: GuardInputs) -> None:
        """Record what is stopped from now on; members that are not due today stay so."""
        if guarded.stopped or inputs.stopped:
            members = (change.member() for change in guarded.stopped)
            digest = guarded.digest if guarded.stopped else inputs.stopped_as
            all_members = chain(members, _not_due(inputs.stopped, plan))
            self._ledger.plans.stop(digest, all_members, self._clock.now())
        if guarded.stopped:
            self.stopped, self._stopped_as = guarded.stopped, guarded.digest
            # Asked only when something is newly stopped or for --against-jetti: passes run often.
            asks_jetti = bool(guarded.reasons) or self._request.against_jetti
            found = self._look_for(guarded.stopped) if asks_jetti else self._already_there
            stop = stop_of(guarded, inputs, self._request, found)
            self.failures.append(self._as_before_init(stop))

    # ------------------------------------------------------------------ a range or single returns

    def _approve_asked_for(self, plan: Plan) -> tuple[Change, ...]:
        """Single returns are accepted, a range once whoever typed it knows its sum."""
        inputs = self._inputs(plan)
        self._acceptance.require_known()
        changes = unaccepted(plan.changes, inputs.accepted)
        reasons = needs_consent(changes, inputs) if self._request.kind is RunKind.RANGE else ()
        if reasons:
            self._ask(plan, changes, inputs, reasons)
        # safeguard: requested-returns-pass-guards
        self._acceptance.accept(plan.changes, asked_for=True)
        self.is_accepted, self.stopped_before = True, None
        return plan.changes

    def _ask(
        self,
        plan: Plan,
        changes: Sequence[Change],
        inputs: GuardInputs,
        reasons: tuple[str, ...],
    ) -> None:
        """Ask about a plan in which these changes were not accepted before.

        Raises SafetyStop unless someone agrees; the plan is kept then, for its digest."""
        # Worked out only where somebody reads it: whoever accepted beforehand need not wait for it.
        total = cache(lambda: self._sum(plan, changes, inputs, reasons))
        # safeguard: range-needs-consent
        if self._policy.consent(total):
            return
        self._acceptance.refuse()
        found = self._look_for(changes)
        self.stopped, self._stopped_as = plan.changes, plan.digest
        members = (change.member() for change in plan.changes)
        self._ledger.plans.keep(plan.digest, members, self._clock.now())
        message = (
            f"plan {plan.digest} of this range was not carried out, because it {total().why()}:"
            f" {total().in_words()}"
        )
        stop = safety_stop(
            message,
            plan.digest,
            self._request,
            found,
            creates=len(_creates(changes)),
            otherwise=", or with --yes",
            go_live=inputs.go_live,
        )
        raise self._as_before_init(stop)

    def _as_before_init(self, stop: SafetyStop) -> SafetyStop:
        """Of a dry run without a ledger: nothing can be accepted yet."""
        # safeguard: no-acceptance-without-a-ledger
        if self._start.would_go_live is None or (stop.command or "").startswith(_INIT):
            return stop
        return SafetyStop(
            str(stop),
            f"once `{_INIT}` has created the ledger, a run stops like this, too, and names the"
            " command that accepts its plan",
        )

    def _sum(
        self,
        plan: Plan,
        changes: Sequence[Change],
        inputs: GuardInputs,
        reasons: tuple[str, ...],
    ) -> RangeSum:
        # Of all that the report lists, and that a yes carries out.
        creates = _creates(plan.changes)
        looked_up = creates[:MOST_LOOKED_UP]
        # What this run names is not accepted before somebody agrees to the whole range.
        # safeguard: named-is-not-accepted
        accepted = sum(change.is_accepted for change in creates)
        return RangeSum(
            reasons=reasons,
            creates=len(creates),
            accepted=accepted,
            reviewed=len(creates) - len(_creates(changes)) - accepted,
            before_go_live=sum(change.before_go_live for change in creates),
            remapped=remapped(plan.changes, inputs),
            vendors=self._target.get().vendors(looked_up),
            looked_up=len(looked_up),
            seconds=self._policy.rates.seconds(plan.changes),
            creation_stopped=self._start.creation_stopped is not None,
        )

    # ------------------------------------------------------------------------------- all of them

    def _inputs(self, plan: Plan) -> GuardInputs:
        self._judged = plan
        stopped, meta = self.stopped_before, self._ledger.meta.read()
        return GuardInputs(
            guards=self._policy.guards,
            changed_lately=self._ledger.entries.count_updated_since(
                self._start.run.started_at - LATELY
            ),
            mapping_is_new=meta.mapping_version != self._policy.mapping_version,
            accepted=self._acceptance.members(plan, stopped),
            stopped=stopped.members if stopped else frozenset(),
            stopped_since=stopped.since if stopped else None,
            stopped_as=stopped.digest if stopped else "",
            go_live=meta.go_live,
        )

    def _look_for(self, changes: Iterable[Change]) -> Sequence[str] | None:
        """What Jetti already has of changes that are stopped: a ledger that was lost may have
        pushed something since."""
        creates = _creates(changes)
        if not creates or not self._ledger.meta.read().has_pushed:
            self._was_looked_for = bool(creates)
            return self._already_there
        try:
            with self._target.in_use() as target:
                # safeguard: lost-ledger-that-has-pushed
                found = target.already_has(creates) or ()
        except (TargetUnavailable, KeyRefused) as error:
            self.failures.append(error)  # the plan is stopped all the same, with other advice
            return ()
        self._was_looked_for = True
        return found


_INIT = "reconciler init"


def _creates(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.kind is ChangeKind.CREATE]


def _not_due(members: Collection[PlanMember], plan: Plan) -> list[PlanMember]:
    """Those whose return is not in this plan."""
    if not members:
        return []
    due = {change.return_id for change in plan.changes}
    return [member for member in members if member.return_id not in due]
