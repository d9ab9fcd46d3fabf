"""One line of the table: a measurement, beside the least that could do the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, and its limit. Either is a ratio, a share, or a size in a unit."""

    name: str
    value: float
    limit: float
    unit: str = ""
    beside: str = ""
    """Absolute measurements behind it."""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def row(self, *, judged: bool) -> str:
        """The line, with a verdict if it is judged."""
        bound = "at least" if self.at_least else "at most"
        verdict = ("ok" if self.holds else "MISSED") if judged else "not judged"
        measured = f"{self.value:7.2f} {self.unit:6} ({bound} {self.limit:g})"
        return f"{self.name:52} {measured:34} {verdict:10} {self.beside}".rstrip()
