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


@pytest.fixture(autouse=True)
def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is not installed."""
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)


def watched(world: World, *arguments: str) -> list[tuple[float, str]]:
    """Each line that is drawn on a terminal, without what clears it, and when."""
    terminal = Terminal(world)
    runtime = Runtime(world.clock, world.environ, connect=world.connect)
    with contextlib.redirect_stderr(terminal), contextlib.redirect_stdout(io.StringIO()):
        assert perform(arguments, runtime) == 0
    lines = [(at, text.removeprefix("\r\x1b[K")) for at, text in terminal.drawn]
    return [(at, text) for at, text in lines if text]


def test_a_line_tells_what_is_done_of_what_is_planned_how_fast_and_how_long_the_rest_takes(
    world: World,
) -> None:
    make_scarce(world)
    world.trusted()
    for _ in range(60):
        world.returned()
    world.pass_time()
    began = world.clock.monotonic()

    lines = [(at, text) for at, text in watched(world, "run") if "pushing" in text]

    told = [
        re.fullmatch(
            r"pushing: (\d+) of 60 returns(?:, (\d+) a (minute|second))?"
            r"(?:, (\S+)([smh]) to go at this rate)?",
            text,
        )
        for _, text in lines
    ]
    counts = [one and int(one[1]) for one in told]
    assert counts == list(range(61 - len(counts), 61))
    assert all(at >= began + 2 for at, _ in lines)
    done_at = lines[-1][0]
    for (at, _), one in zip(lines, told, strict=True):
        assert one
        rest = done_at - at
        if one[4]:
            told_rest = float(one[4]) * SECONDS[one[5]]
            assert told_rest == pytest.approx(rest, rel=0.15, abs=15)
        else:
            assert rest < 15
    first_at, first = lines[0][0], counts[0] or 0
    for (at, _), one, count in zip(lines, told, counts, strict=True):
        if one and one[2] and at - first_at > 60:
            rate = int(one[2]) / SECONDS[{"minute": "m", "second": "s"}[one[3]]]
            assert rate == pytest.approx(((count or 0) - first) / (at - first_at), rel=0.15)


def test_a_pass_that_is_soon_over_shows_no_progress(world: World) -> None:
    world.trusted()
    world.pass_time()
    began = world.clock.monotonic()

    lines = watched(world, "run")

    assert world.clock.monotonic() - began < 2
    assert [text for _, text in lines if "reading" in text or "pushing" in text] == []


@pytest.mark.parametrize(
    ("options", "work"),
    [((), "planning"), (("--against-jetti",), "looking up in Jetti")],
)
def test_a_dry_run_never_says_that_it_pushes(
    world: World, options: tuple[str, ...], work: str
) -> None:
    make_scarce(world)
    world.trusted()
    for _ in range(60):
        world.returned()
    world.pass_time()

    lines = [text for _, text in watched(world, "run", "--dry-run", *options)]

    assert not any("push" in text for text in lines)
    assert options == () or any(text.startswith(f"{work}: ") for text in lines)
