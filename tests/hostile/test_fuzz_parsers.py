"""Any bytes at all, and recorded answers with bytes changed, at every parser and writer."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.fuzz_targets import TARGETS
from tests.hostile.hostile_content import BROKEN, RAW, TEXTS
from tests.support.figures import Figures


def _words(text: str) -> list[str]:
    return [" ", "\n", *text.split()]


_CASSETTES = Path(__file__).parents[1] / "cassettes"
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(list(TEXTS.values())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
_KEYS = _words("""
    id state created_at updated_at order_name line_items labels provider_order_id outcome type
    line_item_id provider_line_item_id status carrier tracking_number error errors message
    saleId reference createdAt externalId sale_return_items saleReturnId saleItemId quantity
    title code purchaseId
""")
_ROWS = st.lists(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=12), max_size=3)
_PAGES = st.fixed_dictionaries({"returns": _ROWS, "nextPageUrl": _JSON})
_WORDS = _words("""
    2026-03-01 T 12:00:00 24:00:00 23:59:60 Z +00:00 -14:00 .123456 0000-00-00 9999-12-31 0001-01-01
    02-29 1 0 -1 9 99999999999 s m h d 7d 36h 1e3 inf nan Sun, Mon, Mar GMT EST ?cursor= & # @ : //
    https api.loopreturns.com eyJ [ ] [loop] lag = page_size " ' * / 1-5 sun , mon \u0663 \u202e
    \x1b LOOP__LAG JETTI__SETTLE POLICY__SKUS__INCLUDE MAPPING__REASONS__X \0 \U0001f600
""")


def _bytes_of(value: object) -> bytes:
    return json.dumps(value).encode()


SHAPED = st.one_of(
    st.binary(max_size=200),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80).map(str.encode),
    st.lists(st.sampled_from(_WORDS), max_size=8).map(lambda words: "".join(words).encode()),
    st.lists(st.sampled_from(_WORDS), max_size=8).map(lambda words: " ".join(words).encode()),
    st.tuples(st.sampled_from(_WORDS), st.integers(0, 20_000)).map(
        lambda long: f"?cursor={long[0] * long[1]}".encode()
    ),
    _PAGES.map(_bytes_of),
    _ROWS.map(_bytes_of),
    _JSON.map(_bytes_of),
)


@pytest.mark.covers("F35", "F100")
def test_any_bytes_are_a_value_or_the_named_error(figures: Figures, long: bool) -> None:
    @settings(max_examples=5_000 if long else 150, database=None)
    @given(SHAPED)
    def holds(data: bytes) -> None:
        for target in TARGETS.values():
            target(data)
        figures.add("fuzz", "examples", len(TARGETS))

    holds()


def _recorded() -> list[bytes]:
    """Bodies of recorded answers."""
    tapes = [yaml.safe_load(file.read_text()) for file in sorted(_CASSETTES.rglob("*.yaml"))]
    bodies = [one["response"]["body"]["string"] for tape in tapes for one in tape["interactions"]]
    return sorted({body.encode() if isinstance(body, str) else body for body in bodies})


def _changed(body: bytes, rng: random.Random) -> bytes:
    """A few of: a byte flipped, cut, repeated or moved, a value swapped for a hostile one."""
    data = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + rng.randrange(20)]
            case 2:
                data[at:at] = data[at : at + rng.randrange(40)]
            case 3:
                hostile = rng.choice([*map(json.dumps, TEXTS.values()), *_SHORT])
                colon = data.find(b":", at)
                end = data.find(b",", colon)
                if 0 <= colon < end:
                    data[colon + 1 : end] = hostile.encode("utf-8", "surrogateescape")
            case _:
                data = data[at:] + data[:at]
    return bytes(data)


_SHORT = [value for value in (*RAW.values(), *BROKEN.values()) if len(value) < 10_000]


@pytest.mark.covers("F24")
@pytest.mark.parametrize("name", ["loop_page", "loop_details", "jetti_rows", "problem"])
def test_recorded_answers_with_bytes_changed(name: str, figures: Figures, long: bool) -> None:
    rng = random.Random(f"changed {name}")
    bodies = _recorded()
    for _ in range(20_000 if long else 400):
        TARGETS[name](_changed(rng.choice(bodies), rng))
        figures.add("fuzz", "examples")
