"""What somebody reads when the program stops or asks for a decision.

A message names who, what and the way out. Here stands what each must name, because a number or a
name that is missing leads astray; the wording is in tests/golden/messages.txt.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.diff import Diff, FurtherStatus, Live, ManualEdit, as_pushed, diff_of
from reconciler.core.guard import (
    GuardInputs,
    RangeSum,
    check_ledger_is_not_lost,
    check_shop,
    guard,
    stop_of,
)
from reconciler.core.matching.created import FellShort, Overreached, check_created
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.order import choose_sale, with_order
from reconciler.core.matching.result import NeedsReview, NotReady
from reconciler.core.model import Operation, Purpose, State, Window, Write
from reconciler.core.plan import CreationRules
from reconciler.core.report import RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards, Policy
from reconciler.core.windows import check_clock, check_plausible, check_progress
from reconciler.errors import ImplausibleListing, ReconcilerError, SafetyStop, SourceError
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
    pushed,
    pushed_item,
    sale_item,
    shown,
    wanted_line,
    wants,
)
from tests.core.samples import (
    as_shown as jetti_shows,
)
from tests.core.wording import REVIEW, assert_names, without_words, words_of
from tests.support.golden import as_shown, by_name
from tests.support.planning import make_plan

ALL = frozenset("ABCD")
AB = wants(wanted_line("A"), wanted_line("B"))
KNOWN = pushed(id=30)


def stopped_by(check, *arguments):
    with pytest.raises(ReconcilerError) as raised:
        check(*arguments)
    return raised.value


# ------------------------------------------------------------------------------------------ stops


def test_a_clock_that_cannot_be_right(golden):
    stop = stopped_by(check_clock, NOON, NOON + 2 * DAY)

    assert type(stop) is SafetyStop
    assert_names(str(stop), "2026-03-01 12:00Z", "2026-03-03 12:00Z")
    golden(as_shown(stop))


@pytest.mark.parametrize(
    ("ours", "theirs", "whose"),
    [
        pytest.param(NOON, NOON + HOUR, "this machine", id="ours"),
        pytest.param(NOON, NOON, "this machine", id="both"),
        pytest.param(NOON + HOUR, NOON, "Loop", id="Loop's"),
    ],
)
def test_a_clock_that_was_set_back(ours, theirs, whose, golden):
    stop = stopped_by(check_progress, ours, theirs, NOON + 2 * HOUR)

    assert type(stop) is SourceError
    assert_names(str(stop), whose, "2026-03-01 12:00Z", "2026-03-01 14:00Z")
    golden(as_shown(stop))


def test_a_listing_that_is_not_believed(golden):
    stop = stopped_by(check_plausible, set("12345"), set(), Window(NOON, NOON + HOUR))

    assert type(stop) is ImplausibleListing
    assert_names(str(stop), "none", "5", "2026-03-01 12:00Z", "2026-03-01 13:00Z")
    golden(as_shown(stop))


def test_a_plan_that_is_too_large(golden):
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

    stopped = stop_of(
        guard(plan, inputs), inputs, RunRequest(kind=RunKind.SWEEP, sweep=timedelta(days=120))
    )

    assert_names(str(stopped), plan.digest, "3", "2", "4", "25%", "10", "mapping")
    assert stopped.command == f"reconciler run --sweep 120d --accept-plan {plan.digest}"
    assert f"`{stopped.command}`" in stopped.hint
    assert "`reconciler run --sweep 120d --dry-run`" in stopped.hint
    golden(by_name(as_shown(stopped), [(plan.digest, "DIGEST")]))


@pytest.mark.covers("R8")
@pytest.mark.parametrize(
    ("total", "facts"),
    [
        pytest.param(
            RangeSum((), 384, 0, 380, 0, 12, 200, 1300.0),
            ("384", "380", "12", "200", "22m"),
            id="large",
        ),
        pytest.param(
            RangeSum((), 1, 0, 0, 3, 1, 1, 4.2), ("1", "3", "4s"), id="with a new mapping"
        ),
        pytest.param(
            RangeSum((), 26, 2, 0, 0, None, 26, 90),
            ("26", "2 of them accepted before", "90s"),
            id="vendors not known",
        ),
        pytest.param(
            RangeSum((), 26, 2, 0, 0, None, 26, 144.4, reviewed=11),
            ("26", "2 of them accepted before", "11 of them in the plan", "2.4m"),
            id="some of it named by --accept-plan",
        ),
        pytest.param(
            RangeSum((), 26, 0, 0, 0, 1, 26, 90, creation_stopped=True),
            ("26 returns if creation were not stopped",),
            id="creation is stopped",
        ),
    ],
)
def test_the_sum_of_a_range(total, facts, golden):
    assert_names(total.in_words(), *facts)
    golden(total.in_words())


def test_a_ledger_that_seems_to_be_lost(golden):
    stop = stopped_by(check_ledger_is_not_lost, ["7001", "7002"], 2, NOON)

    assert_names(str(stop), "2 of the 2 returns", "7001")
    assert "at least" not in str(stop)
    assert stop.command == "reconciler init --adopt --since DATE"
    assert stop.command in stop.hint
    golden(as_shown(stop))


def test_another_shop(golden):
    stop = stopped_by(check_shop, "acme", {"cord": 2, "bolt": 1})

    assert_names(str(stop), "acme", "bolt", "cord")
    assert_names(stop.hint, "LOOP_API_KEY", "reconciler init --repin")
    golden(as_shown(stop))


# ---------------------------------------------------------------------- what a person must look at


@pytest.mark.covers("R6")
@pytest.mark.parametrize(
    "sales",
    [
        pytest.param([a_sale(id=7), a_sale(id=1), a_sale(id=5, is_clone=True)], id="a clone"),
        pytest.param([a_sale(reference="1002"), a_sale(id=4, external_id=None)], id="by its name"),
        pytest.param([a_sale(id=1), a_sale(id=7), a_sale(id=8, is_cancelled=True)], id="cancelled"),
        pytest.param(
            [
                a_sale(id=1),
                a_sale(id=7),
                a_sale(id=2, external_id="4801"),
                a_sale(id=3, external_id=None),
                a_sale(id=4, external_id=None, reference="1002"),
            ],
            id="of other orders",
        ),
    ],
)
def test_which_sale_it_is(sales, golden):
    reason = choose_sale(a_return(), sales).reason

    assert_names(
        reason, "#1001", "matches 2 sales", *(f"{sale.id} ({sale.reference}" for sale in sales)
    )
    golden(reason)


def test_a_sale_that_gave_way_because_nothing_is_left_of_it(golden):
    sales = [a_sale(id=1), a_sale(id=7), a_sale(id=8, external_id="4800")]
    items = [sale_item("A", 1, sale_id=8, returned=1)]

    reason = choose_sale(a_return(), sales, items).reason

    assert_names(reason, "#1001", "1", "7", "8")
    golden(reason)


@pytest.mark.parametrize(
    ("rows", "kind", "facts"),
    [
        pytest.param([], FellShort, ("1, 2",), id="nothing"),
        pytest.param([shown(30, {"A": 0})], FellShort, ("1, 2", "1001-30 (30"), id="too little"),
        pytest.param(
            [shown(30, {"A": 0, "C": 0}), shown(31, {"D": 0})],
            Overreached,
            ("1001-30 (30", "1001-31 (31"),
            id="too much",
        ),
    ],
)
def test_what_a_create_made(rows, kind, facts, golden):
    found = check_created(Write(Operation.CREATE, SALE_ID, (1, 2)), rows, ())

    assert type(found) is kind
    assert_names(found.reason, *facts)
    golden(found.reason)


def marked(id=30, line="A", **changes):
    return shown(id, {line: 1}, marker="7001", **changes)


def lost(*sale_item_ids):
    return an_entry(AB, state=State.UNKNOWN, intents=(an_intent(*(sale_item_ids or (1, 2))),))


RIVAL = an_entry(seen=a_return(id="7002"))


def of_others(count):
    """An order with so many sale items, none of which is of the line that is looked for."""
    return a_snapshot(sale_items=tuple(replace(sale_item("B"), id=30 + n) for n in range(count)))


OVERREACHED = NeedsReview("", overreached=True)
NO_ORDER = NotReady("", order_found=False)
NO_LINE = NotReady("", order_found=True)
BEHIND = NotReady("", order_found=True, waits_for_another=True)

MATCHED = {
    "order": (an_entry(), a_snapshot(sales=()), NO_ORDER, ("#1001",)),
    "line": (an_entry(), a_snapshot(sale_items=()), NO_LINE, ("A",)),
    "line of another": (
        an_entry(),
        a_snapshot(sale_items=(sale_item("B"), replace(sale_item("C"), order_line_id=None))),
        NO_LINE,
        ("A", "sale 10", "2 (in-house", "B", "3 (in-house"),
    ),
    "line of many others": (
        an_entry(),
        of_others(12),
        NO_LINE,
        ("A", *(f"{number} (in-house" for number in range(30, 40)), "2"),
    ),
    "line of ten others": (
        an_entry(),
        of_others(10),
        NO_LINE,
        ("A", *(f"{number} (in-house" for number in range(30, 40))),
    ),
    "no order": (
        an_entry(),
        a_snapshot(marked(), sales=()),
        REVIEW,
        ("1001-30 (30)", "sale 10", "#1001"),
    ),
    "only a clone": (
        an_entry(),
        a_snapshot(marked(), sales=(a_sale(is_clone=True),)),
        REVIEW,
        ("1001-30 (30)", "sale 10", "#1001", "10 (1001)"),
    ),
    "deleted": (an_entry(sale_returns=(KNOWN,)), a_snapshot(), REVIEW, ("1001-30 (30)",)),
    "two deleted": (
        an_entry(AB, sale_returns=(KNOWN, pushed(pushed_item("B"), id=31))),
        a_snapshot(),
        REVIEW,
        ("1001-30 (30)", "1001-31 (31)"),
    ),
    "item deleted": (
        an_entry(sale_returns=(KNOWN,)),
        a_snapshot(ours=(replace(jetti_shows(KNOWN), items=()),)),
        REVIEW,
        ("A", "1001-30 (30)"),
    ),
    "astray": (
        an_entry(),
        a_snapshot(ours=(marked(30, sale_id=99), marked(31, "B", sale_id=98))),
        REVIEW,
        ("1001-30 (30) on sale 99", "1001-31 (31) on sale 98", "#1001", "10 (1001)"),
    ),
    "thrice": (
        an_entry(sale_returns=(KNOWN,)),
        a_snapshot(ours=(jetti_shows(KNOWN), marked(31), marked(32))),
        REVIEW,
        ("sale item 1", "1001-30 (30)", "1001-31 (31)", "1001-32 (32)"),
    ),
    "elsewhere": (
        replace(lost(1), intents=(an_intent(write=Write(Operation.CREATE, 99, (1,))),)),
        a_snapshot(),
        REVIEW,
        ("99", "#1001", "10 (1001)"),
    ),
    "bundle": (
        an_entry(),
        a_snapshot(sale_items=(sale_item("A", is_bundle=True),)),
        REVIEW,
        ("A", "sale item 1", "externalId"),
    ),
    "twice": (
        an_entry(),
        a_snapshot(sale_items=(sale_item("A"), sale_item("A", id=9))),
        REVIEW,
        ("A", "1 of its 2", "1 (in-house", "9 (in-house", "externalId"),
    ),
    "used up": (
        an_entry(wants(wanted_line("A", 2))),
        a_snapshot(sale_items=(sale_item("A", 3, returned=2),)),
        REVIEW,
        ("A", "2", "1 of 3", "sale item 1"),
    ),
    "growth": (
        an_entry(wants(wanted_line("A", 3)), sale_returns=(KNOWN,)),
        a_snapshot(ours=(jetti_shows(KNOWN),), sale_items=(sale_item("A", 2, returned=1),)),
        REVIEW,
        ("A", "2 more", "1 of 2", "sale item 1"),
    ),
    "overlap": (
        an_entry(),
        a_snapshot(shown(30, {"A": 2}), shown(31, {"A": 1})),
        REVIEW,
        ("1001-30 (30) with 2", "1001-31 (31) with 1", "A", "externalId"),
    ),
    "older": (
        an_entry(),
        a_snapshot(shown(30, {"A": 1}, created_at=NOON - 2 * DAY)),
        REVIEW,
        ("1001-30 (30)", "2026-02-27 12:00Z", "2026-02-28 12:00Z", "externalId"),
    ),
    "stranger's items": (
        lost(),
        a_snapshot(shown(30, {"A": 0, "C": 0})),
        OVERREACHED,
        ("1001-30 (30) of sale items 1 and 3", "sale items 1 and 2"),
    ),
    "stranger's quantities": (
        lost(),
        a_snapshot(shown(30, {"A": 0, "B": 2})),
        REVIEW,
        ("1001-30 (30) with 2 of sale item 2", "sale items 1 and 2", "externalId"),
    ),
    "beside": (
        lost(1),
        a_snapshot(shown(30, {"A": 0}), shown(31, {"C": 0}), shown(32, {"D": 0})),
        OVERREACHED,
        ("1001-31 (31) of sale item 3", "1001-32 (32) of sale item 4", "1001-30 (30)", "item 1"),
    ),
    "half": (
        lost(),
        a_snapshot(shown(30, {"A": 0})),
        REVIEW,
        ("sale items 1 and 2", "1001-30 (30) of sale item 1"),
    ),
    "empty": (
        lost(),
        a_snapshot(
            shown(30, {"A": 0}), shown(31, {}), shown(32, {}), shown(33, {}, status="cancelled")
        ),
        NO_LINE,
        ("1001-31 (31)", "1001-32 (32)"),
    ),
    "unknown item": (
        lost(),
        a_snapshot(shown(30, {"A": 0, "B": 0}), sale_items=(sale_item("A"),)),
        REVIEW,
        ("1001-30 (30) with 0 of sale item 2", "sale items 1 and 2", "externalId"),
    ),
}


@pytest.mark.covers("R6")
@pytest.mark.parametrize("case", MATCHED)
def test_whose_it_is(case, golden):
    entry, snapshot, decided, facts = MATCHED[case]

    result = match_entry(entry, with_order(entry, snapshot), (), ALL)

    assert without_words(result) == decided
    assert_names(words_of(result), *facts)
    golden(words_of(result))


def test_of_many_sale_items_ten_are_named():
    lacking = match_entry(an_entry(), with_order(an_entry(), of_others(12)), (), ALL)

    assert "39 (in-house" in lacking.found_instead
    assert "40" not in lacking.found_instead


@pytest.mark.parametrize(
    ("other", "decided", "facts"),
    [
        pytest.param(RIVAL, REVIEW, ("1001-30 (30)", "A", "7002", "externalId"), id="either"),
        pytest.param(
            replace(RIVAL, intents=(an_intent(return_id="7002"),)), BEHIND, ("7002",), id="not yet"
        ),
    ],
)
def test_which_return_it_stands_for(other, decided, facts, golden):
    seen = with_order(an_entry(), a_snapshot(shown(30, {"A": 1})))
    result = match_entry(an_entry(), seen, (other,), ALL)

    assert without_words(result) == decided
    assert_names(result.reason, *facts)
    golden(result.reason)


def test_a_marker_that_was_moved(golden):
    other = replace(RIVAL, sale_returns=(KNOWN, pushed(id=31)))

    seen = with_order(an_entry(), a_snapshot(marked(30), marked(31, "B")))
    result = match_entry(an_entry(), seen, (other,), ALL)

    assert without_words(result) == REVIEW
    assert_names(result.reason, "1001-30 (30)", "1001-31 (31)", "return 7002")
    golden(result.reason)


CHANGED = {
    "revived": (an_entry(), pushed(status="cancelled"), {}, ("cancelled", "1", "A")),
    "received": (
        an_entry(wants(purpose=Purpose.CANCEL)),
        pushed(),
        {"status": "received"},
        ("cancelled", "received"),
    ),
    "somebody's quantity": (
        an_entry(wants(wanted_line("A", 2))),
        pushed(),
        {"quantity": 5},
        ("A", "2", "5"),
    ),
    "a quantity after the end": (
        an_entry(wants(wanted_line("A", 2))),
        pushed(pushed_item("A")),
        {"status": "received"},
        ("A", "2", "received"),
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_cannot_be_told_any_more(case, golden):
    entry, known, shows, facts = CHANGED[case]
    held = as_pushed(known)
    shown_items = {id_: fields | shows for id_, fields in held.items.items()}
    now = Live(held.fields | shows, shown_items)

    result = diff_of(entry, (known,), {known.id: now}, {})

    assert without_words(result) == REVIEW
    assert_names(result.reason, "1001-21 (21)", *facts)
    golden(result.reason)


@pytest.mark.covers("R6")
def test_every_sale_return_that_is_in_doubt_is_named(golden):
    known = (pushed(status="cancelled"), pushed(pushed_item("B"), id=22, status="cancelled"))
    held = {one.id: as_pushed(one) for one in known}

    result = diff_of(an_entry(AB), known, held, {})

    assert without_words(result) == REVIEW
    assert_names(result.reason, "1001-21 (21)", "A", "1001-22 (22)", "B")
    golden(result.reason)


def test_what_stays_in_jetti_is_told_with_the_reason(golden):
    edited = tuple(
        ManualEdit(f"1001-2{place}", field, "theirs")
        for place, field in enumerate(("notes", "trackingNumber", "notes", "saleReturnSource"))
    )
    further = (
        FurtherStatus("1001-21", "received", "shipped"),
        FurtherStatus("1001-22", "received", "cancelled"),
    )
    left = (
        Diff(),
        Diff(kept=edited[3:]),
        Diff(kept=edited),
        Diff(further=further),
        Diff(kept=edited[:1], further=further[:1], cancelled=("1001-23",)),
    )

    said = [one.why_left() for one in left]

    assert said[:2] == [None, None]
    assert_names(said[2], "notes of 1001-20", "trackingNumber of 1001-21", "notes of 1001-22")
    assert "saleReturnSource" not in said[2]
    assert_names(said[4], "notes of 1001-20", "1001-21", "received", "shipped", "1001-23")
    golden("\n".join(said[2:]))
