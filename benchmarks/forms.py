"""A long report in each form: the processor time and memory that it takes, and its size."""

from __future__ import annotations

import json
import os
import statistics
import sys

from benchmarks.figures import Figure
from benchmarks.processes import measure
from reconciler.reports.forms import RUN

SECONDS = 2.0
PEAK = 120.0
"""MiB, of the whole process with the report in it."""
SIZE = 3.0
"""MB, of the page."""

_PROGRAM = """
import json, sys, time
from benchmarks.large_report import large_report
report = large_report(int(sys.argv[2]))
began = time.process_time()
from reconciler.reports.forms import rendered
text = rendered(report, sys.argv[1])
print(json.dumps([time.process_time() - began, len(text.encode())]))
"""


def figures(changes: int, runs: int) -> list[Figure]:
    """Medians of `runs` processes for each form. The import of what renders it counts, too; time is
    the processor's, because it waits for nothing."""
    return [figure for form in RUN for figure in _of(form, changes, runs)]


def _of(form: str, changes: int, runs: int) -> list[Figure]:
    command = [sys.executable, "-c", _PROGRAM, form, str(changes)]
    environ = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)}
    measured = [measure(command, environ) for _ in range(runs)]
    seconds, sizes = zip(*(json.loads(one.stdout) for one in measured), strict=True)
    megabytes = sizes[0] / 1e6
    name = f"a report of {changes:,} changes as {form}"
    found = [
        Figure(name, statistics.median(seconds), SECONDS, "s", f"{megabytes:.2f} MB"),
        Figure(f"{name}, peak memory", max(one.mebibytes for one in measured), PEAK, "MiB"),
    ]
    if form == "html":
        found.append(Figure(f"{name}, size", megabytes, SIZE, "MB"))
    return found
