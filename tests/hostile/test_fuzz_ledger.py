"""A damaged ledger is refused or read, never a traceback, and never a licence to write again.

What can be told: SQLite finds damage of its own structure, we find values that no column of ours
holds. What cannot: a bit flipped inside a text that still reads as one, a title say, because rows
carry no checksum. That changes what is shown or wanted, but no identity: an entry that Jetti was
told of is still known, so nothing is made twice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.hostile.hostile_content import assert_harmless
from tests.support.figures import Figures
from tests.support.world import World

_COMMANDS = (["status"], ["show", "#1001"], ["run", "--dry-run"], ["run"])
_EXPECTED = {0, 2, 3, 7, 8}

Damage = Callable[[random.Random, bytes], bytes]


def _flip(rng: random.Random, content: bytes) -> bytes:
    """Bits, most often where there is anything at all."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(data))
        while not data[at] and rng.random() < 0.95:
            at = rng.randrange(len(data))
        data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def _overwrite(rng: random.Random, content: bytes) -> bytes:
    """A sector of zeros, of ones, of noise, or of another place."""
    at, other = (512 * rng.randrange(len(content) // 512) for _ in range(2))
    sector = rng.choice(
        [bytes(512), b"\xff" * 512, rng.randbytes(512), content[other : other + 512]]
    )
    return content[:at] + sector + content[at + 512 :]


def _a_worked_ledger(world: World) -> bytes:
    world.go_live()
    one, two = world.returned(("Acme", 1), ("Bolt", 1)), world.returned()
    world.pass_time()
    assert world.run().code == 0
    world.loop.label(one, status="in_transit")
    world.loop.edit(two, extra={"line_items": 7})
    world.submit(world.order(("Acme", 1), arrives=False))
    world.returned()
    world.breaks("POST *", "applied_then_lost")
    world.pass_time()
    assert world.run().code == 3
    world.heals()
    world.pass_time()
    return (world.directory / "ledger.db").read_bytes()


@pytest.mark.covers("F87")
@pytest.mark.parametrize("damage", [_flip, _cut, _overwrite])
def test_damage_is_refused_or_harmless(
    world: World, figures: Figures, long: bool, damage: Damage
) -> None:
    rng = random.Random(f"damage {damage.__name__}")
    sound = _a_worked_ledger(world)
    path = world.directory / "ledger.db"
    refused = 0
    for _ in range(150 if long else 15):
        damaged = damage(rng, sound)
        path.write_bytes(damaged)
        for command in (*_COMMANDS[:-1], ["run", "--max-writes", "0"]):
            ran = world.call("-v", *command)
            assert ran.code in _EXPECTED, ran.stderr
            assert_harmless(ran.stdout)
            assert_harmless(ran.stderr)
            refused += ran.code in (7, 8)
        figures.add("fuzz", "damaged ledgers")
        path.with_name("ledger.db-journal").unlink(missing_ok=True)
    assert refused, "no damage at all was noticed"


@pytest.mark.covers("F87")
def test_a_flipped_bit_makes_no_sale_return_twice(
    world: World, figures: Figures, long: bool
) -> None:
    rng = random.Random("twice")
    sound = _a_worked_ledger(world)
    path = world.directory / "ledger.db"
    held_before = set(_held(world))
    for _ in range(150 if long else 12):
        path.write_bytes(_flip(rng, sound))
        world.call("run")
        path.with_name("ledger.db-journal").unlink(missing_ok=True)
        figures.add("fuzz", "damaged ledgers")
    held = _held(world)

    assert held_before <= set(held)
    assert max(held.values()) == 1, held


def _held(world: World) -> Counter[int]:
    """How many live sale returns hold a sale item; every order here has one unit of each."""
    return Counter(
        item["saleItemId"]
        for row in world.jetti.sale_returns()
        for item in world.jetti.items_of(row["id"])
        if row["status"] != "cancelled"
    )
