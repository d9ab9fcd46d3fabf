"""No write leaves for Jetti before its intent would survive a power cut (P5, D5, F5).

Real runs are watched by strace. From their system calls the ledger is rebuilt as a power cut at
that moment would leave it, opened by SQLite alone, and asked whether it knows of the write.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.durability import power_cut
from tests.durability.power_cut import Call, Disk
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures
from tests.support.process_world import RealWorld, on_the_machine_s_clock

pytestmark = pytest.mark.skipif(
    power_cut.missing() is not None, reason=power_cut.missing() or "strace works here"
)

_REQUEST = re.compile(rb"(POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1\r\n")
_OPERATIONS = {
    "sales": "create",
    "sale-returns": "update_sale_return",
    "sale-return-items": "update_item",
}


@dataclass
class Traced:
    """One run: the disk before it and its system calls."""

    name: str
    ledger: Path
    before: dict[Path, bytes]
    calls: list[Call]


@dataclass(frozen=True)
class Sent:
    """A write as it left."""

    operation: str
    target_id: int
    body: dict[str, Any]

    def is_announced(self, intents: list[dict[str, Any]]) -> bool:
        """Whether one of these intents says so, to the item and the field."""
        said: dict[str, Any] = {"operation": self.operation, "target_id": self.target_id}
        if self.operation == "create":
            said["sale_item_ids"] = self.body["ids"]
        else:
            said["fields"] = self.body
        return any(
            all(intent.get(name) == value for name, value in said.items()) for intent in intents
        )


@dataclass
class Story:
    """Runs of one ledger, one after the other."""

    world: RealWorld
    traces: Path
    runs: list[Traced] = field(default_factory=list)

    def run(self, name: str, *arguments: str) -> int:
        ledger = self.world.directory / "ledger.db"
        files = (ledger, ledger.with_name("ledger.db-journal"))
        before = {file: file.read_bytes() for file in files if file.exists()}
        trace = self.traces / f"{len(self.runs)}.strace"
        process = self.world.start("run", *arguments, under=power_cut.tracing(trace))
        code, _, _ = self.world.end(process)
        self.runs.append(Traced(name, ledger, before, list(power_cut.calls(trace))))
        return code


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Creates for one and two vendors, PUTs of items and sale returns, a cancel, a lost answer."""
    with on_the_machine_s_clock(tmp_path_factory.mktemp("ledger")) as world:
        told = Story(world, tmp_path_factory.mktemp("traces"))
        world.live()
        two, gone = world.born(("Acme", 2), ("Bolt", 1)), world.born((None, 1))
        assert told.run("create") == 0
        world.loop.label(two, status="in_transit")
        world.loop.add_line(two, world.orders[0].lines[0])
        world.loop.set_state(gone, "cancelled")
        assert told.run("update and cancel") == 0
        lost = world.born(("Acme", 1))
        world.breaks("POST *", "applied_then_lost")
        assert told.run("lost answer") == 3
        world.heals()
        world.settles(lost)
        assert told.run("read back") == 0
        assert_agreement(world)
        yield told


@pytest.mark.covers("F5", "P5")
def test_nothing_is_unsynced_when_a_write_leaves(story: Story, figures: Figures) -> None:
    for traced in story.runs:
        disk, leaving = _disk(traced), _writes(traced.calls)
        for place, call in enumerate(traced.calls):
            if place in leaving:
                assert disk.unsynced == 0, f"{traced.name}: {leaving[place]}"
                figures.add("durability", "writes traced")
            disk.see(call)


def test_a_power_cut_when_a_write_leaves_keeps_its_intent(story: Story, tmp_path: Path) -> None:
    seen = [sent for run in story.runs for sent in _check_sends(run, run.calls, tmp_path)]

    assert {sent.operation for sent in seen} == set(_OPERATIONS.values())
    assert any(sent.body.get("status") == "cancelled" for sent in seen)
    assert len(seen) == len(story.world.writes()), "not every write was seen to leave"


@pytest.mark.covers("F5", "P5")
def test_a_power_cut_at_any_moment_keeps_the_intents_of_all_that_was_sent(
    story: Story, tmp_path: Path, figures: Figures, long: bool
) -> None:
    rng = random.Random(20260301)
    for traced in story.runs:
        disk, leaving, sent = _disk(traced), _writes(traced.calls), []
        for place, call in enumerate(traced.calls):
            sent += [leaving[place]] if place in leaving else []
            disk.see(call)
            cuts = (20 if long else rng.random() < 0.25) if disk.unsynced else 0
            for _ in range(cuts):
                _assert_known(disk.after_a_power_cut(tmp_path, rng), sent)
                figures.add("durability", "power cuts")


def test_no_other_program_is_begun_that_would_inherit_the_keys(story: Story) -> None:
    assert [power_cut.programs(run.calls) for run in story.runs] == [["execve"]] * len(story.runs)


@pytest.mark.parametrize("last_only", [False, True])
def test_the_proof_bites_where_syncs_are_missing(
    story: Story, tmp_path: Path, last_only: bool
) -> None:
    """All of them, or only the one after the journal was emptied, as with synchronous=NORMAL."""
    traced = story.runs[0]
    left = _without_syncs(traced.calls, last_only)
    assert len(left) < len(traced.calls)

    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        _check_sends(traced, left, tmp_path)


def _without_syncs(calls: list[Call], last_only: bool) -> list[Call]:
    left: list[Call] = []
    for call in calls:
        after_emptying = bool(left) and left[-1].name == "ftruncate"
        if "sync" not in call.name or (last_only and not after_emptying):
            left.append(call)
    return left


def _check_sends(traced: Traced, calls: list[Call], place: Path) -> list[Sent]:
    """Cut the power whenever a write leaves, and lose all that can be lost."""
    disk, leaving = _disk(traced), _writes(calls)
    for number, call in enumerate(calls):
        if number in leaving:
            _assert_known(disk.after_a_power_cut(place), [leaving[number]])
        disk.see(call)
    return list(leaving.values())


def _assert_known(ledger: Path, sent: list[Sent]) -> None:
    """SQLite undoes what was half done; the rest is sound and announces all of this."""
    with closing(sqlite3.connect(ledger)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        intents = [json.loads(text) for (text,) in raw.execute('SELECT "write" FROM intents')]
    for one in sent:
        assert one.is_announced(intents), f"{one} left, and the ledger knows only {intents}"


def _disk(traced: Traced) -> Disk:
    """As it was before the run, everything synced."""
    disk = Disk(traced.ledger)
    for path, content in traced.before.items():
        disk.files[str(path)].synced[:] = content
    return disk


def _writes(calls: list[Call]) -> dict[int, Sent]:
    """Where the first byte of a write leaves, and which write it is."""
    return {
        number: _sent(match, calls[number:])
        for number, call in enumerate(calls)
        if call.name.startswith("send") and (match := _REQUEST.match(call.content))
    }


def _sent(head: re.Match[bytes], following: list[Call]) -> Sent:
    """The body is what follows the head over the same connection."""
    place = following[0].place
    stream = b"".join(c.content for c in following if c.place == place and "send" in c.name)
    body = stream.partition(b"\r\n\r\n")[2]
    what, number, *_ = head[2].decode().removeprefix("/api/").removesuffix(".json").split("/")
    return Sent(_OPERATIONS[what], int(number), json.loads(body))
