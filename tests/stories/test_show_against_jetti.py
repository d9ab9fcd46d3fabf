"""`show --against-jetti` tells what Jetti holds, whose it is and what differs. The truth is what
the sandbox holds, and who did what in each story."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.cli import perform
from reconciler.clock import Clock
from reconciler.http import Endpoint, PerSecond, Service
from reconciler.ledger.opening import open_reader
from reconciler.runtime import Runtime
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.orders import SandboxOrder
from tests.stories.test_dry_runs import footprint, methods
from tests.stories.test_people_in_jetti import by_hand
from tests.support.world import Ran, World

TEXTS_OF_PEOPLE = {"notes", "trackingUrl"}
JETTI = "in Jetti now"


def looked_at(world: World, name: str, code: int = 0) -> dict[str, Any]:
    """The JSON of a look that leaves every byte of both sides as it was."""
    before = footprint(world.directory), world.jetti.to_json()
    world.sandbox.request_log.clear()
    ran = world.call("show", name, "--against-jetti", "--format", "json")
    assert ran.code == code, ran.stderr
    assert (footprint(world.directory), world.jetti.to_json()) == before
    assert methods(world) <= {"GET"}
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def live(world: World, one: str) -> dict[str, Any]:
    [detail] = looked_at(world, one)["returns"]
    found: dict[str, Any] = detail["live"]
    assert_true(world, found)
    return found


def assert_true(world: World, found: dict[str, Any]) -> None:
    """Whatever is shown of Jetti is what the sandbox holds, and nothing of the sales is missing."""
    rows = {row["id"]: row for row in world.jetti.sale_returns()}
    shown = {one["id"]: one for one in found["sale_returns"] if not one["is_deleted"]}
    sales = {sale["id"] for sale in found["sales"] if sale["is_order"]}
    assert {id_ for id_, row in rows.items() if row["saleId"] in sales} <= set(shown)
    for id_, one in shown.items():
        row = rows[id_]
        for name in ("reference", "status"):
            assert one[name] == row[name]
        assert_values(row, one["values"])
        items = {item["id"]: item for item in world.jetti.items_of(id_)}
        lines = {x["id"]: x["externalId"] for x in world.jetti.sale_items(row["saleId"])}
        assert {item["id"] for item in one["items"]} == set(items)
        for item in one["items"]:
            kept = items[item["id"]]
            assert item["quantity"] == kept["quantity"]
            assert item["order_line_id"] == lines[kept["saleItemId"]]
            assert_values(kept, item["values"])


def assert_values(row: dict[str, Any], values: list[dict[str, Any]]) -> None:
    for value in values:
        held = row[value["field"]]
        if value["is_withheld"]:
            assert value["live"] == f"a text of {len(held)} characters"
        elif "live" in value:
            assert (value["live"] or None) == (held or None)


def whose(found: dict[str, Any]) -> dict[int, tuple[str, str | None]]:
    return {one["id"]: (one["owner"], one["return_id"]) for one in found["sale_returns"]}


def values_of(found: dict[str, Any], sale_return: int) -> dict[str, dict[str, Any]]:
    """By field; those of items by `quantity[LINE]`."""
    [one] = [one for one in found["sale_returns"] if one["id"] == sale_return]
    named = {value["field"]: value for value in one["values"]}
    for item in one["items"]:
        line = item["order_line_id"]
        named |= {f"{value['field']}[{line}]": value for value in item["values"]}
    return named


def pushed(world: World, *lines: tuple[str | None, int]) -> tuple[str, SandboxOrder, list[int]]:
    """A return of one unit of each line, its order, and the ids of its sale returns."""
    world.trusted()
    order = world.order(*(lines or (("Acme", 3), ("Bolt", 2))))
    one = world.submit(order)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    return one, order, [row["id"] for row in world.in_jetti(one)]


# --------------------------------------------------------------------------------- whose values


def test_what_nobody_has_touched_is_ours_and_as_wanted(world: World) -> None:
    one, _, made = pushed(world)

    found = live(world, one)

    assert whose(found) == dict.fromkeys(made, ("this return's", one))
    for id_ in made:
        values = values_of(found, id_)
        assert {value["whose"] for value in values.values()} == {"ours"}
        assert not any(value["differs"] for value in values.values())
        assert values["externalId"]["wanted"] == one


EDITS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "status": ({"status": "received"}, "someone's", True),
    "trackingNumber": ({"trackingNumber": "MINE-1"}, "someone's", True),
    "notes": ({"notes": "Mrs Smith called, 555-0199"}, "someone's", True),
    "trackingUrl": ({"trackingUrl": "https://labels.example/?token=1"}, "someone's", True),
}


@pytest.mark.parametrize("field", EDITS)
def test_what_a_person_set_is_theirs_and_everything_else_ours(world: World, field: str) -> None:
    one, _, made = pushed(world)
    edit, owner, differs = EDITS[field]
    world.jetti.edit_sale_return(made[0], **edit)

    found = live(world, one)

    touched, rest = values_of(found, made[0]), values_of(found, made[1])
    value = touched.pop(field)
    assert (value["whose"], value["differs"]) == (owner, differs)
    assert value["last_pushed"] == value["wanted"] != value["live"]
    assert value["is_withheld"] is (field in TEXTS_OF_PEOPLE)
    assert {each["whose"] for each in (*touched.values(), *rest.values())} == {"ours"}


def test_what_people_wrote_in_words_stays_in_jetti(world: World) -> None:
    one, _, made = pushed(world)
    said = {"notes": "Mrs Smith called", "trackingUrl": "https://x/?mail=smith%40x.test"}
    world.jetti.edit_sale_return(made[0], externalId="smith@x.test", **said)

    told = [
        world.call("show", one, "--against-jetti", "--format", form).stdout
        for form in ("text", "json")
    ]

    assert all("smith" not in text.lower() for text in told)
    assert all("a text of 16 characters" in text for text in told)
    assert_true(world, live(world, one))


def test_a_quantity_that_a_person_set(world: World) -> None:
    one, order, made = pushed(world)
    [item] = world.jetti.items_of(made[0])
    world.jetti.edit_item(item["id"], quantity=3)

    found = live(world, one)

    line = order.lines[0].order_line_id
    value = values_of(found, made[0])[f"quantity[{line}]"]
    assert (value["whose"], value["live"], value["wanted"]) == ("someone's", 3, 1)
    [differing] = [x for x in found["sale_returns"] if x["id"] == made[0]]
    assert [line in sentence and "3" in sentence for sentence in differing["differences"]] == [True]


def test_what_is_wanted_by_now_differs_from_what_is_still_ours(world: World) -> None:
    """The parcel moves, the pass records it, and Jetti is out."""
    one, _, made = pushed(world)
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    world.breaks("*", "503")
    assert world.run().code == 5
    world.heals()

    found = live(world, one)

    for id_ in made:
        values = values_of(found, id_)
        status = values["status"]
        assert (status["whose"], status["live"], status["wanted"]) == (
            "ours", "requested", "shipped",
        )  # fmt: skip
        differing = {name for name, value in values.items() if value["differs"]}
        assert differing == {"status", "trackingStatus"}
    foreseen = found["foreseen"]
    assert (foreseen["outcome"], foreseen["change"]) == ("planned", "update")
    assert {field["field"].partition("[")[0] for field in foreseen["fields"]} == differing
    assert world.run().code == 0
    assert live(world, one)["foreseen"]["outcome"] == "nothing"


def with_reasons(world: World, code: str) -> None:
    settings = world.directory / "reconciler.toml"
    settings.write_text(f'[mapping.reasons]\n"Too small" = "{code}"\n')
    world.environ["RECONCILER_CONFIG"] = str(settings)


def reason_of(found: dict[str, Any]) -> dict[str, Any]:
    [row] = found["sale_returns"]
    [reason] = [
        value
        for item in row["items"]
        for value in item["values"]
        if value["field"] == "adjustmentReasonId"
    ]
    return dict(reason)


def test_a_reason_is_compared_by_its_id_in_jetti(world: World) -> None:
    with_reasons(world, "too_small")
    world.go_live()
    one = world.returned()
    [line] = world.seen(one).lines
    world.loop.edit_line(one, line.id, reason="Too small")
    world.pass_time()
    assert world.run().code == 0
    ids = {row["code"]: row["id"] for row in world.jetti.to_json()["adjustment_reasons"]}

    ours = reason_of(live(world, one))
    with_reasons(world, "damaged")
    world.pass_time()
    world.breaks("*", "503")
    world.run()
    world.heals()
    another = reason_of(live(world, one))
    with_reasons(world, "nonsense")
    world.breaks("PUT *", "503")
    world.breaks("POST *", "503")
    world.run()
    world.heals()
    unknown = live(world, one)

    assert (ours["live"], ours["wanted"], ours["differs"]) == (
        ids["too_small"], ids["too_small"], False,
    )  # fmt: skip
    assert (another["live"], another["wanted"], another["differs"]) == (
        ids["too_small"], ids["damaged"], True,
    )  # fmt: skip
    assert (reason_of(unknown)["wanted"], reason_of(unknown)["differs"]) == ("nonsense", True)
    assert unknown["foreseen"]["outcome"] == "failed"
    assert "nonsense" in unknown["foreseen"]["reason"]


# ------------------------------------------------------------------------- whose sale returns


def test_several_returns_of_one_order_are_told_apart(world: World) -> None:
    one, order, made = pushed(world)
    other = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    theirs = [row["id"] for row in world.in_jetti(other)]
    unmarked = by_hand(world, order, 1, 0)
    stranger = by_hand(world, order, 0, 1, externalId="999001")

    found = looked_at(world, order.name)

    shown = {detail["return_id"]: detail["live"] for detail in found["returns"]}
    assert set(shown) == {one, other}
    for this, ours in ((one, made), (other, theirs)):
        assert_true(world, shown[this])
        assert whose(shown[this]) == {
            **dict.fromkeys(made, ("another return's", one)),
            **dict.fromkeys(theirs, ("another return's", other)),
            **dict.fromkeys(ours, ("this return's", this)),
            **dict.fromkeys(unmarked, ("unmarked", None)),
            **dict.fromkeys(stranger, ("another return's", "999001")),
        }
    [why] = [x["why"] for x in shown[one]["sale_returns"] if x["id"] == stranger[0]]
    assert "does not know that return" in why


def unmark(world: World, made: list[int]) -> None:
    world.jetti.edit_sale_return(made[0], externalId=None)


def mark_as_another_s(world: World, made: list[int]) -> None:
    world.jetti.edit_sale_return(made[0], externalId="999001")


def delete(world: World, made: list[int]) -> None:
    world.jetti.delete_sale_return(made[0])


@pytest.mark.parametrize(
    ("deed", "said"),
    [(unmark, "its marker is gone"), (mark_as_another_s, "return 999001"), (delete, "any more")],
)
def test_what_is_ours_by_the_ledger_alone_is_told_so(
    world: World, deed: Callable[[World, list[int]], None], said: str
) -> None:
    one, _, made = pushed(world)
    deed(world, made)

    found = live(world, one)

    assert whose(found) == dict.fromkeys(made, ("this return's", one))
    [first] = [x for x in found["sale_returns"] if x["id"] == made[0]]
    assert said in first["why"]
    assert first["is_deleted"] is (deed is delete)


def test_a_review_shows_what_overlaps_and_what_would_settle_it(world: World) -> None:
    """Staff have raised two units by hand; the customer returns one."""
    world.trusted()
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    [overlapping] = by_hand(world, order, 2)
    world.pass_time()
    assert (world.run().code, world.state(one)) == (3, "review")

    found = live(world, one)

    line = order.lines[0].order_line_id
    assert whose(found) == {overlapping: ("unmarked", None)}
    [row] = found["sale_returns"]
    assert [(item["order_line_id"], item["quantity"]) for item in row["items"]] == [(line, 2)]
    assert any(f"holds 2 of order line {line}" in said for said in row["differences"])
    assert found["foreseen"]["outcome"] == "review"
    text = world.call("show", one, "--against-jetti").stdout
    assert f"holds 2 of order line {line}" in " ".join(text.split())
    assert f"reconciler resolve {one} --create" in text.split("what could settle it")[1]

    # Someone settles it in Jetti; the next look says so, whatever the ledger holds.
    world.jetti.edit_sale_return(overlapping, status="cancelled")
    after = live(world, one)
    assert (after["foreseen"]["outcome"], after["foreseen"]["change"]) == ("planned", "create")
    assert "cancelled" in after["sale_returns"][0]["differences"][-1]


def test_what_somebody_decided_is_not_ours_is_shown_as_that(world: World) -> None:
    world.trusted()
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    [overlapping] = by_hand(world, order, 2)
    world.pass_time()
    assert (world.run().code, world.state(one)) == (3, "review")

    decided = world.call("resolve", one, "--create", "--yes")
    assert decided.code == 0, decided.stderr

    found = live(world, one)
    assert whose(found) == {overlapping: ("not this return's", None)}
    assert (found["foreseen"]["outcome"], found["foreseen"]["change"]) == ("planned", "create")
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    assert whose(live(world, one)) == {
        overlapping: ("not this return's", None),
        made["id"]: ("this return's", one),
    }


def test_what_would_be_taken_over_is_told(world: World) -> None:
    world.trusted()
    order = world.order(("Acme", 3))
    one = world.submit(order, 2)
    world.pass_time(seconds=1)
    [made] = by_hand(world, order, 2)
    world.pass_time()
    world.breaks("*", "503")
    assert world.run().code == 5
    world.heals()

    [row] = live(world, one)["sale_returns"]

    assert (row["id"], row["owner"], row["differences"]) == (made, "unmarked", [])
    assert "take it over" in row["why"]
    assert world.run().code == 0
    assert whose(live(world, one)) == {made: ("this return's", one)}


def test_a_look_fits_a_terminal(world: World) -> None:
    one, order, _ = pushed(world)
    by_hand(world, order, 1, 0)

    for columns in (40, 80):
        shown = world.call("show", one, "--against-jetti", COLUMNS=str(columns)).stdout
        assert columns - 10 < max(map(len, shown.split("\n"))) <= columns


def test_two_sales_that_may_be_the_order_are_both_shown(world: World) -> None:
    world.trusted()
    order = world.order(("Acme", 2))
    world.jetti.import_sale(order)
    one = world.submit(order, 1)
    both = [sale["id"] for sale in world.jetti.sales() if sale["externalId"] == order.order_id]
    [second] = world.jetti.raise_sale_return(
        both[1], {x["id"]: 1 for x in world.jetti.sale_items(both[1])}
    )
    world.pass_time()
    world.run()
    assert world.state(one) == "review"

    found = live(world, one)

    assert [sale["id"] for sale in found["sales"]] == both
    assert not any(sale["is_order"] for sale in found["sales"])
    assert all(str(sale_id) in found["problem"] for sale_id in both)
    assert whose(found) == {second: ("unmarked", None)}
    assert {line["sale_id"] for line in found["lines"]} == set(both)


def test_an_order_that_is_not_there_yet(world: World) -> None:
    world.trusted()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    world.run()

    found = live(world, one)

    assert (found["sales"], found["sale_returns"], found["lines"]) == ([], [], [])
    assert "is not in Jetti" in found["problem"]
    assert found["foreseen"]["outcome"] == "waiting"


def test_a_look_before_the_account_is_known_does_not_pin_it(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.breaks("*", "503")
    assert world.run().code == 5
    world.heals()

    found = live(world, one)  # which leaves every byte of the ledger

    assert [sale["is_order"] for sale in found["sales"]] == [True]
    assert found["foreseen"]["change"] == "create"
    with open_reader(world.ledger, world.clock) as ledger:
        assert ledger.meta.read().account is None


# ------------------------------------------------------------------------------ a write in flight


@pytest.mark.parametrize("is_applied", [True, False])
def test_a_create_without_an_answer_is_no_verdict_before_it_has_settled(
    world: World, is_applied: bool
) -> None:
    world.trusted()
    one = world.submit(world.order(("Acme", 2)), 1)
    world.pass_time()
    kind = "applied_then_lost" if is_applied else "not_applied_then_lost"
    world.breaks("POST *", kind, nth=1)
    world.run()
    world.heals()
    assert world.state(one) == "unknown"
    [intent] = world.entry(one).intents

    early = live(world, one)

    assert early["foreseen"]["outcome"] == "deferred"
    assert f"{intent.settle_at:%H:%M:%S}" in early["foreseen"]["reason"]
    assert [row["owner"] for row in early["sale_returns"]] == ["unmarked"] * is_applied
    world.pass_time()
    late = live(world, one)
    assert late["foreseen"]["outcome"] == "planned"
    assert ["take it over" in row["why"] for row in late["sale_returns"]] == [True] * is_applied


def test_a_value_that_an_unanswered_write_set_is_no_person_s(world: World) -> None:
    one, _, made = pushed(world)
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    world.breaks("PUT /sale-returns/*", "applied_then_lost", nth=1)
    world.run()
    world.heals()
    [intent] = world.entry(one).intents

    found = live(world, one)

    assert intent.write.target_id in made
    values = values_of(found, intent.write.target_id)
    sent = {name.value for name in intent.write.fields}
    assert {n for n, v in values.items() if v["whose"] == "ours, unanswered"} == sent
    assert {values[name]["differs"] for name in sent} == {False}


# ------------------------------------------------------------------------ what cannot be read


def assert_ledger_is_shown(ran: Ran, one: str) -> None:
    assert ran.stdout.startswith(f"Return {one} on ")
    assert "wanted in Jetti" in ran.stdout
    assert "what happened" in ran.stdout
    assert "Jetti could not be read" in ran.stdout
    assert ran.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("fault", "code"),
    [("503", 5), ("401", 6), ("403", 6), ("applied_then_lost", 5), ("html_200", 5)],
)
def test_what_the_ledger_knows_is_shown_where_jetti_cannot_be_read(
    world: World, fault: str, code: int
) -> None:
    one, _, _ = pushed(world)
    world.sandbox.faults.add(Fault("jetti", fault))

    ran = world.call("show", one, "--against-jetti")

    assert ran.code == code
    assert_ledger_is_shown(ran, one)
    found = looked_at(world, one, code)
    assert (found["exit_code"], len(found["failures"])) == (code, 1)
    assert found["jetti_asked_at"] is not None


def test_another_account_is_not_looked_at(world: World) -> None:
    one, _, _ = pushed(world)
    world.sandbox.jetti.switches.company_id = 7

    ran = world.call("show", one, "--against-jetti")

    assert ran.code == 7
    assert_ledger_is_shown(ran, one)
    assert JETTI not in ran.stdout


def test_one_return_that_cannot_be_looked_up_hides_no_other(world: World) -> None:
    one, order, _ = pushed(world)
    other = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    world.breaks("GET /sale-returns.json", "400", last=2)

    ran = world.call("show", order.name, "--against-jetti", "--format", "json")

    found = json.loads(ran.stdout)
    failed = [detail for detail in found["returns"] if detail["live"]["failure"]]
    assert {detail["return_id"] for detail in found["returns"]} == {one, other}
    assert ran.code == (5 if failed else 0)
    assert len(found["failures"]) == bool(failed)


def test_without_the_key_nothing_is_begun(world: World) -> None:
    one, _, _ = pushed(world)
    del world.environ["JETTI_API_TOKEN"]

    asked, plain = world.call("show", one, "--against-jetti"), world.call("show", one)

    assert (asked.code, asked.stdout) == (2, "")
    assert "JETTI_API_TOKEN" in asked.stderr
    assert plain.code == 0


def test_it_is_said_when_jetti_was_not_asked(world: World) -> None:
    one, order, _ = pushed(world)
    world.sandbox.request_log.clear()

    for name in (one, order.name):
        ran = world.call("show", name)
        last = ran.stdout.split("\n\n")[-1]
        assert last.startswith("Jetti was not asked")
        quoted = name if name == one else f"'{name}'"
        assert f"\n  reconciler show {quoted} --against-jetti\n" in last
        asked = world.call("show", name, "--against-jetti")
        assert "not asked" not in asked.stdout
    assert json.loads(world.call("show", one, "--format", "json").stdout)["jetti_asked_at"] is None


def test_half_the_pace_and_nothing_but_gets(world: World) -> None:
    one, _, _ = pushed(world)
    used: list[Endpoint] = []

    def noting(endpoint: Endpoint, clock: Clock) -> Service:
        used.append(endpoint)
        return world.reach(endpoint, clock)

    environ = world.environ | {
        "RECONCILER_JETTI__READS_PER_SECOND": "8",
        "RECONCILER_JETTI__WRITES_PER_SECOND": "4",
    }
    runtime = Runtime(world.clock, environ, connect=noting)

    report = str(world.directory / "report")

    assert perform(["show", one, "--against-jetti", "--output", report], runtime) == 0

    [endpoint] = used
    assert (endpoint.name, endpoint.methods) == ("Jetti", frozenset({"GET"}))
    assert endpoint.pace == PerSecond(4, 2)


def test_a_return_that_loop_no_longer_has_is_shown_with_what_jetti_holds(world: World) -> None:
    one, _, made = pushed(world)
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    world.breaks("*", "503")
    world.run()
    world.heals()
    world.loop.remove(one)
    world.pass_time()
    world.breaks("*", "503")
    world.run("--sweep", "120d")
    world.heals()

    found = live(world, one)

    assert set(whose(found)) == set(made)
