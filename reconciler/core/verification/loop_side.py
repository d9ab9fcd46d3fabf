"""Loop compared with the ledger, page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum, auto

from msgspec import Struct, msgpack

from reconciler.core import fingerprint
from reconciler.core.model import Return, State, malformed_part
from reconciler.core.records import Page, StoredVersion
from reconciler.core.states import OPEN

_unpack = msgpack.Decoder(Return).decode


class LoopVerdict(Enum):
    """What a row of Loop is to the ledger."""

    SAME = auto()
    """Recorded like this, or newer."""
    BEFORE_GO_LIVE = auto()
    """Not recorded, and no pass had a reason to read it."""
    UNREAD = auto()
    """The next pass reads it, or a pass has recorded it meanwhile."""
    IN_WORK = auto()
    """Newer than recorded, but passes have still to do something about the return in any case."""
    IGNORED = auto()
    MISSING = auto()
    NEWER = auto()


_SHOWN = frozenset({LoopVerdict.UNREAD, LoopVerdict.MISSING, LoopVerdict.NEWER})
"""Of which the row is kept."""


class ReadSoFar(Struct, frozen=True):
    """How far passes have read, as of before the ledger was asked for the rows of a page."""

    go_live: datetime
    reread_from: datetime
    """The next pass reads what changed since then: the watermark without the overlap."""


class LoopComparison:
    """Takes the pages of a range. Of rows that repeat the newest counts, then the last read.

    A pass may go on beside it. Therefore what the ledger knew before anything was read is compared
    as well: of a return that was recorded since, nobody can tell which of both is newer.
    """

    def __init__(self, before: Mapping[str, StoredVersion]) -> None:
        """`before`: what the ledger knew of each return of the range."""
        self._before = before
        self._latest: dict[str, datetime] = {}
        self._verdicts: dict[str, LoopVerdict] = {}
        self._stored: dict[str, StoredVersion | None] = {}
        """What the ledger had of each when its row was judged."""
        self._rows: dict[str, bytes] = {}
        """Packed, of the returns that are not the same: a lost ledger lacks all of them."""
        self.shops: Counter[str] = Counter()
        """How many rows name each shop."""
        self.malformed: dict[str, str] = {}
        """What is wrong with each row that is not understood, wholly or in part, by its key."""
        self._unclear: set[str] = set()
        """Ids of the returns among these."""

    def __len__(self) -> int:
        return len(self._latest)

    def add(self, page: Page, known: Mapping[str, StoredVersion], so_far: ReadSoFar) -> None:
        """Compare a page; `known` is what the ledger has of its rows now."""
        for aside in page.malformed:
            self.malformed[aside.key] = aside.problem
            if aside.return_id is not None:
                self._unclear.add(aside.return_id)
        for row in page.returns:
            if row.updated_at >= self._latest.get(row.id, row.updated_at):
                self._take(row, known.get(row.id), so_far)

    def _take(self, row: Return, stored: StoredVersion | None, so_far: ReadSoFar) -> None:
        self._latest[row.id] = row.updated_at
        self._rows.pop(row.id, None)
        self.malformed.pop(row.id, None)
        if (part := malformed_part(row)) is not None:
            self.malformed[part.key] = part.problem
        if row.shop is not None:
            self.shops[row.shop] += 1
        verdict = self._verdicts[row.id] = self._judge(row, stored, so_far)
        self._stored.pop(row.id, None)
        if verdict in _SHOWN:
            self._rows[row.id] = msgpack.encode(row)
            self._stored[row.id] = stored

    def _judge(self, row: Return, stored: StoredVersion | None, so_far: ReadSoFar) -> LoopVerdict:
        # safeguard: verify-knows-what-the-next-pass-reads
        is_to_be_read = row.updated_at >= so_far.reread_from
        if stored is None:
            if row.created_at < so_far.go_live and row.updated_at < so_far.go_live:
                return LoopVerdict.BEFORE_GO_LIVE
            return LoopVerdict.UNREAD if is_to_be_read else LoopVerdict.MISSING
        if stored.state is State.IGNORED:
            return LoopVerdict.IGNORED
        if row.updated_at < stored.updated_at or fingerprint.content(row) == stored.content:
            return LoopVerdict.SAME
        # safeguard: verify-beside-a-pass-that-records
        if is_to_be_read or self._before.get(row.id) != stored:
            return LoopVerdict.UNREAD
        return LoopVerdict.IN_WORK if stored.state in OPEN else LoopVerdict.NEWER

    def ids(self, verdict: LoopVerdict) -> list[str]:
        """The returns of which that is so, in order of id."""
        return sorted(id_ for id_, found in self._verdicts.items() if found is verdict)

    def rows(self, verdict: LoopVerdict) -> Iterator[Return]:
        """The same, as Loop shows them: of what is unread, missing or newer."""
        return (_unpack(self._rows[id_]) for id_ in self.ids(verdict))

    def stored(self, return_id: str) -> StoredVersion | None:
        """What the ledger had of a return that is unread, missing or newer when it was judged."""
        return self._stored[return_id]

    def has(self, return_id: str) -> bool:
        """Whether a page has shown it."""
        return return_id in self._latest or return_id in self._unclear

    @property
    def lists_nothing_known(self) -> bool:
        """Whether no page has shown anything that the ledger knew."""
        return not self._before.keys() & (self._latest.keys() | self._unclear)

    @property
    def not_listed(self) -> list[str]:
        """What the ledger knew and no page has shown, in order of id."""
        return sorted(self._before.keys() - self._latest.keys() - self._unclear)
