"""Days with a backlog, on the sandbox's clock: what the program tells of it, and what fresh returns
wait for. `python -m benchmarks.backlog` prints the figures of docs/performance.md.

Nothing is measured in real time, so the figures are the same on every machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from tests.support.scarcity import Lived, Scarcity, busy_shop

FIVE_MINUTES = Scarcity(backlog=3_000, interval=300, fresh_every=180)
"""As cron.example, the systemd timer and `serve` have it."""
DAYS = Scarcity(backlog=10_000, interval=1_800, fresh_every=1_200)
"""A backlog of a hundred thousand would take hours of real time."""


def _lived(scarcity: Scarcity, beside: Lived | None = None) -> Lived:
    with tempfile.TemporaryDirectory() as directory, busy_shop(Path(directory), scarcity) as shop:
        return shop.live(beside.lasted) if beside else shop.live()


def lines(scarcity: Scarcity) -> Iterator[str]:
    """What it came to, with the backlog and without."""
    with_it = _lived(scarcity)
    without = _lived(replace(scarcity, backlog=0), with_it)
    yield (
        f"a backlog of {scarcity.backlog}, a pass every {scarcity.interval / 60:.0f} min,"
        f" {len(with_it.delays)} fresh returns: done after {with_it.lasted}"
    )
    for share in (0.5, 0.95, 1.0):
        delay, alone = with_it.delay(share) / 60, without.delay(share) / 60
        yield f"  {share:.0%} of them within {delay:.1f} min, without a backlog {alone:.1f} min"
    measured = [(left, truth) for left, truth in with_it.truths() if left.is_measured]
    for left, truth in measured[:: len(measured) // 6 or 1]:
        wrong = left.seconds_left / truth - 1
        yield f"  {left.left:6} left: estimated {left.seconds_left / 3600:5.1f} h, {wrong:+.1%}"
    early = [(left, truth) for left, truth in measured if truth > 10 * scarcity.interval]
    errors = [abs(left.seconds_left / truth - 1) for left, truth in early]
    worst = max(errors, default=0.0)
    yield f"  {len(errors)} estimates before the last ten passes: wrong by {worst:.1%} at most"


def main() -> None:
    """Print both."""
    for scarcity in (FIVE_MINUTES, DAYS):
        for line in lines(scarcity):
            click.echo(line)


if __name__ == "__main__":
    main()
