"""The program on a real terminal: what it shows there, and where it asks and someone answers."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from typing import Literal

from tests.support.process_world import PATIENCE, RealWorld


def answered(
    world: RealWorld, answer: bytes | signal.Signals, *command: str, **settings: str
) -> tuple[int, str]:
    """The exit code and all that the terminal showed, of a command whose question is answered like
    this."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *command],
        env={**world.environ, **settings, "TERM": "dumb"},
        cwd=world.directory,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while b"[y/N]" not in shown:
            assert select.select([ours], [], [], PATIENCE)[0], shown
            shown += os.read(ours, 4096)
        if isinstance(answer, signal.Signals):
            process.send_signal(answer)
        else:
            os.write(ours, answer)
        code = process.wait(PATIENCE)
    finally:
        process.kill()
        os.close(ours)
    return code, shown.decode(errors="replace")


def shown(
    world: RealWorld,
    *command: str,
    columns: int | None = None,
    stream: Literal["stdout", "stderr"] = "stdout",
    **environ: str,
) -> str:
    """All that a terminal of this many columns is sent on one of the streams."""
    ours, theirs = pty.openpty()
    if columns is not None:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *command],
        env={**world.environ, **environ},
        cwd=world.directory,
        stdin=subprocess.DEVNULL,
        **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: theirs},  # type: ignore[call-overload]
    )
    os.close(theirs)
    sent = b""
    try:
        while select.select([ours], [], [], PATIENCE)[0]:
            try:
                read = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            sent += read
            if not read:
                break
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return sent.decode().replace("\r\n", "\n")
