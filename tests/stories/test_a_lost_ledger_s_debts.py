"""Of what a lost ledger still had to create nothing is skipped by whoever types what is printed."""

from __future__ import annotations

import re
import signal

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import Ran, World

FIRST_DAY = "2026-02-22"
"""The day this program first went live."""
TIGHT = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}


@pytest.fixture
def owed(world: World) -> str:
    """A return of three days ago whose order comes into Jetti only now; others were pushed."""
    world.go_live("7d")
    pushed = world.returned()
    world.pass_time()
    assert world.run().code == 0
    late = world.order(("Acme", 1), arrives=False)
    one = world.submit(late)
    world.pass_time(hours=72)
    recent = world.returned()
    world.pass_time()
    assert world.run().code == 0
    assert world.in_jetti(pushed)
    assert world.in_jetti(recent)
    assert world.state(one) == "waiting"
    world.jetti.import_sale(late)
    return one


def lost(world: World) -> None:
    for file in world.directory.iterdir():
        file.unlink()


def printed(text: str) -> list[str]:
    """The `init --adopt` that a hint or a last line prints, as it is typed."""
    [command] = set(re.findall(r"reconciler (init --adopt[^`,\n]*)", text))
    return str(command).replace("DATE", FIRST_DAY).split()


def adopted(world: World, said: Ran) -> Ran:
    """What is printed is typed, and a run follows."""
    typed = world.call(*printed(said.stdout + said.stderr))
    assert typed.code == 0, typed.stdout + typed.stderr
    world.pass_time()
    assert world.run().code == 0
    return typed


def assert_nothing_is_owed(world: World, owed: str) -> None:
    assert len(world.in_jetti(owed)) == 1, "it was created"
    assert_agreement(world)


@pytest.mark.covers("F91")
@pytest.mark.parametrize("content", [None, b"", b"<html>"])
def test_where_there_is_no_ledger(world: World, owed: str, content: bytes | None) -> None:
    lost(world)
    if content is not None:
        (world.directory / "ledger.db").write_bytes(content)
    said = world.call("run")
    if content:
        lost(world)  # "move it away"

    adopted(world, said)

    assert_nothing_is_owed(world, owed)


@pytest.mark.covers("F91")
@pytest.mark.parametrize("options", [(), ("--since", "2h")])
def test_where_a_new_ledger_was_made_already(
    world: World, owed: str, options: tuple[str, ...]
) -> None:
    """Its go-live is the wrong one, which only whoever remembers the right one can know."""
    lost(world)
    assert world.call("init", *options).code == 0
    stopped = world.call("run")
    assert stopped.code == 7

    typed = adopted(world, stopped)

    assert f"go-live    {FIRST_DAY} 00:00:00Z" in typed.stdout
    assert "go-live was 2026-03-0" in typed.stdout
    assert_nothing_is_owed(world, owed)


@pytest.mark.covers("F90")
def test_where_the_ledger_is_an_older_one(world: World, owed: str) -> None:
    file = world.directory / "ledger.db"
    older = file.read_bytes()
    more = [world.returned() for _ in range(3)]
    world.pass_time()
    assert world.run().code == 0
    file.write_bytes(older)
    stopped = world.call("run", **TIGHT)
    assert stopped.code == 7
    assert "--since 2026-02-22T12:00:00Z" in stopped.stdout

    adopted(world, stopped)

    assert [len(world.in_jetti(one)) for one in more] == [1, 1, 1]
    assert_nothing_is_owed(world, owed)


@pytest.mark.covers("F91")
@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize("how", ["outage", "signal", "no answer from Loop"])
def test_where_adopting_was_broken_off(world: World, owed: str, how: str, is_new: bool) -> None:
    lost(world)
    if is_new:
        assert world.call("init").code == 0
    if how == "signal":
        world.clock.stop_with = signal.SIGINT
    else:
        world.breaks("*", "503", service="jetti" if how == "outage" else "loop")
    broken = world.call("init", "--adopt", "--since", FIRST_DAY)
    assert broken.code in (4, 5, 130)
    world.heals()
    world.clock.stop_with = None

    assert printed(world.call("status").stdout) == printed(broken.stdout + broken.stderr)
    adopted(world, broken)

    assert_nothing_is_owed(world, owed)


@pytest.mark.covers("F91")
def test_go_live_stays_where_something_was_pushed(world: World, owed: str) -> None:
    """Whoever looks further back for what Jetti has does not ask for older creates."""
    older = world.watermark()

    looked = world.call("init", "--adopt", "--since", "60d")

    assert looked.code == 0
    assert "go-live    2026-02-22 12:00:00Z" in looked.stdout
    assert "`reconciler run --from " in looked.stdout
    assert world.watermark() == older


def test_no_go_live_is_ever_moved_on(world: World, owed: str) -> None:
    lost(world)
    assert world.call("init", "--since", FIRST_DAY).code == 0

    looked = world.call("init", "--adopt", "--since", "1h")

    assert f"go-live    {FIRST_DAY} 00:00:00Z" in looked.stdout


def test_a_ledger_that_is_made_without_a_go_live_says_what_it_leaves_out(
    world: World, owed: str
) -> None:
    lost(world)

    typed = world.call("init", "--adopt")

    assert "`reconciler run --from DATE`" in typed.stdout
    world.pass_time()
    assert world.run().code == 0
    assert world.in_jetti(owed) == []
    assert world.run("--from", FIRST_DAY, "--yes").code == 0
    assert_nothing_is_owed(world, owed)


def test_what_is_not_in_jetti_is_left_pending_and_called_that(world: World, owed: str) -> None:
    lost(world)

    typed = world.call("init", "--adopt", "--since", FIRST_DAY)

    lines = typed.stdout.splitlines()
    assert "left as they were (1)" in lines
    assert "  . not in Jetti (1): #1002" in lines
    assert "skipped" not in typed.stdout
    assert world.state(owed) == "pending"
    assert "1 pending" in world.call("status").stdout


@pytest.mark.parametrize(("trouble", "code"), [("none", 0), ("review", 3), ("outage", 5)])
def test_adopting_names_one_next_step(world: World, owed: str, trouble: str, code: int) -> None:
    lost(world)
    if trouble == "review":
        [made] = [row for row in world.jetti.sale_returns() if row["externalId"] != owed][:1]
        world.jetti.edit_sale_return(made["id"], status="received")
        world.loop.set_state(made["externalId"], "cancelled")
        world.pass_time()
    elif trouble == "outage":
        world.breaks("*", "503")

    typed = world.call("init", "--adopt", "--since", FIRST_DAY)

    assert typed.code == code
    steps = [line for line in typed.stdout.splitlines() if line.startswith("next ")]
    assert len(steps) == 1
    assert typed.stdout.splitlines()[-1] == steps[0]
