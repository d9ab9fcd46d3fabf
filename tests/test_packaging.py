"""A wheel holds everything: the program runs from it in an empty directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "reconciler" / "reports" / "page"
LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "*.db*")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left behind in the tree."""
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, place / "tree", ignore=LEFT_OUT)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(place),
            str(place / "tree"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    [built] = place.glob("*.whl")
    return built


def test_the_wheel_holds_every_module_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    program = {str(path.relative_to(ROOT)) for path in (ROOT / "reconciler").rglob("*.py")}
    pages = {str(path.relative_to(ROOT)) for path in PAGES.iterdir()}
    # The template for new migrations is for whoever writes one, in a checkout.
    migrations = {
        f"reconciler/{path.relative_to(ROOT)}" for path in (ROOT / "migrations").rglob("*.py")
    }
    assert held == program | pages | migrations


def test_the_wheel_runs_in_an_empty_directory(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    empty.mkdir()
    ledger = empty / "ledger.db"
    program = f"""
import sys
# The checkout is installed for development here: the wheel has to come first.
sys.path.insert(0, {str(site)!r})
from reconciler.cli import main
assert sys.modules["reconciler"].__file__.startswith({str(site)!r})
main()
"""
    environ = {
        "HOME": str(empty),
        "PATH": os.defpath,
        "RECONCILER_LEDGER": f"sqlite:///{ledger}",
        "LOOP_API_KEY": "k" * 8,
    }

    def reconciler(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environ, cwd=empty, capture_output=True, text=True, check=False,
        )  # fmt: skip

    made, looked = reconciler("init"), reconciler("status")

    assert (made.returncode, made.stderr) == (0, "")
    assert (looked.returncode, looked.stderr) == (0, "")
    assert [path.name for path in empty.iterdir() if path.suffix == ".db"] == ["ledger.db"]


def test_the_entry_point_is_the_command_line(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "reconciler = reconciler.cli:main" in archive.read(name).decode()


def test_every_package_is_listed() -> None:
    """setup.cfg names packages one by one, so a new one is easily forgotten."""
    listed = (ROOT / "setup.cfg").read_text(encoding="utf-8")

    for found in (ROOT / "reconciler").rglob("__init__.py"):
        name = ".".join(found.parent.relative_to(ROOT).parts)
        assert f"    {name}\n" in listed
