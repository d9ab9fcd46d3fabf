"""The counts that `python -m proof` adds up; their format is defined with the tests."""

from __future__ import annotations

from pathlib import Path

from tests.support.figures import Figures

__all__ = ["Figures", "leave"]


def leave(figures: Figures, directory: Path | None, name: str) -> None:
    """Write the counts to `directory`, if there is one."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        figures.write(directory / f"{name}.json")
