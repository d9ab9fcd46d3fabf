"""What someone who watches a pass sees of it on the terminal."""

from __future__ import annotations

import contextlib
import io
import re
import sys

import pytest

from reconciler.cli import perform
from reconciler.runtime import Runtime
from tests.support.scarcity import make_scarce
from tests.support.world import World


class Terminal(io.StringIO):
    """Keeps what is drawn, and when."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.drawn: list[tuple[float, str]] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.drawn.append((self._world.clock.monotonic(), text))
        return len(text)


SECONDS = {"s": 1, "m": 60, "h": 3600}


def test_a_line_tells_what_is_done_of_what_is_planned_and_how_long_the_rest_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)  # as where it is not installed
    make_scarce(world)
    world.trusted()
    for _ in range(60):
        world.returned()
    world.pass_time()
    terminal = Terminal(world)

    with contextlib.redirect_stderr(terminal), contextlib.redirect_stdout(io.StringIO()):
        assert perform(("run",), Runtime(world.clock, world.environ, connect=world.connect)) == 0

    lines = [(at, text) for at, text in terminal.drawn if "pushing" in text]
    told = [
        re.fullmatch(
            r"\r\x1b\[Kpushing: (\d+) of 60(?:, (\S+)([smh]) for the rest at this rate)?", text
        )
        for _, text in lines
    ]
    assert [one and int(one[1]) for one in told] == list(range(1, 61))
    done_at = lines[-1][0]
    for (at, _), one in zip(lines, told, strict=True):
        assert one
        rest = done_at - at
        if one[2]:
            assert float(one[2]) * SECONDS[one[3]] == pytest.approx(rest, rel=0.15)
        else:
            assert rest < 75, "what takes a minute is not told"
