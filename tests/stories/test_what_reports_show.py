"""What a report shows besides the change itself: goods, vendors, sums, the next command; and the
forms that it can take."""

from __future__ import annotations

import csv
import io
import json
import shlex
from datetime import timedelta
from typing import Any

import pytest

from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.world import NOON, Ran, World


def changes(ran: Ran) -> dict[str, dict[str, Any]]:
    return {change["return_id"]: change for change in ran.report["changes"]}


def vendors_of(world: World, *orders: Any) -> list[list[str]]:
    """Ids of each order's vendors, as Jetti has them."""
    rows = (world.jetti.sale_items(world.sale_id(order)) for order in orders)
    ids = ({row["dropshipProviderId"] for row in of} - {None} for of in rows)
    return [[str(id_) for id_ in sorted(of)] for of in ids]


def test_goods_with_the_merchant_s_reason_and_never_with_the_customer_s_comment(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 2), ("Bolt", 1))
    one = world.submit(order, 2, 1)
    first, second, _ = world.seen(one).lines
    world.loop.edit_line(one, first.id, reason="Too small", comment="CANARY-COMMENT secret")
    world.loop.edit_line(one, second.id, reason="Damaged")
    world.pass_time()

    dry, real = world.run("--dry-run"), world.run()

    goods = [
        {"product": line.title, "sku": line.sku, "quantity": 1, "reason": reason}
        for line, reason in zip(
            (order.lines[0], *order.lines), ("Too small", "Damaged", None), strict=True
        )
    ]
    assert changes(dry)[one]["lines"] == changes(real)[one]["lines"] == goods
    assert "secret" not in dry.stdout + real.stdout


def test_vendors_are_told_once_jetti_was_asked(world: World) -> None:
    world.go_live()
    both, own = world.order(("Acme", 1), ("Bolt", 1)), world.order((None, 1), ("Acme", 1))
    split, in_house = world.submit(both), world.submit(own, 1, 0)
    late = world.submit(world.order(("Cog", 1), arrives=False))
    world.pass_time()
    expected = vendors_of(world, both)[0]

    unasked, asked = world.run("--dry-run"), world.run("--dry-run", "--against-jetti")
    real = world.run()

    assert [change["vendors"] for change in unasked.report["changes"]] == [[]] * 3
    for ran in (asked, real):
        told = {id_: change["vendors"] for id_, change in changes(ran).items()}
        assert told == {split: expected, in_house: [], late: []}
    assert len(expected) == 2
    sums = [ran.report["sums"]["vendors"] for ran in (unasked, asked, real)]
    assert sums == [0, 2, 2]


def test_sums_tell_what_is_old_and_how_long_it_takes(world: World) -> None:
    old = world.returned(at=NOON - timedelta(days=10))
    world.go_live("2d")
    new = [world.returned(), world.returned(("Acme", 1), ("Bolt", 1))]
    world.pass_time()

    pace = {
        "RECONCILER_JETTI__READS_PER_SECOND": "2",
        "RECONCILER_JETTI__WRITES_PER_SECOND": "1",
    }
    ran = world.run("--from", "30d", "--dry-run", **pace)
    empty = world.run("--return", "999999999", "--dry-run")

    told = {id_: change["before_go_live"] for id_, change in changes(ran).items()}
    assert told == {old: True, new[0]: False, new[1]: False}
    # A write takes a second, a read half of one: of each create one write and one for each of its
    # objects; half a read each.
    writes = 3 + 3 + 4
    assert ran.report["sums"] == {
        "vendors": 0, "before_go_live": 1, "seconds_at_pace": round(writes + 3 * 0.25),
    }  # fmt: skip
    assert empty.report["sums"] == {"vendors": 0, "before_go_live": 0, "seconds_at_pace": 0}


@pytest.mark.parametrize(
    ("options", "again"),
    [
        ((), ()),
        (("--max-writes", "9", "--wait", "5m"), ("--max-writes", "9", "--wait", "5m")),
        (("--sweep", "30d", "--max-seconds", "2h"), ("--sweep", "30d", "--max-seconds", "2h")),
        (
            ("--from", "2026-02-27", "--to", "2026-03-01"),
            ("--from", "2026-02-27T00:00:00Z", "--to", "2026-03-01T23:59:59Z", "--by", "updated"),
        ),
    ],
)
def test_a_dry_run_names_the_very_command_that_does_what_it_shows(
    world: World, options: tuple[str, ...], again: tuple[str, ...]
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()

    dry = world.run("--dry-run", "--detailed-exitcode", "--against-jetti", *options)
    text = world.call("run", "--dry-run", *options).stdout

    assert dry.report["next"] == ["reconciler", "run", *again]
    assert text.rstrip().split("\n")[-1] == f"next       {shlex.join(dry.report['next'])}"
    real = world.run(*dry.report["next"][2:])
    assert real.outcomes == {one: ("create", "pushed")}
    assert real.report["next"] == []


def test_a_dry_run_of_an_order_is_typed_as_a_shell_takes_it(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.pass_time()

    dry = world.run("--dry-run", "--order", order.name)
    typed = world.call("run", "--dry-run", "--order", order.name).stdout.rstrip().split("\n")[-1]

    command = typed.removeprefix("next       ")
    assert (
        shlex.split(command) == dry.report["next"] == ["reconciler", "run", "--order", order.name]
    )
    assert world.run(*shlex.split(command)[2:]).outcomes == {one: ("create", "pushed")}


def test_verify_names_its_next_command_alike_in_text_and_json(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=1)
    assert world.run().code == 0
    agreed = json.loads(world.call("verify", "--format", "json").stdout)
    [there] = world.in_jetti(one)
    world.jetti.edit_sale_return(there["id"], status="requested")

    found = json.loads(world.call("verify", "--format", "json").stdout)
    text = world.call("verify").stdout

    assert agreed["next"] == []
    assert [one["kind"] for one in found["differences"]] == ["lost_write"]
    assert found["next"] == ["reconciler", "verify", "--repair"]
    assert f"next       {shlex.join(found['next'])}" in text.split("\n")
    repaired = json.loads(world.call(*found["next"][1:], "--format", "json").stdout)
    assert repaired["next"] == repaired["repair"]["next"]


# ----------------------------------------------------------------------------------------- forms


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.sockets
def test_the_program_writes_csv_and_markdown(directory: Any) -> None:
    with on_the_machine_s_clock(directory) as world:
        _writes_csv_and_markdown(world)


def _writes_csv_and_markdown(world: RealWorld) -> None:
    world.live()
    one = world.born(("Acme", 1))

    code, table, _ = world.end(world.start("run", "--dry-run", "--format", "csv"))
    file = world.directory / "report.md"
    assert world.does("run", "--format", "markdown", "--output", str(file)) == code == 0
    verified, text, _ = world.end(world.start("verify", "--format", "csv"))

    [change] = [row for row in rows(table) if row["table"] == "changes"]
    assert (change["return_id"], change["outcome"]) == (f"'{one}", "planned")
    assert f"| {one} |" in file.read_text()
    assert file.read_text().startswith("## Run ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert verified == 0
    assert {"table": "counts", "name": "compared", "value": "1"}.items() <= next(
        row for row in rows(text) if row["name"] == "compared"
    ).items()


@pytest.mark.parametrize("form", ["csv", "markdown"])
def test_a_pass_that_found_nothing_is_told_too_to_whoever_has_it_read(
    world: World, form: str
) -> None:
    world.trusted()

    assert world.call("run").stdout == ""
    assert "exit" in world.call("run", "--format", form).stdout


@pytest.mark.parametrize("command", ["status", "show", "list", "history", "doctor"])
def test_only_run_and_verify_are_written_as_tables(world: World, command: str) -> None:
    ran = world.call(command, "--format", "csv")

    assert ran.code == 2
    assert "'csv' is not one of 'text', 'json'" in ran.stderr
