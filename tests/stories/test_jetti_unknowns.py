"""What nobody knows about Jetti: under every setting of every switch the end is right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World

SWITCHES: list[dict[str, Any]] = [
    {"cancel_attributes": "applied"},
    {"cancel_answer_items": True},
    {"cancel_repeated": "empty"},
    {"cancel_repeated": "error"},
    {"status_in_house": "draft", "status_dropship": "draft"},
    {"split": "per_line"},
    {"split": "single"},
    {"put_answer": "empty"},
    {"put_answer": "empty", "cancel_answer_items": True},
    {"validation_status": 400},
    {"company_id_form": "string"},
    {"company_id_form": "absent"},
    {"reference_form": "hash"},
    {"default_limit": 1},
    {"from_means": "page"},
    {"unknown_field": "error"},
    {"array_limit": 20},
    {"array_limit": 20, "longer_array": "empty"},
    {"array_limit": 3},
    {"where_ignored": True},
    {"ignored_filters": ["externalId"]},
    {"ignored_filters": ["saleId", "saleReturnId", "id"]},
    {"in_refused": True},
    {"in_refused": True, "query_status": 422},
    {"greater_than_refused": True},
    {"greater_than_ignored": True, "from_means": "nothing"},
    {"order_parameter": "ignored"},
    {"order_parameter": "refused", "query_status": 400},
    {"order_descends": True},
    {"limit_parameter": "ignored"},
    {"limit_parameter": "refused", "default_limit": 3},
    {"from_means": "nothing"},
    {"from_means": "refused"},
    {"max_limit": 10},
    {"rate_limit": "or"},
    {"rate_limit": "and", "rate_headers": True, "retry_after": "1"},
]


def switched(world: World, **values: Any) -> None:
    for name, value in values.items():
        assert hasattr(world.sandbox.jetti.switches, name)
        setattr(world.sandbox.jetti.switches, name, value)


def of_three_kinds(world: World) -> str:
    """A return of in-house goods and of two vendors', one of them with two lines."""
    return world.returned((None, 1), ("Acme", 2), ("Bolt", 1), ("Acme", 1))


@pytest.mark.covers("R15")
@pytest.mark.parametrize(
    "values", SWITCHES, ids=lambda values: "-".join(f"{k}={v}" for k, v in values.items())
)
def test_a_return_goes_its_whole_way_whatever_is_unknown(
    world: World, values: dict[str, Any]
) -> None:
    switched(world, **values)
    world.go_live()
    one = of_three_kinds(world)
    slow = {}
    if "rate_limit" in values:
        slow = {
            "RECONCILER_JETTI__READS_PER_SECOND": "2",
            "RECONCILER_JETTI__WRITES_PER_SECOND": "1",
        }
    for transition in ("new", "in_transit", "delivered"):
        if transition == "new":
            world.loop.label(one)
        else:
            world.loop.move_label(one, transition)
        world.pass_time()
        assert world.run(**slow).code == 0
        assert_agreement(world)
    world.loop.set_state(one, "cancelled")
    world.pass_time()

    assert world.run(**slow).code == 0

    assert_agreement(world)
    world.pass_time()
    assert world.run(**slow).jetti_requests == (0, 0)


@pytest.mark.parametrize("born", ["finalized", "shipped", "received", "by_settings"])
def test_the_status_a_sale_return_is_born_with_is_not_moved_back(world: World, born: str) -> None:
    switched(world, status_in_house=born)
    world.go_live()
    one = world.returned((None, 1))
    world.loop.label(one)
    world.pass_time()
    created = world.run()
    [made] = world.in_jetti(one)
    assert (created.code, made["status"]) == (0, "received" if born == "by_settings" else born)
    assert list(made["lines"].values()) == [1]
    world.loop.set_state(one, "cancelled")
    world.pass_time()

    ended = world.run()

    received = born in ("received", "by_settings")
    [made] = world.in_jetti(one)
    assert (ended.code, made["status"]) == ((3, "received") if received else (0, "cancelled"))


@pytest.mark.parametrize("born", ["finalized", "received", "by_settings"])
def test_the_same_for_a_vendor_s_goods(world: World, born: str) -> None:
    switched(world, status_dropship=born)
    world.go_live()
    one = world.returned(("Acme", 1))
    world.loop.label(one, status="in_transit")
    world.pass_time()

    assert world.run().code == 0

    [made] = world.in_jetti(one)
    assert made["status"] == ("received" if born == "received" else "shipped")
    assert list(made["lines"].values()) == [1]


@pytest.mark.covers("R15")
@pytest.mark.parametrize("is_new", [True, False])
def test_a_server_that_ignores_filters_gets_nothing_created_twice(
    world: World, is_new: bool
) -> None:
    world.go_live()
    if is_new:
        other = world.order(("Acme", 1))
        world.jetti.raise_sale_return(world.sale_id(other), {world.item_ids(other)[0]: 1})
    else:
        world.returned()
        world.pass_time()
        world.run()
    one = world.returned(("Bolt", 1))
    world.pass_time()
    before = len(world.jetti.sale_returns())
    switched(world, where_ignored=True)
    world.breaks("POST *", "applied_then_lost", nth=1)
    assert world.run().code == 3
    world.pass_time()

    ran = world.run()

    assert (ran.code, len(world.jetti.sale_returns())) == (0, before + 1)
    assert len(world.in_jetti(one)) == 1
    assert any("ignores the filter by externalId" in told for told in ran.report["run"]["remarks"])


@pytest.mark.covers("R15")
def test_a_server_that_ignores_filters_and_holds_too_much_is_named_and_nothing_is_lost(
    world: World,
) -> None:
    """Exit 5, no try is spent, and all goes on where the filter works."""
    world.go_live()
    ones = [world.returned() for _ in range(3)]
    for _ in range(20):
        world.order(("Acme", 1))
    switched(world, ignored_filters=["externalId"], limit_parameter="refused", default_limit=1)
    for _ in range(12):
        world.pass_time(hours=1)
        ran = world.run()
        assert (ran.code, world.writes()) == (5, [])
        assert (
            "ignores the filter by externalId of /sales.json"
            in ran.report["run"]["failures"][0]["message"]
        )
    assert {world.state(one) for one in ones} == {"pending"}
    switched(world, ignored_filters=[])
    world.pass_time()

    assert world.run().code == 0
    assert_agreement(world)


@pytest.mark.covers("R15")
@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_refuses_several_values_costs_no_patience(world: World, status: int) -> None:
    """Sixty returns are pushed once each, in the time that sixty take, and it is said once."""
    switched(world, in_refused=True, query_status=status)
    world.go_live()
    for _ in range(60):
        world.returned()
    world.pass_time()
    before = world.clock.now()

    ran = world.run(RECONCILER_GUARD__CREATES="100")

    assert (ran.code, ran.report["counts"]["created"]) == (0, 60)
    assert (world.clock.now() - before).total_seconds() < 5
    assert str(ran.report["run"]["remarks"]).count("refuses `$in`") == 1
    assert ran.stderr.count("refuses `$in`") == 1
    assert_agreement(world)


def test_a_server_that_cannot_page_is_noticed_before_a_create(world: World) -> None:
    switched(world, greater_than_ignored=True, from_means="nothing")
    world.go_live()
    order = world.order(("Acme", 200))
    item, sale = world.item_ids(order)[0], world.sale_id(order)
    for _ in range(101):
        world.jetti.raise_sale_return(sale, {item: 1}, externalId="5")
    world.submit(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.writes()) == (3, [])


@pytest.mark.covers("F67")
@pytest.mark.parametrize("lines", [1, 2])
def test_unique_external_ids_make_no_second_sale_return(world: World, lines: int) -> None:
    switched(world, unique_external_ids=True)
    world.go_live()
    one = world.returned(*[("Acme", 1), ("Bolt", 1)][:lines])
    for _ in range(60):
        world.pass_time(hours=1)
        ran = world.run()

    assert len(world.jetti.sale_returns()) == len(world.jetti.notifications()) == lines
    assert (ran.code, world.state(one)) == ((0, "synced") if lines == 1 else (3, "dead"))
    assert len(world.writes()) < 16


@pytest.mark.covers("F59")
def test_a_key_without_the_right_to_write_writes_nothing(world: World) -> None:
    switched(world, forbidden="writes")
    world.go_live()
    world.returned()
    world.pass_time()

    refused = world.run()

    assert (refused.code, world.jetti.sale_returns()) == (6, [])
    switched(world, forbidden="nothing")
    heal_and_agree(world)


@pytest.mark.covers("F68")
@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_reads_that_lag_hide_nothing_that_was_created(
    world: World, lost: bool, listed: bool
) -> None:
    switched(world, read_lag_seconds=100.0, cancel_answer_items=listed)
    world.go_live()
    of_three_kinds(world)
    world.pass_time()
    if lost:
        world.breaks("POST *", "applied_then_lost", nth=1)

    first = world.run()

    assert first.code == 3
    heal_and_agree(world)
    assert len(world.jetti.sale_returns()) == 3


@pytest.mark.covers("F68")
def test_stale_reads_cost_no_duplicate(world: World) -> None:
    world.go_live()
    world.returned(("Acme", 1), ("Bolt", 1))
    world.breaks("GET *", "stale_read", seconds=120)
    world.pass_time()
    world.breaks("POST *", "applied_then_lost", nth=1)
    world.run()

    heal_and_agree(world)

    assert len(world.jetti.sale_returns()) == 2


# --------------------------------------------------------------------------- the whole-sale trap


@pytest.mark.covers("F66")
@pytest.mark.parametrize("listed", [True, False])
def test_a_misread_id_list_is_undone_and_stops_all_creation(world: World, listed: bool) -> None:
    switched(world, cancel_ids_key="saleItemIds", cancel_answer_items=listed)
    world.go_live()
    order = world.order(("Acme", 2), ("Bolt", 1), (None, 1))
    others = [world.returned(("Acme", 1)) for _ in range(3)]
    world.pass_time()
    newest = world.submit(order, 1, 0, 0)
    world.pass_time()

    stopped = world.run()
    world.pass_time()
    later = world.run()
    world.returned()
    world.pass_time()
    last = world.run()

    assert (stopped.code, later.code, last.code) == (7, 7, 7)
    assert (world.state(newest), {world.state(one) for one in others}) == ("review", {"pending"})
    assert {made["status"] for made in world.on_order(order)} >= {"cancelled"}
    strange = [made for made in world.on_order(order) if len(made["lines"]) > 0]
    touched = [made for made in strange if made["status"] != "cancelled"]
    assert all(set(made["lines"]) == {order.lines[0].order_line_id} for made in touched)
    assert all(units == 0 for made in strange for units in made["lines"].values())
    assert len(world.jetti.sale_returns()) == 3, "nothing else was created"


def test_what_exists_is_kept_up_to_date_while_creation_is_stopped(world: World) -> None:
    world.go_live()
    old = world.returned()
    world.loop.label(old)
    world.pass_time()
    world.run()
    switched(world, cancel_ids_key="saleItemIds")
    order = world.order(("Acme", 1), ("Bolt", 1))
    world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 7
    world.loop.move_label(old, "in_transit")
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes[old]) == (7, ("update", "pushed"))
    assert [made["status"] for made in world.in_jetti(old)] == ["shipped"]


def test_the_first_create_of_a_ledger_goes_alone(world: World) -> None:
    world.go_live()
    for _ in range(3):
        world.returned()
    world.pass_time()
    world.breaks("POST *", "not_applied_then_lost", nth=1)

    first = world.run()

    creates = [name for name in world.writes() if name.startswith("POST")]
    assert (first.code, len(creates)) == (3, 1), "nothing else before it is verified"
    heal_and_agree(world)


@pytest.mark.covers("F66")
def test_a_create_that_answers_fewer_lines_is_for_a_person(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    world.breaks("POST *", "short_page", nth=1, rows=1)

    ran = world.run()

    assert (ran.code, world.state(one), len(world.writes())) == (3, "review", 1)
