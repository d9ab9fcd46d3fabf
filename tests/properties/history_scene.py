"""The scene of a random history: the world, who watches it, and what is remembered."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

from reconciler.errors import Interrupted
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.orders import SandboxOrder
from reconciler.sandbox.sandbox import JETTI_TOKEN, Sandbox, SandboxOptions
from tests.properties.witness import ObservedJetti, Witness
from tests.support.in_process import URLS, Network
from tests.support.world import NOON, FrozenClock, World

VENDORS = ("Acme", "Bolt", None)
LAG = timedelta(seconds=120)
IN_TIME = LAG + timedelta(minutes=30)
"""Changes that Loop shows within that of their own time are found without a sweep."""
LIES = ("short_page", "filter_ignored", "parameters_dropped")
"""Answers of Loop that look well and leave rows out."""
DRY = "--dry-run"
KEYS = {"loop": "LOOP_API_KEY", "jetti": "JETTI_API_TOKEN"}
TYPED = frozenset({"--from", "--return", "--order"})
SPECIAL = TYPED | {DRY, "--sweep"}
"""Runs that never move the watermark."""
TROUBLED = ("failed", "review", "dead", "unknown", "in_flight")


SHOP = 20
"""Returns, after which no more come many at once: each costs time, and teaches nothing new."""


class WatchedClock(FrozenClock):
    """Knows whether a signal was noticed."""

    interrupted: int | None = None
    """The exit status that it must lead to."""

    def check(self) -> None:
        try:
            super().check()
        except Interrupted as error:
            self.interrupted = error.status
            raise


class Scene:
    """Everything that the steps of a history share."""

    def __init__(self, directory: Path) -> None:
        self.sandbox = Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True))
        self.sandbox.urls = URLS
        jetti = ObservedJetti(self.sandbox.clock, token=JETTI_TOKEN)
        self.sandbox.jetti = jetti
        self.network = Network(self.sandbox)
        self.world = World(self.sandbox, directory)
        self.watched = WatchedClock(self.sandbox)
        self.world.clock = self.watched
        self.world.connect = self._connect
        # As it is delivered: virtual time costs nothing.
        for name in [name for name in self.world.environ if "PER_" in name]:
            del self.world.environ[name]
        self.file = directory / "ledger.db"
        self.backup = directory / "backup"
        self.clock = self.sandbox.clock
        self.versions: dict[str, list[tuple[datetime, SandboxReturn]]] = {}
        self.witness = Witness(jetti, self.file, self.clock.now, self.versions)
        self.witness.creates_allowed = self._may_be_created
        jetti.witness = self.witness
        self.sandbox.on_write = self.witness.leaves
        self.network.before, self.network.after = self._before, self._after
        self.counts: Counter[str] = self.witness.counts
        self.struck: set[tuple[str, str]] = set()
        """Service and kind of the faults that have struck."""
        self.pairs: set[str] = set()
        """Kinds of faults and the operations that they have struck."""
        self.points: Counter[str] = Counter()
        self.told: list[str] = []
        self.causes: dict[str, set[str]] = {}
        """Why a return, or any on an order, may need a person: by return id or order id."""
        self.deleted: dict[str, set[str]] = {}
        """Lines of sale returns that staff deleted, by return."""
        self.go_live = NOON - timedelta(days=1)
        self.late: list[SandboxOrder] = []
        self.asked_for: set[str] = set()
        """Returns that a person named in a run, or whose range one named."""
        self.promised: set[str] = set()
        """Those of them that such a run has read, as far as this ledger knows."""
        self.lied = False
        self.lost_at: datetime | None = None
        self.saved: tuple[set[int], datetime, datetime | None, set[str]] | None = None
        self.read_at: datetime | None = None
        """Start of the last pass that read Loop completely, as this ledger knows it."""
        self.watermark: str | None = None
        self.digest: str | None = None
        self.mapped = False
        self.guard = 0
        self.remapped = False
        """Whether settings that say how returns are told were ever changed."""
        self.patience = timedelta(hours=24)
        self.held: tuple[str, ...] = ("review",)
        self.excluded: dict[str, str] = {}
        """The pattern that policy excludes now: by OUTCOMES, SKUS."""
        self.ignored: set[str] = set()
        """Returns that someone decided to leave alone, as this ledger knows it."""
        self.unselected: set[str] = set()
        """Returns that a run met while policy excluded them, or a line of theirs."""
        self.garbled: dict[str, set[str]] = {}
        """Returns whose row was ever hard to understand, and how."""
        self.vanished: set[str] = set()
        self.keys: dict[str, str] = {}
        """Keys that took the place of the first ones."""
        self._signal: tuple[int, int] | None = None
        self._asked_so_far = 0
        self._count, self._die_at, self._how = 0, 0, ""
        self._nested: Callable[[], None] | None = None
        self._kept: dict[str, bytes] = {}
        self._hits: Counter[tuple[str, str]] = Counter()

    def states(self) -> dict[str, tuple[str, str]]:
        """State and reason of each entry."""
        with self.witness.reading() as ledger:
            rows = ledger.execute("SELECT return_id, state, reason FROM entries").fetchall()
        return {return_id: (state, reason or "") for return_id, state, reason in rows}

    def _causes(self, return_id: str) -> set[str]:
        [*_, (_, row)] = self.versions[return_id]
        return self.causes.get(return_id, set()) | self.causes.get(
            str(row.provider_order_id), set()
        )

    def _cause(self, whose: str, cause: str) -> None:
        self.causes.setdefault(whose, set()).add(cause)

    def _cause_sale(self, sale_return: dict[str, Any], cause: str) -> None:
        sale = self.witness._row("Sale", sale_return["saleId"])
        self._cause(str(sale["externalId"]), cause)

    def _may_be_created(self, row: SandboxReturn) -> bool:
        return row.created_at >= self.go_live or row.id in self.asked_for

    def _named(self, options: Sequence[str]) -> set[str]:
        """Returns that a run with these options is asked for.

        Of an order all, whatever name each of them bears by now; which of them it comes to know
        of is told in `_found_on`.
        """
        told = dict(pairwise(options))
        orders = {
            row.provider_order_id for row in self._rows() if row.order_name == told.get("--order")
        }
        days = int(told.get("--from", "0d").rstrip("d"))
        since = min(self.clock.now(), self.world.clock.now()) - timedelta(days=days)

        def newest(row: SandboxReturn) -> datetime:
            # A range by the time of creation knows nothing of later changes.
            is_by_created = told.get("--by") == "created"
            return row.created_at if is_by_created else max(row.created_at, row.updated_at)

        return {
            row.id
            for row in self._rows()
            if row.id == told.get("--return")
            or row.provider_order_id in orders
            or ("--from" in told and newest(row) >= since)
        }

    @property
    def interrupted(self) -> int | None:
        """The exit status that a signal of the last run must lead to, if it was noticed."""
        return self.watched.interrupted

    def right_keys(self) -> dict[str, str]:
        """What both services accept now."""
        return self.sandbox.environment() | self.keys

    def wrong_keys(self) -> list[str]:
        """The names of those that the program has and that are refused."""
        right = self.right_keys()
        return [name for name in KEYS.values() if self.world.environ[name] != right[name]]

    def is_excluded(self, row: SandboxReturn) -> bool:
        """Whether policy lets it, or a line of it, not be created now."""
        outcomes, skus = self.excluded.get("OUTCOMES", ""), self.excluded.get("SKUS", "")
        return bool(
            (outcomes and fnmatchcase(row.outcome or "", outcomes))
            or (skus and any(fnmatchcase(line.sku or "", skus) for line in row.lines))
        )

    @staticmethod
    def is_garbled(row: dict[str, Any]) -> bool:
        """Whether a row as Loop shows it cannot be understood, or not all of it."""
        lines = row["line_items"]
        return (
            not isinstance(lines, list)
            or row["state"] is None
            or row["updated_at"] == "yesterday"
            or row["order_name"] is row["provider_order_id"] is None
            or any(line.get("provider_line_item_id") is None for line in lines)
        )

    def _rows(self) -> list[SandboxReturn]:
        return self.world.loop.returns()

    def _alive(self) -> list[SandboxReturn]:
        return [row for row in self._rows() if row.state not in ("cancelled", "expired")]

    def _order_of(self, row: SandboxReturn) -> SandboxOrder:
        [order] = [one for one in self.world.orders if one.order_id == row.provider_order_id]
        return order

    def _sale_of(self, row: SandboxReturn) -> int | None:
        sales = [
            sale["id"]
            for sale in self.world.jetti.sales()
            if sale["externalId"] == row.provider_order_id
        ]
        return sales[0] if sales else None

    def _sale_return(self, row_id: int) -> dict[str, Any]:
        return self.witness._row("SaleReturn", row_id)

    def _live_sale_returns(self) -> list[dict[str, Any]]:
        return [row for row in self.world.jetti.sale_returns() if row["status"] != "cancelled"]

    def _owner_of_item(self, item_id: int) -> int | None:
        item = self.witness._table("SaleReturnItem").get(item_id)
        return item and item["saleReturnId"]

    def _known_sale_returns(self) -> set[int]:
        with self.witness.reading() as ledger:
            return {row_id for (row_id,) in ledger.execute("SELECT id FROM sale_returns")}

    def _fingerprint(self) -> bytes:
        digest = hashlib.sha256()
        for file in sorted(self.file.parent.iterdir()):
            digest.update(file.name.encode() + file.read_bytes())
        return digest.digest()

    @staticmethod
    def _pick(rows: Sequence[Any], place: int) -> Any:
        """By place, from the newest: what has just happened is what most goes wrong."""
        return rows[-1 - place % len(rows)] if rows else None
