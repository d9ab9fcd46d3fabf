"""The adapter for Loop, the source of returns: schema, windows, pages and the edge probe."""

from reconciler.loop.reader import LoopReader

__all__ = ["LoopReader"]
