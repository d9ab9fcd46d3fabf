"""The installer as a process, below a directory of the test's own, and without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.deploy.layout import ROOT

SITE = sysconfig.get_path("purelib")
# The environment that is made finds pip and what the program depends on where the tests have them.
_PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {python} "$@"
{python} -m venv --without-pip "$3" "$4" || exit
for site in "$4"/lib/python*/site-packages; do echo {site} > "$site/of-the-tests.pth"; done
"""
_ALL_BUT_THE_PROGRAM = ("etc", "usr", "var")


def offline_python(directory: Path, python: str = sys.executable) -> Path:
    """A Python whose environments need no network."""
    path = directory / "python"
    path.write_text(_PYTHON.format(python=python, site=SITE), encoding="utf-8")
    path.chmod(0o755)
    return path


class Installation:
    """What one or several runs of `deploy/install` have put below a directory."""

    def __init__(self, directory: Path, checkout: Path = ROOT) -> None:
        self.root = directory / "root"
        self.said: dict[str, str] = {}
        self.checkout = checkout
        self._kept = directory / "kept"
        self._environ = {
            "PATH": os.defpath,
            "HOME": str(directory),
            "PYTHON": str(offline_python(directory)),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "false",  # pip turns around what it reads of this one
        }

    def install(self, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.checkout / "deploy/install", "--destdir", self.root, *options],
            env={**self._environ, **environ},
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def path(self, absolute: str) -> Path:
        """Where a path of the layout is."""
        return self.root / absolute.lstrip("/")

    def typed(
        self, *arguments: str, name: str = "reconciler", cwd: Path | None = None, **environ: str
    ) -> tuple[int, str]:
        """A command as typed by hand; the exit code and all that it printed."""
        done = subprocess.run(
            [self.path(f"/usr/local/bin/{name}"), *arguments],
            env={"PATH": os.defpath, **environ},
            cwd=cwd or self.root.parent,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout

    def keep(self) -> None:
        """Remember all but the program, to be restored."""
        for name in _ALL_BUT_THE_PROGRAM:
            shutil.copytree(self.root / name, self._kept / name, symlinks=True)

    def restore(self) -> None:
        """Put all but the program back to what it was."""
        for name in _ALL_BUT_THE_PROGRAM:
            shutil.rmtree(self.root / name)
            shutil.copytree(self._kept / name, self.root / name, symlinks=True)

    def tree(self) -> dict[str, tuple[int, bytes | str]]:
        """Mode and content of everything but what Python compiles."""
        found: dict[str, tuple[int, bytes | str]] = {}
        for path in self.root.rglob("*"):
            if "__pycache__" in path.parts:
                continue
            content: bytes | str = ""
            if path.is_symlink():
                content = os.readlink(path)
            elif path.is_file():
                content = path.read_bytes()
            mode = path.lstat().st_mode & 0o7777
            found[f"/{path.relative_to(self.root)}"] = mode, content
        return found


def copy_of_the_checkout(directory: Path) -> Path:
    """What the installer reads of a checkout, to be changed."""
    copy = directory / "checkout"
    copy.mkdir()
    for name in (
        "reconciler", "migrations", "deploy", "setup.cfg", "pyproject.toml", "constraints.txt",
        "README.md", "LICENSE", "cron.example",
    ):  # fmt: skip
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy
