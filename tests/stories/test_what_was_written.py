"""A report shows the fields that were written, and no other; what was left is told with the reason.

What was written is what arrived at Jetti: the bodies of the PUTs that it applied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from reconciler.sandbox.messages import Request
from tests.stories.between_requests import Asked, before_each_request
from tests.support.world import Ran, World

Field = tuple[str, Any]

AGAINST_JETTI = ("--dry-run", "--against-jetti")


class Arrivals:
    """The PUTs that arrive at Jetti from now on."""

    def __init__(self, world: World) -> None:
        self._jetti = world.jetti
        self._requests: list[Request] = []
        world.sandbox.on_write = self._requests.append

    @property
    def fields(self) -> list[Field]:
        """What each set, by the names that people know: the reference of a sale return, the order
        line of an item."""
        return sorted(field for sent in self._requests for field in self._of(sent))

    def _of(self, sent: Request) -> list[Field]:
        if sent.method != "PUT":
            return []
        collection, number = sent.path.removesuffix(".json").rsplit("/", 2)[-2:]
        place = self._place(collection, int(number))
        return [
            (f"{name}[{place}]", value) for name, value in msgspec.json.decode(sent.body).items()
        ]

    def _place(self, collection: str, number: int) -> str:
        rows = {row["id"]: row for row in self._jetti.sale_returns()}
        if collection == "sale-returns":
            return str(rows[number]["reference"])
        [(row, item)] = [
            (row, item)
            for row in rows.values()
            for item in self._jetti.items_of(row["id"])
            if item["id"] == number
        ]
        lines = {line["id"]: line["externalId"] for line in self._jetti.sale_items(row["saleId"])}
        return str(lines[item["saleItemId"]])


def told(ran: Ran, return_id: str) -> list[Field]:
    """What the report shows of it as written."""
    [change] = [one for one in ran.report["changes"] if one["return_id"] == return_id]
    return sorted((field["field"], field["after"]) for field in change["fields"])


def pushed(world: World, *lines: tuple[str | None, int]) -> tuple[str, list[dict[str, Any]]]:
    """A return with a label that Jetti knows, and its sale returns."""
    world.go_live()
    one = world.returned(*(lines or (("Acme", 1), ("Bolt", 1))))
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    return one, [row for row in world.jetti.sale_returns() if row["externalId"] == one]


# ------------------------------------------------------------------- after staff were at work


def received(world: World, made: list[dict[str, Any]]) -> None:
    world.jetti.edit_sale_return(made[1]["id"], status="received")


def received_both(world: World, made: list[dict[str, Any]]) -> None:
    for row in made:
        world.jetti.edit_sale_return(row["id"], status="received")


def cancelled(world: World, made: list[dict[str, Any]]) -> None:
    world.jetti.edit_sale_return(made[1]["id"], status="cancelled")


def cancelled_both(world: World, made: list[dict[str, Any]]) -> None:
    for row in made:
        world.jetti.edit_sale_return(row["id"], status="cancelled")


def annotated(world: World, made: list[dict[str, Any]]) -> None:
    world.jetti.edit_sale_return(made[1]["id"], trackingStatus="failure", notes="call on Monday")


def ahead(world: World, made: list[dict[str, Any]]) -> None:
    """Just what Loop is about to say."""
    world.jetti.edit_sale_return(made[1]["id"], status="shipped", trackingStatus="transit")


def nothing(world: World, made: list[dict[str, Any]]) -> None:
    pass


Staff = Callable[[World, list[dict[str, Any]]], None]

STAFF: list[tuple[Staff, tuple[str, ...]]] = [
    (received, ("status", "received", "shipped")),
    (received_both, ("status", "received", "shipped")),
    (cancelled, ("cancelled",)),
    (cancelled_both, ("cancelled",)),
    (annotated, ("trackingStatus",)),
    (ahead, ()),
    (nothing, ()),
]
"""What they did, and what the reason must name beside the sale returns."""


def scan(world: World, one: str) -> None:
    world.loop.move_label(one, "in_transit")


def another_label(world: World, one: str) -> None:
    world.loop.edit(one, labels=())
    world.loop.label(one, carrier="UPS", status="in_transit")


def one_unit_less(world: World, one: str) -> None:
    lines = world.seen(one).lines
    world.loop.edit(one, lines=lines[:1])
    world.loop.move_label(one, "in_transit")


def ended(world: World, one: str) -> None:
    world.loop.set_state(one, "cancelled")


NEWS = [scan, another_label, one_unit_less, ended]


@pytest.mark.covers("R21")
@pytest.mark.parametrize("news", NEWS)
@pytest.mark.parametrize("staff", [staff for staff, _ in STAFF])
def test_what_is_told_as_written_is_what_arrived(
    world: World, staff: Staff, news: Callable[[World, str], None]
) -> None:
    one, made = pushed(world)
    staff(world, made)
    news(world, one)
    world.pass_time()
    foreseen = world.run(*AGAINST_JETTI)
    arrived = Arrivals(world)

    ran = world.run()

    assert ran.code in (0, 3)
    assert told(ran, one) == arrived.fields
    assert told(foreseen, one) == told(ran, one)
    assert foreseen.reason(one) == ran.reason(one) or arrived.fields
    assert (
        ran.outcomes[one][1]
        == {
            (True, 0): "pushed",
            (False, 0): "skipped",
            (False, 3): "review",
        }[bool(arrived.fields), ran.code]
    )


@pytest.mark.covers("R21")
def test_of_a_return_that_is_skipped_nothing_is_told_that_was_written_for_another(
    world: World,
) -> None:
    one, _ = pushed(world)
    skipped = [world.returned(("Acme", 1)) for _ in range(2)]
    for other in skipped:
        world.loop.set_state(other, "cancelled")
    world.clock.wait(1)
    scan(world, one)
    world.pass_time()

    ran = world.run()

    assert [ran.outcomes[other][1] for other in (one, *skipped)] == ["pushed", "skipped", "skipped"]
    assert told(ran, one)
    assert [told(ran, other) for other in skipped] == [[], []]


@pytest.mark.covers("R21")
@pytest.mark.parametrize(("staff", "named"), STAFF)
def test_what_was_left_is_told_with_the_reason(
    world: World, staff: Staff, named: tuple[str, ...]
) -> None:
    """The references of the sale returns that hold something else than is wanted, and what."""
    one, made = pushed(world)
    staff(world, made)
    scan(world, one)
    world.pass_time()
    foreseen = world.run(*AGAINST_JETTI)

    ran = world.run()

    after = [row for row in world.jetti.sale_returns() if row["externalId"] == one]
    left = [
        row["reference"]
        for row in after
        if (row["status"], row["trackingStatus"]) != ("shipped", "transit")
    ]
    assert bool(left) == bool(named)
    for told_of in (ran, foreseen):
        assert all(word in told_of.reason(one) for word in (*left, *named))
        assert ("left" in told_of.reason(one)) == bool(left)


def test_a_status_that_would_go_back_is_told_as_left(world: World) -> None:
    one, made = pushed(world, ("Acme", 1))
    scan(world, one)
    world.pass_time()
    world.run()
    world.loop.edit(one, labels=())
    world.loop.label(one, carrier="UPS")
    world.pass_time()

    ran = world.run()

    assert f"status of {made[0]['reference']} is shipped, further than requested" in ran.reason(one)


def test_a_run_that_wrote_nothing_counts_no_update(world: World) -> None:
    one, made = pushed(world)
    cancelled_both(world, made)
    scan(world, one)
    world.pass_time()
    looked = world.call("run", *AGAINST_JETTI).stdout
    before = len(world.writes())

    text = world.call("run").stdout

    assert len(world.writes()) == before
    assert "would" not in looked.split("\n")[0]
    assert "updated" not in text
    assert all(f"{row['reference']} is cancelled" in text for row in made)
    assert world.state(one) == "synced"


# ------------------------------------------------------------------------ what does not exist yet


@pytest.mark.covers("R21")
def test_a_line_that_is_added_shows_its_sale_return_and_what_was_put_to_the_others(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    one = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    [old] = world.in_jetti(one)
    world.loop.add_line(one, order.lines[1])
    world.loop.label(one, status="in_transit")
    world.pass_time()
    arrived = Arrivals(world)

    ran = world.run()

    rows = {row["reference"]: row for row in world.jetti.sale_returns()}
    [new] = [name for name, row in rows.items() if row["id"] != old["id"]]
    shown = dict(told(ran, one))
    of_old = [field for field in arrived.fields if f"[{new}]" not in field[0]]
    assert set(of_old) <= set(shown.items())
    assert shown.items() >= {(f"quantity[{order.lines[1].order_line_id}]", 1)}
    of_new = {name: value for name, value in shown.items() if name.endswith(f"[{new}]")}
    assert of_new == {
        f"{name}[{new}]": rows[new][name]
        for name in (
            *("externalId", "saleReturnSource", "saleReturnType", "status", "trackingCompany"),
            *("trackingNumber", "trackingUrl", "trackingStatus", "notes"),
        )
        if rows[new][name] is not None
    }


@pytest.mark.covers("R21")
def test_of_what_was_created_all_is_told_that_jetti_holds_of_ours(world: World) -> None:
    """Two parcels, each with the goods of one vendor."""
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 2))
    one = world.submit(order, 1, 2)
    first, *others = [line.id for line in world.seen(one).lines]
    world.loop.label(one, line_ids=(first,), status="in_transit")
    world.loop.label(one, line_ids=tuple(others))
    world.pass_time()

    ran = world.run()

    shown = dict(told(ran, one))
    for row in world.jetti.sale_returns():
        for name in ("status", "trackingNumber", "trackingStatus", "notes", "externalId"):
            assert shown[f"{name}[{row['reference']}]"] == row[name]
    for line, units in zip(order.lines, (1, 2), strict=True):
        assert shown[f"quantity[{line.order_line_id}]"] == units
    text = world.call("run", "--from", "1d", "--dry-run").stdout
    assert "[3 units" not in text, "nothing is left to do"


def test_what_was_raised_by_hand_shows_only_what_was_put_to_it(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    one = world.submit(order, 2)
    world.pass_time()
    [item] = world.item_ids(order)
    [raised] = world.jetti.raise_sale_return(world.sale_id(order), {item: 2})
    foreseen = world.run(*AGAINST_JETTI)
    arrived = Arrivals(world)

    text = world.call("run").stdout

    [row] = world.jetti.sale_returns()
    assert row["id"] == raised
    assert told(foreseen, one) == arrived.fields
    lines = [line.strip() for line in text.split("\n") if "->" in line and "[" in line]
    assert sorted(line.partition(":")[0] for line in lines) == [name for name, _ in arrived.fields]
    assert "units" not in text, "none was created"


# --------------------------------------------------------------------------------- cut short


@pytest.mark.covers("R21")
@pytest.mark.parametrize("writes", range(1, 5))
def test_of_a_push_that_was_cut_short_all_is_told_that_was_written_until_then(
    world: World, writes: int
) -> None:
    """Two quantities become more, and a label moves: four PUTs."""
    world.go_live()
    order = world.order(("Acme", 2), ("Bolt", 2))
    one = world.submit(order, 1, 1)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    for line in order.lines:
        world.loop.add_line(one, line)
    scan(world, one)
    world.pass_time()
    arrived = Arrivals(world)
    world.clock.stop_after_writes = len(world.writes()) + writes

    ran = world.run()

    assert ran.code == (130 if writes < 4 else 0)
    assert len(arrived.fields) >= writes
    assert told(ran, one) == arrived.fields
    assert ran.outcomes[one] == ("update", "deferred" if ran.code else "pushed")


@pytest.mark.parametrize("fault", ["503", "422"])
def test_of_a_push_that_jetti_broke_off_all_is_told_that_was_written_until_then(
    world: World, fault: str
) -> None:
    one, _ = pushed(world, ("Acme", 3))
    world.loop.add_line(one, world.orders[0].lines[0])
    scan(world, one)
    world.pass_time()
    world.breaks("PUT /sale-returns/*", fault)
    arrived = Arrivals(world)

    ran = world.run()
    text_of = told(ran, one)

    assert ran.outcomes[one] == ("update", "failed")
    assert text_of == [field for field in arrived.fields if field[0].startswith("quantity[")]
    assert len(text_of) == 1


@pytest.mark.covers("R21")
def test_a_create_that_was_cut_short_is_told_as_far_as_it_went(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 3)), 2)
    world.loop.label(one)
    world.pass_time()
    world.clock.stop_after_writes = 2  # the create and the quantity

    ran = world.run()

    [row] = world.jetti.sale_returns()
    shown = dict(told(ran, one))
    assert (ran.code, ran.outcomes[one]) == (130, ("create", "deferred"))
    [item] = world.jetti.items_of(row["id"])
    assert shown[f"quantity[{world.orders[0].lines[0].order_line_id}]"] == item["quantity"] == 2
    assert shown[f"status[{row['reference']}]"] == row["status"]
    assert not any(name.startswith("tracking") for name in shown)
    world.clock.stop_after_writes = None
    arrived = Arrivals(world)
    assert told(world.run(), one) == arrived.fields


def test_what_was_read_back_is_told_once_it_is_certain(world: World) -> None:
    """The answer to a PUT is lost, although Jetti applied it."""
    one, made = pushed(world, ("Acme", 1))
    scan(world, one)
    world.pass_time()
    arrived = Arrivals(world)
    world.breaks("PUT *", "applied_then_lost", nth=1)

    lost = world.run()
    world.heals()
    world.pass_time()
    sent = len(world.writes())
    later = world.run()

    assert (lost.outcomes[one], told(lost, one)) == (("update", "failed"), [])
    assert (later.outcomes[one], len(world.writes())) == (("update", "pushed"), sent)
    assert told(later, one) == arrived.fields
    assert world.in_jetti(one)[0]["status"] == "shipped"
    assert made[0]["status"] == "requested"


# ------------------------------------------------------------------------------ more came back


def test_what_is_undone_of_a_create_that_returned_too_much_is_told(world: World) -> None:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    arrived = Arrivals(world)

    ran = world.run()

    undone = [
        (f"status[{row['reference']}]", "cancelled")
        for row in world.jetti.sale_returns()
        if row["status"] == "cancelled"
    ]
    assert (ran.code, ran.outcomes[one]) == (7, ("create", "review"))
    assert told(ran, one) == arrived.fields == undone


# ------------------------------------------------------------------------ what is not carried out


@pytest.mark.covers("R21")
def test_what_was_not_carried_out_shows_no_field_unless_it_waits_to_be_reviewed(
    world: World,
) -> None:
    one, _ = pushed(world)
    scan(world, one)
    world.pass_time()
    spent = world.run("--max-writes", "0")
    assert (spent.outcomes[one], told(spent, one)) == (("update", "deferred"), [])

    stopped = world.run(RECONCILER_GUARD__UPDATES="0", RECONCILER_GUARD__SHARE="0")

    assert (stopped.code, stopped.outcomes[one]) == (7, ("update", "deferred"))
    assert told(stopped, one), "whoever has to accept it sees what it comes to"


def test_an_edit_in_the_middle_of_a_push_is_no_write_of_ours(world: World) -> None:
    """A person sets the number just before the last PUT would; the snapshot has gone stale."""
    one, [made] = pushed(world, ("Acme", 3))
    world.loop.add_line(one, world.orders[0].lines[0])
    scan(world, one)
    world.pass_time()
    arrived = Arrivals(world)
    puts = 0

    def edit(asked: Asked) -> None:
        nonlocal puts
        puts += asked.method == "PUT"
        if puts == 1 and asked.method == "PUT":
            world.jetti.edit_sale_return(made["id"], trackingStatus="failure", status="received")
            world.clock.wait(600)

    before_each_request(world, edit)
    ran = world.run()

    assert told(ran, one) == arrived.fields
    [after] = world.in_jetti(one)
    assert (after["status"], after["tracking_status"]) == ("received", "failure")
