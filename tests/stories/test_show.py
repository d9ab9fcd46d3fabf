"""`show` tells everything that happened to a return, in its order, as a process too. The truth is
what the services saw."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.lock import run_lock
from reconciler.sandbox.faults.registry import Fault
from tests.ledger.files import older_ledger
from tests.stories.test_dry_runs import footprint
from tests.stories.test_people_in_jetti import by_hand
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.world import World

WRITES = {"create": "POST", "update_sale_return": "PUT", "update_item": "PUT"}
PATHS = {
    "create": "/sales/{}/cancel.json",
    "update_sale_return": "/sale-returns/{}.json",
    "update_item": "/sale-return-items/{}.json",
}


def shown(world: World, one: str, *more: str) -> dict[str, Any]:
    ran = world.call("show", one, "--format", "json", *more)
    assert ran.code == 0, ran.stderr
    [detail] = json.loads(ran.stdout)["returns"]
    found: dict[str, Any] = detail
    return found


def unwrapped(text: str) -> str:
    """Without the ends of lines, which may be anywhere."""
    return " ".join(text.split())


def arrived(world: World) -> list[tuple[str, str]]:
    """Writes that reached Jetti, as method and path."""
    return [
        (one.method, one.path)
        for one in world.sandbox.request_log.all()
        if one.service == "jetti" and one.method != "GET"
    ]


def written(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """The same, as `show` has it."""
    writes = [event["write"] for event in detail["timeline"] if event["write"]]
    return [
        (WRITES[one["operation"]], PATHS[one["operation"]].format(one["target_id"]))
        for one in writes
    ]


# --------------------------------------------------------------------------------- what happened


def test_every_write_that_reached_jetti_is_told_once_in_its_order(world: World) -> None:
    world.trusted()
    world.sandbox.request_log.clear()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    assert world.run().code == 0

    detail = shown(world, one)

    ours = [(method, path.partition("/api")[2] or path) for method, path in arrived(world)]
    assert written(detail) == ours
    assert len(ours) > 5
    answers = [event["answer"] for event in detail["timeline"] if event["write"]]
    assert {(answer["answer"], answer["status"]) for answer in answers} == {("applied", 200)}
    times = [datetime.fromisoformat(event["at"]) for event in detail["timeline"]]
    assert times == sorted(times)
    assert (detail["writes"], detail["attempts"]) != ([], [])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("applied_then_lost", "lost"),
        ("422", "refused (422)"),
        ("503", "lost (503)"),
        ("429", "slow down (429)"),
    ],
)
def test_an_answer_that_is_no_success_is_told_with_what_follows(
    world: World, kind: str, said: str
) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", kind, nth=1)
    world.run()
    world.heals()

    detail = shown(world, one)

    [event] = [event for event in detail["timeline"] if event["kind"] == "write"]
    assert f"; {said}" in event["text"]
    assert event["write"]["operation"] == "create"
    assert event["text"] in unwrapped(world.call("show", one).stdout)
    state = world.state(one)
    assert detail["state"] == state
    assert ("is open until" in event["text"]) is bool(world.entry(one).intents)
    commands = [command["command"] for command in detail["commands"]]
    assert (f"reconciler run --return {one}" in commands) is (state != "dead")


def test_when_it_was_seen_in_loop_is_told(world: World) -> None:
    """Made, recorded five minutes later, changed, and read once more without a change."""
    world.trusted()
    one = world.returned()
    made = world.clock.now().replace(microsecond=0)  # as finely as Loop says
    world.pass_time()
    recorded = world.clock.now()
    world.run()
    world.loop.label(one)
    changed = world.clock.now().replace(microsecond=0)
    world.pass_time()
    world.run()
    world.pass_time()
    world.run()

    detail = shown(world, one)

    seen = detail["seen"]
    assert datetime.fromisoformat(seen["created_at"]) == made
    assert datetime.fromisoformat(seen["updated_at"]) == changed
    known_since = datetime.fromisoformat(detail["known_since"])
    assert recorded <= known_since < recorded + timedelta(seconds=1)
    assert datetime.fromisoformat(detail["read_up_to"]) == world.watermark() > changed
    text = unwrapped(world.call("show", one).stdout)
    assert f"in the ledger since {known_since:%Y-%m-%d %H:%M:%S}Z or earlier" in text
    assert f"no later change up to {world.watermark():%Y-%m-%d %H:%M:%S}Z" in text


def test_a_later_version_that_is_not_understood_is_no_silence_of_loop_s(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()
    world.loop.edit(one, extra={"state": 7})
    world.pass_time()
    assert world.run().code == 3

    detail = shown(world, one)

    assert detail["not_understood"] is not None
    assert detail["read_up_to"] is None
    assert "no later change" not in world.call("show", one).stdout
    assert "not understood" in {event["kind"] for event in detail["timeline"]}
    assert f"reconciler run --return {one}" in {each["command"] for each in detail["commands"]}


# ------------------------------------------------------------------------------------- decisions


def test_what_was_decided_is_told_with_who_and_why(world: World) -> None:
    world.trusted()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    world.run()
    before = shown(world, one)
    at = world.clock.now()

    ignored = world.call("ignore", one, "--reason", "sent twice", "--yes")
    assert ignored.code == 0, ignored.stderr

    after = shown(world, one)
    [decided] = after["decisions"]
    assert (decided["decision"], decided["reason"]) == ("ignore", "sent twice")
    assert datetime.fromisoformat(decided["decided_at"]) == at
    [event] = [event for event in after["timeline"] if event["kind"] == "decision"]
    assert f"decided by {decided['decided_by']}: ignore: sent twice" == event["text"]
    assert (before["decisions"], before["version"] != after["version"]) == ([], True)


def test_the_version_that_is_shown_is_the_one_that_a_decision_takes(world: World) -> None:
    world.trusted()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    world.run()
    old = shown(world, one)["version"]
    headline = world.call("show", one).stdout.split("\n\n")[0]
    assert f"(version {old})" in unwrapped(headline)
    assert shown(world, one, "--against-jetti")["version"] == old
    assert world.call("ignore", one, "--reason", "x", "--version", old, "--yes").code == 0

    stale = world.call("retry", one, "--version", old, "--yes")
    fresh = world.call("retry", one, "--version", shown(world, one)["version"], "--yes")

    assert (stale.code, fresh.code) == (7, 0)


def test_every_command_that_is_named_is_taken(world: World) -> None:
    """As it stands there; what has to be filled in is filled in."""
    world.trusted()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    world.run()
    commands = [each["command"] for each in shown(world, one)["commands"]]
    assert len(commands) > 2

    for command in commands:
        words = shlex.split(command.replace("TEXT", "because").replace("SALE_RETURN", "1"))
        assert words[0] == "reconciler"
        asks = ("--yes",) if words[1] in ("retry", "ignore", "resolve") else ()
        ran = world.call(*words[1:], *asks)
        assert "No such" not in ran.stderr
        assert "Usage" not in ran.stderr


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_return_that_is_only_too_old_is_shown_with_what_creates_it(
    world: World, is_cancelled: bool
) -> None:
    one = world.returned()
    if is_cancelled:
        world.loop.set_state(one, "cancelled")
    world.pass_time(hours=2)
    world.go_live("1h")
    world.run("--sweep", "7d")
    assert world.state(one) == "skipped"

    commands = [each["command"] for each in shown(world, one)["commands"]]

    assert commands == ([] if is_cancelled else [f"reconciler run --return {one}"])
    assert world.call("run", "--return", one).code == 0
    assert len(world.in_jetti(one)) == (0 if is_cancelled else 1)


# ----------------------------------------------------------------------------- unusual returns


def test_a_row_without_its_id_is_shown_by_its_key(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.loop.edit(one, extra={"id": None})
    world.pass_time()
    world.run()
    [row] = json.loads(world.call("status", "--format", "json").stdout)["facts"]["set_aside"]

    ran = world.call("show", row["key"], "--against-jetti", "--format", "json")

    found = json.loads(ran.stdout)
    assert (ran.code, found["returns"]) == (0, [])
    assert [each["key"] for each in found["not_understood"]] == [row["key"]]
    [of_row] = found["rows"]
    ignore = f"reconciler ignore {row['key']} --reason TEXT"
    assert [each["command"] for each in of_row["commands"]] == [ignore]
    ignored = world.call(
        "ignore", row["key"], "--reason", "x", "--version", of_row["version"], "--yes"
    )
    assert ignored.code == 0, ignored.stderr
    text = world.call("show", row["key"]).stdout
    assert "reconciler ignore" not in text
    assert f"\n  reconciler retry {row['key']}" in text


def test_words_that_nobody_knows_are_told_with_what_follows(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.loop.label(one, status="teleported")
    world.pass_time()
    world.run()

    [remark] = [text for text in shown(world, one)["remarks"] if "teleported" in text]

    assert "is unknown" in remark
    assert "mapping.tracking.teleported" in remark
    assert remark in unwrapped(world.call("show", one).stdout)
    told = {"RECONCILER_CONFIG": str(world.directory / "reconciler.toml")}
    Path(told["RECONCILER_CONFIG"]).write_text('[mapping.tracking]\nteleported = "transit"\n')
    assert "is unknown" not in world.call("show", one, **told).stdout


def test_a_return_that_loop_lists_no_more(world: World) -> None:
    world.trusted()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    world.run()
    world.loop.remove(one)
    world.pass_time()
    world.run("--sweep", "120d")

    assert shown(world, one)["seen"]["state"] == "gone"
    assert world.call("show", one, "--against-jetti").code == 0


def test_what_the_ledger_does_not_know_is_told_without_asking_jetti(world: World) -> None:
    world.trusted()
    world.sandbox.request_log.clear()

    for name in ("999", "#9999"):
        ran = world.call("show", name, "--against-jetti")
        assert (ran.code, ran.stdout) == (2, "")
        assert "the ledger knows no return and no order" in ran.stderr
    assert world.sandbox.request_log.all() == []


@pytest.mark.parametrize("against", [(), ("--against-jetti",)])
@pytest.mark.parametrize("head", ["0001", "0004", "0006"])
def test_an_older_ledger_is_read_and_left_as_it_is(
    world: World, head: str, against: tuple[str, ...]
) -> None:
    key = "a" * 64
    at = "2026-07-01T12:00:00.000000Z"
    row = f"('{key}', 'state: absent', '{at}', '{at}')"
    insert = f"INSERT INTO malformed (key, problem, first_seen, last_seen) VALUES {row}"
    older_ledger(world.directory / "ledger.db", head, insert)
    before = footprint(world.directory)

    ran = world.call("show", key, *against)

    assert (ran.code, footprint(world.directory)) == (0, before)
    assert "state: absent" in ran.stdout


def test_it_is_told_that_a_run_is_going_on(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run()

    with run_lock(world.directory / "ledger.db", world.clock):
        during = world.call("show", one, "--against-jetti")
    after = world.call("show", one, "--against-jetti")

    assert (during.code, after.code) == (0, 0)
    assert "A run is going on" in during.stdout
    assert "A run is going on" not in after.stdout


# --------------------------------------------------------------------------------- as a process


@pytest.fixture
def machine(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


def pushed(world: RealWorld) -> str:
    world.live()
    one = world.born(("Acme", 1), ("Acme", 1))
    assert world.does("run") == 0
    return one


@contextmanager
def untouched(world: RealWorld) -> Iterator[None]:
    before = footprint(world.directory), world.jetti.to_json()
    world.sandbox.request_log.clear()
    yield
    assert (footprint(world.directory), world.jetti.to_json()) == before
    assert {one.method for one in world.sandbox.request_log.all()} <= {"GET"}


@pytest.mark.covers("0")
def test_0_as_a_process_it_asks_jetti_and_changes_nothing(machine: RealWorld) -> None:
    one = pushed(machine)
    [made] = machine.in_jetti(one)
    machine.jetti.edit_sale_return(made["id"], status="received")

    with untouched(machine):
        plain = machine.end(machine.start("show", one))
        assert machine.sandbox.request_log.all() == []
        asked = machine.end(machine.start("show", one, "--against-jetti"))

    assert (plain[0], asked[0]) == (0, 0)
    assert "Jetti was not asked" in plain[1]
    assert "status: received; someone's, last pushed requested" in asked[1]
    assert (plain[2], asked[2]) == ("", "")


@pytest.mark.parametrize(("fault", "code"), [("503", 5), ("401", 6)])
def test_5_and_6_as_a_process_what_the_ledger_knows_is_shown(
    machine: RealWorld, fault: str, code: int
) -> None:
    one = pushed(machine)
    machine.sandbox.faults.add(Fault("jetti", fault))

    with untouched(machine):
        ended, stdout, stderr = machine.end(machine.start("show", one, "--against-jetti"))

    assert ended == code
    assert stdout.startswith(f"Return {one} on ")
    assert "Jetti could not be read" in stdout
    assert stderr.startswith("Error: ")


def test_2_as_a_process_without_a_key(machine: RealWorld) -> None:
    one = pushed(machine)
    started = machine.start("show", one, "--against-jetti", JETTI_API_TOKEN="")

    ended, stdout, _ = machine.end(started)

    assert (ended, stdout) == (2, "")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_while_it_waits_for_jetti(
    machine: RealWorld, number: signal.Signals, code: int
) -> None:
    one = pushed(machine)
    machine.sandbox.faults.add(Fault("jetti", "delay", parameters={"seconds": 20.0}))

    with untouched(machine):
        started = machine.start("show", one, "--against-jetti")
        machine.until(lambda: machine.sandbox.request_log.all())
        started.send_signal(number)
        ended, stdout, stderr = machine.end(started)

    assert (ended, stdout) == (code, "")
    assert number.name in stderr


def test_while_a_write_is_in_the_air_it_is_told_so(machine: RealWorld) -> None:
    """Another process is waiting for Jetti's answer to a create."""
    machine.live()
    one = machine.born(("Acme", 1))
    machine.sandbox.faults.add(Fault("jetti", "delay", "POST *", parameters={"seconds": 8.0}))
    running = machine.start("run")
    machine.until(lambda: _has_intent(machine, one))

    during, stdout, _ = machine.end(machine.start("show", one, "--against-jetti"))
    code = machine.end(running)[0]

    assert (during, code) == (0, 0)
    assert "A run is going on" in stdout
    assert "what became of it is open until" in unwrapped(stdout)
    assert datetime.now(UTC) - timedelta(minutes=5) < machine.watermark()
    after = machine.end(machine.start("show", one, "--against-jetti"))[1]
    assert "is open until" not in unwrapped(after)


def _has_intent(world: RealWorld, one: str) -> bool:
    try:
        return bool(world.entry(one).intents)
    except ValueError:
        return False


# --------------------------------------------------------------------- what could settle a review


def _a_bundle(world: World) -> str:
    return world.submit(world.order(("Acme", 1), bundle=True))


def _a_part_of_a_split_line(world: World) -> str:
    return world.submit(world.order(("Acme", 3), parts=(("Acme", 2), ("Bolt", 1))), 1)


def _too_few_left(world: World) -> str:
    order = world.order(("Acme", 2))
    by_hand(world, order, 2, externalId="somebody's")
    return world.submit(order, 1)


def _two_sales(world: World) -> str:
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    return world.submit(order)


def _cancelled_after_it_came(world: World) -> str:
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    for there in world.in_jetti(one):
        world.jetti.edit_sale_return(there["id"], status="received")
    world.loop.set_state(one, "cancelled")
    return one


def _overlapped(world: World) -> str:
    order = world.order(("Acme", 3))
    by_hand(world, order, 2)
    return world.submit(order, 1)


REFUSED = [_a_bundle, _a_part_of_a_split_line, _too_few_left, _two_sales, _cancelled_after_it_came]


@pytest.mark.parametrize("why", [*REFUSED, _overlapped])
def test_show_offers_no_create_that_its_own_reason_refuses(
    world: World, why: Callable[[World], str]
) -> None:
    world.trusted()
    one = why(world)
    world.pass_time()
    assert world.run().code == 3
    assert world.state(one) == "review"

    offered = [shlex.split(command["command"]) for command in shown(world, one)["commands"]]

    create = ["reconciler", "resolve", one, "--create"]
    decided = world.call(*create[1:], "--yes")
    assert (decided.code, create in offered) == ((2, False) if why in REFUSED else (0, True))
    assert ["reconciler", "retry", one] in offered
