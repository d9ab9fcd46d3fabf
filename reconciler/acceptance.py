"""What was accepted with `--accept-plan`, and recording that in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.clock import Clock
from reconciler.core.batches import batched
from reconciler.core.guard import Guarded, members_opened_by
from reconciler.core.model import Entry
from reconciler.core.plan import Change, Plan
from reconciler.core.ports import Ledger
from reconciler.core.records import Accepter, PlanMember, StoppedPlan
from reconciler.core.report import ChangeKind
from reconciler.core.request import RunRequest
from reconciler.errors import UnknownPlan


class Acceptance:
    """The digest or the members that a request accepts."""

    def __init__(self, request: RunRequest, run_id: int, ledger: Ledger, clock: Clock) -> None:
        self.accepted_by: str | None = None
        """Who let changes past the guards; None as long as none were."""
        self._user = request.accepted_by
        self._run_id = run_id
        self._shown = request.shown
        self._digest = request.accept_digest
        self._members = frozenset(request.accept_members)
        self._ledger = ledger
        self._clock = clock
        self._asked_for = request.asked_for
        self._is_known = True
        """Whether the digest named a plan."""
        self._is_refused = False
        """Whether nobody has accepted the range that it was given for."""
        self._reviewed: frozenset[PlanMember] = frozenset()
        """The members of what was named."""
        self._no_longer: list[Entry] = []
        """Those of which something else is wanted by now, and nothing is to be done."""
        self._to_keep: tuple[PlanMember, ...] = ()
        """What the digest names, where that is a plan of this pass."""

    def members(self, plan: Plan, stopped: StoppedPlan | None) -> frozenset[PlanMember]:
        """What was reviewed: this plan, one that was kept, or members from a report."""
        members: tuple[PlanMember, ...] = ()
        if self._digest == plan.digest:
            members = self._to_keep = tuple(change.member() for change in plan.changes)
        elif self._digest is not None:
            kept = self._ledger.plans.kept(self._digest)
            self._is_known = kept is not None
            members = kept or ()
        accepted = self._members.union(members)
        if stopped and stopped.digest == self._digest:
            # By the digest that was stored: a new mapping may have restamped equal wants since.
            accepted |= members_opened_by(stopped.members, plan.changes)
        self._reviewed = accepted
        self._no_longer = self._outdated(plan)
        return accepted

    def _outdated(self, plan: Plan) -> list[Entry]:
        # A lookup writes nothing.
        planned = {c.return_id for c in plan.changes if c.kind is not ChangeKind.ADOPT}
        missing = {one.return_id: one for one in self._reviewed if one.return_id not in planned}
        # What was carried out as reviewed may have changed since.
        carried_out = self._ledger.plans.accepted_of(missing.values())
        return [
            entry
            for ids in batched(sorted(missing.keys() - carried_out))
            for entry in self._ledger.entries.get(ids)
            if entry.fingerprint != missing[entry.id].fingerprint
        ]

    def names(self, guarded: Guarded) -> bool:
        """Whether what was accepted is the digest of what is stopped now."""
        if self._digest != guarded.digest:
            return False
        self._is_known = True
        self._to_keep = tuple(change.member() for change in guarded.stopped)
        self._reviewed = self._reviewed.union(self._to_keep)
        return True

    def require_known(self) -> None:
        """Raise UnknownPlan where the digest names no plan: whoever typed it has reviewed something
        else than what would be done now."""
        # safeguard: unknown-digest-stops
        if not self._is_known:
            raise UnknownPlan(
                f"--accept-plan {self._digest}: no such plan was kept or made; nothing was pushed",
                f"look at what would be done now with `{self._shown}`",
                command=self._shown,
            )

    def refuse(self) -> None:
        """Nobody agrees to the range, so that nothing of it is accepted."""
        self._is_refused = True

    def accept(self, changes: Iterable[Change], *, asked_for: bool) -> None:
        """Committed before anything is written: the next pass must know what was allowed,
        should this one be cut short.

        A change that only looks in Jetti is left out: whoever accepts one has not
        accepted the create of what it does not find.
        """
        # safeguard: lookup-is-no-consent
        members = [change.member() for change in changes if change.kind is not ChangeKind.ADOPT]
        if not members:
            return
        by = None
        if self._user is not None and not self._reviewed.isdisjoint(members):
            by = Accepter(self._user, self._run_id)
        if self._digest is not None and self._to_keep:
            # By the same digest one can ask for the rest, should this pass be cut short.
            # safeguard: accepted-plan-is-kept
            self._ledger.plans.keep(self._digest, self._to_keep, self._clock.now())
        self._ledger.plans.accept(members, self._clock.now(), asked_for=asked_for, by=by)
        if by is not None:
            self.accepted_by = by.user

    def remarks(self, plan: Plan | None) -> tuple[str, ...]:
        """That nothing was accepted after all, or nothing more. `plan` is None where none was
        judged."""
        if plan is None or (self._digest is None and not self._members):
            return ()
        return (*self._of_the_outdated(), *self._of_what_is_open(plan))

    def _of_the_outdated(self) -> Iterator[str]:
        # safeguard: reviewed-and-gone-is-named
        if not self._no_longer:
            return
        names = ", ".join(f"{one.id} ({one.seen.order_name})" for one in self._no_longer[:10])
        more = f" and {len(self._no_longer) - 10} more" if len(self._no_longer) > 10 else ""
        which = "1 return was" if len(self._no_longer) == 1 else f"{len(self._no_longer)} were"
        yield (
            f"of the plan that was reviewed, {which} not carried out like that, because something"
            f" else is wanted by now: {names}{more}"
        )

    def _of_what_is_open(self, plan: Plan) -> tuple[str, ...]:
        found = [change for change in plan.changes if change.member() in self._reviewed]
        # A lookup is never accepted, and needs it not.
        written = [change for change in found if change.kind is not ChangeKind.ADOPT]
        # safeguard: accepted-already-is-reported
        if written and all(change.is_accepted for change in written):
            return (self._accepted_already(len(written)),)
        # safeguard: refused-range-opens-nothing
        if self._is_refused and found:
            why = "this range is more than that plan, and is asked about as a whole"
            return (f"{self._named()} opened nothing: {why}",)
        if found:
            return ()
        if self._digest is None:
            return ("--accept-plan opened nothing: nothing in the file matches this plan any more",)
        if not self._is_known:
            return ()  # the pass is stopped for it
        why = "nothing of that plan is left to do as it was reviewed"
        if self._asked_for:
            why = "nothing of that plan, as it was reviewed, is among what this run has read"
        return (f"{self._named()} opened nothing: {why}",)

    def _named(self) -> str:
        """What was typed; of a file only the option, because its path says nothing."""
        return "--accept-plan" if self._digest is None else f"--accept-plan {self._digest}"

    def _accepted_already(self, left: int) -> str:
        which = "1 return of it was" if left == 1 else f"{left} returns of it were"
        return (
            f"{self._named()} opened nothing more: it was accepted already, and scheduled passes"
            f" continue with it; {which} left when this run began"
        )
