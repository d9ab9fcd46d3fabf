"""Carrying out a plan: one entry after the other, each step committed before the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core import retry
from reconciler.core.matching.baseline import has_landed, with_landed_writes
from reconciler.core.matching.result import Matched, NeedsReview, NotApplied, NotReady, listed
from reconciler.core.model import Entry, IntentOutcome, State
from reconciler.core.plan import Change, unanswered, why_not_created
from reconciler.core.ports import Journal
from reconciler.core.records import Transition
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.errors import TargetUnavailable, fact
from reconciler.failpoints import Failpoint, hit
from reconciler.jetti.adopter import Adopter
from reconciler.jetti.creation import Creation
from reconciler.jetti.lookup import LookupFailed
from reconciler.jetti.matcher import MatchedChange, Matcher
from reconciler.jetti.result import PushResult, Trouble, named
from reconciler.jetti.update import Update

# safeguard: half-a-minute-between-absence-reads
SECOND_READ_AFTER = timedelta(seconds=30)
"""Between the two reads that prove a lost create absent; longer than a cache should hide it."""
OUTAGE = 5
"""Failures in a row that are Jetti's and no entry's."""
RATE_LIMITED_IN_A_ROW = 3
"""429s in a row after which the rest waits for the next pass."""

_UNDECIDED = frozenset({State.IN_FLIGHT, State.UNKNOWN})


class Pusher:
    """Pushes changes. What happens to one return is an outcome; what happens to all is raised."""

    def __init__(
        self, matcher: Matcher, creation: Creation, update: Update, journal: Journal, clock: Clock
    ) -> None:
        self._matcher = matcher
        self._creation = creation
        self._update = update
        self._adopter = Adopter(matcher, update, journal)
        self._journal = journal
        self._clock = clock
        self._streak: list[tuple[str, PushResult]] = []
        self._asked = 0
        """Requests until the latest outcome."""

    def push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        """Carry out each change when the next outcome is asked for.

        Creates that were found absent once come last, after their second read, and then whatever
        had to stand behind them. Raises TargetUnavailable (an outage; it burns no entry's try),
        KeyRefused, SafetyStop, ConfigError, Interrupted.
        """
        try:
            yield from self._push(changes)
        except TargetUnavailable:
            # However it came to light, what failed since Jetti last answered was no entry's fault.
            # safeguard: outages-cost-no-attempt
            self._journal.refund_attempts([return_id for return_id, _ in self._streak])
            raise

    def already_has(self, changes: Sequence[Change]) -> list[str]:
        """See `core.target.Target`; two hundred are proof enough."""
        return self._matcher.marked(changes)

    def vendors(self, changes: Sequence[Change]) -> int | None:
        """See `core.target.Target`."""
        return self._matcher.vendors(changes)

    def remarks(self) -> tuple[str, ...]:
        """See `core.target.Target`."""
        return self._matcher.remarks()

    def _push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        absent: list[Change] = []
        behind: list[Change] = []
        for matched in self._matcher.match(changes):
            if self._stands_behind(matched, absent):
                behind.append(matched.change)
                continue
            result = self._process(matched)
            if result is None:
                absent.append(matched.change)
            else:
                yield self._reported(matched, result)
        if absent:
            self._clock.wait(SECOND_READ_AFTER.total_seconds())
        for change in (*absent, *behind):
            matched = self._matcher.again(change)
            result = self._process(matched)
            unsettled = PushResult(OutcomeKind.FAILED, "not known yet whether it was created")
            yield self._reported(matched, result or unsettled)
        self._tell_outage()

    def _stands_behind(self, matched: MatchedChange, absent: Sequence[Change]) -> bool:
        """Whether another create must be settled first, which happens at the end of this pass."""
        result = matched.result
        if isinstance(result, Matched):
            return bool(absent and result.missing) and self._creation.awaits_an_answer()
        return isinstance(result, NotReady) and result.behind

    def _process(self, matched: MatchedChange) -> PushResult | None:
        """Take an entry as far as it goes; None when its create must be looked for once more."""
        change, entry, result = matched.change, matched.entry, matched.result
        if entry.state is State.SKIPPED:
            # A person asked for it, by name or by its range.
            self._journal.apply(entry.id, Transition(State.PENDING))
        match result:
            case LookupFailed():
                return self._lookup_failed(entry, result)
            case NeedsReview(reason):
                if result.overreached:
                    self._creation.stop_creation_after_overreach(entry, reason)
                self._journal.apply(entry.id, Transition(State.REVIEW, reason))
                return PushResult(OutcomeKind.REVIEW, reason, named(entry.sale_returns))
            case NotReady(reason, behind=True):
                attempts = 0 if entry.state is State.WAITING else None
                self._journal.apply(entry.id, Transition(State.PENDING, reason, attempts=attempts))
                return PushResult(OutcomeKind.DEFERRED, reason, named(entry.sale_returns))
            case NotReady() if change.kind is ChangeKind.ADOPT and not entry.intents:
                return self._skip(entry)
            case NotReady():
                return self._wait(matched, result)
            case NotApplied():
                return self._absent(matched, result)
            case Matched():
                if entry.state is State.WAITING:
                    # Looking for the order was no failure; tries are counted from here.
                    self._journal.apply(entry.id, Transition(State.PENDING, attempts=0))
                return self._apply(matched, result)

    # ------------------------------------------------------------------ nothing to write

    def _lookup_failed(self, entry: Entry, failed: LookupFailed) -> PushResult:
        trouble = Trouble.OUTAGE if failed.is_outage else Trouble.UNUSABLE
        if entry.intents:
            # Its write may have taken effect: nothing is decided before it can be read back.
            self._journal.apply(entry.id, Transition(_undecided(entry), failed.reason))
        else:
            transition = retry.failed(entry, failed.reason, self._clock.now(), closes=None)
            self._journal.apply(entry.id, transition)
        ours = named(entry.sale_returns)
        return PushResult(OutcomeKind.FAILED, failed.reason, ours, trouble, failed.cause)

    def _wait(self, matched: MatchedChange, wait: NotReady) -> PushResult:
        entry, seen = matched.entry, matched.sighting
        transition = retry.waits(
            entry, wait, self._clock.now(), self._matcher.rules.policy.patience
        )
        if unanswered(entry) and transition.state is not State.REVIEW:
            # What became of a create cannot be told before the order, or its line, is there.
            self._journal.apply(entry.id, Transition(_undecided(entry), wait.reason))
            return PushResult(OutcomeKind.FAILED, wait.reason)
        if entry.intents and seen is not None and not unanswered(entry):
            # What became of PUTs shows without it.
            ours = tuple(with_landed_writes(entry, {row.id: row for row in seen.ours}))
            read_back = Transition(
                State.PENDING, sale_returns=ours, intents_closed_as=IntentOutcome.READ_BACK
            )
            self._journal.apply(entry.id, read_back)
        self._journal.apply(entry.id, transition)
        kinds = {State.WAITING: OutcomeKind.WAITING, State.REVIEW: OutcomeKind.REVIEW}
        return PushResult(kinds.get(transition.state, OutcomeKind.FAILED), transition.reason)

    def _skip(self, entry: Entry) -> PushResult:
        reason = why_not_created(entry, self._matcher.rules)
        self._journal.apply(entry.id, Transition(State.SKIPPED, reason))
        return PushResult(OutcomeKind.SKIPPED, reason)

    def _absent(self, matched: MatchedChange, absent: NotApplied) -> PushResult | None:
        """A create whose answer was lost is not there; sure only when it is not there twice."""
        entry, now = matched.entry, self._clock.now()
        first_seen = absent.intent.absent_at
        # safeguard: absence-is-read-twice
        if first_seen is None and entry.state in _UNDECIDED:
            again = now + SECOND_READ_AFTER
            reason = "the create without an answer is not in Jetti; looking once more"
            transition = Transition(entry.state, reason, next_try_at=again, intents_absent_at=now)
            self._journal.apply(entry.id, transition)
            hit(Failpoint.ABSENCE_NOTED)
            return None
        if first_seen is not None and now - first_seen < SECOND_READ_AFTER:
            return None
        closing = Transition(State.PENDING, intents_closed_as=IntentOutcome.ABSENT)
        failed = self._in_vain(entry, "the create without an answer is not in Jetti", closing)
        return failed or self._process(self._matcher.reconsider(matched))

    def _in_vain(self, entry: Entry, reason: str, closing: Transition) -> PushResult | None:
        """A write had no effect: None when it may be sent again at once, as the first time.

        A try is spent on what Jetti failed to do for this version; not on a 429, which is an
        answer, and not where we died ourselves.
        """
        renewed = entry.intents[-1].fingerprint != entry.fingerprint
        if entry.state is not State.UNKNOWN or renewed:
            self._journal.apply(entry.id, replace(closing, attempts=0) if renewed else closing)
            return None
        failed = retry.failed(entry, reason, self._clock.now(), closes=None)
        if failed.attempts == 1:
            self._journal.apply(entry.id, replace(closing, attempts=1))
            return None
        self._journal.apply_all([(entry.id, closing), (entry.id, failed)])
        return PushResult(OutcomeKind.FAILED, failed.reason)

    # ----------------------------------------------------------------- something to write

    def _apply(self, matched: MatchedChange, found: Matched) -> PushResult | None:
        """Adopt, create, update: whatever is left to do, in this order."""
        change, entry, seen = matched.change, matched.entry, matched.sighting
        if seen is None or not (found.sale_returns or found.missing):
            return self._skip(entry)
        if change.kind is ChangeKind.ADOPT and not entry.intents:
            return self._adopter.take(entry, found)
        if entry.intents or found.adopted:
            # Into the ledger before anything is written to it.
            read_back = IntentOutcome.READ_BACK if entry.intents else None
            adopted = Transition(
                State.PENDING, sale_returns=found.sale_returns, intents_closed_as=read_back
            )
            if has_landed(entry, found.live):
                self._journal.apply(entry.id, adopted)
            else:
                failed = self._in_vain(entry, f"{entry.reason}; it had no effect", adopted)
                if failed is not None:
                    return failed
        remarks = () if entry.intents else _taken_over(found)
        wrote = False
        if found.missing:
            self._update.check_reasons(entry)
            created = self._creation.create(entry, found, seen)
            if isinstance(created, PushResult):
                return created
            hit(Failpoint.CREATED)
            found, wrote = created, True
        result = self._update.apply(entry, found, seen, wrote=wrote)
        if result is None:
            return self._process(self._matcher.again(change))
        return replace(result, remarks=remarks)

    # ------------------------------------------------------------------------- the whole

    def _reported(self, matched: MatchedChange, result: PushResult) -> ReportedChange:
        self._watch(matched.change, result)
        remarks = (*matched.remarks, *result.remarks)
        return matched.change.with_outcome(
            result.outcome, result.reason, result.sale_returns, remarks, result.left_alone
        )

    def _watch(self, change: Change, result: PushResult) -> None:
        """Tell an outage from entries that fail on their own."""
        asked, self._asked = self._asked, self._matcher.requests()
        if result.trouble is None:
            if asked != self._asked:  # else nothing was answered for it either
                self._streak.clear()
            return
        self._streak.append((change.return_id, result))
        rate_limited = [each.trouble for _, each in self._streak[-RATE_LIMITED_IN_A_ROW:]]
        if rate_limited == [Trouble.RATE_LIMITED] * RATE_LIMITED_IN_A_ROW:
            raise TargetUnavailable(fact("Jetti", "answered 429", "three"))
        if len(self._streak) < OUTAGE:
            return
        if any(each.trouble is Trouble.UNUSABLE for _, each in self._streak):
            self._tell_outage()
            self._streak.clear()
            return
        raise TargetUnavailable(_outage([each for _, each in self._streak]))

    def _tell_outage(self) -> None:
        """Where failures do not tell by their number: when nothing else is answered either, it is
        Jetti and not the returns. Raises TargetUnavailable."""
        if not all(result.trouble is Trouble.RATE_LIMITED for _, result in self._streak):
            self._matcher.ping()


def _taken_over(found: Matched) -> tuple[str, ...]:
    """That not all of these were made by a create of ours."""
    names = [known.reference for known in found.sale_returns if known.id in found.adopted]
    return (f"taken over, not made: {listed(names)} stood in Jetti already",) if names else ()


def _outage(streak: Sequence[PushResult]) -> str:
    """What Jetti did five times, as far as it was asked five times."""
    last = streak[-1]
    if last.cause is None:
        return last.reason or "Jetti is not asked again for now"
    causes = list(dict.fromkeys(result.cause for result in streak if result.cause))
    if len(causes) == 1:
        return fact("Jetti", last.cause, "five")
    return fact("Jetti", f"failed five times in a row: {', '.join(causes)}")


def _undecided(entry: Entry) -> State:
    """Where an entry with an open intent stays: a 429 leaves it open, too, for a read-back."""
    return State.UNKNOWN if entry.state in _UNDECIDED else entry.state
