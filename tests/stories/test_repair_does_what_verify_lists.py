"""Whatever the world is like: `verify --repair` touches what `verify` has listed, and nothing else.

Both worlds are compared whole, before and after: each return's rows in the ledger, and each sale
return in Jetti with its items.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler import failpoints
from reconciler.failpoints import Failpoint
from tests.stories.between_requests import Asked, before_each_request, once
from tests.stories.verifying import (
    Verified,
    lose_from_ledger,
    lose_writes,
    snapshot,
    verify,
)
from tests.support.death import Death
from tests.support.world import World, a_world

NO_GUARD = {"RECONCILER_GUARD__CREATES": "1000", "RECONCILER_GUARD__UPDATES": "1000"}
SETTLED_BY_REPAIR = {"not_in_ledger", "newer_in_loop", "lost_write"}


def in_ledger(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that the ledger has of a return, by its id."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger:
        for table in ("entries", "sale_returns", "intents", "malformed"):
            columns = [row[1] for row in ledger.execute(f"PRAGMA table_info({table})")]
            at = columns.index("return_id")
            for row in ledger.execute(f"SELECT * FROM {table} ORDER BY 1"):
                found.setdefault(row[at], []).append((table, *row))
    return found


def changed(before: dict[Any, Any], after: dict[Any, Any]) -> set[Any]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def named(found: Verified) -> tuple[set[str], set[int]]:
    """The returns of the differences, and the sale returns that these name."""
    differences = found.report["differences"]
    rows = {row["id"] for one in differences for row in one["sale_returns"]}
    return {one["return_id"] for one in differences}, rows


def sale_returns(world: World) -> dict[int, Any]:
    """Each sale return with its items."""
    rows = snapshot(world)
    return {
        number: (row, world.jetti.items_of(number))
        for (kind, number), row in rows.items()
        if kind == "return"
    }


def old(world: World, **more: Any) -> tuple[str, Any]:
    """A return from before go-live, and its order."""
    order = world.order(("Acme", 2))
    at = world.clock.now() - timedelta(days=3)
    return world.submit(order, 2, at=at, **more), order


def raise_for(world: World, order: Any, quantity: int, **attributes: Any) -> None:
    world.jetti.raise_sale_return(
        world.sale_id(order), {world.item_ids(order)[0]: quantity}, **attributes
    )


def a_world_gone_wrong(world: World, rng: random.Random) -> None:
    """Returns of every kind, some of each as the three do not agree about."""
    orders = {}
    before_go_live = [old(world) for _ in range(rng.randint(0, 4))]
    world.go_live("1d")
    for _ in range(rng.randint(4, 9)):
        lines = [(rng.choice(["Acme", "Bolt", None]), 2) for _ in range(rng.randint(1, 2))]
        order = world.order(*lines, arrives=rng.random() < 0.9)
        one = world.submit(order, *(rng.randint(1, 2) for _ in lines))
        orders[one] = order
        if rng.random() < 0.7:
            world.loop.label(one)
    ids = list(orders)
    world.pass_time()
    world.run(**NO_GUARD)
    for one in ids:
        if world.seen(one).labels and rng.random() < 0.7:
            world.loop.move_label(one, "in_transit")
    world.pass_time()
    world.run(**NO_GUARD)
    if rng.random() < 0.3:
        world.run("--sweep", "120d", **NO_GUARD)
    world.pass_time(hours=1)
    world.run(**NO_GUARD)

    for one, order in before_go_live:
        match rng.randrange(4):
            case 0:
                raise_for(world, order, 2, externalId=one)
            case 1 | 2:
                raise_for(world, order, 2)
            case _:
                pass
    for one in rng.sample(ids, len(ids) // 2 + 1):
        misfortune(world, rng, one, orders[one])
    if rng.random() < 0.5:
        world.returned(("Acme", 1))
        world.loop.touch(rng.choice([row.id for row in world.loop.returns()]))


def misfortune(world: World, rng: random.Random, one: str, order: Any) -> None:
    """Something that the three do not agree about, or that only looks like that."""

    def forgotten_by_jetti() -> None:
        for there in world.in_jetti(one):
            world.jetti.delete_sale_return(there["id"])

    def raised_by_hand_instead() -> None:
        lose_from_ledger(world, one)
        forgotten_by_jetti()
        first = order.lines[0].order_line_id
        units = sum(line.order_line_id == first for line in world.seen(one).lines)
        raise_for(world, order, units)

    def changes_silently() -> None:
        world.sandbox.loop.switches.label_changes_bump = False
        world.loop.label(one, status="delivered")
        world.sandbox.loop.switches.label_changes_bump = True

    def is_edited() -> None:
        for there in world.in_jetti(one)[:1]:
            world.jetti.edit_sale_return(there["id"], trackingNumber="MINE")

    def is_double() -> None:
        raise_for(world, order, 1, externalId=one)

    choices: list[Callable[[], object]] = [
        lambda: lose_from_ledger(world, one),
        lambda: lose_writes(world, [one]),
        changes_silently,
        is_edited,
        forgotten_by_jetti,
        lambda: world.loop.remove(one),
        lambda: world.loop.edit(one, extra={"state": 7}),
        lambda: world.loop.touch(one),
    ]
    if order.order_id in {sale["externalId"] for sale in world.jetti.sales()}:
        choices += [is_double, raised_by_hand_instead]
        choices += [lambda: (lose_from_ledger(world, one), forgotten_by_jetti())]
    rng.choice(choices)()


@pytest.mark.parametrize("seed", range(14))
def test_whatever_is_wrong_a_repair_touches_what_was_listed(directory: Path, seed: int) -> None:
    rng = random.Random(seed)
    with a_world(directory, seed=seed) as world:
        a_world_gone_wrong(world, rng)
        # Settings that changed since concern every return; a repair is about the listed ones.
        environ = NO_GUARD | (
            {"RECONCILER_MAPPING__STATUS__OPEN__DELIVERED": "received"}
            if rng.random() < 0.2
            else {}
        )
        listed = verify(world, **environ)
        ledger, jetti = in_ledger(world), sale_returns(world)

        done = verify(world, "--repair", **environ)

        assert done.kinds == listed.kinds
        returns, rows = named(listed)
        assert changed(ledger, in_ledger(world)) <= returns
        touched = changed(jetti, sale_returns(world))
        assert touched & jetti.keys() <= rows
        made = {row["externalId"] for row, _ in (sale_returns(world)[n] for n in touched)}
        assert made <= returns
        settled = {
            (one["kind"], one["return_id"]) for one in done.report["differences"] if one["repaired"]
        }
        assert {kind for kind, _ in settled} <= SETTLED_BY_REPAIR
        assert not settled & {*verify(world, **environ).kinds}


def test_what_is_from_before_go_live_and_was_never_recorded_stays_so(world: World) -> None:
    # Changed since, and missed: what is repaired lies on both sides of the others.
    missed = world.submit(world.order(("Acme", 2)), at=world.clock.now() - timedelta(days=4))
    marked, order = old(world)
    raise_for(world, order, 2, externalId=marked)
    _, order = old(world)
    raise_for(world, order, 2)
    old(world)
    world.go_live("1d")
    world.loop.touch(missed)
    [one] = busy_ones(world, 1)
    lose_from_ledger(world, missed)
    lose_from_ledger(world, one)
    before = sale_returns(world)

    done = verify(world, "--repair")

    assert done.kinds == [
        ("not_in_ledger", missed), ("not_in_ledger", one), ("unknown_marker", marked),
    ]  # fmt: skip
    assert done.counts["before_go_live"] == 3
    assert in_ledger(world).keys() == {missed, one}
    assert sale_returns(world) == before
    assert done.code == 3


def busy_ones(world: World, count: int) -> list[str]:
    """Returns that were pushed, and that lie behind the overlap of the next pass."""
    ids = [world.returned(("Acme", 2)) for _ in range(count)]
    world.pass_time()
    assert world.run(**NO_GUARD).code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0
    return ids


def test_a_sale_return_that_nobody_has_marked_is_named_before_it_is_taken_over(
    world: World,
) -> None:
    world.go_live()
    [one] = busy_ones(world, 1)
    lose_from_ledger(world, one)
    [there] = world.in_jetti(one)
    world.jetti.delete_sale_return(there["id"])
    raise_for(world, world.orders[0], 1)
    [by_hand] = world.jetti.sale_returns()

    listed = verify(world).one("not_in_ledger")
    done = verify(world, "--repair")

    assert "which nobody has marked, would be taken over" in listed["proposed"]
    assert [row["id"] for row in listed["sale_returns"]] == [by_hand["id"]]
    assert done.code == 0
    assert [row["id"] for row in world.in_jetti(one)] == [by_hand["id"]]


def test_what_could_not_be_looked_up_is_left_as_it_is(world: World) -> None:
    world.go_live()
    [one, other] = busy_ones(world, 2)
    lose_from_ledger(world, one)
    lose_from_ledger(world, other)
    ledger = in_ledger(world)
    world.breaks("GET /sales.json", "503")

    done = verify(world, "--repair")
    world.heals()

    assert done.code == 5
    assert [one["repaired"] for one in done.report["differences"]] == [False, False]
    assert in_ledger(world) == ledger
    assert "--repair leaves these" in " ".join(done.report["verify"]["not_read"])
    assert verify(world, "--repair").code == 0


def test_a_repair_that_loop_does_not_answer_has_repaired_nothing(world: World) -> None:
    world.go_live()
    [one] = busy_ones(world, 1)
    lose_from_ledger(world, one)
    was_at_jetti = False

    def breaks_loop(asked: Asked) -> None:
        nonlocal was_at_jetti
        was_at_jetti |= asked.service == "jetti"
        if was_at_jetti and asked.service == "loop":
            world.breaks("*", "404", service="loop")

    before_each_request(world, breaks_loop)

    done = verify(world, "--repair")

    assert (done.code, one in in_ledger(world)) == (4, False)
    assert done.one("not_in_ledger")["repaired"] is False


def test_of_a_listing_that_is_not_believed_nothing_is_listed_or_recorded(world: World) -> None:
    world.go_live()
    ids = busy_ones(world, 6)
    strangers = [world.returned(("Acme", 1), at=world.seen(one).created_at) for one in ids]
    for one in ids:
        world.loop.remove(one)
    ledger = in_ledger(world)

    done = verify(world, "--repair")

    assert (done.code, done.kinds) == (4, [])
    assert in_ledger(world) == ledger
    assert not {*strangers} & ledger.keys()


def test_a_repair_does_not_accept_a_mapping_for_what_it_has_not_seen(world: World) -> None:
    world.go_live()
    ids = busy_ones(world, 3)
    for one in ids:
        world.loop.label(one, status="delivered")
    world.pass_time()
    assert world.run(**NO_GUARD).code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0
    world.environ["RECONCILER_MAPPING__STATUS__OPEN__DELIVERED"] = "received"
    before = sale_returns(world)

    assert verify(world, "--repair").code == 0
    assert world.run().code == 7
    assert sale_returns(world) == before


def test_what_a_run_records_after_it_was_compared_is_no_difference(world: World) -> None:
    world.go_live()
    [one, other] = busy_ones(world, 2)
    lose_from_ledger(world, one)
    world.sandbox.loop.switches.label_changes_bump = False
    world.loop.label(other, status="delivered")
    connect = world.connect

    def a_sweep_runs() -> None:
        world.connect = connect
        assert world.run("--sweep", "120d").code == 0

    struck = once(world, lambda asked: asked.service == "jetti", a_sweep_runs)

    found = verify(world)

    assert struck
    assert (found.code, found.kinds) == (0, [])
    assert {row["return_id"] for row in found.report["in_work"]} == {one, other}


def test_what_loop_shows_since_the_comparison_is_what_a_repair_records(world: World) -> None:
    world.go_live()
    [one] = busy_ones(world, 1)
    [there] = world.in_jetti(one)
    lose_from_ledger(world, one)
    was_at_jetti = False

    def is_cancelled(asked: Asked) -> None:
        nonlocal was_at_jetti
        was_at_jetti |= asked.service == "jetti"
        if was_at_jetti and asked.service == "loop" and world.seen(one).state == "open":
            world.loop.set_state(one, "cancelled")

    before_each_request(world, is_cancelled)

    done = verify(world, "--repair")

    assert done.code == 0
    assert world.run().code == 0
    [now] = world.in_jetti(one)
    assert (now["id"], now["status"]) == (there["id"], "cancelled")


def test_while_creation_is_stopped_no_create_is_promised(world: World) -> None:
    world.go_live()
    [one] = busy_ones(world, 1)
    lose_from_ledger(world, one)
    [there] = world.in_jetti(one)
    world.jetti.delete_sale_return(there["id"])
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE meta SET creation_stopped = 'too much came back'")

    listed = verify(world).one("not_in_ledger")

    assert listed["proposed"].endswith("would be created in Jetti if creation were not stopped")


def test_of_many_that_were_deleted_few_requests_tell_what_can_be_decided(world: World) -> None:
    world.go_live()
    ids = busy_ones(world, 40)
    for one in ids:
        for there in world.in_jetti(one):
            world.jetti.delete_sale_return(there["id"])

    found = verify(world)

    assert found.kinds == sorted(("deleted", one) for one in ids)
    assert all(one["command"] for one in found.report["differences"])
    assert found.report["requests"]["jetti"]["get"] <= 16


def test_a_lost_write_behind_one_in_review_is_still_the_next_command(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    first, second = world.submit(order), world.returned(("Acme", 1))
    world.pass_time()
    assert world.run().code == 0
    for one in (first, second):
        world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    gone, there = world.in_jetti(first)
    world.jetti.delete_sale_return(gone["id"])
    world.loop.move_label(first, "delivered")
    world.pass_time()
    assert world.run().code == 3
    world.jetti.edit_sale_return(there["id"], status="requested")
    lose_writes(world, [second])

    text = world.call("verify").stdout

    assert "reconciler verify --repair" in text.splitlines()[-1]


def test_a_stopped_repair_goes_on_once_its_plan_is_accepted(world: World) -> None:
    world.go_live()
    ids = busy_ones(world, 2)
    for one in ids:
        world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0
    lose_writes(world, ids)
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE entries SET accepted_fingerprint = NULL")
    none = {"RECONCILER_GUARD__UPDATES": "0", "RECONCILER_GUARD__SHARE": "0"}
    stopped = verify(world, "--repair", **none)
    [failure] = stopped.report["repair"]["run"]["failures"]

    ran = world.call(*failure["command"].split()[1:], **none)

    assert (stopped.code, ran.code) == (7, 0)
    assert {there["status"] for one in ids for there in world.in_jetti(one)} == {"shipped"}
    assert verify(world).code == 0


@pytest.mark.parametrize(
    ("point", "is_recorded"),
    [(Failpoint.WINDOW_COMMITTING, False), (Failpoint.WINDOW_COMMITTED, True)],
)
def test_a_repair_that_dies_as_it_records_is_gone_on_with(
    world: World, point: Failpoint, is_recorded: bool
) -> None:
    world.go_live()
    [one, lost] = busy_ones(world, 2)
    world.loop.label(lost, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0
    lose_from_ledger(world, one)
    lose_writes(world, [lost])

    def dies(hit: Failpoint) -> None:
        if hit is point:
            raise Death

    with pytest.raises(Death), failpoints.watched(dies):
        verify(world, "--repair")

    assert (one in in_ledger(world)) is is_recorded
    assert verify(world).kinds == ([] if is_recorded else [("not_in_ledger", one)])
    assert world.run().code == 0
    assert [there["status"] for there in world.in_jetti(lost)] == ["shipped"]
    assert verify(world, "--repair").code == 0
    assert world.run().code == 0
    assert (len(world.in_jetti(one)), verify(world).code) == (1, 0)


@pytest.mark.parametrize("service", ["loop", "jetti"])
def test_a_key_refused_in_the_middle_leaves_what_was_made_pending(
    world: World, service: str
) -> None:
    world.go_live()
    [one] = busy_ones(world, 1)
    world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0
    lose_writes(world, [one])
    was_at_jetti = is_repairing = False

    def is_refused(asked: Asked) -> None:
        nonlocal was_at_jetti, is_repairing
        was_at_jetti |= asked.service == "jetti"
        is_repairing |= was_at_jetti and asked.service == "loop"
        if is_repairing:
            world.breaks("*", "401", service="loop" if service == "loop" else "jetti")

    connect = world.connect
    before_each_request(world, is_refused)

    done = verify(world, "--repair")
    world.heals()
    world.connect = connect

    assert (done.code, world.state(one)) == (6, "pending")
    assert done.one("lost_write")["repaired"] is True
    assert world.run().code == 0
    assert [there["status"] for there in world.in_jetti(one)] == ["shipped"]
