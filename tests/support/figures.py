"""Counts that tests make on the side, for the figures of `proof.md`.

Nothing is asserted on them in a test that counts; `python -m proof` adds up what all workers of
a test run left behind.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Figures:
    """Counts, largest values and seen names, each by the part of the proof and its name."""

    counts: Counter[str] = field(default_factory=Counter)
    largest: dict[str, float] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)

    def add(self, part: str, name: str, count: int = 1) -> None:
        """So many more."""
        self.counts[f"{part}/{name}"] += count

    def most(self, part: str, name: str, value: float) -> None:
        """The largest of all values counts."""
        key = f"{part}/{name}"
        self.largest[key] = max(value, self.largest.get(key, value))

    def note(self, part: str, name: str, *seen: str) -> None:
        """These were seen; how often does not matter."""
        self.names.setdefault(f"{part}/{name}", set()).update(seen)

    def merge(self, other: Figures) -> None:
        """Add what another process has counted."""
        self.counts.update(other.counts)
        for name, value in other.largest.items():
            self.largest[name] = max(value, self.largest.get(name, value))
        for name, seen in other.names.items():
            self.names.setdefault(name, set()).update(seen)

    def write(self, file: Path) -> None:
        """Leave them for whoever adds up."""
        content = {
            "counts": dict(self.counts),
            "largest": self.largest,
            "names": {name: sorted(seen) for name, seen in self.names.items()},
        }
        file.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> Figures:
        """All that was left in a directory, added up."""
        total = cls()
        for content in _contents(directory):
            names = {name: set(seen) for name, seen in content["names"].items()}
            total.merge(cls(Counter(content["counts"]), dict(content["largest"]), names))
        return total


def _contents(directory: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(directory.glob("*.json")):
        yield json.loads(file.read_text(encoding="utf-8"))
