"""The whole suite in its short forms, with line and branch coverage: `python -m proof.suite`.

Only code that runs inside the test processes is measured. Most of `cli/main.py`, `cli/streams.py`
and the like runs in processes of its own and counts as not covered although it is tested.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from proof.bench import ROOT
from proof.counts import Figures, leave


@click.command(help=__doc__)
@click.option(
    "--figures", "directory", type=click.Path(path_type=Path), help="Leave the counts there."
)
def main(directory: Path | None) -> None:
    with TemporaryDirectory() as place:
        report = Path(place, "coverage.json")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--cov=reconciler"]
        command += ["--cov-branch", f"--cov-report=json:{report}", "--cov-report="]
        environ = {"COVERAGE_FILE": str(Path(place, "coverage"))}
        code = subprocess.run(command, cwd=ROOT, env=_with(environ), check=False).returncode
        totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    figures = Figures()
    figures.add("suite", "lines", totals["num_statements"])
    figures.add("suite", "lines covered", totals["covered_lines"])
    figures.add("suite", "branches", totals["num_branches"])
    figures.add("suite", "branches covered", totals["covered_branches"])
    leave(figures, directory, "suite")
    raise SystemExit(code)


def _with(more: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **more}


if __name__ == "__main__":
    main()
