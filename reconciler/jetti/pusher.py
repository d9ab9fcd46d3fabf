"""Carrying out a plan, one entry after the other, each step committed before the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core import retry
from reconciler.core.field_changes import NO_FIELDS, Written
from reconciler.core.matching.baseline import landed_puts, took_effect, with_landed_writes
from reconciler.core.matching.result import Matched, NeedsReview, NotApplied, NotReady, listed
from reconciler.core.matching.snapshot import LiveSaleReturn, OrderSnapshot
from reconciler.core.model import Entry, IntentOutcome, State
from reconciler.core.plan import Change, why_not_created
from reconciler.core.ports import Journal
from reconciler.core.records import Transition
from reconciler.core.report import OutcomeKind, ReportedChange
from reconciler.core.states import UNANSWERED
from reconciler.core.target import MayBegin, Target, always
from reconciler.errors import TargetUnavailable
from reconciler.failpoints import Failpoint, hit
from reconciler.jetti.adopter import Adopter
from reconciler.jetti.creator import Creator, SentCreate
from reconciler.jetti.lookup import LookupFailed
from reconciler.jetti.matcher import FreshCreate, MatchedChange, Matcher
from reconciler.jetti.outage import OutageDetector
from reconciler.jetti.result import JettiFailure, PushResult, named, taken_over, without_writes
from reconciler.jetti.together import Together
from reconciler.jetti.updater import Updater
from reconciler.jetti.written import WrittenFields

# safeguard: half-a-minute-between-absence-reads
SECOND_READ_AFTER = timedelta(seconds=30)
"""Between the two reads that prove an unanswered create absent; longer than a cache should hide
it."""


class AbsentOnce(Struct, frozen=True):
    """A create without an answer was not found; only a second read can prove it absent."""


Step = PushResult | AbsentOnce | MatchedChange
"""What one step with an entry comes to: a result, or the next match."""


class Pusher(Target):
    """Pushes changes. What happens to one return is a result; what concerns all is raised."""

    def __init__(
        self,
        matcher: Matcher,
        creator: Creator,
        updater: Updater,
        journal: Journal,
        clock: Clock,
        written: WrittenFields,
    ) -> None:
        self._matcher = matcher
        self._creator = creator
        self._updater = updater
        self._adopter = Adopter(matcher, updater, journal)
        self._journal = journal
        self._clock = clock
        self._written = written
        self._outage = OutageDetector(matcher)
        self._pending_again: frozenset[str] = frozenset()

    def push(
        self, changes: Sequence[Change], may_begin: MayBegin = always
    ) -> Iterator[ReportedChange]:
        """Carry out each change when the next outcome is asked for, or, of what goes together,
        when the first is.

        Creates that were found absent once come last, after their second read, followed by
        whatever had to wait for them. Raises TargetUnavailable (an outage; it costs no entry a
        try), KeyRefused, SafetyStop, ConfigError, Interrupted.
        """
        together = Together()
        try:
            try:
                yield from self._push(changes, may_begin, together)
            except Exception:
                # What had begun is finished, as if it had gone alone before.
                # safeguard: begun-creates-are-finished
                yield from self._finish(together)
                raise
        except TargetUnavailable:
            # However it came to light, what failed since Jetti last answered was no entry's fault.
            # safeguard: outages-cost-no-attempt
            self._pending_again = self._journal.refund_attempts(self._outage.return_ids())
            raise

    def already_has(self, changes: Sequence[Change]) -> list[str]:
        return self._matcher.marked(changes)

    def vendors(self, changes: Sequence[Change]) -> int | None:
        return self._matcher.vendors(changes)

    def remarks(self) -> tuple[str, ...]:
        return self._matcher.remarks()

    def unfinished(self) -> Mapping[str, Written]:
        return self._written.left()

    def pending_again(self) -> frozenset[str]:
        return self._pending_again

    def _push(
        self, changes: Sequence[Change], may_begin: MayBegin, together: Together
    ) -> Iterator[ReportedChange]:
        absent_once: list[Change] = []
        after_them: list[Change] = []
        matches = self._matcher.match(changes)
        while True:
            # safeguard: budgets-count-what-has-begun
            if not may_begin(together.owed):
                if not together:
                    return
                yield from self._finish(together)
                continue
            matched = next(matches, None)
            if matched is None:
                break
            if together and not self._joins(matched, together):
                yield from self._finish(together)
                if not may_begin(0):
                    return
                matched = self._matcher.up_to_date(matched)
            if matched.is_to_skip:
                together.skipped.append(matched)
            elif (create := self._checked_later(matched)) is not None:
                together.add(matched, self._begin(create))
            elif self._waits_for_another(matched, absent_once):
                after_them.append(matched.change)
            else:
                result = self._take_steps(matched)
                if isinstance(result, AbsentOnce):
                    absent_once.append(matched.change)
                else:
                    yield from self._told(matched, result)
            if matched.is_last or together.is_full:
                yield from self._finish(together)
        if absent_once:
            self._clock.wait(SECOND_READ_AFTER.total_seconds())
        for change in (*absent_once, *after_them):
            if not may_begin(0):
                return
            matched = self._matcher.match_one(change)
            yield from self._told(matched, self._push_to_the_end(matched))
        self._outage.check_at_the_end()

    def _joins(self, matched: MatchedChange, together: Together) -> bool:
        """Whether it is recorded, or checked, together with these."""
        if together.skipped:
            return matched.is_to_skip
        return self._checked_later(matched) is not None

    def _checked_later(self, matched: MatchedChange) -> FreshCreate | None:
        """Its create, if other creates may be sent before it is checked."""
        return matched.fresh_create if self._creator.checks_together else None

    def _begin(self, create: FreshCreate) -> SentCreate | PushResult:
        """Send it. What it made is checked when all that goes together is finished."""
        self._wake(create.entry)
        self._found_order(create.entry)
        return self._send(create.entry, create.found, create.snapshot)

    def _finish(self, together: Together) -> Iterator[ReportedChange]:
        """Record what is to be skipped; check all creates, then bring one return after the other to
        what is wanted."""
        taken = together.take()
        if taken.skipped:
            for skipped, result in zip(taken.skipped, self._skip(taken.skipped), strict=True):
                yield from self._told(skipped, result)
        if taken.creates:
            yield from self._finish_creates(taken.creates)
        if taken.failed is not None:
            yield from self._told(*taken.failed)

    def _finish_creates(
        self, creates: Sequence[tuple[MatchedChange, SentCreate]]
    ) -> Iterator[ReportedChange]:
        checked = self._creator.check([sent for _, sent in creates])
        outage: TargetUnavailable | None = None
        for (matched, sent), came_to in zip(creates, checked, strict=True):
            step: Step
            if outage is not None:
                # What is known of the others is reported, too, but nothing more is sent.
                if isinstance(came_to, PushResult):
                    yield self._reported(matched, came_to)
                continue
            if isinstance(came_to, Matched):
                step = self._update(
                    matched.change, sent.entry, came_to, sent.snapshot, has_created=True
                )
            else:
                step = came_to
            result = self._push_to_the_end(step)
            yield self._reported(matched, result)
            try:
                self._outage.observe(matched.change.return_id, result)
            except TargetUnavailable as error:
                outage = error
        if outage is not None:
            raise outage

    def _waits_for_another(self, matched: MatchedChange, absent_once: Sequence[Change]) -> bool:
        """Whether another return comes first, so that this one is pushed at the end of the pass."""
        result = matched.result
        if isinstance(result, Matched):
            return bool(absent_once and result.missing) and self._creator.waits_for_a_read_back()
        return isinstance(result, NotReady) and result.waits_for_another

    def _take_steps(self, step: Step) -> PushResult | AbsentOnce:
        """Take step after step with one entry, each on a new match, until one ends in a result.

        A step asks for a new match only after it has closed the intents of a create that is not
        in Jetti, which happens once, or after it has sent a write. So an entry takes at most two
        steps more than writes are sent for it.
        """
        while isinstance(step, MatchedChange):
            step = self._step(step)
        return step

    def _push_to_the_end(self, step: Step) -> PushResult:
        """The same for one that is looked at no more in this pass."""
        result = self._take_steps(step)
        if isinstance(result, AbsentOnce):
            return PushResult(OutcomeKind.FAILED, "not known yet whether it was created")
        return result

    def _step(self, matched: MatchedChange) -> Step:
        entry, result = matched.entry, matched.result
        self._wake(entry)
        match result:
            case LookupFailed():
                return self._lookup_failed(entry, result)
            case NeedsReview():
                return self._send_to_review(entry, result)
            case NotReady(waits_for_another=True):
                return self._wait_for_another(entry, result)
            case NotReady() if matched.is_to_skip:
                return self._skip([matched])[0]
            case NotReady():
                return self._wait(matched, result)
            case NotApplied():
                return self._absent(matched, result)
            case Matched():
                return self._apply(matched, result)

    # ------------------------------------------------------------------ nothing to write

    def _lookup_failed(self, entry: Entry, failed: LookupFailed) -> PushResult:
        failure = JettiFailure.OUTAGE if failed.is_outage else JettiFailure.UNUSABLE
        if entry.intents:
            # Its write may have taken effect: nothing is decided before it can be read back.
            self._journal.apply(entry.id, Transition(_still_open(entry), failed.reason))
        else:
            transition = retry.failed(entry, failed.reason, self._clock.now(), closes=None)
            self._journal.apply(entry.id, transition)
        ours = named(entry.sale_returns)
        return PushResult(OutcomeKind.FAILED, failed.reason, ours, failure, failed.cause)

    def _send_to_review(self, entry: Entry, review: NeedsReview) -> PushResult:
        if review.overreached:
            self._creator.stop_creation_after_overreach(entry, review.reason)
        self._journal.apply(entry.id, Transition(State.REVIEW, review.reason))
        return PushResult(OutcomeKind.REVIEW, review.reason, named(entry.sale_returns))

    def _wait_for_another(self, entry: Entry, wait: NotReady) -> PushResult:
        # Looking for the order was no failure: tries are counted from here.
        attempts = 0 if entry.state is State.WAITING else None
        self._journal.apply(entry.id, Transition(State.PENDING, wait.reason, attempts=attempts))
        return PushResult(OutcomeKind.DEFERRED, wait.reason, named(entry.sale_returns))

    def _wake(self, entry: Entry) -> None:
        """What was skipped is pushed when someone asks for it, by its id or by its range."""
        if entry.state is State.SKIPPED:
            self._journal.apply(entry.id, Transition(State.PENDING))

    def _found_order(self, entry: Entry) -> None:
        """Looking for the order was no failure: tries are counted from here."""
        if entry.state is State.WAITING:
            self._journal.apply(entry.id, Transition(State.PENDING, attempts=0))

    def _wait(self, matched: MatchedChange, wait: NotReady) -> PushResult:
        entry, snapshot = matched.entry, matched.snapshot
        transition = retry.waits(
            entry, wait, self._clock.now(), self._matcher.rules.policy.patience
        )
        has_unanswered_create = entry.unanswered_create is not None
        if has_unanswered_create and transition.state is not State.REVIEW:
            # What became of a create does not show before the order, or its line, is there.
            self._journal.apply(entry.id, Transition(_still_open(entry), wait.reason))
            return PushResult(OutcomeKind.FAILED, wait.reason)
        if entry.intents and snapshot is not None and not has_unanswered_create:
            # What became of PUTs shows without the order.
            ours = tuple(with_landed_writes(entry, {row.id: row for row in snapshot.ours}))
            read_back = Transition(
                State.PENDING, sale_returns=ours, intents_closed_as=IntentOutcome.READ_BACK
            )
            self._journal.apply(entry.id, read_back)
            self._add_read_back(entry, {row.id: row for row in snapshot.ours})
        self._journal.apply(entry.id, transition)
        kinds = {State.WAITING: OutcomeKind.WAITING, State.REVIEW: OutcomeKind.REVIEW}
        return PushResult(kinds.get(transition.state, OutcomeKind.FAILED), transition.reason)

    def _skip(self, skipped: Sequence[MatchedChange]) -> list[PushResult]:
        """Record all of them in one transaction."""
        reasons = [why_not_created(one.entry, self._matcher.rules) for one in skipped]
        self._journal.apply_all(
            [
                (one.entry.id, Transition(State.SKIPPED, reason))
                for one, reason in zip(skipped, reasons, strict=True)
            ]
        )
        return [PushResult(OutcomeKind.SKIPPED, reason) for reason in reasons]

    def _absent(self, matched: MatchedChange, absent: NotApplied) -> Step:
        """A create whose answer was lost is not there; certain only when it is not there twice."""
        entry, now = matched.entry, self._clock.now()
        first_seen = absent.intent.absent_at
        if first_seen is not None and first_seen > now:
            # safeguard: absence-seen-by-a-wrong-clock
            first_seen = None
        # safeguard: absence-is-read-twice
        if first_seen is None and entry.state in UNANSWERED:
            again = now + SECOND_READ_AFTER
            reason = "the create without an answer is not in Jetti; looking once more"
            transition = Transition(entry.state, reason, next_try_at=again, intents_absent_at=now)
            self._journal.apply(entry.id, transition)
            hit(Failpoint.ABSENCE_NOTED)
            return AbsentOnce()
        if first_seen is not None and now - first_seen < SECOND_READ_AFTER:
            return AbsentOnce()
        closing = Transition(State.PENDING, intents_closed_as=IntentOutcome.ABSENT)
        failed = self._close_without_effect(
            entry, "the create without an answer is not in Jetti", closing
        )
        return failed or self._matcher.rematch(matched)

    def _close_without_effect(
        self, entry: Entry, reason: str, closing: Transition
    ) -> PushResult | None:
        """Close a write without an answer that had no effect. The result where the next try has to
        wait; None where it may be sent again at once, as it may the first time.

        A try is spent on what Jetti failed to do for this version; not on a 429, which is an
        answer, nor where it was this program that died.
        """
        is_another_version = entry.intents[-1].fingerprint != entry.fingerprint
        if entry.state is not State.UNKNOWN or is_another_version:
            fresh = replace(closing, attempts=0) if is_another_version else closing
            self._journal.apply(entry.id, fresh)
            return None
        failed = retry.failed(entry, reason, self._clock.now(), closes=None)
        if failed.attempts == 1:
            self._journal.apply(entry.id, replace(closing, attempts=1))
            return None
        self._journal.apply_all([(entry.id, closing), (entry.id, failed)])
        return PushResult(OutcomeKind.FAILED, failed.reason)

    # ----------------------------------------------------------------- something to write

    def _apply(self, matched: MatchedChange, found: Matched) -> Step:
        """Adopt, create, update: whatever is left to do, in this order."""
        entry, snapshot = matched.entry, matched.snapshot
        self._found_order(entry)
        if snapshot is None or matched.is_to_skip:
            return self._skip([matched])[0]
        if matched.only_looks:
            return self._adopter.adopt(entry, found)
        failed = self._record_found(entry, found)
        if failed is not None:
            return failed
        complete = self._create_missing(entry, found, snapshot)
        if isinstance(complete, PushResult):
            return complete
        has_created = bool(found.missing)
        step = self._update(matched.change, entry, complete, snapshot, has_created=has_created)
        if isinstance(step, PushResult) and not entry.intents:
            return replace(step, remarks=_adopted_remark(found))
        return step

    def _record_found(self, entry: Entry, found: Matched) -> PushResult | None:
        """Record what is ours before anything is written to it. A result where a write without an
        answer had no effect once too often."""
        if not (entry.intents or found.adopted):
            return None
        read_back = IntentOutcome.READ_BACK if entry.intents else None
        adopted = Transition(
            State.PENDING, sale_returns=found.sale_returns, intents_closed_as=read_back
        )
        self._add_read_back(entry, found.live)
        if entry.unanswered_create is not None:
            adopted_now = (x for x in found.sale_returns if x.id in found.adopted)
            self._written.add_created(entry.id, adopted_now)
        if took_effect(entry, found.live):
            self._journal.apply(entry.id, adopted)
            return None
        return self._close_without_effect(entry, f"{entry.reason}; it had no effect", adopted)

    def _add_read_back(self, entry: Entry, live: Mapping[int, LiveSaleReturn]) -> None:
        """What PUTs without an answer have set after all is reported now that it is certain."""
        for put in landed_puts(entry, live):
            self._written.add_put(entry.id, put, entry.sale_returns)

    def _create_missing(
        self, entry: Entry, found: Matched, snapshot: OrderSnapshot
    ) -> Matched | PushResult:
        """All that is ours once the missing lines are created, or why they are not."""
        if not found.missing:
            return found
        sent = self._send(entry, found, snapshot)
        return self._creator.check([sent])[0] if isinstance(sent, SentCreate) else sent

    def _send(
        self, entry: Entry, found: Matched, snapshot: OrderSnapshot
    ) -> SentCreate | PushResult:
        """Send the create of what is missing, or say why not."""
        self._updater.check_reasons(entry)
        return self._creator.send(entry, found, snapshot)

    def _update(
        self,
        change: Change,
        entry: Entry,
        complete: Matched,
        snapshot: OrderSnapshot,
        *,
        has_created: bool,
    ) -> Step:
        """Write what differs, now that nothing is missing; or match again, where the snapshot has
        gone stale since."""
        result = self._updater.update(entry, complete, snapshot, has_written=has_created)
        return self._matcher.match_one(change) if result is None else result

    # ------------------------------------------------------------------- what it came to

    def _told(self, matched: MatchedChange, result: PushResult) -> Iterator[ReportedChange]:
        """The outcome; then whether Jetti is down. The return with which that shows was tried like
        those before it, and its write may have no answer."""
        yield self._reported(matched, result)
        self._outage.observe(matched.change.return_id, result)

    def _reported(self, matched: MatchedChange, result: PushResult) -> ReportedChange:
        change = matched.change
        # safeguard: report-shows-what-was-written
        written = self._written.take(change.return_id)
        if result.outcome is OutcomeKind.PUSHED and written.fields is NO_FIELDS:
            result = without_writes(change.kind, result)
        reported = change.with_outcome(
            result.outcome,
            result.reason,
            result.sale_returns,
            (*matched.remarks, *result.remarks),
            written,
        )
        # safeguard: taken-over-is-not-created
        if result.outcome is OutcomeKind.PUSHED and not self._written.has_created(change.return_id):
            reported = taken_over(reported)
        return matched.reported(reported)


def _adopted_remark(found: Matched) -> tuple[str, ...]:
    """That not all of these were made by a create of ours."""
    names = [known.reference for known in found.sale_returns if known.id in found.adopted]
    return (f"taken over, not created, because already in Jetti: {listed(names)}",) if names else ()


def _still_open(entry: Entry) -> State:
    """Where an entry with an open intent stays: a 429 leaves it open, too, for a read-back."""
    return State.UNKNOWN if entry.state in UNANSWERED else entry.state
