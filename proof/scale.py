"""Memory and time at 100,000 returns: `python -m proof.scale`.

Whole processes against the sandbox over loopback, as in `benchmarks`: a first pass, which the guard
stops after everything is recorded, and a second one with everything still due.
"""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.processes import Measured, reconciler
from benchmarks.shop import shop
from proof.counts import Figures, leave

RETURNS = 100_000
LIMIT = 200.0
"""MiB (F42): a pass must fit into the smallest machines on offer."""
_STOPPED = (7,)


@click.command(help=__doc__)
@click.option(
    "--figures", "directory", type=click.Path(path_type=Path), help="Leave the counts there."
)
@click.option("--returns", type=int, default=RETURNS, show_default=True, help="How many.")
def main(directory: Path | None, returns: int) -> None:
    figures = Figures()
    with shop(returns=returns, orders_in_jetti=False) as opened:
        # Nothing changes meanwhile, so even the last two minutes can be read.
        environ = opened.with_settings(guard__creates="25", loop__lag="0s")
        reconciler(["init", "--since", "210d"], environ)
        _note(figures, "first pass", reconciler(["run"], environ, may_exit=_STOPPED))
        _note(figures, "pass with all still due", reconciler(["run"], environ, may_exit=_STOPPED))
        recorded = opened.recorded()
    figures.add("scale", "returns recorded", recorded)
    leave(figures, directory, "scale")
    peak = max(value for name, value in figures.largest.items() if name.endswith("MiB"))
    raise SystemExit(0 if recorded == returns and peak < LIMIT else 1)


def _note(figures: Figures, what: str, measured: Measured) -> None:
    click.echo(f"{what}: {measured.seconds:.1f} s, {measured.mebibytes:.0f} MiB")
    figures.most("scale", f"{what}, seconds", round(measured.seconds, 1))
    figures.most("scale", f"{what}, peak MiB", round(measured.mebibytes))


if __name__ == "__main__":
    main()
