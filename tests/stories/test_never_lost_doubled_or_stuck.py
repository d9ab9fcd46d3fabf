"""Histories that a hostile reader found; each once lost, doubled, or silently stuck a return."""

from __future__ import annotations

import pytest

from tests.support.world import World


def test_a_skipped_return_that_policy_now_selects_is_created(world: World) -> None:
    world.go_live()
    one = world.returned(outcome="credit")
    world.pass_time()
    policy = {"RECONCILER_POLICY__OUTCOMES__EXCLUDE": "credit"}
    assert world.run(**policy).code == 0
    assert (world.state(one), world.in_jetti(one)) == ("skipped", [])
    world.loop.edit(one, outcome="refund")
    world.pass_time()

    ran = world.run(**policy)

    assert ran.outcomes == {one: ("create", "pushed")}
    assert len(world.in_jetti(one)) == 1


def test_a_return_a_person_asked_for_is_not_given_up_while_its_order_is_missing(
    world: World,
) -> None:
    order = world.order(("Acme", 1), arrives=False)
    old = world.submit(order)
    world.pass_time(days=2)
    world.go_live("24h")
    assert world.run("--return", old).outcomes == {old: ("create", "waiting")}
    world.jetti.import_sale(order)
    world.pass_time(hours=1)

    ran = world.run()

    assert ran.outcomes == {old: ("create", "pushed")}
    assert len(world.in_jetti(old)) == 1


def test_a_quantity_never_grows_beyond_what_is_left(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    one, other = world.submit(order, 1), world.submit(order, 1)
    world.pass_time()
    assert world.run().code == 0
    world.loop.add_line(one, order.lines[0])
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (3, {one: ("update", "review")})
    assert "only 0 of 2" in ran.reason(one)
    for return_id in (one, other):
        [made] = world.in_jetti(return_id)
        assert list(made["lines"].values()) == [1]


def test_a_status_that_a_person_set_back_stays_when_only_tracking_changes(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    world.jetti.edit_sale_return(made["id"], status="requested")
    world.loop.move_label(one, "delivered")
    world.pass_time()

    assert world.run().code == 0

    [now] = world.in_jetti(one)
    assert (now["status"], now["tracking_status"]) == ("requested", "delivered")


@pytest.mark.covers("F8")
@pytest.mark.parametrize("ahead", ["a waiting order", "an unanswered create"])
def test_a_clock_that_ran_far_ahead_for_one_pass_leaves_nothing_stuck(
    world: World, ahead: str
) -> None:
    from reconciler.sandbox.faults.registry import Fault

    world.go_live()
    order = world.order(("Acme", 1), arrives=ahead == "an unanswered create")
    one = world.submit(order)
    world.pass_time()
    if ahead == "an unanswered create":
        lost = Fault("jetti", "applied_then_lost", "POST /sales/*/cancel.json", nth=1)
        world.sandbox.faults.add(lost)
    world.clock.ahead = 365 * 86_400
    world.run()
    world.clock.ahead = 0
    if ahead == "a waiting order":
        world.jetti.import_sale(order)
    world.pass_time()

    world.run()

    assert world.state(one) == "synced"
    assert len(world.in_jetti(one)) == 1


def test_what_is_missing_from_the_answer_to_a_create_is_no_persons_doing(world: World) -> None:
    from reconciler.sandbox.faults.registry import Fault

    world.go_live()
    one = world.returned()
    world.pass_time()
    world.sandbox.faults.add(Fault("jetti", "429", "PUT *", nth=1))
    world.run()
    world.pass_time()

    ran = world.run()

    assert (ran.outcomes, ran.reason(one)) == ({one: ("update", "pushed")}, "")
    [row] = [r for r in world.jetti.sale_returns() if r["externalId"] == one]
    assert (row["saleReturnSource"], row["saleReturnType"]) == ("external", "customer")
