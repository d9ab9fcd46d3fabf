"""Loop's open lists: which words this version does not know, and what gives them a meaning.

Such a word is never guessed at: it has no opinion, or the return is held, and it is counted.
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

# A word of a list: nothing in which an address, a link or a number of anybody's could be kept.
_WORD = re.compile(r"[^\W\d_](?:[^\W\d]|[ +-]|\d(?!\d{2})){0,39}")
NO_WORD = "(no word)"
"""Stands for whatever is too long or too odd to be a word of a list."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

_MOST = 20  # of one return


def unknown_words(seen: Return) -> tuple[UnknownWord, ...]:
    """The words on a return that this version does not know, in lower case; sorted."""
    found = {UnknownWord(which, _shown(word)) for which, word in _unknown(seen)}
    return tuple(sorted(found, key=lambda one: (one.list, one.word))[:_MOST])


def count(found: Iterable[tuple[tuple[UnknownWord, ...], int]]) -> tuple[CountedWord, ...]:
    """From the words of returns, and how many returns have just those: the returns by word."""
    total: Counter[UnknownWord] = Counter()
    for words, returns in found:
        for word in words:
            total[word] += returns
    return tuple(
        CountedWord(word.list, word.word, returns)
        for word, returns in sorted(total.items(), key=lambda one: (one[0].list, one[0].word))
    )


def without_meaning(
    words: Iterable[CountedWord], mapping: Mapping, policy: Policy
) -> tuple[CountedWord, ...]:
    """Those that no setting names: a word that somebody has decided about is no news."""
    labelled = set(mapping.tracking).union(*mapping.status.values())
    known = {LABEL_STATUS: labelled, OUTCOME: _named(policy.outcomes), TYPE: _named(policy.types)}
    return tuple(word for word in words if word.word not in known.get(word.list, ()))


def way_out(word: CountedWord) -> str:
    """What becomes of such a return meanwhile, and the setting that gives the word a meaning."""
    if word.list == LABEL_STATUS:
        key = word.word if _BARE_KEY.fullmatch(word.word) else f'"{word.word}"'
        return (
            "told no status by it; mapping.tracking."
            f"{key} and mapping.status.STATE.{key} give it a meaning"
        )
    if word.list == STATE:
        return "held: not created, and told no status; this version has no setting for it"
    setting = "policy.outcomes" if word.list == OUTCOME else "policy.types"
    return f"pushed like any other; named in {setting}.include or .exclude it is decided"


def _unknown(seen: Return) -> Iterator[tuple[str, str]]:
    for parcel in seen.parcels:
        if (said := labels.word(parcel)) not in labels.KNOWN:
            yield LABEL_STATUS, said
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
