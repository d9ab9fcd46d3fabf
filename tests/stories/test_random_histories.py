"""Whatever happens in whatever order, a calm run agrees afterwards and the next writes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from agreement import assert_agreement
from story_world import World

VENDORS = ("Acme", "Bolt", None)
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("applied_then_lost", {}),
    ("not_applied_then_lost", {}),
    ("applied_later", {"seconds": 100}),
    ("500", {}),
    ("502", {"applied": True}),
    ("429", {}),
    ("429", {"applied": True}),
    ("409", {}),
    ("html_200", {"applied": True}),
    ("truncated", {"at": 30}),
]
OPERATIONS = ("POST *", "PUT *", "PUT /sale-return-items/*", "GET *")
RUNS = (
    (),
    (),
    (),
    ("--sweep", "120d"),
    ("--from", "3d"),
    ("--max-writes", "1"),
    ("--dry-run",),
    ("--dry-run", "--against-jetti"),
)


class History:
    """Random moves on both sides; what needs a person is left out."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.told: list[str] = []
        self._late: list[Any] = []

    def happen(self) -> None:
        moves: list[Callable[[], None]] = [
            *[self.submitted] * 3,
            *[self.changed] * 6,
            *[self.broken] * 2,
            *[self.run] * 5,
            self.arrived,
        ]
        move = self.random.choice(moves)
        move()
        self.world.pass_time(seconds=self.random.choice((1, 20, 130, 200, 4000)))

    def submitted(self) -> None:
        arrives = self.random.random() < 0.8
        lines = [(self.random.choice(VENDORS), 3) for _ in range(self.random.randint(1, 3))]
        order = self.world.order(*lines, arrives=arrives)
        if not arrives:
            self._late.append(order)
        for _ in range(self.random.randint(1, 2)):
            one = self.world.submit(order, *(1 for _ in lines))
            self.told.append(f"submitted {one} of {len(lines)} lines")

    def arrived(self) -> None:
        for order in self._late:
            self.world.jetti.import_sale(order)
        self._late.clear()
        self.told.append("late orders arrived")

    def changed(self) -> None:
        rows = [row for row in self.world.loop.returns() if row.state in ("open", "review")]
        if not rows:
            return
        row = self.random.choice(rows)
        how = self.random.choice(("label", "scan", "deliver", "unit", "cancel", "hold", "touch"))
        self.told.append(f"{how} {row.id}")
        loop = self.world.loop
        match how:
            case "label" if not row.labels:
                loop.label(row.id)
            case "scan" if row.labels and row.labels[0].status == "new":
                loop.move_label(row.id, "in_transit")
            case "deliver" if row.labels and row.labels[0].status == "in_transit":
                loop.move_label(row.id, "delivered")
            case "unit":
                self._units(row.id)
            case "cancel" if self.random.random() < 0.3:
                loop.set_state(row.id, "cancelled")
            case "hold":
                loop.set_state(row.id, "review" if row.state == "open" else "open")
            case _:
                loop.touch(row.id)

    def _units(self, return_id: str) -> None:
        """A unit more where nobody else returns that line, or one less where two were returned."""
        row = self.world.seen(return_id)
        line = self.random.choice(row.lines)
        here = [x for x in row.lines if x.order_line_id == line.order_line_id]
        if len(here) > 1:
            self.world.loop.remove_line(return_id, here[-1].id)
        elif len(self.world.loop.of_order(row.order_name)) == 1:
            [order] = [one for one in self.world.orders if one.name == row.order_name]
            [again] = [x for x in order.lines if x.order_line_id == line.order_line_id]
            self.world.loop.add_line(return_id, again)

    def broken(self) -> None:
        kind, parameters = self.random.choice(FAULTS)
        operation = self.random.choice(OPERATIONS)
        if operation == "GET *" and kind not in ("500", "429", "truncated"):
            operation = "PUT *"
        nth = self.random.randint(1, 3)
        self.told.append(f"{kind} {parameters} on {operation} {nth}")
        self.world.breaks(operation, kind, nth=nth, **parameters)

    def run(self) -> None:
        options = self.random.choice(RUNS)
        ran = self.world.run(*options)
        self.told.append(f"run {' '.join(options)}: {ran.code}")
        assert ran.code in (0, 3, 5), ran.stderr

    def calm(self) -> None:
        for row in self.world.loop.returns():
            if row.state == "review":
                self.world.loop.set_state(row.id, "open")
        self.arrived()
        self.world.heals()
        for _ in range(3):
            self.world.pass_time(hours=13)
            last = self.world.run()
        self.told.append(f"calm: {last.code}")
        assert last.code == 0, last.report["problems"]


@pytest.mark.parametrize("seed", range(10))
def test_any_history_ends_in_agreement(world: World, seed: int) -> None:
    world.go_live()
    history = History(world, seed)
    try:
        for _ in range(30):
            history.happen()
        history.calm()
        assert_agreement(world)
        world.pass_time(minutes=5)
        assert world.run().jetti_requests == (0, 0)
    except AssertionError as error:
        error.add_note("\n".join(history.told))
        raise
