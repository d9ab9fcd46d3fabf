"""Points are named once, reached at one place each, and cost nothing where nobody watches."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from timeit import repeat

import reconciler
from reconciler.failpoints import Failpoint, hit, watched

PACKAGE = Path(reconciler.__file__).parent
EVERY_COST = 1e-6
"""Seconds; a run of ten writes reaches some three hundred points."""


def uses() -> Iterator[tuple[str, Path]]:
    """Every mention of a point outside the file that names them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "failpoints.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "Failpoint"
            ):
                yield node.attr, path


def test_every_point_is_reached_at_exactly_one_place() -> None:
    assert Counter(name for name, _ in uses()) == dict.fromkeys(Failpoint.__members__, 1)


def test_the_core_knows_nothing_of_them() -> None:
    assert [path for _, path in uses() if PACKAGE / "core" in path.parents] == []


def test_a_point_that_nobody_watches_costs_next_to_nothing() -> None:
    times = 10_000

    assert min(repeat(lambda: hit(Failpoint.PLAN_MADE), number=times)) / times < EVERY_COST


def test_only_the_innermost_watcher_is_told() -> None:
    outer: list[Failpoint] = []
    inner: list[Failpoint] = []
    with watched(outer.append):
        with watched(inner.append):
            hit(Failpoint.PLAN_MADE)
        hit(Failpoint.GUARD_PASSED)
    hit(Failpoint.LOCK_TAKEN)

    assert (outer, inner) == ([Failpoint.GUARD_PASSED], [Failpoint.PLAN_MADE])
