"""A finished report on its way out. Whatever happens here cannot undo or hide what was done."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import streams
from reconciler.cli.exit_codes import UNDELIVERED
from reconciler.cli.session import Session
from reconciler.errors import worst
from reconciler.points import Point, reached

if TYPE_CHECKING:
    from reconciler.core.report import Report


_log = logging.getLogger(__name__)


def report(made: Report, call: Session, output_format: str, output: str | None) -> int:
    """Hand over the report of a pass; returns the exit code of the whole call."""
    from reconciler.reports import as_json, run_text

    text = as_json.encode(made) if output_format == "json" else run_text.render(made)
    speaks = output_format == "json" or _has_news(made, call)
    done = "" if made.run.dry_run else "the pass itself is done and recorded; "
    delivered = hand_over(text, output, done) if output or speaks else True
    return worst({made.run.exit_code, 0 if delivered else UNDELIVERED})


def _has_news(made: Report, call: Session) -> bool:
    """Cron mails whatever is printed: a pass that found nothing prints nothing there."""
    if made.run.dry_run or made.run.exit_code:
        return True
    if call.quiet:
        return False
    told = made.changes or made.problems or made.run.failures or made.run.remarks
    return bool(told) or streams.is_terminal()


def hand_over(text: str, output: str | None, done: str = "") -> bool:
    """Print the text or write it to the file; False, with the reason on stderr, if impossible.

    `done` says what stands in spite of that.
    """
    if output is None:
        if not streams.show(text):
            hint = f"{done}name a file with --output"
            streams.complain("stdout: the report could not be written", hint)
            return False
        return True
    try:
        write_whole(Path(output), text + "\n")
    except OSError as error:
        streams.complain(
            f"{output}: the report could not be written: {os.strerror(error.errno or 0)}",
            f"{done}name another file with --output",
        )
        return False
    _log.info("the report is in %s", output)
    return True


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, mode 0600, never a part."""
    target = path.resolve()
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        target.write_text(text, encoding="utf-8", errors="backslashreplace")  # a pipe, a device
        return
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        reached(Point.REPORT_WRITTEN)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_directory(target.parent)
    reached(Point.REPORT_NAMED)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
