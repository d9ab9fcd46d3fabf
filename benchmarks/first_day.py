"""The first pass over all returns that a shop has, by the bare fetching of the same pages."""

from __future__ import annotations

from benchmarks import floors
from benchmarks.figures import Figure
from benchmarks.processes import Measured, median, reconciler
from benchmarks.shop import Shop, shop

DAYS = 210
NOTHING_TO_CREATE = {"policy__types__include": "none of these"}


def figures(returns: int, runs: int, largest: int) -> list[Figure]:
    """Over `returns`, with nothing to create and with the guard stopping all of them; and over
    `largest` once, with nothing to create."""
    with shop(returns=returns, orders_in_jetti=False) as opened:
        floor = median([floors.fetch(opened, DAYS, returns) for _ in range(runs)])
        settled = median([_first_pass(opened, returns) for _ in range(runs)])
        stopped = median([_stopped_pass(opened, returns) for _ in range(runs)])
    with shop(returns=largest, orders_in_jetti=False) as opened:
        large = _first_pass(opened, largest)
    beside = f"by {floor.seconds:.2f} s"
    return [
        Figure(
            f"{returns:,} returns, nothing to create, by bare fetching",
            settled.seconds / floor.seconds,
            SETTLED,
            beside=f"{settled.seconds:.2f} s {beside}, {settled.mebibytes:.0f} MiB",
        ),
        Figure(
            f"{returns:,} returns, stopped by the guard, by bare fetching",
            stopped.seconds / floor.seconds,
            STOPPED,
            beside=f"{stopped.seconds:.2f} s {beside}, {stopped.mebibytes:.0f} MiB",
        ),
        Figure(
            f"{largest:,} returns by {returns:,}, nothing to create",
            large.seconds / settled.seconds,
            1.1 * largest / returns,
            beside=f"{large.seconds:.1f} s",
        ),
        Figure(f"{largest:,} returns, peak memory", large.mebibytes, PEAK, "MiB"),
    ]


SETTLED = 9.0
STOPPED = 6.0
PEAK = 160.0
"""MiB."""


def _first_pass(opened: Shop, returns: int) -> Measured:
    return _pass(opened, returns, opened.with_settings(**NOTHING_TO_CREATE), 0)


def _stopped_pass(opened: Shop, returns: int) -> Measured:
    return _pass(opened, returns, opened.with_settings(guard__creates="25"), 7)


def _pass(opened: Shop, returns: int, environ: dict[str, str], code: int) -> Measured:
    opened.ledger.unlink(missing_ok=True)
    reconciler(["init", "--since", f"{DAYS}d"], environ)
    ran = reconciler(["run", "--max-seconds", "3600"], environ, may_exit=(code,))
    # The newest two minutes are left to the next pass.
    if not returns * 0.99 <= opened.recorded() <= returns:
        raise SystemExit(f"{opened.recorded()} returns were recorded, not {returns}")
    return ran
