"""The figures in README: `make bench` prints them, and fails if one misses its target.

Each is measured on whole processes against the sandbox over loopback sockets, without rate limits.
Wall time and peak memory are the operating system's (`wait4`); of several runs the median counts.
Run it on an idle machine: the sandbox shares its cores with the program.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving

PROGRAM = [sys.executable, "-m", "reconciler"]
RETURNS = 10_000
TOGETHER = 20


@dataclass
class Measured:
    """The measurements of one process from start to end."""

    seconds: float
    mebibytes: float
    code: int
    stdout: bytes


@dataclass
class Figure:
    """One line of the table."""

    name: str
    value: float
    target: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.value <= self.target


# Starts the program from a small process: on Linux a child's peak memory starts at that of the
# process that forked it, and ours contains the sandbox.
LAUNCHER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - began, usage.ru_maxrss, os.waitstatus_to_exitcode(status),
      file=sys.stderr)
"""


def measure(
    arguments: list[str], environ: dict[str, str], *, may_exit: tuple[int, ...] = (0,)
) -> Measured:
    """Run the program once."""
    launched = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *PROGRAM, *arguments],
        env=environ,
        capture_output=True,
        check=True,
    )
    seconds, kibibytes, code = launched.stderr.decode().split()
    if int(code) not in may_exit:
        raise SystemExit(f"reconciler {' '.join(arguments)} exited with {code}")
    return Measured(float(seconds), int(kibibytes) / 1024, int(code), launched.stdout)


@contextlib.contextmanager
def served(**options: object) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A sandbox without rate limits, and the environment for a program that uses it."""
    sandbox = Sandbox(SandboxOptions(rate_limits=False, **options))  # type: ignore[arg-type]
    with serving(sandbox), tempfile.TemporaryDirectory() as directory:
        yield (
            sandbox,
            {
                **sandbox.environment(),
                "PATH": os.defpath,
                "HOME": directory,
                "RECONCILER_LEDGER": f"sqlite:///{Path(directory) / 'ledger.db'}",
                "RECONCILER_LOOP__REQUESTS_PER_MINUTE": "1000000",
                "RECONCILER_JETTI__READS_PER_SECOND": "1000",
                "RECONCILER_JETTI__WRITES_PER_SECOND": "1000",
            },
        )


def help_text() -> list[Figure]:
    runs = [measure(["--help"], {"PATH": os.defpath}) for _ in range(9)]
    return [Figure("reconciler --help, wall", _median(runs), 0.15, "s")]


def idle() -> list[Figure]:
    """A pass that finds nothing new, on a ledger that knows a few hundred returns."""
    with served(returns=300, seed=2) as (_, environ):
        measure(["init", "--since", "2h"], environ)
        measure(["run", "--sweep", "200d"], environ, may_exit=(0, 3))
        measure(["run"], environ, may_exit=(0, 3))
        runs = [measure(["run"], environ, may_exit=(0, 3)) for _ in range(9)]
    return [
        Figure("idle run, wall", _median(runs), 0.5, "s"),
        Figure("idle run, peak memory", max(run.mebibytes for run in runs), 60, "MiB"),
    ]


def cold() -> list[Figure]:
    """10,000 returns that are new to the ledger; the guard stops the plan, as it should."""
    with served(returns=RETURNS, orders_in_jetti=False) as (_, environ):
        runs = []
        for _ in range(3):
            ledger = Path(environ["RECONCILER_LEDGER"].removeprefix("sqlite:///"))
            ledger.unlink(missing_ok=True)
            measure(["init", "--since", "210d"], environ)
            runs.append(measure(["run"], environ, may_exit=(7,)))
            told = json.loads(
                measure(["status", "--format", "json"], environ, may_exit=(3,)).stdout
            )
            recorded = sum(told["facts"]["states"].values())
            if recorded != RETURNS:
                raise SystemExit(f"{recorded} returns were recorded, not {RETURNS}")
    return [
        Figure("10,000 returns cold, wall", _median(runs), 3.0, "s"),
        Figure("10,000 returns cold, peak memory", max(r.mebibytes for r in runs), 90, "MiB"),
    ]


def requests_per_return(*, answer_items: bool) -> list[Figure]:
    """Twenty new one-line returns in one run."""
    start = datetime.now(UTC)
    with served(returns=0) as (sandbox, environ):
        sandbox.jetti.switches.cancel_answer_items = answer_items
        measure(["init", "--since", "1d"], environ)
        for number in range(TOGETHER):
            order = _order(number, start)
            sandbox.jetti.store.import_sale(order)
            sandbox.loop.store.add_return(order, at=start - timedelta(hours=1))
        ran = measure(["run", "--format", "json"], environ)
    report = json.loads(ran.stdout)
    if report["counts"]["created"] != TOGETHER:
        raise SystemExit(f"created {report['counts']['created']}, not {TOGETHER}")
    jetti = report["requests"]["jetti"]
    items = "with" if answer_items else "without"
    reads = 0.5 if answer_items else 1.5
    return [
        Figure(
            f"writes per fresh return (create answers {items} items)",
            jetti["write"] / TOGETHER,
            3,
            "",
        ),
        Figure(
            f"reads per fresh return (create answers {items} items)",
            jetti["get"] / TOGETHER,
            reads,
            "",
        ),
    ]


def _order(number: int, now: datetime) -> SandboxOrder:
    line = SandboxOrderLine(
        order_line_id=str(11_500_000_000_000 + number),
        variant_id=str(41_800_000_000_000 + number),
        product_id=str(7_000_000 + number),
        sku=f"SKU-{number}",
        title="Thing",
        quantity=1,
        price="25.00",
        vendor=f"Vendor {number % 7}",
    )
    return SandboxOrder(
        str(4_800_000_000_000 + number), f"#{1000 + number}", now - timedelta(days=9), (line,)
    )


def _median(runs: list[Measured]) -> float:
    return statistics.median(run.seconds for run in runs)


def main() -> int:
    figures = [
        *help_text(),
        *idle(),
        *cold(),
        *requests_per_return(answer_items=True),
        *requests_per_return(answer_items=False),
    ]
    for figure in figures:
        verdict = "ok" if figure.holds else "MISSED"
        print(
            f"{figure.name:55} {figure.value:8.2f} {figure.unit:4} "
            f"(at most {figure.target:g})  {verdict}"
        )
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
