"""What every command costs before it does anything, and a pass that finds nothing to do."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchmarks import floors
from benchmarks.figures import Figure
from benchmarks.processes import Measured, median, reconciler
from benchmarks.shop import shop


def figures(runs: int) -> list[Figure]:
    """Medians of `runs` rounds; the floors are measured in turn with the program."""
    bare, helped = _in_turn(
        runs,
        lambda: floors.python(floors.INTERPRETER, {"PATH": os.defpath}),
        lambda: reconciler(["--help"], {"PATH": os.defpath}),
    )
    with shop(returns=300, seed=2) as opened:
        environ = opened.environ
        reconciler(["init", "--since", "2h"], environ)
        reconciler(["run", "--sweep", "200d"], environ, may_exit=(0, 3))
        reconciler(["run"], environ, may_exit=(0, 3))
        imports, idle, status, show = _in_turn(
            runs,
            lambda: floors.python(floors.IMPORTS, environ),
            lambda: reconciler(["run"], environ, may_exit=(0, 3)),
            lambda: reconciler(["status"], environ, may_exit=(0, 3)),
            lambda: reconciler(["show", "31000001"], environ),
        )
    return [
        Figure(
            "--help, by the bare interpreter",
            helped.seconds / bare.seconds,
            4,
            beside=f"{helped.seconds:.3f} s by {bare.seconds:.3f} s",
        ),
        Figure(
            "idle pass, by the bare imports",
            idle.seconds / imports.seconds,
            IDLE,
            beside=f"{idle.seconds:.2f} s by {imports.seconds:.2f} s",
        ),
        Figure("idle pass, peak memory", idle.mebibytes, 60, "MiB"),
        Figure("status, by an idle pass", status.seconds / idle.seconds, 1),
        Figure("show, by an idle pass", show.seconds / idle.seconds, 1),
    ]


IDLE = 1.45


def _in_turn(runs: int, *commands: Callable[[], Measured]) -> list[Measured]:
    """The median of each, measured one after the other in every round, so that a machine that
    slows down slows all of them."""
    rounds = [[command() for command in commands] for _ in range(runs)]
    return [median(column) for column in zip(*rounds, strict=True)]
