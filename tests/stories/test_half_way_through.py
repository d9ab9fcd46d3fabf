"""Long readings that are cut off, ledgers that a stranger holds, ages that status tells of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.failpoints import Failpoint, watched
from reconciler.sandbox.faults.registry import Fault
from tests.support.agreement import heal_and_agree
from tests.support.figures import Figures
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.world import World, a_world

# ------------------------------------------------------------------ a long backlog, killed (F42)


@pytest.fixture
def real(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


@pytest.mark.covers("F42")
def test_a_long_reading_that_is_killed_goes_on_from_the_last_whole_window(
    real: RealWorld, long: bool
) -> None:
    count = 5000 if long else 200
    order = real.order(("Acme", 1))
    now = datetime.now(UTC)
    for number in range(count):
        real.submit(order, at=now - timedelta(days=148 * (count - number) / count, hours=1))
    assert real.does("init", "--since", "149d") == 0
    paging = {"RECONCILER_LOOP__PAGE_SIZE": str(count // 20)}
    quiet = {"RECONCILER_GUARD__CREATES": "100000"}
    # Five windows of five states each: in the middle of the third everything comes to a halt.
    real.breaks("list.first", "delay", service="loop", nth=11, seconds=20.0)
    process = real.start("run", "--max-writes", "0", **paging, **quiet)
    real.until(lambda: real.sandbox.faults.active()[0].hits)
    real.until(lambda: any(one.fault for one in real.sandbox.request_log.all()))
    # The third was asked for before the second was recorded.
    real.until(lambda: now - real.watermark() < timedelta(days=100))
    process.kill()
    real.end(process)
    real.heals()
    reached = real.watermark()
    assert timedelta(days=80) < now - reached < timedelta(days=100), "two windows of thirty days"
    before = len(real.sandbox.request_log.all())

    code = real.does("run", "--max-writes", "0", **paging, **quiet)

    earliest = min(
        one.query.partition("from=")[2][:10]
        for one in list(real.sandbox.request_log.all())[before:]
        if one.service == "loop"
    )
    assert code == 0
    assert earliest >= f"{reached - timedelta(hours=1):%Y-%m-%d}", "what was read stays read"
    assert {real.state(row.id) for row in real.loop.returns()[:: count // 20]} == {"pending"}
    assert now - real.watermark() < timedelta(minutes=5)


@pytest.mark.covers("F20", "F22")
@pytest.mark.parametrize(
    ("kind", "parameters"), [("429", {"retry_after": "ten_years"}), ("503", {})], ids=["429", "503"]
)
def test_a_reading_that_loop_breaks_off_keeps_the_windows_that_were_whole(
    world: World, kind: str, parameters: dict[str, str]
) -> None:
    world.go_live("89d")
    now = world.clock.now()
    early = world.submit(world.order(("Acme", 1)), at=now - timedelta(days=70))
    late = world.submit(world.order(("Acme", 1)), at=now - timedelta(days=10))
    # Five states a window: the sixth first page is the second window's.
    world.sandbox.faults.add(Fault("loop", kind, "list.first", first=6, parameters=parameters))

    ran = world.run()

    windows = ran.report["run"]["windows"]
    drained = [window["drained"] for window in windows]
    assert (ran.code, drained) == (4, [True, False]), "later windows are not tried"
    assert world.watermark() == datetime.fromisoformat(windows[0]["to"])
    assert (len(world.in_jetti(early)), world.in_jetti(late)) == (1, [])
    heal_and_agree(world)


# ------------------------------------------------------- a stranger at every commit point (F86)

IMPATIENT = 0.05


class Stranger:
    """Somebody's database browser, which opens the ledger at the n-th point and stays."""

    def __init__(self, file: Path, begin: str, at: int) -> None:
        self._file, self._begin, self._at = file, begin, at
        self._connection: sqlite3.Connection | None = None
        self.met = 0

    def reached(self, point: Failpoint) -> None:
        self.met += 1
        if self.met == self._at:
            self._connection = sqlite3.connect(self._file, isolation_level=None, timeout=0)
            # Inside a transaction of ours it is the stranger who is turned away.
            with suppress(sqlite3.OperationalError):
                self._connection.execute(self._begin)
                self._connection.execute("SELECT * FROM meta").fetchall()

    def leaves(self) -> None:
        if self._connection is not None:
            self._connection.close()


def a_day(world: World) -> None:
    """A return of two vendors and one that was cancelled after it was pushed."""
    world.go_live()
    cancelled = world.returned()
    world.pass_time()
    assert world.run().code == 0
    world.loop.set_state(cancelled, "cancelled")
    world.loop.label(world.returned(("Acme", 1), ("Bolt", 2)), status="in_transit")
    world.pass_time()


def points_of(directory: Path) -> int:
    directory.mkdir()
    with a_world(directory) as world:
        a_day(world)
        nobody = Stranger(world.directory / "ledger.db", "BEGIN", 0)
        with watched(nobody.reached):
            assert world.run().code == 0
    return nobody.met


@pytest.mark.covers("F86")
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_a_stranger_in_the_ledger_at_any_point_stops_the_run_and_costs_no_duplicate(
    directory: Path, begin: str, long: bool, figures: Figures
) -> None:
    points = points_of(directory / "count")
    codes = set()
    for at in range(1, points + 1, 1 if long else points // 6):
        figures.add("strangers", "runs with a stranger in the ledger")
        place = directory / str(at)
        place.mkdir()
        with a_world(place) as world:
            a_day(world)
            world.busy_seconds = IMPATIENT
            stranger = Stranger(place / "ledger.db", begin, at)
            with watched(stranger.reached):
                codes.add(world.run().code)
            sent = len(world.writes())
            codes.add(world.run().code)
            assert len(world.writes()) == sent, f"point {at}: nothing is written while he stays"
            stranger.leaves()
            heal_and_agree(world)
            assert len(world.jetti.sale_returns()) == 3

    assert points > 10
    assert codes <= {0, 8}
    assert 8 in codes


# -------------------------------------------------------------------------- silence shows (P15)


@pytest.mark.covers("P15")
def test_status_tells_when_passes_have_stopped_or_none_was_whole(world: World) -> None:
    world.go_live()
    assert world.call("status", "--max-age", "45m").code == 3, "none was ever complete"
    world.pass_time()
    assert world.run().code == 0
    assert world.call("status", "--max-age", "45m").code == 0
    world.pass_time(minutes=46)
    assert world.call("status", "--max-age", "45m").code == 3, "nobody ran it"
    world.breaks("*", "503", service="loop")
    for _ in range(3):
        assert world.run().code == 4
    assert world.call("status", "--max-age", "45m").code == 3, "it ran, but read nothing"
    world.heals()
    assert world.run().code == 0
    assert world.call("status", "--max-age", "45m").code == 0


# ------------------------------------------------------------------------- the same again (P19)


def a_whole_day(directory: Path) -> list[str]:
    """Everything that was told in a day of a generated shop."""
    directory.mkdir()
    told = []
    with a_world(directory, returns=12, seed=5, alive=True) as world:
        world.environ |= {"RECONCILER_GUARD__CREATES": "1000"}
        world.go_live("30d")
        for options in (("--dry-run",), (), ("--sweep", "30d"), ()):
            world.pass_time(hours=6)
            ran = world.call("run", *options, "--format", "json")
            told += [str(ran.code), ran.stdout]
            told.append(str([one.operation for one in world.sandbox.request_log.all()]))
    return told


@pytest.mark.covers("P19")
def test_the_same_world_and_seed_tell_the_same_byte_for_byte(directory: Path) -> None:
    first, second = a_whole_day(directory / "first"), a_whole_day(directory / "second")

    assert first == second
    assert '"pushed"' in first[4]
