"""Keys go to the two configured origins alone, and nobody's name is kept or told (F107, F108)."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import perform
from reconciler.runtime import Runtime
from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.messages import Request, Response
from reconciler.sandbox.server.listener import Listener
from tests.hostile.hostile_content import assert_harmless
from tests.support import leaks
from tests.support.figures import Figures
from tests.support.process_world import AS_TYPED, RealWorld, on_the_machine_s_clock
from tests.support.world import Ran, World

# A request to a third place would have to arrive there.
pytestmark = pytest.mark.sockets

PERSON = {
    "first_name": "Canary",
    "name": "Canary Person-1",
    "email": "canary.shopper.1@example.test",
    "phone": "+1-555-0101",
    "address": {"line": "1 Canary Lane", "city": "Canarytown"},
}


@pytest.fixture
def people(world: World) -> World:
    """A shop whose keys are canaries, and whose rows say all that they can say of a customer."""
    _plant_keys(world)
    world.go_live()
    _plant_people(world)
    world.pass_time()
    return world


def _plant_keys(world: World) -> None:
    world.sandbox.loop.keys[leaks.LOOP_KEY] = {"returns"}
    world.sandbox.jetti.token = leaks.JETTI_TOKEN
    world.environ |= {"LOOP_API_KEY": leaks.LOOP_KEY, "JETTI_API_TOKEN": leaks.JETTI_TOKEN}


def _plant_people(world: World, **attributes: Any) -> list[str]:
    """Returns with comments, labels, refunds and people, also where no document puts them."""
    returns = [world.returned(("Acme", 1), ("Bolt", 1), **attributes) for _ in range(3)]
    for one in returns:
        world.loop.label(one, status="in_transit")
        for line in world.seen(one).lines:
            world.loop.edit_line(one, line.id, comment=leaks.COMMENT)
        refunds = [{"provider_refund_id": 890_000_000_001, "note": leaks.REFUND}]
        more = {"customer_data": PERSON, "notes": [PERSON], "shopify_refund_object": refunds}
        world.loop.edit(one, extra=more)
    # One that cannot be understood, so that it is told about and kept aside.
    world.loop.edit(returns[-1], extra={"created_at": PERSON["email"], **more})
    return returns


class Searched:
    """Every command's output and every file it left, searched at once."""

    def __init__(self, world: World, figures: Figures) -> None:
        self.world, self._figures = world, figures

    def __call__(self, *arguments: str, **environ: str) -> Ran:
        ran = self.world.call(*arguments, **environ)
        self.look(ran.stdout, ran.stderr)
        return ran

    def look(self, *texts: str) -> None:
        for text in texts:
            assert leaks.found_in(assert_harmless(text)) == []
        self._figures.add("hostile", "artefacts searched", len(texts))
        leaks.assert_no_leak(self.world.directory, self._figures)


@pytest.fixture
def searched(people: World, figures: Figures) -> Searched:
    figures.add("hostile", "canaries planted", len(leaks.SECRETS))
    return Searched(people, figures)


@pytest.mark.covers("F107", "F108", "P16", "P17")
@pytest.mark.parametrize("log", [("-q",), ("-v",), ("-vv", "--log-format", "json")])
def test_no_command_tells_or_keeps_a_key_or_a_person(searched: Searched, log: tuple[str]) -> None:
    world = searched.world
    file = str(world.directory / "report")
    assert searched(*log, "run", "--dry-run", "--against-jetti").code == 3
    assert searched(*log, "run", "--format", "json").code == 3
    [one, *_] = [row.id for row in world.loop.returns()]
    for output in ("text", "json"):
        how = ("--format", output, "--output", f"{file}.{output}")
        assert searched(*log, "status", *how).code == 3
        assert searched(*log, "show", one, *how).code == 0
        assert searched(*log, "show", one, "--format", output).code == 0
        assert searched(*log, "show", one, "--against-jetti", *how).code == 0
        assert searched(*log, "run", "--return", one, *how).code == 0
    assert searched(*log, "run", "--sweep", "120d").code == 3
    assert searched(*log, "init", "--adopt").code in (0, 3)
    assert searched(*log, "show", "nobody").code == 2


@pytest.mark.covers("F108")
@pytest.mark.parametrize("code", [400, 404, 409, 422, 429, 500, 503])
def test_what_an_error_says_of_a_person_is_not_repeated(searched: Searched, code: int) -> None:
    said = f"{PERSON['name']} <{PERSON['email']}> {leaks.JETTI_TOKEN} {leaks.LOOP_KEY}"
    body = json.dumps({"title": said, "message": said, "errors": {said: [said]}, "detail": PERSON})
    world = searched.world
    for operation in ("POST *", "GET *"):
        world.breaks(operation, "raw", code=code, body=body)
        searched("-vv", "run", "--format", "json")
        for row in world.loop.returns():
            searched("-vv", "show", row.id, "--against-jetti")
        world.pass_time()
        world.heals()
    world.breaks("list.*", "raw", service="loop", code=code, body=body)
    searched("-vv", "run")
    searched("status", "--format", "json")
    for form in ("text", "json", "csv", "markdown", "html"):
        searched("report", "--by", "reason", "--format", form)


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"LOOP_API_KEY": "canary-loop-key-0bad"}, 6),
        ({"JETTI_API_TOKEN": "canary-jetti-token-0bad"}, 6),
        ({"LOOP_API_KEY": "canary-loop-key-0bad\tx"}, 2),
        ({"LOOP_BASE_URL": "http://127.0.0.1:1/canary-loop-key-0bad"}, 4),
        ({"JETTI_BASE_URL": "http://127.0.0.1:1/api"}, 5),
        ({"JETTI_BASE_URL": "http://canary-jetti-token-0bad@127.0.0.1/api"}, 2),
        ({"JETTI_BASE_URL": "http://x:canary-jetti-token-0bad@elsewhere.invalid/api"}, 2),
        ({"RECONCILER_LOOP_API_KEY": "canary-loop-key-0bad"}, 2),
        ({"RECONCILER_LEDGER": "postgresql://u:canary-loop-key-0bad@host/db"}, 2),
    ],
)
def test_a_key_in_the_wrong_place_or_refused_is_not_shown(
    searched: Searched, environ: dict[str, str], code: int
) -> None:
    ran = searched("-vv", "run", **environ)

    assert ran.code == code, ran.stderr


def test_keys_in_a_settings_file_are_not_shown(searched: Searched) -> None:
    file = searched.world.directory.parent / f"{searched.world.directory.name}.toml"
    file.write_text(f'[loop]\napi_key = "{leaks.LOOP_KEY}"\n')
    try:
        assert searched("-vv", "--config", str(file), "run").code == 2
        file.write_text(f"{leaks.LOOP_KEY}\n")
        assert searched("-vv", "--config", str(file), "run").code == 2
    finally:
        file.unlink()


@pytest.mark.covers("F107")
def test_a_bug_that_names_a_key_does_not_show_it(
    people: World, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pytest's own copy of the log knows nothing of keys and would be found to leak.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])

    def broken(endpoint: Any, clock: Any) -> Any:
        raise ZeroDivisionError(f"{endpoint!r} {endpoint.key_header}")

    for log in (["-v"], ["-vv", "--log-format", "json"], []):
        ran = _performed(people, [*log, "run"], broken)
        assert ran.code == 1
        assert "ZeroDivisionError" in ran.stderr
        assert leaks.found_in(ran.stdout + ran.stderr) == []
    leaks.assert_no_leak(people.directory, figures)


def _performed(world: World, arguments: list[str], connect: Callable[..., Any]) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = perform(arguments, Runtime(world.clock, world.environ, connect=connect))
    return Ran(code, out.getvalue(), err.getvalue())


def test_a_corrupt_ledger_is_refused_without_a_word_of_what_it_holds(searched: Searched) -> None:
    assert searched("run").code == 3
    path = searched.world.directory / "ledger.db"
    path.write_bytes(path.read_bytes()[:9000] + b"\xff" * 30_000)
    for command in (["run"], ["status"], ["run", "--dry-run"], ["show", "#1001"]):
        assert searched("-vv", *command).code == 8


# -------------------------------------------------------------------------------- other origins


@dataclass
class Stranger:
    """A host that nobody configured, and what it was asked."""

    url: str
    asked: list[Request]


@pytest.fixture
def stranger(figures: Figures) -> Iterator[Stranger]:
    asked: list[Request] = []

    def deliver(request: Request) -> Delivery:
        asked.append(request)
        return Delivery(Response(200, b'{"returns":[],"nextPageUrl":null}'))

    with Listener(0, deliver) as listener:
        yield Stranger(listener.url, asked)
    figures.add("hostile", "requests to foreign origins", len(asked))


@pytest.mark.covers("F26", "P16")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", ["list.*", "GET *", "POST *", "PUT *"])
def test_no_redirect_takes_a_key_elsewhere(
    searched: Searched, stranger: Stranger, operation: str, status: int
) -> None:
    service = "loop" if operation == "list.*" else "jetti"
    searched.world.breaks(operation, "redirect", service=service, code=status, to=stranger.url)

    ran = searched("-vv", "run")

    assert stranger.asked == []
    assert ran.code == {"list.*": 4, "GET *": 5}.get(operation, 3), ran.stderr


_NO_ORIGIN = ["", "\\\\{host}"]
"""Paths to us, who take the cursor alone from them; a browser would follow the second."""


@pytest.mark.covers("F27")
@pytest.mark.parametrize(
    "origin",
    [
        "{url}",
        "//{host}",
        "http://127.0.0.1@{host}",
        "http://{host}#",
        "https://{host}",
        "",
        "\\\\{host}",
    ],
)
def test_no_link_to_a_next_page_takes_a_key_elsewhere(
    searched: Searched, stranger: Stranger, origin: str
) -> None:
    url = stranger.url
    world = searched.world
    world.sandbox.loop.switches.next_page_origin = origin.format(
        url=url, host=url.removeprefix("http://")
    )

    ran = searched("-vv", "run", RECONCILER_LOOP__PAGE_SIZE="1")

    assert stranger.asked == []
    assert ran.code == (3 if origin in _NO_ORIGIN else 4), ran.stderr


@pytest.mark.covers("F29")
@pytest.mark.parametrize("turn", ["absent", "repeated", "cycle", "ever_fresh"])
def test_pages_without_end_end(searched: Searched, turn: str) -> None:
    searched.world.sandbox.loop.switches.next_page_cursor = turn

    assert searched("-vv", "run", RECONCILER_LOOP__PAGE_SIZE="1").code == 4


# -------------------------------------------------------------------------------- real processes


@pytest.mark.covers("F107")
def test_a_process_shows_no_key_to_its_neighbours_and_leaves_none_when_stopped(
    directory: Path, figures: Figures
) -> None:
    with on_the_machine_s_clock(directory) as world:
        _plant_keys(world)
        world.live()
        _plant_people(world, at=_minutes_ago(world))
        world.breaks("POST *", "delay", seconds=1.0)
        process = world.start("-vv", "serve", "--every", "1h", under=AS_TYPED)
        world.until(lambda: world.jetti.sale_returns())
        arguments = Path(f"/proc/{process.pid}/cmdline")
        seen = arguments.read_bytes() if arguments.exists() else b""
        leaks.assert_no_leak(directory, figures)
        process.send_signal(signal.SIGTERM)
        code, stdout, stderr = world.end(process)

        assert code == 143
        assert leaks.found_in(seen + stdout.encode() + stderr.encode()) == []
        assert_harmless(stderr)
        leaks.assert_no_leak(directory, figures)


def _minutes_ago(world: RealWorld) -> Any:
    return world.sandbox.clock.now() - timedelta(minutes=5)
