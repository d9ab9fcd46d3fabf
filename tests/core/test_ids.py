"""What counts as an id of Loop's."""

from __future__ import annotations

import pytest

from reconciler.core.ids import is_id


@pytest.mark.parametrize("text", ["1", "0", "31010000", "9" * 20])
def test_one_to_twenty_digits_are_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize(
    "text", ["", "9" * 21, "12a", " 12", "12\n", "-1", "1.0", "\u0661\u0662", "1/../2"]
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_id(text)
