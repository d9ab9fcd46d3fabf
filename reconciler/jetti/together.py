"""Changes that have no outcome yet because they are recorded, or checked, together."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.jetti.creator import SentCreate
from reconciler.jetti.matcher import MatchedChange
from reconciler.jetti.result import PushResult

# safeguard: few-creates-unchecked
MOST_CREATES = 9
"""Creates that may be sent before the first is checked: a third of what is looked up together. At a
write a second the first waits nine seconds longer for its quantities than if it went alone, and if
the process dies meanwhile, all of them must be read back; a larger number would save few reads."""


@dataclass
class Together:
    """Either changes that are only to be skipped, or creates that were sent, never both."""

    skipped: list[MatchedChange] = field(default_factory=list)
    """They touch nothing but their own entries, so that many can be recorded in one transaction: to
    sync each to disk would take longer than all the rest."""
    creates: list[tuple[MatchedChange, SentCreate]] = field(default_factory=list)
    """The items that they made are read by one request."""
    failed: tuple[MatchedChange, PushResult] | None = None
    """The latest create, where it failed; it has nothing to be checked."""

    def __bool__(self) -> bool:
        return bool(self.skipped or self.creates or self.failed)

    @property
    def owed(self) -> int:
        """Writes that may have to follow, at most."""
        return sum(sent.most_puts for _, sent in self.creates)

    @property
    def is_full(self) -> bool:
        """Whether nothing may be added."""
        # safeguard: failed-create-is-the-last
        return self.failed is not None or len(self.creates) >= MOST_CREATES

    def add(self, matched: MatchedChange, sent: SentCreate | PushResult) -> None:
        """A create that was sent, or could not be."""
        if isinstance(sent, SentCreate):
            self.creates.append((matched, sent))
        else:
            self.failed = matched, sent

    def take(self) -> Together:
        """All of it, to be finished; nothing is left here."""
        taken = Together(self.skipped, self.creates, self.failed)
        self.skipped, self.creates, self.failed = [], [], None
        return taken
