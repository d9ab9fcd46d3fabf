"""`-v` tells what is done, `-vv` also what was asked and answered; as text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.world import World


@pytest.fixture
def real_world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        made.live()
        yield made


def told(stderr: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines()]


def lines(stderr: str) -> list[str]:
    """Without their times, which are the machine's."""
    return [re.sub(r"^\S+Z ", "", line) for line in stderr.splitlines()]


@pytest.mark.sockets
def test_v_tells_each_step_and_vv_each_request(real_world: RealWorld) -> None:
    """As processes, in both formats; what is counted is what reached the sandbox."""
    first = real_world.born(("Acme", 1))
    code, report, log = real_world.end(real_world.start("-v", "run", "--format", "json"))

    [window] = json.loads(report)["run"]["windows"]
    assert code == 0
    assert lines(log) == [
        f"INFO read {window['from']} to {window['to']} by updated; returns: 1, new or changed: 1",
        f"INFO return {first} on order #1001: create,"
        " because: open in Loop, and no sale return of it is known",
        f"INFO return {first} on order #1001: create pushed (1001-01)",
    ]

    real_world.sandbox.request_log.clear()
    second = real_world.born(("Bolt", 1))
    code, _, log = real_world.end(real_world.start("run", "-vv", "--log-format", "json"))

    assert code == 0
    steps = [one for one in told(log) if one["level"] == "info"]
    assert [one["event"] for one in steps] == ["window-read", "return-decided", "change-ended"]
    assert steps[1]["facts"] == {
        "return_id": second,
        "order_name": "#1002",
        "decision": "create",
        "reason": "open in Loop, and no sale return of it is known",
    }
    answered = [one["facts"] for one in told(log) if one["event"] == "request-answered"]
    arrived = real_world.sandbox.request_log.all()
    assert len(answered) == len(arrived) > 5
    assert [one["method"] for one in answered].count("GET") == sum(
        one.method == "GET" for one in arrived
    )
    assert {one["status"] for one in answered} == {200}
    assert all(one["bytes"] > 0 and 0 <= one["milliseconds"] < 30_000 for one in answered)
    assert not any("?" in one["path"] or "where" in one["path"] for one in answered)


@pytest.mark.parametrize("option", ["-v", "-vv"])
def test_an_idle_pass_tells_its_window_and_prints_no_return(world: World, option: str) -> None:
    world.go_live()
    world.pass_time()

    ran = world.call(option, "run")

    [window] = [line for line in lines(ran.stderr) if line.startswith("INFO")]
    assert re.fullmatch(r"INFO read \S+ to \S+ by updated; returns: 0, new or changed: 0", window)
    assert len(lines(ran.stderr)) == (1 if option == "-v" else 6), "one list per state"
    assert world.call("run").stderr == ""


def test_without_v_a_pass_that_pushes_logs_nothing(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()

    assert world.call("run").stderr == ""


def test_each_decision_and_its_end_is_told_with_the_reason(world: World) -> None:
    world.go_live()
    held = world.returned()
    world.loop.edit(held, state="review")
    missing = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()

    log = lines(world.call("-v", "run").stderr)

    assert f"INFO return {held} on order #1001: skipped, because: held in Loop (review)" in log
    ends = [line for line in log if f"return {missing}" in line and "create waiting (" in line]
    assert len(ends) == 1
    world.pass_time()
    assert not [line for line in lines(world.call("run", "-v").stderr) if held in line]


def test_a_return_by_name_a_sweep_and_a_verification_tell_what_they_read(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()

    assert f"INFO return {one}: read individually" in lines(
        world.call("-v", "run", "--return", one).stderr
    )
    for command in (["run", "--sweep", "20d"], ["verify", "--from", "20d"]):
        log = lines(world.call("-v", *command).stderr)
        assert [line for line in log if "by created; returns: 1, new or changed: " in line], command


def test_a_request_without_an_answer_is_told_with_its_reason(world: World) -> None:
    world.go_live()
    world.breaks("list.*", "reset_before_headers", service="loop", nth=1)
    world.pass_time()

    log = lines(world.call("-vv", "run").stderr)

    failed = [line for line in log if "has no usable answer" in line]
    assert len(failed) == 1
    assert re.fullmatch(
        r"DEBUG Loop: GET /warehouse/return/list has no usable answer: .+, \d+ ms", failed[0]
    )
