"""One scenario run again and again: each time something happens at another point, and in the end
the world must be as if nothing had.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.crashes.crash_scenarios import Scenario, later_schema
from tests.crashes.mortal_world import Death, Life, MortalWorld
from tests.crashes.world_state import state_of
from tests.support.agreement import assert_agreement

LOOKS_AGAIN = 4
"""In the short form every so many times one more run is made, which must write nothing."""
LATER = timedelta(hours=2)
"""After the death; far more than `jetti.settle`, and than any first retry waits."""

NEVER_CHANGED = ("attempts", "windows")
"""Tables whose rows stay as they were once written."""


class Course:
    """A scenario in its world."""

    def __init__(
        self, scenario: Scenario, world: MortalWorld, *, long: bool = False, judged: bool = True
    ) -> None:
        """Not `judged`: only the points of an uninterrupted run are asked for."""
        self.scenario = scenario
        self.world = world
        self._long = long
        self.look_as_at_first()
        self._left: Collection[str] = scenario.prepare(world) or ()
        self._schema = str(later_schema(world.place)) if scenario.migrates else None
        self._start = world.keep()
        self._again = scenario.silent or scenario.arguments
        life = self.begin()
        self.points = life.points
        """Every hit of an uninterrupted run, in order."""
        self.code, self.seconds = life.code, life.seconds
        """How it ends, and how long it takes by the machine's clock."""
        self._expected = {0: self._put_right()} if judged else {}

    def look_as_at_first(self) -> None:
        """Whichever runs were looked at before: the next one is, and then every so many."""
        self._looks = count(0, 0 if self._long else 1)

    # --------------------------------------------------------------------------- in a new world

    def begin(self, death: Death | None = None, **more: Any) -> Life:
        """The run, in the world as it was."""
        self.world.put_back(self._start)
        self._break((*self.scenario.passing, *self.scenario.lasting(self.world)))
        return self._run(death=death, **more)

    def ends_as_if_nothing_had_happened(self, hours: int = 0) -> None:
        """After settle one more run leads to the state of an uninterrupted one (P1), and yet
        another writes nothing. No write has left before the ledger on the disk told of it (P5).
        """
        found, unannounced = self._put_right(hours), list(self.world.unannounced)
        if hours not in self._expected:
            self.begin()
            self._expected[hours] = self._put_right(hours)
        for what, expected in self._expected[hours].items():
            assert found[what] == expected, (what, found[what], expected)
        assert unannounced == []

    def dies(self, *deaths: Death) -> None:
        """A run, and further ones, each of which ends at the given hit, if it gets that far."""
        for number, death in enumerate(deaths):
            life = self.begin(death) if number == 0 else self._later(number, death)
            if len(life.points) < death.at:
                return
            assert life.code == -9, (life.code, life.stderr)
            self._assert_whole_report()

    def _later(self, number: int, death: Death) -> Life:
        self._heal(number * LATER / 2)
        return self._run(death=death)

    def _put_right(self, hours: int = 0) -> dict[str, Any]:
        self._heal(LATER + timedelta(hours=hours))
        life = self._run()
        assert life.code == self.scenario.code, life.stderr
        state = state_of(self.world)
        if self.scenario.migrates:
            assert_migrated(self.world.directory / "ledger.db", self._start.files["ledger.db"])
        assert_agreement(self.world, but=self._left)
        self._assert_whole_report()
        if next(self._looks) % LOOKS_AGAIN == 0:
            self._assert_silent()
        return state

    def _assert_silent(self) -> None:
        """One more run writes nothing and changes nothing."""
        self.world.pass_time()
        before, writes = state_of(self.world)["jetti"], len(self.world.writes())
        life = self.world.lives(*self._again, schema=self._schema, **self.scenario.environ)
        assert life.code == self.scenario.code, life.stderr
        assert (state_of(self.world)["jetti"], len(self.world.writes())) == (before, writes)

    # ---------------------------------------------------------------------------------- parts

    def _run(self, **more: Any) -> Life:
        return self.world.lives(
            *self.scenario.arguments, schema=self._schema, **more, **self.scenario.environ
        )

    def _heal(self, later: timedelta) -> None:
        self.world.heals()
        self._break(self.scenario.lasting(self.world))
        self.scenario.meanwhile(self.world)
        until = self._start.instant + later
        self.world.pass_time(seconds=(until - self.world.clock.now()).total_seconds())

    def _break(self, faults: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        for operation, kind, parameters in faults:
            self.world.breaks(operation, kind, **parameters)

    def _assert_whole_report(self) -> None:
        """Whoever reads the report sees a whole one or none."""
        report = self.world.directory / "report.json"
        if report.exists():
            assert json.loads(report.read_text())["run"]["kind"] == "scheduled"


def assert_migrated(ledger: Path, before: bytes) -> None:
    """It is the later version's, and no row is missing of those that were in it before."""
    with closing(sqlite3.connect(":memory:")) as old, closing(sqlite3.connect(ledger)) as new:
        old.deserialize(before)
        assert _version(old) == ("0009", 9)
        assert _version(new) == ("0010", 10)
        tables = old.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if table not in ("alembic_version", "sqlite_sequence"):
                assert _keys(old, table) <= _keys(new, table), table
        for table in NEVER_CHANGED:
            rows = f"SELECT * FROM {table}"
            assert {*old.execute(rows)} <= {*new.execute(rows)}, table
        assert {*new.execute("SELECT priority FROM entries")} == {(5,)}


def _version(ledger: sqlite3.Connection) -> tuple[str, int]:
    (number,) = ledger.execute("PRAGMA user_version").fetchone()
    return ledger.execute("SELECT version_num FROM alembic_version").fetchone()[0], number


def _keys(ledger: sqlite3.Connection, table: str) -> set[tuple[Any, ...]]:
    columns = ledger.execute("SELECT name FROM pragma_table_info(?) WHERE pk", (table,)).fetchall()
    return {*ledger.execute(f"SELECT {', '.join(name for (name,) in columns)} FROM {table}")}


def writes_of(points: Sequence[str]) -> list[tuple[int, int]]:
    """Of each write that left: the hits, counted from 1, of its intent and of its first byte."""
    begins = ["INTENT_COMMITTING", "INTENT_COMMITTED", "PART_SENT"]
    places = range(1, len(points) + 1)
    return [(at, at + 2) for at in places if list(points[at - 1 : at + 2]) == begins]


def chosen(points: Sequence[str], *, one: bool) -> list[int]:
    """The first and the last hit of each point, counted from 1; or the last one alone."""
    first = {name: len(points) - at for at, name in enumerate(reversed(points))}
    last = {name: at for at, name in enumerate(points, start=1)}
    edges = {*last.values()} if one else {*first.values(), *last.values()}
    return sorted(edges)
