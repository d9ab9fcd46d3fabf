"""Labels are regenerated, voided, numbered late and scanned late, and say words nobody listed."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import World


def shown(world: World, one: str) -> tuple[Any, ...]:
    """Number, tracking status and status of the one sale return in Jetti."""
    [made] = world.in_jetti(one)
    return made["tracking"], made["tracking_status"], made["status"]


def number(world: World, one: str, label: int) -> str | None:
    return world.seen(one).labels[label].tracking_number


def pushed(world: World, status: str = "new", **how: Any) -> str:
    """A return in Jetti whose parcel is there, too."""
    world.go_live()
    one = world.returned()
    world.loop.label(one, status=status, **how)
    goes_on(world)
    return one


def goes_on(world: World) -> Any:
    world.pass_time()
    ran = world.run()
    assert ran.code == 0, ran.report
    return ran


# ------------------------------------------------------------------------- which label is told


@pytest.mark.covers("R2")
@pytest.mark.parametrize(
    "switches",
    [
        {"regenerated_label": "stays", "regenerated_label_status": "kept"},
        {"regenerated_label": "stays", "regenerated_label_status": "cancelled"},
        {"regenerated_label": "goes"},
    ],
)
@pytest.mark.parametrize("told_before", [True, False])
def test_a_regenerated_label_is_told_and_not_the_dead_one(
    world: World, switches: dict[str, str], told_before: bool
) -> None:
    """Regenerated before or after the push, whatever Loop does with the old one."""
    for name, value in switches.items():
        setattr(world.sandbox.loop.switches, name, value)
    world.go_live()
    one = world.returned()
    world.loop.label(one)
    old = number(world, one, 0)
    if told_before:
        goes_on(world)
    world.pass_time(minutes=1)
    world.loop.regenerate_label(one)
    new = number(world, one, -1)
    goes_on(world)

    assert shown(world, one) == (new, "pre_transit", "requested")
    assert old is not None
    stays = switches["regenerated_label"] == "stays"
    assert (old in world.in_jetti(one)[0]["notes"]) == stays

    world.loop.move_label(one, "in_transit", parcel=1 if stays else 0)
    goes_on(world)
    assert shown(world, one) == (new, "transit", "shipped")
    assert_agreement(world)


@pytest.mark.covers("R2")
def test_the_customer_who_used_the_old_label_all_the_same_is_followed(world: World) -> None:
    one = pushed(world)
    world.loop.regenerate_label(one)
    goes_on(world)

    world.loop.move_label(one, "in_transit", parcel=0)
    goes_on(world)

    assert shown(world, one) == (number(world, one, 0), "transit", "shipped")
    assert_agreement(world)


@pytest.mark.covers("R2")
def test_more_labels_than_lines_and_ties_to_none_are_one_sale_return_with_all_in_its_notes(
    world: World,
) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    for lines in ((), (world.seen(one).lines[0].id,), ()):
        world.loop.label(one, line_ids=lines)
        world.pass_time(minutes=1)
    world.loop.move_label(one, "in_transit", parcel=1)
    goes_on(world)

    acme, bolt = world.in_jetti(one)
    assert (acme["tracking"], acme["status"]) == (number(world, one, 1), "shipped")
    # The untied ones serve both; the newest of them leads where the other parcel is not.
    assert (bolt["tracking"], bolt["status"]) == (number(world, one, 2), "requested")
    assert_agreement(world)


@pytest.mark.covers("R2")
def test_a_number_that_arrives_later_is_told_then(world: World) -> None:
    one = pushed(world, numbered=False)
    assert shown(world, one) == (None, "pre_transit", "requested")

    world.loop.number_label(one, "PREPRINTED-1")
    goes_on(world)

    assert shown(world, one) == ("PREPRINTED-1", "pre_transit", "requested")
    assert_agreement(world)


def test_a_newer_time_of_a_label_alone_costs_no_request_to_jetti(world: World) -> None:
    one = pushed(world)
    world.loop.move_label(one, "new")
    world.pass_time()

    assert world.run().jetti_requests == (0, 0)


# ------------------------------------------------------------------------- words nobody listed


@pytest.mark.covers("R4")
@pytest.mark.parametrize("order", [*permutations(("lost", "in_transit", "cancelled"))])
def test_a_word_that_nobody_knows_takes_nothing_back_in_whatever_order_it_comes(
    world: World, order: tuple[str, ...]
) -> None:
    """On the only label there is, each word in its turn."""
    one = pushed(world)
    expected = ("pre_transit", "requested")
    for word in order:
        world.loop.move_label(one, word)
        goes_on(world)
        expected = ("transit", "shipped") if word == "in_transit" else expected

        assert shown(world, one) == (number(world, one, 0), *expected)


@pytest.mark.covers("R4")
def test_a_label_whose_first_word_nobody_knows_claims_nothing(world: World) -> None:
    one = pushed(world, "lost")
    [before] = world.jetti.sale_returns()
    assert before["trackingNumber"] == number(world, one, 0)
    assert before["trackingStatus"] is None

    world.loop.move_label(one, "return_to_sender")
    goes_on(world)

    assert shown(world, one)[1:] == ("returned", "shipped")


def words_told(world: World, **environ: str) -> list[tuple[str, str, int]]:
    """By `status` and by a run alike; neither calls it trouble."""
    status = world.call("status", "--format", "json", **environ)
    found = json.loads(status.stdout)["facts"]["unknown_words"]
    ran = world.run("--dry-run", **environ)
    assert (status.code, ran.code, ran.report["unknown_words"]) == (0, 0, found)
    return [(one["list"], one["word"], one["returns"]) for one in found]


@pytest.mark.covers("R4")
def test_each_word_is_told_once_with_its_returns_until_a_setting_names_it(world: World) -> None:
    world.go_live()
    for _ in range(2):
        world.loop.label(world.returned(), status="Lost")
    twice = world.returned(type="trade-in", outcome="repair+refund")
    world.loop.label(twice, status="lost")
    world.loop.label(twice, status="LOST")
    goes_on(world)

    expected = [("label status", "lost", 3), ("outcome", "repair", 1), ("type", "trade-in", 1)]
    assert words_told(world) == expected
    assert words_told(world, RECONCILER_POLICY__TYPES__EXCLUDE="trade-in") == expected[:2]
    text = world.call("run", "--dry-run").stdout
    assert 'label status "lost" of 3 returns' in text
    assert "mapping.tracking.lost" in text
    assert 'label status "lost" of 3 returns' in world.call("status").stdout

    # What Loop says now counts, not what it once said.
    for row in world.loop.returns():
        for place in range(len(row.labels)):
            world.loop.move_label(row.id, "delivered", parcel=place)
    goes_on(world)
    assert words_told(world) == expected[1:]


@pytest.mark.covers("R4")
def test_what_a_setting_says_of_a_word_is_told(world: World) -> None:
    """Said later it changes what was pushed, which a person has to let past once."""
    one = pushed(world, "lost")
    assert words_told(world) == [("label status", "lost", 1)]
    world.environ["RECONCILER_MAPPING__TRACKING__LOST"] = "failure"
    world.environ["RECONCILER_MAPPING__STATUS__OPEN__LOST"] = "shipped"

    stopped = world.run()
    assert stopped.code == 7
    assert world.run("--accept-plan", stopped.report["run"]["digest"]).code == 0

    assert shown(world, one) == (number(world, one, 0), "failure", "shipped")
    assert words_told(world) == []


def test_a_text_that_is_no_word_is_counted_and_kept_out_of_every_report(world: World) -> None:
    world.go_live()
    world.returned(outcome="call me at mine@example.test")
    world.pass_time()

    ran = world.run()
    status = world.call("status")

    assert [one["word"] for one in ran.report["unknown_words"]] == ["(no word)"]
    assert "example.test" not in ran.stdout + status.stdout


# --------------------------------------------------------------------------------- late scans

LATE = "expired in Loop while its parcel moves: held"


@pytest.mark.covers("R3")
@pytest.mark.parametrize("word", ["in_transit", "delivered", "return_to_sender", "lost"])
def test_a_late_scan_cancels_nothing_and_is_kept_up_to_date_but_for_its_status(
    world: World, word: str
) -> None:
    one = pushed(world)
    world.loop.set_state(one, "expired")
    world.loop.move_label(one, word)
    ran = goes_on(world)

    [told] = ran.report["changes"]
    assert LATE in str(told["remarks"]) + str(told["reason"])
    expected = {"in_transit": "transit", "delivered": "delivered", "return_to_sender": "returned"}
    tracking = expected.get(word, "pre_transit")
    assert shown(world, one)[1:] == (tracking, "requested")
    assert f"note       {LATE}" in world.call("show", one).stdout
    if word != "lost":
        assert_agreement(world)

    world.loop.set_state(one, "closed")
    world.loop.move_label(one, "delivered")
    goes_on(world)
    assert shown(world, one)[1:] == ("delivered", "shipped")
    assert LATE not in world.call("show", one).stdout


@pytest.mark.covers("R3")
def test_a_line_taken_off_a_late_scan_cancels_nothing_before_the_scan_is_believed(
    world: World,
) -> None:
    """Its sale return is left empty, which would cancel it; a cancel is final, so that waits."""
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.loop.label(one)
    world.pass_time()
    world.run()
    world.loop.set_state(one, "expired")
    world.loop.move_label(one, "in_transit", parcel=0)
    world.loop.remove_line(one, world.seen(one).lines[1].id)
    world.pass_time()

    held = world.run()

    assert held.code == 0
    assert [row["status"] for row in world.in_jetti(one)] == ["requested", "requested"]
    units = [i["quantity"] for row in world.in_jetti(one) for i in world.jetti.items_of(row["id"])]
    assert units == [1, 0]
    world.loop.set_state(one, "closed")
    world.pass_time()
    world.run()
    assert [row["status"] for row in world.in_jetti(one)] == ["shipped", "cancelled"]


@pytest.mark.covers("R3")
def test_a_late_scan_of_what_was_never_created_is_skipped_and_created_once_it_is_closed(
    world: World,
) -> None:
    world.go_live()
    one = world.returned(state="expired")
    world.loop.label(one, status="in_transit")
    ran = goes_on(world)

    assert (ran.outcomes, ran.reason(one)) == ({one: ("create", "skipped")}, LATE)
    assert world.in_jetti(one) == []
    assert f": {LATE}" in " ".join(world.call("show", one).stdout.split())

    world.loop.set_state(one, "closed")
    goes_on(world)
    assert_agreement(world)
    assert len(world.in_jetti(one)) == 1


@pytest.mark.covers("R3")
def test_a_parcel_that_moves_after_its_return_was_cancelled_as_expired_is_for_a_person(
    world: World,
) -> None:
    """In Jetti nothing follows a cancel, and goods are on their way."""
    one = pushed(world)
    world.loop.set_state(one, "expired")
    goes_on(world)
    assert shown(world, one)[2] == "cancelled"

    world.loop.move_label(one, "in_transit")
    world.pass_time()
    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "review")
    assert shown(world, one)[2] == "cancelled"


@pytest.mark.covers("R3")
@pytest.mark.parametrize("first", ["scan", "cancel"])
def test_what_a_person_cancelled_is_cancelled_though_its_parcel_moves(
    world: World, first: str
) -> None:
    one = pushed(world)
    steps = [
        lambda: world.loop.move_label(one, "in_transit"),
        lambda: world.loop.set_state(one, "cancelled"),
    ]
    for step in steps if first == "scan" else steps[::-1]:
        step()
        goes_on(world)

    assert shown(world, one)[2] == "cancelled"


def test_a_setting_for_an_expired_return_wins_over_the_late_scan(world: World) -> None:
    world.environ["RECONCILER_MAPPING__STATUS__EXPIRED__IN_TRANSIT"] = "shipped"
    one = pushed(world)
    world.loop.set_state(one, "expired")
    world.loop.move_label(one, "in_transit")
    goes_on(world)

    assert shown(world, one)[1:] == ("transit", "shipped")


# -------------------------------------------------------------------------- reasons and emptiness


@pytest.mark.covers("R7")
def test_two_reasons_on_one_line_send_the_first_s_code_and_stand_in_the_notes(
    world: World,
) -> None:
    world.environ["RECONCILER_MAPPING__REASONS__Too small"] = "too_small"
    world.environ["RECONCILER_MAPPING__REASONS__Broken"] = "damaged"
    world.go_live()
    one = world.submit(world.order(("Acme", 2)), 2)
    lines = world.seen(one).lines
    for line, said in zip(lines, ("Too small", "Broken"), strict=True):
        world.loop.edit_line(one, line.id, reason=said, comment="canary comment")
    ran = goes_on(world)

    [change] = ran.report["changes"]
    assert "Too small (too_small), Broken (damaged); too_small is sent" in change["remarks"][0]
    [made] = world.in_jetti(one)
    assert made["notes"].endswith("Too small (too_small), Broken (damaged)")
    assert "Too small (too_small), Broken (damaged)" in world.call("show", one).stdout

    world.loop.edit_line(one, lines[1].id, reason="Too small")
    goes_on(world)
    assert "Broken" not in world.in_jetti(one)[0]["notes"]


@pytest.mark.covers("R14")
@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--dry-run", "--against-jetti")])
def test_a_return_without_lines_is_empty_and_not_filtered(
    world: World, options: tuple[str, ...]
) -> None:
    world.go_live()
    one = world.returned(lines=())
    world.pass_time()

    ran = world.run(*options)

    assert (ran.code, ran.reason(one)) == (0, "empty in Loop")


@pytest.mark.covers("R14")
@pytest.mark.parametrize("options", [(), ("--dry-run", "--against-jetti")])
def test_so_is_one_from_before_go_live_that_jetti_was_asked_about(
    world: World, options: tuple[str, ...]
) -> None:
    world.go_live("1h")
    one = world.returned(lines=(), created_at=world.clock.now().replace(month=2))
    world.pass_time()

    ran = world.run(*options)

    assert (ran.code, ran.reason(one)) == (0, "empty in Loop")
