"""One run at a time. The kernel releases the lock when the process ends, so it never goes stale."""

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

# Seconds: short enough that a waiting run starts soon, long enough to cost nothing.
_LOOK_AGAIN = 0.2
# Seconds to wait at least: `is_locked` holds the lock, too, for less than a thousandth of that.
_LOOKED_AT = 0.5


@contextmanager
def run_lock(ledger: Path, clock: Clock, wait: float = 0.0) -> Iterator[None]:
    """Hold `<ledger>.lock`, waiting up to `wait` seconds for it.

    Raises LedgerLocked when another run holds it for longer, LedgerError when it cannot be opened.
    """
    path = lock_path(ledger)
    # Never deleted: a run that waits on a deleted file would get a lock that no other run sees.
    # Closed in child processes (Python's default), or they would keep the lock.
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LedgerError(
            f"the lock {path} cannot be opened: {error.strerror}",
            "run as the user that owns the ledger, on a writable disk",
        ) from error
    try:
        _acquire(descriptor, path, clock, wait)
        _sign(descriptor, clock)
        hit(Failpoint.LOCK_TAKEN)
        yield
        hit(Failpoint.LOCK_LET_GO)
    finally:
        # Not only closed: a child that has not closed its own copy yet would still hold it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def is_locked(ledger: Path) -> bool | None:
    """Whether a run holds the lock right now; None when that cannot be found out."""
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
    """The lock is beside the ledger."""
    return ledger.with_name(ledger.name + ".lock")


def _acquire(descriptor: int, path: Path, clock: Clock, wait: float) -> None:
    # safeguard: lock-check-turns-no-run-away
    deadline = clock.monotonic() + max(wait, _LOOKED_AT)
    while not _try(descriptor):
        left = deadline - clock.monotonic()
        if left <= 0:
            error = LedgerLocked(
                f"another run holds the lock {path} ({_holder(descriptor)})",
                "let it finish and try again",
            )
            error.waited = wait
            raise error
        clock.wait(min(_LOOK_AGAIN, left))


def _try(descriptor: int) -> bool:
    try:
        # safeguard: ledger-lock
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, clock: Clock) -> None:
    """Write down who holds it, for people; no program relies on it."""
    text = f"process {os.getpid()}, since {iso(clock.now())}\n"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:
        return  # A full disk must not keep a run from reading; the ledger will complain itself.


def _holder(descriptor: int) -> str:
    signed = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
    return signed if signed.isprintable() and signed else "it left no name"
