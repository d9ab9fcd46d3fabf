"""SQLite's errors as LedgerError: which ledger, what is wrong, what to do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from reconciler.core.commands import WHAT_DATE_IS, init_adopt
from reconciler.errors import LedgerError

ANSWERS: tuple[type[Exception], ...] = (
    SQLAlchemyError,
    sqlite3.Error,
    msgspec.MsgspecError,
    UnicodeDecodeError,
)
"""What may be raised where SQL is executed and rows are read. UnicodeDecodeError: SQLite's message
about a damaged schema may quote bytes that are not text, which the driver cannot decode."""

RESTORE = (
    "restore it from a backup, or move it away and start again with "
    f"`{init_adopt()}`, {WHAT_DATE_IS}"
)

_LOCKED = (
    "is locked by another program",
    "close whatever has it open (a database browser, a backup) and run again",
)
_CORRUPT = ("is corrupt", RESTORE)

# Primary result codes (https://sqlite.org/rescode.html).
_NO_MEMORY, _DAMAGED = 7, 11
_MEANING: dict[int, tuple[str, str]] = {
    3: ("may not be used by this user", "run as the user that owns it"),
    5: _LOCKED,
    6: _LOCKED,
    8: ("is read-only", "make the file and its directory writable, or mount the disk writable"),
    10: ("met a disk error", "check whether the disk is full or failing (`df`, `dmesg`)"),
    _DAMAGED: _CORRUPT,
    13: ("cannot grow: the disk is full", "make room on its disk and run again"),
    14: ("cannot be opened", "check that its directory exists and is readable for this user"),
    26: ("is not a database", RESTORE),
}


def to_ledger_error(error: Exception, name: str) -> Exception:
    """The LedgerError that says the same; an error that is not SQLite's is returned as it is."""
    if isinstance(error, UnicodeDecodeError):
        return LedgerError(f"the ledger {name} is corrupt", RESTORE)
    if isinstance(error, msgspec.MsgspecError):
        return LedgerError(f"the ledger {name} holds a row that cannot be understood", RESTORE)
    origin = error.orig if isinstance(error, StatementError) else error
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", None) or 0
        what, hint = _MEANING.get(code & 0xFF, ("refused a statement", None))
        return LedgerError(f"the ledger {name} {what} ({origin})", hint)
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError) and origin:
        return origin if isinstance(origin, Exception) else error
    return LedgerError(f"the ledger {name} could not be used ({type(error).__name__})")


def unsound(verdict: str, name: str) -> Exception:
    """The error for what a check of the whole file found: damage, or a read that failed.

    SQLite reports a failed read as a finding, too (`unable to get the page. error code=7`). Where
    memory or the disk failed, the ledger is sound, and the hint must not be to move it away.
    """
    failed = re.search(r"error code=(\d+)", verdict)
    code = int(failed[1]) & 0xFF if failed else _DAMAGED
    # safeguard: no-memory-is-no-damage
    if code == _NO_MEMORY:
        return MemoryError()
    what, hint = _MEANING.get(code, _CORRUPT)
    return LedgerError(f"the ledger {name} {what} ({verdict})", hint)


@contextmanager
def as_ledger_errors(name: str) -> Iterator[None]:
    """Errors of SQLite and of the disk in this block are raised as LedgerError."""
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f"the ledger {name} cannot be used: {error.strerror or error}",
            "check that its disk has room and is writable for this user",
        ) from error
    except ANSWERS as error:
        raise to_ledger_error(error, name) from error
