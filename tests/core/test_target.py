"""A target is built when it is first needed, and once."""

from __future__ import annotations

from contextlib import suppress

from reconciler.core.target import DeferredTarget, LedgerPreview
from reconciler.errors import TargetUnavailable


class Talkative(LedgerPreview):
    """Has a remark more after each question."""

    def __init__(self) -> None:
        self.asked = 0

    def already_has(self, changes):
        self.asked += 1
        return []

    def remarks(self):
        return ("odd",) * self.asked


def test_it_is_built_at_its_first_use_and_stays_the_same() -> None:
    built = []

    def build():
        built.append(Talkative())
        return built[-1]

    target = DeferredTarget(build)
    assert (built, target.remarks, target.unfinished) == ([], (), {})

    with target.in_use() as first:
        first.already_has([])
    with target.in_use() as second:
        second.already_has([])

    assert built == [target.get()] == [first] == [second]
    assert target.remarks == ("odd", "odd")


def test_its_remarks_are_kept_when_its_use_fails() -> None:
    target = DeferredTarget(Talkative)

    with suppress(TargetUnavailable), target.in_use() as used:
        used.already_has([])
        raise TargetUnavailable("Jetti answered 503")

    assert target.remarks == ("odd",)
