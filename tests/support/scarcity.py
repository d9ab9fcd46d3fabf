"""Days of a shop that has more to push than Jetti takes: a large backlog, and what customers do
meanwhile. The program is the whole of it; only the clock is the sandbox's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler import app, config
from reconciler.cli.run_options import request
from reconciler.core.report import BacklogLeft, Report
from reconciler.runtime import Runtime
from tests.support.world import FrozenClock, World, a_world


@dataclass(frozen=True)
class Scarcity:
    """What wants of Jetti, which takes one write a second, and when."""

    backlog: int
    """Returns that are there at the start."""
    interval: float
    """Seconds from the start of one pass to that of the next."""
    fresh_every: float
    """Seconds between two fresh returns, on average."""
    seed: int = 11


@dataclass
class Lived:
    """What came of it."""

    began: datetime
    done: datetime
    """When nothing of the backlog was left."""
    order: list[str] = field(default_factory=list)
    """The backlog's returns in the order in which they were created in Jetti."""
    told: list[BacklogLeft] = field(default_factory=list)
    """What each pass that left something told of that."""
    delays: list[float] = field(default_factory=list)
    """Seconds from a customer's return to its sale return in Jetti, the shortest first."""

    @property
    def lasted(self) -> timedelta:
        return self.done - self.began

    def delay(self, share: float) -> float:
        """The delay within which this share of the fresh returns were created."""
        return self.delays[min(len(self.delays) - 1, int(share * len(self.delays)))]

    def truths(self) -> Iterator[tuple[BacklogLeft, float]]:
        """Each estimate, and the seconds that it really took."""
        for left in self.told:
            yield left, (self.done - left.at).total_seconds()


class BusyClock(FrozenClock):
    """While the program waits, customers send things back."""

    def __init__(self, world: World, times: list[datetime]) -> None:
        super().__init__(world.sandbox)
        self._world = world
        self._times = times
        """When, the last first."""
        self.fresh: dict[str, datetime] = {}

    def wait(self, seconds: float) -> None:
        self.check()
        self.pass_until(self.now() + timedelta(seconds=seconds))

    def pass_until(self, end: datetime) -> None:
        while self._times and self._times[-1] <= end:
            at = self._times.pop()
            self._sandbox.advance(max(0.0, (at - self.now()).total_seconds()))
            self.fresh[self._world.returned()] = self.now()
        self._sandbox.advance(max(0.0, (end - self.now()).total_seconds()))


class Shop:
    """The shop, and a timetable of passes."""

    def __init__(self, world: World, scarcity: Scarcity) -> None:
        self.world = world
        self.scarcity = scarcity
        chance = random.Random(scarcity.seed)
        make_scarce(world)
        world.trusted()
        self.backlog = {self._past_return(chance) for _ in range(scarcity.backlog)}
        # The customers come at the same times whether there is a backlog or not.
        self.clock = BusyClock(world, self._arrivals(random.Random(scarcity.seed)))
        put_off(world, "--from", "90d", "--yes")

    def live(self, least: timedelta = timedelta()) -> Lived:
        """Pass after pass, for so long and until all of the backlog is in Jetti, and all that came
        meanwhile."""
        began, told = self.clock.now(), []
        while self.clock.now() - began < least or not self._is_done():
            left = self.one_pass().backlog
            if left is not None and left.left:
                told.append(left)
        return self._lived(began, told)

    def one_pass(self) -> Report:
        """A scheduled pass, as cron starts it: none while another goes on."""
        began = self.clock.now()
        settings = config.load(None, self.world.environ)
        runtime = Runtime(self.clock, self.world.environ, connect=self.world.connect)
        report = app.run(settings, request(), runtime)
        over = (self.clock.now() - began).total_seconds() // self.scarcity.interval
        self.clock.pass_until(began + timedelta(seconds=(over + 1) * self.scarcity.interval))
        return report

    def _is_done(self) -> bool:
        return (self.backlog | self.clock.fresh.keys()) <= created(self.world).keys()

    def _lived(self, began: datetime, told: list[BacklogLeft]) -> Lived:
        at = created(self.world)
        order = sorted(self.backlog, key=lambda one: at[one])
        done = max((at[one] for one in self.backlog), default=began)
        delays = sorted((at[one] - come).total_seconds() for one, come in self.clock.fresh.items())
        return Lived(began, done, order, told, delays)

    def _past_return(self, chance: random.Random) -> str:
        """Of one to three lines, raised within the last two months."""
        lines = [("Acme", 1), ("Bolt", 1), (None, 2)][: chance.choice((1, 1, 1, 2, 3))]
        order = self.world.order(*lines)
        at = self.world.clock.now() - timedelta(minutes=chance.randint(2_000, 80_000))
        return self.world.submit(order, at=at)

    def _arrivals(self, chance: random.Random) -> list[datetime]:
        """For longer than any backlog here takes."""
        at, times = self.world.clock.now(), []
        end = at + timedelta(days=10)
        while at < end:
            at += timedelta(seconds=chance.expovariate(1 / self.scarcity.fresh_every))
            times.append(at)
        return times[::-1]


@contextmanager
def busy_shop(directory: Path, scarcity: Scarcity) -> Iterator[Shop]:
    """A shop that is about to live through this."""
    with a_world(directory) as world:
        yield Shop(world, scarcity)


def make_scarce(world: World) -> None:
    """Jetti takes two reads or one write a second, and no plan is too large."""
    world.sandbox.jetti.switches.cancel_answer_items = True
    world.environ |= {
        "RECONCILER_GUARD__CREATES": "1000000",
        "RECONCILER_JETTI__READS_PER_SECOND": "2",
        "RECONCILER_JETTI__WRITES_PER_SECOND": "1",
    }


def put_off(world: World, *options: str) -> None:
    """All that Loop shows is recorded, and left for later passes."""
    ran = world.run(*options, "--max-writes", "0")
    assert ran.code == 0, ran.stderr
    world.pass_time(minutes=1)


def created(world: World) -> dict[str, datetime]:
    """When each return was created in Jetti, the first one first."""
    rows = sorted(world.jetti.sale_returns(), key=lambda row: row["id"], reverse=True)
    at = {row["externalId"]: datetime.fromisoformat(row["createdAt"]) for row in rows}
    return {name: moment.astimezone(UTC) for name, moment in reversed(at.items())}
