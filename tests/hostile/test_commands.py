"""Whole commands, as processes, over a shop that is hostile in everything it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import click
import pytest

from reconciler.cli.program import program
from reconciler.sandbox.messages import Response
from tests.hostile.hostile_content import (
    REFUSED_TEXTS,
    TEXTS,
    assert_harmless,
    assert_json,
    assert_only_ids_in_paths,
    tamper,
)
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.world import World, a_world

MIB = 1024 * 1024


def _formats(command: str) -> tuple[str, ...]:
    """The formats of a command's report by its own account, so that a new one is covered too."""
    [kind] = [p.type for p in program.commands[command].params if p.name == "output_format"]
    assert isinstance(kind, click.Choice)
    return tuple(kind.choices)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    """A ledger of returns each of which says one hostile text wherever it can."""
    with on_the_machine_s_clock(tmp_path_factory.mktemp("hostile")) as world:
        world.live()
        world.environ |= {"RECONCILER_GUARD__CREATES": "1000", "RECONCILER_GUARD__UPDATES": "1000"}
        at = datetime.now(UTC) - timedelta(minutes=5)
        for text in (*TEXTS.values(), *REFUSED_TEXTS.values()):
            one = world.returned(("Acme", 1), at=at)
            world.loop.label(one, carrier=text, at=at)
            for line in world.seen(one).lines:
                for name in ("sku", "title", "reason", "comment"):
                    world.loop.edit_line(one, line.id, **{name: text})
            world.loop.edit(one, at=at, type=text, outcome=text, customer=text)
        yield world


def _run(world: RealWorld, *arguments: str) -> tuple[int, str]:
    """Its code and report; whatever it says is harmless."""
    code, stdout, stderr = world.end(world.start(*arguments), patience=180.0)
    assert_harmless(stderr)
    return code, assert_harmless(stdout)


@pytest.mark.covers("F102")
@pytest.mark.parametrize("output", _formats("run"))
def test_a_dry_run_shows_hostile_texts_harmlessly(
    hostile: RealWorld, figures: Figures, output: str
) -> None:
    code, said = _run(hostile, "-vv", "run", "--dry-run", "--against-jetti", "--format", output)

    assert code == 3
    assert output != "json" or len(assert_json(said)["changes"]) >= len(TEXTS)
    figures.add("hostile", "hostile values served", len(TEXTS) + len(REFUSED_TEXTS))


@pytest.mark.covers("F101")
def test_hostile_texts_are_pushed_as_they_are_and_what_is_no_text_is_kept_aside(
    hostile: RealWorld,
) -> None:
    code, said = _run(hostile, "-vv", "--log-format", "json", "run", "--format", "json")

    report = assert_json(said)
    aside = {row.id for row in hostile.loop.returns()} - {
        change["return_id"] for change in report["changes"]
    }
    assert (code, len(aside)) == (3, len(REFUSED_TEXTS))
    assert report["counts"]["malformed"] == len(REFUSED_TEXTS)
    assert_agreement(hostile, but=aside)
    assert assert_only_ids_in_paths(hostile) > len(TEXTS)
    for output in _formats("status"):
        assert _run(hostile, "status", "--format", output)[0] == 3
    for output in _formats("show"):
        for against in ((), ("--against-jetti",)):
            _, said = _run(hostile, "show", "#1005", "--format", output, *against)
            assert output != "json" or assert_json(said)
    before = hostile.writes()
    assert _run(hostile, "-v", "run")[0] == 3
    assert hostile.writes() == before, "an unchanged text was pushed again"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "\x1b]52;c;eA==\x07"], 2),
        (["show", "\udcff\udcfe"], 2),
        (["run", "--order", "\u202e#1"], 2),
        (["run", "--return", "../../1"], 2),
        (["run", "--return", "1\n2"], 2),
        (["run", "--from", "\x9b31m"], 2),
        (["run", "--accept-plan", "x" * 5000], 2),
        (["run", "--accept-plan", "\x1b[2J"], 2),
        (["--config", "x" * 5000, "run"], 2),
        (["--config", "\x1b[2J\udcff", "run"], 2),
        (["run", "--output", "x" * 5000], 2),
        (["run", "--output", "\x1b[2J/\udcff"], 2),
        (["run", "--output", "a\x00b"], 2),
        (["run", "--max-writes", "9" * 5000], 2),
        (["run", "--max-seconds", "9" * 5000], 2),
        (["serve", "--cron", "\x1b[2J * * * *"], 2),
        (["serve", "--cron", "9" * 5000 + " * * * *"], 2),
        (["\x1b[2J"], 2),
        (["--\x1b[2J"], 2),
    ],
)
def test_a_hostile_command_line_is_refused_in_plain_words(
    world: World, arguments: list[str], code: int
) -> None:
    world.go_live()

    ran = world.call(*arguments)

    assert ran.code == code, ran.stderr
    assert_harmless(ran.stdout.replace("\udcff", "?"))
    assert_harmless(ran.stderr)


# -------------------------------------------------------------------------------------- times


@pytest.mark.covers("F9")
@pytest.mark.parametrize("year", [100, 1970, 9999])
@pytest.mark.parametrize("service", ["loop", "jetti"])
@pytest.mark.parametrize("command", [["run"], ["run", "--sweep", "7d"], ["run", "--from", "7d"]])
def test_a_clock_of_another_age_is_no_bug(
    directory: Path, service: str, year: int, command: list[str]
) -> None:
    with a_world(directory, dates=False) as world:
        world.go_live()
        world.returned()
        world.pass_time()
        date = format_datetime(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC), usegmt=True)
        target: Any = getattr(world.sandbox, service)
        served = target.handle

        def handle(request: Any) -> Response:
            response = served(request)
            return Response(response.status, response.body, {**response.headers, "date": date})

        target.handle = handle

        ran = world.call(*command)

        assert_harmless(ran.stderr)
        behind = service == "loop" and year < 2000 and "--from" not in command
        assert ran.code == (4 if behind else 0), "a pass that reads nothing is not complete"


# -------------------------------------------------------------------------------------- memory


@pytest.mark.covers("F105")
@pytest.mark.parametrize("service", ["loop", "jetti"])
def test_a_bomb_is_refused_unopened_and_a_giant_answer_is_bounded(
    directory: Path, figures: Figures, service: str
) -> None:
    """200 MiB behind an encoding that nobody asked for, and a body beyond every cap."""
    with on_the_machine_s_clock(directory) as world:
        world.live()
        world.born()
        calm = _peak(world, "run", "--dry-run", "--against-jetti")
        operation = "list.first" if service == "loop" else "GET *"
        world.breaks(operation, "gzip_bomb", service=service, megabytes=200)
        bombed = _peak(world, "run", "--dry-run", "--against-jetti")
        world.heals()
        giant = "[" + "0," * (20 * MIB) + "0]"
        world.breaks(operation, "raw", service=service, body=giant)
        flooded = _peak(world, "run", "--dry-run", "--against-jetti")

    assert bombed - calm < 16 * MIB
    assert flooded - calm < 100 * MIB
    figures.most("hostile", "MiB above a calm run, bombed", (bombed - calm) // MIB)
    figures.most("hostile", "MiB above a calm run, flooded", (flooded - calm) // MIB)


def _peak(world: RealWorld, *arguments: str) -> int:
    """The most memory that a command had, in bytes."""
    script = (
        "import os, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-m', 'reconciler', *sys.argv[1:]],"
        " capture_output=True)\n"
        "assert b'Traceback' not in done.stderr, done.stderr\n"
        "import resource\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=world.environ,
        cwd=world.directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) * 1024


@pytest.mark.covers("F100")
def test_a_row_with_a_name_twice_is_one_row(world: World) -> None:
    """JSON leaves open which of two counts; whichever it is, it is a return like any other."""
    world.go_live()
    one = world.returned()
    world.pass_time()
    tamper(world.sandbox.loop, lambda row: '"x","id":"../1","id":"7"', "customer")

    ran = world.call("run", "--format", "json")

    assert ran.code in (0, 3)
    assert {change["return_id"] for change in assert_json(ran.stdout)["changes"]} <= {one, "7"}
    assert_only_ids_in_paths(world)
