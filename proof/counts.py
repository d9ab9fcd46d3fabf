"""The counts that `python -m proof` adds up; how they are kept is defined with the tests."""

from __future__ import annotations

from pathlib import Path

from tests.support.figures import Figures

__all__ = ["Figures", "leave"]


def leave(figures: Figures, directory: Path | None, name: str) -> None:
    """Write them where they are collected, if they are."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        figures.write(directory / f"{name}.json")
