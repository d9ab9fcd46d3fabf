"""The name of an order, which Shopify writes with a `#` and others often without."""

from __future__ import annotations


def bare(name: str) -> str:
    """The name without the `#`: `1042`. Empty when there is no more to it."""
    return name.strip().lstrip("#")


def variants(name: str) -> tuple[str, ...]:
    """The forms under which somebody may hold the name, in the order to try them: `1042`, `#1042`.

    None of an empty name.
    """
    return (bare(name), f"#{bare(name)}") if bare(name) else ()


def same(one: str, other: str) -> bool:
    """Whether both are the name of one order (jetti.md#order-name-of-a-sale); never when empty."""
    return bare(one) == bare(other) != ""
