"""Run as a script: has the program loaded, and lets a child go for each command line it is given.

The child is handed to whoever asked: this process has no children, so what it forks first ends at
once and leaves its own child to the next process above that takes in orphans.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import traceback

import msgspec

from reconciler.cli import main

# What most commands load only when they need it.
_LAZY = (
    "reconciler.app", "reconciler.cli.run_options", "reconciler.inspection",
    "reconciler.jetti.targets", "reconciler.reports.as_json", "reconciler.reports.run_text",
    "encodings.idna",
)  # fmt: skip

MOST = 1 << 20
"""Bytes of a message."""


class Start(msgspec.Struct, frozen=True):
    """A command line; stdin, stdout and stderr come along as descriptors."""

    arguments: tuple[str, ...]
    environ: dict[str, str]
    directory: str


def _open_streams() -> None:
    """As Python does when it starts."""
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _live(start: Start, streams: list[int]) -> None:
    for number, given in enumerate(streams):
        os.dup2(given, number)
    os.closerange(3, 256)
    os.chdir(start.directory)
    os.environ.clear()
    os.environ.update(start.environ)
    sys.argv[1:] = start.arguments
    _open_streams()
    main()


def _child(start: Start, streams: list[int]) -> None:
    code: object = 1
    try:
        _live(start, streams)
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - nothing may run on in this copy
        traceback.print_exc()
    # As Python ends: what is not flushed yet is, and what cannot be is no other exit code here.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120
    os._exit(code if isinstance(code, int) else int(code is not None))


def _let_go(start: Start, streams: list[int]) -> int:
    """The pid of a process that does it, and that is an orphan by now."""
    hears, tells = os.pipe()
    between = os.fork()
    if between == 0:
        child = os.fork()
        if child == 0:
            os.close(hears)
            os.close(tells)
            _child(start, streams)
        os.write(tells, str(child).encode())
        os._exit(0)
    os.close(tells)
    os.waitpid(between, 0)
    pid = int(os.read(hears, 32))
    os.close(hears)
    return pid


def serve(asked: socket.socket) -> None:
    """Until whoever asks is gone."""
    decoder = msgspec.json.Decoder(Start)
    while True:
        message, streams, _, _ = socket.recv_fds(asked, MOST, 3)
        if not message:
            return
        pid = _let_go(decoder.decode(message), streams)
        for given in streams:
            os.close(given)
        asked.sendall(str(pid).encode())


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a test runner under `nohup` ignores it
    for name in _LAZY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
