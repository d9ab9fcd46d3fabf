"""Which numbers of issue 9 ("Right in a real shop") the oracles hold the program to.

A number that is missing here is neither drawn nor judged by the random histories.
"""

from __future__ import annotations

KEPT = frozenset(range(1, 21))


def kept(number: int) -> bool:
    """Whether the program is held to that number."""
    return number in KEPT
