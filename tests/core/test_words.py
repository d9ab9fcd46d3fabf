"""Words of Loop's open lists that this version does not know (loop.md#enumerations)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from reconciler.core import labels, words
from reconciler.core.model import GONE, KNOWN_STATES, CountedWord, UnknownWord
from reconciler.core.settings import Globs, Mapping, Policy
from tests.core.samples import a_return, parcel


def unknown(**seen):
    return [(one.list, one.word) for one in words.unknown_words(a_return(**seen))]


@pytest.mark.parametrize("label", [None, *labels.STATUSES, "pending", "no_label", "DELIVERED"])
def test_every_listed_label_status_is_known(label):
    assert unknown(parcels=(parcel(label),)) == []


def test_every_listed_state_outcome_and_type_is_known():
    for state in KNOWN_STATES:
        assert unknown(state=state) == []
    for kind in ("standard", "warranty", None):
        assert unknown(type=kind) == []
    outcomes = ("exchange", "upsell", "refund", "credit", "gift_card", "Refund")
    assert unknown(outcomes=outcomes) == unknown(outcomes=()) == []


def test_the_state_of_a_return_that_is_gone_is_our_own_word():
    assert unknown(state=GONE) == []


def test_a_word_of_any_list_that_is_not_listed_is_found_once():
    found = unknown(
        state="processing",
        type="trade-in",
        outcomes=("refund", "repair"),
        parcels=(parcel("Lost"), parcel("lost", tracking_number="2"), parcel("delivered")),
    )

    assert found == [
        ("label status", "lost"),
        ("outcome", "repair"),
        ("state", "processing"),
        ("type", "trade-in"),
    ]


@pytest.mark.covers("R4")
@pytest.mark.parametrize(
    "text",
    [
        *("jane@example.test", "https://labels.example.test/x.pdf", "+1 555 0100", "12345"),
        *("x" * 41, "two\nlines", "9400111899223", "card 4111111111111111", "", "a\u202eb", "<b>"),
    ],
)
def test_what_is_no_word_of_a_list_is_counted_and_not_kept(text):
    assert unknown(state=text or "-") == [("state", words.NO_WORD)]


@given(st.text(), st.lists(st.text(), max_size=30), st.text())
def test_whatever_stands_there_becomes_a_few_short_words(state, said, kind):
    seen = a_return(state=state, type=kind, outcomes=tuple(said), parcels=tuple(map(parcel, said)))

    found = words.unknown_words(seen)

    assert len(found) <= 20
    assert all(len(one.word) <= 40 and one.word.isprintable() for one in found)
    assert json.decode(json.encode(found), type=tuple[UnknownWord, ...]) == found


def test_returns_are_counted_by_word():
    lost, repair = UnknownWord("label status", "lost"), UnknownWord("outcome", "repair")

    counted = words.count([((lost,), 3), ((lost, repair), 2)])

    assert counted == (
        CountedWord("label status", "lost", 5),
        CountedWord("outcome", "repair", 2),
    )
    assert words.count([]) == ()


def test_a_word_that_a_setting_names_is_no_news():
    found = [
        CountedWord(which, "lost", 1)
        for which in (words.LABEL_STATUS, words.STATE, words.OUTCOME, words.TYPE)
    ]

    def left(mapping=Mapping(), policy=Policy()):  # noqa: B008 - frozen
        told = words.unmapped(found, mapping, policy)
        return [word.list for word in found if word not in told]

    assert left() == []
    assert left(Mapping(tracking={"lost": "failure"})) == [words.LABEL_STATUS]
    assert left(Mapping(status={"closed": {"lost": "shipped"}})) == [words.LABEL_STATUS]
    assert left(policy=Policy(outcomes=Globs(exclude=("Lost",)))) == [words.OUTCOME]
    assert left(policy=Policy(types=Globs(include=("lost", "standard")))) == [words.TYPE]
    # A pattern that would let anything pass decides about no word.
    assert left(policy=Policy(types=Globs(include=("*",)))) == []


@pytest.mark.parametrize(
    ("word", "named"),
    [
        (CountedWord("label status", "lost", 1), "mapping.tracking.lost"),
        (CountedWord("label status", "lost at sea", 1), 'mapping.status.STATE."lost at sea"'),
        (CountedWord("outcome", "repair", 1), "policy.outcomes.include"),
        (CountedWord("type", "trade-in", 1), "policy.types.include"),
        # No setting decides about a state.
        (CountedWord("state", "processing", 1), "held"),
    ],
    ids=["label status", "label status of two words", "outcome", "type", "state"],
)
def test_each_word_names_the_setting_that_decides_about_it(word, named, golden):
    assert named in words.advice(word)
    golden(words.advice(word))
