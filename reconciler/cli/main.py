"""The entry point: streams, signals, and one exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

import click

from reconciler.cli import streams
from reconciler.cli.exit_codes import UNDELIVERED
from reconciler.cli.program import program
from reconciler.cli.session import Caller
from reconciler.clock import SystemClock
from reconciler.log_events import RUN
from reconciler.runtime import Runtime

_GARBAGE_AFTER = 50_000
"""New objects between two searches for garbage that refers to itself, of which the program makes
hardly any. At Python's own 700 (2,000 from 3.13 on) they took an eighth of a first pass."""


def main() -> NoReturn:
    """The console script."""
    # safeguard: first-process-stays-behind
    if os.getpid() == 1:
        from reconciler.cli import first_process

        first_process.stay_behind()
    gc.set_threshold(_GARBAGE_AFTER)
    streams.open_all()
    os.umask(0o077)  # files are private to us, even under cron's umask
    clock = SystemClock()
    stop_on_signals(clock)
    status = perform(sys.argv[1:], Runtime(clock, os.environ, on_hangup=handle_hangups))
    streams.flush_all()
    # Or the interpreter would search all that a pass has kept for garbage twice more as it ends,
    # which takes a tenth of a first pass.
    gc.freeze()
    sys.exit(status)


def perform(arguments: Sequence[str], runtime: Runtime) -> int:
    """Run one command line; returns its exit code, all output goes to stdout and stderr."""
    # Also where what was typed cannot be understood.
    as_json = streams.JSON_LINES.set(_asks_for_json(arguments))
    dated_by, run = streams.date_by(runtime.clock.now), RUN.set(None)
    try:
        return _perform(arguments, runtime)
    finally:
        streams.JSON_LINES.reset(as_json)
        streams.date_by(dated_by)
        RUN.reset(run)


def _perform(arguments: Sequence[str], runtime: Runtime) -> int:
    try:
        status = program.main(
            list(arguments),
            prog_name="reconciler",
            obj=Caller(runtime, perform, tuple(arguments)),
            standalone_mode=False,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        streams.print_plain(error.format_message())
        return error.exit_code
    except click.UsageError as error:
        return _refuse(error)
    except OSError as error:  # from --help and --version; commands handle their own
        streams.print_error(f"stdout: {os.strerror(error.errno or 0)}")
        streams.silence(sys.stdout)
        return UNDELIVERED
    except click.Abort:
        return 128 + signal.SIGINT
    return int(status or 0)


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether the last `--log-format` is that of JSON."""
    typed = " ".join(arguments).replace("--log-format ", "--log-format=").split()
    formats = [one for one in typed if one.startswith("--log-format=")]
    return formats[-1:] == ["--log-format=json"]


def _refuse(error: click.UsageError) -> int:
    command = error.ctx.command_path if error.ctx else "reconciler"
    streams.print_error(error.format_message(), f"see `{command} --help`")
    return error.exit_code


def stop_on_signals(clock: SystemClock) -> None:
    """The first signal asks the run to end cleanly; a second one kills it."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        clock.stop(number, frame)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # started by nohup, to outlive its terminal
        signal.signal(number, stop)


def handle_hangups(act: Callable[[], None]) -> None:
    """Call `act` on SIGHUP instead of ending the run."""
    signal.signal(signal.SIGHUP, lambda _number, _frame: act())
