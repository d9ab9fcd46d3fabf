"""The container file: who the program is in it, where the ledger is, what it runs; built where
there is a builder."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.layout import ROOT, THE_LAYOUT, read
from tests.support.agreement import assert_agreement
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.test_docs import parse

TEXT = read("deploy/Containerfile").replace("\\\n", " ")
LAST = TEXT.rsplit("\nFROM ", 1)[1]
SECRETS = "/run/secrets"


def instructions(name: str) -> list[str]:
    """The arguments of each instruction of that name, in the stage that is run."""
    return re.findall(rf"^{name} +(.*)$", LAST, re.M)


def environment() -> dict[str, str]:
    [said] = instructions("ENV")
    return dict(one.split("=", 1) for one in said.split())


def commands() -> dict[str, list[str]]:
    """What is run, in the form that needs no shell: one would be the first process instead."""
    [entry], [given] = instructions("ENTRYPOINT"), instructions("CMD")
    health = re.search(r"^HEALTHCHECK .* CMD (.*)$", LAST, re.M)
    assert health
    return {"daemon": json.loads(entry) + json.loads(given), "health": json.loads(health[1])}


def test_the_program_is_a_user_who_owns_the_ledger_s_volume_and_nothing_else() -> None:
    [user], [volume] = instructions("USER"), instructions("VOLUME")
    number, group = user.split(":")

    assert int(number) == int(group) >= 1000
    made = re.search(r"useradd (.*?) &&", LAST)
    assert made
    assert f"--uid {number} " in made[1]
    assert made[1].split()[-1] == THE_LAYOUT.user
    assert volume == THE_LAYOUT.state == environment()["STATE_DIRECTORY"]
    assert f"install -d -m 0700 -o {THE_LAYOUT.user} -g {THE_LAYOUT.user} {volume} " in LAST
    # No settings file of the working directory comes before that in /etc/reconciler.
    assert instructions("WORKDIR") == ["/"]
    assert environment()["CREDENTIALS_DIRECTORY"] == SECRETS
    assert f" {SECRETS}\n" in LAST, "where no secret is mounted, keys of the environment count"


def test_what_it_runs_exists_and_its_health_is_that_of_status() -> None:
    ran = commands()

    assert {line[0] for line in ran.values()} == {THE_LAYOUT.program}
    for line in ran.values():
        parse(line[1:])
    assert "serve" in ran["daemon"]
    assert ran["health"][1:] == ["-q", "status", "--max-age", "45m"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_an_image_is_made_of_what_it_copies() -> None:
    copied = {
        name
        for line in re.findall(r"^COPY +(?!--from)(.*) \S+$", TEXT, re.M)
        for name in line.split()
    }
    let_in = set(re.findall(r"^!(\S+)$", read(".containerignore"), re.M))

    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


@pytest.mark.parametrize("given", ["as files", "in the environment"])
def test_with_its_environment_alone_the_program_finds_ledger_and_keys(
    world: RealWorld, directory: Path, given: str
) -> None:
    """Files of orchestrators are open to the group, or to all; there is nobody else in there."""
    secrets, state = directory / "secrets", directory / "state"
    secrets.mkdir()
    state.mkdir()
    keys = {name: world.environ[name] for name in ("LOOP_API_KEY", "JETTI_API_TOKEN")}
    for name, value in keys.items() if given == "as files" else ():
        (secrets / name.lower()).write_text(value)
        (secrets / name.lower()).chmod(0o444)
    left_out = {*keys, "RECONCILER_LEDGER", "HOME"}
    world.environ = {name: value for name, value in world.environ.items() if name not in left_out}
    world.environ |= {
        name: value.replace(SECRETS, str(secrets)).replace(THE_LAYOUT.state, str(state))
        for name, value in environment().items()
        if name != "PATH"
    } | (keys if given == "in the environment" else {})

    try:
        assert world.does("init", "--since", "7d") == 0
        world.born()
        assert world.does("run") == 0
        assert world.does(*commands()["health"][1:]) == 0
    finally:
        shutil.rmtree(secrets)

    assert (state / "ledger.db").exists()
    world.environ["RECONCILER_LEDGER"] = f"sqlite:///{state}/ledger.db"
    assert_agreement(world)


def builder() -> str | None:
    """What builds an image here, and can."""
    for name in ("podman", "buildah", "docker"):
        if shutil.which(name):
            said = subprocess.run([name, "info"], capture_output=True, check=False, timeout=60)
            if said.returncode == 0:
                return name
    return None


def test_it_can_be_built() -> None:
    found = builder()
    if found is None:
        pytest.skip("there is nothing that builds images")
    line = shlex.split(f"{found} build --file deploy/Containerfile --tag returns-reconciler-test .")

    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    if re.search("registry|lookup|dial tcp|connection", done.stderr) and done.returncode:
        pytest.skip("the image that it begins with cannot be had here")

    assert done.returncode == 0, done.stderr
