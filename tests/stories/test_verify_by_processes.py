"""`reconciler verify` as a process: exit codes, signals, and beside a run."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process_world import RealWorld, on_the_machine_s_clock


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        # What a run has just written is compared too.
        made.environ["RECONCILER_JETTI__SETTLE"] = "0s"
        yield made


def pushed(world: RealWorld) -> str:
    """A return that was pushed to the end and scanned since."""
    world.live()
    one = world.born(("Acme", 1))
    world.loop.label(one, at=world.seen(one).created_at)
    assert world.does("run") == 0
    world.loop.move_label(one, "in_transit", at=world.seen(one).created_at)
    assert world.does("run", "--return", one) == 0
    return one


def lose_the_scan(world: RealWorld, one: str) -> None:
    [there] = world.in_jetti(one)
    world.jetti.edit_sale_return(there["id"], status="requested")


def test_0_in_agreement_and_3_not_and_a_repair_agrees_again(world: RealWorld) -> None:
    one = pushed(world)
    file = world.directory / "verified.json"
    code, text, log = world.end(world.start("verify"))
    assert (code, log) == (0, "")
    assert text.startswith("Verified ")
    lose_the_scan(world, one)
    before, sent = (world.directory / "ledger.db").read_bytes(), len(world.writes())

    differs = world.does("verify", "--format", "json", "--output", str(file))

    report = json.loads(file.read_text())
    assert (differs, report["verify"]["exit_code"]) == (3, 3)
    assert [(d["kind"], d["return_id"]) for d in report["differences"]] == [("lost_write", one)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (world.directory / "ledger.db").read_bytes() == before
    assert len(world.writes()) == sent
    command = report["differences"][0]["command"].split()
    assert world.does(*command[1:]) == 0
    assert [there["status"] for there in world.in_jetti(one)] == ["shipped"]
    assert world.does("verify") == 0


def test_2_usage(world: RealWorld) -> None:
    world.live()

    assert world.does("verify", "--wait", "1m") == 2
    assert world.does("verify", "--from", "2026-02-01", "--to", "2026-01-01") == 2
    assert world.does("verify", "--from", "2099-01-01") == 2
    assert world.does("verify", "--output", "/nowhere/report") == 2
    assert world.does("verify", LOOP_API_KEY="") == 2
    assert list(world.sandbox.request_log.all()) == []


@pytest.mark.parametrize("options", [(), ("--repair",)])
def test_4_5_6_7_and_8_as_a_run_ends_with_them(world: RealWorld, options: tuple[str, ...]) -> None:
    assert world.does("verify", *options) == 7, "there is no ledger"
    pushed(world)
    sent = len(world.writes())

    world.breaks("list.*", "404", service="loop")
    assert world.does("verify", *options) == 4
    world.heals()
    world.breaks("GET *", "429", retry_after="ten_years")
    assert world.does("verify", *options) == 5
    world.heals()
    assert world.does("verify", *options, LOOP_API_KEY="wrong-key") == 6
    assert world.does("verify", *options, JETTI_API_TOKEN="wrong-token") == 6
    world.sandbox.jetti.switches.company_id = 42
    assert world.does("verify", *options) == 7
    path = world.directory / "ledger.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192)
    assert world.does("verify", *options) == 8
    assert len(world.writes()) == sent


def test_beside_a_run_it_reads_and_a_repair_ends_with_75(world: RealWorld) -> None:
    pushed(world)
    world.born(("Bolt", 1))
    world.breaks("POST *", "delay", seconds=0.5)
    there = len(world.jetti.sale_returns())
    run = world.start("run")
    world.until(lambda: len(world.jetti.sale_returns()) > there)
    run.send_signal(signal.SIGSTOP)

    beside = world.end(world.start("verify"))
    repair = world.end(world.start("verify", "--repair", "--wait", "0s"))
    run.send_signal(signal.SIGCONT)

    assert (beside[0], repair[0]) == (0, 75)
    assert "in flight" in beside[1]
    assert "`reconciler verify --repair --wait 2m`" in repair[2]
    assert world.end(run)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_at_once(world: RealWorld, number: signal.Signals) -> None:
    pushed(world)
    asked = len(world.sandbox.request_log.all())
    world.breaks("list.*", "delay", service="loop", seconds=20.0)
    process = world.start("verify")
    world.until(lambda: len(world.sandbox.request_log.all()) > asked)
    process.send_signal(number)

    code, _, stderr = world.end(process, patience=10)

    assert code == 128 + number
    assert "nothing was changed" in stderr


def test_a_report_that_cannot_be_written_ends_it_with_3(world: RealWorld) -> None:
    pushed(world)

    assert world.does("verify", "--output", "/dev/full") == 3
