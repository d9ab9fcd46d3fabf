"""The parent's side of `zygote_process`: one command at a time, each in a process that may die."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

import reconciler
from tests.crashes import zygote_process
from tests.crashes.zygote_process import Order, Said

_TESTS = Path(__file__).parents[2]
_PROJECT = Path(reconciler.__file__).parent.parent


class Zygote:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", zygote_process.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(map(str, (_TESTS, _PROJECT)))},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=30)
        if self._process.stdout:
            self._process.stdout.close()

    def run(
        self,
        order: Order,
        *,
        born: Callable[[int], None] = lambda pid: None,
        stopped: Callable[[int], None] = lambda pid: None,
    ) -> int:
        """Let a child carry the order out; its exit code, or minus the signal that ended it.

        `born` and `stopped` are told its pid, before it does anything and whenever it stands still.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        said = self._hear()
        born(said.pid)
        while (said := self._hear()).stopped:
            stopped(said.pid)
        assert said.status is not None
        return os.waitstatus_to_exitcode(said.status)

    def _hear(self) -> Said:
        assert self._process.stdout is not None
        return msgspec.json.decode(self._process.stdout.readline(), type=Said)
