"""Looking without writing: when Jetti fails, the exit code must not say that all was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sandbox.faults.registry import Fault
from tests.support.world import World


@pytest.fixture
def used(world: World) -> World:
    """Its ledger has pushed before."""
    world.go_live()
    world.returned()
    world.pass_time()
    assert world.run().code == 0
    return world


def test_init_adopt_says_that_it_could_not_look(world: World) -> None:
    one = world.returned()
    world.pass_time()
    world.sandbox.faults.add(Fault("jetti", "503"))

    down = world.call("init", "--since", "7d", "--adopt")
    world.sandbox.faults.clear()
    again = world.call("init", "--adopt", "--since", "7d")

    assert (down.code, again.code, world.state(one)) == (5, 0, "pending")


def test_a_dry_run_says_that_it_could_not_look(used: World) -> None:
    one = used.returned()
    used.pass_time()
    used.sandbox.faults.add(Fault("jetti", "503"))

    ran = used.run("--dry-run", "--against-jetti")

    assert (ran.code, ran.outcomes) == (5, {one: ("create", "failed")})


def test_reasons_that_jetti_does_not_tell_are_no_bug(used: World, tmp_path: Path) -> None:
    settings = tmp_path / "reconciler.toml"
    settings.write_text('[mapping.reasons]\n"Too big" = "too_large"\n')
    one = used.returned()
    [line] = used.seen(one).lines
    used.loop.edit_line(one, line.id, reason="Too big")
    used.pass_time()
    used.sandbox.faults.add(Fault("jetti", "404", "GET /adjustment-reasons.json"))

    ran = used.call("--config", str(settings), "run")

    assert ran.code == 2
    assert "mapping.reasons" in ran.stdout + ran.stderr
