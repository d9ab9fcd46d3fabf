"""The exact wording of messages, in one file: tests/golden/messages.txt.

A test asks the fixture `golden` whether a text reads as agreed. Each of its cases has a section
there, named after it; tests one after the other that read the same share one. `make golden` writes
the file, and the golden reports, as the program words them now.

`python -m tests.support.golden` lists the tests that have a section.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from difflib import unified_diff
from itertools import groupby
from pathlib import Path

import pytest

from reconciler.errors import ReconcilerError

TESTS = Path(__file__).parent.parent
PAGE = TESTS / "golden" / "messages.txt"

_FILE, _TEST = "# ", "## "


class Golden:
    """What the texts of one test run are compared with; they are kept instead where `updates`."""

    def __init__(self, *, updates: bool) -> None:
        self.updates = updates
        self._agreed: dict[str, str] | None = None
        self._said: dict[str, str] = {}

    def check(self, name: str, text: str) -> None:
        """Fail unless the text is what the section of this name holds."""
        text = text.rstrip("\n")
        assert name not in self._said, "a test has one section"
        assert text, "an empty text would have no section"
        assert not any(map(_is_heading, text.split("\n")))
        self._said[name] = text
        if self._agreed is None:
            self._agreed = read(PAGE.read_text(encoding="utf-8"))
        if not self.updates:
            _compare(self._agreed.get(name, ""), text)

    def check_file(self, path: Path, text: str) -> None:
        """Fail unless the text, with a line's end, is all that the file holds."""
        if self.updates:
            path.write_text(text + "\n", encoding="utf-8")
        else:
            _compare(path.read_text(encoding="utf-8"), text + "\n")

    def write(self) -> None:
        """Keep what was said. A section that no test has any more goes; one of a test that did not
        run stays."""
        if not self.updates or not self._said:
            return
        sections = read(PAGE.read_text(encoding="utf-8")) | self._said
        kept = {name: sections[name] for name in claimed() if name in sections}
        PAGE.write_text(written(kept), encoding="utf-8")


def name_of(item: pytest.Item) -> str:
    """What the section of a test is called: its file below `tests`, its name and its case."""
    return f"{item.path.relative_to(TESTS)}::{item.name}"


def _compare(agreed: str, text: str) -> None:
    if text != agreed:
        lines = unified_diff(agreed.split("\n"), text.split("\n"), "agreed", "said", lineterm="")
        pytest.fail("\n".join((*lines, "", "`make golden` writes down what is said now")))


def _is_heading(line: str) -> bool:
    return line.startswith((_FILE, _TEST))


def read(page: str) -> dict[str, str]:
    """The text of each section, in their order."""
    sections: dict[str, str] = {}
    file = ""
    for are_headings, lines in groupby(page.splitlines(), key=_is_heading):
        if not are_headings:
            text = "\n".join(lines).strip("\n")
            sections |= {name: text for name, found in sections.items() if not found}
            continue
        for line in lines:
            if line.startswith(_FILE):
                file = line.removeprefix(_FILE)
            else:
                sections[f"{file}::{line.removeprefix(_TEST)}"] = ""
    return sections


def written(sections: dict[str, str]) -> str:
    """The page that holds these sections."""
    pages = []
    for file, of_file in groupby(sections.items(), key=lambda section: section[0].split("::")[0]):
        pages.append(f"{_FILE}{file}")
        for (_, text), alike in groupby(of_file, key=_test_and_text):
            names = [f"{_TEST}{name.partition('::')[2]}" for name, _ in alike]
            pages.append("\n".join((*names, text)))
    return "\n\n".join(pages) + "\n"


def _test_and_text(section: tuple[str, str]) -> tuple[str, str]:
    name, text = section
    return name.partition("[")[0], text


def claimed() -> list[str]:
    """The tests that have a section, in their order. They are collected in another process, so
    that it does not matter which of them this one was asked to run."""
    command = [sys.executable, "-m", "tests.support.golden"]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


class _Claims:
    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.names = [
            name_of(item) for item in session.items if "golden" in getattr(item, "fixturenames", ())
        ]


def _files() -> Iterator[str]:
    for file in sorted(TESTS.rglob("test_*.py")):
        if re.search(r"\bgolden\(", file.read_text(encoding="utf-8")):
            yield str(file)


def main() -> int:
    claims = _Claims()
    with redirect_stdout(sys.stderr):
        collect = ("--collect-only", "-qq", "-p", "no:cacheprovider")
        status = pytest.main([*collect, *_files()], plugins=[claims])
    sys.stdout.write("".join(f"{name}\n" for name in claims.names))
    return int(status)


# ----------------------------------------------------------------------------- as a reader sees it


def as_shown(error: ReconcilerError) -> str:
    """An error as the command line prints it."""
    return f"Error: {error}" + (f"\nHint: {error.hint}" if error.hint else "")


def by_name(text: str, places: Iterable[tuple[object, str]]) -> str:
    """The same text, with names for the places that differ from run to run."""
    for place, name in places:
        text = text.replace(str(place), name)
    return text


if __name__ == "__main__":
    sys.exit(main())
