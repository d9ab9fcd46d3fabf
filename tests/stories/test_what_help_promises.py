"""What the help of a command says of 0 and 3 is what it ends with."""

from __future__ import annotations

import re

import pytest

from reconciler.cli.exit_codes import MEANINGS
from reconciler.cli.program import program
from tests.stories.test_decisions import overlapped
from tests.support.world import World

MAKE_A_PASS = {"run"}
LEDGER = program.commands["ledger"].commands  # type: ignore[attr-defined]
COMMANDS = [(name,) for name in program.commands] + [("ledger", name) for name in LEDGER]


def codes(world: World, *command: str) -> dict[int, str]:
    """The exit codes that its help lists, each with what it means."""
    said = world.call(*command, "--help").stdout.split("Exit codes:")[1]
    listed = re.split(r"\n +(?=\d+  )", said)[1:]
    return {
        int(code): " ".join(meaning.split())
        for code, meaning in (one.split(maxsplit=1) for one in listed)
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_only_a_command_that_makes_a_pass_promises_what_a_pass_comes_to(
    world: World, command: tuple[str, ...]
) -> None:
    passes = {code: MEANINGS[code] for code in (0, 3)}

    said = codes(world, *command)

    alike = {code for code, meaning in passes.items() if said.get(code) == meaning}
    assert alike == ({0, 3} if command[0] in MAKE_A_PASS else set())


def test_what_only_shows_ends_with_0_while_something_needs_a_decision(world: World) -> None:
    one, _ = overlapped(world)
    shows = [("list",), ("history",), ("report",), ("show", one)]

    assert [world.call(*command).code for command in shows] == [0] * 4
    assert {codes(world, command[0])[0] for command in shows} == {"it is shown, whatever it tells"}
    assert (world.call("status").code, world.call("verify").code) == (3, 3)
    assert codes(world, "status")[3].startswith("not healthy")
    assert "in review" in codes(world, "verify")[3]
    assert world.call("ledger", "check").code == 0
