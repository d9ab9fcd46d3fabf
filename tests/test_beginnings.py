"""A story whose beginning was put back goes on as one whose beginning was played."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import beginnings
from tests.support.world import World, a_world


@pytest.fixture(autouse=True)
def _nothing_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "_ledgers", {})
    monkeypatch.setattr(beginnings, "_beginnings", {})


def everything(world: World) -> dict[str, Any]:
    """Both services, the ledger, the time."""
    files = {file.name: file.stat().st_mode for file in world.directory.iterdir()}
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger:
        dump = list(ledger.iterdump())
    jetti = [world.jetti.sale_returns(), world.jetti.sales(), world.jetti.notifications()]
    requests = [(one.at, one.operation) for one in world.sandbox.request_log.all()]
    loop, waited = list(world.loop.returns()), list(world.clock.waited)
    return {
        "files": files, "ledger": dump, "jetti": jetti, "loop": loop, "requests": requests,
        "time": world.clock.now(), "orders": list(world.orders), "waited": waited,
    }  # fmt: skip


def goes_on(world: World) -> list[dict[str, Any]]:
    played = [everything(world)]
    world.returned(("Acme", 1), ("Bolt", 2))
    world.pass_time()
    assert world.run().code == 0
    return [*played, everything(world)]


def go_live(world: World) -> None:
    world.go_live()


@pytest.mark.parametrize("begin", [go_live, World.trusted])
def test_a_beginning_that_is_put_back_is_the_one_that_was_told(
    tmp_path: Path, begin: Callable[[World], Any]
) -> None:
    stories = []
    for name in ("played", "put back", "again"):
        (tmp_path / name).mkdir()
        with a_world(tmp_path / name) as world:
            stories.append((begin(world), goes_on(world)))

    assert stories[0] == stories[1] == stories[2]


def test_what_was_held_before_is_still_the_world_s(tmp_path: Path) -> None:
    for name in ("played", "put back"):
        (tmp_path / name).mkdir()
        with a_world(tmp_path / name) as world:
            switches, clock = world.sandbox.jetti.switches, world.sandbox.clock
            world.trusted()
            assert world.sandbox.jetti.switches is switches
            assert world.sandbox.clock is clock
            assert world.loop is world.sandbox.loop.store


def test_a_beginning_is_told_again_where_anything_differs(tmp_path: Path) -> None:
    def ordered(world: World) -> None:
        world.order(("Acme", 1))

    def switched(world: World) -> None:
        world.sandbox.jetti.switches.cancel_answer_items = True

    def later(world: World) -> None:
        world.pass_time()

    def set_up(world: World) -> None:
        world.environ["RECONCILER_GUARD__CREATES"] = "5"

    for number, differs in enumerate((lambda _: None, ordered, switched, later, set_up), 1):
        directory = tmp_path / str(number)
        directory.mkdir()
        with a_world(directory) as world:
            differs(world)
            world.trusted()

        assert len(beginnings._beginnings) == number
