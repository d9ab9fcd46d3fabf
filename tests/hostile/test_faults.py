"""Single hostile values that once ended a run in a traceback; each now has a name and a way out."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from reconciler import config
from reconciler.errors import ConfigError
from reconciler.jetti import query
from reconciler.sandbox.messages import Response
from tests.support.world import World

ENDS_OF_THE_CALENDAR = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]


@pytest.mark.parametrize("moment", ENDS_OF_THE_CALENDAR)
@pytest.mark.parametrize("field", ["updated_at", "created_at"])
def test_a_page_that_ends_at_an_end_of_the_calendar_is_no_bug(
    world: World, field: str, moment: str
) -> None:
    world.go_live()
    for one in [world.returned() for _ in range(4)]:
        world.loop.edit(one, extra={field: moment})
    world.pass_time()

    ran = world.run(RECONCILER_LOOP__PAGE_SIZE="2")

    assert ran.code == (0 if field == "created_at" else 4), ran.stderr


@pytest.mark.parametrize("moment", ENDS_OF_THE_CALENDAR)
def test_a_single_return_of_an_end_of_the_calendar_is_no_bug(world: World, moment: str) -> None:
    world.go_live()
    one = world.returned()
    world.loop.edit(one, extra={"created_at": moment})
    world.pass_time()

    assert world.call("run", "--return", one).code == 4


@pytest.mark.parametrize("position", [0, 1])
def test_an_endless_order_name_is_set_aside_and_spoils_no_other(
    world: World, position: int
) -> None:
    world.go_live()
    returns = [world.returned(), world.returned()]
    world.loop.edit(returns[position], extra={"order_name": "\U0001f600" * 4000})
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.report["counts"]["malformed"]) == (3, 1)
    assert len(world.in_jetti(returns[1 - position])) == 1


def test_an_endless_order_name_on_the_command_line_is_an_order_that_nobody_knows(
    world: World,
) -> None:
    world.go_live()

    ran = world.call("run", "--order", "\U0001f600" * 40_000)

    assert (ran.code, ran.stdout) == (2, "")


def test_many_long_names_are_asked_for_in_urls_that_servers_take() -> None:
    names = [f"{number} {'ß' * 250}" for number in range(40)]

    rest, lengths = names, []
    while rest:
        group = query.fitting("reference", rest, 100)
        lengths.append(len(query.Query("reference", tuple(group)).encode()))
        rest = rest[len(group) :]

    assert len(lengths) > 10
    assert max(lengths) < 4096


@pytest.mark.parametrize("field", ["id", "externalId", "reference"])
def test_a_query_is_as_long_as_it_is_reckoned_to_be(field: str) -> None:
    values = [f"#{number} {'ß' * (number % 5)}" for number in range(200)]

    group = query.fitting(field, values, 200)

    one_more = values[: len(group) + 1]
    assert len(query.Query(field, tuple(group)).encode()) <= query.LONGEST_QUERY
    assert len(query.Query(field, tuple(one_more)).encode()) > query.LONGEST_QUERY


def test_one_value_is_asked_for_however_long_it_is() -> None:
    assert query.fitting("reference", ["ß" * 5000, "1"], 100) == ["ß" * 5000]


def test_a_cursor_that_grows_when_it_is_sent_is_refused(world: World) -> None:
    world.go_live()
    page = json.dumps({"returns": [], "nextPageUrl": "/?cursor=" + "\U0001f600" * 8000})
    world.breaks("list.first", "raw", service="loop", body=page)

    assert world.call("run").code == 4


def test_a_cursor_at_an_end_of_the_calendar_is_no_bug(world: World) -> None:
    world.go_live()
    for _ in range(4):
        world.returned()
    world.pass_time()
    place = json.dumps({"updated_at": "9999-12-31 23:59:59"}).encode()
    link = "/?cursor=" + quote(base64.urlsafe_b64encode(place))
    _rewrite(world, "returns", lambda body: body | {"nextPageUrl": link})

    assert world.call("run").code == 4


@pytest.mark.parametrize(
    ("field", "number"),
    [("id", 2**63), ("id", -1), ("purchaseId", 2**70), ("saleId", 0), ("quantity", 2**63)],
)
def test_a_number_that_no_ledger_holds_makes_a_create_unverified(
    world: World, field: str, number: int
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.sandbox.jetti.switches.cancel_answer_items = True
    _rewrite_rows(world, "cancel.json", field, number)

    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "unknown"), ran.stderr
    world.pass_time()
    assert world.run().code == 0
    assert len(world.in_jetti(one)) == 1


@pytest.mark.parametrize(
    "toml",
    [
        "[loop]\npage_size = " + "9" * 5000,
        "[loop]\npage_size = 0x" + "f" * 6000,
        "[guard]\nshare = 0x" + "f" * 6000,
        "[loop]\nlag = 0x" + "f" * 6000,
        "[policy.skus]\ninclude = [[0x" + "f" * 6000 + "]]",
        "a." * 20_000 + "b = 1",
        "a = " + "[" * 100_000,
    ],
)
def test_settings_without_measure_are_refused_by_name(tmp_path: Path, toml: str) -> None:
    file = tmp_path / "reconciler.toml"
    file.write_text(toml)

    with pytest.raises(ConfigError, match="is not TOML"):
        config.load(str(file), {"RECONCILER_LEDGER": "sqlite:////ledger.db"})


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE meta SET watermark = ?", "2026-03-01T1x:00:00.000000Z"),
        ("UPDATE meta SET watermark = ?", "2026-03-01T12:00:00.000000"),
        ("UPDATE meta SET watermark = ?", b"\xff"),
        ("UPDATE runs SET started_at = ?", 7),
        ("UPDATE entries SET changed_at = ?", "yesterday"),
    ],
)
def test_a_time_that_is_none_is_damage_of_the_ledger(
    world: World, statement: str, value: object
) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    assert world.run().code == 0
    with sqlite3.connect(world.directory / "ledger.db") as raw:
        raw.execute(statement, [value])
    raw.close()

    codes = {world.call("status").code, world.call("show", "#1001").code}

    assert 8 in codes
    assert codes <= {0, 3, 8}


def test_damage_that_sqlite_cannot_even_name_is_damage(world: World) -> None:
    world.go_live()
    path = world.directory / "ledger.db"
    content = path.read_bytes()
    # SQLite quotes the table's name when its definition makes no sense.
    path.write_bytes(content.replace(b"CREATE TABLE runs (", b"CREATE TABLE \xc1uns (", 1))

    for command in (["status"], ["show", "1"], ["run"], ["run", "--dry-run"]):
        assert world.call(*command).code == 8


def test_a_state_that_nobody_knows_is_damage(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    assert world.run().code == 0
    path = world.directory / "ledger.db"
    path.write_bytes(path.read_bytes().replace(b"synced", b"synked"))

    assert world.call("show", "#1001").code == 8


def _rewrite_rows(world: World, path: str, field: str, number: int) -> None:
    """In the first answer from there each row, or each item of a row, has that number."""
    served = world.sandbox.jetti.handle
    left = [1]

    def handle(request):
        response = served(request)
        if path not in request.path or not left:
            return response
        left.clear()
        rows = json.loads(response.body)
        for row in rows:
            for part in (row, *row.get("sale_return_items", ())):
                part.update({field: number} if field in part else {})
        return Response(response.status, json.dumps(rows).encode(), response.headers)

    world.sandbox.jetti.handle = handle


def _rewrite(world: World, having: str, change) -> None:
    """Every answer of Loop's that has such a field."""
    served = world.sandbox.loop.handle

    def handle(request):
        response = served(request)
        body = json.loads(response.body)
        if not isinstance(body, dict) or having not in body:
            return response
        return Response(response.status, json.dumps(change(body)).encode(), response.headers)

    world.sandbox.loop.handle = handle
