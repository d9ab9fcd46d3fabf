"""Copies of the checkout in which the program may be spoilt: nothing here touches the original.

A copy has a Python of its own, which finds the copied program first, also in processes that
inherit no environment, and everything else where this Python finds it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent

# What is spoilt must not be noticed by the tests that know the original's text.
BLIND = ("tests/proof",)

_PYTEST = ("-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "-p", "no:xdist")


@dataclass(frozen=True)
class Ran:
    """What one run of some tests came to."""

    code: int
    failed: tuple[str, ...]
    """Ids of the tests that failed, in their order."""
    output: str


@dataclass(frozen=True)
class Bench:
    """One copy."""

    root: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.root / ".venv" / "bin" / "python"

    def test(self, *arguments: str, seconds: float) -> Ran:
        """Run pytest; a run that does not end is code 124 and no failure of any test."""
        command = [str(self.python), *_PYTEST, *_blindly(arguments), *arguments]
        try:
            done = subprocess.run(
                command, cwd=self.root, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Ran(124, (), f"no end after {seconds:.0f} s")
        return Ran(done.returncode, tuple(_failed(done.stdout)), done.stdout + done.stderr)

    def copy(self, root: Path) -> Bench:
        """Another one, as this one is now."""
        shutil.copytree(self.root, root, symlinks=True)
        _lead_home(root)
        return Bench(root)


@contextmanager
def a_bench() -> Iterator[Bench]:
    """A copy of the checkout as it is, uncommitted files included."""
    with TemporaryDirectory(prefix="proof-") as directory:
        root = Path(directory, "original")
        for name in _files():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        # A wheel puts them there; in a checkout it is the installation that does.
        (root / "reconciler" / "migrations").symlink_to("../migrations")
        venv.EnvBuilder(symlinks=True).create(root / ".venv")
        _lead_home(root)
        bench = Bench(root)
        _check(bench)
        yield bench


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _lead_home(root: Path) -> None:
    """Have its Python import from the copy first, then from where this one does."""
    [packages] = (root / ".venv" / "lib").glob("python*/site-packages")
    ours = [place for place in sys.path if place.endswith("site-packages")]
    lines = [str(root), *(f"import site; site.addsitedir({place!r})" for place in ours)]
    (packages / "bench.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _check(bench: Bench) -> None:
    """Nothing is proved by tests of another program."""
    program = (
        "import reconciler, reconciler.migrations as m; print(reconciler.__file__, m.__file__)"
    )
    asked = [str(bench.python), "-c", program]
    shown = subprocess.run(
        asked, cwd=bench.root.parent, env={}, capture_output=True, text=True, check=True
    )
    if any(not place.startswith(str(bench.root)) for place in shown.stdout.split()):
        raise RuntimeError(f"a copy runs the program of another place: {shown.stdout}")


def _blindly(arguments: Sequence[str]) -> list[str]:
    return [f"--ignore={place}" for place in BLIND if place not in arguments]


def _failed(output: str) -> Iterator[str]:
    """The ids in pytest's summary; a file that cannot even be imported is no failing test."""
    for line in output.splitlines():
        for start in ("FAILED ", "ERROR "):
            test = line.removeprefix(start).split(" - ")[0]
            if line.startswith(start) and "::" in test:
                yield test
