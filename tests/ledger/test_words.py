"""The words that nobody knows, as the ledger counts them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from reconciler.core.model import CountedWord, Parcel
from reconciler.ledger.sql_ledger import SqlLedger
from tests.ledger.samples import LATER, MINUTE, NOON, drained, fingerprint, observation, wanted

LOST = Parcel(carrier="UPS", tracking_number="1Z", label_status="lost")


def test_returns_are_counted_by_word_as_they_were_last_seen(ledger: SqlLedger) -> None:
    news = [
        observation("1", parcels=(LOST, LOST)),
        observation("2", parcels=(LOST,), type="trade-in"),
        observation("3"),
    ]
    ledger.windows.record(drained(*news), NOON)

    assert ledger.entries.unknown_words() == (
        CountedWord("label status", "lost", 2),
        CountedWord("type", "trade-in", 1),
    )

    # News that want the same, and news that do not.
    changed = [
        observation("1", at=NOON + MINUTE),
        observation("2", "b", at=NOON + MINUTE, type="trade-in"),
    ]
    ledger.windows.record(drained(*changed), LATER)
    assert ledger.entries.unknown_words() == (CountedWord("type", "trade-in", 1),)


def test_an_older_version_of_a_return_brings_no_word_back(ledger: SqlLedger) -> None:
    ledger.windows.record(drained(observation("1", at=LATER)), NOON)
    ledger.windows.record(drained(observation("1", at=NOON, parcels=(LOST,))), NOON)

    assert ledger.entries.unknown_words() == ()


def test_words_of_entries_that_an_older_version_recorded_are_found_when_they_are_mapped_anew(
    ledger: SqlLedger, path: Path
) -> None:
    """A new version maps every entry again, also those that Loop never shows again."""
    news = [observation(one, parcels=(LOST,)) for one in ("1", "2")]
    ledger.windows.record(drained(*news, observation("3")), NOON)
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("UPDATE entries SET unknown_words = NULL")
    assert ledger.entries.unknown_words() == ()

    again = [("1", wanted("a"), fingerprint("x")), ("2", wanted("b"), fingerprint("b"))]
    ledger.entries.remap([*again, ("3", wanted("a"), fingerprint("x"))], "m2")

    assert ledger.entries.unknown_words() == (CountedWord("label status", "lost", 2),)
