"""Whatever a command prints is as wide as the terminal, in any situation; paths stay whole."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from reconciler.failpoints import Failpoint
from tests.reports.test_width import cells
from tests.stories.test_decisions import overlapped
from tests.stories.test_rows_not_understood import spoil
from tests.support.death import dies
from tests.support.world import World

TIGHT = {"RECONCILER_GUARD__CREATES": "0", "RECONCILER_GUARD__SHARE": "0"}
NARROW = 44


def new(world: World) -> str:
    world.go_live()
    return "1"


def in_review(world: World) -> str:
    one, _ = overlapped(world)
    return one


def stopped(world: World) -> str:
    world.trusted()
    one, _ = (world.returned() for _ in range(2))
    world.pass_time()
    assert world.run("--from", "2d", **TIGHT).code == 7
    assert world.run(**TIGHT).code == 7
    return one


def creation_stopped(world: World) -> str:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    return one


def waiting(world: World) -> str:
    """Its order, with a name that is long and wide, is not in Jetti."""
    world.trusted()
    order = replace(world.order(("東京", 1), arrives=False), name="#返品" + "長い" * 40)
    one = world.submit(order)
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(days=2)
    assert world.run().code == 3
    return one


def refused(world: World) -> str:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.breaks("*", "401")
    assert world.run().code == 6
    return one


def not_understood(world: World) -> str:
    world.trusted()
    one, other = (world.returned(("Acme", 1), ("Bolt", 2)) for _ in range(2))
    world.loop.edit(other, extra={"line_items": None})
    spoil(world, one, provider_line_item_id=None)
    assert world.run().code == 3
    return one


def far_behind(world: World) -> str:
    """No sweep, no backup, a clock that was ahead, a run that was killed."""
    one, _ = overlapped(world)
    assert world.run("--sweep", "9d").code == 3
    assert world.call("ledger", "backup", "--keep", "1").code == 0
    dies(world, lambda hit: hit is Failpoint.PLAN_MADE)
    world.clock.ahead = -5 * 24 * 3600.0
    return one


SITUATIONS = [
    new, in_review, stopped, creation_stopped, waiting, refused, not_understood, far_behind,
]  # fmt: skip
LOOKS = [
    "status", "list", "history", "show ONE", "show ONE --against-jetti", "doctor", "report",
    "ledger check", "ledger backup --keep 2", "ledger prune --older-than 30d",
    "ledger forget ONE --yes", "retry ONE --yes", "ignore ONE --reason why --yes",
    "resolve ONE --create --yes", "init",
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_nothing_is_wider_than_the_terminal(
    world: World, situation: Callable[[World], str]
) -> None:
    one = situation(world)

    for look in LOOKS:
        ran = world.call(*shlex.split(look.replace("ONE", one)), COLUMNS=str(NARROW))
        lines = ran.stdout.splitlines()
        wide = [line for line in lines if cells(line) > NARROW and str(world.directory) not in line]
        assert wide == [], look
        assert lines or ran.code, look
