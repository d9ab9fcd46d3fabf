"""When a pass stops and asks a person, and what the settings change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import Ran, World

TIGHT = {
    "RECONCILER_GUARD__CREATES": "2",
    "RECONCILER_GUARD__UPDATES": "2",
    "RECONCILER_GUARD__SHARE": "0",
}


def several(world: World, count: int) -> list[str]:
    made = [world.returned() for _ in range(count)]
    world.pass_time()
    return made


def digest(ran: Ran) -> str:
    return str(ran.report["run"]["digest"])


def told(ran: Ran) -> str:
    return json.dumps(ran.report["run"]["failures"])


# --------------------------------------------------------------------------------- the counts


@pytest.mark.covers("P11")
@pytest.mark.parametrize(("count", "code"), [(2, 0), (3, 7)])
def test_creates_at_the_limit_and_one_over(world: World, count: int, code: int) -> None:
    world.go_live()
    several(world, count)

    ran = world.run(**TIGHT)

    assert (ran.code, len(world.jetti.sale_returns())) == (code, 0 if code else count)
    if code:
        assert "create 3 returns (the limits are 2 and 0%" in told(ran)
        assert f"reconciler run --accept-plan {digest(ran)}" in told(ran)


@pytest.mark.covers("P11")
@pytest.mark.parametrize(("count", "code"), [(2, 0), (3, 7)])
@pytest.mark.parametrize("done", ["scan", "cancel"])
def test_updates_and_cancels_at_the_limit_and_one_over(
    world: World, done: str, count: int, code: int
) -> None:
    world.go_live()
    made = several(world, 4)
    world.run()
    for one in made[:count]:
        if done == "scan":
            world.loop.label(one, status="in_transit")
        else:
            world.loop.set_state(one, "cancelled")
    world.pass_time()
    before = len(world.writes())

    ran = world.run(**TIGHT)

    assert ran.code == code
    assert (len(world.writes()) == before) == bool(code)


@pytest.mark.parametrize(("count", "code"), [(3, 0), (4, 7)])
def test_a_stop_needs_more_than_the_share_too(world: World, count: int, code: int) -> None:
    world.go_live()
    several(world, 8)
    world.run()
    several(world, count)

    ran = world.run(**TIGHT | {"RECONCILER_GUARD__SHARE": "0.30"})

    assert ran.code == code, "3 of 11 are less than 30 %, 4 of 12 are more"


def test_the_default_limits_let_twenty_five_through_and_stop_twenty_six(world: World) -> None:
    world.go_live()
    several(world, 26)

    stopped = world.run()
    world.loop.set_state(world.loop.returns()[0].id, "cancelled")
    world.pass_time()
    ran = world.run()

    assert (stopped.code, ran.code, ran.report["counts"]["created"]) == (7, 7, 0)
    assert world.run("--accept-plan", digest(ran)).report["counts"]["created"] == 25


def test_a_sweep_is_guarded_and_what_a_person_typed_is_not(world: World) -> None:
    world.go_live()
    several(world, 3)

    assert world.run("--sweep", "120d", **TIGHT).code == 7
    assert world.run("--from", "7d", "--yes", **TIGHT).code == 0
    assert_agreement(world)


def test_a_stop_moves_the_watermark_but_stays_until_a_person_looks(world: World) -> None:
    world.go_live()
    several(world, 3)
    before = world.watermark()

    codes = [world.run(**TIGHT).code for _ in range(3)]

    assert codes == [7, 7, 7]
    assert world.watermark() > before
    assert world.call("status").code == 3


# ----------------------------------------------------------------------------- accepted plans


def test_the_current_plan_is_accepted_by_its_digest(world: World) -> None:
    world.go_live()
    several(world, 3)
    stopped = world.run(**TIGHT)

    ran = world.run("--accept-plan", digest(stopped), **TIGHT)

    assert (ran.code, ran.report["counts"]["created"]) == (0, 3)
    assert_agreement(world)


def test_a_kept_plan_is_accepted_although_more_has_come(world: World) -> None:
    world.go_live()
    several(world, 3)
    stopped = world.run(**TIGHT)
    several(world, 2)

    ran = world.run("--accept-plan", digest(stopped), **TIGHT)

    assert (ran.code, ran.report["counts"]["created"]) == (0, 5)


def test_what_came_since_the_kept_plan_is_guarded_anew(world: World) -> None:
    world.go_live()
    several(world, 3)
    stopped = world.run(**TIGHT)
    several(world, 3)

    ran = world.run("--accept-plan", digest(stopped), **TIGHT)

    assert (ran.code, ran.report["counts"]["created"], len(world.jetti.sale_returns())) == (7, 3, 3)


def test_a_digest_that_nobody_kept_opens_nothing(world: World) -> None:
    world.go_live()
    several(world, 3)

    ran = world.run("--accept-plan", "0123456789abcdef", **TIGHT)

    assert (ran.code in (2, 7), world.writes()) == (True, [])


def test_a_reviewed_file_opens_what_is_still_the_same(world: World) -> None:
    world.go_live()
    several(world, 3)
    plan = world.directory / "plan.json"
    world.run("--dry-run", "--output", str(plan), **TIGHT)

    ran = world.run("--accept-plan", str(plan), **TIGHT)

    assert (ran.code, ran.report["counts"]["created"]) == (0, 3)


def test_a_member_that_changed_since_the_review_is_guarded_anew(world: World) -> None:
    world.go_live()
    made = several(world, 3)
    plan = world.directory / "plan.json"
    world.run("--dry-run", "--output", str(plan), **TIGHT)
    world.loop.label(made[0])
    world.pass_time()

    strict = world.run("--accept-plan", str(plan), **TIGHT | {"RECONCILER_GUARD__CREATES": "0"})
    lenient = world.run("--accept-plan", str(plan), **TIGHT)

    assert (strict.code, strict.report["counts"]["created"]) == (7, 2)
    assert (lenient.code, digest(lenient)) == (7, digest(strict)), "stopped is stopped"
    assert world.run("--accept-plan", digest(strict), **TIGHT).code == 0
    assert_agreement(world)


def test_no_digest_opens_a_lost_ledger_or_a_foreign_shop(world: World) -> None:
    world.go_live()
    several(world, 1)
    world.run()
    for path in world.directory.iterdir():
        path.unlink()
    world.go_live()
    world.pass_time()
    stopped = world.run()
    before = len(world.writes())

    ran = world.run("--accept-plan", digest(stopped))

    assert (stopped.code, ran.code, len(world.writes())) == (7, 7, before)


# ------------------------------------------------------------------------------------- mapping

RECEIVED = {"RECONCILER_MAPPING__STATUS__OPEN__DELIVERED": "received"}


def test_a_changed_mapping_stops_once(world: World) -> None:
    world.go_live()
    [one] = several(world, 1)
    world.loop.label(one, status="delivered")
    world.pass_time()
    world.run()
    world.pass_time()

    stopped = world.run(**RECEIVED)
    accepted = world.run("--accept-plan", digest(stopped), **RECEIVED)
    world.pass_time()
    silent = world.run(**RECEIVED)

    assert (stopped.code, accepted.code, silent.code) == (7, 0, 0)
    assert [made["status"] for made in world.in_jetti(one)] == ["received"]
    assert (silent.report["changes"], silent.jetti_requests) == ([], (0, 0))


def test_a_changed_mapping_that_changes_nothing_pushed_is_no_stop(world: World) -> None:
    world.go_live()
    several(world, 2)
    world.run()
    [one] = several(world, 1)
    world.loop.label(one, status="delivered")
    world.pass_time()

    ran = world.run(**RECEIVED)

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "pushed")})
    assert [made["status"] for made in world.in_jetti(one)] == ["received"]


def test_adjustment_reasons_are_told_by_their_code(world: World) -> None:
    world.go_live()
    [one] = several(world, 1)
    world.loop.edit_line(one, world.seen(one).lines[0].id, reason="Too small")
    world.pass_time()
    settings = world.directory / "reconciler.toml"
    settings.write_text('[mapping.reasons]\n"Too small" = "too_small"\n')

    assert world.run(RECONCILER_CONFIG=str(settings)).code == 0

    [item] = world.jetti.items_of(world.in_jetti(one)[0]["id"])
    codes = {row["id"]: row["code"] for row in world.jetti.to_json()["adjustment_reasons"]}
    assert codes[item["adjustmentReasonId"]] == "too_small"
    world.pass_time()
    assert world.run(RECONCILER_CONFIG=str(settings)).jetti_requests == (0, 0)


def test_an_unknown_adjustment_reason_is_a_mistake_in_the_settings(world: World) -> None:
    world.go_live()
    [one] = several(world, 1)
    world.loop.edit_line(one, world.seen(one).lines[0].id, reason="Too small")
    world.pass_time()
    settings = world.directory / "reconciler.toml"
    settings.write_text('[mapping.reasons]\n"Too small" = "nonsense"\n')

    ran = world.run(RECONCILER_CONFIG=str(settings))

    assert ran.code == 2
    assert "nonsense" in told(ran)
    assert "too_small" in told(ran), "it names what there is"
    settings.unlink()
    world.pass_time()
    assert world.run().code == 0
    assert_agreement(world)


# -------------------------------------------------------------------------------------- policy


@pytest.mark.parametrize(
    ("environ", "attributes", "wanted"),
    [
        ({"RECONCILER_POLICY__OUTCOMES__INCLUDE": "refund"}, {"outcome": "refund"}, True),
        ({"RECONCILER_POLICY__OUTCOMES__INCLUDE": "refund"}, {"outcome": "credit"}, False),
        ({"RECONCILER_POLICY__OUTCOMES__EXCLUDE": "ex*"}, {"outcome": "exchange"}, False),
        ({"RECONCILER_POLICY__OUTCOMES__EXCLUDE": "ex*"}, {"outcome": "refund"}, True),
        ({"RECONCILER_POLICY__TYPES__EXCLUDE": "warranty"}, {"type": "warranty"}, False),
        ({"RECONCILER_POLICY__TYPES__EXCLUDE": "warranty"}, {"type": "standard"}, True),
    ],
)
def test_policy_says_what_is_created(
    world: World, environ: dict[str, str], attributes: dict[str, Any], wanted: bool
) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), **attributes)
    world.pass_time()

    ran = world.run(**environ)

    assert (ran.code, ran.outcomes[one][1]) == (0, "pushed" if wanted else "skipped")
    assert len(world.in_jetti(one)) == wanted


def test_policy_filters_single_lines(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Acme", 1))
    one = world.submit(order)
    world.pass_time()

    ran = world.run(RECONCILER_POLICY__SKUS__EXCLUDE=order.lines[1].sku)

    [made] = world.in_jetti(one)
    assert (ran.code, made["lines"]) == (0, {order.lines[0].order_line_id: 1})
    world.pass_time()
    again = world.run(RECONCILER_POLICY__SKUS__EXCLUDE=order.lines[1].sku)
    assert again.jetti_requests == (0, 0)


def test_policy_governs_creation_only(world: World) -> None:
    world.go_live()
    [one] = several(world, 1)
    world.run()
    world.loop.label(one, status="in_transit")
    world.pass_time()

    ran = world.run(RECONCILER_POLICY__OUTCOMES__EXCLUDE="refund")

    assert (ran.code, ran.outcomes) == (0, {one: ("update", "pushed")})
    assert_agreement(world)


def test_patience_is_a_setting(world: World) -> None:
    world.go_live()
    world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    patient = {"RECONCILER_POLICY__PATIENCE": "1h"}
    first = world.run(**patient)
    world.pass_time(hours=2)

    assert (first.code, world.run(**patient).code) == (0, 3)
