"""Comparing Loop, the ledger and Jetti over a range. Reads only; a run may go on meanwhile.

A pass beside it may write between two looks. So Loop is compared with what the ledger knew before
and after the page was read, and what Jetti shows of a return counts only if the ledger said the
same of it before and after Jetti was asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler import steps
from reconciler.clock import Clock
from reconciler.core.batches import batched
from reconciler.core.decisions import Decision, Situation, refusal
from reconciler.core.guard import check_account, check_shop
from reconciler.core.ids import is_id
from reconciler.core.instants import to_the_minute
from reconciler.core.matching.snapshot import LiveSaleReturn
from reconciler.core.model import Entry, Return, State, Window
from reconciler.core.plan import CreationRules
from reconciler.core.ports import Ledger, Source
from reconciler.core.records import By, Transition
from reconciler.core.report import Failure, Requests
from reconciler.core.states import NEEDS_A_PERSON, OPEN, REARMED_BY_CHANGE
from reconciler.core.verification import differences as found_as
from reconciler.core.verification import report
from reconciler.core.verification.foreseen import (
    Foreseen,
    as_asked_for,
    asking_changes_it,
    by_ledger,
    is_to_push,
)
from reconciler.core.verification.jetti_side import (
    JettiComparison,
    Unlike,
    compare,
    split,
    without_lost,
)
from reconciler.core.verification.loop_side import LoopComparison, LoopVerdict, ReadSoFar
from reconciler.core.verification.report import (
    DEFAULT_SPAN,
    Difference,
    DifferenceKind,
    NotCompared,
    Verification,
    VerifyCounts,
    VerifyFacts,
    VerifyRequest,
)
from reconciler.core.windows import WindowPolicy, check_clock, cut, readable_until
from reconciler.errors import ImplausibleListing, ReconcilerError, SourceError, TargetUnavailable
from reconciler.ingest import Projection
from reconciler.jetti.foresight import Foresight, Named
from reconciler.jetti.lookup import Holdings, Lookup, LookupFailed
from reconciler.runtime import Progress

TOGETHER = 71
"""Returns looked up together: as many ids as one query has room for, and no number at which a
server would cut a page."""
_LOOKS = 3
"""How often a return is looked at that passes keep writing to; then it counts as in work."""
_MIN_KNOWN = 5  # with fewer known returns, a listing without any of them may be coincidence
_MEANWHILE = "a run was writing to it while it was looked at"
_JUST_WRITTEN = "a run has written to it just now, which Jetti may not show yet (jetti.settle)"
_LOST = "Jetti does not show what was pushed last; to be pushed again"
_UNFORESEEN = (
    "Jetti: what would become there of some differences could not be looked up; --repair leaves"
    " these as they are"
)
_ELSEWHERE = (
    "sale returns in Jetti on orders without a return of this range: of returns that neither Loop"
    " nor the ledger showed, markers were not looked for there"
)
_HISTORY = (
    "writes of more than 90 days ago, which the ledger deletes: a value that was there before"
    " one of those counts as set by someone"
)


class VerifierParts(Struct, frozen=True):
    """What verifying works with; `app` puts it together."""

    source: Source
    lookup: Lookup
    foresight: Foresight
    ledger: Ledger
    projection: Projection
    rules: CreationRules
    windows: WindowPolicy
    requests: Callable[[], Requests]
    """Requests that left for both services so far."""
    clock: Clock
    progress: Progress


T = TypeVar("T")
Step = tuple[str, Transition]
"""A return id, and the step that makes it pending again."""


class Verifier:
    """Verifies one range, once."""

    def __init__(self, request: VerifyRequest, parts: VerifierParts) -> None:
        self._request = request
        self._source, self._lookup = parts.source, parts.lookup
        self._foresight = parts.foresight
        self._ledger, self._projection = parts.ledger, parts.projection
        self._rules, self._windows = parts.rules, parts.windows
        self._requests, self._clock, self._progress = parts.requests, parts.clock, parts.progress
        self._started_at = parts.clock.now()
        self._failures: list[ReconcilerError] = []
        self._differences: list[Difference] = []
        self._in_work: dict[str, NotCompared] = {}
        self._undecided: dict[str, NotCompared] = {}
        self._looked_at: set[str] = set()
        """Returns of the ledger of which is known how they compare, or why they do not."""
        self._lost: list[tuple[Entry, tuple[Unlike, ...]]] = []
        self._unlike: list[tuple[Entry, JettiComparison]] = []
        """Entries with sale returns that are deleted, or that the ledger does not know."""
        self._jetti_failed: TargetUnavailable | None = None
        self._is_foreseen = True
        """Whether what a repair would come to is known of all that is listed."""
        self._failed: dict[str, str] = {}
        """Returns that could not be looked up in Jetti, each with the reason."""
        self._not_read: list[str] = []
        self._marked: dict[str, dict[int, LiveSaleReturn]] = defaultdict(dict)
        """Sale returns whose marker may be unknown to the ledger, by marker and id."""
        self._counts: dict[str, int] = defaultdict(int)
        self._command = ""
        self.start = self.end = self._started_at
        """The span that is verified."""
        self.steps: list[Step] = []
        """What makes each return pending again in which a write of ours is lost."""
        self.to_repair: dict[str, datetime] = {}
        """What a repair is about: the returns, and when each was created in Loop."""

    def verify(self) -> Verification:
        """Compare all three. Loop or Jetti failing is in the result, with what was found by then.

        Raises SafetyStop (another shop or account, an insane clock), KeyRefused, LedgerError,
        Interrupted.
        """
        now, meta = self._clock.now(), self._ledger.meta.read()
        check_clock(now, meta.watermark)
        self._set_span(now)
        entries = self._ledger.entries
        ids = entries.ids_created_between(self.start, self.end) if self.start < self.end else set()
        comparison = LoopComparison(entries.versions(ids))
        is_whole = self._read_loop(comparison)
        check_shop(meta.shop, comparison.shops)
        if any(isinstance(error, ImplausibleListing) for error in self._failures):
            # safeguard: verify-lists-nothing-of-a-listing-it-does-not-believe
            comparison = LoopComparison({})
        if is_whole:
            self._look_for_unlisted(comparison, ids)
        self._read_jetti(comparison, sorted(ids))
        self._report_loop(comparison)
        self._report_jetti()
        self._conclude_jetti(len(ids))
        return self._result(comparison, len(ids))

    # ---------------------------------------------------------------------------------- Loop

    def _set_span(self, now: datetime) -> None:
        try:
            server_now = self._source.server_time()
        except SourceError as error:
            self._failures.append(error)
            server_now = now
        until = readable_until(now, server_now, self._windows.lag)
        self.end = min(self._request.end or until, until)
        self.start = self._request.start or self.end - DEFAULT_SPAN
        self._command = self._request.command(self.start, self.end)

    def _read_loop(self, comparison: LoopComparison) -> bool:
        """Whether all of it could be read, and is believed."""
        if self._failures:
            return False
        try:
            for window in cut(self.start, self.end, self._windows.longest):
                self._read_window(window, comparison)
            self._check_plausible(comparison)
        except SourceError as error:
            self._failures.append(error)
            return False
        return True

    def _read_window(self, window: Window, comparison: LoopComparison) -> None:
        before = len(comparison)
        for page in self._source.read(window, By.CREATED):
            # The watermark first: what a pass records meanwhile is then in the ledger as well.
            meta = self._ledger.meta.read()
            so_far = ReadSoFar(meta.go_live, meta.watermark - self._windows.overlap)
            known = self._ledger.entries.versions({row.id for row in page.returns})
            comparison.add(page, known, so_far)
            self._progress.reading(len(comparison))
        steps.window_read(window, By.CREATED, len(comparison) - before)

    def _check_plausible(self, comparison: LoopComparison) -> None:
        """Raise ImplausibleListing where Loop lists none of what the ledger knows."""
        unlisted = comparison.not_listed
        # safeguard: verify-believes-no-empty-listing
        if len(unlisted) >= _MIN_KNOWN and comparison.lists_nothing_known:
            raise ImplausibleListing(
                f"Loop lists none of {len(unlisted)} returns that were created between"
                f" {to_the_minute(self.start)} and {to_the_minute(self.end)}; the listing is"
                " implausible",
                hint="check in Loop whether the key still belongs to this shop, then verify again",
            )

    def _look_for_unlisted(self, comparison: LoopComparison, ids: Iterable[str]) -> None:
        """Read each return singly that the ledger knows and no page has shown."""
        unlisted = [id_ for id_ in comparison.not_listed if id_ in set(ids)]
        for entry in self._ledger.entries.get(unlisted):
            if entry.state is State.IGNORED:
                continue
            if found_as.is_known_to_be_gone(entry):
                self._counts["gone"] += 1
                continue
            try:
                row = self._source.fetch(entry.id)
            except SourceError as error:
                self._failures.append(error)
                return
            if row is None and entry.state in OPEN:
                self._note_in_work(entry)
            elif row is None:
                self._differences.append(found_as.not_in_loop(entry))

    def _report_loop(self, comparison: LoopComparison) -> None:
        """What the ledger lacks, or has otherwise, with what would become of it in Jetti."""
        unread = comparison.ids(LoopVerdict.UNREAD)
        # Of what was forgotten the next pass records nothing either.
        forgotten = self._ledger.forgotten.among(unread + comparison.ids(LoopVerdict.MISSING))
        self._counts["forgotten"] = len(forgotten)
        for seen in comparison.rows(LoopVerdict.UNREAD):
            if seen.id not in forgotten:
                self._in_work.setdefault(seen.id, found_as.unread(seen))
        new: list[Entry] = []
        for seen in self._not_recorded_since(comparison, LoopVerdict.MISSING):
            if seen.id not in forgotten:
                new.append(self._would_record(seen))
        newer: list[tuple[Entry, Entry]] = []
        for seen in self._not_recorded_since(comparison, LoopVerdict.NEWER):
            for entry in self._ledger.entries.get([seen.id]):
                newer.append((self._would_record(seen, entry), entry))
        foreseen = self._foresee([*new, *(one for one, _ in newer)])
        for one in new:
            marked = tuple(self._marked.get(one.id, {}).values())
            command = self._how_to_record(one)
            self._differences.append(
                found_as.not_in_ledger(one.seen, foreseen[one.id], marked, command)
            )
        for one, recorded in newer:
            command = self._how_to_record(one)
            self._differences.append(
                found_as.newer_in_loop(one.seen, foreseen[one.id], recorded, command)
            )

    def _not_recorded_since(
        self, comparison: LoopComparison, verdict: LoopVerdict
    ) -> Iterator[Return]:
        """What is still so. Of what a run has recorded since its page was read nobody can tell
        which of both is newer."""
        rows = list(comparison.rows(verdict))
        known = self._ledger.entries.versions([row.id for row in rows])
        for row in rows:
            # safeguard: verify-looks-again-before-it-lists
            if known.get(row.id) == comparison.stored(row.id):
                yield row
            else:
                self._in_work.setdefault(row.id, found_as.unread(row, meanwhile=True))

    def _would_record(self, seen: Return, entry: Entry | None = None) -> Entry:
        observed, now = self._projection.observe(seen, b""), self._clock.now()
        if entry is None:
            return Entry(seen, observed.wanted, observed.fingerprint, changed_at=now)
        changed = replace(
            entry, seen=seen, wanted=observed.wanted, fingerprint=observed.fingerprint
        )
        is_new = observed.wanted != entry.wanted or entry.state is State.SKIPPED
        rearms = is_new and entry.state in REARMED_BY_CHANGE
        return replace(changed, state=State.PENDING) if rearms else changed

    def _how_to_record(self, entry: Entry) -> str:
        """The command that does what is proposed: whoever names a return from before go-live has it
        created."""
        # safeguard: verify-proposes-what-the-command-does
        if asking_changes_it(entry, self._rules):
            return self._command
        return f"reconciler run --return {entry.id}"

    def _foresee(self, entries: Sequence[Entry]) -> dict[str, Foreseen]:
        """What a pass would make of each as it is here; what is known of it is to be repaired."""
        to_look_up = [entry for entry in entries if is_to_push(entry, self._rules)]
        found = self._asked(lambda: self._foresight.of(to_look_up, self._rules))
        told: dict[str, Foreseen] = {}
        for entry in entries:
            one = found.get(entry.id)
            if isinstance(one, LookupFailed):
                self._failed[entry.id] = one.reason
            if isinstance(one, Foreseen):
                told[entry.id] = one
            else:
                told[entry.id] = by_ledger(entry, self._rules)
            # safeguard: a-repair-does-only-what-was-foreseen
            if isinstance(one, Foreseen) or not is_to_push(entry, self._rules):
                self.to_repair[entry.id] = entry.seen.created_at
            else:
                self._is_foreseen = False
        return told

    # --------------------------------------------------------------------------------- Jetti

    def _read_jetti(self, comparison: LoopComparison, ids: Sequence[str]) -> None:
        try:
            self._compare_all(ids)
            self._find_unknown_markers(comparison)
        except TargetUnavailable as error:
            self._jetti_failed = error

    def _conclude_jetti(self, in_ledger: int) -> None:
        failure = self._jetti_failed
        if failure is None and self._failed:
            failure = TargetUnavailable(next(iter(self._failed.values())))
        if failure is not None:
            self._failures.append(failure)
            left = in_ledger - len(self._looked_at)
            if left:
                self._not_read.append(f"Jetti: {left} of {in_ledger} returns could not be compared")
        if not self._is_foreseen:
            self._not_read.append(_UNFORESEEN)
        self._not_read.append(_ELSEWHERE)

    def _note_in_work(self, entry: Entry, reason: str | None = None) -> None:
        self._looked_at.add(entry.id)
        self._in_work[entry.id] = found_as.not_compared(entry, reason)

    def _compare_all(self, ids: Sequence[str]) -> None:
        began, looked_at = self._clock.monotonic(), 0
        in_range, todo = frozenset(ids), list(ids)
        for _ in range(_LOOKS):
            planned, again = looked_at + len(todo), []
            for batch in batched(todo, TOGETHER):
                again += self._compare_batch(batch, in_range)
                looked_at += len(batch)
                took = self._clock.monotonic() - began
                self._progress.pushing(looked_at, planned, took / looked_at * (planned - looked_at))
            todo = again
        for entry in self._ledger.entries.get(todo):
            self._note_in_work(entry, _MEANWHILE)

    def _compare_batch(self, batch: Sequence[str], in_range: Collection[str]) -> list[str]:
        """Those that a run has written to while they were looked at."""
        entries = self._ledger.entries.get(batch)
        comparable = [entry for entry in entries if self._is_comparable(entry)]
        if not comparable:
            return []
        held = self._lookup.holdings(comparable)
        # safeguard: verify-beside-a-pass-that-writes
        after = {one.id: one for one in self._ledger.entries.get([one.id for one in comparable])}
        self._note_markers(held, in_range)
        again: list[str] = []
        for entry in comparable:
            if after.get(entry.id) == entry:
                self._compare(entry, held.ours[entry.id])
            else:
                self._undecided.pop(entry.id, None)
                again.append(entry.id)
        return again

    def _is_comparable(self, entry: Entry) -> bool:
        """Whether Jetti should hold what was last pushed. Notes what is so of the others."""
        if entry.state is State.IGNORED:
            self._counts["ignored"] += 1
            self._looked_at.add(entry.id)
            return False
        if entry.state in OPEN:
            self._note_in_work(entry)
            return False
        if entry.state in NEEDS_A_PERSON:
            self._undecided[entry.id] = found_as.not_compared(entry)
        if entry.intents:
            self._looked_at.add(entry.id)
        return not entry.intents

    def _note_markers(self, held: Holdings, in_range: Collection[str]) -> None:
        rows = list(held.on_sales)
        for ours in held.ours.values():
            rows += () if isinstance(ours, LookupFailed) else ours
        accounts = {row.account for row in rows if row.account is not None}
        check_account(self._ledger.meta.read().account, accounts)
        for row in held.on_sales:
            if row.marker is not None and row.marker not in in_range:
                self._note_marker(row.marker, row)

    def _note_marker(self, marker: str, row: LiveSaleReturn) -> None:
        if is_id(marker) and not row.is_cancelled:
            self._marked[marker][row.id] = row

    def _compare(self, entry: Entry, ours: tuple[LiveSaleReturn, ...] | LookupFailed) -> None:
        if isinstance(ours, LookupFailed):
            self._failed[entry.id] = ours.reason
            return
        found = compare(entry, ours)
        writes = self._ledger.journal.writes_of(entry.id) if found.differs else []
        # safeguard: verify-waits-until-writes-have-settled
        if any(write.settle_at > self._clock.now() for write in writes):
            self._undecided.pop(entry.id, None)
            self._note_in_work(entry, _JUST_WRITTEN)
            return
        self._looked_at.add(entry.id)
        self._counts["compared"] += 1
        self._counts["moved_on"] += found.moved_on
        self._counts["kept"] += found.kept
        lost, edited = split(found.unlike, writes)
        if lost:
            self._lost.append((entry, lost))
        if edited:
            self._differences.append(found_as.edited(entry, edited))
        if found.deleted or found.deleted_items or found.surplus:
            self._unlike.append((entry, found))

    def _report_jetti(self) -> None:
        """What is lost, deleted or surplus in Jetti, with what would settle it."""
        # safeguard: verify-repairs-no-review
        may_repair = [one for one in self._lost if one[0].state is State.SYNCED]
        pending = {
            entry.id: replace(entry, state=State.PENDING, sale_returns=without_lost(entry, lost))
            for entry, lost in may_repair
        }
        foreseen = self._foresee(list(pending.values()))
        for entry, lost in self._lost:
            command = self._command if entry.id in pending else None
            self._differences.append(
                found_as.lost_write(entry, lost, foreseen.get(entry.id), command)
            )
            if entry.id in pending and entry.id in self.to_repair:
                sale_returns = pending[entry.id].sale_returns
                step = Transition(State.PENDING, _LOST, attempts=0, sale_returns=sale_returns)
                self.steps.append((entry.id, step))
        gone = [(e, found) for e, found in self._unlike if found.deleted or found.deleted_items]
        refused = self._why_not(Decision.CREATE, [(entry, ()) for entry, _ in gone])
        for entry, found in gone:
            rows = self._ledger.malformed.find(entry.id)
            row = next((row for row in rows if row.return_id == entry.id), None)
            self._differences.append(found_as.deleted(entry, found, refused.get(entry.id), row))
        surplus = [(entry, found) for entry, found in self._unlike if found.surplus]
        self._report_surplus([one for one in map(self._without_others, surplus) if one])

    def _without_others(
        self, one: tuple[Entry, JettiComparison]
    ) -> tuple[Entry, JettiComparison] | None:
        """Without sale returns that the ledger knows as another return's, which are reported here;
        None if that leaves none."""
        entry, found = one
        owners = self._ledger.entries.owners([row.id for row in found.surplus])
        # safeguard: what-is-another-s-is-not-proposed-to-be-cancelled
        others = [row for row in found.surplus if row.id in owners]
        if not others:
            return one
        kind = DifferenceKind.DOUBLE if found.has_living else DifferenceKind.NOT_RECORDED
        self._differences.append(
            found_as.overwritten(entry.id, others, owners, kind=kind, seen=entry.seen)
        )
        rest = tuple(row for row in found.surplus if row.id not in owners)
        return (entry, replace(found, surplus=rest)) if rest else None

    def _report_surplus(self, surplus: Sequence[tuple[Entry, JettiComparison]]) -> None:
        """Sale returns that carry its marker and that the ledger does not know."""
        alone = [(entry, found) for entry, found in surplus if not found.has_living]
        skipped = [entry for entry, _ in alone if entry.state is State.SKIPPED]
        ways = self._if_asked_for(skipped)
        named = [
            (entry, [str(row.id) for row in found.surplus])
            for entry, found in alone
            if entry.state is not State.SKIPPED
        ]
        refused = self._why_not(Decision.ADOPT, named)
        said = "take it over by a decision; the next run brings it up to date"
        for entry, ids in named:
            adopt = f"reconciler resolve {entry.id} --adopt {' '.join(ids)}"
            ways[entry.id] = refused.get(entry.id) or found_as.TakeOver(said, adopt)
        for entry, found in surplus:
            self._differences.append(
                found_as.double(entry, found)
                if found.has_living
                else found_as.not_recorded(entry, found, ways[entry.id])
            )

    def _if_asked_for(self, skipped: Sequence[Entry]) -> dict[str, found_as.TakeOver | str]:
        """What `run --return` would make of these: how it takes over what Jetti has, or why it
        does not."""
        rules = as_asked_for(self._rules)
        woken = [replace(entry, state=State.PENDING) for entry in skipped]
        to_look_up = [entry for entry in woken if is_to_push(entry, rules)]
        ways: dict[str, found_as.TakeOver | str] = {
            entry.id: by_ledger(entry, rules).said for entry in woken
        }
        for return_id, one in self._asked(lambda: self._foresight.of(to_look_up, rules)).items():
            command = f"reconciler run --return {return_id}"
            if isinstance(one, LookupFailed):
                ways[return_id] = one.reason
            else:
                ways[return_id] = (
                    found_as.TakeOver(one.said, command) if one.taken_over else one.said
                )
        if self._jetti_failed is not None:
            ways |= {entry.id: str(self._jetti_failed) for entry in to_look_up}
        return ways

    def _why_not(self, decision: Decision, about: Sequence[Named]) -> dict[str, str]:
        """Why `resolve` would refuse that decision, of each of which it would."""
        refused = {
            entry.id: reason
            for entry, _ in about
            if (reason := refusal(entry, decision, Situation())) is not None
        }
        left = [one for one in about if one[0].id not in refused]
        found = self._asked(lambda: self._foresight.refusals(decision, left, self._rules))
        for return_id, one in found.items():
            refused[return_id] = one.reason if isinstance(one, LookupFailed) else one
        if self._jetti_failed is not None:
            refused |= {entry.id: str(self._jetti_failed) for entry, _ in left}
        return refused

    def _asked(self, ask: Callable[[], dict[str, T]]) -> dict[str, T]:
        """What Jetti answers, unless it has failed before or does so now."""
        if self._jetti_failed is not None:
            return {}
        try:
            return ask()
        except TargetUnavailable as error:
            self._jetti_failed = error
            return {}

    def _find_unknown_markers(self, comparison: LoopComparison) -> None:
        """Sale returns with the marker of a return that the ledger does not know: of what Loop
        lists wherever they are, of others on the sales that were read."""
        unrecorded = [
            *comparison.ids(LoopVerdict.MISSING),
            *comparison.ids(LoopVerdict.BEFORE_GO_LIVE),
        ]
        for batch in batched(unrecorded, TOGETHER):
            for row in self._lookup.rows_marked(batch):
                if row.marker is not None:
                    self._note_marker(row.marker, row)
        markers = sorted(self._marked)
        known = self._ledger.entries.versions(markers).keys()
        forgotten = self._ledger.forgotten.among(markers)
        reported = {
            *known,
            *forgotten,
            *comparison.ids(LoopVerdict.MISSING),
            *comparison.ids(LoopVerdict.UNREAD),
        }
        for marker in markers:
            if marker not in reported:
                self._report_unknown_marker(marker, comparison)

    def _report_unknown_marker(self, marker: str, comparison: LoopComparison) -> None:
        rows = self._marked[marker]
        owners = self._ledger.entries.owners(rows.keys())
        others = [row for id_, row in rows.items() if id_ in owners]
        if others:
            kind = DifferenceKind.UNKNOWN_MARKER
            self._differences.append(found_as.overwritten(marker, others, owners, kind=kind))
        rest = tuple(row for id_, row in rows.items() if id_ not in owners)
        if rest:
            in_loop = comparison.has(marker) or self._is_in_loop(marker)
            self._differences.append(found_as.unknown_marker(marker, rest, in_loop=in_loop))

    def _is_in_loop(self, return_id: str) -> bool | None:
        """Whether Loop has a return that it did not list in the range; None if it cannot tell."""
        if self._failures:
            return None
        try:
            return self._source.fetch(return_id) is not None
        except SourceError as error:
            self._failures.append(error)
            return None

    # -------------------------------------------------------------------------------- result

    def _remarks(self) -> Iterator[str]:
        if self._ledger.meta.read().adopting_since is not None:
            yield "init --adopt was not finished, so Jetti may have what the ledger does not know"

    def _is_ignored(self, key: str, problem: str) -> bool:
        """Whether someone has decided to ignore that row as long as this is wrong with it."""
        rows = self._ledger.malformed.find(key)
        return any(row.key == key and row.is_ignored and row.problem == problem for row in rows)

    def _result(self, comparison: LoopComparison, in_ledger: int) -> Verification:
        aside = {
            key: found_as.malformed(key, problem)
            for key, problem in comparison.malformed.items()
            if not self._is_ignored(key, problem)
        }
        ordered = sorted(self._differences, key=lambda one: (_place(one.return_id), one.kind))
        counts = VerifyCounts(
            in_loop=len(comparison),
            in_ledger=in_ledger,
            differing=len({one.return_id for one in ordered}),
            in_work=len(self._in_work),
            undecided=len(self._undecided),
            before_go_live=len(comparison.ids(LoopVerdict.BEFORE_GO_LIVE)),
            malformed=len(aside),
            **self._counts,
        )
        if any(one.kind is DifferenceKind.EDITED for one in ordered):
            self._not_read.append(_HISTORY)
        facts = VerifyFacts(
            start=self.start,
            end=self.end,
            repair=self._request.repair,
            started_at=self._started_at,
            finished_at=self._clock.now(),
            exit_code=0,
            failures=tuple(Failure(str(e), e.hint, e.command) for e in self._failures),
            not_read=tuple(self._not_read),
            remarks=(*self._remarks(), *self._lookup.remarks()),
            repaired_by=self._command if report.is_any_repairable(ordered) else None,
        )
        found = Verification(
            verify=facts,
            counts=counts,
            requests=self._requests(),
            differences=tuple(ordered),
            in_work=_in_order(self._in_work),
            undecided=(*_in_order(self._undecided), *_in_order(aside)),
        )
        return report.concluded(found, [error.status for error in self._failures])


def _in_order(found: Mapping[str, NotCompared]) -> tuple[NotCompared, ...]:
    return tuple(found[id_] for id_ in sorted(found, key=_place))


def _place(return_id: str) -> tuple[int, str]:
    """By number, as ids are counted up."""
    return len(return_id), return_id
