"""Creates that are sent before any is checked come to the same as creates that go alone.

Where Jetti's answers hold the items made, each return is finished before the next one begins; where
they do not, several creates are sent first. Two worlds that differ in nothing else must not differ
in what is left of them, nor in what is told of each pass.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.figures import Figures
from tests.support.world import Ran, World, a_world

WORLDS, WORLDS_LONG = 6, 300
VENDORS = ("Acme", "Bolt", None)
FAULTS = ("422", "429", "500", "503", "applied_then_lost", "not_applied_then_lost", "empty_200")


def build(world: World, chance: random.Random) -> None:
    """Orders and their returns, and what goes wrong with some of them."""
    switches = world.sandbox.jetti.switches
    switches.split = chance.choice(("per_vendor", "per_line", "single"))
    switches.cancel_attributes = chance.choice(("ignored", "applied"))
    switches.put_answer = chance.choice(("object", "empty"))
    world.trusted()
    for _ in range(chance.randint(3, 14)):
        lines = [(chance.choice(VENDORS), 2) for _ in range(chance.randint(1, 3))]
        order = world.order(*lines, arrives=chance.random() < 0.9)
        for _ in range(chance.choice((1, 1, 1, 2))):
            one = world.submit(order, *(1 for _ in lines))
            if chance.random() < 0.3:
                world.loop.label(one)
            if chance.random() < 0.1:
                world.loop.set_state(one, "cancelled")
    world.pass_time()
    for order in chance.sample(world.orders[1:], chance.randint(0, 2)):
        if any(sale["externalId"] == order.order_id for sale in world.jetti.sales()):
            path = f"POST /sales/{world.sale_id(order)}/cancel.json"
            world.breaks(path, chance.choice(FAULTS), nth=1)
    if chance.random() < 0.3:
        sale_return = chance.randint(2, 8)
        world.breaks(f"PUT /sale-returns/{sale_return}.json", chance.choice(FAULTS), nth=1)


def passes(world: World, chance: random.Random) -> Iterator[Ran]:
    """Some with a budget, then all that is left."""
    for _ in range(chance.randint(0, 3)):
        yield world.run("--max-writes", str(chance.randint(1, 40)))
    yield world.run()
    world.heals()
    for _ in range(3):
        world.pass_time(hours=1)
        yield world.run()


def told(ran: Ran) -> dict[str, Any]:
    """What a report tells, besides times and reads."""
    counts, changes = ran.report["counts"], ran.report["changes"]
    return {
        "code": ran.code,
        "counts": counts,
        "writes": ran.report["requests"]["jetti"]["write"],
        "changes": changes,
    }


def left(world: World) -> dict[str, Any]:
    """What is in Jetti and in the ledger, besides times."""
    return {
        "jetti": [world.described(row) for row in world.jetti.sale_returns()],
        "mails": len(world.jetti.notifications()),
        "ledger": [
            (entry.id, entry.state, entry.reason, entry.attempts, entry.sale_returns)
            for entry in (world.entry(row.id) for row in world.loop.returns())
        ],
    }


def create_after_create(world: World) -> int:
    """How often a create was sent right after another one."""
    log = [one.method for one in world.sandbox.request_log.all() if one.service == "jetti"]
    return sum(pair == ("POST", "POST") for pair in pairwise(log))


def story(place: Path, seed: int, *, answer_items: bool) -> tuple[list[dict[str, Any]], int]:
    """What is told and left after each pass, and how often creates followed each other."""
    place.mkdir()
    with a_world(place) as world:
        world.sandbox.jetti.switches.cancel_answer_items = answer_items
        chance = random.Random(seed)
        build(world, chance)
        seen = [told(ran) | left(world) for ran in passes(world, chance)]
        return seen, create_after_create(world)


@pytest.mark.covers("P1")
def test_what_is_left_and_told_is_as_if_each_had_gone_alone(
    tmp_path: Path, figures: Figures, long: bool
) -> None:
    followed = 0
    for seed in range(WORLDS_LONG if long else WORLDS):
        alone, _ = story(tmp_path / f"{seed} alone", seed, answer_items=True)
        together, times = story(tmp_path / f"{seed} together", seed, answer_items=False)
        followed += times

        for number, (one, other) in enumerate(zip(alone, together, strict=True)):
            assert other == one, f"world {seed}, pass {number}"
        figures.add("properties", "worlds whose creates were sent alone and together")
    assert followed > WORLDS
