"""Whole processes, measured by the operating system."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

PROGRAM = (sys.executable, "-m", "reconciler")

# Starts the program from a small process: on Linux a child's peak memory starts at that of the
# process that forked it, and ours contains the sandbox.
_LAUNCHER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss,
      os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


@dataclass
class Measured:
    """The measurements of one process from start to end."""

    seconds: float
    """By the clock on the wall."""
    cpu: float
    """Seconds of the processor."""
    mebibytes: float
    """Peak of its memory."""
    stdout: bytes


def measure(
    command: Sequence[str], environ: dict[str, str], *, may_exit: Sequence[int] = (0,)
) -> Measured:
    """Run a command once. Ends the benchmark where it ends with another code."""
    launched = subprocess.run(
        [sys.executable, "-c", _LAUNCHER, *command], env=environ, capture_output=True, check=True
    )
    seconds, cpu, kibibytes, code = launched.stderr.decode().split()
    if int(code) not in may_exit:
        raise SystemExit(f"{' '.join(command[-6:])} ended with {code}")
    return Measured(float(seconds), float(cpu), int(kibibytes) / 1024, launched.stdout)


def reconciler(
    arguments: Sequence[str], environ: dict[str, str], *, may_exit: Sequence[int] = (0,)
) -> Measured:
    """Run the program once."""
    return measure([*PROGRAM, *arguments], environ, may_exit=may_exit)


def median(runs: Sequence[Measured]) -> Measured:
    """The run of median wall time, with the highest memory of all."""
    middle = statistics.median_low([run.seconds for run in runs])
    [run, *_] = [run for run in runs if run.seconds == middle]
    return Measured(run.seconds, run.cpu, max(one.mebibytes for one in runs), run.stdout)
