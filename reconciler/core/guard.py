"""Checked on the whole plan before the first write, in dry runs too (design section 10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from reconciler.core.plan import Change, Plan
from reconciler.core.ports import PlanMember
from reconciler.core.report import ChangeKind, RunKind
from reconciler.core.rules import Guards
from reconciler.errors import SafetyStop


class Grounds(Struct, frozen=True):
    """What a plan is judged by."""

    kind: RunKind
    guards: Guards
    changed_lately: int
    """Entries whose fingerprint changed in the last 28 days."""
    mapping_is_new: bool
    """Whether pushed sale returns were last accepted under another mapping."""
    accepted: Collection[PlanMember]
    """What a person has reviewed; members of it are not counted."""
    command: str
    """The command that runs this pass, without options of acceptance."""


_COUNTED = frozenset({RunKind.SCHEDULED, RunKind.SWEEP})


def check_plan(plan: Plan, grounds: Grounds) -> None:
    """Raises SafetyStop when a person should look first.

    A range or a single return was asked for by a person and is free of the counts. A changed
    mapping holds everywhere: it would rewrite what was pushed long ago.
    """
    accepted = set(grounds.accepted)
    open_changes = [change for change in plan.changes if change.member() not in accepted]
    reasons = []
    if grounds.kind in _COUNTED:
        creates = _of(open_changes, ChangeKind.CREATE)
        updates = _of(open_changes, ChangeKind.UPDATE, ChangeKind.CANCEL)
        reasons = [
            *_too_many("create", creates, grounds.guards.creates, grounds),
            *_too_many("update or cancel", updates, grounds.guards.updates, grounds),
        ]
    if grounds.mapping_is_new:
        touched = sum(change.touches_pushed for change in open_changes)
        if touched:
            reasons.append(f"the changed mapping would change {touched} pushed returns")
    if reasons:
        raise SafetyStop(
            f"plan {plan.digest} was not carried out: {'; '.join(reasons)}",
            hint=f"look at it with `{grounds.command} --dry-run`, then let it through with "
            f"`{grounds.command} --accept-plan {plan.digest}`",
        )


def check_ledger_is_not_lost(marked: Sequence[str]) -> None:
    """Raises SafetyStop when Jetti already holds some of what a new ledger would create."""
    if marked:
        raise SafetyStop(
            f"this ledger has never pushed anything, but Jetti already holds {len(marked)} of the "
            f"planned returns (first: {marked[0]})",
            hint="if the ledger was lost or made anew: reconciler init --adopt",
        )


def check_shop(pinned: str | None, shops: Mapping[str, int]) -> str | None:
    """The shop to pin, if none is: the one most rows name, should they not agree.

    `shops` counts the rows of each. Raises SafetyStop when the pinned shop is not among them.
    """
    if not shops or pinned in shops:
        return None
    if pinned is None:
        return max(shops, key=lambda shop: (shops[shop], shop))
    raise SafetyStop(
        f"Loop's key belongs to shop {', '.join(sorted(shops))}, but this ledger was made for "
        f"{pinned}",
        hint="check LOOP_API_KEY; after a renamed shop: reconciler init --repin",
    )


def _of(changes: Sequence[Change], *kinds: ChangeKind) -> int:
    return sum(change.kind in kinds for change in changes)


def _too_many(what: str, count: int, limit: int, grounds: Grounds) -> list[str]:
    share = grounds.guards.share
    if count <= limit or count <= share * grounds.changed_lately:
        return []
    return [
        f"it would {what} {count} returns (the limits are {limit} and {share:.0%} of the "
        f"{grounds.changed_lately} that changed in 28 days)"
    ]
