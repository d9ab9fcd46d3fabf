"""Loop's open lists: which words this version does not know, and which settings cover them.

The meaning of such a word is never guessed: it changes no status, or the return is held; and it is
counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.core import labels
from reconciler.core.model import GONE, KNOWN_STATES, CountedWord, Return, UnknownWord
from reconciler.core.settings import Globs, Mapping, Policy

LABEL_STATUS, STATE, OUTCOME, TYPE = "label status", "state", "outcome", "type"

OUTCOMES = frozenset({"exchange", "upsell", "refund", "credit", "gift_card"})
"""The parts of an outcome (loop.md#return-outcome)."""

TYPES = frozenset({"standard", "warranty"})
"""loop.md#other-enumerations."""

# A word of a list. It has no room for an address, a link or somebody's number.
_WORD = re.compile(r"[^\W\d_](?:[^\W\d]|[ +-]|\d(?!\d{2})){0,39}")
NO_WORD = "(no word)"
"""In place of a text that is too long or too odd to be a word of a list."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

_MOST = 20  # per return


def unknown_words(seen: Return) -> tuple[UnknownWord, ...]:
    """The words of a return that this version does not know, in lower case, sorted."""
    found = {UnknownWord(which, _shown(word)) for which, word in _unknown(seen)}
    return tuple(sorted(found, key=lambda one: (one.list, one.word))[:_MOST]) if found else ()


def count(found: Iterable[tuple[tuple[UnknownWord, ...], int]]) -> tuple[CountedWord, ...]:
    """The number of returns per word. Each item of `found` is a set of words and the number of
    returns that have exactly these."""
    total: Counter[UnknownWord] = Counter()
    for words, returns in found:
        for word in words:
            total[word] += returns
    return tuple(
        CountedWord(word.list, word.word, returns)
        for word, returns in sorted(total.items(), key=lambda one: (one[0].list, one[0].word))
    )


def unmapped(
    words: Iterable[CountedWord], mapping: Mapping, policy: Policy
) -> tuple[CountedWord, ...]:
    """The words that no setting names; the others have been decided about."""
    labelled = set(mapping.tracking).union(*mapping.status.values())
    known = {LABEL_STATUS: labelled, OUTCOME: _named(policy.outcomes), TYPE: _named(policy.types)}
    return tuple(word for word in words if word.word not in known.get(word.list, ()))


def advice(word: CountedWord) -> str:
    """What happens to such returns for now, and the setting that gives the word a meaning."""
    if word.list == LABEL_STATUS:
        key = word.word if _BARE_KEY.fullmatch(word.word) else f'"{word.word}"'
        return (
            "no status is sent for it; mapping.tracking."
            f"{key} and mapping.status.STATE.{key} give it a meaning"
        )
    if word.list == STATE:
        return "held: not created, and no status is sent; this version has no setting for it"
    setting = "policy.outcomes" if word.list == OUTCOME else "policy.types"
    return f"pushed like any other; {setting}.include or .exclude decides about it"


def _unknown(seen: Return) -> Iterator[tuple[str, str]]:
    for parcel in seen.parcels:
        if (label_status := labels.status_of(parcel)) not in labels.KNOWN:
            yield LABEL_STATUS, label_status
    if seen.state not in KNOWN_STATES and seen.state != GONE:
        yield STATE, seen.state
    for part in seen.outcomes:
        if part.lower() not in OUTCOMES:
            yield OUTCOME, part
    if seen.type is not None and seen.type.lower() not in TYPES:
        yield TYPE, seen.type


def _shown(word: str) -> str:
    word = word.strip()
    # safeguard: only-words-are-kept
    return word.lower() if _WORD.fullmatch(word) else NO_WORD


def _named(globs: Globs) -> set[str]:
    return {pattern.lower() for pattern in (*globs.include, *globs.exclude)}
