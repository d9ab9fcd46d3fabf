"""The program within a history: run, killed, two at once."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from reconciler import failpoints
from reconciler.clock import Clock
from reconciler.http import connect
from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.loop.model import LISTED_STATES
from reconciler.sandbox.messages import Request
from tests.properties.history_promises import Promises
from tests.properties.history_scene import DRY, LAG, LIES, SPECIAL
from tests.properties.report_oracle import ReportOracle
from tests.support.world import Ran


class Death(BaseException):
    """The process is gone."""


class Program(Promises):
    """Steps that run it, over a network that can kill it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.oracle = ReportOracle(self)
        self.last_status: Ran | None = None
        self.digests: list[str] = []
        """Of plans that were stopped, oldest first."""
        self.stopped_range: tuple[str, ...] = ()
        """The options of the range that was stopped last, where nothing else was since."""

    def runs(self, *options: str) -> Ran:
        """The program runs; every promise about a run is looked at."""
        dry = DRY in options
        before = self._fingerprint() if dry else b""
        began, watermark = self.clock.now(), self.watermark
        arrived = len(self.sandbox.request_log.all())
        self.witness.begins_run()
        named = set() if dry else self._named(options)
        asked_before, known = set(self.asked_for), self._known_names()
        # What it was asked for is committed early: it holds even if this run is killed.
        if "--from" not in options or {"--yes", "--accept-plan"} & {*options}:
            self.asked_for |= named
        self._meet_excluded()
        self.oracle.begins(options)
        ran = self._call("run", *options, "--format", "json")
        if "--order" in options:
            named = self._found_on(dict(pairwise(options))["--order"], named, known)
            self.asked_for = asked_before | named
        self.counts["runs"] += 1
        strikes = self._count_hits()
        arrivals = self.sandbox.request_log.all()[arrived:]
        if dry:
            assert self._fingerprint() == before, "a dry run changed the ledger"
            written = sum(one.method != "GET" for one in arrivals)
            self.counts.update({"dry runs": 1, "writes of dry runs": written})
            assert not written, "a dry run wrote"
        self._is_honest(ran, options, strikes)
        if ran.code != 7:
            self.asked_for |= named
        elif "--yes" not in options:
            self.asked_for = asked_before
        self.oracle.ran(ran, strikes)
        if ran.code == 0 and not self.world.clock.ahead and not strikes:
            self.promised |= {one for one in named if self._has_stood_for(one, LAG)}
        if ran.code == 7 and ran.report:
            self.digest = ran.report["run"]["digest"]
            self.digests.append(str(self.digest))
            self.stopped_range = options if "--from" in options else ()
        drained = bool(ran.report) and all(w["drained"] for w in ran.report["run"]["windows"])
        if any(kind in LIES for service, kind, _ in strikes if service == "loop"):
            self.lied = True
        elif options == ("--sweep", "120d") and drained and ran.code in (0, 3, 5):
            self.lied = False
        self._look()
        if not SPECIAL & {*options}:
            if drained and self.watermark != watermark:
                self.read_at = began
        else:
            assert self.watermark == watermark, "moved by a run that may not"
        self._asks_status()
        return ran

    def _known_names(self) -> dict[str, str]:
        """The returns in the ledger, with the name that each one's order bore there."""
        with self.witness.reading() as ledger:
            return dict(ledger.execute("SELECT return_id, order_name FROM entries"))

    def _found_on(self, name: str, named: set[str], known: dict[str, str]) -> set[str]:
        """Those that a run for an order which has just ended can know of: what Loop's details
        told it, and what the ledger knew on the order before, by its name or by its id.

        Loop's list cannot be asked by order, and details may name one return of several. So one
        from before go-live that no pass has read stays unknown, and nothing is promised of it.
        """
        assert self.oracle.now is not None
        found = self.oracle.now.found
        rows = [row for row in self._rows() if row.id in named]
        orders = {row.provider_order_id for row in rows if row.id in found and not row.extra}
        return {
            row.id
            for row in rows
            if row.id in found
            or known.get(row.id) == name
            or (row.id in known and row.provider_order_id in orders)
        }

    def _meet_excluded(self) -> None:
        self.unselected |= {row.id for row in self._rows() if self.is_excluded(row)}

    def _asks_status(self) -> None:
        """After each step that ran the program."""
        ran = self.world.call("status", "--format", "json")
        if ran.stdout:
            ran.report = json.loads(ran.stdout)
        self.oracle.status(ran)
        self.last_status = ran

    def _has_stood_for(self, return_id: str, span: timedelta) -> bool:
        """Whether Loop has shown a return as it is for that long, and can be understood."""
        row = self.versions[return_id][-1][1]
        if row.state not in LISTED_STATES or row.extra:
            return False
        shown = span + timedelta(seconds=self.sandbox.loop.switches.visible_after)
        return self.versions[return_id][-1][1].updated_at <= self.clock.now() - shown

    def named(self, one: int, by: str) -> Ran | None:
        """A run for one return, or for its order."""
        row = self._pick(self._rows(), one)
        if row is None:
            return None
        return self.runs(f"--{by}", row.id if by == "return" else row.order_name)

    def accepts(self) -> Ran | None:
        """A person has looked at the plan that was stopped, and accepts it."""
        digest, self.digest = self.digest, None
        options, self.stopped_range = self.stopped_range, ()
        return self.runs(*options, "--accept-plan", digest) if digest else None

    def dies(self, how: str, nth: int, *options: str) -> None:
        """A run is killed: before or after its nth request took effect, or at its nth point."""
        self._how, self._die_at = how, nth
        try:
            self.runs(*options)
        except Death:
            self._buried()
        finally:
            self._how = ""

    def together(self, nth: int, *options: str) -> None:
        """During a run, at its nth request, others start: one is turned away, two just look."""
        self._nested, self._die_at = self._others, nth
        try:
            self.runs(*options)
        finally:
            self._nested = None

    def _others(self) -> None:
        before, hearing = self._fingerprint(), self.oracle.now
        self.oracle.now = None  # what others hear is nothing to the run
        arrived = len(self.sandbox.request_log.all())
        assert self.world.call("run").code == 75
        assert len(self.sandbox.request_log.all()) == arrived, "a run without the lock asked"
        assert self.world.call("status").code in (0, 3)
        assert self.world.call("run", DRY).code in (0, 3, 4, 6, 7)
        if (row := self._pick(self._rows(), 0)) is not None:
            decided = self.world.call("ignore", row.id, "--reason", "x", "--yes", "--wait", "0s")
            assert decided.code in ((0,) if row.id in self.ignored else (2, 75)), decided.stderr
        assert self._fingerprint() == before, "others changed the ledger"
        self.oracle.now = hearing
        self.counts["runs at once"] += 1

    def _call(self, *arguments: str) -> Ran:
        self._count, self._asked_so_far = 0, 0
        self.watched.interrupted = None
        try:
            with failpoints.watched(self._reached):
                ran = self.world.call(*arguments)
        finally:
            self.watched.stop_with = None
        if self.network.broken_promise is not None:
            raise self.network.broken_promise
        if ran.stdout and "json" in arguments:
            ran.report = json.loads(ran.stdout)
        self.told.append(f"{' '.join(arguments)}: {ran.code}")
        return ran

    # ----------------------------------------------------------------------------- the network

    def _connect(self, endpoint: Any, clock: Clock) -> Any:
        return connect(endpoint, clock, rng=random.Random(1), network=self.network)

    def _before(self, service: str, request: Request) -> None:
        if self._nested is not None:
            self._count += 1
            if self._count == self._die_at:
                nested, self._nested = self._nested, None
                nested()
        self._die_here("before")
        self._asked_so_far += 1
        if self._signal is not None and self._asked_so_far == self._signal[0]:
            self.watched.stop_with = self._signal[1]
        if service == "jetti":
            self.witness.arrives(request)
        else:
            self.witness.arrives_at_loop()

    def _after(self, service: str, request: Request, delivery: Delivery) -> None:
        self._die_here("after")
        self.oracle.hears(service, request, delivery)
        if service == "jetti":
            self.witness.answered(request, delivery)
            if delivery.response is not None and delivery.response.status == 429:
                struck = self.sandbox.request_log.all()[-1].fault
                assert struck is not None, "Jetti had to slow us down"

    def _reached(self, point: failpoints.Failpoint) -> None:
        self.points[point.value] += 1
        self._die_here("point", point.value)

    def _die_here(self, how: str, where: str = "") -> None:
        if self._how != how:
            return
        self._count += 1
        if self._count == self._die_at:
            self._kept = {f.name: f.read_bytes() for f in self.file.parent.glob("ledger.db*")}
            self.network.is_down = True
            self._how = ""
            self.counts["crashes"] += 1
            self.counts[f"crashes: {where or how + ' a request'}"] += 1
            raise Death

    def _buried(self) -> None:
        """What the dying run still did to its files did not happen."""
        self.network.is_down = False
        for file in self.file.parent.glob("ledger.db*"):
            if file.name not in self._kept:
                file.unlink()
        for name, content in self._kept.items():
            (self.file.parent / name).write_bytes(content)
        self._count_hits()
        self.lied = self.lied or any(kind in LIES for _, kind in self.struck)
        self._recovered()
        self.witness.died()
        self.oracle.died()
        self._look()
        self._asks_status()

    def _recovered(self) -> None:
        """Roll a half commit back, as whoever opens the file next does."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("SELECT count(*) FROM meta").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
