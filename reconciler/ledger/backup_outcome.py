"""The small file beside the ledger in which each routine backup leaves how it went.

Not in the ledger: a backup takes no lock, and one that fails for want of room or because the ledger
is damaged could not write there. It names files and times only, no return.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import msgspec

from reconciler.core.routine_backup import RoutineBackup
from reconciler.errors import LedgerError
from reconciler.fsync import replacing

_LONGEST = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PRIVATE, _READABLE_BY_OTHERS = 0o600, 0o044


def file_of(ledger: Path) -> Path:
    """`ledger.db.backup.json` for `ledger.db`."""
    return ledger.with_name(f"{ledger.name}.backup.json")


def read(ledger: Path) -> RoutineBackup | None:
    """How the last one went; None where none was ever made. Raises LedgerError for a file that
    cannot be read or is not this program's."""
    file = file_of(ledger)
    try:
        content = _content(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"{file} cannot be read: {error.strerror or error}") from error
    try:
        return msgspec.json.decode(content, type=RoutineBackup)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise LedgerError(f"{file} is not what this program writes there") from error


def _content(file: Path) -> bytes:
    """Empty of what is no file, such as a pipe, which would be waited for."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _LONGEST) if is_file else b""
    finally:
        os.close(descriptor)


def write(ledger: Path, outcome: RoutineBackup) -> None:
    """Replace the file as a whole. Raises OSError.

    On a full disk, which is why most backups fail, it is written over in place: if that is cut
    short, nobody can tell how the backup went, which `status` reports as well.

    It is for whoever may read the ledger: its owner, also where root makes the backup, and those
    others to whom the ledger was opened, whose `status` reads it.
    """
    of_ledger = ledger.stat()
    content = msgspec.json.format(msgspec.json.encode(outcome), indent=2) + b"\n"
    try:
        with replacing(file_of(ledger)) as file:
            if of_ledger.st_uid != os.geteuid():
                os.fchown(file.fileno(), of_ledger.st_uid, of_ledger.st_gid)
            os.fchmod(file.fileno(), _PRIVATE | of_ledger.st_mode & _READABLE_BY_OTHERS)
            file.write(content)
    except OSError as error:
        if error.errno not in _FULL or not _is_written_over(file_of(ledger), content):
            raise


def _is_written_over(file: Path, content: bytes) -> bool:
    """Where the file is there, its space is. Raises OSError."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        is_whole = os.pwrite(descriptor, content, 0) == len(content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
        return is_whole
    finally:
        os.close(descriptor)
