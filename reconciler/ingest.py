"""Read and record: what Loop lists goes into the ledger, window by window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum, auto
from functools import cached_property

from msgspec import Struct, msgpack
from msgspec.structs import replace

from reconciler import steps
from reconciler.clock import Clock
from reconciler.core import fingerprint, mapping
from reconciler.core.batches import batched
from reconciler.core.guard import check_shop
from reconciler.core.matching.result import DECIDE, listed, titled
from reconciler.core.model import (
    GONE,
    Entry,
    Malformed,
    Return,
    State,
    Window,
    malformed_part,
)
from reconciler.core.plan import Planner
from reconciler.core.ports import Ledger, Source
from reconciler.core.records import By, DrainedWindow, Observation, Page, StoredVersion, Transition
from reconciler.core.report import ReadWindow
from reconciler.core.settings import Mapping
from reconciler.core.summary import ReadTotals
from reconciler.core.windows import check_plausible
from reconciler.errors import ReconcilerError, SourceError
from reconciler.runtime import Progress

_unpack = msgpack.Decoder(Return).decode
_MOST_UNPACKED = 1_500
"""Returns of a window that are kept as they are. Packed, one takes a third of the memory, but
packing and unpacking it takes as long as parsing half a row."""
_MOST_FAILURES = 5  # of a sweep are reported one by one; when Loop is out, every read fails


class Projection(Struct, frozen=True, dict=True):
    """What Jetti should hold for a return, by the settings."""

    mapping: Mapping
    held_states: tuple[str, ...]

    @cached_property
    def version(self) -> str:
        """Names this projection; part of every fingerprint."""
        return fingerprint.mapping_version(self.mapping, self.held_states)

    def observe(self, seen: Return, content: bytes) -> Observation:
        """The return with what is wanted of it; `content` is its `core.fingerprint.content`."""
        wanted = mapping.project(seen, self.mapping, self.held_states)
        return Observation(seen, content, wanted, fingerprint.fingerprint(wanted, self.version))


class ReadStatus(Enum):
    """What a return is to the ledger when it is read."""

    UNCHANGED = auto()
    CHANGED = auto()
    NEW = auto()


class ReadLog:
    """What a pass has read so far."""

    def __init__(self) -> None:
        self.windows: list[ReadWindow] = []
        """The last one is not drained while it is read, or where that failed."""
        self.ids: dict[str, ReadStatus] = {}
        """The returns, each with what it was to the ledger before the first news of it."""
        self.forgotten: set[str] = set()
        """Returns that Loop showed although they were forgotten; only their number is reported."""
        self.malformed: set[str] = set()
        """Keys of the rows that were set aside."""
        self.failures: list[ReconcilerError] = []
        """What Loop failed to deliver, and what was asked for that it does not know."""

    def add(self, return_id: str, status: ReadStatus) -> None:
        """Note a return, also one that an earlier window had too."""
        if self.ids.get(return_id, ReadStatus.UNCHANGED) is ReadStatus.UNCHANGED:
            self.ids[return_id] = status

    def totals(self) -> ReadTotals:
        statuses = Counter(self.ids.values())
        new, changed = statuses[ReadStatus.NEW], statuses[ReadStatus.CHANGED]
        return ReadTotals(len(self.ids), new, changed, len(self.forgotten))


class Ingest:
    """Reads one window after the other and records each in one transaction."""

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        projection: Projection,
        planner: Planner,
        clock: Clock,
        progress: Progress,
        *,
        run_id: int,
    ) -> None:
        self.log = ReadLog()
        self._run_id = run_id
        self._source = source
        self._ledger = ledger
        self._projection = projection
        self._planner = planner
        self._clock = clock
        self._progress = progress

    def remap(self, *, among: Container[str] | None = None) -> None:
        """Project every entry again that was recorded under another mapping; or just these.

        In portions, so that memory stays bounded. After a run that died in between the next one
        goes on: what is left still carries the other version.
        """
        version = self._projection.version
        entries = self._ledger.entries.mapped_otherwise(version)
        concerned = (entry for entry in entries if among is None or entry.id in among)
        for portion in batched(concerned):
            observed = [self._projection.observe(entry.seen, b"") for entry in portion]
            self._ledger.entries.remap(
                [(o.seen.id, o.wanted, o.fingerprint) for o in observed], version
            )

    def window(
        self, window: Window, by: By, *, moves_watermark: bool, then: Window | None = None
    ) -> None:
        """Read a window to its end and record it. Raises SourceError, KeyRefused, SafetyStop.

        `then` is the window that is read next.

        Pages are compared as they come and only what is new to the ledger is kept, so that memory
        follows the changes and not the listing; nothing is recorded of a window that fails.
        """
        self.log.windows.append(ReadWindow(window.start, window.end, drained=False))
        batch = _Batch()
        for page in self._source.read(window, by, then):
            self._add(batch, page)
            self._progress.reading(len(self.log.ids) + len(batch.latest))
            del page  # or it would be kept until the next one is here
        if by is By.UPDATED:
            known = self._ledger.entries.ids_updated_between(window.start, window.end)
            check_plausible(known, batch.latest.keys(), window)
        steps.window_read(window, by, len(batch.latest), len(batch.changed))
        # safeguard: watermark-is-the-window-end
        # safeguard: watermark-is-not-the-newest-row
        self._record(batch, window, by, window.end if moves_watermark else None)
        self.log.windows[-1] = ReadWindow(window.start, window.end, drained=True)

    def listed(self, window: Window, ids: Container[str]) -> None:
        """Read a window by creation date, and record just these returns. Raises as `window`."""
        self.log.windows.append(ReadWindow(window.start, window.end, drained=False))
        batch = _Batch()
        for page in self._source.read(window, By.CREATED):
            # safeguard: a-repair-records-only-what-was-listed
            rows = tuple(row for row in page.returns if row.id in ids)
            aside = tuple(row for row in page.malformed if row.return_id in ids)
            self._add(batch, Page(rows, aside))
            self._progress.reading(len(self.log.ids) + len(batch.latest))
        now = self._clock.now()
        # Not as this window: what else is in it was not recorded.
        self._record(batch, Window(now, now), By.CREATED, None)
        self.log.windows[-1] = ReadWindow(window.start, window.end, drained=True)

    def singles(self, rows: Sequence[Return | Malformed]) -> None:
        """Record returns that were read individually."""
        returns = tuple(row for row in rows if isinstance(row, Return))
        malformed = tuple(row for row in rows if isinstance(row, Malformed))
        batch = _Batch()
        self._add(batch, Page(returns, malformed))
        steps.read_singly(batch.latest.keys())
        now = self._clock.now()
        self._record(batch, Window(now, now), By.CREATED, None)

    def without_forgotten(
        self, rows: Sequence[Return | Malformed]
    ) -> tuple[list[Return | Malformed], int]:
        """The rows of which something may be kept, and how many others there are."""
        gone = self._forgotten(map(_id_of, rows))
        left = [row for row in rows if _id_of(row) not in gone]
        return left, len(rows) - len(left)

    def _add(self, batch: _Batch, page: Page) -> None:
        known = self._ledger.entries.versions({row.id for row in page.returns})
        unknown = [*(row.id for row in page.returns), *map(_id_of, page.malformed)]
        if self._forgotten(id_ for id_ in unknown if id_ not in known):
            page = Page(
                tuple(row for row in page.returns if row.id not in self.log.forgotten),
                tuple(row for row in page.malformed if _id_of(row) not in self.log.forgotten),
            )
        batch.add(page, known)

    def _forgotten(self, ids: Iterable[str]) -> set[str]:
        found = self._ledger.forgotten.among(list(ids))
        self.log.forgotten |= found
        return found

    def recheck_unlisted(self, windows: Iterable[Window]) -> list[SourceError]:
        """Read each unfinished entry that a sweep of these windows did not list.

        One that is gone from Loop, or in a state that cannot be listed, is held: not created, but
        taken up again should it come back. One that was pushed already goes to review.

        One that cannot be read does not keep the others from being read. Returns why it could not,
        for the first five; an error more counts the rest.
        """
        # safeguard: malformed-row-in-a-sweep
        listed_ids = self.log.ids.keys() | self.log.malformed
        failures: list[SourceError] = []
        for window in windows:
            unfinished = self._ledger.entries.open_ids_created_between(window.start, window.end)
            for return_id in sorted(unfinished - listed_ids):
                try:
                    row = self._source.fetch(return_id)
                except SourceError as error:
                    # safeguard: unreadable-return-in-a-sweep
                    failures.append(error)
                    continue
                if row is not None:
                    self.singles([row])
                else:
                    self._record_as_gone(return_id)
        if len(failures) > _MOST_FAILURES:
            rest = f"{len(failures) - _MOST_FAILURES} more returns could not be read from Loop"
            failures[_MOST_FAILURES:] = [SourceError(rest)]
        return failures

    def _record_as_gone(self, return_id: str) -> None:
        [entry] = self._ledger.entries.get([return_id])
        if entry.sale_returns:
            pushed = listed(map(titled, entry.sale_returns))
            reason = f"gone from Loop after it was pushed as sale return {pushed}. {DECIDE}"
            self._ledger.journal.apply(return_id, Transition(State.REVIEW, reason))
        else:
            self.singles([replace(entry.seen, state=GONE)])

    def _record(self, batch: _Batch, window: Window, by: By, watermark: datetime | None) -> None:
        shop = check_shop(self._ledger.meta.read().shop, batch.shops)
        now = self._clock.now()
        self._ledger.windows.record(
            DrainedWindow(
                window=window,
                by=by,
                rows=len(batch.latest),
                mapping_version=self._projection.version,
                # Made one by one: in a first window all is new.
                observations=self._observed(batch, now),
                touched=tuple(batch.touched.items()),
                malformed=tuple({**batch.partial, **batch.malformed}.values()),
                parsed=tuple(batch.latest.keys() - batch.partial.keys()),
                watermark=watermark,
                run_id=self._run_id,
            ),
            now,
        )
        if shop is not None:
            self._ledger.meta.pin(shop=shop)
        self.log.malformed |= batch.malformed.keys()
        for return_id in batch.latest:
            self.log.add(return_id, batch.status_of(return_id))

    def _observed(self, batch: _Batch, now: datetime) -> Iterator[Observation]:
        """What changed, with what is wanted. A new return is decided about at once, so that its
        entry need not be read back; the others when the plan is made."""
        for seen in batch.take_changed():
            observed = self._projection.observe(seen, fingerprint.content(seen))
            if seen.id in batch.new:
                yield self._decided(observed, now)
            else:
                # An earlier window of this pass may have recorded it as new.
                self._planner.forget(seen.id)
                yield observed

    def _decided(self, new: Observation, now: datetime) -> Observation:
        entry = Entry(new.seen, new.wanted, new.fingerprint, changed_at=now, due_since=now)
        done = self._planner.decide(entry)
        if done is None:
            return replace(new, is_new=True)
        return replace(new, is_new=True, state=done.state, reason=done.reason)


def _id_of(row: Return | Malformed) -> str:
    return row.id if isinstance(row, Return) else row.return_id or row.key


class _Batch:
    """The rows of a window, page by page: of each return the newest version, then the last read."""

    def __init__(self) -> None:
        self.latest: dict[str, datetime] = {}
        """Return id -> `updated_at`, of every return that was read."""
        self.changed: dict[str, Return | bytes | None] = {}
        """Returns whose content is new to the ledger, packed if there are many; None once taken."""
        self.touched: dict[str, datetime] = {}
        """Return id -> `updated_at`, where the content is known but the time is newer."""
        self.malformed: dict[str, Malformed] = {}
        self.partial: dict[str, Malformed] = {}
        """What was not understood of returns whose rest was."""
        self.new: set[str] = set()
        """Returns of which the ledger has no entry."""
        self.shops: Counter[str] = Counter()
        """How many rows name each shop."""

    def take_changed(self) -> Iterator[Return]:
        """What changed, one by one. Nothing is kept of it: in a first window all is new."""
        for return_id, row in self.changed.items():
            if row is not None:
                self.changed[return_id] = None
                # With the id that is kept anyway: a plan may have 100,000 changes.
                yield replace(_unpack(row), id=return_id) if isinstance(row, bytes) else row

    def status_of(self, return_id: str) -> ReadStatus:
        if return_id in self.new:
            return ReadStatus.NEW
        return ReadStatus.CHANGED if return_id in self.changed else ReadStatus.UNCHANGED

    def add(self, page: Page, known: dict[str, StoredVersion]) -> None:
        """Add a page. Rows repeat: pages overlap, and a return may change while we read."""
        self.malformed |= {row.key: row for row in page.malformed}
        for row in page.returns:
            if row.updated_at >= self.latest.get(row.id, row.updated_at):
                self._add(row, known.get(row.id))

    def _add(self, row: Return, known: StoredVersion | None) -> None:
        self.latest[row.id] = row.updated_at
        for by_id in (self.changed, self.touched, self.partial):
            by_id.pop(row.id, None)
        if (problem := malformed_part(row)) is not None:
            self.partial[row.id] = problem
        if row.shop is not None:
            self.shops[row.shop] += 1
        if known is None:
            self.new.add(row.id)
        elif row.updated_at < known.updated_at:
            return
        if known is None or fingerprint.content(row) != known.content:
            is_one_of_many = len(self.changed) >= _MOST_UNPACKED
            self.changed[row.id] = msgpack.encode(row) if is_one_of_many else row
        elif row.updated_at > known.updated_at:
            self.touched[row.id] = row.updated_at
