"""Read and record: what Loop lists goes into the ledger, window by window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum, auto
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core import fingerprint, mapping
from reconciler.core.guard import check_shop
from reconciler.core.matching.result import BY_HAND, listed, titled
from reconciler.core.model import GONE, Malformed, Return, State, Window, malformed_part
from reconciler.core.ports import Ledger, Source
from reconciler.core.records import By, DrainedWindow, Observation, Page, StoredVersion, Transition
from reconciler.core.settings import Mapping
from reconciler.core.windows import check_plausible
from reconciler.errors import SourceError
from reconciler.runtime import Progress

_PORTION = 500
_TOLD = 5  # returns that a sweep could not read; when Loop is out, it is all of them


class Projection(Struct, frozen=True):
    """How returns are told to Jetti, by the settings."""

    mapping: Mapping
    held_states: tuple[str, ...]

    @property
    def version(self) -> str:
        """Names this projection; part of every fingerprint."""
        return fingerprint.mapping_version(self.mapping, self.held_states)

    def observe(self, seen: Return, content: bytes) -> Observation:
        """The return with what is wanted of it."""
        wanted = mapping.project(seen, self.mapping, self.held_states)
        return Observation(seen, content, wanted, fingerprint.fingerprint(wanted, self.version))


class ReadStatus(Enum):
    """What a return is to the ledger when it is read."""

    UNCHANGED = auto()
    CHANGED = auto()
    NEW = auto()


class ReadLog:
    """Which returns were read, and what each was to the ledger when it was first news."""

    def __init__(self) -> None:
        self.ids: dict[str, ReadStatus] = {}
        self.malformed: set[str] = set()
        """Keys of the rows that were set aside."""

    def add(self, return_id: str, what: ReadStatus) -> None:
        """One more, or one that an earlier window had too."""
        if self.ids.get(return_id, ReadStatus.UNCHANGED) is ReadStatus.UNCHANGED:
            self.ids[return_id] = what

    def count(self, what: ReadStatus) -> int:
        """How many were that."""
        return sum(one is what for one in self.ids.values())


class Ingest:
    """Reads one window after the other and records each in one transaction."""

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        projection: Projection,
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
        self._clock = clock
        self._progress = progress

    def remap(self) -> None:
        """Project every entry again that was recorded under another mapping.

        In portions, so that memory stays bounded; a run that dies in between goes on later,
        because what is left still carries the other version.
        """
        version = self._projection.version
        stale = self._ledger.entries.mapped_otherwise(version)
        while portion := list(islice(stale, _PORTION)):
            observed = [self._projection.observe(entry.seen, b"") for entry in portion]
            self._ledger.entries.remap(
                [(o.seen.id, o.wanted, o.fingerprint) for o in observed], version
            )

    def window(self, window: Window, by: By, *, moves_watermark: bool) -> None:
        """Read a window to its end and record it. Raises SourceError, KeyRefused, SafetyStop.

        Pages are compared as they come and only what is new to the ledger is kept, so that memory
        follows the changes and not the listing; nothing is recorded of a window that fails.
        """
        gathered = _Batch(self._projection)
        for page in self._source.read(window, by):
            gathered.add(page, self._ledger.entries.versions({row.id for row in page.returns}))
            self._progress.reading(len(self.log.ids) + len(gathered.latest))
        if by is By.UPDATED:
            known = self._ledger.entries.ids_updated_between(window.start, window.end)
            check_plausible(known, gathered.latest.keys(), window)
        # safeguard: watermark-is-the-window-end
        # safeguard: watermark-is-not-the-newest-row
        self._record(gathered, window, by, window.end if moves_watermark else None)

    def singles(self, rows: Sequence[Return | Malformed]) -> None:
        """Record returns that were asked for by name."""
        returns = tuple(row for row in rows if isinstance(row, Return))
        malformed = tuple(row for row in rows if isinstance(row, Malformed))
        gathered = _Batch(self._projection)
        gathered.add(
            Page(returns, malformed), self._ledger.entries.versions({row.id for row in returns})
        )
        now = self._clock.now()
        self._record(gathered, Window(now, now), By.CREATED, None)

    def recheck_unlisted(self, windows: Iterable[Window]) -> list[SourceError]:
        """Read unfinished entries singly that a sweep by creation date did not list.

        One that is gone from Loop, or in a state that cannot be listed, is held: not created, but
        taken up again should it come back. Where it was pushed already a person must look.

        One that cannot be read spoils nothing for the others; what is returned says why it cannot,
        of the first few.
        """
        # safeguard: malformed-row-in-a-sweep
        shown = self.log.ids.keys() | self.log.malformed
        failures: list[SourceError] = []
        for window in windows:
            unfinished = self._ledger.entries.open_ids_created_between(window.start, window.end)
            for return_id in sorted(unfinished - shown):
                try:
                    row = self._source.fetch(return_id)
                except SourceError as error:
                    # safeguard: unreadable-return-in-a-sweep
                    failures.append(error)
                    continue
                if row is not None:
                    self.singles([row])
                else:
                    self._gone(return_id)
        if len(failures) > _TOLD:
            rest = f"{len(failures) - _TOLD} more returns could not be read from Loop"
            failures[_TOLD:] = [SourceError(rest)]
        return failures

    def _gone(self, return_id: str) -> None:
        [entry] = self._ledger.entries.get([return_id])
        if entry.sale_returns:
            stands = listed(map(titled, entry.sale_returns))
            reason = f"gone from Loop after it was pushed as sale return {stands}. {BY_HAND}"
            move = Transition(State.REVIEW, reason)
            self._ledger.journal.apply(return_id, move)
        else:
            self.singles([replace(entry.seen, state=GONE)])

    def _record(self, gathered: _Batch, window: Window, by: By, watermark: datetime | None) -> None:
        shop = check_shop(self._ledger.meta.read().shop, gathered.shops)
        self._ledger.windows.record(
            DrainedWindow(
                window=window,
                by=by,
                rows=len(gathered.latest),
                mapping_version=self._projection.version,
                observations=gathered.observations(),
                touched=tuple(gathered.touched.items()),
                malformed=tuple({**gathered.in_part, **gathered.malformed}.values()),
                parsed=tuple(gathered.latest.keys() - gathered.in_part.keys()),
                watermark=watermark,
                run_id=self._run_id,
            ),
            self._clock.now(),
        )
        if shop is not None:
            self._ledger.meta.pin(shop=shop)
        self.log.malformed |= gathered.malformed.keys()
        for return_id in gathered.latest:
            self.log.add(return_id, gathered.what(return_id))


class _Batch:
    """What a window teaches, page by page: of each return the newest version, then the last."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self.latest: dict[str, datetime] = {}
        self.news: dict[str, tuple[Return, bytes]] = {}
        """Returns whose content is new to the ledger, with the hash of it."""
        self.touched: dict[str, datetime] = {}
        self.malformed: dict[str, Malformed] = {}
        self.in_part: dict[str, Malformed] = {}
        """What was not understood of returns whose rest was."""
        self.new: set[str] = set()
        self.shops: Counter[str] = Counter()

    def observations(self) -> Iterator[Observation]:
        """The news with what is wanted, made one by one: a first window may be all news."""
        return (self._projection.observe(seen, content) for seen, content in self.news.values())

    def what(self, return_id: str) -> ReadStatus:
        """What it was to the ledger."""
        if return_id in self.new:
            return ReadStatus.NEW
        return ReadStatus.CHANGED if return_id in self.news else ReadStatus.UNCHANGED

    def add(self, page: Page, known: dict[str, StoredVersion]) -> None:
        """Take a page in. Rows repeat: pages overlap, and a return may change while we read."""
        self.malformed |= {row.key: row for row in page.malformed}
        for row in page.returns:
            if row.updated_at >= self.latest.get(row.id, row.updated_at):
                self._take(row, known.get(row.id))

    def _take(self, row: Return, known: StoredVersion | None) -> None:
        self.latest[row.id] = row.updated_at
        for kept in (self.news, self.touched, self.in_part):
            kept.pop(row.id, None)
        if (problem := malformed_part(row)) is not None:
            self.in_part[row.id] = problem
        if row.shop is not None:
            self.shops[row.shop] += 1
        if known is None:
            self.new.add(row.id)
        elif row.updated_at < known.updated_at:
            return
        content = fingerprint.content(row)
        if known is None or content != known.content:
            self.news[row.id] = (row, content)
        elif row.updated_at > known.updated_at:
            self.touched[row.id] = row.updated_at
