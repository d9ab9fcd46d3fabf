"""Connections that are opened at the same time."""

from __future__ import annotations

import threading

import httpcore
import pytest

from reconciler.errors import Interrupted
from reconciler.http.together import open_together


class Line(httpcore.NetworkStream):
    """A connection that knows whether it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def no_signal():
    """Nobody wants us to stop."""


def test_all_are_opened_in_the_time_of_one():
    together = threading.Barrier(5, timeout=10)

    def connect():
        together.wait()  # not one of them is open before all are on their way
        return Line()

    opened = open_together(5, connect, no_signal, 0.01)

    assert all(isinstance(one, Line) and not one.closed.is_set() for one in opened)
    assert len(set(map(id, opened))) == 5


@pytest.mark.parametrize("kind", [httpcore.ConnectError, httpcore.ConnectTimeout])
def test_one_that_cannot_be_opened_leaves_the_others(kind):
    numbers = iter(range(3))

    def connect():
        if next(numbers) == 1:
            raise kind("refused")
        return Line()

    opened = open_together(3, connect, no_signal, 0.01)

    assert sorted(type(one).__name__ for one in opened) == sorted(["Line", "Line", kind.__name__])


def test_a_signal_ends_the_wait_and_closes_what_is_open_then_or_later():
    made = [Line(), Line()]
    waiting, released = threading.Event(), threading.Event()
    numbers = iter(range(2))

    def connect():
        number = next(numbers)
        if number == 1:
            waiting.set()
            released.wait(10)
        return made[number]

    def signal():
        if waiting.is_set():
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        open_together(2, connect, signal, 0.01)

    assert made[0].closed.wait(10)
    assert not made[1].closed.is_set()
    released.set()
    assert made[1].closed.wait(10)
