"""A return that somebody had forgotten: nothing of it is left, and it is never created again."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler import alarms, config, failpoints, maintenance
from reconciler.errors import SafetyStop
from reconciler.failpoints import Failpoint
from reconciler.ledger.forgotten import Traces
from reconciler.ledger.lock import run_lock
from reconciler.runtime import Runtime
from tests.support.agreement import assert_agreement
from tests.support.world import World


def forget(world: World, return_id: str, *options: str) -> int:
    ran = world.call("ledger", "forget", return_id, "--yes", *options)
    assert ran.code == 0, ran.stderr
    return ran.code


def file_of(world: World) -> Path:
    return Path(world.ledger.removeprefix("sqlite:///"))


def found_in(world: World, text: str) -> list[str]:
    """Files of the ledger's directory, backups left out, in whose bytes it stands."""
    return [
        file.name
        for file in file_of(world).parent.iterdir()
        if file.is_file() and file.suffix != ".backup" and text.encode() in file.read_bytes()
    ]


@pytest.mark.covers("P17")
def test_no_byte_of_it_is_left_in_the_ledger(world: World) -> None:
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.loop.label(one, status="in_transit")
    world.pass_time()
    world.run()
    [tracking] = {row["tracking"] for row in world.in_jetti(one)}
    order = world.orders[-1]
    world.loop.move_label(one, "delivered")  # earlier versions of its rows are in free pages
    world.pass_time()
    world.run()
    traces = (one, order.order_id, order.name, order.lines[0].sku, tracking)
    assert all(found_in(world, text) for text in traces)

    forget(world, one)

    assert {text: found_in(world, text) for text in traces} == {text: [] for text in traces}


def test_what_was_deleted_earlier_is_in_no_free_page_either(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    text = f"{one} might be another's; " * 500
    for reason in (text, None):
        with closing(sqlite3.connect(file_of(world))) as raw:
            raw.execute("PRAGMA secure_delete = OFF")
            raw.execute("UPDATE entries SET reason = ? WHERE return_id = ?", (reason, one))
            raw.commit()
    assert found_in(world, "might be another's")

    forget(world, one)

    assert found_in(world, "might be another's") == []


def test_where_the_file_cannot_be_written_anew_that_is_told_and_its_rows_are_gone(
    world: World,
) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    sku = world.orders[-1].lines[0].sku
    with closing(sqlite3.connect(file_of(world))) as reader:

        def reads(point: Failpoint) -> None:
            if point is Failpoint.FORGOTTEN:
                reader.execute("BEGIN")
                reader.execute("SELECT * FROM meta").fetchone()

        world.busy_seconds = 0.05
        with failpoints.watched(reads):
            ran = world.call("ledger", "forget", one, "--yes")

    assert ran.code == 8
    assert "is forgotten, but free pages of the ledger may still show it" in ran.stderr
    assert "then repeat the command" in ran.stderr
    assert found_in(world, sku) == []
    assert world.run().report["counts"]["forgotten"] == 1
    assert "the file was rewritten" in world.call("ledger", "forget", one).stdout


def test_a_reader_keeps_it_from_being_forgotten_halfway(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    world.busy_seconds = 0.05
    with closing(sqlite3.connect(file_of(world), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchone()

        ran = world.call("ledger", "forget", one, "--yes")

    assert (ran.code, "is locked by another program" in ran.stderr) == (8, True)
    assert world.state(one) == "synced"


def test_what_has_changed_since_it_was_shown_is_not_forgotten(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run("--max-writes", "0")
    runtime = Runtime(world.clock, world.environ, connect=world.connect)

    def answers(shown: Traces) -> bool:
        assert shown.state == "pending"
        return world.run().code == 0

    with pytest.raises(SafetyStop, match="has changed since it was shown"):
        maintenance.forget(config.load(None, world.environ), runtime, one, answers, 0.0)

    assert world.state(one) == "synced"


def test_a_run_that_goes_on_is_waited_for(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    with run_lock(file_of(world), world.clock):
        ran = world.call("ledger", "forget", one, "--yes", "--wait", "5s")

    assert (ran.code, world.state(one)) == (75, "synced")
    assert f"reconciler ledger forget {one} --yes --wait 2m" in ran.stderr


@pytest.mark.parametrize("how", ["pass", "sweep", "range", "changed"])
def test_listed_again_it_is_counted_and_nothing_else(world: World, how: str) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run("--max-writes", "0")
    assert world.state(one) == "pending"
    forget(world, one)
    if how == "changed":
        world.loop.label(one, status="in_transit")
        world.pass_time()
    options = {"sweep": ["--sweep", "30d"], "range": ["--from", "7d", "--yes"]}.get(how, [])

    ran = world.run(*options)

    assert ran.code == 0
    assert (ran.report["counts"]["forgotten"], ran.report["changes"]) == (1, [])
    assert ran.report["counts"]["new"] == 0
    assert one not in json.dumps(ran.report)
    assert found_in(world, one) == []
    assert world.in_jetti(one) == []


def test_a_pass_that_meets_only_forgotten_ones_is_silent_and_folded(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run("--max-writes", "0")
    forget(world, one)
    world.run()
    before = len(json.loads(world.call("history", "--format", "json").stdout)["runs"])

    ran = world.call("run")

    assert (ran.code, ran.stdout) == (0, "")
    assert len(json.loads(world.call("history", "--format", "json").stdout)["runs"]) == before


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_row_that_is_not_understood_is_forgotten_too(world: World, is_whole: bool) -> None:
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    if is_whole:
        world.loop.edit(one, extra={"created_at": "yesterday"})
    else:
        line = world.seen(one).lines[1].id
        world.loop.edit_line(one, line, extra={"provider_line_item_id": None})
    world.pass_time()
    assert world.run().code == 3

    forget(world, one)

    assert found_in(world, one) == []
    again = world.run()
    assert (again.code, again.report["counts"]["forgotten"]) == (0, 1)
    assert found_in(world, one) == []
    assert world.call("status").code == 0


def test_whoever_names_it_is_told_and_nothing_is_kept(world: World) -> None:
    world.trusted()
    one, other = world.returned(), world.returned()
    world.pass_time()
    world.run()
    order = world.orders[-2].name
    forget(world, one)

    named = world.run("--return", one, other)
    by_order = world.run("--order", order)
    shown = world.call("show", one)

    for ran in (named, by_order):
        assert ran.code == 2
        assert "forgotten by `reconciler ledger forget`" in ran.report["run"]["message"]
    assert named.report["counts"]["seen"] == 1
    assert (shown.code, "was forgotten at" in shown.stderr) == (2, True)
    assert found_in(world, one) == []


@pytest.mark.parametrize("is_told_first", [True, False])
def test_nor_is_it_remembered_that_its_row_was_not_understood(
    world: World, is_told_first: bool
) -> None:
    """Whether it was reported before, or is by somebody who has looked just before."""
    world.trusted()
    one = world.returned()
    world.loop.edit(one, extra={"state": []})
    world.pass_time()
    world.run()
    memory = alarms.Memory(config.load(None, world.environ), world.clock, alarms.PRINTED)
    look = memory.look(None)
    assert [worse.subject for worse in look.news.worse] == [
        f"#1002, return {one} (row not understood)"
    ]
    if is_told_first:
        memory.remember(look)

    forget(world, one)
    if not is_told_first:
        memory.remember(look)

    assert found_in(world, one) == []


@pytest.mark.parametrize("state", ["synced", "pending"])
def test_another_return_of_the_order_goes_its_own_way(world: World, state: str) -> None:
    world.trusted()
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    world.pass_time()
    world.run(*([] if state == "synced" else ["--max-writes", "0"]))
    forget(world, one)
    theirs = world.in_jetti(one)
    two = world.submit(order, 2)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(two)) == (0, "synced")
    assert world.in_jetti(one) == theirs
    [made] = world.in_jetti(two)
    assert list(made["lines"].values()) == [2]
    world.loop.label(two, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    assert world.in_jetti(one) == theirs
    assert_agreement(world, but=[one])


@pytest.mark.parametrize("kind", ["applied_then_lost", "not_applied_then_lost"])
def test_while_its_write_is_unanswered_it_cannot_be_forgotten(world: World, kind: str) -> None:
    world.trusted()
    one = world.returned()
    world.breaks("POST *", kind, nth=1)
    world.pass_time()
    world.run()
    assert world.state(one) == "unknown"
    before = file_of(world).read_bytes()

    ran = world.call("ledger", "forget", one, "--yes")

    assert (ran.code, "what became of its last write" in ran.stderr) == (7, True)
    assert world.state(one) == "unknown"
    assert len(before) == len(file_of(world).read_bytes())
    world.heals()
    world.pass_time(minutes=10)
    world.run()
    world.pass_time(minutes=10)
    world.run()
    assert world.state(one) == "synced"
    forget(world, one)


def test_what_does_not_carry_its_marker_yet_cannot_be_forgotten(world: World) -> None:
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.breaks("PUT *", "503")
    world.pass_time()
    world.run()
    unmarked = [row for row in world.on_order(world.orders[-1]) if row["marker"] is None]
    with closing(sqlite3.connect(file_of(world))) as raw:
        raw.execute("UPDATE intents SET closed_as = 'applied' WHERE return_id = ?", (one,))
        raw.commit()

    ran = world.call("ledger", "forget", one, "--yes")

    assert unmarked
    assert (ran.code, "does not carry its marker" in ran.stderr) == (7, True)
    assert world.entry(one).sale_returns


def test_the_return_that_stopped_creation_cannot_be_forgotten(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    with closing(sqlite3.connect(file_of(world))) as raw:
        raw.execute("UPDATE meta SET creation_stopped = ?", (f"return {one}: too much came back",))
        raw.commit()

    ran = world.call("ledger", "forget", one, "--yes")

    assert (ran.code, world.state(one)) == (7, "synced")
    assert "why creation is stopped" in ran.stderr


def test_a_stopped_plan_loses_the_member_and_can_still_be_accepted(world: World) -> None:
    world.trusted()
    made = [world.returned() for _ in range(3)]
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    stopped = world.run(**tight)
    assert stopped.code == 7

    forget(world, made[0])
    ran = world.run("--accept-plan", stopped.report["run"]["digest"], **tight)

    assert ran.code == 0, ran.stderr
    assert [len(world.in_jetti(one)) for one in made] == [0, 1, 1]
    assert found_in(world, made[0]) == []


def test_a_reviewed_plan_that_still_names_it_creates_the_others(world: World) -> None:
    world.trusted()
    made = [world.returned() for _ in range(3)]
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    reviewed = world.directory / "plan.json"
    world.run("--max-writes", "0")
    world.call("run", "--dry-run", "--format", "json", "--output", str(reviewed), **tight)
    assert made[0] in reviewed.read_text()
    forget(world, made[0])

    ran = world.run("--accept-plan", str(reviewed), **tight)

    assert ran.code == 0, ran.stderr
    assert [len(world.in_jetti(one)) for one in made] == [0, 1, 1]


def test_sentences_that_name_it_are_changed(world: World) -> None:
    world.trusted()
    one, two = world.returned(), world.returned()
    world.pass_time()
    world.run()
    with closing(sqlite3.connect(file_of(world))) as raw:
        said = f"it could belong to {one}, not to 1{one} or {two}"
        raw.execute("UPDATE entries SET reason = ? WHERE return_id = ?", (said, two))
        raw.execute("UPDATE runs SET message = ?, command = ?", (said, f"reconciler show {one}"))
        raw.commit()

    forget(world, one)

    with closing(sqlite3.connect(file_of(world))) as raw:
        [reason] = raw.execute("SELECT reason FROM entries WHERE return_id = ?", (two,)).fetchone()
        commands = raw.execute("SELECT DISTINCT message, command FROM runs").fetchall()
    assert reason == f"it could belong to (a forgotten return), not to 1{one} or {two}"
    assert commands == [(reason, None)]


def test_an_older_ledger_put_back_still_has_it_until_it_is_forgotten_again(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    world.call("ledger", "backup")
    [backup] = file_of(world).parent.glob("*.backup")

    ran = world.call("ledger", "forget", one, "--yes")

    assert f"{backup}\n           still holds it" in ran.stdout
    shutil.copyfile(backup, file_of(world))
    assert world.state(one) == "synced"
    assert world.run().code == 0
    assert len(world.in_jetti(one)) == 1
    forget(world, one)
    backup.unlink()
    assert found_in(world, one) == []
    assert "still holds it" not in world.call("ledger", "forget", one).stdout


def test_forgotten_twice_changes_nothing_more(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    forget(world, one)

    again = world.call("ledger", "forget", one)
    unknown = world.call("ledger", "forget", "99999999", "--yes")

    assert (again.code, "was forgotten before" in again.stdout) == (0, True)
    assert (unknown.code, "knows no return" in unknown.stderr) == (2, True)
    assert world.call("ledger", "check").code == 0


def test_without_consent_nothing_is_forgotten(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    before = file_of(world).read_bytes()

    ran = world.call("ledger", "forget", one)

    assert (ran.code, "nobody said yes" in ran.stderr) == (7, True)
    assert file_of(world).read_bytes() == before


def test_adopting_passes_it_by(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    forget(world, one)

    ran = world.call("init", "--adopt", "--since", "7d")

    assert ran.code == 0, ran.stderr
    assert found_in(world, one) == []


def test_a_dry_run_counts_it_too(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run("--max-writes", "0")
    forget(world, one)

    ran = world.run("--dry-run", "--against-jetti")

    assert (ran.code, ran.report["changes"], ran.report["counts"]["forgotten"]) == (0, [], 1)
    text = world.call("run", "--dry-run").stdout
    assert re.search(r"^forgotten +1 return, of which nothing is kept$", text, re.MULTILINE)


def test_verify_does_not_promise_that_the_next_pass_takes_up_what_was_forgotten(
    world: World,
) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    assert world.call("ledger", "forget", one, "--yes").code == 0

    found = json.loads(world.call("verify", "--format", "json").stdout)

    assert (found["in_work"], found["counts"]["forgotten"]) == ([], 1)
    world.pass_time()
    assert world.run().report["counts"]["forgotten"] == 1
