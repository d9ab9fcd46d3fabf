"""What `doctor` tells of Loop and Jetti, against sandboxes that behave in every way they can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.diagnosis.loop import LoopFacts, of_loop
from reconciler.core.diagnosis.services import ServiceFacts
from reconciler.sandbox.faults.registry import Fault, ServiceName
from tests.support.world import NOON, World

MOST = {"loop": 2, "jetti": 19}
RETRIES = 10


def doctor(world: World, **environ: str) -> tuple[int, list[dict[str, Any]]]:
    ran = world.call("doctor", "--format", "json", **environ)
    findings: list[dict[str, Any]] = json.loads(ran.stdout)["findings"]
    shown = world.call("doctor", **environ)
    assert shown.code == ran.code
    return ran.code, findings


def said(findings: list[dict[str, Any]], name: str, area: str = "Jetti") -> str:
    """Level and text of the only finding of that name."""
    [one] = [one for one in findings if (one["area"], one["name"]) == (area, name)]
    return f"{one['level']}: {one['text']}"


def names(findings: list[dict[str, Any]]) -> set[str]:
    return {one["name"] for one in findings}


def files(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def sent(world: World) -> dict[str, int]:
    services = [one.service for one in world.sandbox.request_log.all()]
    return {service: services.count(service) for service in MOST}


def busy(world: World) -> World:
    """Four returns that were pushed and one that waits."""
    world.trusted()
    for _ in range(3):
        world.returned()
    world.pass_time()
    assert world.run().code == 0
    world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.request_log.clear()
    return world


# ------------------------------------------------------------------------------ what it may do


@pytest.mark.covers("P17")
def test_it_sends_gets_only_and_leaves_every_byte(world: World) -> None:
    before = files(busy(world).directory)

    code, _ = doctor(world, RECONCILER_MAPPING__REASONS__Small="no-such-code")

    assert code == 3
    assert {one.method for one in world.sandbox.request_log.all()} == {"GET"}
    assert files(world.directory) == before


def test_where_all_is_as_expected_it_sends_ten_requests(world: World) -> None:
    busy(world)

    found = json.loads(world.call("doctor", "--format", "json").stdout)["findings"]

    # The tests' ledgers are in memory, which is a problem of its own.
    assert {one["name"] for one in found if one["level"] == "problem"} <= {"ledger-in-memory"}
    assert sent(world) == {"loop": 2, "jetti": 8}


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"where_ignored": True},
        {"order_parameter": "refused", "limit_parameter": "refused", "from_means": "refused"},
        {"in_refused": True, "greater_than_ignored": True},
        {"max_limit": 1, "default_limit": 1},
        {"query_status": 400, "unknown_field": "error", "array_limit": 1},
    ],
)
def test_however_jetti_answers_the_number_of_requests_is_bounded(
    world: World, switches: dict[str, Any]
) -> None:
    busy(world)
    for name, value in switches.items():
        setattr(world.sandbox.jetti.switches, name, value)

    world.call("doctor", RECONCILER_MAPPING__REASONS__Small="no-such-code")

    assert sent(world)["loop"] == 2
    assert sent(world)["jetti"] <= MOST["jetti"]


@pytest.mark.parametrize("kind", ["503", "429", "reset_before_headers", "html_200"])
@pytest.mark.parametrize("service", ["loop", "jetti"])
def test_however_a_service_fails_the_number_of_requests_is_bounded(
    world: World, service: ServiceName, kind: str
) -> None:
    busy(world).breaks("*", kind, service=service)

    ran = world.call("doctor", "--format", "json")

    findings = json.loads(ran.stdout)["findings"]
    assert ran.code == 3
    assert [one["area"].lower() for one in findings if one["name"] == "service-failed"] == [service]
    accepted = [one["area"].lower() for one in findings if one["name"] == "key-accepted"]
    assert accepted == [name for name in MOST if name != service]
    assert sent(world)[service] <= MOST[service] + RETRIES


# ---------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("path", ["sale-returns", "sale-return-items", "sales", "sale-items"])
@pytest.mark.parametrize("kind", ["401", "403"])
def test_a_token_that_may_not_read_one_thing_is_refused(world: World, path: str, kind: str) -> None:
    world.go_live()
    world.breaks(f"GET /{path}.json", kind)

    code, findings = doctor(world)

    assert code == 6
    assert f"(answered {kind})" in said(findings, "key-refused")
    assert "key-accepted" not in {one["name"] for one in findings if one["area"] == "Jetti"}


def test_what_fails_after_the_key_was_accepted_hides_nothing(world: World) -> None:
    busy(world)
    world.sandbox.faults.add(Fault("jetti", "503", "GET /sale-returns.json", first=3))

    ran = world.call("doctor", "--format", "json")
    findings = json.loads(ran.stdout)["findings"]

    assert ran.code == 3
    assert said(findings, "key-accepted").startswith("ok")
    assert "it was asked no more" in said(findings, "service-failed")


# --------------------------------------------------------------------------------------- Jetti


@pytest.mark.parametrize(
    ("switches", "what"),
    [
        ({}, "ok: `$in` is understood"),
        ({"in_refused": True}, "advice: `$in` is refused"),
        ({"in_refused": True, "query_status": 422}, "advice: `$in` is refused"),
        ({"array_limit": 1, "longer_array": "empty"}, "advice: `$in` does not find"),
    ],
)
def test_lists(world: World, switches: dict[str, Any], what: str) -> None:
    busy(world)
    for name, value in switches.items():
        setattr(world.sandbox.jetti.switches, name, value)

    assert said(doctor(world)[1], "lists").startswith(what)


def test_lists_without_anything_that_could_show_them(world: World) -> None:
    world.go_live()

    _, findings = doctor(world)

    assert "cannot be known before this ledger has pushed" in said(findings, "lists")
    assert "cannot be known before this ledger has pushed" in said(findings, "include")
    assert "fewer than four sale returns" in said(findings, "pages")
    assert "no two returns that are open" in said(findings, "pages", "Loop")


@pytest.mark.parametrize(
    ("means", "what"),
    [
        ("offset", "ok: `from` counts rows"),
        ("page", "ok: `from` counts pages"),
        ("nothing", "advice: `from` has no effect"),
        ("refused", "advice: `from` is refused"),
    ],
)
def test_what_from_counts(world: World, means: Any, what: str) -> None:
    busy(world).sandbox.jetti.switches.from_means = means

    assert said(doctor(world)[1], "pages").startswith(what)


def test_include(world: World) -> None:
    assert said(doctor(busy(world))[1], "include") == (
        "ok: `include` is understood; no run uses it"
    )


@pytest.mark.parametrize("refused", ["order_parameter", "limit_parameter"])
def test_a_refused_parameter_is_advice(world: World, refused: str) -> None:
    setattr(busy(world).sandbox.jetti.switches, refused, "refused")

    findings = doctor(world)[1]

    assert said(findings, "query-peculiar").startswith("advice: Jetti refuses")
    for path in ("sale-returns", "sale-return-items", "sales", "sale-items"):
        assert f"/{path}.json" in said(findings, "query-peculiar")


def test_an_ignored_filter_is_named(world: World) -> None:
    busy(world).sandbox.jetti.switches.ignored_filters = ("saleReturnId",)

    findings = doctor(world)[1]

    assert "saleReturnId of /sale-return-items.json" in said(findings, "filter-ignored")


@pytest.mark.parametrize("shown", [False, True])
def test_rate_headers(world: World, shown: bool) -> None:
    busy(world).sandbox.jetti.switches.rate_headers = shown
    world.sandbox.jetti.switches.rate_limit = "or"
    environ = {
        "RECONCILER_JETTI__READS_PER_SECOND": "2",
        "RECONCILER_JETTI__WRITES_PER_SECOND": "1",
    }

    text = said(doctor(world, **environ)[1], "rate")

    assert ("x-ratelimit-remaining" in text) == shown
    assert ("does not show" in text) == (not shown)
    assert text.startswith("ok")


# ------------------------------------------------------------------------------------ id list


def test_which_open_orders_could_prove_the_id_list(world: World) -> None:
    world.go_live()
    world.returned(("Acme", 1))
    world.submit(world.order(("Acme", 1), ("Bolt", 1)))
    world.submit(world.order(("Acme", 1), ("Acme", 1), arrives=False), 1, 0)
    able = world.submit(world.order(("Acme", 1), ("Acme", 1)), 1, 0)
    world.pass_time()
    world.run("--max-writes", "0")

    findings = doctor(world)[1]

    assert "could prove it: #1004" in said(findings, "ids-unproven", "ledger")
    [todo] = [one["todo"] for one in findings if one["name"] == "ids-unproven"]
    assert f"`reconciler run --return {able}`" in todo
    world.sandbox.request_log.clear()
    world.call("doctor")
    assert sent(world)["jetti"] == 10

    assert world.run("--return", able).code == 0
    assert said(doctor(world)[1], "ids-proven", "ledger").startswith("ok: a create has proven")


def test_where_no_open_order_could_prove_it(world: World) -> None:
    world.go_live()
    assert "no open return that has to be created" in said(
        doctor(world)[1], "ids-unproven", "ledger"
    )
    world.returned(("Acme", 1))
    world.pass_time()
    world.run("--max-writes", "0")

    assert "none of the 1 open returns" in said(doctor(world)[1], "ids-unproven", "ledger")
    world.breaks("*", "503")
    assert "Jetti could not be asked" in said(doctor(world)[1], "ids-unproven", "ledger")


def test_what_the_last_runs_say(world: World) -> None:
    world.trusted()
    assert world.run("--sweep", "120d", JETTI_API_TOKEN="rotated").code == 6

    findings = doctor(world)[1]

    last = [one["text"] for one in findings if one["name"] == "last-run"]
    assert len(last) == 2
    assert "the last pass is run 1, which ended at 2026-03-01 12:05:00Z with exit code 0" in last[0]
    assert "with exit code 6: Jetti refused the key (answered 401)" in last[1]
    assert "problem" in said(findings, "not-healthy", "ledger")


def test_a_word_without_a_meaning_until_the_settings_give_it_one(world: World) -> None:
    one = world.trusted()
    world.loop.label(one, status="teleported")
    world.pass_time()
    world.run()

    findings = doctor(world)[1]
    mapped = doctor(world, RECONCILER_MAPPING__TRACKING__TELEPORTED="transit")[1]

    assert "'teleported' of 1 return has no meaning here" in said(
        findings, "word-unmapped", "ledger"
    )
    assert "word-unmapped" not in names(mapped)


@pytest.mark.parametrize(
    ("code", "name"),
    [("too_small", "adjustment-reasons"), ("nonsense", "adjustment-reason-missing")],
)
def test_adjustment_reasons_that_jetti_has_or_not(world: World, code: str, name: str) -> None:
    world.go_live()
    known = {row["code"] for row in world.jetti.to_json()["adjustment_reasons"]}

    exit_code, findings = doctor(world, RECONCILER_MAPPING__REASONS__SMALL=code)

    assert (code in known) == (name == "adjustment-reasons")
    assert said(findings, name)
    assert code in known or exit_code == 3


# ---------------------------------------------------------------------------------------- Loop


@pytest.mark.parametrize(
    ("switches", "what"),
    [
        ({}, "its link leaves out from, state, paginate"),
        ({"next_page_link": "complete"}, "holds updated_at alone"),
        ({"tie_breaker": True}, "holds updated_at and an id"),
        ({"cursor_column": "created_at"}, "holds created_at alone"),
    ],
)
def test_how_loop_pages(world: World, switches: dict[str, Any], what: str) -> None:
    busy(world)
    for name, value in switches.items():
        setattr(world.sandbox.loop.switches, name, value)

    text = said(doctor(world)[1], "pages", "Loop")

    assert text.startswith("ok")
    assert what in text
    assert ("leaves out" in text) == ("next_page_link" not in switches)


@pytest.mark.parametrize(
    "switches", [{"next_page_origin": "https://elsewhere.example"}, {"next_page_cursor": "absent"}]
)
def test_pages_that_cannot_be_followed_are_a_problem(
    world: World, switches: dict[str, Any]
) -> None:
    busy(world)
    for name, value in switches.items():
        setattr(world.sandbox.loop.switches, name, value)

    code, findings = doctor(world)

    assert code == 3
    assert said(findings, "pages", "Loop").startswith("problem: the next page's link")


@pytest.mark.parametrize(
    ("path", "level", "what"),
    [
        ("/api/2026-07", "ok", "version 2026-07"),
        ("/api/2026-10", "ok", "version 2026-10"),
        ("/api/2031-01", "advice", "never tried"),
        ("/api/v1", "advice", "old name"),
        ("/api/latest", "advice", "without notice"),
        ("/api/unstable", "advice", "without notice"),
        ("/api/v2", "advice", "no version that is known"),
        ("/api", "advice", "names no version"),
        ("", "advice", "names no version"),
    ],
)
def test_the_version_in_the_address(path: str, level: str, what: str) -> None:
    service = ServiceFacts(name="Loop", key_setting="LOOP_API_KEY", asked_at=NOON)

    found = of_loop(LoopFacts(service=service, base_url=f"https://loop.example{path}"))

    [version] = [one for one in found if one.name == "loop-version"]
    assert (version.level, what in version.text) == (level, True)
    assert (version.todo is None) == (level == "ok")
