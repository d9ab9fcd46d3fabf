"""Where answers to creates lack the items made, several are sent before the items of all are read.

Each return must come to the same as if it had gone alone.
"""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from reconciler.core.matching.snapshot import STALE_AFTER
from reconciler.core.model import Line, Parcel
from reconciler.core.settings import Mapping
from reconciler.errors import ConfigError, Interrupted, KeyRefused, TargetUnavailable
from reconciler.sandbox.faults.registry import Fault
from tests.jetti.workshop import values_asked

ITEMS = "GET /sale-return-items.json"
WRONG_KEY = "saleItemIds"
ALONE = ["POST", 1, "PUT", "PUT"]
"""A create, a question for the items of one sale return, and the writes that follow."""


@pytest.fixture
def shop(shop):
    """A shop whose id list is proven."""
    shop.ledger.meta.prove_create("ids")
    return shop


def noted(shop, count, *lines, units=()):
    """Returns of orders of their own, in the order in which they are pushed."""
    made = [shop.noted(shop.world.order(*(lines or (("Acme", 1),))), *units) for _ in range(count)]
    return [change.return_id for change in shop.plan() if change.return_id in made]


def sequence(shop):
    """Writes, and questions for items: of how many sale returns."""
    return [
        one.method if one.method != "GET" else values_asked(unquote(one.query))
        for one in shop.world.sandbox.request_log.all()
        if one.service == "jetti" and (one.method != "GET" or "sale-return-items" in one.path)
    ]


def together(creates):
    """What so many creates of one line come to that share a read."""
    return ["POST"] * creates + [creates] + ["PUT", "PUT"] * creates


def creates(shop):
    """Sales to which a create was sent."""
    posts = [one.partition("/sales/")[2] for one, _ in shop.written if one.startswith("POST")]
    return [int(post.partition("/")[0]) for post in posts]


def break_create(shop, return_id, fault, **parameters):
    """What is asked for this return goes wrong."""
    order_id = shop.entry(return_id).seen.order_id
    [order] = [order for order in shop.world.orders if order.order_id == order_id]
    shop.world.breaks(f"POST /sales/{shop.world.sale_id(order)}/cancel.json", fault, **parameters)


def break_items(shop, kind, first, last, **parameters):
    """The questions for items from `first` to `last` go wrong."""
    shop.world.sandbox.faults.add(
        Fault("jetti", kind, ITEMS, first=first, last=last, parameters=parameters)
    )


def push_until_raised(shop, error):
    done = []
    with pytest.raises(error):
        done.extend(shop.parts.pusher().push(shop.plan()))
    return {change.return_id: change.outcome for change in done}


def states(shop, ones):
    return [shop.state(one) for one in ones]


def assert_put_right(shop, ones):
    """The next pass, once what had no answer has settled, leaves each return in Jetti once."""
    shop.world.heals()
    shop.world.pass_time()
    shop.push()
    assert states(shop, ones) == ["synced"] * len(ones)
    assert [[sum(row["lines"].values()) for row in shop.world.in_jetti(one)] for one in ones] == [
        [1]
    ] * len(ones)
    assert len(creates(shop)) == len(set(creates(shop)))


# ------------------------------------------------------------------------------ how many together


def test_the_first_create_goes_alone_and_the_next_nine_share_a_read(shop):
    ones = noted(shop, 12)

    done = shop.push()

    assert sequence(shop) == [*ALONE, *together(9), *together(2)]
    assert [(one, change.outcome) for one, change in done.items()] == [
        (one, "pushed") for one in ones
    ]
    assert states(shop, ones) == ["synced"] * 12


def test_where_answers_hold_the_items_each_create_is_finished_before_the_next(shop):
    shop.switches.cancel_answer_items = True
    noted(shop, 4)

    shop.push()

    assert sequence(shop) == ["POST", "PUT", "PUT"] * 4


def test_where_answers_come_to_hold_the_items_creates_go_alone_again(shop):
    noted(shop, 14)

    def upgrade(write):
        shop.sent.append(write)
        shop.switches.cancel_answer_items = len(creates(shop)) >= 3

    shop.world.sandbox.on_write = upgrade
    shop.push()

    nine = ["POST"] * 9 + [1] + ["PUT", "PUT"] * 9
    four = ["POST"] * 4 + ["PUT", "PUT"] * 4
    assert sequence(shop) == [*ALONE, *nine, *four]
    assert states(shop, [change.return_id for change in shop.plan()]) == []


@pytest.mark.parametrize("answer_items", [False, True])
def test_before_the_id_list_is_proven_each_create_is_finished_before_the_next(shop, answer_items):
    shop.settings.cancel_ids_key = shop.switches.cancel_ids_key = WRONG_KEY
    shop.switches.cancel_answer_items = answer_items
    noted(shop, 4)

    shop.push()

    each = ["POST", "PUT", "PUT"] if answer_items else ALONE
    assert sequence(shop) == each * 4


def test_nine_creates_at_most_have_no_checked_answer_at_any_moment(shop):
    ones = noted(shop, 30, ("Acme", 1), ("Bolt", 1))
    unchecked = []

    def look(_):
        entries = [shop.in_file(one) for one in ones]
        unchecked.append(sum(entry.unanswered_create is not None for entry in entries))

    shop.world.sandbox.on_write = look
    shop.push()

    assert max(unchecked) == 9
    assert states(shop, ones) == ["synced"] * 30


# -------------------------------------------------------------------------- what is kept apart


@pytest.mark.covers("R16")
def test_a_second_return_of_an_order_is_looked_up_when_the_first_is_finished(shop):
    noted(shop, 1)
    orders = [shop.world.order(("Acme", 2)) for _ in range(3)]
    for order in orders:
        shop.noted(order, 1)
        shop.noted(order, 1)

    done = shop.push()

    assert {change.outcome for change in done.values()} == {"pushed"}
    log = [one for one in shop.world.sandbox.request_log.all() if one.service == "jetti"]
    first, second = [at for at, one in enumerate(log) if one.path.endswith("/sales.json")]
    written = [one.method for one in log[first:second] if one.method != "GET"]
    assert written == ["POST", "PUT", "PUT", *["POST"] * 3, *["PUT"] * 6]


def test_an_update_in_between_comes_when_the_creates_before_it_are_finished(shop):
    updated = shop.pushed()
    shop.changed(updated, parcels=(Parcel("USPS", "9400", "in_transit"),))
    ones = noted(shop, 5)
    planned = {change.return_id: change for change in shop.plan()}
    order = [*ones[:3], updated, *ones[3:]]
    shop.forget()

    done = list(shop.parts.pusher().push([planned[one] for one in order]))

    assert [change.return_id for change in done] == order
    looked_up = 1  # for the update, whose sale return is known
    assert sequence(shop) == [looked_up, *ALONE, *together(2), "PUT", *together(2)]


@pytest.mark.covers("F7")
def test_what_was_matched_before_others_were_finished_is_matched_again_when_that_took_long(shop):
    updated = shop.pushed()
    shop.changed(updated, parcels=(Parcel("USPS", "9400", "in_transit"),))
    ones = noted(shop, 3)
    planned = {change.return_id: change for change in shop.plan()}
    [known] = shop.entry(updated).sale_returns

    def edit_meanwhile(write):
        shop.sent.append(write)
        if len(shop.sent) == 9:  # the last of what was finished
            shop.jetti.edit_sale_return(known.id, trackingNumber="by hand")
            shop.world.pass_time(seconds=STALE_AFTER + 1)

    shop.forget()
    shop.world.sandbox.on_write = edit_meanwhile
    done = list(shop.parts.pusher().push([planned[one] for one in (*ones, updated)]))

    assert "trackingNumber" in done[-1].reason
    assert shop.world.in_jetti(updated)[0]["tracking"] == "by hand"


# ------------------------------------------------------------------- items that cannot all be read


@pytest.mark.parametrize("fault", ["503", "html_200", "reset_before_headers"])
def test_where_items_cannot_be_read_together_those_of_each_are_read_alone(shop, fault):
    ones = noted(shop, 6)
    break_items(shop, fault, 2, 5)

    done = shop.push()

    assert {change.outcome for change in done.values()} == {"pushed"}
    assert sequence(shop)[:10] == [*ALONE, *["POST"] * 5, 5]
    assert sequence(shop)[-11:] == [1, *["PUT"] * 10]
    assert states(shop, ones) == ["synced"] * 6


@pytest.mark.parametrize(("rows", "alone"), [(1, 1), (4, 2), (7, 4)])
def test_a_page_that_was_cut_makes_no_return_doubtful(shop, rows, alone):
    """Of two items each, so that the cut goes through one of the returns."""
    ones = noted(shop, 6, ("Acme", 1), ("Acme", 1))
    break_items(shop, "short_page", 2, 2, rows=rows)

    done = shop.push()

    assert {change.outcome for change in done.values()} == {"pushed"}
    assert states(shop, ones) == ["synced"] * 6
    first = ["POST", 1, "PUT", "PUT", "PUT"]
    rest = ["POST"] * 5 + [5] + [1] * alone + ["PUT"] * 15
    assert sequence(shop) == [*first, *rest]


def test_after_a_doubtful_answer_the_next_create_goes_alone(shop):
    noted(shop, 14)
    break_items(shop, "short_page", 2, 2, rows=1)

    shop.push()

    nine = ["POST"] * 9 + [9, 1] + ["PUT", "PUT"] * 9
    assert sequence(shop) == [*ALONE, *nine, *ALONE, *together(3)]


def test_only_the_one_whose_items_do_not_show_is_read_back(shop):
    ones = noted(shop, 6)
    break_items(shop, "short_page", 2, 2, rows=1)
    break_items(shop, "raw", 3, 3, body="[]")

    done = shop.push()

    assert [change.outcome for change in done.values()] == ["pushed"] * 5 + ["failed"]
    assert states(shop, ones) == ["synced"] * 5 + ["unknown"]
    assert_put_right(shop, ones)


def test_where_no_items_can_be_read_all_are_read_back(shop):
    ones = noted(shop, 12)
    break_items(shop, "500", 2, 1000)

    done = push_until_raised(shop, TargetUnavailable)

    assert done == {ones[0]: "pushed"} | dict.fromkeys(ones[1:10], "failed")
    assert states(shop, ones) == ["synced"] + ["unknown"] * 9 + ["pending"] * 2
    assert {shop.entry(one).attempts for one in ones} == {0}
    assert_put_right(shop, ones)


# ------------------------------------------------------------------------ a create that goes wrong


@pytest.mark.parametrize(
    ("fault", "state", "outcome"),
    [
        ("429", "pending", "deferred"),
        ("422", "dead", "failed"),
        ("500", "unknown", "failed"),
        ("applied_then_lost", "unknown", "failed"),
        ("empty_200", "unknown", "failed"),
    ],
)
def test_those_before_a_create_that_fails_are_finished_first(shop, fault, state, outcome):
    ones = noted(shop, 7)
    break_create(shop, ones[3], fault)

    done = shop.push()

    assert sequence(shop) == [
        *ALONE,
        *["POST"] * 3,
        2,
        *["PUT"] * 4,
        *together(3),
    ]
    assert list(done) == ones
    assert [change.outcome for change in done.values()] == [
        *["pushed"] * 3,
        outcome,
        *["pushed"] * 3,
    ]
    assert states(shop, ones) == ["synced"] * 3 + [state] + ["synced"] * 3


@pytest.mark.covers("F6")
def test_asked_to_stop_it_leaves_all_that_were_sent_to_be_read_back(shop):
    ones = noted(shop, 8)
    shop.clock.stop_after_writes = 6  # three of the first, then three creates

    done = push_until_raised(shop, Interrupted)

    shop.clock.stop_after_writes = None
    assert done == {ones[0]: "pushed"}
    assert states(shop, ones) == ["synced"] + ["unknown"] * 3 + ["pending"] * 4
    [sent, *_] = shop.ledger.entries.get(ones[1:2])
    assert "the run ended before its answer was verified" in sent.reason
    assert_put_right(shop, ones)


def test_a_key_that_is_refused_leaves_all_that_were_sent_to_be_read_back(shop):
    ones = noted(shop, 6)

    def revoke(write):
        shop.sent.append(write)
        shop.switches.forbidden = "everything" if len(creates(shop)) >= 4 else "nothing"

    shop.world.sandbox.on_write = revoke
    done = push_until_raised(shop, KeyRefused)

    shop.switches.forbidden = "nothing"
    shop.world.sandbox.on_write = shop.sent.append
    assert done == {ones[0]: "pushed"}
    assert states(shop, ones) == ["synced", "unknown", "unknown", "pending", "pending", "pending"]
    shop.world.pass_time()
    shop.push()
    assert states(shop, ones) == ["synced"] * 6
    assert [len(shop.world.in_jetti(one)) for one in ones] == [1] * 6


def test_what_was_sent_is_finished_before_a_wrong_setting_ends_the_pass(shop):
    shop.mapping = Mapping(reasons={"Too small": "no_such_code"})
    ones = noted(shop, 3)
    order = shop.world.order(("Acme", 1))
    line = Line("9", order.lines[0].order_line_id, reason="Too small")
    strange = shop.noted(order, lines=(line,))
    planned = {change.return_id: change for change in shop.plan()}

    done = []
    with pytest.raises(ConfigError):
        done.extend(shop.parts.pusher().push([planned[one] for one in (*ones, strange)]))

    assert sequence(shop) == [*ALONE, *together(2)]
    assert states(shop, [*ones, strange]) == ["synced"] * 3 + ["pending"]


# ------------------------------------------------------------------- more came back than was asked


@pytest.fixture
def overreached(shop):
    """Five creates are sent, and in answer to the third Jetti returns the whole sale. Returns are
    of one of two lines each."""
    ones = noted(shop, 7, ("Acme", 1), ("Bolt", 1), units=(1, 0))
    stopped = []

    def mislead(write):
        shop.sent.append(write)
        number = len(creates(shop))
        shop.switches.cancel_ids_key = WRONG_KEY if number == 3 else "ids"
        with_state = shop.ledger.meta.read().creation_stopped is not None
        stopped.append((write.method, number, with_state))

    shop.world.sandbox.on_write = mislead
    return ones, stopped


def test_creation_stops_before_anything_else_is_written_and_the_others_are_finished(
    shop, overreached
):
    ones, stopped = overreached

    done = shop.push()

    assert done[ones[2]].outcome == "review"
    assert {done[one].outcome for one in ones if one != ones[2]} == {"pushed"}
    after = [told for _, number, told in stopped if number == 7]
    assert after[0] is False, "the last create"
    assert set(after[1:]) == {True}
    assert shop.ledger.meta.read().creation_stopped.startswith(f"return {ones[2]}: ")
    [strange] = [order for order in shop.world.orders if len(shop.world.on_order(order)) == 2]
    assert [row["status"] for row in shop.world.on_order(strange)] == ["requested", "cancelled"]


def test_where_cancelling_ends_the_pass_the_others_are_recorded_before(shop, overreached):
    ones, _ = overreached
    shop.world.breaks("PUT *", "401", nth=3)  # after the two of the first return

    done = push_until_raised(shop, KeyRefused)

    assert done == {ones[0]: "pushed"}
    recorded = [shop.entry(one) for one in ones if one != ones[2]]
    assert {len(entry.sale_returns) for entry in recorded} == {1}
    assert {len(entry.intents) for entry in recorded} == {0}


# ----------------------------------------------------------------------------------------- budgets


def test_each_that_is_begun_is_finished_and_none_begins_that_would_not_have_alone(shop):
    """By the number of writes that are allowed."""
    ones = noted(shop, 8, ("Acme", 1), ("Bolt", 1))
    most = 17

    done = list(shop.parts.pusher().push(shop.plan(), lambda owed: len(shop.sent) + owed < most))

    assert [change.return_id for change in done] == ones[: len(done)]
    assert len(done) == 4, "five writes each: the fourth begins after fifteen"


# ------------------------------------------------------------------------------- what was written


def test_of_all_that_have_no_outcome_it_is_told_what_was_written(shop):
    ones = noted(shop, 6)
    shop.world.breaks("PUT *", "401", nth=4)
    pusher = shop.parts.pusher()
    done = []

    with pytest.raises(KeyRefused):
        done.extend(pusher.push(shop.plan()))

    assert [change.return_id for change in done] == ones[:1]
    left = pusher.unfinished()
    assert set(left) == set(ones[1:])
    quantities = {
        one: [field.after for field in written.fields if field.field.startswith("quantity")]
        for one, written in left.items()
    }
    assert quantities == {one: [1] if one == ones[1] else [0] for one in ones[1:]}
