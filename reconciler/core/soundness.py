"""What `ledger check` found."""

from __future__ import annotations

from msgspec import Struct

_SOUND, _NEEDS_A_LOOK, _UNUSABLE = 0, 3, 8


class Finding(Struct, frozen=True):
    """Something about a ledger that should not be."""

    what: str
    hint: str
    is_damage: bool = False
    """Whether the ledger must not be used like that; else someone should look."""


class Soundness(Struct, frozen=True):
    """A ledger that was looked through."""

    schema: str
    """As `0004`."""
    entries: int
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 sound, 3 sound but something needs a look, 8 unusable."""
        if any(one.is_damage for one in self.findings):
            return _UNUSABLE
        return _NEEDS_A_LOOK if self.findings else _SOUND
