"""The page `proof.md`, made from the counts of the parts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from proof.counts import Figures
from proof.parts import PARTS, Part, Ran

Results = Mapping[str, tuple[Ran, Figures] | None]

_HEAD = """\
# Proof

What the promises of README rest on. `make proof` runs the long forms of all tests of this kind,
two to three hours on two cores, and writes this page; `make check` runs the short forms.
What each test proves, by fault and by promise, is in [tests/README.md](tests/README.md).
"""

_HARM = ("lost", "stale", "duplicated", "overwritten")

_NOT_COUNTED = "not counted"
"""In place of the figure of a part that was not run, which is not 0."""


def page(results: Results) -> str:
    """The whole page as Markdown."""
    lines = [_HEAD, *_occasion(results), "", "## In short", "", *_table(_short(results))]
    for part in PARTS:
        lines += ["", f"## {part.title}", "", *_section(part, results[part.name])]
    return "\n".join(lines) + "\n"


def _occasion(results: Results) -> Iterator[str]:
    """On which machine, at which commit, and when."""
    # One run of all tests may produce several parts.
    told = (result[0] for result in results.values() if result)
    runs = list({(ran.command, ran.began): ran for ran in told}.values())
    commits = sorted({_state(ran) for ran in runs})
    yield from _table(
        [
            ("commit", ", ".join(commits)),
            ("written", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
            ("parts that did not pass", ", ".join(_missing(results)) or "none"),
            ("running time of all parts", f"{sum(ran.seconds for ran in runs) / 60:.0f} min"),
            *_machines(runs),
        ]
    )


def _machines(runs: Collection[Ran]) -> Iterator[tuple[str, str]]:
    """The machines that the parts ran on: one value where they agree."""
    names = dict.fromkeys(name for ran in runs for name in ran.machine)
    for name in names:
        found = dict.fromkeys(ran.machine[name] for ran in runs if name in ran.machine)
        yield name, "; ".join(found)


def _missing(results: Results) -> Iterator[str]:
    for part in PARTS:
        result = results[part.name]
        if result is None:
            yield f"{part.name} (not run)"
        elif result[0].code:
            yield f"{part.name} (failed)"


def _state(ran: Ran) -> str:
    return ran.commit if ran.clean else f"{ran.commit} and uncommitted changes"


def _short(results: Results) -> Iterator[tuple[str, str]]:
    """The main figures; each is explained with its part."""
    counted = {name: result[1] if result else Figures() for name, result in results.items()}
    for harm in _HARM:
        yield f"**returns {harm}**", f"**{_total(counted, harm)}**"
    yield "returns", _total(counted, "returns")
    yield from _drawn(counted["histories"])
    cells = [count for key, count in counted["faults"].counts.items() if " | " in key]
    yield "cells of the fault matrix", _sum(cells)
    points = {name: len(seen) for name, seen in counted["crashes"].names.items()}
    killed = _listed(points, "crashes/points covered", "crashes/points existing")
    yield "points at which a run was killed, of", killed
    hostile = counted["hostile"].counts
    escaped = [f"hostile/{what}" for what in ("requests to foreign origins", "secrets found")]
    yield "requests to foreign origins, secrets found", _listed(hostile, *escaped)
    suite, bite = counted["suite"].counts, counted["ablations"].counts
    yield ("coverage of lines, of branches", f"{_share(suite, 'suite/lines')}, "
           f"{_share(suite, 'suite/branches')}")  # fmt: skip
    yield "ablations caught, of", _listed(bite, "ablations/caught", "ablations/all")
    mutants = counted["mutants"].counts
    yield "mutants killed, of", _listed(mutants, "mutants/killed", "mutants/all")
    peaks = [v for k, v in counted["scale"].largest.items() if k.endswith("MiB")]
    yield "peak memory at 100,000 returns", f"{max(peaks):.0f} MiB" if peaks else _NOT_COUNTED


def _drawn(histories: Figures) -> Iterator[tuple[str, str]]:
    """What happened in the random histories."""
    counts = {key.removeprefix("histories/"): n for key, n in histories.counts.items()}
    faults = [count for name, count in counts.items() if name.startswith("faults: ")]
    for row, names in (
        ("histories, steps", ("histories", "steps")),
        ("indeterminate writes", ("indeterminate writes",)),
        ("dry runs, writes of theirs", ("dry runs", "writes of dry runs")),
        ("left for a person, each explained", ("reviews, explained",)),
    ):
        yield row, _listed(counts, *names)
    yield "faults, deaths in histories", f"{_sum(faults)}, {_listed(counts, 'crashes')}"
    yield "seeds", ", ".join(sorted(histories.names.get("histories/seeds", (_NOT_COUNTED,))))


def _listed(counts: Mapping[str, int], *names: str) -> str:
    """The counts in this order, separated by commas."""
    return ", ".join(f"{counts[name]:,}" if name in counts else _NOT_COUNTED for name in names)


def _total(counted: Mapping[str, Figures], what: str) -> str:
    found = [figures.counts.get(f"{name}/{what}") for name, figures in counted.items()]
    return _sum([count for count in found if count is not None])


def _sum(counts: Collection[int]) -> str:
    return f"{sum(counts):,}" if counts else _NOT_COUNTED


def _share(counts: Mapping[str, int], what: str) -> str:
    whole = counts.get(what, 0)
    return f"{counts.get(f'{what} covered', 0) / whole:.1%}" if whole else _NOT_COUNTED


def _section(part: Part, result: tuple[Ran, Figures] | None) -> Iterator[str]:
    if result is None:
        yield f"Not run. `python {' '.join(part.command)}`"
        return
    ran, figures = result
    verdict = "passed" if ran.code == 0 else f"FAILED with exit code {ran.code}"
    tests = f", {ran.tests}" if ran.tests else ""
    yield (
        f"`{ran.command}` {verdict}{tests}; {ran.seconds / 60:.1f} min from "
        f"{ran.began:%Y-%m-%d %H:%M} UTC, commit {_state(ran)}."
    )
    rows = [*_counts(part, figures), *_largest(part, figures)]
    if cells := {key: n for key, n in figures.counts.items() if " | " in key}:
        rows = [row for row in rows if " | " not in row[0]]
        rows.append(("cells", f"{sum(cells.values()):,}"))
    if rows:
        yield ""
        yield from _table(rows)
    yield from _matrix(part, cells)
    yield from _names(part, figures)


def _counts(part: Part, figures: Figures) -> Iterator[tuple[str, str]]:
    for key, count in sorted(figures.counts.items()):
        yield key.removeprefix(f"{part.name}/"), f"{count:,}"


def _largest(part: Part, figures: Figures) -> Iterator[tuple[str, str]]:
    for key, value in sorted(figures.largest.items()):
        yield key.removeprefix(f"{part.name}/"), f"{value:,g}"


def _matrix(part: Part, cells: Mapping[str, int]) -> Iterator[str]:
    """A table with a row per operation and a column per fault."""
    by_operation: dict[str, list[str]] = {}
    for key, count in sorted(cells.items()):
        operation, fault = key.removeprefix(f"{part.name}/").split(" | ", 1)
        by_operation.setdefault(operation, []).append(f"{fault} {count}")
    if by_operation:
        yield ""
        yield "Cells by operation and fault:"
        yield ""
        yield from _table((name, ", ".join(faults)) for name, faults in by_operation.items())


def _names(part: Part, figures: Figures) -> Iterator[str]:
    for key, seen in sorted(figures.names.items()):
        yield ""
        shown = ", ".join(sorted(seen))
        yield f"{key.removeprefix(f'{part.name}/')} ({len(seen)}): {shown}"


def _table(rows: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for name, value in rows:
        yield f"| {_cell(name)} | {_cell(value)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
