"""A person on a real terminal is asked before a large range is carried out."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.process_world import PATIENCE, RealWorld, on_the_machine_s_clock
from tests.support.terminal import answered

TIGHT = {"RECONCILER_GUARD__CREATES": "0"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(tmp_path) as made:
        made.live()
        made.returned(("Acme", 1), at=datetime.now(UTC) - timedelta(days=30))
        yield made


def asked(world: RealWorld, answer: bytes | signal.Signals, **settings: str) -> tuple[int, str]:
    """The exit code and all that the terminal showed, of a range answered like this."""
    return answered(
        world, answer, "run", "--from", "60d", **({"COLUMNS": "300"} | TIGHT | settings)
    )


@pytest.mark.covers("R8")
@pytest.mark.parametrize(
    ("answer", "code", "made"),
    [(b"y\n", 0, 1), (b"n\n", 7, 0), (b"\n", 7, 0), (signal.SIGINT, 130, 0)],
    ids=["yes", "no", "nothing", "interrupt"],
)
def test_only_a_yes_lets_a_large_range_through(
    world: RealWorld, answer: bytes | signal.Signals, code: int, made: int
) -> None:
    ended, shown = asked(world, answer)

    assert (ended, len(world.jetti.sale_returns())) == (code, made)
    assert "it would create 1 return, 1 of them from before go-live, mail 1 vendor" in shown
    assert (
        "This range creates more than 0 returns (guard.creates) and creates returns from" in shown
    )


def test_the_question_fits_the_terminal(world: RealWorld) -> None:
    _, shown = asked(world, b"n\n", COLUMNS="44")

    question = shown.partition("This range")[2].partition("Continue?")[0].splitlines()
    assert 30 < max(map(len, question)) <= 44
    assert len(question) > 3


@pytest.mark.covers("R21")
def test_the_question_gives_the_reason_that_applies(world: RealWorld) -> None:
    _, shown = asked(world, b"n\n", RECONCILER_GUARD__CREATES="25")

    assert "This range creates returns from before go-live: it would create 1 return" in shown
    assert "large" not in shown


@pytest.mark.covers("R8")
@pytest.mark.parametrize("look", [("--dry-run",), ("--dry-run", "--against-jetti")])
def test_nobody_is_asked_about_a_dry_run(world: RealWorld, look: tuple[str, ...]) -> None:
    """It shows what a run would ask about, and ends as it would where nobody can be asked."""
    ours, theirs = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-m", "reconciler", "run", "--from", "60d", *look],
        env={**world.environ, **TIGHT, "TERM": "dumb"},
        cwd=world.directory,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=PATIENCE,
    )
    os.close(theirs)
    os.close(ours)

    assert (process.returncode, world.jetti.sale_returns()) == (7, [])
    said = b" ".join(process.stdout.split())
    assert b"it would create 1 return, 1 of them from before go-live" in said


def test_a_dry_run_that_was_agreed_to_beforehand_shows_what_the_run_then_does(
    world: RealWorld,
) -> None:
    assert world.does("run", "--from", "60d", "--dry-run", "--yes", **TIGHT) == 0
    assert world.jetti.sale_returns() == []


def test_where_nobody_can_be_asked_it_stops_unless_yes_was_said(world: RealWorld) -> None:
    assert world.does("run", "--from", "60d", **TIGHT) == 7
    assert world.does("run", "--from", "60d", "--yes", **TIGHT) == 0
    assert len(world.jetti.sale_returns()) == 1
