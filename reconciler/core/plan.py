"""What is to be done about each entry, decided from the ledger alone; a plan is data.

A dry run is a plan that is not applied. Nothing that Jetti says goes into it, nor the time, so that
a dry run and the run a minute later name the same plan by the same digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime, timedelta
from enum import IntEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from operator import attrgetter

from msgspec import Struct, json
from msgspec.structs import replace

from reconciler.core import remarks, shown_fields
from reconciler.core.diff import ReasonCodes, as_pushed, diff_of
from reconciler.core.field_changes import (
    NO_FIELDS,
    NOTHING_WRITTEN,
    FieldChange,
    FieldChanges,
    Written,
)
from reconciler.core.matching.lines import uncovered
from reconciler.core.matching.result import NeedsReview
from reconciler.core.model import Entry, Purpose, State, WantedLine
from reconciler.core.records import PlanMember
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange, SaleReturnName
from reconciler.core.returned_goods import NO_LINES, ReportedLines, goods_of
from reconciler.core.settings import Globs, Policy
from reconciler.core.skipped_returns import SkippedReturns

FRESH_FOR = timedelta(days=1)
"""What changed in Loop within the last day is fresh also in the passes after the one that recorded
it. Else a return whose order came ten minutes late would wait behind a backlog of days."""


class Priority(IntEnum):
    """Which changes come first."""

    FRESH = 0
    """What someone waits for: what is new, what was asked for, and what is to be read back."""
    LOOKUP = 1
    """The same, but nothing is written for it, so that it can wait for what is written."""
    BACKLOG = 2
    """What earlier passes left, and what changed in Loop longer ago than a day."""


class CreationRules(Struct, frozen=True):
    """Which returns may be created."""

    policy: Policy
    go_live: datetime
    asked_for: bool
    """Whether someone named this range or these returns: then go-live does not matter."""
    only_looks: bool = False
    """Whether returns are looked for in Jetti, and none is created for being after go-live."""


class Change(Struct, frozen=True, gc=False):
    """One element of a plan."""

    return_id: str
    order_name: str
    order_id: str | None
    kind: ChangeKind
    fingerprint: str
    """Of what is wanted, in hex."""
    changed_at: datetime
    """When the return last changed in Loop."""
    reads_back: bool
    """Whether a write for it was sent that has no answer yet."""
    touches_pushed: bool
    """Whether Jetti already holds a sale return that would change."""
    is_accepted: bool
    """Whether exactly this was accepted before: by someone, or by a pass that began it."""
    before_go_live: bool
    """Whether the return is older than go-live, so that it is created only if someone asks."""
    fields: FieldChanges = NO_FIELDS
    """What would be written, judged by the ledger alone."""
    remarks: tuple[str, ...] = ()
    creates: bool = False
    """Whether lines of it are in no sale return yet."""
    waits: bool = False
    """Whether its order or a line was not in Jetti when it was last looked up."""
    rests: bool = False
    """Whether no pass does anything about it unless someone asks for it, as now."""
    priority: Priority = Priority.FRESH
    was_left: bool = False
    """Whether it was due before this pass."""
    lines: ReportedLines = NO_LINES
    """The goods that come back, for the report; none of what is only looked for, since a first pass
    may look for everything that a shop has."""

    def member(self) -> PlanMember:
        """The change as digests and `--accept-plan` know it."""
        return PlanMember(self.return_id, self.kind.value, bytes.fromhex(self.fingerprint))

    def foreseen(self) -> Written:
        """What would be written, judged by the ledger alone. One sale return at least where lines
        are in none yet: only Jetti knows how many."""
        return Written(self.fields, int(self.creates), self.fields.cancelled())

    def with_outcome(
        self,
        outcome: OutcomeKind,
        reason: str | None = None,
        sale_returns: tuple[SaleReturnName, ...] = (),
        remarks: tuple[str, ...] = (),
        written: Written = NOTHING_WRITTEN,
        *,
        stopped: bool = False,
    ) -> ReportedChange:
        """The change and its outcome, for the report. `written` is what was written or, of what is
        planned or stopped, would be: not all that the plan expected."""
        return ReportedChange(
            return_id=self.return_id,
            order_name=self.order_name,
            order_id=self.order_id,
            change=self.kind,
            outcome=outcome,
            stopped=stopped,
            reason=reason,
            sale_returns=sale_returns,
            fields=written.fields,
            fingerprint=self.fingerprint,
            remarks=(*self.remarks, *remarks),
            lines=() if outcome is OutcomeKind.SKIPPED else self.lines,
            before_go_live=self.before_go_live,
            sale_returns_made=written.sale_returns_made,
            sale_returns_cancelled=written.sale_returns_cancelled,
            changed_at=None if outcome is OutcomeKind.SKIPPED else self.changed_at,
        )


class NothingToPush(Struct, frozen=True):
    """An entry that needs no push and goes straight to a state; the reason is for people."""

    entry: Entry
    state: State
    reason: str | None = None


Decided = Callable[[Entry, Change | NothingToPush, CreationRules], None]
"""Takes a decision about an entry, and the rules by which it was made."""


class Plan(Struct, frozen=True):
    """All changes of a pass, in the order they are pushed."""

    changes: tuple[Change, ...]

    @property
    def digest(self) -> str:
        """Names the plan: 16 hex digits."""
        return digest_of(self.changes)


def digest_of(changes: Iterable[Change]) -> str:
    """16 hex digits over the sorted members of a plan, or of a part of one."""
    named = sha256()
    # One member after the other, although it is the hash of one list: a plan may be long.
    opened = b"["
    for change in sorted(changes, key=attrgetter("return_id")):
        named.update(opened)
        named.update(json.encode((change.return_id, change.kind.value, change.fingerprint)))
        opened = b","
    named.update(b"]" if opened == b"," else b"[]")
    return named.hexdigest()[:16]


class Planner:
    """Decides about one entry after the other, so that memory follows the changes and not the
    entries; then puts the changes in order."""

    def __init__(
        self, rules: CreationRules, began_at: datetime, decided: Decided | None = None
    ) -> None:
        """`began_at`: when the pass began. What was recorded since then goes before the backlog, as
        does what changed in Loop within the day before (`FRESH_FOR`). `decided` gets every
        decision as it is made."""
        self._rules = rules
        self._began_at = began_at
        self._decided = decided
        # By return id.
        self._read_back: dict[str, Change] = {}
        self._fresh: dict[str, Change] = {}
        self._backlog: dict[str, Change] = {}
        self.skipped = SkippedReturns()
        """What is settled without a push and worth a line in the report."""

    @property
    def planned(self) -> Set[str]:
        """Ids of the returns that have a change in the plan so far."""
        return self._read_back.keys() | self._fresh.keys() | self._backlog.keys()

    def decide(self, entry: Entry) -> NothingToPush | None:
        """Take an entry into the plan, or say what state it is to be settled in without a push."""
        decision = decide(entry, self._rules)
        if self._decided is not None:
            self._decided(entry, decision, self._rules)
        if isinstance(decision, Change):
            self._add(entry, decision)
            return None
        if decision.state is entry.state:
            return None
        if decision.state is State.SKIPPED or decision.reason is not None:
            is_old = _is_before_go_live(entry, self._rules)
            self.skipped.add(entry, decision.reason, before_go_live=is_old)
        return decision

    def forget(self, return_id: str) -> None:
        """Take back what was decided about a return: Loop has shown a newer version since."""
        for changes in (self._read_back, self._fresh, self._backlog):
            changes.pop(return_id, None)
        self.skipped.forget(return_id)

    def _add(self, entry: Entry, change: Change) -> None:
        recorded_at = entry.changed_at or self._began_at
        was_left = recorded_at < self._began_at
        if was_left:
            change = replace(change, was_left=True)
        if change.reads_back:
            self._read_back[entry.id] = change
        # safeguard: left-today-is-fresh
        elif not was_left or change.changed_at >= self._began_at - FRESH_FOR:
            # safeguard: lookups-wait-for-fresh-writes
            if change.kind is ChangeKind.ADOPT:
                change = replace(change, priority=Priority.LOOKUP)
            self._fresh[entry.id] = change
        else:
            # What was asked for has no share to keep to.
            if not self._rules.asked_for:
                change = replace(change, priority=Priority.BACKLOG)
            self._backlog[entry.id] = change

    def plan(self) -> Plan:
        """All that was taken in, which the planner lets go of: a plan may have 100,000 changes.

        First what must be read back: what is absent then is read again at the end of the pass.
        Then what is fresh, newest first, and of that what is written before what is only looked up;
        then the backlog, oldest first: a backlog of days must not hold back what a customer did a
        minute ago. Newest and oldest by the time of the last change in Loop."""
        fresh = _by_time(self._fresh.values())[::-1]
        fresh.sort(key=attrgetter("priority"))  # stable
        backlog = _by_time(self._backlog.values())
        read_back = [change for _, change in sorted(self._read_back.items())]
        for planned in (self._read_back, self._fresh, self._backlog):
            planned.clear()
        return Plan((*read_back, *fresh, *backlog))


def _by_time(changes: Iterable[Change]) -> list[Change]:
    """The oldest first, and of the same instant the lowest id. Sorted twice, since a key of both
    takes as much memory as a change without its fields."""
    ordered = sorted(changes, key=attrgetter("return_id"))
    ordered.sort(key=attrgetter("changed_at"))
    return ordered


def decide(entry: Entry, rules: CreationRules) -> Change | NothingToPush:
    """What is to be done about an entry; decided nowhere else."""
    decision = _decide(entry, rules)
    about = remarks.about(entry, rules.policy.held_states)
    if isinstance(decision, NothingToPush) or not about:
        return decision
    return replace(decision, remarks=about)


def _decide(entry: Entry, rules: CreationRules) -> Change | NothingToPush:
    if entry.sale_returns:
        return _decide_pushed(entry, rules)
    if entry.unanswered_create is not None:
        # It may already exist, so it must be looked up whatever the policy says.
        kind = ChangeKind.CREATE if entry.wanted.purpose is Purpose.EXIST else ChangeKind.ADOPT
        return _change(entry, kind, rules)
    if entry.wanted.purpose is Purpose.HOLD:
        return NothingToPush(entry, State.SKIPPED, why_not_created(entry, rules))
    if entry.wanted.purpose is Purpose.CANCEL or not after_go_live(entry, rules):
        return _change(entry, ChangeKind.ADOPT, rules)
    if not creatable(entry, rules):
        return NothingToPush(entry, State.SKIPPED, why_not_created(entry, rules))
    allowed = creatable(entry, rules)
    lines = [line for line in entry.wanted.lines if line.order_line_id in allowed]
    fields = shown_fields.of_create(entry.wanted, entry.id, lines)
    return _change(entry, ChangeKind.CREATE, rules, fields, creates=True)


def why_not_created(entry: Entry, rules: CreationRules) -> str:
    """Why a return that Jetti does not have is not created, for people."""
    if entry.wanted.purpose is Purpose.CANCEL:
        return f"{entry.seen.state} in Loop before it existed in Jetti"
    if entry.wanted.purpose is Purpose.HOLD:
        return remarks.why_held(entry.seen, rules.policy.held_states)
    if not entry.wanted.lines:
        return "no line of it is understood" if entry.wanted.lacks_lines else "empty in Loop"
    if not after_go_live(entry, rules):
        return "created in Loop before go-live and not in Jetti"
    return "not selected by policy"


def is_accepted(entry: Entry) -> bool:
    """Whether what is wanted was accepted: by someone, or by a pass that sent a write of it."""
    sent = {intent.fingerprint for intent in entry.intents}
    return entry.fingerprint in sent | {entry.accepted_fingerprint}


def after_go_live(entry: Entry, rules: CreationRules) -> bool:
    """Whether go-live lets the return be created, or someone asked for it."""
    is_young = not rules.only_looks and entry.seen.created_at >= rules.go_live
    # safeguard: go-live
    return rules.asked_for or entry.asked_for or is_young


def creatable(entry: Entry, rules: CreationRules) -> frozenset[str]:
    """Ids of the order lines that go-live and policy let be created."""
    seen, policy = entry.seen, rules.policy
    if not after_go_live(entry, rules):
        return frozenset()
    if not _selected(policy.types, (seen.type,)) or not _selected(policy.outcomes, seen.outcomes):
        return frozenset()
    return frozenset(
        line.order_line_id for line in seen.lines if _selected(policy.skus, (line.sku,))
    )


def _selected(globs: Globs, values: Sequence[str | None]) -> bool:
    """Any value included (no pattern includes all, an absent value too) and none excluded."""
    if globs.include and not _matches(globs.include, values):
        return False
    return not (globs.exclude and _matches(globs.exclude, values))


def _matches(patterns: Sequence[str], values: Sequence[str | None]) -> bool:
    return any(fnmatchcase(value, pattern) for value in values if value for pattern in patterns)


def _decide_pushed(entry: Entry, rules: CreationRules) -> Change | NothingToPush:
    live = {known.id: as_pushed(known) for known in entry.sale_returns}
    found = diff_of(entry, entry.sale_returns, live, ReasonCodes())
    added = _added(entry, rules)
    if isinstance(found, NeedsReview):
        # Jetti may hold something else by now; the push looks it up.
        return _change(entry, ChangeKind.UPDATE, rules, creates=bool(added))
    put = shown_fields.of_writes(found.writes, entry.sale_returns)
    changed = (*shown_fields.quantities(added), *put)
    if not changed and not entry.intents:
        return NothingToPush(
            entry, State.SYNCED, remarks.late_scan(entry, rules.policy.held_states)
        )
    cancels = entry.wanted.purpose is Purpose.CANCEL
    kind = ChangeKind.CANCEL if cancels else ChangeKind.UPDATE
    return _change(entry, kind, rules, changed, creates=bool(added))


def _change(
    entry: Entry,
    kind: ChangeKind,
    rules: CreationRules,
    changed: Sequence[FieldChange] = (),
    *,
    creates: bool = False,
) -> Change:
    return Change(
        return_id=entry.id,
        order_name=entry.seen.order_name,
        order_id=entry.seen.order_id,
        kind=kind,
        fingerprint=entry.fingerprint.hex(),
        changed_at=entry.seen.updated_at,
        reads_back=bool(entry.intents),
        touches_pushed=bool(entry.sale_returns),
        is_accepted=is_accepted(entry),
        before_go_live=_is_before_go_live(entry, rules),
        fields=FieldChanges(changed) if changed else NO_FIELDS,
        creates=creates,
        waits=entry.state is State.WAITING,
        # What is to be written is pending once it is accepted.
        # safeguard: only-lookups-rest
        rests=entry.state is State.SKIPPED and kind is ChangeKind.ADOPT,
        lines=NO_LINES if kind is ChangeKind.ADOPT else goods_of(entry.seen),
    )


def _is_before_go_live(entry: Entry, rules: CreationRules) -> bool:
    return entry.seen.created_at < rules.go_live


def _added(entry: Entry, rules: CreationRules) -> list[WantedLine]:
    """Lines that are in no sale return of ours and that may be created."""
    allowed = creatable(entry, rules)
    lines = uncovered(entry.wanted, entry.sale_returns)
    return [line for line in lines if line.order_line_id in allowed]
