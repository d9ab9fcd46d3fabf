"""A random history: what may happen in Loop, in Jetti and to the program, one step at a time.

A step never fails because it makes no sense at its moment: it picks what is there, by place, or
does nothing. So any sequence of steps is a history, and a found one can be shortened.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox.faults.registry import Fault
from tests.properties.history_decisions import Decisions
from tests.support.world import NOON


class History(Decisions):
    """All steps; those that make the machine and the services suffer are told here."""

    def begins(
        self,
        loop: dict[str, Any],
        jetti: dict[str, Any],
        page_size: int = 750,
        old: int = 0,
        guard: int = 25,
    ) -> None:
        """The world is as it is, and the program goes live in it."""
        for name, value in loop.items():
            setattr(self.sandbox.loop.switches, name, value)
        for name, value in jetti.items():
            setattr(self.sandbox.jetti.switches, name, value)
        self.guard = guard
        self.world.environ |= {
            "RECONCILER_LOOP__PAGE_SIZE": str(page_size),
            "RECONCILER_GUARD__CREATES": str(guard),
            "RECONCILER_GUARD__UPDATES": str(guard),
        }
        for _ in range(old):
            order = self.world.order(("Acme", 2))
            self._submitted(order, (1,), NOON - timedelta(days=2))
        self.world.go_live("1d")
        self._look()

    # ------------------------------------------------------------------- the machine and faults

    def passes(self, seconds: float) -> None:
        """Time passes."""
        self.sandbox.advance(seconds)

    def sets_clock(self, ahead: float) -> None:
        """The program's clock is wrong, or right again; what is in the air has landed before."""
        self.sandbox.advance(200)
        self.world.clock.ahead = ahead
        self.witness.clock_was_set()
        self.oracle.roughened()

    def breaks(
        self, service: Any, kind: str, operation: str, nth: int | None, parameters: dict[str, Any]
    ) -> None:
        """Something goes wrong with one call to come, or until healed."""
        self.sandbox.faults.add(Fault(service, kind, operation, nth=nth, parameters=parameters))

    def heals(self) -> None:
        """Both services are well again."""
        self._count_hits()
        self.sandbox.faults.clear()
        self._hits.clear()

    def loses_key(self, name: str) -> None:
        """A key is revoked."""
        self.world.environ[name] = "revoked"

    def finds_keys(self) -> None:
        """Both keys are right again."""
        self.world.environ |= self.right_keys()

    def maps(self) -> None:
        """From now on goods at the door count as received."""
        self.mapped = True
        self.oracle.settings_changed()
        for state in ("OPEN", "CLOSED"):
            self.world.environ[f"RECONCILER_MAPPING__STATUS__{state}__DELIVERED"] = "received"

    def backs_up(self) -> None:
        """The ledger is copied as it should be."""
        with (
            closing(sqlite3.connect(self.file)) as source,
            closing(sqlite3.connect(self.backup)) as target,
        ):
            source.backup(target)
        known = self._known_sale_returns()
        self.saved = (known, self.clock.now(), self.read_at, set(self.ignored))

    def restores(self) -> None:
        """An older ledger is put back; the program rests until everything has settled."""
        if self.saved is None:
            return
        known, at, self.read_at, ignored = self.saved
        self.ignored = set(ignored)
        for stale in self.file.parent.glob("ledger.db-*"):
            stale.unlink()
        shutil.copyfile(self.backup, self.file)
        for key in self.witness.theirs:
            owner = key[1] if key[0] == "sale-returns" else self._owner_of_item(key[1])
            if owner not in known and key[2] != "notes":
                self.witness.forgotten.add(key)
        for key, written in self.witness.ours.items():
            if written[-1][0] > at:
                self.witness.forgotten.add(key)
        self._forget(at)
        self.oracle.forgets()
        self._look()

    def loses(self) -> None:
        """The ledger is gone; a new one takes over what Jetti has."""
        self.heals()
        self.finds_keys()
        self.sets_clock(0.0)
        for file in self.file.parent.glob("ledger.db*"):
            file.unlink()
        self.read_at = None
        self.ignored = set()
        self.witness.forgets_people()
        self._forget(self.clock.now())
        since = f"{self.go_live:%Y-%m-%dT%H:%M:%SZ}"
        self.oracle.forgets()
        ran = self._call("init", "--since", since, "--adopt")
        assert ran.code in (0, 3), ran.stderr
        self._look()

    def adopts(self) -> None:
        """A person lets a ledger that knows too little take over what Jetti has."""
        ran = self._adopts()
        assert ran.code in (0, 3), ran.stderr

    def _forget(self, at: datetime) -> None:
        for row in self.world.jetti.sale_returns():
            if row["externalId"] is None and row["id"] not in self.witness.raised:
                # Made a moment ago: that it was made for a return stood in the ledger alone.
                self._cause_sale(row, "unmarked when the ledger was lost")
        self.lost_at = at
        for return_id in self.versions:
            self._cause(return_id, "restored")
        self.promised.clear()
        self.watermark = None
        self.digest = None
        self.sets_clock(0.0)
        self.counts["ledgers lost or restored"] += 1
