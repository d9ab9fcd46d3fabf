"""One run at a time: a lock the kernel frees on any death, so that nobody ever cleans up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.clock import Clock
from reconciler.core.instants import iso
from reconciler.errors import LedgerError, LedgerLocked
from reconciler.failpoints import Failpoint, hit

# Short enough that a waiting run starts soon, long enough to cost nothing.
_LOOK_AGAIN = 0.2
# Seconds: `is_locked` holds a lock, too, for less than a thousandth of that.
_LOOKED_AT = 0.5


@contextmanager
def run_lock(ledger: Path, clock: Clock, wait: float = 0.0) -> Iterator[None]:
    """Hold `<ledger>.lock`, waiting for it at most that many seconds; else LedgerLocked."""
    path = lock_path(ledger)
    # Never deleted: whoever waits on a deleted file would hold a lock that nobody else sees.
    # Closed in child processes (Python's default), or they would keep the lock.
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LedgerError(
            f"the lock {path} cannot be opened: {error.strerror}",
            "run as the user that owns the ledger, on a disk that may be written",
        ) from error
    try:
        _acquire(descriptor, path, clock, wait)
        _sign(descriptor, clock)
        hit(Failpoint.LOCK_TAKEN)
        yield
        hit(Failpoint.LOCK_LET_GO)
    finally:
        # Not only closed: a child that has not come round to closing its own would hold it still.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def is_locked(ledger: Path) -> bool | None:
    """Whether a run holds the lock at this moment; None where that cannot be told."""
    try:
        descriptor = os.open(lock_path(ledger), os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def lock_path(ledger: Path) -> Path:
    """The lock lies beside the ledger."""
    return ledger.with_name(ledger.name + ".lock")


def _acquire(descriptor: int, path: Path, clock: Clock, wait: float) -> None:
    # safeguard: lock-check-turns-no-run-away
    deadline = clock.monotonic() + max(wait, _LOOKED_AT)
    while not _try(descriptor):
        left = deadline - clock.monotonic()
        if left <= 0:
            raise LedgerLocked(
                f"another run holds the lock {path} ({_holder(descriptor)})",
                "let it finish and try again; a run can wait for it: `reconciler run --wait 2m`",
            )
        clock.wait(min(_LOOK_AGAIN, left))


def _try(descriptor: int) -> bool:
    try:
        # safeguard: ledger-lock
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, clock: Clock) -> None:
    """Leave our name for people; no program ever decides upon it."""
    text = f"process {os.getpid()}, since {iso(clock.now())}\n"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:
        return  # A full disk must not keep a run from reading; the ledger will complain itself.


def _holder(descriptor: int) -> str:
    signed = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
    return signed if signed.isprintable() and signed else "it left no name"
