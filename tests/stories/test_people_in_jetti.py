"""People work in Jetti too: what they set stays, and what could be theirs is never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.sandbox.orders import SandboxOrder
from tests.support.agreement import assert_agreement
from tests.support.world import Ran, World


def in_jetti(world: World, units: int = 1) -> tuple[str, int]:
    """A pushed return of one line, and the id of its sale return."""
    world.go_live()
    one = world.submit(world.order(("Acme", 3)), units)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    return one, made["id"]


def scanned(world: World, return_id: str) -> None:
    world.loop.move_label(return_id, "in_transit")
    world.pass_time()


def by_hand(world: World, order: SandboxOrder, *units: int, **attributes: Any) -> list[int]:
    """Staff raise sale returns: so many units of each line."""
    ids = dict(zip(world.item_ids(order), units, strict=False))
    chosen = {item: count for item, count in ids.items() if count}
    return world.jetti.raise_sale_return(world.sale_id(order), chosen, **attributes)


# ------------------------------------------------------------------------------ their values


def test_a_corrected_quantity_survives_a_scan(world: World) -> None:
    one, made = in_jetti(world, units=2)
    [item] = world.jetti.items_of(made)
    world.jetti.edit_item(item["id"], quantity=1)
    scanned(world, one)

    assert world.run().code == 0

    [after] = world.in_jetti(one)
    assert (after["status"], list(after["lines"].values())) == ("shipped", [1])


def test_a_corrected_quantity_that_changes_in_loop_is_for_a_person(world: World) -> None:
    one, made = in_jetti(world, units=2)
    [item] = world.jetti.items_of(made)
    world.jetti.edit_item(item["id"], quantity=1)
    world.loop.add_line(one, world.orders[0].lines[0])
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), ran.jetti_requests[1]) == (3, "review", 0)
    assert list(world.in_jetti(one)[0]["lines"].values()) == [1]


@pytest.mark.parametrize(
    ("field", "value"), [("trackingNumber", "MINE-1"), ("notes", "Please call me")]
)
def test_what_a_person_wrote_stays_and_is_reported(world: World, field: str, value: str) -> None:
    one, made = in_jetti(world)
    world.jetti.edit_sale_return(made, **{field: value})
    [label] = world.seen(one).labels
    another = replace(label, tracking_number="0-NEW", status="in_transit")
    world.loop.edit(one, labels=(another, label))
    world.pass_time()

    ran = world.run()

    [row] = [row for row in world.jetti.sale_returns() if row["id"] == made]
    assert (ran.code, row[field], row["status"]) == (0, value, "shipped")
    assert field in ran.reason(one)
    assert "left as someone set it" in ran.reason(one)


def test_fields_we_do_not_own_stay(world: World) -> None:
    one, made = in_jetti(world)
    world.jetti.edit_sale_return(made, adminNotes="on the phone", paymentStatus="paid")
    scanned(world, one)

    assert world.run().code == 0

    [row] = [row for row in world.jetti.sale_returns() if row["id"] == made]
    assert (row["adminNotes"], row["paymentStatus"]) == ("on the phone", "paid")


@pytest.mark.parametrize("further", ["shipped", "received"])
def test_a_status_further_than_ours_is_not_moved_back(world: World, further: str) -> None:
    one, made = in_jetti(world)
    world.jetti.edit_sale_return(made, status=further)
    scanned(world, one)

    assert world.run().code == 0

    [after] = world.in_jetti(one)
    assert (after["status"], after["tracking_status"]) == (further, "transit")


def test_a_vendor_who_finalised_is_told_that_it_is_shipped(world: World) -> None:
    one, made = in_jetti(world)
    world.jetti.edit_sale_return(made, status="finalized")
    scanned(world, one)

    assert world.run().code == 0

    assert_agreement(world)


def test_a_person_s_cancellation_stands(world: World) -> None:
    one, made = in_jetti(world)
    world.jetti.edit_sale_return(made, status="cancelled")
    scanned(world, one)

    ran = world.run()
    world.pass_time()
    later = world.run()

    assert [after["status"] for after in world.in_jetti(one)] == ["cancelled"]
    assert (ran.jetti_requests[1], later.jetti_requests) == (0, (0, 0))


@pytest.mark.covers("F63")
def test_a_deleted_sale_return_is_never_made_again(world: World) -> None:
    one, made = in_jetti(world)
    world.jetti.delete_sale_return(made)
    scanned(world, one)

    ran = world.run()
    scanned(world, one)
    later = world.run()

    assert (ran.code, ran.outcomes) == (3, {one: ("update", "review")})
    assert (later.code, world.jetti.sale_returns()) == (3, [])


def test_a_marker_that_a_person_removed_does_not_lose_the_sale_return(world: World) -> None:
    one, made = in_jetti(world)
    world.jetti.edit_sale_return(made, externalId=None)
    scanned(world, one)

    ran = world.run()

    [row] = world.jetti.sale_returns()
    assert (ran.code, row["id"], row["status"]) == (0, made, "shipped")


# ---------------------------------------------------------------------- their own sale returns


@pytest.mark.covers("F64")
def test_a_sale_return_with_exactly_our_lines_is_adopted(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 2))
    one = world.submit(order, 1, 2)
    world.pass_time()
    raised = by_hand(world, order, 1, 2)

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("adopt", "pushed")})
    assert [made["id"] for made in world.in_jetti(one)] == raised
    assert len(world.on_order(order)) == 2
    assert_agreement(world)


@pytest.mark.covers("R5")
def test_what_is_told_of_an_adopted_sale_return_is_what_was_written(world: World) -> None:
    """Whatever a report shows as changed is so in Jetti, and what a person wrote is not shown."""
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.loop.label(one)
    world.pass_time()
    by_hand(world, order, 1, trackingNumber="MINE-1")

    [taken] = world.run().report["changes"]

    [reference] = [made["reference"] for made in taken["sale_returns"]]
    [remark] = taken["remarks"]
    assert remark.startswith("taken over, not created")
    assert reference in remark
    world.loop.edit_label(one, status="delivered", tracking_number="NEW-1")
    for arguments in (("--dry-run", "--against-jetti"), ()):
        world.pass_time()
        [change] = world.run(*arguments).report["changes"]
        shown = {field["field"].partition("[")[0]: field["after"] for field in change["fields"]}
        assert shown.keys() == {"status", "trackingStatus", "trackingUrl"}
        assert "left as someone set it: trackingNumber" in change["reason"]
    [made] = world.in_jetti(one)
    assert (made["status"], made["tracking"]) == (shown["status"], "MINE-1")


def test_an_adopted_sale_return_keeps_what_a_person_wrote(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.loop.label(one)
    world.pass_time()
    by_hand(world, order, 1, trackingNumber="MINE-1", notes="by hand", status="finalized")

    ran = world.run()

    [made] = world.in_jetti(one)
    assert (made["tracking"], made["notes"]) == ("MINE-1", "by hand")
    assert (ran.code, made["status"]) == (0, "finalized")


@pytest.mark.covers("F64")
@pytest.mark.parametrize(
    "units",
    [(2, 0), (1, 1), (0, 1)],
    ids=["more units", "another line too", "another line"],
)
def test_a_sale_return_that_merely_overlaps_is_for_a_person(
    world: World, units: tuple[int, int]
) -> None:
    world.go_live()
    order = world.order(("Acme", 3), ("Acme", 1))
    one = world.submit(order, 1, 0)
    world.pass_time()
    by_hand(world, order, *units)

    ran = world.run()

    overlaps = units[0] > 0
    assert (ran.code, world.state(one)) == ((3, "review") if overlaps else (0, "synced"))
    assert len(world.in_jetti(one)) == (0 if overlaps else 1)


def test_a_sale_return_older_than_the_return_is_for_a_person(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    by_hand(world, order, 1)
    world.pass_time()
    one = world.submit(order, 1)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), len(world.on_order(order))) == (3, "review", 1)


def test_two_returns_that_could_claim_it_are_both_for_a_person(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    one, two = world.submit(order, 1), world.submit(order, 1)
    world.pass_time()
    by_hand(world, order, 1)

    ran = world.run()

    assert ran.code == 3
    assert (world.state(one), world.state(two)) == ("review", "review")
    assert [made["marker"] for made in world.on_order(order)] == [None]


@pytest.mark.parametrize("attributes", [{"externalId": "99"}, {"status": "cancelled"}])
def test_marked_for_another_return_or_cancelled_is_left_alone(
    world: World, attributes: dict[str, str]
) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    one = world.submit(order, 1)
    world.pass_time()
    [theirs] = by_hand(world, order, 1, **attributes)
    before = [row for row in world.jetti.sale_returns() if row["id"] == theirs]

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "pushed")})
    assert [row for row in world.jetti.sale_returns() if row["id"] == theirs] == before
    [made] = world.in_jetti(one)
    assert list(made["lines"].values()) == [1]


def test_our_marker_on_another_order_is_for_a_person(world: World) -> None:
    in_jetti(world)
    other = world.order(("Acme", 1))
    one = world.returned()
    by_hand(world, other, 1, externalId=one)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), len(world.in_jetti(one))) == (3, "review", 1)


# ---------------------------------------------------------------------------------- their sales


def test_a_clone_of_the_sale_never_counts(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    sale = world.sale_id(order)
    world.jetti.clone_sale(sale, externalId=order.order_id, reference=order.name.lstrip("#"))
    one = world.submit(order)
    world.pass_time()

    assert world.run().code == 0

    [made] = world.jetti.sale_returns()
    assert (made["saleId"], made["externalId"]) == (sale, one)


@pytest.mark.parametrize("reference", ["1001", "#1001"])
def test_a_sale_without_order_id_is_found_by_name(world: World, reference: str) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    world.jetti.import_sale(order, externalId=None, reference=reference)
    one = world.submit(order)
    world.pass_time()

    assert world.run().code == 0

    assert len(world.in_jetti(one)) == 1
    assert_agreement(world)


def test_references_may_be_stored_with_the_hash(world: World) -> None:
    world.sandbox.jetti.switches.reference_form = "hash"
    world.go_live()
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()

    assert world.run().code == 0

    assert_agreement(world)


@pytest.mark.covers("F61")
@pytest.mark.parametrize("has_id", [True, False])
def test_two_sales_with_one_reference_are_for_a_person(world: World, has_id: bool) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    known = {} if has_id else {"externalId": None}
    for _ in range(2):
        world.jetti.import_sale(order, **known)
    one = world.submit(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), world.jetti.sale_returns()) == (3, "review", [])


def test_a_sale_of_another_shop_with_the_same_name_does_not_count(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order, externalId="777", channelId=2)
    one = world.submit(order)
    world.pass_time()

    assert world.run().code == 0

    assert len(world.in_jetti(one)) == len(world.on_order(order)) == 1


@pytest.mark.covers("F62", "R5")
def test_a_sale_with_the_order_s_id_and_another_name_is_the_order_and_remarked(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    world.jetti.import_sale(order, reference="9999")
    one = world.submit(order)
    world.pass_time()
    dry = world.run("--dry-run", "--against-jetti")

    ran = world.run()

    remark = "Jetti's reference of this order is 9999, found by its id"
    assert [remarks_of(run, one) for run in (dry, ran)] == [[remark], [remark]]
    assert (ran.code, len(world.in_jetti(one))) == (0, 1)
    assert_agreement(world)


def remarks_of(ran: Ran, return_id: str) -> list[str]:
    [change] = [c for c in ran.report["changes"] if c["return_id"] == return_id]
    return list(change["remarks"])


@pytest.mark.covers("F62", "R5")
def test_ids_and_names_that_are_crossed_are_for_a_person(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    world.jetti.import_sale(order, reference="9999")
    world.jetti.import_sale(order, externalId=None)
    one = world.submit(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), world.jetti.sale_returns()) == (3, "review", [])
    assert "1 (9999), with the order's id" in ran.reason(one)
    assert "2 (1001), with its name and without an order id" in ran.reason(one)


@pytest.mark.covers("F62", "R5")
def test_how_a_shop_spells_its_names_is_learnt_from_two_orders_and_remarked_no_more(
    world: World,
) -> None:
    world.go_live()
    codes, remarks = [], []
    for suffix in ("-EU", "-EU", "-EU", "-US"):
        order = world.order(("Acme", 1), arrives=False)
        world.jetti.import_sale(order)
        one = world.submit(replace(order, name=f"{order.name}{suffix}"))
        world.pass_time()
        ran = world.run()
        codes.append(ran.code)
        remarks.append(len(remarks_of(ran, one)))

    assert (codes, remarks) == ([0, 0, 0, 0], [1, 0, 0, 1])


@pytest.mark.covers("F61", "R5")
@pytest.mark.parametrize("dead", ["cancelled", "returned"])
def test_a_dead_sale_gives_way_to_the_one_that_was_imported_anew(world: World, dead: str) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    old, [item] = world.sale_id(order), world.item_ids(order)
    [gone] = world.jetti.raise_sale_return(old, {item: 1}, externalId="99")
    if dead == "cancelled":
        world.jetti.edit_item(world.jetti.items_of(gone)[0]["id"], quantity=0, quantityCancelled=1)
    new = world.jetti.import_sale(order)
    one = world.submit(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "pushed")})
    assert [row["saleId"] for row in world.jetti.sale_returns() if row["externalId"] == one] == [
        new
    ]


@pytest.mark.covers("F61")
def test_an_unanswered_create_s_sale_that_has_nothing_left_is_not_given_up_for_its_twin(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.pass_time()
    world.breaks("POST *", "applied_then_lost", nth=1)
    world.run()
    world.heals()
    # Staff fill in what they find, so that nothing is left, and the order comes in again.
    [made] = world.jetti.sale_returns()
    world.jetti.edit_item(world.jetti.items_of(made["id"])[0]["id"], quantity=1)
    world.jetti.import_sale(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one)) == (0, "synced")
    assert [row["id"] for row in world.jetti.sale_returns()] == [made["id"]]


def test_a_bundle_is_for_a_person(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), bundle=True))
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), world.jetti.sale_returns()) == (3, "review", [])


def test_a_line_that_jetti_lacks_is_waited_for_and_then_for_a_person(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    one = world.submit(order)
    line = world.seen(one).lines[0]
    world.loop.edit_line(one, line.id, order_line_id="123456")
    world.pass_time()
    waiting = world.run()
    world.pass_time(hours=25)

    ran = world.run()

    assert (waiting.code, waiting.outcomes) == (0, {one: ("create", "waiting")})
    assert (ran.code, world.state(one), world.jetti.sale_returns()) == (3, "review", [])


@pytest.mark.covers("F63")
def test_an_order_deleted_after_the_push_is_for_a_person(world: World) -> None:
    one, _ = in_jetti(world)
    world.jetti.delete_sale(world.sale_id(world.orders[0]))
    scanned(world, one)

    ran = world.run()

    assert (ran.code, world.state(one), world.jetti.sale_returns()) == (3, "review", [])
