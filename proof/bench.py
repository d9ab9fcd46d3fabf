"""Copies of the checkout in which the program may be broken; the original is never touched.

A copy has a Python of its own, which finds the copied program first, even in processes that
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

# Left out: these tests compare the program with its original text, so they notice every change.
BLIND = ("tests/proof",)

_SCRIPT = """#!{python}
from reconciler.cli.main import main
main()
"""

_PYTEST = ("-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "-p", "no:xdist")


@dataclass(frozen=True)
class Ran:
    """The result of one run of tests."""

    code: int
    failed: tuple[str, ...]
    """Ids of the tests that failed, in order."""
    output: str


@dataclass(frozen=True)
class Bench:
    """One copy of the checkout."""

    root: Path

    @property
    def python(self) -> Path:
        """The path of its Python."""
        return self.root / ".venv" / "bin" / "python"

    def test(self, *arguments: str, seconds: float) -> Ran:
        """Run pytest; a run that exceeds `seconds` has code 124 and no failed test."""
        command = [str(self.python), *_PYTEST, *_blindly(arguments), *arguments]
        try:
            done = subprocess.run(
                command, cwd=self.root, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Ran(124, (), f"no end after {seconds:.0f} s")
        return Ran(done.returncode, tuple(_failed(done.stdout)), done.stdout + done.stderr)

    def copy(self, root: Path) -> Bench:
        """Another copy of this one as it is now."""
        shutil.copytree(self.root, root, symlinks=True)
        _lead_home(root)
        return Bench(root)


@contextmanager
def a_bench() -> Iterator[Bench]:
    """A copy of the checkout as it is, including uncommitted files."""
    with TemporaryDirectory(prefix="proof-") as directory:
        root = Path(directory, "original")
        for name in _files():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        # A wheel contains them there; in a checkout the installation links them.
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
    """Make its Python import from the copy first, then from where this one does, and the console
    script beside it run that Python."""
    [packages] = (root / ".venv" / "lib").glob("python*/site-packages")
    ours = [place for place in sys.path if place.endswith("site-packages")]
    lines = [str(root), *(f"import site; site.addsitedir({place!r})" for place in ours)]
    (packages / "bench.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    script = root / ".venv" / "bin" / "reconciler"
    script.write_text(_SCRIPT.format(python=script.with_name("python")), encoding="utf-8")
    script.chmod(0o755)


def _check(bench: Bench) -> None:
    """Check that the tests import the copied program, since any other would prove nothing."""
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
    """The ids in pytest's summary; a file that cannot be imported is not a failed test."""
    for line in output.splitlines():
        for start in ("FAILED ", "ERROR "):
            test = line.removeprefix(start).split(" - ")[0]
            if line.startswith(start) and "::" in test:
                yield test
