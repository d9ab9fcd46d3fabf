"""Pictures of a report for README: `make screenshots` makes them from a dry run over the sandbox,
the same each time but for the fonts of the machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from base64 import b64decode
from pathlib import Path

from playwright.sync_api import sync_playwright

from reconciler.cli import perform
from reconciler.cli.demo_stage import Stage
from reconciler.cli.session import Caller
from reconciler.clock import SystemClock
from reconciler.runtime import Runtime

IMAGES = Path(__file__).with_name("images")
PICTURES = {
    "report-light.webp": (1120, 1180, "light"),
    "report-dark.webp": (1120, 1180, "dark"),
    "report-phone.webp": (360, 760, "light"),
}
"""Width, height and colour scheme."""
_DRY_RUN = ("run", "--dry-run", "--against-jetti", "--from", "60d")


def main() -> None:
    """Write them all."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "report.html"
        with Stage.on(Path(directory), Caller(Runtime(SystemClock(), {}), perform)) as stage:
            stage.perform(*_DRY_RUN, "--format", "html", "--output", str(page))
        if stage.problems:
            raise SystemExit("\n".join(stage.problems))
        with sync_playwright() as playwright:
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=program, args=options)
            for name, (width, height, scheme) in PICTURES.items():
                shown = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if scheme == "dark" else "light",
                )
                shown.goto(page.as_uri())
                # A third of the size of a PNG; Playwright itself writes no WebP.
                taken = shown.context.new_cdp_session(shown).send(
                    "Page.captureScreenshot", {"format": "webp", "quality": 80}
                )
                (IMAGES / name).write_bytes(b64decode(taken["data"]))
            browser.close()


if __name__ == "__main__":
    main()
