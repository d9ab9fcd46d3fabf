from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.core.matching.snapshot import OrderSnapshot
from reconciler.core.model import Parcel, State
from reconciler.core.retry import TRIES
from reconciler.errors import Interrupted, SafetyStop, TargetUnavailable
from tests.jetti.workshop import SETTLE, values_asked

SCANNED = (Parcel("USPS", "9400", "in_transit"),)
ONE_PUT = "PUT /sale-returns/*"


def several(shop, count):
    """Returns that are in Jetti and have each one PUT to be sent."""
    ids = [shop.pushed() for _ in range(count)]
    for one in ids:
        shop.changed(one, parcels=SCANNED)
    shop.forget()
    return ids


def told_until_raised(shop, error=TargetUnavailable):
    """Outcomes that came before the whole was given up."""
    done = []
    with pytest.raises(error) as raised:
        done.extend(shop.parts.pusher().push(shop.plan()))
    return done, str(raised.value)


# --------------------------------------------------------------------------------- outages and 429


@pytest.mark.parametrize("fault", ["500", "409"])
def test_five_failures_in_a_row_are_jetti_s_and_cost_no_return_a_try(shop, fault):
    ids = several(shop, 7)
    shop.world.breaks(ONE_PUT, fault)

    told_until_raised(shop)

    assert len(shop.written) == 5
    assert {shop.entry(one).attempts for one in ids} == {0}
    states = sorted(shop.state(one) for one in ids)
    assert states == ["pending"] * 2 + ["unknown"] * 5


def test_five_failures_of_lookups_are_an_outage_too(shop):
    ids = several(shop, 6)
    shop.world.breaks("GET /sale-return*", "reset_before_headers")

    told_until_raised(shop)

    assert shop.written == []
    assert {(shop.state(one), shop.entry(one).attempts) for one in ids} == {("pending", 0)}


def test_a_success_in_between_ends_the_streak(shop):
    several(shop, 9)
    for number in (1, 2, 3, 4, 6, 7, 8, 9):
        shop.world.breaks(ONE_PUT, "409", nth=number)

    outcomes = [done.outcome for done in shop.push().values()]

    assert outcomes == ["failed"] * 4 + ["pushed"] + ["failed"] * 4


def test_refusals_are_the_returns_own_and_no_outage(shop):
    ids = several(shop, 6)
    shop.world.breaks(ONE_PUT, "422")

    assert {done.outcome for done in shop.push().values()} == {"failed"}
    assert {shop.state(one) for one in ids} == {"dead"}


def test_few_failures_while_jetti_answers_otherwise_are_the_returns_own(shop):
    [one] = several(shop, 1)
    shop.world.breaks(ONE_PUT, "500")

    assert shop.push()[one].outcome == "failed"


def test_few_failures_while_jetti_is_silent_are_an_outage(shop):
    [one] = several(shop, 1)
    shop.world.breaks("*", "reset_before_headers")

    told_until_raised(shop)
    assert (shop.state(one), shop.entry(one).attempts) == ("pending", 0)


def test_three_times_slow_down_in_a_row_leave_the_rest_for_the_next_pass(shop):
    ids = several(shop, 5)
    shop.world.breaks("PUT *", "429")

    done, reason = told_until_raised(shop)

    assert (len(shop.written), len(done)) == (3, 3)
    assert "429" in reason
    assert {(shop.state(one), shop.entry(one).attempts) for one in ids} == {("pending", 0)}


def test_twice_slow_down_and_then_success_goes_on(shop):
    several(shop, 4)
    shop.world.breaks("PUT *", "429", last=2)

    outcomes = [done.outcome for done in shop.push().values()]

    assert outcomes == ["deferred", "deferred", "pushed", "pushed"]


# ------------------------------------------------------------------- creates whose answer was lost


@pytest.fixture
def lost(shop):
    """A create that never took effect and was never answered."""
    shop.pushed()
    one = shop.noted(shop.world.order(("Acme", 1)))
    shop.world.breaks("POST *", "not_applied_then_lost", last=1)
    assert shop.push()[one].outcome == "failed"
    shop.forget()
    return one


def test_before_it_has_settled_nobody_looks(shop, lost):
    shop.world.pass_time(seconds=SETTLE.total_seconds() - 2)

    assert shop.plan() == ()


@pytest.mark.covers("F51")
def test_it_is_created_again_only_when_two_reads_half_a_minute_apart_do_not_find_it(shop, lost):
    shop.world.pass_time(seconds=SETTLE.total_seconds())
    began = shop.clock.now()
    arrived = []
    shop.world.sandbox.on_write = lambda _: arrived.append(shop.clock.now() - began)

    assert shop.push()[lost].outcome == "pushed"

    markers = [query for query in shop.asked if f"externalId]={lost}&" in query]
    assert len(markers) == 2
    assert arrived[0] >= timedelta(seconds=30)
    assert len(shop.world.in_jetti(lost)) == 1


def test_an_absence_that_a_clock_has_noted_which_was_ahead_is_read_twice_again(shop, lost):
    """Or nothing could be created for as long as it was ahead."""
    shop.world.pass_time(seconds=SETTLE.total_seconds())
    wait, shop.clock.ahead = shop.clock.wait, 400_000.0

    def killed(seconds):
        if seconds >= 30:
            raise Interrupted(15)
        wait(seconds)

    shop.clock.wait = killed
    with pytest.raises(Interrupted):
        shop.push()
    shop.clock.wait, shop.clock.ahead = wait, 0.0
    shop.forget()
    began, arrived = shop.clock.now(), []
    shop.world.sandbox.on_write = lambda _: arrived.append(shop.clock.now() - began)

    assert shop.push()[lost].outcome == "pushed"

    assert arrived[0] >= timedelta(seconds=30)
    assert len(shop.world.in_jetti(lost)) == 1


def test_one_that_shows_at_the_second_read_is_not_created_again(shop, lost):
    shop.world.pass_time(seconds=SETTLE.total_seconds())
    order = shop.world.orders[-1]
    pushing = iter(shop.parts.pusher().push(shop.plan()))
    wait = shop.clock.wait

    def somebody_is_slow(seconds):
        if seconds >= 30:
            shop.jetti.raise_sale_return(shop.world.sale_id(order), {2: 0})
        wait(seconds)

    shop.clock.wait = somebody_is_slow
    done = list(pushing)

    assert [change.outcome for change in done] == ["pushed"]
    assert [operation.split()[0] for operation, _ in shop.written] == ["PUT", "PUT"]
    assert len(shop.world.on_order(order)) == 1


def test_a_create_that_took_effect_is_taken_over_and_finished(shop):
    order = shop.world.order(("Acme", 2), (None, 1))
    one = shop.noted(order)
    shop.world.breaks("POST *", "applied_then_lost", last=1)
    shop.push()
    shop.forget()
    shop.world.pass_time()

    assert shop.push()[one].outcome == "pushed"

    assert [operation for operation, _ in shop.written if operation.startswith("POST")] == []
    a, b = (line.order_line_id for line in order.lines)
    assert [(m["marker"], m["lines"]) for m in shop.world.on_order(order)] == [
        (one, {b: 1}),
        (one, {a: 1}),
    ]


def test_a_create_that_never_takes_effect_is_given_up_after_its_tries(shop):
    shop.pushed()
    one = shop.noted(shop.world.order(("Acme", 1)))
    shop.world.breaks("POST *", "not_applied_then_lost")

    for _ in range(4 * TRIES):
        if shop.state(one) == "dead":
            break
        if shop.plan():
            shop.push()
        shop.world.pass_time(hours=16)

    posts = [operation for operation, _ in shop.written if operation.startswith("POST")]
    assert (shop.state(one), len(posts)) == ("dead", TRIES)


# ------------------------------------------------------------------------------- fresh snapshots


@pytest.mark.covers("F7")
def test_a_snapshot_that_grew_old_while_others_were_pushed_is_taken_again(shop):
    one, other = several(shop, 2)
    pushing = iter(shop.parts.pusher().push(shop.plan()))
    next(pushing)
    shop.world.pass_time(seconds=121)
    last = shop.plan()[0].return_id
    assert last in (one, other)
    [known] = shop.entry(last).sale_returns
    shop.jetti.edit_sale_return(known.id, trackingNumber="by hand")
    shop.world.sandbox.request_log.clear()

    [done] = pushing

    assert "trackingNumber" in done.reason
    assert shop.asked != []
    [row] = shop.world.in_jetti(last)
    assert row["tracking"] == "by hand"


def test_a_snapshot_that_is_young_enough_is_not_taken_again(shop):
    several(shop, 2)
    pushing = iter(shop.parts.pusher().push(shop.plan()))
    next(pushing)
    shop.world.pass_time(seconds=118)
    shop.world.sandbox.request_log.clear()

    [done] = pushing

    assert (done.outcome, shop.asked) == ("pushed", [])


def test_while_every_write_takes_minutes_jetti_is_looked_at_before_each_and_no_more(shop):
    one = shop.noted(shop.world.order(("Acme", 2), ("Acme", 2), ("Acme", 2)))

    def somebody_is_slow(write):
        shop.sent.append(write)
        shop.world.pass_time(seconds=121)

    shop.world.sandbox.on_write = somebody_is_slow

    assert shop.push()[one].outcome == "pushed"

    assert [operation.split("/")[1] for operation, _ in shop.written] == [
        "sales",
        *["sale-return-items"] * 3,
        "sale-returns",
    ]
    markers = [query for query in shop.asked if f"externalId]={one}&" in query]
    assert len(markers) == len(shop.written)


def returns_asked_for_at_once(shop):
    """How many markers of returns were asked for before the first change was matched."""
    next(shop.parts.matcher.match(shop.plan()))
    queries = [query for query in shop.asked if "return" in query and "externalId" in query]
    return sum(values_asked(query) for query in queries[1:])  # of the first nobody knows


def test_no_more_are_looked_up_together_than_can_be_pushed_while_it_is_fresh(shop):
    shop.ledger.meta.prove_create("ids")
    for _ in range(30):
        shop.noted(shop.world.order(("Acme", 1)))

    assert returns_asked_for_at_once(shop) == 26


def test_what_is_only_looked_for_is_looked_up_in_large_portions(shop):
    for _ in range(100):
        shop.noted(shop.world.order(("Acme", 1)), created_at=shop.rules.go_live - timedelta(days=1))

    assert returns_asked_for_at_once(shop) == 71


# ------------------------------------------------------------------------------------ the account


def test_the_account_is_pinned_at_first_sight(shop):
    shop.pushed()

    assert shop.ledger.meta.read().account == "41"


def test_another_account_s_rows_stop_everything_before_a_write(shop):
    shop.pushed()
    shop.noted(shop.world.order(("Acme", 1)))
    shop.switches.company_id = 42
    shop.forget()

    _, reason = told_until_raised(shop, SafetyStop)

    assert "account 42" in reason
    assert "41" in reason
    assert shop.written == []


def test_rows_that_do_not_say_whose_they_are_are_no_mismatch(shop):
    shop.pushed()
    shop.switches.company_id_form = "absent"
    one = shop.noted(shop.world.order(("Acme", 1)))

    assert shop.push()[one].outcome == "pushed"


# ------------------------------------------------------------------------- orders that come late


def test_an_order_that_is_not_there_waits_and_is_no_failure(shop):
    order = shop.world.order(("Acme", 1), arrives=False)
    one = shop.noted(order)

    assert shop.push()[one].outcome == "waiting"
    assert shop.state(one) == "waiting"
    assert shop.plan() == ()
    shop.jetti.import_sale(order)
    shop.world.pass_time(minutes=2)
    assert shop.push()[one].outcome == "pushed"


def test_what_was_cancelled_before_it_existed_is_skipped_after_a_look(shop):
    one = shop.noted(shop.world.order(("Acme", 1)), state="cancelled")

    done = shop.push()[one]

    assert (done.change, done.outcome) == ("adopt", "skipped")
    assert done.reason == "cancelled in Loop before it existed in Jetti"
    assert shop.asked != []
    assert (shop.written, shop.state(one)) == ([], "skipped")


# --------------------------------------------------------------------------- who looks and no more


def a_bit_of_everything(shop):
    """To be created, updated, cancelled, taken over by meaning, and one for a person."""
    updated, cancelled = shop.pushed(), shop.pushed()
    shop.changed(updated, parcels=SCANNED)
    shop.changed(cancelled, state="cancelled")
    shop.noted(shop.world.order(("Acme", 1), ("Bolt", 1)))
    for units in (1, 2):
        order = shop.world.order(("Acme", 2))
        [item] = shop.world.item_ids(order)
        shop.noted(order, 1)
        shop.jetti.raise_sale_return(shop.world.sale_id(order), {item: units})
    shop.noted(shop.world.order(("Acme", 1), arrives=False))
    shop.forget()


def test_a_preview_writes_nothing_anywhere(shop):
    a_bit_of_everything(shop)
    plan = shop.plan()
    before = shop.ledger.entries.get([change.return_id for change in plan])

    done = {t.return_id: t for t in shop.parts.preview().push(plan)}

    assert shop.written == []
    assert shop.ledger.entries.get([change.return_id for change in plan]) == before
    line = shop.world.orders[4].lines[0].order_line_id
    assert {(t.change.value, t.outcome.value, t.reason) for t in done.values()} == {
        ("cancel", "planned", None),
        ("create", "planned", "would make 2 sale returns"),
        ("adopt", "planned", None),
        (
            "create",
            "review",
            f"unmarked sale return 1005-01 (4) with 2 of order line {line} overlaps this return's "
            f"lines without matching them: the return has 1 of order line {line}. Give it the id "
            "of its return as externalId in Jetti, or cancel it. Decide with `reconciler retry`, "
            "`resolve` or `ignore`",
        ),
        ("create", "waiting", "order #1006 is not in Jetti yet"),
        ("update", "planned", None),
    }


def test_an_adopter_writes_nothing_to_jetti_and_skips_nothing_in_the_ledger(shop):
    one = shop.noted(shop.world.order(("Acme", 1)))
    missing = shop.noted(shop.world.order(("Acme", 1)))
    [item] = shop.world.item_ids(shop.world.orders[0])
    shop.jetti.raise_sale_return(shop.world.sale_id(shop.world.orders[0]), {item: 1})
    shop.rules = type(shop.rules)(shop.rules.policy, shop.clock.now() + timedelta(days=1), False)
    shop.forget()

    done = {t.return_id: t for t in shop.parts.adopter().push(shop.plan())}

    assert shop.written == []
    assert (done[one].outcome, done[missing].outcome) == ("pushed", "deferred")
    assert [known.id for known in shop.entry(one).sale_returns] == [1]
    assert shop.entry(missing).state is State.PENDING


@pytest.mark.parametrize("target", ["pusher", "preview", "adopter"])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_each_target_stops_before_the_return_for_which_no_budget_is_left(shop, target, most):
    for _ in range(4):
        shop.noted(shop.world.order(("Acme", 1)))
    done = []

    for change in getattr(shop.parts, target)().push(shop.plan(), lambda _: len(done) < most):
        done.append(change)

    assert len(done) == most


def test_what_a_preview_sees_is_what_a_pusher_does(shop):
    a_bit_of_everything(shop)
    plan = shop.plan()
    seen = {t.return_id: t for t in shop.parts.preview().push(plan)}

    done = shop.push()

    for one, foreseen in seen.items():
        if foreseen.outcome == "planned":
            assert done[one].outcome == "pushed"
        else:
            assert done[one].outcome == foreseen.outcome


def test_a_matcher_hands_on_what_it_saw(shop):
    shop.noted(shop.world.order(("Acme", 1)))

    [matched] = shop.parts.matcher.match(shop.plan())

    assert isinstance(matched.snapshot, OrderSnapshot)
    assert [one.units for one in matched.result.missing] == [1]
