"""Every hostile value in every field: kept aside or understood, and harmless either way."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.hostile.hostile_content import (
    BROKEN,
    FIELDS,
    ID_FIELDS,
    JETTI_TEXTS,
    OWN_LABEL_FIELDS,
    REFUSED_TEXTS,
    TEXTS,
    TIME_FIELDS,
    UNREAD_FIELDS,
    VALUES,
    assert_harmless,
    assert_json,
    assert_only_ids_in_paths,
    tamper,
)
from tests.support.figures import Figures
from tests.support.world import World

ROOM = {"RECONCILER_GUARD__CREATES": "1000", "RECONCILER_GUARD__UPDATES": "1000"}
_NO_TEXT = {"not UTF-8", "overlong UTF-8"}
_HALVES = {"half a character", "other half first"}


def _expected(field: str, value: str) -> bool | None:
    """Whether all of the row must be understood; None where no rule of ours says."""
    if field == "carrier" and value == "NUL":
        return None  # not looked at where nothing else tells of a parcel
    if field in UNREAD_FIELDS:
        return None if value in _NO_TEXT else True
    if value in _NO_TEXT or value in REFUSED_TEXTS:
        return None if field == "status_page_url" else False
    if field in ID_FIELDS or field in TIME_FIELDS:
        return field == "provider_order_id" and value == "blank"
    if value == "blank" and field == "state":
        return False
    return True if value in TEXTS or value in _HALVES else None


@pytest.mark.covers("F100", "F101", "F102", "F104")
@pytest.mark.parametrize("field", FIELDS)
def test_a_hostile_value_is_kept_aside_or_understood_and_spoils_no_other_row(
    world: World, figures: Figures, field: str
) -> None:
    world.go_live()
    good = [world.returned() for _ in range(3)]
    order = world.order(("Acme", 1))
    served = {world.submit(order): value for value in VALUES}
    for one in served:
        if field not in OWN_LABEL_FIELDS:  # else the labels' own fields count
            world.loop.label(one)
    by_line = {
        line.id: served[row.id] for row in world.loop.of_order(order.name) for line in row.lines
    }
    tamper(world.sandbox.loop, _of_lines(by_line), field)
    world.pass_time()

    ran = world.call(
        "-vv", "--log-format", "json", "run", "--max-writes", "0", "--format", "json", **ROOM
    )

    for line in ran.stderr.splitlines():
        assert_json(line)
    report = assert_json(ran.stdout)
    assert report["run"].get("failures") in (None, []), report["run"]
    understood, aside = _in_ledger(world)
    assert understood >= set(good)
    assert ran.code == (3 if aside else 0), report["run"]["failures"]
    wholly = understood - aside
    wrong = {
        value: one in wholly
        for one, value in served.items()
        if field != "id" and _expected(field, value) not in (None, one in wholly)
    }
    assert wrong == {}
    assert field != "id" or understood == set(good)
    assert_harmless(world.call("status").stdout)
    figures.add("hostile", "hostile values served", len(served))


def _of_lines(by_line: dict[str, str]) -> Any:
    """The value for a row, recognised by its first line, because its id may be what changes."""

    def raw(row: dict[str, Any]) -> str | None:
        first = next(iter(row.get("line_items") or ()), {}).get("line_item_id")
        value = by_line.get(str(first))
        return None if value is None else VALUES[value]

    return raw


def _in_ledger(world: World) -> tuple[set[str], set[str]]:
    """Ids of entries, and keys of the rows set aside."""
    with closing(sqlite3.connect(world.directory / "ledger.db")) as raw:
        entries = {one for (one,) in raw.execute("SELECT return_id FROM entries")}
        return entries, {one for (one,) in raw.execute("SELECT key FROM malformed")}


@pytest.mark.covers("F100")
@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("service", ["loop", "jetti"])
def test_what_is_no_json_is_no_answer_and_nothing_is_taken_from_it(
    world: World, figures: Figures, service: str, value: str
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    before = world.watermark()
    if service == "loop":
        tamper(world.sandbox.loop, lambda row: BROKEN[value], "customer")
    else:
        tamper(world.sandbox.jetti, lambda row: BROKEN[value], "reference")

    ran = world.call("-v", "run", "--format", "json")

    report = assert_json(ran.stdout)
    assert_harmless(ran.stderr)
    assert report["counts"]["created"] == 0
    if service == "loop":
        assert (ran.code, world.watermark(), world.writes()) == (4, before, [])
    else:
        assert (ran.code, world.in_jetti(one)) in [(3, []), (5, [])], report
    figures.add("hostile", "hostile values served")


@pytest.mark.parametrize(
    "prefix", ["\ufeff", "\0", "\x1b[2J", ")]}',\n", "HTTP/1.1 200 OK\r\n\r\n"]
)
def test_what_stands_before_the_json_makes_it_no_answer(world: World, prefix: str) -> None:
    world.go_live()
    world.breaks("list.*", "raw", service="loop", body=prefix + '{"returns":[],"nextPageUrl":null}')

    assert world.call("run").code == 4


@pytest.mark.covers("F102")
@pytest.mark.parametrize("field", JETTI_TEXTS)
def test_hostile_texts_of_jetti_s_are_shown_harmlessly(
    world: World, figures: Figures, field: str
) -> None:
    """One sale return for each text; then the returns change, and Jetti's side is reported."""
    world.go_live()
    ids = {world.returned(): text for text in TEXTS.values()}
    for one in ids:
        world.loop.label(one)
    world.pass_time()
    assert world.run(**ROOM).code == 0
    shown = {row["id"]: ids[row["externalId"]] for row in world.jetti.sale_returns()}
    told = {key: json.dumps(text) for key, text in shown.items()}
    tamper(world.sandbox.jetti, lambda row: told.get(row["id"]) if "saleId" in row else None, field)
    for one in ids:
        world.loop.move_label(one, "in_transit")
    world.pass_time()

    for arguments in (["--dry-run", "--against-jetti"], ["--format", "json"]):
        ran = world.call("-vv", "run", *arguments, **ROOM)
        assert_harmless(ran.stderr)
        assert_harmless(ran.stdout)
        assert ran.code in (0, 3), ran.stderr
    for one in list(ids)[:5]:
        assert_harmless(world.call("show", one).stdout)
        assert_json(world.call("show", one, "--format", "json").stdout)
        looked = [
            world.call("-vv", "show", one, "--against-jetti", "--format", form)
            for form in ("text", "json")
        ]
        assert {ran.code for ran in looked} <= {0, 5}, looked[0].stderr
        for ran in looked:
            assert_harmless(ran.stderr)
            assert_harmless(ran.stdout)
        assert_json(looked[1].stdout)
    assert_only_ids_in_paths(world)
    figures.add("hostile", "hostile values served", len(ids))
