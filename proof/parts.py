"""The parts of the proof, each a command that writes its counts to a directory."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from proof import machine
from proof.bench import ROOT
from proof.counts import Figures

RESULTS = ROOT / "proof" / "results"
"""The last results of each part, under version control: parts may be run on different days, and
the page says when, on which machine and at which commit each was."""

_PYTEST = ("-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal")
_NIGHTLY, _CI = "--hypothesis-profile=nightly", "--hypothesis-profile=ci"


class Part(Struct, frozen=True):
    """A part of the proof."""

    name: str
    title: str
    command: tuple[str, ...]
    """Arguments of Python; `--figures DIR` is added."""

    def shortened(self) -> Part:
        """The short form, which takes minutes."""
        kept = [_CI if one == _NIGHTLY else one for one in self.command if one != "--long"]
        return msgspec.structs.replace(self, command=tuple(kept))


class Ran(Struct, frozen=True):
    """The result of running a part, and the state of the project that it applies to."""

    command: str
    commit: str
    clean: bool
    """Whether there were no uncommitted changes."""
    began: datetime
    seconds: float
    code: int
    tests: str | None = None
    """pytest's closing words: `812 passed`."""
    machine: dict[str, str] = {}
    """The machine that it ran on."""


class _Kept(Struct):
    ran: Ran
    counts: dict[str, int]
    largest: dict[str, float]
    names: dict[str, list[str]]


PARTS = (
    Part(
        "histories",
        "Random histories",
        (*_PYTEST, "tests/properties", _NIGHTLY),
    ),
    Part("crashes", "Deaths, signals and full disks", (*_PYTEST, "tests/crashes", "--long")),
    Part("faults", "Faults of both services", (*_PYTEST, "tests/faults", "--long")),
    Part("durability", "Power cuts", (*_PYTEST, "tests/durability", "--long")),
    Part("hostile", "Hostile content, canaries, fuzzing", (*_PYTEST, "tests/hostile", "--long")),
    Part("suite", "The whole suite, with coverage", ("-m", "proof.suite")),
    Part("scale", "A hundred thousand returns", ("-m", "proof.scale")),
    Part("ablations", "Safeguards taken away", ("-m", "proof.ablations")),
    Part("mutants", "Mutants", ("-m", "proof.mutants")),
)


def run(part: Part, results: Path = RESULTS) -> Ran:
    """Run a part, showing its output, and replace its last results."""
    commit, clean = _commit()
    began, clock = datetime.now(UTC).replace(microsecond=0), time.monotonic()
    with TemporaryDirectory(prefix="figures-") as directory:
        code, last = _shown([sys.executable, *part.command, "--figures", directory])
        figures = Figures.read(Path(directory))
    ran = Ran(
        command=" ".join(("python", *part.command)),
        commit=commit,
        clean=clean,
        began=began,
        seconds=time.monotonic() - clock,
        code=code,
        tests=last,
        machine=dict(machine.facts()),
    )
    results.mkdir(exist_ok=True)
    names = {name: sorted(seen) for name, seen in figures.names.items()}
    found = _Kept(ran, dict(figures.counts), figures.largest, names)
    encoded = msgspec.json.format(msgspec.json.encode(found, order="sorted"))
    (results / f"{part.name}.json").write_bytes(encoded + b"\n")
    return ran


def kept(part: Part, results: Path = RESULTS) -> tuple[Ran, Figures] | None:
    """The results of the last run of a part; None if it was never run."""
    try:
        found = msgspec.json.decode((results / f"{part.name}.json").read_bytes(), type=_Kept)
    except FileNotFoundError:
        return None
    names = {name: set(seen) for name, seen in found.names.items()}
    return found.ran, Figures(Counter(found.counts), found.largest, names)


def _shown(command: Sequence[str]) -> tuple[int, str | None]:
    """Run a command and show its output; returns its exit code and pytest's closing words."""
    last = None
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if found := re.search(r"\d+ passed[^\x1b]*? in [\d.]+", line):
                last = found[0].rpartition(" in ")[0]
        code = process.wait()
    return code, last


def _commit() -> tuple[str, bool]:
    head = _git("rev-parse", "--short=12", "HEAD")
    # Not counting what this command itself writes, which does not affect the program.
    ours = ("proof.md", "proof/results/")
    rows = _git("status", "--porcelain").splitlines()
    changed = [row for row in rows if not row[3:].startswith(ours)]
    return head, not changed


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
