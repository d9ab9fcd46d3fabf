"""Reading what a run asks for: since the watermark, a sweep, a range, or returns by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import zip_longest

from reconciler.clock import Clock
from reconciler.core.model import Malformed, Return, Window
from reconciler.core.order_name import variants
from reconciler.core.ports import Ledger, Source
from reconciler.core.records import By
from reconciler.core.report import RunKind
from reconciler.core.request import RunRequest
from reconciler.core.windows import WindowPolicy, check_clock, check_progress, cut, readable_until
from reconciler.errors import ConfigError, ImplausibleListing, SourceError
from reconciler.ingest import Ingest, ReadLog


class RequestReader:
    """Reads from Loop and has it recorded; `log` is true also when `read` raises."""

    def __init__(
        self, source: Source, ledger: Ledger, ingest: Ingest, policy: WindowPolicy, clock: Clock
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._ingest = ingest
        self._policy = policy
        self._clock = clock

    @property
    def log(self) -> ReadLog:
        """What was read so far, and what Loop failed to deliver."""
        return self._ingest.log

    def read(self, request: RunRequest) -> None:
        """Read and record all that the request asks for.

        A failure of Loop ends the reading and is in the log, as is what Loop does not know of what
        was asked for. Raises what ends the pass: ImplausibleListing, KeyRefused, SafetyStop,
        LedgerError, Interrupted.
        """
        try:
            self._read(request)
        except ImplausibleListing:
            raise
        except SourceError as error:
            self.log.failures.append(error)

    def _read(self, request: RunRequest) -> None:
        now, watermark = self._clock.now(), self._ledger.meta.read().watermark
        check_clock(now, watermark)
        if request.kind is RunKind.VERIFY:
            self._read_listed(request)
            return
        self._ingest.remap()
        if request.kind is RunKind.SINGLE:
            self._read_singles(request)
            return
        server_now = self._source.server_time(self._begins_with(request, now, watermark))
        until = readable_until(now, server_now, self._policy.lag)
        if request.kind in (RunKind.SCHEDULED, RunKind.SWEEP):
            check_progress(now, server_now, watermark)
        if request.kind is RunKind.SCHEDULED:
            # safeguard: window-overlap
            start = watermark - self._policy.overlap
            self._read_windows(request, start, until, By.UPDATED)
        elif request.kind is RunKind.SWEEP and request.sweep is not None:
            windows = self._read_windows(request, until - request.sweep, until, By.CREATED)
            # safeguard: unlisted-returns-are-read-singly
            self.log.failures += self._ingest.recheck_unlisted(windows)
        elif request.start is not None:
            end = min(request.end or until, until)
            self._read_windows(request, request.start, end, request.by)

    def _begins_with(
        self, request: RunRequest, now: datetime, watermark: datetime
    ) -> Window | None:
        """The only window of a scheduled pass, as far as this machine's clock tells.

        Its end is known before Loop is asked for the time, or comes earlier by Loop's clock. Not of
        other runs: a window of theirs begins, or ends, where Loop's clock says.
        """
        if request.kind is not RunKind.SCHEDULED:
            return None
        windows = cut(
            watermark - self._policy.overlap,
            readable_until(now, now, self._policy.lag),
            self._policy.longest,
        )
        return windows[0] if len(windows) == 1 else None

    def _read_windows(
        self, request: RunRequest, start: datetime, end: datetime, by: By
    ) -> tuple[Window, ...]:
        # safeguard: only-a-scheduled-pass-moves-the-watermark
        moves_watermark = request.kind is RunKind.SCHEDULED
        windows = cut(start, end, self._policy.longest)
        for window, then in zip_longest(windows, windows[1:]):
            self._ingest.window(window, by, moves_watermark=moves_watermark, then=then)
        return windows

    def _read_listed(self, request: RunRequest) -> None:
        """Read again what a verification has listed: it may have changed since. Of all others in
        the same windows nothing is recorded."""
        listed = frozenset(request.return_ids)
        self._ingest.remap(among=listed)
        if request.start is not None and request.end is not None:
            for window in cut(request.start, request.end, self._policy.longest):
                self._ingest.listed(window, listed)

    def _read_singles(self, request: RunRequest) -> None:
        """Read returns one by one. What Loop does not know, or fails to deliver, does not keep the
        others from being recorded."""
        rows, unknown = self._returns(request.return_ids)
        if unknown:
            one = len(unknown) == 1
            named = f"--return {' '.join(unknown)}: Loop knows no such return{'' if one else 's'}"
            self._not_known(named, "it" if one else "them")
        for name in request.order_names:
            rows += self._returns_on_order(name)
        self._ingest.singles(rows)

    def _returns(self, return_ids: Iterable[str]) -> tuple[list[Return | Malformed], list[str]]:
        """The rows of these returns, and the ids that Loop does not know."""
        rows: list[Return | Malformed] = []
        unknown: list[str] = []
        forgotten = self._ledger.forgotten.among(list(return_ids))
        if forgotten:
            self._say_forgotten("--return", len(forgotten))
        for return_id in return_ids:
            if return_id in forgotten:
                continue
            try:
                row = self._source.fetch(return_id)
            except SourceError as error:
                self.log.failures.append(error)
                continue
            if row is None:
                unknown.append(return_id)
            else:
                rows.append(row)
        return rows, unknown

    def _not_known(self, what: str, which: str) -> None:
        state = "a state that its list does not show"
        self.log.failures.append(ConfigError(f"{what}, or keeps {which} in {state}"))

    def _say_forgotten(self, option: str, count: int) -> None:
        """Without its id, which would be kept with the sentence."""
        which = "a return that was" if count == 1 else f"{count} returns that were"
        self.log.failures.append(
            ConfigError(
                f"{option} names {which} forgotten by `reconciler ledger forget`: nothing of"
                " it is read or kept",
            )
        )

    def _delivered(self, rows: Iterator[Return | Malformed]) -> list[Return | Malformed]:
        """The rows up to the first failure of Loop, which goes into the log."""
        found: list[Return | Malformed] = []
        try:
            for row in rows:
                found.append(row)
        except SourceError as error:
            self.log.failures.append(error)
        return found

    def _returns_on_order(self, name: str) -> list[Return | Malformed]:
        failures_before = len(self.log.failures)
        listed_rows = self._delivered(self._source.fetch_order(name))
        found, forgotten = self._ingest.without_forgotten(listed_rows)
        if forgotten:
            self._say_forgotten("--order", forgotten)
        listed = {row.id if isinstance(row, Return) else row.key for row in found}
        more, gone = self._returns(sorted(self._entries_on_order(name, found) - listed))
        found += more
        if gone:
            known = f"--order {name}: Loop no longer knows return {', '.join(gone)}"
            self._not_known(known, "it" if len(gone) == 1 else "them")
        elif not found and len(self.log.failures) == failures_before:
            self._not_known(f"--order {name}: Loop knows no return of this order", "it")
        return found

    def _entries_on_order(self, name: str, found: Iterable[Return | Malformed]) -> set[str]:
        """What the ledger knows on the order that has this name now, by older names too.

        Loop may name just one of its returns, and an entry may know the order by an older name.
        """
        orders: list[tuple[str | None, str]] = [(None, spelling) for spelling in variants(name)]
        orders += [(row.order_id, row.order_name) for row in found if isinstance(row, Return)]
        on_order = self._ledger.entries.on_order
        return {entry.id for order_id, called in orders for entry in on_order(order_id, called)}
