"""The parts of the proof, each a command that leaves its counts in a directory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from proof.bench import ROOT
from proof.counts import Figures

KEPT = ROOT / ".proof"
"""Where the counts lie between a part and the page; not under version control."""

_PYTEST = ("-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal")
_NIGHTLY, _CI = "--hypothesis-profile=nightly", "--hypothesis-profile=ci"


class Part(Struct, frozen=True):
    """A part of the proof."""

    name: str
    title: str
    command: tuple[str, ...]
    """Arguments of Python; `--figures DIR` is added."""

    def shortened(self) -> Part:
        """A form that takes minutes."""
        kept = [_CI if one == _NIGHTLY else one for one in self.command if one != "--long"]
        return msgspec.structs.replace(self, command=tuple(kept))


class Ran(Struct, frozen=True):
    """What became of a part, and of which state of the project it speaks."""

    command: str
    commit: str
    clean: bool
    """Whether nothing was changed since that commit."""
    began: datetime
    seconds: float
    code: int
    tests: str | None = None
    """What pytest said last: `812 passed`."""


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


def run(part: Part) -> Ran:
    """Run a part, showing what it prints, and keep what it counted in place of earlier counts."""
    place = KEPT / part.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    commit, clean = _commit()
    began, clock = datetime.now(UTC).replace(microsecond=0), time.monotonic()
    code, last = _shown([sys.executable, *part.command, "--figures", str(place / "figures")])
    ran = Ran(
        command=" ".join(("python", *part.command)),
        commit=commit,
        clean=clean,
        began=began,
        seconds=time.monotonic() - clock,
        code=code,
        tests=last,
    )
    (place / "ran.json").write_bytes(msgspec.json.format(msgspec.json.encode(ran)))
    return ran


def kept(part: Part) -> tuple[Ran, Figures] | None:
    """What the last run of a part came to; None when there was none here."""
    place = KEPT / part.name
    try:
        ran = msgspec.json.decode((place / "ran.json").read_bytes(), type=Ran)
    except FileNotFoundError:
        return None
    return ran, Figures.read(place / "figures")


def _shown(command: Sequence[str]) -> tuple[int, str | None]:
    """Run it and pass its output on; its exit code, and pytest's closing words if there are any."""
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
    # The page itself is written by this command and says nothing about the program.
    changed = [row for row in _git("status", "--porcelain").splitlines() if "proof.md" not in row]
    return head, not changed


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
