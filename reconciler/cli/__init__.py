"""The command line: options in, exit code out; the only place that prints."""

from __future__ import annotations

from reconciler.cli.main import main, perform

__all__ = ["main", "perform"]
