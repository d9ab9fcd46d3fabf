"""The figures of docs/performance.md: `make bench` prints them, and fails if one misses its limit.

Each is measured on whole processes against the sandbox over loopback sockets, and without rate
limits except where they are what is measured.
Times are ratios to the least that could do the same work, measured in the same minutes; of several
runs the median counts. Run it on an idle machine: the sandbox shares its cores with the program.
"""

from __future__ import annotations

import click

from benchmarks import first_day, forms, fresh, latency, start
from proof import machine

SIZES = (1_000, 10_000, 100_000)


@click.command(help=__doc__)
@click.option("--smoke", is_flag=True, help="Each once, on little work, and without a judgement.")
def main(*, smoke: bool) -> None:
    if smoke:
        figures = [*start.figures(1), *first_day.figures((30, 60, 120), 1), *fresh.figures(3)]
        figures += [*latency.figures(1, 1), *forms.figures(60, 1)]
    else:
        figures = [*start.figures(9), *first_day.figures(SIZES, 3), *fresh.figures(200)]
        figures += [*latency.figures(9, 6), *forms.figures(10_000, 3)]
    for figure in figures:
        click.echo(figure.row(judged=not smoke))
    click.echo(", ".join(f"{name} {value}" for name, value in machine.facts()))
    raise SystemExit(0 if smoke or all(figure.holds for figure in figures) else 1)


if __name__ == "__main__":
    main()
