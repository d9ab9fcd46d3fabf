"""The first pass over all returns that a shop has, by the bare fetching of the same pages."""

from __future__ import annotations

from benchmarks import floors
from benchmarks.figures import Figure
from benchmarks.processes import Measured, median, reconciler
from benchmarks.shop import Shop, shop

DAYS = 210
MANY = 10_000
"""More than that are measured once."""
NOTHING_TO_CREATE = {"policy__types__include": "none of these"}


def figures(sizes: tuple[int, int, int], runs: int) -> list[Figure]:
    """Over the middle size, with nothing to create and with the guard stopping all creates, and a
    report on the whole period; and how both grow up to the largest, which is measured once."""
    smallest, returns, largest = sizes
    with shop(returns=returns) as opened:
        floors.fetch(opened, DAYS, returns)  # the pretend shop sorts its returns for the first
        rounds = [
            (
                floors.fetch(opened, DAYS, returns),
                _first_pass(opened, returns),
                _stopped_pass(opened, returns),
            )
            for _ in range(runs)
        ]
        floor, settled, stopped = map(median, zip(*rounds, strict=True))
        period = median([_period(opened) for _ in range(runs)])
    [(small, _), (middle, middle_stopped), (large, large_stopped)] = [
        _without_orders(size, runs) for size in sizes
    ]
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
        _growth("nothing to create", smallest, small, returns, middle),
        _growth("nothing to create", returns, middle, largest, large),
        _growth("stopped by the guard", returns, middle_stopped, largest, large_stopped),
        Figure(
            f"{largest:,} returns, nothing to create, peak memory", large.mebibytes, PEAK, "MiB"
        ),
        Figure(
            f"{largest:,} returns, stopped by the guard, peak memory",
            large_stopped.mebibytes,
            STOPPED_PEAK,
            "MiB",
        ),
        Figure(
            f"report on a period of {returns:,} returns, as html",
            period.cpu,
            PERIOD,
            "s",
            f"{period.mebibytes:.0f} MiB",
        ),
    ]


def _without_orders(returns: int, runs: int) -> tuple[Measured, Measured]:
    """A first pass where Jetti has none of the orders, with nothing to create and stopped by the
    guard: a shop of 100,000 is soon pretended then.

    All sizes are listed once before they are measured: the pretend shop encodes each of its
    returns for the first listing, which takes it as long as half of the pass.
    """
    with shop(returns=returns, orders_in_jetti=False) as opened:
        floors.fetch(opened, DAYS, returns)
        rounds = range(runs if returns <= MANY else 1)
        both = [(_first_pass(opened, returns), _stopped_pass(opened, returns)) for _ in rounds]
    settled, stopped = map(median, zip(*both, strict=True))
    return settled, stopped


def _growth(what: str, fewer: int, small: Measured, more: int, large: Measured) -> Figure:
    return Figure(
        f"{more:,} returns by {fewer:,}, {what}",
        large.seconds / small.seconds,
        1.1 * more / fewer,
        beside=f"{large.seconds:.1f} s by {small.seconds:.2f} s",
    )


SETTLED = 3.0
STOPPED = 2.5
PEAK = 120.0
STOPPED_PEAK = 200e6 / 2**20
"""MiB; the second is 200 MB, which is to do for 100,000 returns whatever becomes of them (F42)."""
PERIOD = 2.0
"""Seconds of the processor, as for any other long report."""


def _period(opened: Shop) -> Measured:
    """All that the passes before have recorded."""
    report = ["report", "--from", f"{DAYS}d", "--by", "reason", "--format", "html"]
    return reconciler(report, opened.environ)


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
