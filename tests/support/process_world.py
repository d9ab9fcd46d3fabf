"""The world of stories on the machine's own clock, with the program as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.cli import perform
from reconciler.clock import SystemClock
from reconciler.runtime import Runtime
from tests.support import report_schema
from tests.support.loaded import Loaded
from tests.support.world import NO_KEYS, World, a_world

PATIENCE = 30.0
"""Seconds within which whatever is waited for has to happen."""
AS_TYPED = ("env",)
"""What a process is started under if others shall see its command line."""


def _hears_the_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class RealWorld(World):
    """The same world on the machine's clock; the program is a process of its own."""

    stands_still = False

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.environ |= {
            "HOME": str(self.directory),
            "PATH": os.defpath,
            "RECONCILER_LOOP__LAG": "0s",
            "RECONCILER_JETTI__SETTLE": "1s",
        }
        del self.environ["COLUMNS"]  # a terminal's is its own
        self._started: list[subprocess.Popen[str]] = []

    def born(self, *lines: tuple[str | None, int]) -> str:
        """A return that was made five minutes ago."""
        return self.returned(*lines, at=datetime.now(UTC) - timedelta(minutes=5))

    def live(self) -> None:
        """`reconciler init`, without the cost of a process, and trying no keys."""
        runtime = Runtime(SystemClock(), self.environ | NO_KEYS)
        assert perform(["--quiet", "init", "--since", "7d"], runtime) == 0

    def start(
        self,
        *arguments: str,
        under: Sequence[str] = (),
        stdin: int = subprocess.DEVNULL,
        **environ: str,
    ) -> subprocess.Popen[str]:
        """The program, with nothing in its environment but what it needs, perhaps watched.

        It has been loaded already, unless something is there to watch it.
        """
        how: dict[str, Any] = {
            "env": {**self.environ, **environ},
            "cwd": self.directory,
            "stdin": stdin,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        if under:
            process = subprocess.Popen(
                [*under, sys.executable, "-m", "reconciler", *arguments],
                # Under `nohup` a test runner ignores SIGHUP, and its children would inherit that.
                preexec_fn=_hears_the_terminal,
                **how,
            )
        else:
            process = Loaded(arguments, **how)
        self._started.append(process)
        return process

    def end(
        self, process: subprocess.Popen[str], patience: float = PATIENCE
    ) -> tuple[int, str, str]:
        stdout, stderr = process.communicate(timeout=patience)
        if process.returncode >= 0:  # a killed one may have got half of it out
            report_schema.check(list(process.args), stdout)  # type: ignore[arg-type]
        return process.returncode, stdout, stderr

    def does(self, *arguments: str, **environ: str) -> int:
        """One command line to its end."""
        return self.end(self.start(*arguments, **environ))[0]

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that the process started last does."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self._started[-1].poll() is None, self.end(self._started[-1])
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.01)

    def settles(self, return_id: str) -> None:
        """Wait until the write in the air has taken effect or never will."""
        for intent in self.entry(return_id).intents:
            time.sleep(max(0.0, (intent.settle_at - datetime.now(UTC)).total_seconds() + 0.01))

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()


@contextmanager
def on_the_machine_s_clock(directory: Path) -> Iterator[RealWorld]:
    with a_world(directory, sockets=True, start=None, frozen=False) as made:
        world = RealWorld(made.sandbox, directory)
        try:
            yield world
        finally:
            world.close()
