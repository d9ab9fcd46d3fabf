"""A report as a page: written whole by the program, and at no cost to whoever does not ask."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.html_page import Page
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.world import World

_RUN = """
import json, os, sys
from reconciler.cli import perform
from reconciler.clock import SystemClock
from reconciler.runtime import Runtime
code = perform(sys.argv[1:], Runtime(SystemClock(), os.environ))
ours = {"jinja2", "reconciler.reports.as_html"}
print(json.dumps([code, sorted(ours & sys.modules.keys())]))
"""


@pytest.fixture
def real(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


def loaded_by(world: RealWorld, *arguments: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        env=world.environ, cwd=world.directory, capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    return code, loaded


def test_a_pass_and_its_dry_run_load_nothing_of_a_page_unless_one_is_asked_for(
    real: RealWorld,
) -> None:
    real.live()
    real.born(("Acme", 1))
    page = real.directory / "plan.html"

    assert loaded_by(real, "run", "--dry-run", "--format", "json") == (0, [])
    asked = ("--format", "html", "--output", str(page))
    assert loaded_by(real, "run", "--dry-run", *asked) == (
        0, ["jinja2", "reconciler.reports.as_html"],
    )  # fmt: skip
    assert loaded_by(real, "run") == (0, [])
    assert loaded_by(real, "run") == (0, [])


def test_dry_run_run_and_verification_as_pages(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 1))
    world.pass_time()

    def written(*arguments: str) -> Page:
        file = world.directory / "report.html"
        ran = world.call(*arguments, "--format", "html", "--output", str(file))
        assert (ran.code, ran.stdout) == (0, "")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        return Page(file.read_text(encoding="utf-8"))

    planned = written("run", "--dry-run", "--against-jetti")
    assert planned.title == "Would create 1. Nothing was written. – Dry run (scheduled)"
    [row] = planned.table("Changes").rows
    assert one in row[0]
    assert "Thing 0" in "".join(row)

    pushed = written("run")
    assert pushed.title == "1 created. – Run 1 (scheduled)"
    assert pushed.table("Changes").rows[0][1].startswith("created")

    world.pass_time(hours=3)
    agreed = written("verify")
    assert agreed.title.startswith("Loop, the ledger and Jetti agree on 1 return. – Verification,")


def test_a_page_goes_to_stdout_too_and_a_pass_without_news_has_one(world: World) -> None:
    world.go_live()

    ran = world.call("run", "--format", "html")

    assert ran.code == 0
    assert Page(ran.stdout).title == "Nothing to push from Loop. – Run 1 (scheduled)"
