from __future__ import annotations

from reconciler.core.order_name import same, variants


def test_names_are_the_same_with_and_without_a_hash() -> None:
    assert same("1001", "#1001")
    assert same(" #1001", "1001")
    assert not same("1001-E", "#1001")
    assert not same("X7", "7")
    assert same("X7", "#X7")
    assert same("#X7", "X7")


def test_a_name_is_held_with_or_without_a_hash() -> None:
    assert variants("#1001") == variants(" 1001") == ("1001", "#1001")
    assert variants("#X7X") == variants("X7X") == ("X7X", "#X7X")


def test_an_empty_name_is_no_name() -> None:
    assert variants("") == variants(" # ") == ()
    assert not same("", "#")
