"""What a person reads when the program stops or asks for a decision, word for word.

A message names who, what and the way out; a number or a name that is missing in it leads astray.
"""

from __future__ import annotations

import pytest
from core_samples import (
    DAY,
    HOUR,
    NOON,
    SALE_ID,
    a_return,
    a_sale,
    a_sighting,
    an_entry,
    an_intent,
    as_shown,
    pushed,
    pushed_item,
    sale_item,
    shown,
    wanted_line,
    wants,
)
from msgspec.structs import replace

from reconciler.core.agenda import Held, agenda, as_pushed
from reconciler.core.attribution import attribute
from reconciler.core.created import check_created
from reconciler.core.guard import (
    Grounds,
    RangeSum,
    check_ledger_is_not_lost,
    check_shop,
    guard,
    stop,
)
from reconciler.core.model import Operation, Purpose, State, Window, Write
from reconciler.core.plan import Terms, make_plan
from reconciler.core.rules import Guards, Policy
from reconciler.core.sale import choose_sale
from reconciler.core.verdict import Review, Wait
from reconciler.core.watermark import check_clock, check_plausible, check_progress
from reconciler.errors import ReconcilerError

ALL = frozenset("ABCD")
AB = wants(wanted_line("A"), wanted_line("B"))
KNOWN = pushed(id=30)


def said(check, *arguments):
    with pytest.raises(ReconcilerError) as raised:
        check(*arguments)
    return str(raised.value), raised.value.hint


# ------------------------------------------------------------------------------------------ stops


def test_a_clock_that_cannot_be_right():
    assert said(check_clock, NOON, NOON + 2 * DAY) == (
        "this machine's clock says 2026-03-01 12:00Z, but reading was already complete up to "
        "2026-03-03 12:00Z",
        "set the clock, then run again",
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "whose"),
    [
        (NOON, NOON + HOUR, "this machine"),
        (NOON, NOON, "this machine"),
        (NOON + HOUR, NOON, "Loop"),
    ],
)
def test_a_clock_that_was_set_back(ours, theirs, whose):
    assert said(check_progress, ours, theirs, NOON + 2 * HOUR) == (
        f"{whose} says that it is 2026-03-01 12:00Z, but reading was already complete up to "
        "2026-03-01 14:00Z; nothing newer is read until then",
        "set the clock, then run again",
    )


def test_a_listing_that_is_not_believed():
    assert said(check_plausible, set("12345"), set(), Window(NOON, NOON + HOUR)) == (
        "Loop lists none of 5 returns that were updated between 2026-03-01 12:00Z and "
        "2026-03-01 13:00Z; the listing is not believed and the watermark stays",
        "check in Loop whether the key still belongs to this shop, then run again",
    )


def test_a_plan_that_is_too_large():
    terms = Terms(Policy(), go_live=NOON - 900 * DAY, typed=False)
    created = [an_entry(seen=a_return(id=f"{number}")) for number in range(3)]
    more, known = wants(wanted_line("A", 2)), (pushed(),)
    changed = [
        an_entry(more, seen=a_return(id=f"9{number}"), sale_returns=known) for number in range(4)
    ]
    plan = make_plan(created + changed, terms, NOON)
    grounds = Grounds(
        guards=Guards(creates=2, updates=3, share=0.25), changed_lately=10, mapping_is_new=True
    )

    stopped = stop(guard(plan, grounds), grounds, "reconciler run --sweep 120d")

    assert (str(stopped), stopped.hint) == (
        f"plan {plan.digest} was not carried out: it would create 3 returns (the limits are 2 and "
        "25% of the 10 that changed in Loop in 28 days); it would update or cancel 4 returns (the "
        "limits are 3 and 25% of the 10 that changed in Loop in 28 days); the changed mapping "
        "would change 4 pushed returns",
        "look at it with `reconciler run --sweep 120d --dry-run`, then let it through with "
        f"`reconciler run --sweep 120d --accept-plan {plan.digest}`",
    )


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (
            RangeSum(384, 380, 0, 12, 200, 1300.0),
            "it would create 384 returns, 380 of them from before go-live, mail 12 vendors for the"
            " first 200, which takes about 21m",
        ),
        (
            RangeSum(1, 0, 3, 1, 1, 4.2),
            "it would create 1 return, mail 1 vendor, and change 3 pushed returns by the changed"
            " mapping, which takes about 4s",
        ),
        (RangeSum(26, 0, 0, None, 26, 90), "it would create 26 returns, which takes about 90s"),
    ],
)
def test_the_sum_of_a_range(total, said):
    assert total.in_words() == said


def test_a_ledger_that_seems_to_be_lost():
    assert said(check_ledger_is_not_lost, ["7001", "7002"]) == (
        "this ledger has never pushed anything, but Jetti already holds 2 of the planned returns "
        "(first: 7001)",
        "if the ledger was lost or made anew: reconciler init --adopt",
    )


def test_another_shop():
    assert said(check_shop, "acme", {"cord": 2, "bolt": 1}) == (
        "Loop's key belongs to shop bolt, cord, but this ledger was made for acme",
        "check LOOP_API_KEY; after a renamed shop: reconciler init --repin",
    )


# ---------------------------------------------------------------------- what a person must look at


@pytest.mark.parametrize(
    ("sales", "reason"),
    [
        (
            [a_sale(id=7), a_sale(id=1), a_sale(id=5, is_clone=True)],
            "order #1001 matches 2 sales in Jetti: 1 (1001), with the order's id, 7 (1001), with "
            "the order's id; not 5 (1001), a clone. Cancel the wrong one in Jetti or give it its "
            "own order id and name",
        ),
        (
            [a_sale(reference="1002"), a_sale(id=4, external_id=None)],
            "order #1001 matches 2 sales in Jetti: 10 (1002), with the order's id, 4 (1001), with "
            "its name and without an order id. Cancel the wrong one in Jetti or give it its own "
            "order id and name",
        ),
        (
            [a_sale(id=1), a_sale(id=7), a_sale(id=8, is_cancelled=True)],
            "order #1001 matches 2 sales in Jetti: 1 (1001), with the order's id, 7 (1001), with "
            "the order's id; not 8 (1001), cancelled. Cancel the wrong one in Jetti or give it "
            "its own order id and name",
        ),
    ],
)
def test_which_sale_it_is(sales, reason):
    assert choose_sale(a_return(), sales).reason == reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "Jetti was asked to return sale items [1, 2] and returned none"),
        ([shown(30, {"A": 0})], "Jetti was asked to return sale items [1, 2] and returned [1]"),
        (
            [shown(30, {"A": 0, "C": 0}), shown(31, {"D": 0})],
            "Jetti returned items that were not asked for: sale return 1001-30 (30), 1001-31 (31)",
        ),
    ],
)
def test_what_a_create_made(rows, reason):
    assert check_created(Write(Operation.CREATE, SALE_ID, (1, 2)), rows, ()).reason == reason


def marked(id=30, line="A", **changes):
    return shown(id, {line: 1}, marker="7001", **changes)


def lost(*sale_item_ids):
    return an_entry(AB, state=State.UNKNOWN, intents=(an_intent(*(sale_item_ids or (1, 2))),))


RIVAL = an_entry(seen=a_return(id="7002"))
JUDGED = {
    "order": (
        an_entry(),
        a_sighting(sales=()),
        Wait("order #1001 is not in Jetti yet", order_found=False),
    ),
    "line": (
        an_entry(),
        a_sighting(sale_items=()),
        Wait("order line A is not in Jetti yet", order_found=True),
    ),
    "no order": (
        an_entry(),
        a_sighting(marked(), sales=()),
        Review("Jetti has sale returns for order #1001 but not the order"),
    ),
    "deleted": (
        an_entry(sale_returns=(KNOWN,)),
        a_sighting(),
        Review("sale return 1001-30 (30) was deleted in Jetti"),
    ),
    "item deleted": (
        an_entry(sale_returns=(KNOWN,)),
        a_sighting(ours=(replace(as_shown(KNOWN), items=()),)),
        Review("an item of sale return 1001-30 (30) was deleted in Jetti"),
    ),
    "astray": (
        an_entry(),
        a_sighting(ours=(marked(30, sale_id=99), marked(31, "B", sale_id=98))),
        Review("sale return 30, 31 carries this return's marker but is not on order #1001"),
    ),
    "bundle": (
        an_entry(),
        a_sighting(sale_items=(sale_item("A", is_bundle=True),)),
        Review("order line A is a bundle or part of one"),
    ),
    "twice": (
        an_entry(),
        a_sighting(sale_items=(sale_item("A"), sale_item("A", id=9))),
        Review(
            "order line A is 2 sale items in Jetti, and 1 of its 2 units comes back: 1 (in-house, "
            "1 of 1 left), 9 (in-house, 1 of 1 left). Raise the sale return for the right ones in "
            "Jetti, with this return's id as its externalId"
        ),
    ),
    "used up": (
        an_entry(wants(wanted_line("A", 2))),
        a_sighting(sale_items=(sale_item("A", 3, returned=2),)),
        Review("order line A: 2 to return, but only 1 of 3 are left in Jetti"),
    ),
    "growth": (
        an_entry(wants(wanted_line("A", 3)), sale_returns=(KNOWN,)),
        a_sighting(ours=(as_shown(KNOWN),), sale_items=(sale_item("A", 2, returned=1),)),
        Review("order line A: 2 more to return, but only 1 of 2 are left in Jetti"),
    ),
    "overlap": (
        an_entry(),
        a_sighting(shown(30, {"A": 2}), shown(31, {"A": 1})),
        Review(
            "unmarked sale return 1001-30 (30), 1001-31 (31) overlaps this return's lines without "
            "matching them: it holds 3 of order line A, the return 1 of order line A. Give it the "
            "id of its return as externalId in Jetti, or cancel it"
        ),
    ),
    "older": (
        an_entry(),
        a_sighting(shown(30, {"A": 1}, created_at=NOON - 2 * DAY)),
        Review(
            "unmarked sale return 1001-30 (30) holds this return's lines but is older than the "
            "return. Give it the id of its return as externalId in Jetti, or cancel it"
        ),
    ),
    "stranger's items": (
        lost(),
        a_sighting(shown(30, {"A": 0, "C": 0})),
        Review(
            "sale return 1001-30 (30) appeared after our unanswered create and holds items that it "
            "did not ask for",
            overreached=True,
        ),
    ),
    "stranger's quantities": (
        lost(),
        a_sighting(shown(30, {"A": 0, "B": 2})),
        Review(
            "sale return 1001-30 (30) appeared after our unanswered create with quantities of its "
            "own"
        ),
    ),
    "beside": (
        lost(1),
        a_sighting(shown(30, {"A": 0}), shown(31, {"C": 0}), shown(32, {"D": 0})),
        Review(
            "sale return 1001-31 (31), 1001-32 (32) appeared along with what our unanswered create "
            "made, for items that it did not ask for",
            overreached=True,
        ),
    ),
    "half": (
        lost(),
        a_sighting(shown(30, {"A": 0})),
        Review("our unanswered create asked for sale items 1, 2, but sale returns for 1 appeared"),
    ),
    "empty": (
        lost(),
        a_sighting(
            shown(30, {"A": 0}), shown(31, {}), shown(32, {}), shown(33, {}, status="cancelled")
        ),
        Wait(
            "Jetti does not show yet what sale return 1001-31 (31), 1001-32 (32) holds",
            order_found=True,
        ),
    ),
    "unknown item": (
        lost(),
        a_sighting(shown(30, {"A": 0, "B": 0}), sale_items=(sale_item("A"),)),
        Review(
            "sale return 1001-30 (30) appeared after our unanswered create with quantities of its "
            "own"
        ),
    ),
}


@pytest.mark.parametrize("case", JUDGED)
def test_whose_it_is(case):
    entry, sighting, verdict = JUDGED[case]

    assert attribute(entry, sighting, (), ALL) == verdict


@pytest.mark.parametrize(
    ("rival", "verdict"),
    [
        (
            RIVAL,
            Review(
                "unmarked sale return 1001-30 (30) could stand for this return or for 7002. Give "
                "it the id of its return as externalId in Jetti, or cancel it"
            ),
        ),
        (
            replace(RIVAL, intents=(an_intent(return_id="7002"),)),
            Wait(
                "a create for return 7002 on the same lines has no answer yet",
                order_found=True,
                behind=True,
            ),
        ),
    ],
)
def test_which_return_it_stands_for(rival, verdict):
    assert attribute(an_entry(), a_sighting(shown(30, {"A": 1})), (rival,), ALL) == verdict


def test_a_marker_that_was_moved():
    rival = replace(RIVAL, sale_returns=(KNOWN, pushed(id=31)))

    assert attribute(an_entry(), a_sighting(marked(30), marked(31, "B")), (rival,), ALL) == Review(
        "sale return 30, 31 carries this return's marker but stands for return 7002, 7002"
    )


CHANGED = {
    "revived": (
        an_entry(),
        pushed(status="cancelled"),
        {},
        "sale return 1001-21 (21) is cancelled, but its lines are wanted",
    ),
    "received": (
        an_entry(wants(purpose=Purpose.CANCEL)),
        pushed(),
        {"status": "received"},
        "sale return 1001-21 (21) should be cancelled, but Jetti says received",
    ),
    "a person's quantity": (
        an_entry(wants(wanted_line("A", 2))),
        pushed(),
        {"quantity": 5},
        "sale return 1001-21 (21): order line A should change to another quantity, but a person "
        "set 5 in Jetti",
    ),
    "a quantity after the end": (
        an_entry(wants(wanted_line("A", 2))),
        pushed(pushed_item("A")),
        {"status": "received"},
        "sale return 1001-21 (21): order line A should become 2, but Jetti says received",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_cannot_be_told_any_more(case):
    entry, known, shows, reason = CHANGED[case]
    held = as_pushed(known)
    shown_items = {id_: fields | shows for id_, fields in held.items.items()}
    now = Held(held.fields | shows, shown_items)

    assert agenda(entry, (known,), {known.id: now}, {}) == Review(reason)
