"""The program as a process, in the bare environment that cron gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import report_schema
from tests.support.loaded import Loaded

KEYS = {"LOOP_API_KEY": "canary-loop-5f2c", "JETTI_API_TOKEN": "canary-jetti-81d0"}


def reconciler(
    *arguments: str, cwd: Path, stdin: int = subprocess.DEVNULL, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run it with nothing but this in its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        env=bare(cwd) | environ,
        cwd=cwd,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    report_schema.check(arguments, done.stdout)
    return done


def loaded_reconciler(
    *arguments: str, cwd: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The same without the cost of a start, for the many that are refused before they begin."""
    process = Loaded(
        arguments,
        env=bare(cwd) | environ,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def bare(home: Path) -> dict[str, str]:
    """Almost nothing; coverage and the like are not inherited."""
    return {"HOME": str(home), "PATH": os.defpath}
