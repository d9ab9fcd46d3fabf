"""What a message has to name, and what a result decides apart from its words."""

from __future__ import annotations

import re

from msgspec.structs import replace

from reconciler.core.matching.result import MatchResult, NeedsReview, NotReady

REVIEW = NeedsReview("")


def assert_names(text: str, *facts: str) -> None:
    """Each of them, with nothing of a longer word or number around it."""
    for fact in facts:
        assert re.search(rf"(?<![\w-]){re.escape(fact)}(?![\w-])", text), (fact, text)


def without_words(result: MatchResult) -> MatchResult:
    """The same with nothing said."""
    if isinstance(result, NotReady):
        return replace(result, reason="", found_instead="")
    assert isinstance(result, NeedsReview)
    return replace(result, reason="")


def words_of(result: NeedsReview | NotReady) -> str:
    """What somebody reads: of a line that never came, also what there is in its place."""
    instead = getattr(result, "found_instead", "")
    return f"{result.reason}: {instead}" if instead else result.reason
