"""Answers that are lost, late, wrong or refused: nothing is lost with them, nothing done twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World

CREATE = "POST *"
PUT = "PUT *"
PUT_SALE_RETURN = "PUT /sale-returns/*"
PUT_ITEM = "PUT /sale-return-items/*"

UNCLEAR: list[tuple[str, dict[str, Any]]] = [
    ("applied_then_lost", {}),
    ("not_applied_then_lost", {}),
    ("applied_then_lost", {"ending": "close"}),
    ("applied_later", {"seconds": 170}),
    ("reset_after_headers", {}),
    ("reset_mid_body", {}),
    ("wrong_length", {}),
    ("truncated", {"at": 40}),
    ("html_200", {"applied": True}),
    ("html_200", {}),
    ("empty_200", {"applied": True}),
    ("empty_200", {}),
    ("error_200", {}),
    ("redirect", {"applied": True}),
    ("redirect", {}),
    ("500", {"applied": True}),
    ("500", {}),
    ("502", {"applied": True}),
    ("502", {}),
    ("503", {}),
    ("504", {"applied": True}),
    ("409", {}),
    ("409", {"applied": True}),
    ("404", {}),
    ("429", {}),
    ("429", {"applied": True}),
    ("429", {"retry_after": "seconds", "seconds": 30}),
]
NAMES = ["-".join([kind, *map(str, more.values())]) for kind, more in UNCLEAR]


def a_return(world: World, *lines: tuple[str | None, int]) -> str:
    world.go_live()
    one = world.returned(*(lines or (("Acme", 1), ("Bolt", 1))))
    world.loop.label(one)
    world.pass_time()
    return one


# --------------------------------------------------------------------------- one unclear answer


@pytest.mark.covers("F4", "F50", "F51", "F55", "F67", "P2")
@pytest.mark.sockets
@pytest.mark.parametrize(("kind", "parameters"), UNCLEAR, ids=NAMES)
def test_a_create_with_an_unclear_answer_happens_once(
    world: World, kind: str, parameters: dict[str, Any]
) -> None:
    one = a_return(world)
    world.breaks(CREATE, kind, nth=1, **parameters)

    first = world.run()
    heal_and_agree(world)

    assert first.code in (0, 3)
    assert len(world.in_jetti(one)) == len(world.jetti.sale_returns()) == 2
    assert len(world.jetti.notifications()) == 2, "no vendor is told twice"


@pytest.mark.covers("F50", "F55")
@pytest.mark.parametrize(("kind", "parameters"), UNCLEAR, ids=NAMES)
@pytest.mark.parametrize("operation", [PUT_SALE_RETURN, PUT_ITEM])
def test_a_put_with_an_unclear_answer_ends_in_agreement(
    world: World, operation: str, kind: str, parameters: dict[str, Any]
) -> None:
    one = a_return(world)
    world.breaks(operation, kind, nth=1, **parameters)

    first = world.run()
    heal_and_agree(world)

    assert first.code in (0, 3)
    assert len(world.in_jetti(one)) == len(world.jetti.sale_returns()) == 2


@pytest.mark.covers("F3")
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_death_between_the_writes_of_one_return_is_made_up_for(world: World, nth: int) -> None:
    a_return(world)
    world.breaks(PUT, "applied_then_lost", nth=nth)

    lost = world.run()
    heal_and_agree(world)

    assert lost.code == 3


def test_a_cancellation_without_an_answer_is_read_back(world: World) -> None:
    one = a_return(world)
    world.run()
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    world.breaks(PUT, "applied_then_lost", nth=1)
    world.run()

    heal_and_agree(world)

    assert {made["status"] for made in world.in_jetti(one)} == {"cancelled"}


@pytest.mark.covers("F52", "P6")
def test_nothing_more_is_written_for_it_before_settle_is_over(world: World) -> None:
    a_return(world)
    world.breaks(CREATE, "applied_later", nth=1, seconds=170)
    lost = world.run()
    world.pass_time(seconds=120)

    early = world.run()

    assert (lost.code, early.code) == (3, 3)
    assert early.jetti_requests == (0, 0)
    assert world.jetti.sale_returns() == []
    heal_and_agree(world)


def test_what_changed_in_loop_meanwhile_is_told_too(world: World) -> None:
    one = a_return(world)
    world.breaks(CREATE, "applied_then_lost", nth=1)
    world.run()
    world.loop.move_label(one, "in_transit")

    heal_and_agree(world)

    assert {made["status"] for made in world.in_jetti(one)} == {"shipped"}


@pytest.mark.covers("F57")
def test_a_quantity_that_changes_after_a_429_which_was_a_lie(world: World) -> None:
    one = a_return(world, ("Acme", 2))
    world.breaks(PUT_ITEM, "429", nth=1, applied=True)
    world.run()
    world.loop.add_line(one, world.orders[0].lines[0])

    heal_and_agree(world)

    assert list(world.in_jetti(one)[0]["lines"].values()) == [2]


def test_cancelled_while_nobody_knows_whether_it_exists(world: World) -> None:
    one = a_return(world)
    world.breaks(CREATE, "applied_then_lost", nth=1)
    world.run()
    world.loop.set_state(one, "cancelled")

    heal_and_agree(world)

    assert [row["status"] for row in world.jetti.sale_returns()] == ["cancelled", "cancelled"]


def test_cancelled_while_its_unanswered_create_never_happened(world: World) -> None:
    one = a_return(world)
    world.breaks(CREATE, "not_applied_then_lost", nth=1)
    world.run()
    world.loop.set_state(one, "cancelled")

    heal_and_agree(world)

    assert (world.in_jetti(one), world.state(one)) == ([], "skipped")


def test_a_person_who_raised_the_same_meanwhile_leads_to_review_or_adoption(world: World) -> None:
    one = a_return(world, ("Acme", 1))
    world.breaks(CREATE, "not_applied_then_lost", nth=1)
    world.run()
    order = world.orders[0]
    world.jetti.raise_sale_return(world.sale_id(order), {world.item_ids(order)[0]: 1})

    heal_and_agree(world)

    assert len(world.on_order(order)) == len(world.in_jetti(one)) == 1


def test_what_a_person_raised_after_an_unanswered_create_can_no_longer_land_stays_as_they_set_it(
    world: World,
) -> None:
    """A create leaves zeros and lands within `jetti.settle` or never."""
    one = a_return(world, ("Acme", 1))
    world.breaks(CREATE, "not_applied_then_lost", nth=1)
    world.run()
    order = world.orders[0]
    world.pass_time(hours=8)
    item = world.item_ids(order)[0]
    [theirs] = world.jetti.raise_sale_return(world.sale_id(order), {item: 1})
    [before] = [row for row in world.jetti.sale_returns() if row["id"] == theirs]
    world.heals()
    world.pass_time()

    assert world.run().code == 0

    [made] = world.in_jetti(one)
    [after] = world.jetti.sale_returns()
    assert made["id"] == after["id"] == theirs
    assert after["saleReturnSource"] == before["saleReturnSource"] == "internal"


@pytest.mark.parametrize("kind", ["applied_then_lost", "not_applied_then_lost"])
def test_two_returns_of_one_line_and_an_unanswered_create_of_the_first(
    world: World, kind: str
) -> None:
    world.go_live()
    order = world.order(("Acme", 2), ("Bolt", 2))
    world.submit(order, 1, 1)
    world.submit(order, 1, 1)
    world.pass_time()
    world.breaks(CREATE, kind, nth=1)

    first = world.run()
    creates = [name for name in world.writes() if name.startswith("POST")]

    assert (first.code, len(creates)) == (3, 1), "the second stands behind the first"
    assert {outcome for _, outcome in first.outcomes.values()} == {"failed", "deferred"}
    heal_and_agree(world)
    assert len(world.on_order(order)) == 4


# ---------------------------------------------------------------------------------- refusals


@pytest.mark.covers("F58")
@pytest.mark.parametrize("kind", ["400", "422"])
@pytest.mark.parametrize("operation", [CREATE, PUT])
def test_a_refused_version_is_dead_until_a_newer_one(
    world: World, kind: str, operation: str
) -> None:
    one = a_return(world)
    world.breaks(operation, kind, nth=1)
    refused = world.run()
    world.heals()
    world.pass_time()
    later = world.run()
    assert (refused.code, refused.outcomes[one][1], world.state(one)) == (3, "failed", "dead")
    assert (later.code, later.report["changes"]) == (3, []), "3 stays until it is settled"
    assert later.report["problems"][0]["return_id"] == one
    world.loop.move_label(one, "in_transit")

    heal_and_agree(world)


@pytest.mark.covers("F59")
@pytest.mark.parametrize("kind", ["401", "403"])
def test_a_refused_key_stops_everything_and_blames_no_return(world: World, kind: str) -> None:
    world.go_live()
    for _ in range(3):
        world.returned()
    world.pass_time()
    world.breaks("PUT /sale-returns/*", kind, nth=2)

    refused = world.run()

    assert refused.code == 6
    assert "failed" not in {outcome for _, outcome in refused.outcomes.values()}
    assert {world.state(row.id) for row in world.loop.returns()} == {"synced", "pending"}
    heal_and_agree(world)


def test_a_key_that_loop_refuses(world: World) -> None:
    a_return(world)
    before = world.watermark()

    refused = world.run(LOOP_API_KEY="wrong-key")

    assert (refused.code, world.watermark(), world.writes()) == (6, before, [])
    heal_and_agree(world)


# ----------------------------------------------------------------------------------- outages


def used(world: World) -> str:
    """A ledger that has pushed something before."""
    return world.trusted()


def tries(world: World) -> list[int]:
    return [world.entry(row.id).attempts for row in world.loop.returns()]


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("kind", ["503", "reset_before_headers", "refuse"])
def test_jetti_down_leaves_everything_pending_and_burns_no_try(
    world: World, kind: str, count: int
) -> None:
    old = used(world)
    for _ in range(count):
        world.returned()
    world.pass_time()
    world.breaks("*", kind)
    watermark = world.watermark()

    down = world.run()
    world.pass_time()
    still = world.run()

    assert (down.code, still.code) == (5, 5)
    assert world.watermark() > watermark, "reading Loop is not held back"
    assert tries(world) == [0] * (count + 1)
    states = {row.id: world.state(row.id) for row in world.loop.returns()}
    assert {state for one, state in states.items() if one != old} == {"pending"}
    heal_and_agree(world)


def test_writes_alone_down_burn_no_try_either(world: World) -> None:
    used(world)
    for _ in range(7):
        world.returned()
    world.pass_time()
    world.breaks(CREATE, "503")
    codes = []
    for _ in range(12):
        codes.append(world.run().code)
        world.pass_time()

    assert set(codes) == {5}
    assert (len(world.jetti.sale_returns()), max(tries(world))) == (1, 0)
    heal_and_agree(world)


@pytest.mark.covers("F22")
def test_loop_down_moves_no_watermark_and_holds_back_no_backlog(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.run("--max-writes", "0")
    two = world.returned()
    world.pass_time()
    world.breaks("*", "503", service="loop")
    before = world.watermark()

    down = world.run()

    assert (down.code, world.watermark()) == (4, before)
    assert (len(world.in_jetti(one)), world.in_jetti(two)) == (1, [])
    heal_and_agree(world)


@pytest.mark.covers("F23", "F26", "F46")
@pytest.mark.parametrize("kind", ["html_200", "empty_200", "error_200", "redirect", "404"])
def test_what_is_no_list_is_never_read_as_no_returns(world: World, kind: str) -> None:
    a_return(world)
    before = world.watermark()
    world.breaks("list.*", kind, service="loop")

    strange = world.run()

    assert (strange.code, world.watermark(), world.jetti.sale_returns()) == (4, before, [])
    heal_and_agree(world)


def test_one_hiccup_of_each_service_is_not_worth_a_word(world: World) -> None:
    one = a_return(world)
    for service in ("loop", "jetti"):
        world.breaks("*list*" if service == "loop" else "GET *", "502", service=service, nth=1)

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "pushed")})
    assert_agreement(world)


@pytest.mark.covers("F57")
def test_429_after_429_ends_the_pass_and_burns_no_try(world: World) -> None:
    used(world)
    for _ in range(6):
        world.returned()
    world.pass_time()
    world.breaks("POST *", "429")

    hurried = world.run()

    assert (hurried.code, sum(name.startswith("POST") for name in world.writes()) - 1) == (5, 3)
    assert tries(world) == [0] * 7
    heal_and_agree(world)


# ------------------------------------------------------------------------------------- poison


@pytest.mark.covers("F69")
@pytest.mark.parametrize("operation", ["POST /sales/2/*", "PUT /sale-return-items/2.json"])
def test_a_poisoned_return_delays_no_other_and_dies_after_eight_tries(
    world: World, operation: str
) -> None:
    used(world)
    world.breaks(operation, "500")
    poisoned = world.returned()
    started = world.clock.now()
    world.pass_time()
    assert world.run().code == 3
    others = [world.returned() for _ in range(7)]
    world.pass_time()

    first = world.run()

    assert (first.code, {world.state(one) for one in others}) == (3, {"synced"})
    while world.state(poisoned) != "dead":
        world.pass_time(minutes=50)
        assert world.run().code == 3
        assert (world.clock.now() - started).days < 10
    assert (world.clock.now() - started).total_seconds() >= 24 * 3600
    struck = [arrival for arrival in world.sandbox.request_log.all() if arrival.fault == "500"]
    assert len(struck) == 8
    assert world.run().code == 3
    world.loop.label(poisoned)
    heal_and_agree(world)


# --------------------------------------------------------------------- an order not there yet


@pytest.mark.covers("F60")
def test_an_order_that_never_arrives_is_told_after_patience_and_dead_after_thirty_days(
    world: World,
) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    codes = [world.run().code]
    world.pass_time(hours=23)
    codes.append(world.run().code)
    world.pass_time(hours=2)
    codes.append(world.run().code)
    world.pass_time(days=30)
    codes.append(world.run().code)

    assert codes == [0, 0, 3, 3]
    assert (world.state(one), world.jetti.sale_returns()) == ("dead", [])


def test_looking_for_an_order_spends_no_try_of_the_create(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    one = world.submit(order)
    for _ in range(12):
        world.pass_time(hours=1)
        assert world.run().outcomes.get(one, ("create", "waiting"))[1] == "waiting"
    world.jetti.import_sale(order)
    world.pass_time(hours=7)
    world.breaks(CREATE, "not_applied_then_lost", nth=1)
    world.run()

    heal_and_agree(world)

    assert len(world.in_jetti(one)) == 1


@pytest.mark.covers("F60")
def test_a_waiting_order_is_looked_for_ever_less_often(world: World) -> None:
    world.go_live()
    world.submit(world.order(("Acme", 1), arrives=False))
    looked = 0
    for _ in range(36):
        world.pass_time(minutes=5)
        looked += world.run().jetti_requests[0] > 0

    assert 4 <= looked <= 9
