"""What a power cut would leave of a ledger, told from the system calls of a real run.

A disk here is what was synced; whatever was written since may be lost, all of it or any part.
That is SQLite's own idea of a power cut (https://sqlite.org/testing.html, "Crash Testing"), and no
more is promised by a file system.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_CALLS = (
    "write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,"
    "unlink,unlinkat,rename,renameat,renameat2,sendto,sendmsg,execve,fork,vfork,clone,clone3"
)
_BEGINNINGS = {"execve", "fork", "vfork", "clone", "clone3"}
_LINE = re.compile(
    r"(?:\[pid +)?(?P<pid>\d+)\]? +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)"
)
_UNFINISHED = "<unfinished ...>"
_RESUMED = re.compile(r" <\.\.\. \w+ resumed>")
_DESCRIPTOR = re.compile(r"(?P<number>\d+)<(?P<what>.*?)>, |(?P<last>\d+)<(?P<whole>.*?)>$")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@cache
def missing() -> str | None:
    """Why system calls cannot be traced here; None where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-y", "-xx", "-o", "/dev/null", "-e", "trace=write", "true"],
        capture_output=True,
        check=False,
    )
    return None if tried.returncode == 0 else "strace may not trace here"


def tracing(trace: Path) -> list[str]:
    """What to put before a command so that its system calls are written to a file."""
    return ["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", str(trace), "-e", f"trace={_CALLS}"]


@dataclass(frozen=True)
class Call:
    """One system call: on a file by its path, on a connection by what was sent, or the beginning
    of another program."""

    name: str
    place: str
    """Path of the file; of a connection what strace calls it: `socket:[12345]`."""
    content: bytes = b""
    number: int = 0
    """Offset of a write, new length of a truncated file."""


def calls(trace: Path) -> Iterator[Call]:
    """The calls that succeeded, in order.

    The beginning of a thread is none of them: it has no memory and no files of its own.
    """
    callers = set()
    for line in _whole(trace.read_text(encoding="ascii").splitlines()):
        match = _LINE.match(line)
        if not match or match["result"].startswith("-") or "CLONE_THREAD" in match["arguments"]:
            continue
        callers.add(match["pid"])
        assert len(callers) == 1, "one thread was expected to write and send"
        yield _call(match["call"], match["arguments"])


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with those put together that another thread's end cut in two."""
    begun: dict[str, str] = {}
    for line in lines:
        pid = line.split(maxsplit=1)[0]
        if line.endswith(_UNFINISHED):
            begun[pid] = line.removesuffix(_UNFINISHED).rstrip()
        elif resumed := _RESUMED.search(line):
            yield begun.pop(pid) + line[resumed.end() :]
        else:
            yield line


def _call(name: str, arguments: str) -> Call:
    texts = [_bytes(found[1]) for found in _TEXT.finditer(arguments)]
    if name in _BEGINNINGS:
        return Call(name, "")
    if name.startswith(("unlink", "rename")):
        return Call(name, texts[0].decode())
    descriptor = _DESCRIPTOR.match(arguments)
    assert descriptor, arguments[:200]
    place = _bytes(descriptor["what"] or descriptor["whole"]).decode()
    number = re.search(r", (\d+)$", arguments)
    content = b"".join(texts) if "write" in name or "send" in name else b""
    return Call(name, place, content, int(number[1]) if number else 0)


def _bytes(shown: str) -> bytes:
    """`-xx` writes paths and content in hexadecimal, and leaves names of sockets alone."""
    if not shown.startswith("\\x"):
        return shown.encode()
    return bytes.fromhex("".join(_HEX.findall(shown)))


Change = Callable[[bytearray], None]


def programs(found: Iterable[Call]) -> list[str]:
    """The calls that began a program or a process, the first one included."""
    return [call.name for call in found if call.name in _BEGINNINGS]


def _written(call: Call) -> Change:
    def change(content: bytearray) -> None:
        end = call.number + len(call.content)
        content.extend(bytes(max(0, end - len(content))))
        content[call.number : end] = call.content

    return change


def _cut(call: Call) -> Change:
    def change(content: bytearray) -> None:
        del content[call.number :]
        content.extend(bytes(call.number - len(content)))

    return change


@dataclass
class File:
    """What of it is safe, and what was done to it since."""

    synced: bytearray
    since: list[Change] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.since:
            change(self.synced)
        self.since.clear()

    def left(self, rng: random.Random | None) -> bytes:
        """After a power cut: what is safe, and with luck some of the rest."""
        content = bytearray(self.synced)
        for change in self.since if rng else ():
            if rng and rng.random() < 0.5:
                change(content)
        return bytes(content)


class Disk:
    """The ledger and its journal as they lie on a disk."""

    def __init__(self, ledger: Path) -> None:
        """As they are before the run, everything synced."""
        self._ledger = ledger
        self.files = {
            str(path): File(bytearray(path.read_bytes() if path.exists() else b""))
            for path in (ledger, ledger.with_name(ledger.name + "-journal"))
        }

    def see(self, call: Call) -> None:
        """Follow one call; calls on other files and on connections change nothing here."""
        file = self.files.get(call.place)
        if file is None:
            return
        match call.name:
            case "pwrite64":
                file.since.append(_written(call))
            case "ftruncate":
                file.since.append(_cut(call))
            case "fsync" | "fdatasync":
                file.sync()
            case other:
                raise AssertionError(f"nobody has thought of {other} on a ledger")

    @property
    def unsynced(self) -> int:
        """How many changes a power cut could undo."""
        return sum(len(file.since) for file in self.files.values())

    def after_a_power_cut(self, into: Path, rng: random.Random | None = None) -> Path:
        """The ledger with its journal as they would be found; without luck all is lost that can."""
        for path, file in self.files.items():
            (into / Path(path).name).write_bytes(file.left(rng))
        return into / self._ledger.name
