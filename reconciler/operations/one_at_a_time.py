"""One process at a time looks what there is to report and reports it.

A pass that ends and `status --notify` from cron would else report the same at the same moment, and
the slower one would overwrite what the other one remembers.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_EVERY = 0.05


@contextmanager
def one_at_a_time(place: Path, wait: float) -> Iterator[None]:
    """Hold the lock in this file, waiting for it up to `wait` seconds.

    Whoever does not get it by then, or cannot open the file, goes on without: rather twice than
    never. The kernel releases it when the process ends.
    """
    try:
        # Not through a link that somebody else has laid there.
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        _acquire(descriptor, time.monotonic() + wait)
        yield
    finally:
        # Not only closed: a child that has not closed its own copy yet would still hold it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _acquire(descriptor: int, deadline: float) -> None:
    while True:
        try:
            # safeguard: one-process-reports
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return
            time.sleep(_LOOK_EVERY)
        except OSError:
            return  # a filesystem without locks
        else:
            return
