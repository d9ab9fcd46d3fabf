"""The cells of the fault matrix that were run, as a table at the end of the tests; and the seeds.

They come with the reports of the tests, which also travel from the workers of a parallel run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

CELL = "fault cell"
"""Under this name a report carries operation, kind of fault and the exit codes of its passes."""
SEED = "seed of histories"

Told = tuple[str, str, tuple[int, ...]]


def cells_of(reporter: pytest.TerminalReporter) -> list[Told]:
    """Every cell that a test ran to its end."""
    return [
        (operation, kind, tuple(codes))
        for report in reporter.getreports("passed")
        for name, value in report.user_properties
        if name == CELL
        for operation, kind, codes in [value]
    ]


def summary(cells: list[Told]) -> Iterator[str]:
    """A line for each operation: cells, kinds of fault, and how the first passes ended."""
    by_operation: dict[str, list[Told]] = defaultdict(list)
    for told in cells:
        by_operation[told[0]].append(told)
    for operation, here in by_operation.items():
        kinds = len({kind for _, kind, _ in here})
        codes = Counter(codes[0] for _, _, codes in here)
        ended = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
        yield f"{operation:<32} {len(here):>5} cells of {kinds} kinds   {ended}"


def table(cells: list[Told]) -> Iterator[str]:
    """Operation by kind of fault: how many cells, and how their first passes ended."""
    codes: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for operation, kind, ended in cells:
        codes[operation, kind][ended[0]] += 1
    for (operation, kind), counts in sorted(codes.items()):
        ended = ", ".join(f"exit {code}: {count}" for code, count in sorted(counts.items()))
        yield f"{operation:<32} {kind:<22} {counts.total():>4} cells   {ended}"


def print_cells(reporter: pytest.TerminalReporter, *, every: bool) -> None:
    """What was run, where anything was."""
    cells = cells_of(reporter)
    if not cells:
        return
    reporter.section("fault matrix")
    for line in table(cells) if every else summary(cells):
        reporter.write_line(line)
    reporter.write_line(f"{len(cells)} cells, each with the end that it should have")


def print_seeds(reporter: pytest.TerminalReporter) -> None:
    """What random histories were drawn from, where any were."""
    seeds = sorted(
        value
        for outcome in ("passed", "failed")
        for report in reporter.getreports(outcome)
        for name, value in report.user_properties
        if name == SEED
    )
    if seeds:
        reporter.write_line(f"random histories of the seeds {', '.join(map(str, seeds))}")
