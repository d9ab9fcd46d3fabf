"""What a person reads when the program stops or asks for a decision, word for word.

A message names who, what and the way out; a number or a name that is missing in it leads astray.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.diff import Live, as_pushed, diff_of
from reconciler.core.guard import (
    GuardInputs,
    RangeSum,
    check_ledger_is_not_lost,
    check_shop,
    guard,
    stop_of,
)
from reconciler.core.matching.created import check_created
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.order import choose_sale
from reconciler.core.matching.result import NeedsReview, NotReady
from reconciler.core.model import Operation, Purpose, State, Window, Write
from reconciler.core.plan import CreationRules, make_plan
from reconciler.core.settings import Guards, Policy
from reconciler.core.windows import check_clock, check_plausible, check_progress
from reconciler.errors import ReconcilerError
from tests.core.samples import (
    DAY,
    HOUR,
    NOON,
    SALE_ID,
    a_return,
    a_sale,
    a_snapshot,
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

ALL = frozenset("ABCD")
BY_HAND = ". Do by hand in Jetti what is still wanted"
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
    rules = CreationRules(Policy(), go_live=NOON - 900 * DAY, asked_for=False)
    created = [an_entry(seen=a_return(id=f"{number}")) for number in range(3)]
    more, known = wants(wanted_line("A", 2)), (pushed(),)
    changed = [
        an_entry(more, seen=a_return(id=f"9{number}"), sale_returns=known) for number in range(4)
    ]
    plan = make_plan(created + changed, rules, NOON)
    inputs = GuardInputs(
        guards=Guards(creates=2, updates=3, share=0.25), changed_lately=10, mapping_is_new=True
    )

    stopped = stop_of(guard(plan, inputs), inputs, "reconciler run --sweep 120d")

    assert (str(stopped), stopped.hint) == (
        f"plan {plan.digest} was not carried out: it would create 3 returns (the limits are 2 and "
        "25% of the 10 that changed in Loop in 28 days); it would update or cancel 4 returns (the "
        "limits are 3 and 25% of the 10 that changed in Loop in 28 days); the changed mapping "
        "would change 4 pushed returns",
        "look at it with `reconciler run --sweep 120d --dry-run`, then let it through with "
        f"`reconciler run --sweep 120d --accept-plan {plan.digest}`",
    )


@pytest.mark.covers("R8")
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


@pytest.mark.covers("R6")
@pytest.mark.parametrize(
    ("sales", "reason"),
    [
        (
            [a_sale(id=7), a_sale(id=1), a_sale(id=5, is_clone=True)],
            "order #1001 matches 2 sales in Jetti: 1 (1001), with the order's id, 7 (1001), with "
            "the order's id; not 5 (1001), a clone. Cancel the wrong one in Jetti or give it its "
            f"own order id and name{BY_HAND}",
        ),
        (
            [a_sale(reference="1002"), a_sale(id=4, external_id=None)],
            "order #1001 matches 2 sales in Jetti: 10 (1002), with the order's id, 4 (1001), with "
            "its name and without an order id. Cancel the wrong one in Jetti or give it its own "
            f"order id and name{BY_HAND}",
        ),
        (
            [a_sale(id=1), a_sale(id=7), a_sale(id=8, is_cancelled=True)],
            "order #1001 matches 2 sales in Jetti: 1 (1001), with the order's id, 7 (1001), with "
            "the order's id; not 8 (1001), cancelled or wholly returned. Cancel the wrong one in "
            f"Jetti or give it its own order id and name{BY_HAND}",
        ),
        (
            [
                a_sale(id=1),
                a_sale(id=7),
                a_sale(id=2, external_id="4801"),
                a_sale(id=3, external_id=None),
                a_sale(id=4, external_id=None, reference="1002"),
            ],
            "order #1001 matches 2 sales in Jetti: 1 (1001), with the order's id, 7 (1001), with "
            "the order's id; not 2 (1001), with order id 4801, 3 (1001), without an order id, "
            "4 (1002), with another name. Cancel the wrong one in Jetti or give it "
            f"its own order id and name{BY_HAND}",
        ),
    ],
)
def test_which_sale_it_is(sales, reason):
    assert choose_sale(a_return(), sales).reason == reason


def test_a_sale_that_gave_way_because_nothing_is_left_of_it():
    sales = [a_sale(id=1), a_sale(id=7), a_sale(id=8, external_id="4800")]
    items = [sale_item("A", 1, sale_id=8, returned=1)]

    assert choose_sale(a_return(), sales, items).reason == (
        "order #1001 matches 2 sales in Jetti: 1 (1001), with the order's id, 7 (1001), with "
        "the order's id; not 8 (1001), with nothing left. Cancel the wrong one in Jetti or give it "
        f"its own order id and name{BY_HAND}"
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], f"Jetti was asked to return sale items 1, 2 and returned none{BY_HAND}"),
        (
            [shown(30, {"A": 0})],
            f"Jetti was asked to return sale items 1, 2 and returned 1, in 1001-30 (30){BY_HAND}",
        ),
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


def of_others(count):
    """An order with so many sale items, none of which is of the line that is looked for."""
    return a_snapshot(sale_items=tuple(replace(sale_item("B"), id=30 + n) for n in range(count)))


def lacking_among(named, more=""):
    """What is said of a line that is none of so many."""
    items = "; ".join(
        f"{30 + n} (in-house, 1 of 1 left), which is order line B" for n in range(named)
    )
    return NotReady(
        "order line A is not in Jetti yet",
        order_found=True,
        instead=f"its sale 10 has sale item {items}{more}",
    )


MATCHED = {
    "order": (
        an_entry(),
        a_snapshot(sales=()),
        NotReady("order #1001 is not in Jetti yet", order_found=False),
    ),
    "line": (
        an_entry(),
        a_snapshot(sale_items=()),
        NotReady(
            "order line A is not in Jetti yet", order_found=True, instead="its sale has no items"
        ),
    ),
    "line of another": (
        an_entry(),
        a_snapshot(sale_items=(sale_item("B"), replace(sale_item("C"), order_line_id=None))),
        NotReady(
            "order line A is not in Jetti yet",
            order_found=True,
            instead="its sale 10 has sale item 2 (in-house, 1 of 1 left), which is order line B; "
            "3 (in-house, 1 of 1 left), which is not a line of the shop's",
        ),
    ),
    "line of many others": (an_entry(), of_others(12), lacking_among(10, "; and 2 more")),
    "line of ten others": (an_entry(), of_others(10), lacking_among(10)),
    "no order": (
        an_entry(),
        a_snapshot(marked(), sales=()),
        NeedsReview(
            "Jetti has sale return 1001-30 (30) on sale 10 for order #1001 but not the order"
            f"{BY_HAND}"
        ),
    ),
    "only a clone": (
        an_entry(),
        a_snapshot(marked(), sales=(a_sale(is_clone=True),)),
        NeedsReview(
            "Jetti has sale return 1001-30 (30) on sale 10 for order #1001 but not the order; not "
            f"10 (1001), a clone{BY_HAND}"
        ),
    ),
    "deleted": (
        an_entry(sale_returns=(KNOWN,)),
        a_snapshot(),
        NeedsReview(
            "sale return 1001-30 (30) was deleted in Jetti and is never made again by itself"
            f"{BY_HAND}"
        ),
    ),
    "two deleted": (
        an_entry(AB, sale_returns=(KNOWN, pushed(pushed_item("B"), id=31))),
        a_snapshot(),
        NeedsReview(
            "sale return 1001-30 (30), 1001-31 (31) was deleted in Jetti and is never made again "
            f"by itself{BY_HAND}"
        ),
    ),
    "item deleted": (
        an_entry(sale_returns=(KNOWN,)),
        a_snapshot(ours=(replace(as_shown(KNOWN), items=()),)),
        NeedsReview(
            "order line A of sale return 1001-30 (30) was deleted in Jetti and is never made "
            f"again by itself{BY_HAND}"
        ),
    ),
    "astray": (
        an_entry(),
        a_snapshot(ours=(marked(30, sale_id=99), marked(31, "B", sale_id=98))),
        NeedsReview(
            "sale return 1001-30 (30) on sale 99, 1001-31 (31) on sale 98 carries this return's "
            "marker but is not on order #1001, which is sale 10 (1001). Take the marker off in "
            f"Jetti if it is not this return's{BY_HAND}"
        ),
    ),
    "thrice": (
        an_entry(sale_returns=(KNOWN,)),
        a_snapshot(ours=(as_shown(KNOWN), marked(31), marked(32))),
        NeedsReview(
            "sale item 1 stands 3 times for this return: in sale returns 1001-30 (30) with 1 of "
            "it, known before, 1001-31 (31) with 1 of it, found by its marker, 1001-32 (32) with "
            f"1 of it, found by its marker. Cancel those too many{BY_HAND}"
        ),
    ),
    "elsewhere": (
        replace(lost(1), intents=(an_intent(write=Write(Operation.CREATE, 99, (1,))),)),
        a_snapshot(),
        NeedsReview(
            "our unanswered create was sent to sale 99, but order #1001 is sale 10 (1001) by now. "
            f"See what it made there{BY_HAND}"
        ),
    ),
    "bundle": (
        an_entry(),
        a_snapshot(sale_items=(sale_item("A", is_bundle=True),)),
        NeedsReview(
            "order line A is a bundle or part of one: sale item 1 (in-house, 1 of 1 left, a bundle "
            "or part of one). Raise the sale return for the right ones by hand in Jetti, with this "
            "return's id as its externalId"
        ),
    ),
    "twice": (
        an_entry(),
        a_snapshot(sale_items=(sale_item("A"), sale_item("A", id=9))),
        NeedsReview(
            "order line A is 2 sale items in Jetti, and 1 of its 2 units comes back: 1 (in-house, "
            "1 of 1 left), 9 (in-house, 1 of 1 left). Raise the sale return for the right ones "
            "by hand in Jetti, with this return's id as its externalId"
        ),
    ),
    "used up": (
        an_entry(wants(wanted_line("A", 2))),
        a_snapshot(sale_items=(sale_item("A", 3, returned=2),)),
        NeedsReview(
            "order line A: 2 to return, but only 1 of 3 are left in Jetti: sale item 1 (in-house, "
            f"1 of 3 left){BY_HAND}"
        ),
    ),
    "growth": (
        an_entry(wants(wanted_line("A", 3)), sale_returns=(KNOWN,)),
        a_snapshot(ours=(as_shown(KNOWN),), sale_items=(sale_item("A", 2, returned=1),)),
        NeedsReview(
            "order line A: 2 more to return, but only 1 of 2 are left in Jetti: sale item 1 "
            f"(in-house, 1 of 2 left){BY_HAND}"
        ),
    ),
    "overlap": (
        an_entry(),
        a_snapshot(shown(30, {"A": 2}), shown(31, {"A": 1})),
        NeedsReview(
            "unmarked sale return 1001-30 (30) with 2 of order line A, 1001-31 (31) with 1 of "
            "order line A overlaps this return's lines without matching them: the return has 1 of "
            "order line A. Give it the id of its return as externalId in Jetti, or cancel it"
            f"{BY_HAND}"
        ),
    ),
    "older": (
        an_entry(),
        a_snapshot(shown(30, {"A": 1}, created_at=NOON - 2 * DAY)),
        NeedsReview(
            "unmarked sale return 1001-30 (30) with 1 of order line A holds this return's lines "
            "but is older than the return: it was made 2026-02-27 12:00Z, the return 2026-02-28 "
            "12:00Z. Give it the id of its return as externalId in Jetti, or cancel it"
            f"{BY_HAND}"
        ),
    ),
    "stranger's items": (
        lost(),
        a_snapshot(shown(30, {"A": 0, "C": 0})),
        NeedsReview(
            "sale return 1001-30 (30) of sale items 1 and 3 appeared after our unanswered create "
            "of sale items 1 and 2 and holds items that it did not ask for. Cancel in Jetti what "
            f"nobody asked for{BY_HAND}",
            overreached=True,
        ),
    ),
    "stranger's quantities": (
        lost(),
        a_snapshot(shown(30, {"A": 0, "B": 2})),
        NeedsReview(
            "sale return 1001-30 (30) with 2 of sale item 2 appeared after our unanswered create "
            "of sale items 1 and 2 with quantities of its own: not 0, not all that was left, not "
            "what is wanted. Give it the id of its return as externalId in Jetti, or cancel it"
            f"{BY_HAND}"
        ),
    ),
    "beside": (
        lost(1),
        a_snapshot(shown(30, {"A": 0}), shown(31, {"C": 0}), shown(32, {"D": 0})),
        NeedsReview(
            "sale return 1001-31 (31) of sale item 3, 1001-32 (32) of sale item 4 appeared along "
            "with 1001-30 (30), which our unanswered create of sale item 1 made, for items that it "
            f"did not ask for. Cancel in Jetti what nobody asked for{BY_HAND}",
            overreached=True,
        ),
    ),
    "half": (
        lost(),
        a_snapshot(shown(30, {"A": 0})),
        NeedsReview(
            "our unanswered create asked for sale items 1 and 2, but sale returns for 1 appeared: "
            f"1001-30 (30) of sale item 1{BY_HAND}"
        ),
    ),
    "empty": (
        lost(),
        a_snapshot(
            shown(30, {"A": 0}), shown(31, {}), shown(32, {}), shown(33, {}, status="cancelled")
        ),
        NotReady(
            "Jetti does not show yet what sale return 1001-31 (31), 1001-32 (32) holds",
            order_found=True,
        ),
    ),
    "unknown item": (
        lost(),
        a_snapshot(shown(30, {"A": 0, "B": 0}), sale_items=(sale_item("A"),)),
        NeedsReview(
            "sale return 1001-30 (30) with 0 of sale item 2 appeared after our unanswered create "
            "of sale items 1 and 2 with quantities of its own: not 0, not all that was left, not "
            "what is wanted. Give it the id of its return as externalId in Jetti, or cancel it"
            f"{BY_HAND}"
        ),
    ),
}


@pytest.mark.covers("R6")
@pytest.mark.parametrize("case", MATCHED)
def test_whose_it_is(case):
    entry, snapshot, result = MATCHED[case]

    assert match_entry(entry, snapshot, (), ALL) == result


@pytest.mark.parametrize(
    ("other", "result"),
    [
        (
            RIVAL,
            NeedsReview(
                "unmarked sale return 1001-30 (30) with 1 of order line A could stand for this "
                "return or for 7002: they want the same lines. Give it the id of its return as "
                f"externalId in Jetti, or cancel it{BY_HAND}"
            ),
        ),
        (
            replace(RIVAL, intents=(an_intent(return_id="7002"),)),
            NotReady(
                "a create for return 7002 on the same lines has no answer yet",
                order_found=True,
                behind=True,
            ),
        ),
    ],
)
def test_which_return_it_stands_for(other, result):
    assert match_entry(an_entry(), a_snapshot(shown(30, {"A": 1})), (other,), ALL) == result


def test_a_marker_that_was_moved():
    other = replace(RIVAL, sale_returns=(KNOWN, pushed(id=31)))

    assert match_entry(
        an_entry(), a_snapshot(marked(30), marked(31, "B")), (other,), ALL
    ) == NeedsReview(
        "a sale return carries this return's marker but is another's: 1001-30 (30) stands for "
        "return 7002, 1001-31 (31) stands for return 7002. Take the marker off in Jetti if it is "
        f"not this return's{BY_HAND}"
    )


CHANGED = {
    "revived": (
        an_entry(),
        pushed(status="cancelled"),
        {},
        "sale return 1001-21 (21) is cancelled, but its lines are wanted: 1 of order line A",
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
        "sale return 1001-21 (21): order line A should become 2, but a person set 5 in Jetti",
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
    now = Live(held.fields | shows, shown_items)

    assert diff_of(entry, (known,), {known.id: now}, {}) == NeedsReview(reason + BY_HAND)


@pytest.mark.covers("R6")
def test_every_sale_return_that_is_in_doubt_is_named():
    known = (pushed(status="cancelled"), pushed(pushed_item("B"), id=22, status="cancelled"))
    held = {one.id: as_pushed(one) for one in known}

    assert diff_of(an_entry(AB), known, held, {}) == NeedsReview(
        "sale return 1001-21 (21) is cancelled, but its lines are wanted: 1 of order line A; sale "
        f"return 1001-22 (22) is cancelled, but its lines are wanted: 1 of order line B{BY_HAND}"
    )
