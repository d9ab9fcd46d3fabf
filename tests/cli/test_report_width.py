"""A text report is as wide as the terminal, as COLUMNS says, or 80 columns."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli import colours
from reconciler.reports import run_text
from tests.reports.samples import busy
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.terminal import shown

COMMANDS = (["run", "--dry-run", "--against-jetti"], ["verify", "--from", "3d"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(tmp_path) as made:
        made.live()
        made.born(("Acme", 1), ("Bolt", 2))
        yield made


def on_a_terminal(world: RealWorld, columns: int, *command: str) -> list[str]:
    """The lines that a terminal of so many columns is sent."""
    return shown(world, *command, columns=columns, TERM="dumb").splitlines()


def same(lines: list[str]) -> str:
    """What is said, wherever it is broken, without times that pass between two runs."""
    return re.sub(r"[\d\s]", "", "".join(lines))


@pytest.mark.sockets
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_report_is_as_wide_as_what_it_is_shown_on(world: RealWorld, command: list[str]) -> None:
    narrow = on_a_terminal(world, 44, *command)
    wide = on_a_terminal(world, 150, *command)
    piped = world.end(world.start(*command))[1].splitlines()
    asked = world.end(world.start(*command, COLUMNS="44"))[1].splitlines()

    # A line that could be longer is nearly full.
    assert 36 < max(map(len, narrow)) <= 44
    assert 80 < max(map(len, wide)) <= 150
    assert 70 < max(map(len, piped)) <= 80
    assert len(asked) == len(narrow)
    assert max(map(len, asked)) <= 44
    assert same(wide) == same(piped) == same(narrow)


def test_an_error_on_a_terminal_is_broken_between_words_and_in_a_log_not_at_all(
    world: RealWorld,
) -> None:
    """A command to type stays whole."""
    nowhere = {"RECONCILER_LEDGER": str(world.directory / "none.db"), "TERM": "dumb"}

    narrow = shown(world, "status", columns=72, stream="stderr", **nowhere).splitlines()
    logged = world.end(world.start("status", **nowhere))[2].splitlines()

    assert [line.split(":")[0] for line in logged] == ["Error", "Hint"]
    assert max(map(len, logged)) > 200
    assert 60 < max(len(line) for line in narrow if str(world.directory) not in line) <= 72
    assert " ".join(" ".join(narrow).split()) == " ".join(logged)
    assert any("`reconciler init --adopt --since DATE`" in line for line in narrow)


def test_each_line_of_an_item_and_of_a_verdict_has_its_colour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("rich", reason="without rich every report is plain")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)

    text = run_text.render(busy(), 40)
    painted = colours.painted(text)

    assert painted is not None
    assert painted.plain == text
    styled = {text[span.start : span.end].strip(): str(span.style) for span in painted.spans}
    verdict = next(part for part in styled if part.startswith("2026-03-01"))
    assert verdict.endswith("[exit 3]")
    assert styled[verdict] == "bold red"
    assert styled["for 50h: two sales are left"] == "red"
    assert styled["+ #1006  return 8806  the order is not"] == "green"
    assert styled["in Jetti yet"] == "green"
