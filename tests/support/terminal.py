"""The program on a real terminal, where it asks and someone answers."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys

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
