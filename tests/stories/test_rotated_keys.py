"""A key that somebody changed is noticed the same day: `init` and each sweep try both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.faults.registry import ServiceName
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.cli.program import reconciler
from tests.support.world import World

SWEEP = ("--sweep", "120d")
LOOP = {"LOOP_API_KEY": "rotated"}
JETTI = {"JETTI_API_TOKEN": "rotated"}
SERVICES: tuple[ServiceName, ...] = ("loop", "jetti")


def asked(world: World) -> dict[str, int]:
    """Requests that reached each service."""
    arrivals = [arrival.service for arrival in world.sandbox.request_log.all()]
    return {service: arrivals.count(service) for service in ("loop", "jetti")}


def healthy(world: World) -> tuple[bool, str]:
    status = json.loads(world.call("status", "--format", "json").stdout)
    return status["healthy"], " ".join(status["reasons"])


# ------------------------------------------------------------------------------------- sweeps


@pytest.mark.covers("R12")
def test_a_sweep_with_nothing_due_notices_a_refused_token(world: World) -> None:
    world.trusted()
    assert world.run(**JETTI).code == 0, "an idle pass asks Jetti nothing"

    swept = world.run(*SWEEP, **JETTI)

    assert (swept.code, swept.report["run"]["exit_code"]) == (6, 6)
    assert "Jetti refused the key" in swept.report["run"]["message"]
    assert swept.jetti_requests == (1, 0)
    assert "JETTI_API_TOKEN" in world.call("run", *SWEEP, **JETTI).stdout


@pytest.mark.parametrize(
    ("keys", "named"), [(LOOP, ["Loop"]), (JETTI, ["Jetti"]), (LOOP | JETTI, ["Loop", "Jetti"])]
)
def test_each_refused_key_is_named(world: World, keys: dict[str, str], named: list[str]) -> None:
    world.trusted()

    swept = world.run(*SWEEP, **keys)

    failures = [failure["message"] for failure in swept.report["run"]["failures"]]
    assert swept.code == 6
    assert [text.partition(" refused the key")[0] for text in failures] == named


def test_a_sweep_asks_jetti_once_and_an_ordinary_idle_pass_does_not(world: World) -> None:
    world.trusted()
    world.pass_time()
    world.sandbox.request_log.clear()

    assert world.run().code == 0
    idle = asked(world)
    world.sandbox.request_log.clear()
    assert world.run(*SWEEP).code == 0

    assert idle == {"loop": 5, "jetti": 0}
    assert asked(world)["jetti"] == 1


def test_a_sweep_that_pushes_asks_nothing_more_than_a_pass_that_does(world: World) -> None:
    """The key has been tried by then."""
    world.trusted()
    requests = []
    for how in ((), SWEEP):
        world.returned()
        world.pass_time()
        ran = world.run(*how)
        assert (ran.code, ran.report["counts"]["created"]) == (0, 1)
        requests.append(ran.jetti_requests)

    assert requests[0] == requests[1]


@pytest.mark.parametrize("options", [("--dry-run",), ("--dry-run", "--against-jetti")])
def test_a_dry_run_of_a_sweep_tries_no_key(world: World, options: tuple[str, ...]) -> None:
    world.trusted()

    assert world.run(*SWEEP, *options, **JETTI).code == 0


def test_a_stopped_plan_hides_no_refused_token(world: World) -> None:
    """Both are reported; the key comes first, because nothing can be accepted without it."""
    world.trusted()
    for _ in range(5):
        world.returned()
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0.01"}

    swept = world.run(*SWEEP, **tight, **JETTI)

    messages = [failure["message"] for failure in swept.report["run"]["failures"]]
    assert (swept.code, "Jetti refused the key" in messages[0]) == (6, True)
    assert world.run(*SWEEP, **tight).code == 7


@pytest.mark.parametrize("kind", ["503", "silence"])
def test_an_outage_of_jetti_is_no_refused_key(world: World, kind: str) -> None:
    """Nothing waits for Jetti, so that nothing is wrong but that nobody knows; that is said."""
    world.trusted()
    world.breaks("GET /sale-returns.json", kind)

    swept = world.run(*SWEEP)

    assert swept.code == 0
    assert "could not be found out" in " ".join(swept.report["run"]["remarks"])


def test_reading_goes_on_while_a_token_is_refused(world: World) -> None:
    one = world.trusted()
    two = world.submit(world.order(("Acme", 1), arrives=False))
    world.loop.set_state(one, "closed")
    world.pass_time()

    assert world.run(*SWEEP, **JETTI).code == 6

    assert world.entry(two).seen.state == "open"
    assert world.entry(one).seen.state == "closed"
    assert world.run().code == 0


def test_a_token_that_only_may_not_write_is_accepted_here(world: World) -> None:
    """A GET cannot tell; the first write does."""
    world.trusted()
    world.sandbox.jetti.switches.forbidden = "writes"

    assert world.run(*SWEEP).code == 0


# ------------------------------------------------------------------------------------- status


@pytest.mark.covers("P15")
def test_status_stays_red_through_idle_passes_until_jetti_accepts_the_key(world: World) -> None:
    """A key rotated between passes: those that find nothing prove nothing."""
    world.trusted()
    assert world.run(*SWEEP, **JETTI).code == 6

    for _ in range(3):
        world.pass_time()
        assert world.run(**JETTI).code == 0
        well, why = healthy(world)
        assert (well, "Jetti refused the key" in why) == (False, True)

    assert world.run("--sweep", "1d").code == 0
    assert healthy(world) == (True, "")


def test_a_pass_that_writes_proves_the_key_also_after_idle_ones(world: World) -> None:
    world.trusted()
    assert world.run(*SWEEP, **JETTI).code == 6
    world.returned()
    world.pass_time()
    assert world.run().report["counts"]["created"] == 1
    assert healthy(world)[0]

    for _ in range(12):
        world.pass_time(hours=2)
        assert world.run().code == 0
    assert healthy(world)[0]


def test_a_single_run_that_writes_proves_it_once_a_pass_has_come_to_its_end(world: World) -> None:
    world.trusted()
    assert world.run(*SWEEP, **JETTI).code == 6
    two = world.returned()
    world.pass_time()

    assert world.run("--return", two).code == 0
    world.pass_time()
    assert world.run().code == 0

    assert healthy(world)[0]


def test_a_pass_makes_up_for_a_key_that_loop_refused(world: World) -> None:
    """Every pass asks Loop, so one that came to its end proves that key."""
    world.trusted()
    assert world.run(*SWEEP, **LOOP).code == 6
    assert not healthy(world)[0]

    world.pass_time()
    assert world.run().code == 0

    assert healthy(world)[0]


# --------------------------------------------------------------------------------------- init


@pytest.mark.parametrize(
    ("keys", "named"), [(LOOP, ["Loop"]), (JETTI, ["Jetti"]), (LOOP | JETTI, ["Loop", "Jetti"])]
)
def test_init_tries_both_keys_before_it_makes_anything(
    world: World, keys: dict[str, str], named: list[str]
) -> None:
    refused = world.call("init", "--since", "7d", **keys)

    assert (refused.code, refused.stdout) == (6, "")
    assert [name for name in ("Loop", "Jetti") if f"{name} refused the key" in refused.stderr] == (
        named
    )
    assert list(world.directory.iterdir()) == []
    assert asked(world) == {"loop": 1, "jetti": 1}
    assert world.call("init", "--since", "7d").code == 0


def test_init_without_keys_makes_the_ledger_and_says_what_it_did_not_try(world: World) -> None:
    made = world.call("init", LOOP_API_KEY="", JETTI_API_TOKEN="")

    assert (made.code, asked(world)) == (0, {"loop": 0, "jetti": 0})
    assert "the key for Loop was not tried: LOOP_API_KEY: is not set" in made.stdout
    assert "the key for Jetti was not tried: JETTI_API_TOKEN: is not set" in made.stdout


@pytest.mark.parametrize("kind", ["503", "silence", "429"])
def test_init_waits_for_no_service_longer_than_it_says(world: World, kind: str) -> None:
    for service in SERVICES:
        world.breaks("*", kind, service=service)
    began = world.clock.now()

    made = world.call("init")

    assert made.code == 0
    assert made.stdout.count("was not tried") == 2
    # A silence passes at once here: how the program waits for an answer is tested elsewhere.
    assert (world.clock.now() - began).total_seconds() <= len(SERVICES) * (20 + 30)


def test_init_on_a_ledger_that_is_there_asks_nobody(world: World) -> None:
    world.go_live()
    world.sandbox.request_log.clear()

    assert world.call("init", **JETTI).code == 2
    assert world.call("init", "--repin", **JETTI).code == 0
    assert asked(world) == {"loop": 0, "jetti": 0}


# ---------------------------------------------------------------------------------- processes


@pytest.mark.covers("6")
def test_as_processes(tmp_path: Path) -> None:
    sandbox = Sandbox(SandboxOptions(returns=0, rate_limits=False))
    with serving(sandbox):
        environ: dict[str, Any] = sandbox.environment()
        refused = reconciler("init", cwd=tmp_path, **(environ | JETTI))
        assert (refused.returncode, "JETTI_API_TOKEN" in refused.stderr) == (6, True)
        assert reconciler("init", cwd=tmp_path, **environ).returncode == 0
        swept = reconciler("run", *SWEEP, cwd=tmp_path, **(environ | JETTI))
        assert (swept.returncode, "JETTI_API_TOKEN" in swept.stdout) == (6, True)
        assert reconciler("run", *SWEEP, cwd=tmp_path, **environ).returncode == 0
