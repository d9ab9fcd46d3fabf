"""The figures can be measured; what they come to is judged on an idle machine, by `make bench`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks import backlog
from benchmarks.figures import Figure
from tests.support.scarcity import Scarcity

ROOT = Path(__file__).parent.parent


def test_every_figure_is_measured_and_none_is_judged_in_a_smoke_run() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    rows = ran.stdout.splitlines()[:-1]
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(rows) == 33
    assert all("not judged" in row for row in rows)


def test_days_with_a_backlog_are_told_on_a_clock_that_is_not_ours() -> None:
    few = Scarcity(backlog=120, interval=1_200, fresh_every=300)

    title, *delays = backlog.lines(few)

    assert re.fullmatch(
        r"a backlog of 120, a pass every 20 min, \d+ fresh .*: done after .*", title
    )
    assert [line.split()[0] for line in delays[:3]] == ["50%", "95%", "100%"]
    assert all(line.count("min") == 2 for line in delays[:3])


def test_a_figure_holds_up_to_its_limit() -> None:
    assert Figure("time", 2.0, 2).holds
    assert not Figure("time", 2.01, 2).holds
    assert Figure("rate", 2.0, 2, at_least=True).holds
    assert not Figure("rate", 1.99, 2, at_least=True).holds


def test_a_missed_limit_is_shown() -> None:
    assert "MISSED" in Figure("time", 3.0, 2, "ms", "beside").row(judged=True)
    assert "MISSED" not in Figure("time", 1.0, 2).row(judged=True)
