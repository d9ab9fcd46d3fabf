"""One virtual time for several processes: eight bytes of a file that all of them have mapped."""

from __future__ import annotations

import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.clock import SystemClock
from reconciler.sandbox.clock import SandboxClock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHAPE = struct.Struct("q")


class SharedTime:
    """An instant, to the microsecond. Whoever sets it must be alone with that."""

    def __init__(self, file: Path) -> None:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, _SHAPE.size)
            self._bytes = mmap.mmap(descriptor, _SHAPE.size)
        finally:
            os.close(descriptor)

    def get(self) -> datetime:
        (count,) = _SHAPE.unpack(self._bytes[: _SHAPE.size])
        return _EPOCH + count * _MICROSECOND

    def set(self, instant: datetime) -> None:
        self._bytes[: _SHAPE.size] = _SHAPE.pack((instant - _EPOCH) // _MICROSECOND)


class SharedSandboxClock(SandboxClock):
    """The sandbox's view of it."""

    def __init__(self, time: SharedTime) -> None:
        super().__init__(time.get(), frozen=True)
        self._time = time

    def now(self) -> datetime:
        return self._time.get()

    def set(self, instant: datetime) -> None:
        self._time.set(instant)


class SharedClock(SystemClock):
    """The program's view of it: signals end a wait as they really do, and waiting moves time."""

    def __init__(self, time: SharedTime) -> None:
        super().__init__()
        self._time = time

    def now(self) -> datetime:
        return self._time.get()

    def monotonic(self) -> float:
        return self._time.get().timestamp()

    def wait(self, seconds: float) -> None:
        self.check()
        self._time.set(self._time.get() + timedelta(seconds=max(0.0, seconds)))
        self.check()
