"""Checked on the whole plan before the first write, in dry runs too (architecture.md#guards).

A scheduled pass or sweep is guarded by counts. What a guard stops stays stopped until someone lets
it through, or until it has changed; the rest of every later plan is judged separately. None of this
concerns what someone named, nor a range once whoever typed it has accepted its sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.core.commands import WHAT_DATE_IS, init_adopt
from reconciler.core.duration import estimate
from reconciler.core.instants import iso, to_the_minute
from reconciler.core.plan import Change, Plan, digest_of
from reconciler.core.records import PlanMember
from reconciler.core.report import ChangeKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards
from reconciler.errors import SafetyStop

_MOST_NAMED = 10  # of the returns that have changed since their plan was reviewed


class GuardInputs(Struct, frozen=True):
    """What a plan is judged by, besides itself."""

    guards: Guards
    changed_lately: int
    """Returns in the ledger that changed in Loop in the last 28 days, by their `updated_at`."""
    mapping_is_new: bool
    """Whether the mapping is another than the one under which pushed returns were accepted."""
    accepted: Collection[PlanMember] = ()
    """What someone has reviewed."""
    stopped: Collection[PlanMember] = ()
    """What an earlier pass stopped and no one has accepted since."""
    stopped_since: datetime | None = None
    stopped_as: str = ""
    """The digest under which it was stopped."""
    go_live: datetime | None = None
    """Of this ledger."""


class Guarded(Struct, frozen=True):
    """A plan in two parts, each in the order of the plan."""

    through: tuple[Change, ...]
    """May be carried out."""
    stopped: tuple[Change, ...] = ()
    """Waits until someone accepts it."""
    reasons: tuple[str, ...] = ()
    """What is too much in this plan; empty where all of it was stopped before."""
    stopped_before: int = 0
    """How many of these were stopped before; the reasons do not count them."""

    @property
    def digest(self) -> str:
        """Names what is stopped."""
        return digest_of(self.stopped)


def guard(plan: Plan, inputs: GuardInputs) -> Guarded:
    """Judge the plan of a scheduled pass or a sweep.

    Counted is what no one has accepted and what was not stopped before. Where that is too
    much, all of it is stopped, together with what was stopped before: one plan, one digest. What
    someone has reviewed is stopped where something else is wanted by now.

    What is wanted is stopped, not the kind of change: a create becomes an update once `init
    --adopt` has taken over what staff had raised, and may still create the lines they left out.
    """
    accepted, before = frozenset(inputs.accepted), _wants(inputs.stopped)
    unseen = [c for c in plan.changes if not c.is_accepted and c.member() not in accepted]
    # safeguard: stopped-stays-stopped
    # safeguard: stopped-by-what-is-wanted
    still = [change for change in unseen if _is_in(before, change.member())]
    too_much = _too_much([c for c in unseen if not _is_in(before, c.member())], inputs)
    moved = moved_on(unseen, inputs.accepted)
    named = {change.return_id for change in (*still, *moved)}
    halted = unseen if too_much else [c for c in unseen if c.return_id in named]
    reasons = (*too_much, *_of_what_moved(moved))
    if len(halted) == len(plan.changes):
        return Guarded((), plan.changes, reasons, len(still))
    ids = {change.return_id for change in halted}
    return Guarded(
        through=tuple(c for c in plan.changes if c.return_id not in ids),
        stopped=tuple(halted),
        reasons=reasons,
        stopped_before=len(still),
    )


def moved_on(changes: Iterable[Change], reviewed: Iterable[PlanMember]) -> list[Change]:
    """Changes of returns that someone has reviewed, of which something else is wanted by now."""
    wants = _wants(reviewed)
    # safeguard: reviewed-as-it-is
    known = [change.member() for change in changes if change.return_id in wants]
    ids = {one.return_id for one in known if not _is_in(wants, one)}
    # A lookup writes nothing to Jetti.
    return [c for c in changes if c.return_id in ids and c.kind is not ChangeKind.ADOPT]


def members_opened_by(
    members: Collection[PlanMember], changes: Iterable[Change]
) -> frozenset[PlanMember]:
    """What accepting a stopped plan by its digest comes to.

    Where the sale return in Jetti was taken over since, the same want needs less than was reviewed,
    and is accepted too. Not the other way round: whoever accepted an adopt has not accepted a
    create.
    """
    wants = _wants(members)
    pushed = (change.member() for change in changes if change.touches_pushed)
    return frozenset(members).union(member for member in pushed if _is_in(wants, member))


def stop_of(
    guarded: Guarded,
    inputs: GuardInputs,
    request: RunRequest,
    already_there: Sequence[str] | None = (),
) -> SafetyStop:
    """The error that reports the stopped part of what `request` came to.

    `already_there` are ids of its returns that Jetti has although this ledger does not know; None
    where Jetti was not asked.
    """
    digest = guarded.digest
    if guarded.reasons:
        message = f"plan {digest} was not carried out: {'; '.join(guarded.reasons)}"
        if guarded.stopped_before:
            message += (
                f". Together with {guarded.stopped_before} stopped earlier, it would "
                f"{in_words(guarded.stopped)}"
            )
    else:
        since = f" since {to_the_minute(inputs.stopped_since)}" if inputs.stopped_since else ""
        message = f"plan {digest} is stopped{since}: it would {in_words(guarded.stopped)}"
    creates = _of(guarded.stopped, ChangeKind.CREATE)
    return safety_stop(
        message, digest, request, already_there, creates=creates, go_live=inputs.go_live
    )


def safety_stop(
    message: str,
    digest: str,
    request: RunRequest,
    already_there: Sequence[str] | None = (),
    *,
    creates: int,
    otherwise: str = "",
    go_live: datetime | None = None,
) -> SafetyStop:
    """A stop that accepting the digest ends; `otherwise` adds another way to the hint.

    `already_there` as for `stop_of`, of that many creates; `go_live` is this ledger's.
    """
    command = request.command
    if already_there is None:
        return SafetyStop(
            message,
            hint=f"see with `{command} --dry-run --against-jetti` whether Jetti already has any of "
            f"it, then accept it with `{command} --accept-plan {digest}`{otherwise}",
            command=f"{command} --dry-run --against-jetti",
        )
    if already_there:
        adopt = init_adopt(go_live)
        return SafetyStop(
            f"{message}; {_already_held(already_there, creates)}, which this ledger does not know",
            hint=f"take them over with `{adopt}`; what is left can be accepted "
            f"with `{command} --accept-plan` and its digest{otherwise}",
            command=adopt,
        )
    return SafetyStop(
        message,
        hint=f"{_look_then_accept(request, digest)}{otherwise}",
        command=f"{command} --accept-plan {digest}",
    )


def _look_then_accept(request: RunRequest, digest: str) -> str:
    """How to see more of a plan that is stopped than this request has shown, and to go on."""
    accept = f"{request.command} --accept-plan {digest}"
    if not request.dry_run:
        return f"look at it with `{request.shown}`, then accept it with `{accept}`"
    look_up = f"{request.command} --dry-run --against-jetti --accept-plan {digest}"
    return (
        f"look its orders up with `{look_up}`, which accepts nothing, then accept it with"
        f" `{accept}`"
    )


def in_words(changes: Sequence[Change]) -> str:
    """`create 30, update 2 returns`."""
    counts = Counter(change.kind for change in changes)
    each = ", ".join(f"{kind.verb} {counts[kind]}" for kind in ChangeKind if counts[kind])
    return f"{each} {'return' if len(changes) == 1 else 'returns'}"


class RangeSum(Struct, frozen=True):
    """What someone should know of a range before agreeing to it."""

    reasons: tuple[str, ...]
    """Why it is asked about, as what it does."""
    creates: int
    accepted: int
    """Of these: accepted before, so that they are not what is asked about."""
    before_go_live: int
    """Of all creates: older than the ledger's go-live, and so never created automatically."""
    remapped: int
    """Pushed returns that would change although perhaps only the mapping has changed."""
    vendors: int | None
    """How many would be mailed about the creates that were looked up; None: Jetti was not asked."""
    looked_up: int
    """How many of the creates were looked up for that."""
    seconds: float
    """Estimated for all of it at Jetti's pace."""
    creation_stopped: bool = False
    reviewed: int = 0
    """Of all creates: in what `--accept-plan` names, and not accepted until someone agrees to all
    of it; they are not what is asked about either."""

    def why(self) -> str:
        """`creates more than 25 returns (guard.creates) and …`: the reason for the question."""
        return " and ".join(self.reasons)

    def in_words(self) -> str:
        """`it would create 30 returns, …`: for the question, and for the stop without an answer."""
        parts = [f"it would create {_counted(self.creates, 'return')}"]
        if self.creation_stopped:
            parts = [f"{parts[0]} if creation were not stopped"]
        if self.accepted:
            parts.append(f"{self.accepted} of them accepted before")
        if self.reviewed:
            parts.append(f"{self.reviewed} of them in the plan that --accept-plan names")
        if self.before_go_live:
            parts.append(f"{self.before_go_live} of them from before go-live")
        if self.vendors is not None:
            rest = "" if self.looked_up == self.creates else f" for the first {self.looked_up}"
            parts.append(f"mail {_counted(self.vendors, 'vendor')}{rest}")
        if self.remapped:
            what = _counted(self.remapped, "pushed return")
            parts.append(f"and change {what} by the changed mapping")
        parts.append(f"which takes about {estimate(round(self.seconds))}")
        return ", ".join(parts)


def needs_consent(changes: Sequence[Change], inputs: GuardInputs) -> tuple[str, ...]:
    """In what these changes of a range are more than someone may have meant; empty if they are
    not."""
    creates = [change for change in changes if change.kind is ChangeKind.CREATE]
    limit = inputs.guards.creates
    moved = moved_on(changes, inputs.accepted)
    reasons = (
        (len(creates) > limit, f"creates more than {_counted(limit, 'return')} (guard.creates)"),
        (any(c.before_go_live for c in creates), "creates returns from before go-live"),
        (bool(remapped(changes, inputs)), "changes pushed returns by the changed mapping"),
        (bool(moved), f"carries out what nobody has reviewed: {'; '.join(_of_what_moved(moved))}"),
    )
    return tuple(reason for applies, reason in reasons if applies)


def unaccepted(changes: Sequence[Change], accepted: Collection[PlanMember]) -> list[Change]:
    """Those that were not accepted before."""
    members = frozenset(accepted)
    return [c for c in changes if not c.is_accepted and c.member() not in members]


def remapped(changes: Sequence[Change], inputs: GuardInputs) -> int:
    """Pushed returns that would change while a new mapping is not accepted."""
    return sum(c.touches_pushed for c in changes) if inputs.mapping_is_new else 0


def check_ledger_is_not_lost(already_there: Sequence[str], creates: int, go_live: datetime) -> None:
    """Raises SafetyStop when Jetti already has some of what a new ledger would create.

    `go_live` is the new ledger's. Where another one was lost, that one's counts, and only whoever
    reads this can know it.
    """
    if already_there:
        raise SafetyStop(
            f"this ledger has never pushed anything, but {_already_held(already_there, creates)}",
            hint=f"take them over with `{init_adopt()}`, {WHAT_DATE_IS}: then what a lost ledger "
            "still had to create is created too. If no ledger was lost, DATE is this one's "
            f"go-live, {iso(go_live)}",
            command=init_adopt(),
        )


def check_shop(pinned: str | None, shops: Mapping[str, int]) -> str | None:
    """The shop to pin if none is pinned yet: the one that most rows name.

    `shops` counts the rows of each shop. Raises SafetyStop when the pinned one is not among them.
    """
    # safeguard: shop-pin
    if not shops or pinned in shops:
        return None
    if pinned is None:
        return max(shops, key=lambda shop: (shops[shop], shop))
    raise SafetyStop(
        f"Loop's key belongs to shop {', '.join(sorted(shops))}, but this ledger was created for "
        f"{pinned}",
        hint="check LOOP_API_KEY; after a renamed shop: reconciler init --repin",
    )


def check_account(pinned: str | None, accounts: Collection[str]) -> str | None:
    """The account in Jetti to pin if none is pinned yet and only one shows.

    Every row names the account it belongs to: with a token of another one the program would write
    there. Raises SafetyStop where any shows that is not the pinned one.
    """
    if not accounts:
        return None
    if pinned is None and len(accounts) == 1:
        return next(iter(accounts))
    # safeguard: account-pin
    if set(accounts) != {pinned}:
        raise SafetyStop(
            f"Jetti's token belongs to account {', '.join(sorted(accounts))}, "
            f"but this ledger was created for account {pinned}",
            hint="check JETTI_API_TOKEN; after a renamed account: reconciler init --repin",
        )
    return None


def _already_held(there: Sequence[str], creates: int) -> str:
    """How many of the creates are in Jetti: of many, some only are looked for, by their markers."""
    least = "at least " if len(there) < creates else ""
    return (
        f"Jetti already holds {least}{len(there)} of the {_counted(creates, 'return')} that would"
        f" be created (first: {there[0]})"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _too_much(changes: Sequence[Change], inputs: GuardInputs) -> tuple[str, ...]:
    creates = _of(changes, ChangeKind.CREATE)
    updates = _of(changes, ChangeKind.UPDATE, ChangeKind.CANCEL)
    reasons = [
        *_over("create", creates, inputs.guards.creates, inputs),
        *_over("update or cancel", updates, inputs.guards.updates, inputs),
    ]
    # safeguard: guard-of-the-mapping
    if touched := remapped(changes, inputs):
        what = _counted(touched, "pushed return")
        reasons.append(f"the changed mapping would change {what}")
    return tuple(reasons)


def _of_what_moved(moved: Sequence[Change]) -> tuple[str, ...]:
    if not moved:
        return ()
    names = ", ".join(f"{c.return_id} ({c.order_name})" for c in moved[:_MOST_NAMED])
    more = f" and {len(moved) - _MOST_NAMED} more" if len(moved) > _MOST_NAMED else ""
    has = "has" if len(moved) == 1 else "have"
    return (
        f"{_counted(len(moved), 'return')} {has} changed since the plan was reviewed:"
        f" {names}{more}",
    )


def _wants(members: Iterable[PlanMember]) -> dict[str, bytes]:
    """Return id -> fingerprint of what is wanted, whatever the kind of change."""
    return {member.return_id: member.fingerprint for member in members}


def _is_in(wants: Mapping[str, bytes], member: PlanMember) -> bool:
    return wants.get(member.return_id) == member.fingerprint


def _of(changes: Sequence[Change], *kinds: ChangeKind) -> int:
    return sum(change.kind in kinds for change in changes)


def _over(what: str, count: int, limit: int, inputs: GuardInputs) -> list[str]:
    share = inputs.guards.share
    # safeguard: guard-limits
    if count <= limit or count <= share * inputs.changed_lately:
        return []
    return [
        f"it would {what} {_counted(count, 'return')} (the limits are {limit} and {share:.0%} of "
        f"the {inputs.changed_lately} in this ledger that changed in Loop in the last 28 days)"
    ]
