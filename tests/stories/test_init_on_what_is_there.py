"""`init` where a ledger, something else or nothing is: each is told what can be done."""

from __future__ import annotations

import shlex

import pytest

from tests.support.world import World


def test_what_is_no_ledger_is_not_recommended_to_run(world: World) -> None:
    file = world.directory / "ledger.db"
    file.write_bytes(b"<html>")

    refused = world.call("init")

    assert (refused.code, file.read_bytes()) == (2, b"<html>")
    assert "reconciler run" not in refused.stderr
    assert "move it away" in refused.stderr
    file.unlink()
    assert world.call("init").code == 0


@pytest.mark.parametrize("has_pushed", [False, True])
def test_another_go_live_is_refused_with_what_can_be_done_instead(
    world: World, has_pushed: bool
) -> None:
    old = world.returned()
    world.pass_time(hours=48)
    assert world.call("init").code == 0
    if has_pushed:
        new = world.returned()
        world.pass_time()
        assert world.run().code == 0
        assert world.in_jetti(new)

    refused = world.call("init", "--since", "7d")

    assert refused.code == 2
    assert "go-live 2026-03-02 12:00:00Z" in refused.stderr
    named = "`reconciler run --from 2026-02-24T12:05:00Z`"
    assert (named in refused.stderr) == has_pushed
    assert ("move it away" in refused.stderr) != has_pushed
    if has_pushed:
        assert world.run("--from", "7d", "--yes").code == 0
    else:
        (world.directory / "ledger.db").unlink()
        world.go_live("7d")
        world.pass_time()
        assert world.run().code == 0
    assert len(world.in_jetti(old)) == 1


@pytest.mark.parametrize("more", [(), ("--adopt",), ("--since", "7d")])
@pytest.mark.parametrize("content", [None, b""])
def test_repin_makes_no_ledger(world: World, content: bytes | None, more: tuple[str, ...]) -> None:
    file = world.directory / "ledger.db"
    if content is not None:
        file.write_bytes(content)

    refused = world.call("init", "--repin", *more)

    assert (refused.code, refused.stdout) == (7, "")
    assert "if a ledger was here before" in refused.stderr
    assert not file.exists() or file.read_bytes() == b""


def test_the_command_that_goes_on_with_an_adoption_can_be_pasted(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.breaks("*", "503", service="jetti")
    failed = world.call("init", "--adopt")
    world.heals()

    label, command = failed.stdout.rstrip().split("\n")[-1].split(maxsplit=1)
    assert (failed.code, label) == (5, "next")
    assert "not everything was looked up" in failed.stdout
    assert world.call(*shlex.split(command)[1:]).code == 0
