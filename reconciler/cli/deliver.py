"""Prints a finished report or writes it to a file. No failure here may undo or hide the pass."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import streams
from reconciler.cli.exit_codes import UNDELIVERED
from reconciler.cli.session import Session
from reconciler.core.text import safe
from reconciler.errors import ConfigError, worst
from reconciler.failpoints import Failpoint, hit
from reconciler.fsync import replacing
from reconciler.log_events import Event

if TYPE_CHECKING:
    from reconciler.core.report import Report


STDOUT = "-"
"""What names stdout in the place of a file."""
_STDOUT = 1
_MOST_LINKS = 40
_LONGEST_NAME = 240  # bytes; the temporary file's name has a few more

_READER_TIMEOUT = 5.0  # seconds; a reader that a shell starts with us is ready much sooner

_log = logging.getLogger(__name__)


def report(made: Report, call: Session, output_format: str, output: str | None) -> int:
    """Deliver the report of a pass; returns the exit code of the whole call."""
    # Whoever chooses another form has something read it, which expects the same each time.
    speaks = output_format != "text" or _has_news(made, call)
    if not (output or speaks):
        return made.run.exit_code

    from reconciler.reports import forms  # late: most passes find nothing to tell

    done = "" if made.run.dry_run else "the pass itself is done and recorded; "
    text = forms.rendered(made, output_format, streams.columns(call.runtime.environ))
    delivered = hand_over(text, output, done)
    return worst({made.run.exit_code, 0 if delivered else UNDELIVERED})


def _has_news(made: Report, call: Session) -> bool:
    """Whether to print a text report. Cron mails all output, so a pass that found nothing prints
    nothing unless on a terminal."""
    if made.run.dry_run or made.run.exit_code:
        return True
    if call.quiet:
        return False
    news = made.changes or made.problems or made.run.failures or made.run.remarks
    return bool(news) or streams.is_terminal()


def hand_over(text: str, output: str | None, done: str = "") -> bool:
    """Print the text or write it to the file; False, with the reason on stderr, if that fails.

    `done` is the part of the hint that says what is done regardless.
    """
    if output in (None, STDOUT) or descriptor_of(Path(output)) == _STDOUT:
        if not streams.print_report(text):
            hint = f"{done}name a file with --output"
            streams.print_error("stdout: the report could not be written", hint)
            return False
        return True
    try:
        write_whole(Path(output), text + "\n")
    except OSError as error:
        streams.print_error(
            f"{output}: the report could not be written: {os.strerror(error.errno or 0)}",
            f"{done}name another file with --output",
        )
        return False
    _log.info("the report is in %s", output, extra=Event.REPORT_WRITTEN.fields)
    return True


def _path(output: str) -> Path:
    """Where to write; a file that is really called `-` is `./-`."""
    return Path("/dev/stdout" if output == STDOUT else output)


def write_whole(path: Path, text: str, patience: float = _READER_TIMEOUT) -> None:
    """Write a file atomically, with mode 0600: a reader sees the old content or the new.

    For a pipe, wait up to `patience` seconds for a reader. Raises OSError.
    """
    number = descriptor_of(path)
    # safeguard: descriptors-are-not-replaced
    if number is not None or (path.exists() and not path.is_file()):
        # Not by its resolved name: a pipe has none.
        opened = _open_special(path, patience) if number is None else os.dup(number)
        with open(opened, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        return
    target = path.resolve()
    with replacing(target) as file:
        file.write(bytes(text, "utf-8", "backslashreplace"))
        file.flush()
        hit(Failpoint.REPORT_WRITTEN)
    hit(Failpoint.REPORT_NAMED)


def descriptor_of(path: Path) -> int | None:
    """The open descriptor that a path such as /dev/stdout or /dev/fd/3 refers to, or None.

    It must be written to as it is, not reopened or replaced: a shell may append to it.
    """
    ours = os.path.realpath("/proc/self/fd")
    for _ in range(_MOST_LINKS):
        if path.name.isdigit() and os.path.realpath(path.parent) == ours:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def require_writable(output: str | None, option: str = "--output") -> None:
    """Raise ConfigError, before anything is done, if the report cannot be written to what an option
    names."""
    why = why_unwritable(_path(output)) if output is not None else None
    # safeguard: report-destination
    if why is not None:
        raise ConfigError(f"{option} {safe(output or '', 200)}: {why}", "name another file")


def why_unwritable(path: Path) -> str | None:
    """Why a report could not be written to this path; None if, as of now, it could."""
    try:
        number = descriptor_of(path)
        if number is not None:
            mode = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
            return "is open for reading only" if mode == os.O_RDONLY else None
        if path.is_dir():
            return "is a directory"
        target = path.resolve()
        if path.exists() and not path.is_file():
            kind = path.stat().st_mode
            if not stat.S_ISFIFO(kind) and not stat.S_ISCHR(kind):
                return "is neither a file nor a pipe"
            return None if os.access(path, os.W_OK) else os.strerror(errno.EACCES)
        target.parent.stat()
        if not target.parent.is_dir():
            return os.strerror(errno.ENOTDIR)
        if len(os.fsencode(target.name)) > _LONGEST_NAME:
            return os.strerror(errno.ENAMETOOLONG)
        if not os.access(target.parent, os.W_OK | os.X_OK):
            return f"its directory is not writable for user {os.geteuid()}"
        # Permissions are not all: in /proc nobody can make a file. This one has no name.
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        return os.strerror(error.errno or 0)
    except (ValueError, RuntimeError):
        return "is not a path"
    return None


def _open_special(path: Path, patience: float) -> int:
    """Open a pipe or a device. Waits for a pipe's reader, but not forever: a plain open would, and
    ignore signals meanwhile. Raises OSError (ENXIO: no reader)."""
    deadline = time.monotonic() + patience
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() >= deadline:
                raise
            time.sleep(0.05)
        else:
            os.set_blocking(descriptor, True)
            return descriptor
