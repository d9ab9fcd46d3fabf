"""What a fresh return of one line costs: processor, requests, and returns a second."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.processes import Measured, reconciler
from benchmarks.shop import shop

COMMITS = 6
"""Synced commits of one return: an intent and a record for each of its three writes."""


def figures(returns: int) -> list[Figure]:
    """Of one pass with that number, in either form of the answer to a create."""
    with_items, idle, rate = _pass(returns, answer_items=True)
    without_items, _, _ = _pass(returns, answer_items=False)
    cpu = (with_items.cpu - idle.cpu) / returns
    a_second = returns / (with_items.seconds - idle.seconds)
    possible = min(60.0, rate / COMMITS)
    return [
        Figure("processor time of a fresh return", cpu * 1000, CPU, "ms"),
        Figure(
            "fresh returns a second, by what the disk allows",
            a_second / possible,
            SHARE,
            beside=f"{a_second:.0f} a second; {rate:.0f} synced commits a second",
            at_least=True,
        ),
        *_requests(with_items, returns, "with", READS_WITH),
        *_requests(without_items, returns, "without", READS_WITHOUT),
    ]


CPU = 12.0
SHARE = 1.0
READS_WITH = 0.2
READS_WITHOUT = 0.5


def _pass(returns: int, *, answer_items: bool) -> tuple[Measured, Measured, float]:
    """The pass, an idle one on the same ledger, and synced commits a second on its disk."""
    with shop(returns=0) as opened:
        opened.sandbox.jetti.switches.cancel_answer_items = answer_items
        reconciler(["init", "--since", "1d"], opened.environ)
        opened.prove_the_id_list()
        opened.fresh_returns(returns)
        ran = reconciler(["run", "--format", "json"], opened.environ)
        idle = reconciler(["run"], opened.environ)
        created = json.loads(ran.stdout)["counts"]["created"]
        if created != returns:
            raise SystemExit(f"{created} returns were created, not {returns}")
        return ran, idle, _commits_a_second(opened.ledger.with_name("other.db"))


def _commits_a_second(path: Path, commits: int = 100) -> float:
    """Of one row each, as the ledger syncs them."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = TRUNCATE")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE rows (number INTEGER)")
        began = time.perf_counter()
        for number in range(commits):
            database.execute("INSERT INTO rows VALUES (?)", (number,))
        return commits / (time.perf_counter() - began)


def _requests(ran: Measured, returns: int, items: str, reads: float) -> list[Figure]:
    jetti = json.loads(ran.stdout)["requests"]["jetti"]
    form = f"of a fresh return (create answers {items} items)"
    return [
        Figure(f"writes {form}", jetti["write"] / returns, 3),
        Figure(f"reads {form}", jetti["get"] / returns, reads),
    ]
