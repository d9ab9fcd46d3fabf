"""What the program is doing when it dies: each scenario is a world and the run in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import reconciler.migrations

from tests.crashes.mortal_world import MortalWorld
from tests.support.world import NOON

Faults = tuple[tuple[str, str, dict[str, Any]], ...]

CREATE, PUT = "POST *", "PUT *"
NEXT_SCHEMA = """
import sqlalchemy as sa
from alembic import op
revision = "0010"
down_revision = "0009"

def upgrade():
    with op.batch_alter_table("entries") as batch:
        batch.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="5"))
"""


def _nothing(world: MortalWorld) -> None:
    """The world goes on as it was."""


@dataclass(frozen=True)
class Scenario:
    """A world, the run that may die in it, and how the run after it must end."""

    name: str
    prepare: Callable[[MortalWorld], Collection[str] | None]
    """Answers the returns that end with a person, if there are any."""
    arguments: tuple[str, ...] = ("run",)
    silent: tuple[str, ...] | None = None
    """The run that must write nothing in the end, if not the same."""
    environ: dict[str, str] = field(default_factory=dict)
    passing: Faults = ()
    """What goes wrong during the run that may die, and is healed afterwards."""
    lasting: Callable[[MortalWorld], Faults] = lambda world: ()
    """What goes wrong for good."""
    meanwhile: Callable[[MortalWorld], None] = _nothing
    """What happens before the run that must put things right."""
    code: int = 0
    """Of that run and of every later one."""
    migrates: bool = False
    """All of these runs are of a version with a later schema."""
    alike: bool = False
    """Its way is much like another's: in the short form a death at every fifth point only."""

    def __str__(self) -> str:
        return self.name.replace(",", "").replace(" ", "-")


# --------------------------------------------------------------------------------- the worlds


def _day(days: float) -> str:
    return f"{NOON - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def _fresh(world: MortalWorld) -> None:
    world.go_live()
    world.returned(("Acme", 2), at=NOON - timedelta(hours=3))  # longer ago than the overlap
    world.loop.label(world.returned(("Acme", 1), ("Acme", 2)))
    world.pass_time()


def _crowd(world: MortalWorld) -> None:
    world.go_live()
    for _ in range(5):
        world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()


def _split(world: MortalWorld) -> None:
    world.go_live()
    world.loop.label(world.returned(("Acme", 1), ("Bolt", 2), (None, 1), ("Acme", 1)))
    world.pass_time()


def _pushed(world: MortalWorld) -> tuple[str, str]:
    """A return with a line and a unit to spare, and one of two vendors."""
    world.go_live()
    one = world.submit(world.order(("Acme", 3), ("Bolt", 1)), 1, 0)
    two = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    return one, two


def _update(world: MortalWorld) -> None:
    one, two = _pushed(world)
    for line in world.orders[0].lines:
        world.loop.add_line(one, line)
    world.loop.label(two, status="in_transit")
    world.pass_time()


def _pushed_and_new(world: MortalWorld) -> None:
    _pushed(world)
    world.returned(("Acme", 1))
    world.pass_time()


def _cancel(world: MortalWorld) -> None:
    _, two = _pushed(world)
    world.loop.set_state(two, "cancelled")
    world.loop.set_state(world.returned(), "cancelled")
    world.pass_time()


def _waiting(world: MortalWorld) -> None:
    world.go_live()
    world.submit(world.order(("Acme", 1), ("Bolt", 1), arrives=False))
    world.pass_time()


def _arrives(world: MortalWorld) -> None:
    if not world.jetti.sales():
        world.jetti.import_sale(world.orders[0])


def _backfill(world: MortalWorld) -> None:
    world.go_live("1d")
    for days in (75, 40, 40, 40, 6, 6):
        world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=days))


def _refused(world: MortalWorld) -> Collection[str]:
    world.go_live("1d")
    days = (40, 6)
    return [world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=one)) for one in days]


def _migration(world: MortalWorld) -> None:
    _pushed(world)
    world.breaks(CREATE, "applied_then_lost")
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 3
    world.heals()
    world.pass_time()


def later_schema(place: Path) -> Path:
    """The migrations of a later version of this program."""
    location = place / "later"
    if not location.exists():
        shutil.copytree(Path(str(reconciler.migrations.__file__)).parent, location)
        (location / "versions" / "0010_next.py").write_text(NEXT_SCHEMA)
    return location


def _lost_ledger(world: MortalWorld) -> None:
    _pushed(world)
    for file in world.directory.iterdir():
        file.unlink()


def _undated(world: MortalWorld) -> None:
    """Labels move without a date, a return goes, another is new: a sweep sees all of it."""
    world.loop.label(_pushed(world)[1])
    world.pass_time()
    assert world.run().code == 0
    gone = world.returned()
    world.pass_time()
    assert world.run("--max-writes", "0").code == 0
    world.loop.remove(gone)
    world.sandbox.loop.switches.label_changes_bump = False
    for row in world.loop.returns():
        if row.labels:
            world.loop.move_label(row.id, "in_transit")
    world.pass_time()


def _lost(kind: str) -> Callable[[MortalWorld], None]:
    def prepare(world: MortalWorld) -> None:
        _split(world)
        world.breaks(CREATE, kind, nth=1)
        assert world.run().code == 3
        world.heals()
        world.pass_time()

    return prepare


def _several(world: MortalWorld) -> Collection[str]:
    world.go_live()
    made = [world.returned() for _ in range(3)]
    world.pass_time()
    return made


def _named(world: MortalWorld) -> None:
    world.go_live("1d")
    world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=90))


def _troubled(world: MortalWorld) -> Collection[str]:
    """Refused, doubtful and fine, side by side; creates are proven to work."""
    _pushed(world)
    refused = world.returned()
    imported_twice = world.order(("Acme", 1))
    world.jetti.import_sale(imported_twice)
    doubtful = world.submit(imported_twice)
    world.returned()
    world.pass_time()
    return refused, doubtful


def _refuses_one(world: MortalWorld) -> Faults:
    return ((f"POST /sales/{world.sale_id(world.orders[2])}/cancel.json", "422", {}),)


def _several_creates(world: MortalWorld) -> None:
    """The first goes alone; the items of the others are read together."""
    _pushed(world)
    for _ in range(4):
        world.returned()
    world.pass_time()


def _labelled(world: MortalWorld) -> None:
    world.go_live()
    world.loop.label(world.returned())
    world.pass_time()


def _backed_up(world: MortalWorld) -> None:
    _pushed(world)
    for _ in range(2):
        assert world.call("ledger", "backup").code == 0
        world.pass_time()


def _old(world: MortalWorld) -> None:
    _pushed(world)
    world.pass_time(days=1)


def _forgotten(world: MortalWorld) -> Collection[str]:
    one, _ = _pushed(world)
    assert one == "31000001"
    return [one]


def _doubtful(world: MortalWorld) -> Collection[str]:
    """A return in review, because its order was imported twice."""
    _pushed(world)
    imported_twice = world.order(("Acme", 1))
    world.jetti.import_sale(imported_twice)
    doubtful = world.submit(imported_twice)
    assert doubtful == "31000003"
    world.pass_time()
    assert world.run().code == 3
    world.pass_time()
    return [doubtful]


def _decided_to_create(world: MortalWorld) -> None:
    """Alive again after it was cancelled in Jetti, and to be created a second time."""
    one, _ = _pushed(world)
    for state, code in (("cancelled", 0), ("open", 3)):
        world.loop.set_state(one, state)
        world.pass_time()
        assert world.run().code == code
    assert world.call("resolve", one, "--create", "--yes").code == 0
    world.pass_time()


_OTHER = json.dumps(
    {
        "id": 1,
        "saleId": 1,
        "reference": "1001-01",
        "createdAt": "2026-03-01T12:05:00.000Z",
        "status": "requested",
        "trackingNumber": "other",
    }
)
"""Jetti's answer to a PUT that it did not take."""


def _once(operation: str, kind: str, **parameters: Any) -> Faults:
    return ((operation, kind, {"nth": 1, **parameters}),)


SCENARIOS = (
    Scenario("fresh", _fresh),
    Scenario("split create", _split),
    Scenario("several creates", _several_creates, alike=True),
    Scenario("update", _update),
    Scenario("cancel", _cancel),
    Scenario("waiting order", _waiting, meanwhile=_arrives),
    Scenario(
        "backfill",
        _backfill,
        ("run", "--yes", "--from", _day(80), "--to", _day(1), "--by", "created"),
        environ={"RECONCILER_LOOP__PAGE_SIZE": "2"},
    ),
    Scenario(
        "range without consent",
        _refused,
        ("run", "--from", _day(80), "--to", _day(1), "--by", "created"),
        code=7,
    ),
    Scenario("migration", _migration, migrates=True),
    Scenario("init adopt", _lost_ledger, ("init", "--since", _day(7), "--adopt"), ("run",)),
    Scenario("sweep", _undated, ("run", "--sweep", "30d"), alike=True),
    Scenario(
        "create applied, answer lost",
        _split,
        passing=_once(CREATE, "applied_then_lost"),
        alike=True,
    ),
    Scenario("create lost", _split, passing=_once(CREATE, "not_applied_then_lost"), alike=True),
    Scenario(
        "create applied late",
        _split,
        passing=_once(CREATE, "applied_later", seconds=170),
        alike=True,
    ),
    Scenario("put lost", _split, passing=_once(PUT, "not_applied_then_lost", nth=2)),
    Scenario("read back and found", _lost("applied_then_lost"), alike=True),
    Scenario("read back and absent", _lost("not_applied_then_lost")),
    Scenario(
        "guard stop",
        _several,
        environ={"RECONCILER_GUARD__CREATES": "2", "RECONCILER_GUARD__SHARE": "0"},
        code=7,
    ),
    Scenario(
        "new mapping",
        _pushed_and_new,
        environ={"RECONCILER_POLICY__HELD_STATES": "review,expired"},
    ),
    Scenario("one return", _named, ("run", "--return", "31000001"), alike=True),
    Scenario("dead and doubtful", _troubled, lasting=_refuses_one, code=3),
    Scenario("failed", _labelled, passing=_once("PUT /sale-returns/*", "raw", body=_OTHER)),
    Scenario(
        "backup",
        _backed_up,
        ("ledger", "backup", "--keep", "1"),
        silent=("run",),
        alike=True,
    ),
    Scenario("prune", _old, ("ledger", "prune", "--older-than", "1h"), alike=True),
    Scenario("forget", _forgotten, ("ledger", "forget", "31000001", "--yes")),
    Scenario("ignore", _doubtful, ("ignore", "31000003", "--reason", "x", "--yes"), ("run",)),
    Scenario("run after a decision to create", _decided_to_create, alike=True),
    Scenario("report", _labelled, ("run", "--format", "json", "--output", "report.json")),
)


CROWD = Scenario("crowd", _crowd)
"""Too much for a death at each of its points, but enough to make a ledger grow."""


def named(*names: str) -> tuple[Scenario, ...]:
    """These of them."""
    chosen = tuple(scenario for scenario in SCENARIOS if scenario.name in names)
    assert len(chosen) == len(names)
    return chosen
