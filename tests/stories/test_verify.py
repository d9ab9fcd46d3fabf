"""Whether Loop, the ledger and Jetti agree: what `verify` lists, and what `--repair` settles.

What has to be listed is worked out from the two services as the story left them, never from what
the program says.
"""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler import failpoints
from reconciler.failpoints import Failpoint
from tests.stories.between_requests import Asked, before_each_request, once
from tests.stories.verifying import (
    OWNED,
    OWNED_OF_ITEM,
    RANK,
    busy,
    ledger_bytes,
    lose_from_ledger,
    lose_writes,
    snapshot,
    verify,
)
from tests.support.death import Death
from tests.support.world import World, a_world

# ------------------------------------------------------------------------------- in agreement


def test_after_passes_all_agree_and_nothing_is_touched(world: World) -> None:
    made = busy(world)
    before, sent = ledger_bytes(world), len(world.writes())

    found = verify(world)

    assert (found.code, found.kinds) == (0, [])
    assert found.counts["compared"] == found.counts["in_loop"] == len(made)
    assert ledger_bytes(world) == before
    assert len(world.writes()) == sent
    told = world.call("verify").stdout
    assert "Loop, the ledger and Jetti agree on 6 returns. [exit 0]" in told


@pytest.mark.parametrize("seed", [1, 2])
def test_after_weeks_of_a_shop_that_goes_on_there_is_no_difference(
    directory: Path, seed: int
) -> None:
    with a_world(directory, seed=seed, returns=60, days=40) as world:
        world.go_live("60d")
        assert world.run("--from", "60d", "--yes").code in (0, 3)
        for _ in range(12):
            world.pass_time(hours=16)
            assert world.run().code in (0, 3)

        found = verify(world)

        assert found.kinds == []
        assert found.counts["compared"] > 50
        assert found.code == (3 if found.report["undecided"] else 0)


def test_of_hundreds_of_returns_few_requests_are_needed(world: World) -> None:
    world.go_live()
    ids = [world.returned(("Acme", 1)) for _ in range(150)]
    world.pass_time()
    options = ("--accept-plan", world.run("--dry-run").report["run"]["digest"])
    assert world.run(*options).code == 0

    found = verify(world)

    assert found.counts["compared"] == len(ids)
    # Three batches, each: markers, items, sale returns of the sales; in lists as long as they fit.
    assert found.report["requests"]["jetti"]["get"] <= 24


@pytest.mark.parametrize("options", [(), ("--from", "2h"), ("--from", "7d", "--to", "1h")])
def test_only_what_was_created_in_the_range_is_compared(
    world: World, options: tuple[str, ...]
) -> None:
    made = busy(world)
    later = world.returned(("Acme", 1))
    world.pass_time(minutes=40)
    assert world.run().code == 0
    created = {one: world.seen(one).created_at for one in (*made, later)}
    spans = {(): (200, 0), ("--from", "2h"): (2, 0), ("--from", "7d", "--to", "1h"): (168, 1)}
    oldest, newest = (world.clock.now() - timedelta(hours=hours) for hours in spans[options])

    found = verify(world, *options)

    expected = sum(oldest <= at <= newest for at in created.values())
    assert (found.code, found.counts["in_loop"]) == (0, expected)
    assert expected > 0


DIALECTS: list[dict[str, Any]] = [
    {"where_ignored": True},
    {"in_refused": True},
    {"ignored_filters": ["externalId"]},
    {"ignored_filters": ["saleReturnId", "saleId"]},
    {"array_limit": 20, "longer_array": "empty"},
    {"greater_than_ignored": True, "max_limit": 10},
    {"limit_parameter": "refused", "default_limit": 2},
    {"company_id_form": "absent"},
]


@pytest.mark.parametrize("switches", DIALECTS, ids=lambda one: "-".join(one))
def test_however_jetti_understands_queries_the_same_is_found(
    world: World, switches: dict[str, Any]
) -> None:
    made = busy(world)
    [there] = world.in_jetti(made[0])
    world.jetti.edit_sale_return(there["id"], notes="theirs", status="requested")
    gone, *_ = world.in_jetti(made[1])
    world.jetti.delete_sale_return(gone["id"])
    lines = world.item_ids(world.orders[2])
    sale = world.sale_id(world.orders[2])
    world.jetti.raise_sale_return(sale, {lines[0]: 1}, externalId=made[2])
    for name, value in switches.items():
        assert hasattr(world.sandbox.jetti.switches, name)
        setattr(world.sandbox.jetti.switches, name, value)

    found = verify(world)

    assert found.code == 3
    assert found.kinds == [
        ("deleted", made[1]), ("double", made[2]), ("edited", made[0]), ("lost_write", made[0]),
    ]  # fmt: skip


def test_what_jetti_shows_late_is_in_work_and_no_difference(world: World) -> None:
    busy(world)
    new = world.returned(("Acme", 1))
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.jetti.switches.read_lag_seconds = 100.0

    early = verify(world)
    world.pass_time()
    later = verify(world)

    assert (early.code, early.kinds) == (0, [])
    assert [one["return_id"] for one in early.report["in_work"]] == [new]
    assert (later.code, later.report["in_work"]) == (0, [])


def test_without_the_lock_jetti_is_read_at_half_the_pace(world: World) -> None:
    busy(world)
    pace = {"RECONCILER_JETTI__READS_PER_SECOND": "2"}
    seconds = {}
    for options in ((), ("--repair",)):
        asked = len(world.sandbox.request_log.all())
        assert verify(world, *options, **pace).code == 0
        arrivals = [
            one for one in world.sandbox.request_log.all()[asked:] if one.service == "jetti"
        ]
        gaps = [(b.at - a.at).total_seconds() for a, b in itertools.pairwise(arrivals)]
        seconds[options] = min(gaps)

    assert seconds[()] >= 1.0
    assert 0.5 <= seconds["--repair",] < 1.0


# -------------------------------------------------------------------------- people in Jetti


def edits(world: World, rng: random.Random) -> Iterator[tuple[str, int, str, Any]]:
    """Some owned fields of some rows, each with a value that is there now in no row."""
    for (kind, number), row in snapshot(world).items():
        if kind == "return" and row["status"] == "cancelled":
            continue
        names = OWNED if kind == "return" else OWNED_OF_ITEM
        for name in names:
            if name in ("saleReturnSource", "saleReturnType", "adjustmentReasonId"):
                continue
            if rng.random() < 0.15:
                yield kind, number, name, edited_value(name, row, rng)


def edited_value(name: str, row: dict[str, Any], rng: random.Random) -> Any:
    if name == "status":
        return rng.choice([status for status in (*RANK, "cancelled") if status != row["status"]])
    if name == "quantity":
        return rng.choice([count for count in (0, 1, 2, 5) if count != row["quantity"]])
    if name == "trackingStatus":
        return rng.choice([one for one in ("failure", "returned", None) if one != row[name]])
    return rng.choice([None, f"theirs-{rng.randrange(1000)}"])


def values_written() -> dict[tuple[str, int, str], list[Any]]:
    """Every value that a PUT has set, by kind of row, its id and the field."""
    found: dict[tuple[str, int, str], list[Any]] = {}
    for kind, number, body in WRITTEN:
        for name, value in body.items():
            found.setdefault((kind, number, name), []).append(value)
    return found


WRITTEN: list[tuple[str, int, dict[str, Any]]] = []


@pytest.fixture
def written(world: World) -> Iterator[None]:
    """Notes what the program writes, as Jetti receives it."""
    WRITTEN.clear()

    def note(request: Any) -> None:
        parts = request.path.removesuffix(".json").split("/")
        if request.method == "PUT":
            kind = "item" if "items" in request.path else "return"
            WRITTEN.append((kind, int(parts[-1]), json.loads(request.body)))

    world.sandbox.on_write = note
    yield
    world.sandbox.on_write = None


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("seed", range(12))
def test_whatever_people_set_is_listed_field_by_field_with_whose_it_is(
    world: World, seed: int
) -> None:
    busy(world)
    before, history = snapshot(world), values_written()
    for kind, number, name, value in list(edits(world, random.Random(seed))):
        edit = world.jetti.edit_sale_return if kind == "return" else world.jetti.edit_item
        edit(number, **{name: value})
    lost, edited = expected_fields(world, before, history)

    found = verify(world)

    assert found.fields("lost_write") == lost
    assert found.fields("edited") == edited
    assert found.code == (3 if lost or edited else 0)
    assert {kind for kind, _ in found.kinds} <= {"lost_write", "edited"}


def expected_fields(
    world: World,
    before: dict[tuple[str, int], dict[str, Any]],
    history: dict[tuple[str, int, str], list[Any]],
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """What differs between Jetti as it was and as it is, as (return id, field), by whose it is."""
    lost: set[tuple[str, str]] = set()
    edited: set[tuple[str, str]] = set()
    lines = {
        item["id"]: item["externalId"]
        for sale in world.jetti.sales()
        for item in world.jetti.sale_items(sale["id"])
    }
    now = snapshot(world)
    for (kind, number), was in before.items():
        of = was["id"] if kind == "return" else was["saleReturnId"]
        return_id = before["return", of]["externalId"]
        is_over = now["return", of]["status"] == "cancelled"
        for name in OWNED if kind == "return" else OWNED_OF_ITEM:
            value, last = now[kind, number][name], was[name]
            if value == last or (is_over and (kind, name) != ("return", "status")):
                continue
            if name == "status" and value != "cancelled" and RANK.index(value) > RANK.index(last):
                continue
            ours = history.get((kind, number, name), [])
            if last is None and not ours:
                continue  # neither Loop nor a write of ours ever put anything there
            called = was["reference"] if kind == "return" else lines[was["saleItemId"]]
            stood = {None, *ours} | ({0} if name == "quantity" else set())
            stood |= {"draft", "requested"} if name == "status" else set()
            whose = lost if last in ours and value in stood else edited
            whose.add((return_id, f"{name}[{called}]"))
    return lost, edited


def test_what_a_pass_has_kept_as_someone_s_is_no_difference(world: World) -> None:
    one = busy(world)[3]
    [made] = world.in_jetti(one)
    world.jetti.edit_sale_return(made["id"], trackingNumber="MINE-1")
    assert verify(world).fields("edited") == {(one, "trackingNumber[1004-01]")}
    [label] = world.seen(one).labels
    world.loop.edit(one, labels=())
    world.loop.label(one, carrier="UPS", status="in_transit")
    world.pass_time()
    assert world.run().code == 0

    found = verify(world)

    assert label is not None
    assert (found.code, found.kinds, found.counts["kept"]) == (0, [], 1)


def test_what_people_wrote_in_words_stays_in_jetti(world: World) -> None:
    made = busy(world)
    [there] = world.in_jetti(made[0])
    words = "Mrs Canary of Elm Street will call"
    world.jetti.edit_sale_return(there["id"], notes=words, externalId="Mrs Canary")

    found, as_text = verify(world), world.call("verify").stdout

    assert found.fields("edited") >= {(made[0], "notes[1001-01]")}
    for text in (found.ran.stdout, as_text):
        assert "Canary" not in text
        assert f"a text of {len(words)} characters" in text


def test_nothing_that_it_prints_can_steer_a_terminal(world: World) -> None:
    made = busy(world)
    evil = "\x1b[2J\u202e#1\n"
    [there] = world.in_jetti(made[0])
    world.jetti.edit_sale_return(there["id"], trackingNumber=evil, trackingCompany=evil)
    lines, sale = world.item_ids(world.orders[2]), world.sale_id(world.orders[2])
    world.jetti.raise_sale_return(sale, {lines[0]: 1}, externalId=made[2], reference=evil)
    lose_from_ledger(world, made[3])
    world.loop.edit(made[3], order_name=evil, at=world.seen(made[3]).updated_at)

    ran = world.call("verify")
    as_json = verify(world).ran.stdout

    assert ran.code == 3
    for title in ("set by someone", "in Jetti twice"):
        assert title in ran.stdout
    for text in (ran.stdout, as_json):
        assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_a_vendor_who_moves_on_is_no_difference(world: World) -> None:
    made = busy(world)
    [first] = world.in_jetti(made[0])
    world.jetti.edit_sale_return(first["id"], status="received")

    found = verify(world)

    assert (found.code, found.counts["moved_on"]) == (0, 1)


def test_what_is_deleted_twice_there_or_marked_with_another_return_is_named(world: World) -> None:
    made = busy(world)
    gone, kept, *_ = world.in_jetti(made[1])
    world.jetti.delete_sale_return(gone["id"])
    lines = world.item_ids(world.orders[2])
    [second] = world.jetti.raise_sale_return(
        world.sale_id(world.orders[2]), {lines[0]: 1}, externalId=made[2]
    )
    lines = world.item_ids(world.orders[3])
    [stray] = world.jetti.raise_sale_return(
        world.sale_id(world.orders[3]), {lines[0]: 1}, externalId="90909"
    )

    found = verify(world)

    assert found.code == 3
    assert found.kinds == [
        ("deleted", made[1]), ("double", made[2]), ("unknown_marker", "90909"),
    ]  # fmt: skip
    assert [one["id"] for one in found.one("deleted")["sale_returns"]] == [gone["id"]]
    [first] = [one["id"] for one in world.in_jetti(made[2]) if one["id"] != second]
    assert {one["id"] for one in found.one("double")["sale_returns"]} == {first, second}
    assert [one["id"] for one in found.one("unknown_marker")["sale_returns"]] == [stray]
    assert kept["id"] != gone["id"]


@pytest.mark.parametrize("marker", ["another's", "90909"])
def test_an_overwritten_marker_neither_deletes_nor_doubles_anything(
    world: World, marker: str
) -> None:
    """Nor is its sale return proposed to be cancelled, by whatever finds it."""
    world.go_live()
    one, other = (world.returned(("Acme", 1)) for _ in range(2))
    world.pass_time()
    assert world.run().code == 0
    [ours] = world.in_jetti(one)
    written = other if marker == "another's" else marker
    world.jetti.edit_sale_return(ours["id"], externalId=written)
    world.pass_time()

    found = verify(world)

    kind = "double" if marker == "another's" else "unknown_marker"
    assert (found.code, sorted(found.kinds)) == (3, sorted([("edited", one), (kind, written)]))
    strange = found.one(kind)
    assert [row["id"] for row in strange["sale_returns"]] == [ours["id"]]
    assert strange["command"] is None
    assert f"return {one}'s" in strange["what"]
    assert strange["proposed"].startswith("set the marker")
    assert one in strange["proposed"]
    [field] = found.one("edited")["fields"]
    assert (field["pushed"], field["live"]) == (one, written)

    # A push of both together finds it, too.
    for moved in (one, other):
        world.loop.label(moved)
    world.pass_time()
    world.run()
    [after] = [row for row in world.jetti.sale_returns() if row["id"] == ours["id"]]
    assert after["trackingNumber"] == world.seen(one).labels[0].tracking_number
    assert world.state(one) == "synced"


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost write", "only by hand"])
def test_a_repair_is_named_only_where_it_would_settle_something(
    world: World, is_lost: bool
) -> None:
    made = busy(world)
    [stray] = world.jetti.raise_sale_return(
        world.sale_id(world.orders[3]), {world.item_ids(world.orders[3])[0]: 1}, externalId="90909"
    )
    if is_lost:
        lose_writes(world, made[:1])

    found = verify(world)
    page = world.call("verify", "--format", "markdown").stdout

    kinds = {kind for kind, _ in found.kinds}
    assert kinds == {"unknown_marker", *(["lost_write"] if is_lost else [])}
    repair = ["reconciler", "verify", "--repair"] if is_lost else []
    assert found.report["next"] == repair
    assert found.report["verify"]["repaired_by"] == (" ".join(repair) or None)
    assert ("verify --repair" in page) == is_lost
    assert world.call("verify", "--repair", "--format", "json").code == 3
    assert [one for one in world.jetti.sale_returns() if one["id"] == stray]


def test_a_double_that_someone_has_cancelled_is_settled(world: World) -> None:
    made = busy(world)
    lines = world.item_ids(world.orders[2])
    [second] = world.jetti.raise_sale_return(
        world.sale_id(world.orders[2]), {lines[0]: 1}, externalId=made[2]
    )
    assert verify(world).kinds == [("double", made[2])]
    world.jetti.edit_sale_return(second, status="cancelled")

    assert verify(world).code == 0


def test_a_return_of_which_the_ledger_knows_no_sale_return_is_taken_over_as_proposed(
    world: World,
) -> None:
    world.go_live("1h")
    order = world.order(("Acme", 1))
    old = world.submit(order, at=world.clock.now() - timedelta(days=3))
    world.returned(("Acme", 1))
    world.pass_time()
    assert world.run("--sweep", "120d").code == 0
    assert world.state(old) == "skipped"
    world.jetti.raise_sale_return(
        world.sale_id(order), {world.item_ids(order)[0]: 1}, externalId=old
    )

    found = verify(world)

    assert found.kinds == [("not_recorded", old)]
    command = found.one("not_recorded")["command"].split()
    assert world.call(*command[1:]).code == 0
    assert (verify(world).code, world.state(old)) == (0, "synced")


# --------------------------------------------------------------------- Loop and the ledger


def test_what_no_pass_has_read_is_listed_with_the_command_that_records_it(world: World) -> None:
    made = busy(world)
    lose_from_ledger(world, made[3])

    found = verify(world)

    assert found.kinds == [("not_in_ledger", made[3])]
    [there] = world.in_jetti(made[3])
    assert [one["id"] for one in found.one("not_in_ledger")["sale_returns"]] == [there["id"]]
    command = found.one("not_in_ledger")["command"].split()
    assert world.call(*command[1:]).code == 0
    assert verify(world).code == 0
    assert len(world.in_jetti(made[3])) == 1


def test_a_change_that_moved_no_time_is_found(world: World) -> None:
    made = busy(world)
    world.sandbox.loop.switches.label_changes_bump = False
    world.loop.move_label(made[3], "in_transit")
    world.pass_time()
    assert world.run().outcomes == {}

    found = verify(world)

    assert found.kinds == [("newer_in_loop", made[3])]
    assert "updated" in found.one("newer_in_loop")["proposed"]


def test_what_the_next_pass_reads_is_in_work(world: World) -> None:
    made = busy(world)
    world.loop.move_label(made[3], "in_transit")
    new = world.returned(("Acme", 1))
    world.pass_time()

    found = verify(world)

    assert (found.code, found.kinds) == (0, [])
    unread = {(one["return_id"], one["state"]) for one in found.report["in_work"]}
    assert unread == {(made[3], "unread"), (new, "unread")}


def test_what_loop_has_lost_is_listed_until_the_ledger_forgets_it(world: World) -> None:
    made = busy(world)
    world.loop.remove(made[2])

    found = verify(world)

    assert found.kinds == [("not_in_loop", made[2])]
    command = found.one("not_in_loop")["command"].split()
    assert world.call(*command[1:], "--yes").code == 0
    assert verify(world).code == 0


def test_a_forgotten_return_is_counted_and_not_named(world: World) -> None:
    made = busy(world)
    assert world.call("ledger", "forget", made[2], "--yes").code == 0

    found = verify(world)

    assert (found.code, found.counts["forgotten"]) == (0, 1)
    assert made[2] not in found.ran.stdout


def test_history_that_was_pruned_leaves_every_value_to_people(world: World) -> None:
    made = busy(world)
    [there] = world.in_jetti(made[0])
    world.jetti.edit_sale_return(there["id"], status="requested")
    assert verify(world).fields("lost_write") == {(made[0], "status[1001-01]")}
    world.pass_time(days=3)
    assert world.call("ledger", "prune", "--older-than", "1d").code == 0

    found = verify(world)

    assert found.fields("edited") == {(made[0], "status[1001-01]")}
    assert "deletes" in " ".join(found.report["verify"]["not_read"])


def test_what_lies_before_go_live_is_no_difference_unless_jetti_has_it(world: World) -> None:
    order = world.order(("Acme", 1))
    old = world.submit(order, at=world.clock.now() - timedelta(days=3))
    world.go_live("1h")
    world.pass_time()
    assert world.run().code == 0

    before = verify(world)
    world.jetti.raise_sale_return(
        world.sale_id(order), {world.item_ids(order)[0]: 1}, externalId=old
    )
    after = verify(world)

    assert (before.code, before.counts["before_go_live"]) == (0, 1)
    assert (after.code, after.kinds) == (3, [("unknown_marker", old)])


def test_held_cancelled_waiting_and_ignored_returns_are_no_differences(world: World) -> None:
    made = busy(world)
    held = world.returned(("Acme", 1), state="review")
    never = world.returned(("Acme", 1), state="cancelled")
    waits = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0

    found = verify(world)

    assert (found.code, found.kinds) == (0, [])
    assert [one["return_id"] for one in found.report["in_work"]] == [waits]
    assert found.counts["in_loop"] == len(made) + 3
    assert (world.state(held), world.state(never)) == ("skipped", "skipped")


def test_a_return_in_review_ends_it_with_3(world: World) -> None:
    made = busy(world)
    [there] = world.in_jetti(made[3])
    world.jetti.delete_sale_return(there["id"])
    world.loop.move_label(made[3], "in_transit")
    world.pass_time()
    assert world.run().code == 3

    found = verify(world)

    assert found.code == 3
    assert [one["return_id"] for one in found.report["undecided"]] == [made[3]]
    assert found.kinds == [("deleted", made[3])]
    repaired = verify(world, "--repair")
    assert (repaired.code, world.state(made[3])) == (3, "review")


@pytest.mark.parametrize("extra", [{"state": 7}, {"order_name": {}}])
def test_a_row_that_is_not_understood_is_no_agreement(world: World, extra: dict[str, Any]) -> None:
    made = busy(world)
    world.loop.edit(made[3], extra=extra)

    found = verify(world)
    world.loop.edit(made[3], extra={})

    assert (found.code, found.kinds, found.counts["malformed"]) == (3, [], 1)
    [named] = found.report["undecided"]
    assert (named["return_id"], named["state"]) == (made[3], "malformed")
    assert named["reason"]
    assert verify(world).code == 0


def test_a_row_that_someone_ignores_is_no_longer_counted(world: World) -> None:
    made = busy(world)
    world.loop.edit(made[3], extra={"state": 7})
    world.pass_time()
    assert world.run().code == 3
    assert verify(world).code == 3
    assert world.call("ignore", made[3], "--reason", "a test of theirs", "--yes").code == 0

    found = verify(world)

    assert (found.code, found.counts["malformed"]) == (0, 0)


# ------------------------------------------------------------------- while others are at work


def test_a_pass_in_the_middle_of_it_makes_no_difference(world: World) -> None:
    made = busy(world)
    world.pass_time(hours=1)
    moves = iter(["in_transit", "out_for_delivery", "delivered"] * 20)
    # Or what was just written would be in work anyway.
    world.environ["RECONCILER_JETTI__SETTLE"] = "0s"
    connect = world.connect
    asked = 0
    number = 0
    while True:
        world.loop.move_label(made[3], next(moves))
        new = world.returned(("Acme", 1))
        world.pass_time()

        def a_pass_runs() -> None:
            world.connect = connect
            # One that was up to date when Loop was read.
            world.loop.number_label(made[1])
            world.pass_time()
            assert world.run().code == 0

        count = 0

        def is_it(_asked: Asked) -> bool:
            nonlocal count
            count += 1
            return count == number + 1  # noqa: B023

        struck = once(world, is_it, a_pass_runs)
        found = verify(world)
        world.connect = connect
        if not struck:
            break
        asked += 1
        assert (found.code, found.kinds) == (0, []), f"before request {number}: {new}"
        number += 1
    assert asked > 20


def test_what_someone_sets_in_the_middle_of_it_is_listed_or_not_but_never_taken_for_ours(
    world: World,
) -> None:
    made = busy(world)
    [there] = world.in_jetti(made[0])
    connect = world.connect
    seen: Counter[tuple[tuple[str, str], ...]] = Counter()
    for number in range(4):
        world.jetti.edit_sale_return(there["id"], trackingNumber=there["tracking"])
        count = 0

        def is_it(asked: Asked) -> bool:
            nonlocal count
            count += asked.service == "jetti"
            return count == number + 1  # noqa: B023

        once(
            world,
            is_it,
            lambda: world.jetti.edit_sale_return(there["id"], trackingNumber="MINE"),
        )
        seen[tuple(verify(world).kinds)] += 1
        world.connect = connect

    assert set(seen) == {(), (("edited", made[0]),)}


def test_a_return_that_changes_after_loop_was_read_is_left_to_the_next_pass(world: World) -> None:
    made = busy(world)
    connect = world.connect
    once(
        world,
        lambda asked: asked.service == "jetti",
        lambda: world.loop.move_label(made[3], "in_transit"),
    )

    found = verify(world)
    world.connect = connect

    assert (found.code, found.kinds) == (0, [])


# ----------------------------------------------------------------------------------- repair


def test_what_is_lost_or_unread_is_settled_and_the_rest_left(world: World) -> None:
    made = busy(world)
    before = snapshot(world)
    lose_writes(world, made[:1])
    [mine] = world.in_jetti(made[2])
    world.jetti.edit_sale_return(mine["id"], notes="Please call me")
    lose_from_ledger(world, made[3])

    found = verify(world, "--repair")

    assert found.code == 3, "what someone set stays a difference"
    repaired = {one["kind"]: one["repaired"] for one in found.report["differences"]}
    assert repaired == {"lost_write": True, "not_in_ledger": True, "edited": False}
    expected = {place: dict(row) for place, row in before.items()}
    expected["return", mine["id"]]["notes"] = "Please call me"
    now = snapshot(world)
    assert now.keys() == expected.keys()
    for place, row in expected.items():
        names = OWNED if place[0] == "return" else OWNED_OF_ITEM
        assert {n: now[place][n] for n in names} == {n: row[n] for n in names}
    again = verify(world)
    assert again.kinds == [("edited", made[2])]
    history = json.loads(world.call("history", "--format", "json").stdout)
    assert history["runs"][0]["kind"] == "verify"


def test_in_agreement_nothing_is_written(world: World) -> None:
    busy(world)
    sent = len(world.writes())

    found = verify(world, "--repair")

    assert (found.code, len(world.writes())) == (0, sent)


def test_what_someone_sets_before_the_repair_is_pushed_stays(world: World) -> None:
    made = busy(world)
    lose_writes(world, made[:1])
    [there] = world.in_jetti(made[0])
    connect = world.connect
    before_each_request(world, _edit_after_the_comparison(world, there["id"]))

    found = verify(world, "--repair")
    world.connect = connect

    [after] = world.in_jetti(made[0])
    assert (after["tracking_status"], after["status"]) == ("failure", "shipped")
    assert found.report["repair"]["run"]["exit_code"] == 0


def _edit_after_the_comparison(world: World, number: int) -> Callable[[Asked], None]:
    """Someone sets a value when the pass of the repair reads Loop."""
    was_at_jetti = is_done = False

    def happens(asked: Asked) -> None:
        nonlocal was_at_jetti, is_done
        was_at_jetti |= asked.service == "jetti"
        if was_at_jetti and asked.service == "loop" and not is_done:
            is_done = True
            world.jetti.edit_sale_return(number, trackingStatus="failure")

    return happens


def test_a_repair_is_guarded_like_a_sweep(world: World) -> None:
    world.go_live()
    ids = [world.returned(("Acme", 1)) for _ in range(30)]
    for one in ids:
        world.loop.label(one)
    world.pass_time()
    digest = world.run("--dry-run").report["run"]["digest"]
    assert world.run("--accept-plan", digest).code == 0
    for one in ids:
        world.loop.move_label(one, "in_transit")
    world.pass_time()
    digest = world.run("--dry-run").report["run"]["digest"]
    assert world.run("--accept-plan", digest).code == 0
    world.pass_time(hours=1)
    lose_writes(world, ids)
    sent = len(world.writes())
    # What was accepted once would pass: this is about wants that nobody has reviewed.
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE entries SET accepted_fingerprint = NULL")

    stopped = verify(world, "--repair")

    assert (stopped.code, len(world.writes())) == (7, sent)
    assert world.call("status").code == 3
    # What is stopped has changed in Loop meanwhile, so the stop of the repair is over.
    one = ids[0]
    world.loop.move_label(one, "delivered")
    world.pass_time()
    assert world.run().code == 7
    before = stopped.report["repair"]["run"]["digest"]
    digest = world.run("--dry-run").report["run"]["digest"]
    assert digest != before
    assert world.run("--accept-plan", digest).code == 0
    assert (world.call("status").code, verify(world).code) == (0, 0)


def test_a_lost_write_of_a_return_in_review_is_left_to_whoever_decides(world: World) -> None:
    made = busy(world)
    gone, there, *_ = world.in_jetti(made[1])
    world.jetti.delete_sale_return(gone["id"])
    world.loop.move_label(made[1], "delivered")
    world.pass_time()
    assert world.run().code == 3
    world.jetti.edit_sale_return(there["id"], status="requested")

    found = verify(world, "--repair")

    lost = found.one("lost_write")
    assert (lost["return_id"], lost["repaired"], lost["command"]) == (made[1], False, None)
    assert (world.state(made[1]), found.code) == ("review", 3)


def test_a_stopped_repair_is_over_once_someone_has_decided_about_all_of_it(world: World) -> None:
    made = busy(world)
    lose_writes(world, made[:1])
    none = {"RECONCILER_GUARD__UPDATES": "0", "RECONCILER_GUARD__SHARE": "0"}
    assert verify(world, "--repair", **none).code == 7
    stopped = world.call("status").code
    ignored = world.call("ignore", made[0], "--reason", "by hand", "--yes").code

    assert (stopped, ignored) == (3, 0)
    assert world.call("status").code == 0


@pytest.mark.parametrize("point", [Failpoint.PENDING_COMMITTED, Failpoint.PLAN_MADE])
def test_a_repair_that_dies_is_finished_by_the_next_pass(world: World, point: Failpoint) -> None:
    made = busy(world)
    lose_writes(world, made[:1])

    def dies(hit: Failpoint) -> None:
        if hit is point:
            raise Death

    with pytest.raises(Death), failpoints.watched(dies):
        verify(world, "--repair")
    assert world.state(made[0]) == "pending"
    assert world.run().code == 0
    [after] = world.in_jetti(made[0])
    assert (after["status"], after["tracking_status"]) == ("shipped", "transit")
    assert verify(world).code == 0


def test_a_repair_pushes_nothing_but_what_it_has_read(world: World) -> None:
    busy(world)
    new = world.returned(("Acme", 1))
    world.pass_time()
    assert world.run("--max-writes", "0").code == 0
    assert world.state(new) == "pending"
    older = (world.clock.now() - timedelta(hours=1)).isoformat()

    found = verify(world, "--from", "7d", "--to", older, "--repair")

    assert (found.code, world.in_jetti(new)) == (0, [])


# ----------------------------------------------------------------------------- what goes wrong


def test_a_listing_without_anything_known_is_not_believed(world: World) -> None:
    made = busy(world)
    for one in made:
        world.loop.remove(one)

    found = verify(world)

    assert (found.code, found.kinds) == (4, [])
    assert "implausible" in found.report["verify"]["message"]


def test_loop_failing_still_shows_what_jetti_has_otherwise(world: World) -> None:
    made = busy(world)
    lose_writes(world, made[:1])
    world.breaks("*", "503", service="loop")

    found = verify(world)

    assert found.code == 4
    assert ("lost_write", made[0]) in found.kinds
    assert not {"not_in_loop", "unknown_marker"} & {kind for kind, _ in found.kinds}


def test_jetti_failing_names_how_much_was_not_compared(world: World) -> None:
    made = busy(world)
    lose_from_ledger(world, made[3])
    world.breaks("*", "503")

    found = verify(world)

    assert (found.code, found.kinds) == (5, [("not_in_ledger", made[3])])
    assert f"{len(made) - 1} of {len(made) - 1} returns" in " ".join(
        found.report["verify"]["not_read"]
    )


def test_another_account_or_shop_stops_it(world: World) -> None:
    busy(world)
    world.sandbox.jetti.switches.company_id = 42
    other_account = world.call("verify")
    world.sandbox.jetti.switches.company_id = 41
    world.loop.shop = "another"
    other_shop = world.call("verify")

    assert (other_account.code, other_shop.code) == (7, 7)
    assert "account" in other_account.stderr
    assert "shop" in other_shop.stderr
