"""Keys and personal data, searched for in whatever a test run leaves behind (P16, P17).

The sandbox serves invented people and pages that are easy to find; none of it may ever be in a
file, a report or a log of the program. A leak that a single test does not look for fails the
whole run: `tests/conftest.py` has the search made when the run ends.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.figures import Figures

LOOP_KEY = "canary-loop-key-7d1f"
JETTI_TOKEN = "canary-jetti-token-93be"
COMMENT = "canary comment: my neighbour takes parcels"
REFUND = "canary-refund-4410"

SECRETS = {
    "the sandbox's key for Loop": [rb"sandbox-loop-key"],
    "the sandbox's token for Jetti": [rb"sandbox-jetti-token"],
    "a canary key": [rb"canary-(?:loop-key|jetti-token)-[0-9a-f]{4}"],
    "a customer's e-mail in Loop": [rb"canary\.shopper\.\d+@"],
    "a customer's e-mail in Jetti": [rb"canary-\d+@example"],
    "a customer's name": [rb"Canary Person", rb"Person-\d+\b"],
    "a customer's address": [rb"Canary Lane", rb"Canarytown"],
    "a customer's phone": [rb"\+1-555-01\d\d"],
    "a customer's comment": [rb"canary comment"],
    "a status page's link": [rb"/return/canary-"],
    "a label's link": [rb"labels\.example\.test/canary"],
    # The second is a whole number; what stands before it is looked at when its start was found.
    "refund data": [rb"canary-refund-\d{4}", rb"8900(?<!\w8900)\d{8}\b"],
}
"""What is planted, by what it is."""

_PATTERNS = {name: [re.compile(one) for one in forms] for name, forms in SECRETS.items()}
"""Each begins with letters and is looked for alone: ten times faster than one among others."""
_HINTS = (b"sandbox-", b"canary", b"Canary", b"Person-", b"+1-555-01", b"8900")
"""One of these is in each of them, and quickly looked for."""
_MEMORY = Path("/dev/shm")
_LARGEST = 64 * 1024 * 1024
_SOURCES = frozenset({".py", ".pyc"})
"""Copies of the sandbox, which holds what is planted; no run of the program leaves any."""


def found_in(content: bytes | str) -> list[str]:
    """What of all that is in there, by its name: the thing itself is not repeated."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if not any(hint in data for hint in _HINTS):
        return []
    return sorted(
        name for name, forms in _PATTERNS.items() if any(form.search(data) for form in forms)
    )


def search(*places: Path) -> tuple[list[str], int]:
    """Every file below these places: what was found where, and how many were searched."""
    leaks, searched = [], 0
    for file in _files(places):
        try:
            content = file.read_bytes() if file.stat().st_size <= _LARGEST else b""
        except OSError:
            continue  # gone, or a pipe's other end is
        searched += 1
        leaks += [f"{file}: {what}" for what in found_in(content) + found_in(file.name)]
    return leaks, searched


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        for directory, _, names in os.walk(place):  # what vanishes meanwhile is no error to it
            files = (Path(directory, name) for name in names)
            yield from (f for f in files if f.suffix not in _SOURCES and stat.S_ISREG(_mode(f)))


def _mode(file: Path) -> int:
    try:
        return file.lstat().st_mode
    except OSError:
        return 0


def assert_no_leak(directory: Path, figures: Figures | None = None) -> None:
    """Nothing planted is in any file there."""
    leaks, searched = search(directory)
    if figures is not None:
        figures.add("hostile", "artefacts searched", searched)
        figures.add("hostile", "secrets found", len(leaks))
    assert leaks == []


@contextmanager
def searched_directory(prefix: str) -> Iterator[Path]:
    """A directory that is searched before it goes: the search at the end of the run is too late.

    In memory if possible, because every commit of a ledger is synced to disk.
    """
    memory = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory, prefix=prefix) as made:
        yield Path(made)
        assert_no_leak(Path(made))


class LeakSearch:
    """What tests print and what they leave in their directories, searched as the run ends.

    Works in the process that gathers the results, so that nothing is searched twice however many
    workers there are.
    """

    def __init__(self, figures: Figures, recorded: Iterable[Path]) -> None:
        self._figures = figures
        self._recorded = tuple(recorded)
        self._leaks: list[str] = []
        self._searched = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search what the test printed and logged, and how it failed."""
        texts = [text for _, text in report.sections]
        if report.failed:
            texts.append(report.longreprtext)
        for text in texts:
            self._leaks += [f"{report.nodeid} printed {what}" for what in found_in(text)]
        self._searched += len(texts)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search all directories of the run, and what lies recorded beside the tests."""
        made = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        leaks, searched = search(made, *self._recorded)
        self._leaks += leaks
        self._figures.add("hostile", "artefacts searched", searched + self._searched)
        self._figures.add("hostile", "secrets found", len(self._leaks))
        if self._leaks:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was found."""
        if self._leaks:
            terminalreporter.section("keys or personal data were left behind", red=True)
            for leak in self._leaks:
                terminalreporter.line(leak)
