"""What was accepted with `--accept-plan`, and recording that in the ledger."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.clock import Clock
from reconciler.core.guard import members_opened_by
from reconciler.core.plan import Change, Plan
from reconciler.core.ports import Ledger
from reconciler.core.records import PlanMember, StoppedPlan
from reconciler.core.report import ChangeKind
from reconciler.core.request import RunRequest


class Acceptance:
    """The digest or the members that a request accepts."""

    def __init__(self, request: RunRequest, ledger: Ledger, clock: Clock) -> None:
        self._digest = request.accept_digest
        self._members = frozenset(request.accept_members)
        self._ledger = ledger
        self._clock = clock
        self._is_known = True
        """Whether the digest named a plan."""

    def members(self, plan: Plan, stopped: StoppedPlan | None) -> frozenset[PlanMember]:
        """What was reviewed: this plan, one that was kept, or members from a report."""
        members: tuple[PlanMember, ...] = ()
        if self._digest == plan.digest:
            members = tuple(change.member() for change in plan.changes)
        elif self._digest is not None:
            kept = self._ledger.plans.kept(self._digest)
            self._is_known = kept is not None
            members = kept or ()
        accepted = self._members.union(members)
        if stopped and stopped.digest == self._digest:
            # By the digest that was stored: a new mapping may have restamped equal wants since.
            accepted |= members_opened_by(stopped.members, plan.changes)
        return accepted

    def names(self, digest: str) -> bool:
        """Whether it is this digest that was accepted, which then named a plan."""
        if self._digest != digest:
            return False
        self._is_known = True
        return True

    def accept(self, changes: Iterable[Change], *, asked_for: bool) -> None:
        """Committed before anything is written: the next pass must know what was allowed,
        should this one be cut short.

        A change that only looks in Jetti is left out: whoever accepts one has not
        accepted the create of what it does not find.
        """
        # safeguard: lookup-is-no-consent
        members = [change.member() for change in changes if change.kind is not ChangeKind.ADOPT]
        if members:
            self._ledger.plans.accept(members, self._clock.now(), asked_for=asked_for)

    def remarks(self, plan: Plan | None) -> tuple[str, ...]:
        """That nothing was accepted after all. `plan` is None where none was made."""
        changes = plan.changes if plan else ()
        if self._members and plan and not any(c.member() in self._members for c in changes):
            nothing = "nothing in the file matches this plan any more"
            return (f"--accept-plan: {nothing}",)
        if self._is_known:
            return ()
        return (f"--accept-plan {self._digest}: no such plan was kept or made",)
