"""The program as a process of its own that need not load itself: most of what a start costs.

It is forked from a process that has it loaded, and is a child of this one like any other: with its
own pid, signals, streams, environment and exit code. A start from nothing, by a shell, by cron or
by a service manager, is what `tests/cli` and `tests/deploy` prove.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

import reconciler
from tests.support import loaded_process
from tests.support.loaded_process import Start

_PR_SET_CHILD_SUBREAPER = 36
_TESTS = Path(__file__).parents[2]
_PROJECT = Path(reconciler.__file__).parent.parent


class _Nursery:
    """The process that has the program loaded."""

    def __init__(self) -> None:
        self._asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with asked:
            self._process = subprocess.Popen(
                [sys.executable, "-m", loaded_process.__name__, str(asked.fileno())],
                stdin=subprocess.DEVNULL,
                env={
                    "PATH": os.defpath,
                    "PYTHONPATH": os.pathsep.join(map(str, (_TESTS, _PROJECT))),
                },
                pass_fds=[asked.fileno()],
            )
        self._one_at_a_time = threading.Lock()
        atexit.register(self.close)

    def start(self, start: Start, streams: list[int]) -> int:
        """The pid of a child of this process."""
        with self._one_at_a_time, _taking_in_orphans():
            socket.send_fds(self._asks, [msgspec.json.encode(start)], streams)
            return int(self._asks.recv(32))

    def close(self) -> None:
        self._asks.close()
        self._process.wait(timeout=30)


_nursery: _Nursery | None = None


@contextmanager
def _taking_in_orphans() -> Iterator[None]:
    """An orphan below this process is its own child, and not the first process's."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class Loaded(subprocess.Popen[str]):
    """`python -m reconciler` with these arguments, as `subprocess.Popen` has it."""

    def _execute_child(self, args: Any, *more: Any) -> None:
        """Where `Popen` forks; the order of its arguments is the same from Python 3.11 to 3.14."""
        global _nursery
        directory, environ = more[4], more[5]
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = more[9:15]
        if _nursery is None:
            _nursery = _Nursery()
        streams = [
            given if given >= 0 else number
            for number, given in enumerate((p2cread, c2pwrite, errwrite))
        ]
        start = Start(tuple(args), dict(environ), str(directory))
        self.pid = _nursery.start(start, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
