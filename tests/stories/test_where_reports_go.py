"""`--output`: what can be known before the pass begins is, and what cannot ends with 3."""

from __future__ import annotations

import re

import click
import pytest

from reconciler.cli.program import program
from tests.support.world import World


@pytest.mark.covers("R19")
@pytest.mark.parametrize(("output", "code"), [("/proc/x", 2), ("/sys/x", 2), ("/dev/full", 3)])
def test_a_pass_begins_only_if_its_report_can_be_written(
    world: World, output: str, code: int
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()

    ran = world.call("run", "--output", output)

    assert (ran.code, len(world.in_jetti(one))) == (code, 0 if code == 2 else 1)


WRITERS = {
    name: command
    for name, command in program.commands.items()
    if any("--output" in option.opts for option in command.params)
}
ARGUMENTS = {"verify": ("--from", "1d"), "run": ("--dry-run",)}


@pytest.mark.parametrize("name", WRITERS)
def test_a_dash_is_stdout_for_every_command(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And its help says so. A file of that name has a directory."""
    monkeypatch.chdir(world.directory)
    world.go_live()
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    words = (name, one) if name == "show" else (name, *ARGUMENTS.get(name, ()))

    usual = world.call(*words, "--format", "json")
    by_dash = world.call(*words, "--format", "json", "--output", "-")

    assert usual.stdout
    assert _without_times(by_dash.stdout) == _without_times(usual.stdout)
    assert by_dash.code == usual.code
    assert not (world.directory / "-").exists()
    assert world.call(*words, "--output", "./-").stdout == ""
    assert (world.directory / "-").stat().st_size > 10
    assert "- is stdout" in _help(WRITERS[name])


def _without_times(text: str) -> str:
    return re.sub(r"\d+", "", text)


def _help(command: click.Command) -> str:
    [option] = [one for one in command.params if "--output" in one.opts]
    assert isinstance(option, click.Option)
    return option.help or ""


def test_the_demo_s_page_needs_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its story is on stdout."""
    monkeypatch.chdir(world.directory)

    refused = world.call("demo", "--html", "-")

    assert (refused.code, refused.stdout) == (2, "")
    assert "name a file for the page" in refused.stderr
    assert list(world.directory.iterdir()) == []
