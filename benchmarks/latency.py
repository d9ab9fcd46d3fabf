"""What a latency of 150 ms costs: an idle pass, and the rate of requests to Jetti."""

from __future__ import annotations

import itertools

from benchmarks.figures import Figure
from benchmarks.processes import median, reconciler
from benchmarks.shop import Shop, shop
from reconciler.sandbox.faults.registry import Fault, ServiceName

LATENCY = 0.15
COSTS = {"GET": 0.5, "POST": 1.0, "PUT": 1.0}
"""Seconds of Jetti's documented limit."""


def figures(runs: int, returns: int) -> list[Figure]:
    """Medians of `runs` idle passes; the pace of one pass that pushes `returns` fresh returns."""
    return [_idle_pass(runs), *_pace(returns)]


def _idle_pass(runs: int) -> Figure:
    with shop(returns=0) as opened:
        reconciler(["init", "--since", "2h"], opened.environ)
        reconciler(["run"], opened.environ)
        near, far = [], []
        for _ in range(runs):
            near.append(reconciler(["run"], opened.environ))
            _delay(opened, "loop")
            far.append(reconciler(["run"], opened.environ))
            opened.sandbox.faults.clear()
    longer = median(far).seconds - median(near).seconds
    return Figure(
        "idle pass at 150 ms, round trips above loopback",
        longer / LATENCY,
        1.5,
        beside=f"{longer * 1000:.0f} ms",
    )


def _pace(returns: int) -> list[Figure]:
    with shop(returns=0) as opened:
        reconciler(["init", "--since", "1d"], opened.environ)
        opened.prove_the_id_list()
        opened.fresh_returns(returns)
        _delay(opened, "jetti")
        opened.sandbox.request_log.clear()
        limits = {"jetti__reads_per_second": "2", "jetti__writes_per_second": "1"}
        reconciler(["run"], opened.with_settings(**limits))
        log = [one for one in opened.sandbox.request_log.all() if one.service == "jetti"]
    shares = []
    for first, second in itertools.pairwise(log):
        # No second may hold more than one second's cost: at least the higher of both lies between.
        least = max(COSTS[first.method], COSTS[second.method])
        shares.append((least, (second.at - first.at).total_seconds()))
    took = sum(actual for _, actual in shares)
    return [
        Figure(
            "Jetti's rate used at 150 ms",
            sum(least for least, _ in shares) / took,
            0.97,
            beside=f"{len(log)} requests in {took:.1f} s",
            at_least=True,
        ),
        Figure(
            "closest requests to Jetti, by the least distance",
            min(actual / least for least, actual in shares),
            1,
            at_least=True,
        ),
    ]


def _delay(opened: Shop, service: ServiceName) -> None:
    """From now on every answer comes late."""
    opened.sandbox.faults.add(Fault(service, "delay", "*", parameters={"seconds": LATENCY}))
