"""The death of a process, in this one: what it would still do to its files is undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler import failpoints
from reconciler.failpoints import Failpoint
from tests.support.world import World


class Death(BaseException):
    """The process is gone."""


def dies(world: World, when: Callable[[Failpoint], bool], *options: str, **environ: str) -> None:
    """A run that is killed at the first point for which `when` says so."""
    kept: dict[Path, bytes] = {}
    is_dead = False

    def watch(point: Failpoint) -> None:
        nonlocal is_dead
        if not is_dead and when(point):
            kept.update((file, file.read_bytes()) for file in world.directory.glob("ledger.db*"))
            is_dead = True
        if is_dead:
            raise Death

    with pytest.raises(Death), failpoints.watched(watch):
        world.run(*options, **environ)
    for file in world.directory.glob("ledger.db*"):
        file.unlink()
    for file, content in kept.items():
        file.write_bytes(content)


def nth_hit(number: int) -> Callable[[Failpoint], bool]:
    """The failpoint that is reached as the nth."""
    hits = 0

    def is_reached(_point: Failpoint) -> bool:
        nonlocal hits
        hits += 1
        return hits == number

    return is_reached
