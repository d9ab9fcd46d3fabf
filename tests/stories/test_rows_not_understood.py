"""Rows that make no sense for a while: as much is told as is safe, and nothing in silence."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from reconciler.sandbox.loop.model import LEFT_OUT
from tests.support.agreement import assert_agreement
from tests.support.world import World

UNREADABLE = {"provider_line_item_id": None}


def spoil(world: World, one: str, place: int = 1, **extra: Any) -> None:
    """One line of the return makes no sense any more; with nothing given, it does again."""
    world.loop.edit_line(one, world.seen(one).lines[place].id, extra=extra)
    world.pass_time()


@pytest.mark.covers("R9")
def test_a_line_that_makes_no_sense_for_a_while_is_not_taken_off(world: World) -> None:
    """Whole, in part, whole: Jetti is asked for nothing."""
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 2))
    world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    before = world.in_jetti(one)

    spoil(world, one, **UNREADABLE)
    odd = world.run()

    assert (odd.code, world.in_jetti(one), odd.jetti_requests) == (3, before, (0, 0))
    assert world.state(one) == "synced"
    spoil(world, one)
    again = world.run()
    assert (again.code, again.jetti_requests, again.report["counts"]["malformed"]) == (0, (0, 0), 0)
    assert_agreement(world)


@pytest.mark.covers("R9")
def test_a_return_that_makes_no_sense_in_part_is_told_in_part_and_then_wholly(
    world: World,
) -> None:
    """In part, whole."""
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    spoil(world, one, **UNREADABLE)

    odd = world.run()

    assert (odd.code, odd.outcomes) == (3, {one: ("create", "pushed")})
    assert [len(made["lines"]) for made in world.in_jetti(one)] == [1]
    world.pass_time()
    assert world.run().code == 3, "for as long as it is so"
    spoil(world, one)
    again = world.run()
    assert (again.code, len(world.in_jetti(one))) == (0, 2)
    assert_agreement(world)


def test_what_else_happens_meanwhile_is_told(world: World) -> None:
    """One of two units makes no sense; the parcel moves; a line comes to it; it is cancelled."""
    world.go_live()
    order = world.order(("Acme", 2), ("Bolt", 1))
    one = world.submit(order, 2, 0)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    spoil(world, one, 1, **UNREADABLE)
    world.loop.move_label(one, "in_transit")
    world.loop.add_line(one, order.lines[1])
    world.pass_time()

    assert world.run().code == 3

    acme, bolt = world.in_jetti(one)
    assert (acme["status"], list(acme["lines"].values())) == ("shipped", [2])
    assert list(bolt["lines"].values()) == [1]
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 3
    assert {made["status"] for made in world.in_jetti(one)} == {"cancelled"}


@pytest.mark.covers("R9")
def test_a_label_that_makes_no_sense_for_a_while_takes_no_tracking_away(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    first, second = (line.id for line in world.seen(one).lines)
    world.loop.label(one, line_ids=(first,), status="in_transit")
    world.loop.label(one, line_ids=(second,))
    world.pass_time()
    assert world.run().code == 0
    before = world.in_jetti(one)
    world.loop.edit_label(one, 0, extra={"tracking_number": {}})
    world.pass_time()

    assert (world.run().code, world.in_jetti(one)) == (3, before)

    world.loop.edit_label(one, 0, extra={})
    world.pass_time()
    assert (world.run().code, world.in_jetti(one)) == (0, before)
    assert_agreement(world)


@pytest.mark.covers("R9")
def test_what_expired_is_not_cancelled_while_a_label_makes_no_sense(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.loop.edit_label(one, extra={"status": []})
    world.loop.set_state(one, "expired")
    world.pass_time()

    assert world.run().code == 3

    assert [made["status"] for made in world.in_jetti(one)] == ["requested"]


@pytest.mark.covers("R9")
@pytest.mark.parametrize("name", [None, "", "N/A", LEFT_OUT])
def test_an_order_without_a_name_is_found_by_its_id(world: World, name: str | None) -> None:
    world.go_live()
    one, other = world.returned(), world.returned()
    for nameless in (one, other):
        world.loop.edit(nameless, extra={"order_name": name})
    world.pass_time()

    ran = world.run()

    assert (ran.code, len(world.in_jetti(one)), len(world.in_jetti(other))) == (0, 1, 1)
    asked = [a.query for a in world.sandbox.request_log.all() if "reference" in a.query]
    assert asked == [], "an empty name is none to look for"
    order_id = world.orders[0].order_id
    shown = world.call("show", order_id)
    assert f"Return {one} on order id {order_id}" in shown.stdout


def test_without_name_and_order_it_waits_for_the_id(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.loop.edit(one, extra={"order_name": None})
    world.pass_time()

    ran = world.run()

    order_id = world.orders[0].order_id
    assert ran.outcomes == {one: ("create", "waiting")}
    assert ran.reason(one) == f"order id {order_id} is not in Jetti yet"


# ------------------------------------------------------------------------------- what is told

PROBLEM = "line_items[1].provider_line_item_id: expected number or text, found null"


@pytest.mark.covers("R9")
def test_a_row_that_makes_no_sense_is_named_in_every_report_and_status_until_it_does(
    world: World,
) -> None:
    world.go_live()
    one, other = world.returned(), world.returned(("Acme", 1), ("Bolt", 1))
    world.loop.edit(one, extra={"state": 7})
    spoil(world, other, **UNREADABLE)

    ran = world.run()

    named = {row["return_id"]: row for row in ran.report["malformed"]}
    assert (ran.code, set(named)) == (3, {one, other})
    assert (named[one]["problem"], named[other]["problem"]) == (
        "state: expected text, found number",
        PROBLEM,
    )
    assert (named[one]["is_partial"], named[other]["is_partial"]) == (False, True)
    assert (named[one]["order_name"], named[other]["order_name"]) == ("#1001", "#1002")
    first_seen = named[one]["first_seen"]
    for _ in range(2):
        world.pass_time(hours=2)
        told = world.call("run")
        assert told.code == 3
        assert f"return {one} on #1001, not understood at all, since 2026-03-01" in told.stdout
        assert f"return {other} on #1002, understood in part" in told.stdout
    status = world.call("status")
    assert status.code == 3
    assert "2 Loop rows are not understood, at least in part: return" in status.stdout
    assert PROBLEM in status.stdout
    later = {row["return_id"]: row for row in world.run().report["malformed"]}
    assert later[one]["first_seen"] == first_seen

    world.loop.edit(one, extra={})
    spoil(world, other)
    again = world.run()
    assert (again.code, again.report["malformed"]) == (0, [])
    assert world.call("status").code == 0
    assert_agreement(world)


def test_a_wholly_odd_row_that_gets_better_in_part_is_told_as_such(world: World) -> None:
    """Not at all, in part, wholly; and back."""
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    told = []
    for whole, line in [
        ({"state": []}, UNREADABLE),
        ({}, UNREADABLE),
        ({}, {}),
        ({}, UNREADABLE),
        ({"state": []}, UNREADABLE),
        ({}, {}),
    ]:
        world.loop.edit(one, extra=whole)
        spoil(world, one, **line)
        told.append([row["is_partial"] for row in world.run().report["malformed"]])

    assert told == [[False], [True], [], [True], [False], []]
    assert_agreement(world)


@pytest.mark.covers("R9")
def test_show_says_what_was_not_understood_and_what_jetti_lacks(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    one = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    world.loop.edit(one, extra={"updated_at": "tomorrow"})
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 3

    shown = world.call("show", one)

    assert shown.code == 0
    assert "a newer version in Loop is not understood, since 2026-03-01 12:" in shown.stdout
    assert "updated_at: not a time" in shown.stdout
    assert "Jetti lacks whatever changed with it" in shown.stdout
    assert "Jetti still lacks nothing" in shown.stdout
    world.loop.edit(one, extra={})
    world.loop.set_state(one, "open")
    world.loop.add_line(one, order.lines[1])
    world.pass_time()
    world.breaks("GET *", "503")
    assert world.run().code == 5
    spoil(world, one, 0, **UNREADABLE)
    assert world.run().code == 5
    shown = world.call("show", "#1001")
    assert "a part of what Loop says is not understood" in shown.stdout
    assert f"quantity[{order.lines[1].order_line_id}]: - -> 1" in shown.stdout


@pytest.mark.covers("R9")
@pytest.mark.parametrize("name", ["{one}", "#1001", "1001"])
def test_show_knows_a_return_of_which_nothing_was_ever_understood(world: World, name: str) -> None:
    world.go_live()
    one = world.returned()
    world.loop.edit(one, extra={"created_at": None})
    world.pass_time()
    assert world.run().code == 3

    shown = world.call("show", name.format(one=one))

    assert shown.code == 0
    assert f"Return {one} on #1001, not understood at all, since 2026-03-01" in shown.stdout
    assert "created_at: expected text, found null" in shown.stdout
    assert "nothing of it was sent to Jetti" in shown.stdout


def test_a_row_that_was_asked_for_by_its_order_is_known_by_that_name(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.loop.edit(one, extra={"state": None})
    world.pass_time()
    name = world.orders[-1].name

    ran = world.run("--order", name)

    [row] = ran.report["malformed"]
    assert (ran.code, row["return_id"], row["order_name"]) == (3, one, name)
    assert one in world.call("show", name).stdout


def test_what_is_told_of_an_odd_row_holds_nothing_of_what_stands_there(world: World) -> None:
    world.go_live()
    one, other = world.returned(), world.returned()
    word = "Jane Doe, 1 Main Street"
    world.loop.edit(one, extra={"state": [word], "order_name": {word: word}, "type": word * 999})
    world.loop.edit_line(other, world.seen(other).lines[0].id, extra={"sku": [word], word: word})
    world.pass_time()

    said = [world.run().stdout, world.call("status").stdout, world.call("show", one).stdout]
    said += [world.call("show", other).stdout, world.call("run", "-vv").stderr]

    assert "Jane" not in "".join(said)
    assert b"Jane" not in (world.directory / "ledger.db").read_bytes()


@pytest.mark.covers("R9")
@pytest.mark.parametrize("told_before", [False, True])
def test_units_that_make_no_sense_for_a_while_send_a_split_line_to_nobody(
    world: World, told_before: bool
) -> None:
    """All three units of a line come back that is two sale items; one of them is not understood.

    Which two come back would be a person's to say, and no later row would ask the program again.
    """
    world.go_live()
    one = world.submit(world.order(("Acme", 3), parts=(("Acme", 2), ("Bolt", 1))), 3)
    world.pass_time()
    if told_before:
        assert world.run().code == 0
    before = world.in_jetti(one)

    spoil(world, one, **UNREADABLE)
    odd = world.run()

    assert (odd.code, world.in_jetti(one), odd.jetti_requests[1]) == (3, before, 0)
    assert world.state(one) != "review"
    spoil(world, one)
    world.pass_time(hours=1)
    assert world.run().code == 0
    made = [sale_return["id"] for sale_return in world.in_jetti(one)]
    held = [item["quantity"] for id_ in made for item in world.jetti.items_of(id_)]
    assert sorted(held) == [1, 2]


# ------------------------------------------------------------------------ rows without an id


def _nameless(world: World) -> str:
    """A return whose row lost its id, seen by a pass."""
    world.go_live()
    one = world.returned()
    world.loop.edit(one, extra={"id": None})
    world.pass_time()
    assert world.run().code == 3
    return one


@pytest.mark.covers("R9")
def test_a_row_without_an_id_is_kept_for_as_long_as_loop_lists_it(world: World) -> None:
    """Polls no longer read its time; only a window that covers it can tell that it is gone."""
    _nameless(world)
    world.pass_time(hours=3)

    codes = [world.run(*kind).code for kind in ((), ("--sweep", "120d"), ("--from", "7d"))]

    assert codes == [3, 3, 3]
    assert world.call("status").code == 3


@pytest.mark.covers("R9")
@pytest.mark.parametrize("kind", [("--sweep", "120d"), ("--from", "7d", "--by", "created")])
def test_a_row_without_an_id_is_over_once_its_time_is_read_without_it(
    world: World, kind: tuple[str, ...]
) -> None:
    one = _nameless(world)
    world.pass_time(hours=3)
    assert world.run().code == 3
    world.loop.edit(one, extra={})
    world.pass_time()
    polled = world.run()
    assert (polled.code, polled.outcomes) == (3, {one: ("create", "pushed")})

    read = world.run(*kind)

    assert (read.code, read.report["malformed"]) == (0, [])
    assert world.run().code == 0
    assert world.call("status").code == 0
    assert_agreement(world)


def test_no_command_is_named_for_a_row_that_nothing_names(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.loop.edit(one, extra={"id": None, "order_name": None})
    world.pass_time()

    for told in (world.call("run").stdout, world.call("status").stdout):
        assert "id: expected number or text, found null" in told
        assert "next " not in told


def test_the_command_for_a_row_without_an_id_can_be_typed_as_it_stands(world: World) -> None:
    """A shell takes what begins with `#` for a comment."""
    one = _nameless(world)
    name = world.seen(one).order_name

    for told in (world.call("run").stdout, world.call("status").stdout):
        [following] = [line for line in told.splitlines() if "next " in line]
        typed = shlex.split(following, comments=True)[1:]
        assert typed == ["reconciler", "show", name]
    shown = world.call(*typed[1:]).stdout
    assert shown.startswith("A row without its id, not understood at all")
    assert "--return" not in shown, "nobody can ask for it by its id"


# ------------------------------------------------------------- what is read by itself, by its name

UNREADABLE_ROWS = [{"state": 7}, {"created_at": None}, {"updated_at": "x"}, {"line_items": None}]


@pytest.mark.covers("R9")
@pytest.mark.parametrize("extra", UNREADABLE_ROWS)
@pytest.mark.parametrize("by", ["--return", "--order"])
def test_a_row_that_makes_no_sense_spoils_nothing_for_the_others_that_were_named(
    world: World, by: str, extra: dict[str, Any]
) -> None:
    world.go_live()
    bad, good = world.returned(), world.returned()
    world.loop.edit(bad, extra=extra)
    names = {"--return": lambda one: one, "--order": lambda one: world.seen(one).order_name}

    ran = world.run(by, names[by](bad), by, names[by](good))

    assert (ran.code, ran.outcomes) == (3, {good: ("create", "pushed")})
    assert [row["return_id"] for row in ran.report["malformed"]] == [bad]
    assert "not understood" in ran.report["run"]["message"]


@pytest.mark.covers("R9")
@pytest.mark.parametrize("extra", UNREADABLE_ROWS)
def test_a_row_that_makes_no_sense_spoils_no_sweep(world: World, extra: dict[str, Any]) -> None:
    """Both returns wait for their orders; of one the row turns odd, the other leaves Loop."""
    world.go_live()
    odd, gone = (world.submit(world.order(("Acme", 1), arrives=False)) for _ in range(2))
    world.pass_time()
    world.run()
    world.loop.edit(odd, extra=extra)
    world.loop.remove(gone)
    world.pass_time()
    world.sandbox.request_log.clear()

    swept = world.run("--sweep", "30d")

    asked = [one for one in world.sandbox.request_log.all() if "details" in one.path]
    assert [f"return_id={gone}" in one.query for one in asked] == [True], "the odd one is listed"
    assert (swept.code, swept.report["run"]["failures"]) == (3, [])
    assert [row["return_id"] for row in swept.report["malformed"]] == [odd]
    assert (world.state(odd), world.state(gone)) == ("waiting", "skipped")
    assert world.run("--sweep", "30d").report["run"]["failures"] == []


@pytest.mark.covers("R9")
def test_what_loop_fails_to_tell_of_one_return_spoils_no_sweep_for_the_others(
    world: World,
) -> None:
    """Details knows one of them, but no list shows it; the other is gone."""
    world.go_live()
    hidden, gone = (world.submit(world.order(("Acme", 1), arrives=False)) for _ in range(2))
    world.pass_time()
    world.run()
    world.loop.remove(gone)
    world.pass_time(hours=1)
    world.sandbox.loop.switches.visible_after = 30 * 24 * 3600

    swept = world.run("--sweep", "30d")

    assert (swept.code, world.state(hidden), world.state(gone)) == (4, "waiting", "skipped")
    assert f"details know return {hidden}" in swept.report["run"]["message"]


def test_each_return_that_loop_hides_is_told_whether_it_was_named_or_is_on_the_order(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    shown = world.submit(order, 1, 0)
    world.pass_time(days=2)
    hidden = [world.submit(order, 0, 1), world.returned()]
    world.sandbox.loop.switches.visible_after = 24 * 3600

    ran = world.run("--return", hidden[0], "--return", hidden[1], "--return", shown)
    by_order = world.run("--order", world.seen(shown).order_name)

    told = " ".join(failure["message"] for failure in ran.report["run"]["failures"])
    assert all(f"details know return {one}" in told for one in hidden)
    assert (ran.code, ran.outcomes[shown]) == (4, ("create", "pushed"))
    assert by_order.code in (0, 4)


def test_a_slip_of_details_is_none_of_the_return(world: World) -> None:
    """Asked again it makes sense, and nobody is told that the return does not."""
    world.go_live()
    one = world.returned()
    world.pass_time()
    body = f'{{"id":{one},"state":null,"created_at":"2026-03-01 12:00:00"}}'
    world.breaks("details", "raw", service="loop", nth=1, body=body)

    ran = world.run("--return", one)

    assert (ran.code, ran.outcomes, ran.report["malformed"]) == (
        0,
        {one: ("create", "pushed")},
        [],
    )


def test_a_command_that_names_several_returns_ends_with_4_for_the_one_that_loop_hides(
    world: World,
) -> None:
    world.go_live()
    shown = world.returned()
    world.pass_time(days=2)
    hidden = world.returned()
    world.sandbox.loop.switches.visible_after = 24 * 3600

    ran = world.run("--return", hidden, "--return", shown)

    assert (ran.code, ran.outcomes) == (4, {shown: ("create", "pushed")})
    assert f"details know return {hidden}" in ran.report["run"]["message"]


@pytest.mark.covers("R9")
@pytest.mark.parametrize(
    "extra", [{"order_name": {}}, {"provider_order_number": {}}, {"status_page_url": 7}]
)
def test_a_name_that_makes_no_sense_keeps_no_return_from_its_order(
    world: World, extra: dict[str, Any]
) -> None:
    world.go_live()
    one = world.returned()
    world.loop.edit(one, extra=extra)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (3, {one: ("create", "pushed")})
    [row] = ran.report["malformed"]
    assert (row["return_id"], row["is_partial"]) == (one, True)
    world.loop.edit(one, extra={})
    world.pass_time()
    assert (world.run().code, world.call("status").code) == (0, 0)
