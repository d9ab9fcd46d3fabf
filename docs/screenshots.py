"""Pictures of a report for README: `make screenshots` takes them of the page that the demo ends
with, the same each time but for the fonts of the machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from base64 import b64decode
from pathlib import Path

from playwright.sync_api import sync_playwright

from reconciler.cli import perform
from reconciler.clock import SystemClock
from reconciler.runtime import Runtime

IMAGES = Path(__file__).with_name("images")
PICTURES = {
    "report-light.webp": (1120, 1180, "light"),
    "report-dark.webp": (1120, 1180, "dark"),
    "report-phone.webp": (360, 760, "light"),
}
"""Width, height and colour scheme."""
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    """Write them all."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "report.html"
        if code := perform(("demo", "--html", str(page)), Runtime(SystemClock(), {})):
            raise SystemExit(code)
        with sync_playwright() as playwright:
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=program, args=options)
            for name, (width, height, scheme) in PICTURES.items():
                shown = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if scheme == "dark" else "light",
                )
                shown.goto(page.as_uri())
                # There is nothing to take a picture of until it has been drawn once.
                shown.evaluate(DRAWN)
                # A third of the size of a PNG; Playwright itself writes no WebP.
                taken = shown.context.new_cdp_session(shown).send(
                    "Page.captureScreenshot", {"format": "webp", "quality": 80}
                )
                (IMAGES / name).write_bytes(b64decode(taken["data"]))
            browser.close()


if __name__ == "__main__":
    main()
