"""A real browser, where there is one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"
WITHOUT = "`make browser` installs it"


@pytest.fixture(scope="session")
def absent(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Skips, or fails where `--browser` says that all has to be there."""

    def say(what: str) -> None:
        if request.config.getoption("browser"):
            pytest.fail(f"{what} is missing")
        pytest.skip(f"{what} is missing: {WITHOUT}")

    return say


@pytest.fixture(scope="module")
def browser(absent: Callable[[str], None]) -> Iterator[Any]:
    """Chromium of the system. Not for the whole session: while it runs, so does an event loop."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        absent("Chromium")
    # As root it has no sandbox of its own.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=options)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    if not AXE.is_file():
        pytest.skip(f"axe-core is missing: {WITHOUT}, where npm is there")
    return AXE.read_text(encoding="utf-8")
