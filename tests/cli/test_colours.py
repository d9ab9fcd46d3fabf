"""Colour for people and for nobody else: the letters are the same everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.terminal import shown as shown_by

pytest.importorskip("rich", reason="without rich every report is plain")

_STYLED = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(tmp_path) as made:
        made.live()
        assert made.does("run", LOOP_API_KEY="revoked") == 6
        yield made


def on_a_terminal(world: RealWorld, *command: str, **environ: str) -> str:
    """All that a terminal with colours is sent."""
    return shown_by(world, *command, **{"TERM": "xterm-256color", **environ})


def in_a_pipe(world: RealWorld, *command: str, **environ: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *command],
        env={**world.environ, "TERM": "xterm-256color", **environ},
        cwd=world.directory,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_a_terminal_shows_colours_and_the_same_letters(world: RealWorld) -> None:
    shown = on_a_terminal(world, "list")
    status = on_a_terminal(world, "status")

    assert _STYLED.sub("", shown) == in_a_pipe(world, "list")
    assert _STYLED.search(status)
    assert "\x1b[1;31mNot healthy" in status


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_whoever_wants_none_gets_none(world: RealWorld, plain: dict[str, str]) -> None:
    shown = on_a_terminal(world, "status", **plain)

    assert shown.startswith("Not healthy")
    assert "\x1b" not in shown


def test_a_pipe_and_json_have_none(world: RealWorld) -> None:
    for shown in (
        in_a_pipe(world, "status"),
        on_a_terminal(world, "status", "--format", "json"),
    ):
        assert "run 1 (scheduled)" in shown
        assert "\x1b" not in shown


def test_a_long_line_is_neither_cut_nor_wrapped(world: RealWorld) -> None:
    """A command is one line for whoever copies it, which the terminal itself breaks."""
    piped = in_a_pipe(world, "status", COLUMNS="20")

    shown = _STYLED.sub("", on_a_terminal(world, "status", COLUMNS="20"))

    assert [len(line) for line in shown.splitlines()] == [len(line) for line in piped.splitlines()]
    assert shown.splitlines()[-1] == "next       reconciler doctor"
