from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import permutations
from json import dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core import mapping
from reconciler.core.field_changes import NO_FIELDS, FieldChange, FieldChanges, Written
from reconciler.core.model import Entry, Line, Operation, Parcel, Purpose, Return, State, Write
from reconciler.core.plan import (
    Change,
    CreationRules,
    NothingToPush,
    Plan,
    Planner,
    Priority,
    creatable,
    decide,
    why_not_created,
)
from reconciler.core.records import PlanMember
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange, SaleReturnName
from reconciler.core.returned_goods import NO_LINES, ReportedLine, ReportedLines
from reconciler.core.settings import Globs, Mapping, Policy
from reconciler.core.target import LedgerPreview
from tests.core.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    a_return,
    an_entry,
    an_intent,
    pushed,
    pushed_item,
    wanted_line,
    wanted_parcel,
    wants,
)
from tests.core.strategies import entries
from tests.support.planning import make_plan

RULES = CreationRules(Policy(), go_live=NOON - 2 * DAY, asked_for=False)
LATE = replace(RULES, go_live=NOON)
"""Went live after the usual return was created."""


def kind_of(entry, rules=RULES):
    decision = decide(entry, rules)
    return decision.kind if isinstance(decision, Change) else decision.state


# ----------------------------------------------------------------------------- each state x purpose

HELD_BY_JETTI = {"sale_returns": (pushed(),)}
UNANSWERED = {"intents": (an_intent(),)}
CREATE, UPDATE, CANCEL, ADOPT = ChangeKind
FRESH, LOOKUP, BACKLOG = Priority
EXIST, CANCELLED, HOLD = Purpose

FATES = [
    # purpose, what is known, before go-live too?, fate
    (EXIST, {}, RULES, CREATE),
    (EXIST, {}, LATE, ADOPT),
    (CANCELLED, {}, RULES, ADOPT),
    (CANCELLED, {}, LATE, ADOPT),
    (HOLD, {}, RULES, State.SKIPPED),
    (HOLD, {}, LATE, State.SKIPPED),
    (EXIST, UNANSWERED, RULES, CREATE),
    (EXIST, UNANSWERED, LATE, CREATE),
    (CANCELLED, UNANSWERED, RULES, ADOPT),
    (HOLD, UNANSWERED, RULES, ADOPT),
    (EXIST, HELD_BY_JETTI, RULES, State.SYNCED),
    (EXIST, HELD_BY_JETTI, LATE, State.SYNCED),
    (CANCELLED, HELD_BY_JETTI, RULES, CANCEL),
    (CANCELLED, HELD_BY_JETTI, LATE, CANCEL),
    (HOLD, HELD_BY_JETTI, RULES, State.SYNCED),
]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("purpose", "known", "rules", "fate"), FATES)
def test_the_fate_follows_from_purpose_and_what_is_known_in_every_state(
    state, purpose, known, rules, fate
):
    assert kind_of(an_entry(wants(purpose=purpose), state=state, **known), rules) is fate


def test_a_typed_run_creates_what_is_older_than_go_live():
    assert kind_of(an_entry(), replace(LATE, asked_for=True)) is CREATE


def test_a_return_of_the_very_second_of_go_live_is_created():
    assert kind_of(an_entry(), replace(RULES, go_live=a_return().created_at)) is CREATE
    assert kind_of(an_entry(), replace(RULES, go_live=a_return().created_at + MINUTE)) is ADOPT


@pytest.mark.parametrize(
    ("go_live", "before"),
    [(NOON - DAY - MINUTE, False), (NOON - DAY, False), (NOON - DAY + MINUTE, True)],
)
def test_a_change_says_whether_its_return_is_older_than_go_live(go_live, before):
    asked_for = replace(RULES, go_live=go_live, asked_for=True)

    assert (
        decide(an_entry(seen=a_return(created_at=NOON - DAY)), asked_for).before_go_live is before
    )


def test_an_unanswered_put_is_read_back_even_when_nothing_else_is_to_do():
    put = an_intent(write=Write(Operation.UPDATE_SALE_RETURN, 21, fields={"status": "shipped"}))
    decision = decide(an_entry(sale_returns=(pushed(),), intents=(put,)), RULES)

    assert (decision.kind, decision.reads_back, [*decision.fields]) == (UPDATE, True, [])


def test_no_policy_talks_us_out_of_reading_back_an_unanswered_create():
    nothing = replace(RULES, policy=Policy(types=Globs(exclude=("*",), include=("none",))))

    assert kind_of(an_entry(**UNANSWERED), nothing) is CREATE
    assert kind_of(an_entry(), nothing) is State.SKIPPED


def test_what_looks_like_a_case_for_a_person_is_still_looked_up():
    cancelled_before = an_entry(sale_returns=(pushed(status="cancelled"),))

    assert kind_of(cancelled_before) is UPDATE


# ------------------------------------------------------------------------------------ what it shows


def shown(entry, rules=RULES):
    return tuple(decide(entry, rules).fields)


def test_a_create_shows_quantities_and_every_field_that_has_a_value():
    entry = an_entry(wants(wanted_line("A", 2)), seen=a_return(lines=(Line("501", "A"),)))

    assert shown(entry) == (
        FieldChange("quantity[A]", None, 2),
        FieldChange("externalId", None, "7001"),
        FieldChange("saleReturnSource", None, "external"),
        FieldChange("saleReturnType", None, "customer"),
        FieldChange("notes", None, "Loop return 7001"),
        FieldChange("status", None, "requested"),
    )


def test_an_update_shows_before_and_after_by_sale_return_and_order_line():
    entry = an_entry(
        wants(wanted_line("A", 2), parcels=(wanted_parcel("shipped", tracking_status=None),)),
        sale_returns=(pushed(),),
    )

    assert shown(entry) == (
        FieldChange("quantity[A]", 1, 2),
        FieldChange("trackingCompany[1001-21]", None, "USPS"),
        FieldChange("trackingNumber[1001-21]", None, "9400"),
        FieldChange("status[1001-21]", "requested", "shipped"),
    )


def test_a_change_shows_when_its_return_last_changed_in_loop():
    long_ago = datetime(2026, 1, 5, 8, tzinfo=UTC)
    change = decide(an_entry(seen=a_return(updated_at=long_ago)), RULES)

    assert change.with_outcome(OutcomeKind.PLANNED).changed_at == long_ago


def test_a_sale_return_and_an_item_of_the_same_number_are_not_mistaken_for_each_other():
    ours = (pushed(pushed_item("A"), pushed_item("B"), id=21), pushed(pushed_item("C"), id=101))
    lines = (wanted_line("A", 2), wanted_line("B"), wanted_line("C", 3))
    entry = an_entry(wants(*lines, status="shipped"), sale_returns=ours)

    assert shown(entry) == (
        FieldChange("quantity[A]", 1, 2),
        FieldChange("status[1001-21]", "requested", "shipped"),
        FieldChange("quantity[C]", 1, 3),
        FieldChange("status[1001-101]", "requested", "shipped"),
    )


def test_a_line_added_is_an_update_that_shows_its_quantity():
    seen = a_return(lines=(Line("501", "A"), Line("502", "B")))
    entry = an_entry(wants(wanted_line("A"), wanted_line("B")), seen=seen, sale_returns=(pushed(),))

    assert kind_of(entry) is UPDATE
    assert shown(entry) == (FieldChange("quantity[B]", None, 1),)


def test_a_line_added_that_policy_filters_is_nothing_to_do():
    seen = a_return(lines=(Line("501", "A"), Line("502", "B", sku="GIFT-1")))
    entry = an_entry(wants(wanted_line("A"), wanted_line("B")), seen=seen, sale_returns=(pushed(),))

    assert kind_of(entry, replace(RULES, policy=Policy(skus=Globs(exclude=("GIFT*",))))) is (
        State.SYNCED
    )


def test_a_reason_is_shown_by_its_code():
    entry = an_entry(wants(wanted_line("A", reason="too_small")), sale_returns=(pushed(),))

    assert shown(entry) == (FieldChange("adjustmentReasonId[A]", None, "too_small"),)


# ------------------------------------------------------------------------------------------- policy

TWO = a_return(
    lines=(Line("1", "A", sku="TEE-S"), Line("2", "B", sku="GIFT-1"), Line("3", "C")),
    type="exchange",
    outcomes=("exchange", "refund"),
)


@pytest.mark.parametrize(
    ("policy", "lines"),
    [
        (Policy(), "ABC"),
        (Policy(skus=Globs(include=("TEE*",))), "A"),
        (Policy(skus=Globs(exclude=("GIFT*",))), "AC"),
        (Policy(skus=Globs(include=("*",), exclude=("*-1",))), "A"),
        (Policy(skus=Globs(include=("tee*",))), ""),
        (Policy(outcomes=Globs(include=("refund",))), "ABC"),
        (Policy(outcomes=Globs(include=("gift_card", "exch*"))), "ABC"),
        (Policy(outcomes=Globs(include=("gift_card",))), ""),
        (Policy(outcomes=Globs(exclude=("exchange",))), ""),
        (Policy(outcomes=Globs(include=("refund",), exclude=("exchange",))), ""),
        (Policy(types=Globs(include=("exchange",))), "ABC"),
        (Policy(types=Globs(exclude=("exchange",))), ""),
        (Policy(types=Globs(include=("return", "warranty"))), ""),
    ],
)
def test_policy_selects_returns_by_type_and_outcome_and_lines_by_sku(policy, lines):
    entry = an_entry(seen=TWO)

    assert creatable(entry, replace(RULES, policy=policy)) == set(lines)
    assert kind_of(entry, replace(RULES, policy=policy)) is (CREATE if lines else State.SKIPPED)


def test_a_value_that_is_absent_passes_unless_something_must_be_included():
    bare = an_entry(seen=replace(TWO, type=None, outcomes=()))

    assert creatable(bare, replace(RULES, policy=Policy(types=Globs(exclude=("*",))))) == set("ABC")
    assert not creatable(bare, replace(RULES, policy=Policy(types=Globs(include=("*",)))))
    assert not creatable(bare, replace(RULES, policy=Policy(outcomes=Globs(include=("*",)))))


def test_policy_governs_creation_only():
    nothing = replace(RULES, policy=Policy(types=Globs(exclude=("*",))))
    gone = an_entry(
        wants(wanted_line("A", 2)), seen=replace(TWO, type="return"), sale_returns=(pushed(),)
    )

    assert kind_of(gone, nothing) is UPDATE
    assert kind_of(replace(gone, wanted=wants(purpose=CANCELLED)), nothing) is CANCEL


def reported(entry):
    """The line of the report of an entry that is settled without a push."""
    planner = Planner(RULES, NOON)
    planner.decide(entry)
    [skipped] = planner.skipped
    return skipped


def test_what_is_skipped_says_why():
    entry = an_entry(wants(purpose=HOLD), seen=a_return(state="review"))
    held = decide(entry, RULES)
    filtered = decide(an_entry(), replace(RULES, policy=Policy(types=Globs(include=("x",)))))

    assert held == NothingToPush(entry, State.SKIPPED, "held in Loop (review)")
    assert filtered == NothingToPush(an_entry(), State.SKIPPED, "not selected by policy")
    assert reported(entry) == ReportedChange(
        return_id="7001",
        order_name="#1001",
        order_id="4800",
        change=CREATE,
        outcome=OutcomeKind.SKIPPED,
        reason="held in Loop (review)",
    )


def test_a_return_without_lines_is_empty_and_not_filtered():
    """Whatever the policy says and whenever it was made."""
    entry = an_entry(replace(wants(), lines=()), seen=a_return(lines=()))
    nothing = replace(RULES, policy=Policy(types=Globs(include=("x",))))
    late = replace(RULES, go_live=NOON)

    assert decide(entry, RULES) == NothingToPush(entry, State.SKIPPED, "empty in Loop")
    assert decide(entry, nothing) == NothingToPush(entry, State.SKIPPED, "empty in Loop")
    assert kind_of(entry, late) is ADOPT
    assert why_not_created(entry, late) == "empty in Loop"


def test_a_return_none_of_whose_lines_is_understood_is_not_called_empty():
    entry = an_entry(replace(wants(lacks_lines=True), lines=()), seen=a_return(lines=()))

    assert decide(entry, RULES) == NothingToPush(
        entry, State.SKIPPED, "no line of it is understood"
    )


def test_a_return_that_is_older_than_go_live_is_not_created_for_that_reason():
    assert why_not_created(an_entry(), LATE) == "created in Loop before go-live and not in Jetti"


EXPIRED = a_return(state="expired")


def test_a_late_scan_is_held_and_says_so():
    entry = an_entry(wants(purpose=HOLD), seen=EXPIRED)
    named = replace(RULES, policy=Policy(held_states=("expired",)))

    assert decide(entry, RULES).reason == "expired in Loop while its parcel moves: held"
    assert decide(entry, named).reason == "held in Loop (expired)"
    assert kind_of(replace(entry, intents=(an_intent(),))) is ADOPT


def test_a_late_scan_of_what_was_pushed_says_so_with_its_update_and_without_one():
    held = an_entry(wants(purpose=HOLD), seen=EXPIRED, sale_returns=(pushed(),))
    moved = replace(held, wanted=wants(purpose=HOLD, parcels=(wanted_parcel("shipped"),)))
    reason = "expired in Loop while its parcel moves: held, its status stays"

    silent, update = decide(held, RULES), decide(moved, RULES)

    assert silent == NothingToPush(held, State.SYNCED, reason)
    assert reported(held).change is UPDATE
    assert (update.kind, update.remarks) == (UPDATE, (reason,))
    assert not any(one.field.startswith("status") for one in update.fields)
    assert update.with_outcome(OutcomeKind.PUSHED, "r", (), ("more",)).remarks == (reason, "more")


def test_reasons_that_differ_are_remarked_on_whatever_becomes_of_the_change():
    both = ("Too small (size)", "Broken (damage)")
    line = replace(wanted_line("A", 2, "size"), reasons=both)

    [remark] = decide(an_entry(wants(line)), RULES).remarks

    assert remark == (
        "the units of line A have different reasons: Too small (size), Broken (damage);"
        " size is sent, all are in the notes"
    )
    uncoded = an_entry(wants(replace(line, reason_code=None)))
    assert "none is sent" in decide(uncoded, RULES).remarks[0]
    assert decide(an_entry(), RULES).remarks == ()


ONE = ReportedLines([ReportedLine(None, None, 1, None)])
"""The goods of `a_return`."""
SHIPPED = FieldChange("status[1001-21]", "requested", "shipped")
PUT = an_intent(write=Write(Operation.UPDATE_SALE_RETURN, 21, fields={"status": "shipped"}))


@pytest.mark.parametrize(
    ("wanted", "known", "kind", "shows"),
    [
        (wants(purpose=CANCELLED), {}, ADOPT, ()),
        (wants(), UNANSWERED, CREATE, ()),
        (wants(purpose=HOLD), UNANSWERED, ADOPT, ()),
        (wants(status="shipped"), HELD_BY_JETTI, UPDATE, (SHIPPED,)),
        (wants(status="shipped"), HELD_BY_JETTI | {"intents": (PUT,)}, UPDATE, (SHIPPED,)),
        (wants(), HELD_BY_JETTI | {"intents": (PUT,)}, UPDATE, ()),
        (wants(), {"sale_returns": (pushed(status="cancelled"),)}, UPDATE, ()),
        (
            wants(purpose=CANCELLED),
            HELD_BY_JETTI,
            CANCEL,
            (FieldChange("status[1001-21]", "requested", "cancelled"),),
        ),
    ],
)
def test_a_change_says_of_itself_all_that_the_ledger_knows(wanted, known, kind, shows):
    change = decide(an_entry(wanted, changed_at=NOON - DAY, **known), RULES)

    assert change == Change(
        return_id="7001",
        order_name="#1001",
        order_id="4800",
        kind=kind,
        fingerprint=(b"f" * 32).hex(),
        changed_at=NOON,
        reads_back="intents" in known,
        touches_pushed="sale_returns" in known,
        is_accepted="intents" in known,
        before_go_live=False,
        fields=FieldChanges(shows),
        lines=NO_LINES if kind is ADOPT else ONE,
    )
    assert change.member() == PlanMember("7001", kind.value, b"f" * 32)


@pytest.mark.covers("F42")
def test_a_long_plan_takes_a_kilobyte_and_a_quarter_for_each_create_and_what_is_told_of_it():
    mapped = Mapping()
    planner = Planner(RULES, NOON)
    tracemalloc.start()
    try:
        for number in range(2_000):
            planner.decide(a_first_create(str(31_000_000 + number), mapped))
        changes = planner.plan().changes
        told = [one.with_outcome(OutcomeKind.DEFERRED, written=one.foreseen()) for one in changes]
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(told) == 2_000
    assert used < 2_000 * 1_280


def a_first_create(return_id: str, mapped: Mapping) -> Entry:
    """Of two lines, on its way: as the ledger loads it, so that nothing is shared with others."""
    number = int(return_id)
    tracking = f"9400{number * 100}"
    seen = Return(
        id=str(number),
        state="open",
        created_at=NOON - DAY,
        updated_at=NOON + timedelta(seconds=number),
        order_id=str(5_800_000_000_000 + number),
        order_name=f"#{number}",
        lines=tuple(
            Line(str(n), str(n + 14_800_000_000_000), f"SKU-{n}", f"Thing {n}", f"Why {n}")
            for n in (number, number + 1)
        ),
        parcels=(Parcel("USPS", tracking, "in_transit"),),
    )
    wanted = mapping.project(seen, mapped, ())
    return an_entry(wanted, seen=seen, fingerprint=number.to_bytes(32))


def test_changes_that_show_no_field_share_one_nothing_since_a_plan_may_be_long():
    assert decide(an_entry(**UNANSWERED), RULES).fields is NO_FIELDS


def test_what_is_as_wanted_is_settled_without_a_word():
    planner = Planner(RULES, NOON)

    assert planner.decide(an_entry(**HELD_BY_JETTI)) == NothingToPush(
        an_entry(**HELD_BY_JETTI), State.SYNCED
    )
    assert [*planner.skipped] == []


def test_a_cancel_foresees_how_many_are_cancelled_and_only_a_lookup_rests():
    ended = wants(purpose=CANCELLED)
    change = decide(an_entry(ended, **HELD_BY_JETTI), RULES)
    looked_for = decide(an_entry(ended, state=State.SKIPPED), RULES)

    assert change.foreseen() == Written(change.fields, 0, 1)
    assert (looked_for.kind, looked_for.rests) == (ADOPT, True)
    assert not decide(an_entry(state=State.SKIPPED), RULES).rests


def test_what_is_stopped_is_told_as_stopped_and_what_is_skipped_without_a_time():
    change = decide(an_entry(), RULES)

    assert change.with_outcome(OutcomeKind.DEFERRED, stopped=True).stopped
    assert not change.with_outcome(OutcomeKind.DEFERRED).stopped
    assert change.with_outcome(OutcomeKind.DEFERRED).changed_at == NOON
    assert change.with_outcome(OutcomeKind.SKIPPED).changed_at is None


def test_a_change_is_told_with_all_that_it_says_of_itself():
    change = decide(an_entry(changed_at=NOON - DAY), RULES)

    names = (SaleReturnName(21, "1001-21"),)
    written = Written(FieldChanges([SHIPPED]), 2, 1)
    assert change.with_outcome(OutcomeKind.PUSHED, "done", names, written=written) == (
        ReportedChange(
            return_id="7001",
            order_name="#1001",
            order_id="4800",
            change=CREATE,
            outcome=OutcomeKind.PUSHED,
            reason="done",
            sale_returns=(SaleReturnName(21, "1001-21"),),
            fields=FieldChanges([SHIPPED]),
            fingerprint=(b"f" * 32).hex(),
            lines=ONE,
            sale_returns_made=2,
            sale_returns_cancelled=1,
            changed_at=NOON,
        )
    )


def test_what_the_plan_expected_is_no_field_that_was_written():
    more = wants(wanted_line("A", 2), status="shipped")
    change = decide(an_entry(more, sale_returns=(pushed(),)), RULES)

    assert (*change.fields,) == (FieldChange("quantity[A]", 1, 2), SHIPPED)
    for outcome in OutcomeKind:
        assert change.with_outcome(outcome).fields is NO_FIELDS


def test_a_change_says_whether_lines_of_it_are_in_no_sale_return_yet():
    both, known = wants(wanted_line("A", 2), wanted_line("B")), (pushed(),)
    seen = a_return(lines=(Line("501", "A"), Line("502", "B")))
    gone = (pushed(status="cancelled"),)  # which needs review

    assert decide(an_entry(), RULES).creates
    assert decide(an_entry(both, seen=seen, sale_returns=known), RULES).creates
    assert decide(an_entry(both, seen=seen, sale_returns=gone), RULES).creates
    assert not decide(an_entry(wants(wanted_line("A", 2)), sale_returns=known), RULES).creates
    assert not decide(an_entry(**UNANSWERED), RULES).creates


def test_a_plan_that_nobody_carries_out_is_planned_and_looks_nowhere():
    changes = make_plan([an_entry()], RULES, NOON).changes

    would = Written(changes[0].fields, sale_returns_made=1)
    planned = changes[0].with_outcome(OutcomeKind.PLANNED, written=would)
    assert list(LedgerPreview().push(changes)) == [planned]
    assert planned.fields
    assert LedgerPreview().already_has(changes) is None
    assert LedgerPreview().unfinished() == {}


def test_while_creation_is_stopped_what_is_to_be_created_is_not_planned():
    more, both = wants(wanted_line("A", 2)), wants(wanted_line("A"), wanted_line("B"))
    lines = (Line("501", "A"), Line("502", "B"))
    entries = [
        an_entry(seen=a_return(id="1")),
        an_entry(more, seen=a_return(id="2"), sale_returns=(pushed(),)),
        an_entry(both, seen=a_return(id="3", lines=lines), sale_returns=(pushed(),)),
        an_entry(seen=a_return(id="4"), **UNANSWERED),
    ]
    changes = make_plan(entries, RULES, NOON).changes

    told = {one.return_id: one for one in LedgerPreview("whole sale").push(changes)}

    outcomes = {name: one.outcome.value for name, one in told.items()}
    assert outcomes == {"1": "deferred", "2": "planned", "3": "deferred", "4": "planned"}
    assert told["1"].reason == told["3"].reason == "creation is stopped: whole sale"
    assert told["1"].fields is told["3"].fields is NO_FIELDS


def test_what_no_budget_is_left_for_is_not_told():
    changes = make_plan([an_entry(seen=a_return(id=one)) for one in "1234"], RULES, NOON).changes
    owed = []

    def may_begin(writes):
        owed.append(writes)
        return len(owed) < 2

    told = list(LedgerPreview().push(changes, may_begin))

    assert [one.return_id for one in told] == [one.return_id for one in changes[:2]]
    assert owed == [0, 0], "nothing is sent, and about the first nobody is asked"
    assert len(list(LedgerPreview().push(changes))) == 4


# --------------------------------------------------------------------------------- order and digest


def numbered(number, **changes):
    seen = a_return(id=str(number), updated_at=changes.pop("updated_at", NOON))
    return an_entry(seen=seen, **changes)


LONG_AGO = NOON - 2 * DAY


def test_read_backs_come_first_then_news_newest_first_then_the_backlog_oldest_first():
    queue = [
        numbered(1, changed_at=LONG_AGO, intents=(an_intent(),), updated_at=LONG_AGO),
        numbered(2, changed_at=NOON + MINUTE, updated_at=NOON - MINUTE),
        numbered(3, changed_at=NOON, updated_at=LONG_AGO),
        numbered(4, changed_at=NOON - DAY, updated_at=LONG_AGO),
        numbered(5, changed_at=LONG_AGO, updated_at=LONG_AGO + HOUR),
    ]

    for order in list(permutations(queue)):
        plan = make_plan(order, RULES, NOON)
        ids = [change.return_id for change in plan.changes]
        assert ids == ["1", "2", "3", "4", "5"], "by Loop's time, not by when it was recorded"
        ranks = [change.priority for change in plan.changes]
        assert ranks == [FRESH, FRESH, FRESH, BACKLOG, BACKLOG]


def test_of_equals_the_news_go_backwards_and_the_backlog_forwards_by_their_ids():
    old = {"updated_at": LONG_AGO}
    queue = [
        numbered(9, changed_at=NOON),
        numbered(8, changed_at=NOON),
        numbered(10, changed_at=None, updated_at=NOON - HOUR),
        numbered(7, changed_at=NOON - DAY, updated_at=LONG_AGO - HOUR),
        numbered(5, changed_at=NOON - DAY, **old),
        numbered(6, changed_at=NOON - 2 * DAY, **old),
        numbered(4, changed_at=NOON - HOUR, updated_at=LONG_AGO + HOUR),
    ]

    for order in (queue, queue[::-1]):
        plan = make_plan(order, RULES, NOON)
        assert [change.return_id for change in plan.changes] == ["9", "8", "10", "7", "5", "6", "4"]


def test_what_changed_in_loop_within_a_day_is_fresh_whenever_it_was_recorded():
    today, yesterday = NOON - DAY, NOON - DAY - MINUTE
    queue = [
        numbered(1, changed_at=NOON - HOUR, updated_at=yesterday),
        numbered(2, changed_at=NOON - HOUR, updated_at=today),
        numbered(3, changed_at=NOON, updated_at=LONG_AGO),
    ]

    plan = make_plan(queue, RULES, NOON)

    ranks = {change.return_id: change.priority for change in plan.changes}
    assert ranks == {"1": BACKLOG, "2": FRESH, "3": FRESH}
    assert {change.return_id for change in plan.changes if change.was_left} == {"1", "2"}


def test_a_change_says_whether_its_order_was_looked_for_in_vain():
    queue = [numbered(1, state=State.WAITING), numbered(2), numbered(3, state=State.FAILED)]

    assert [one.waits for one in make_plan(queue, RULES, NOON).changes] == [False, False, True]


def test_what_is_only_looked_up_comes_after_what_is_written_and_before_the_backlog():
    cancelled = wants(purpose=CANCELLED)
    queue = [
        numbered(1, changed_at=NOON, updated_at=NOON - HOUR),
        numbered(2, changed_at=NOON, updated_at=NOON, wanted=cancelled),
        numbered(3, changed_at=LONG_AGO, updated_at=LONG_AGO),
        numbered(4, changed_at=LONG_AGO, updated_at=LONG_AGO, wanted=cancelled),
    ]

    for order in list(permutations(queue)):
        plan = make_plan(order, RULES, NOON)
        ranked = [(change.return_id, change.priority) for change in plan.changes]
        assert ranked == [("1", FRESH), ("2", LOOKUP), ("3", BACKLOG), ("4", BACKLOG)]


def test_what_was_asked_for_is_no_backlog():
    asked = replace(RULES, asked_for=True)
    queue = [numbered(n, changed_at=LONG_AGO, updated_at=LONG_AGO) for n in (1, 2)]

    plan = make_plan(queue, asked, NOON)

    assert [(one.return_id, one.priority) for one in plan.changes] == [("1", FRESH), ("2", FRESH)]


def test_what_needs_no_push_is_settled_and_no_change():
    planner = Planner(RULES, NOON)

    settled = [planner.decide(an_entry(sale_returns=(pushed(),))), planner.decide(numbered(2))]

    assert settled == [NothingToPush(an_entry(sale_returns=(pushed(),)), State.SYNCED), None]
    assert [change.return_id for change in planner.plan().changes] == ["2"]


def test_what_is_forgotten_can_be_decided_about_anew():
    planner = Planner(RULES, NOON)
    held = replace(an_entry(wants(purpose=HOLD)), seen=numbered(4).seen, changed_at=NOON)
    for entry in (
        numbered(1, changed_at=NOON - DAY),
        numbered(2, changed_at=NOON),
        numbered(3, changed_at=NOON, intents=(an_intent(),)),
        held,
    ):
        planner.decide(entry)

    for return_id in ("1", "2", "3", "4"):
        planner.forget(return_id)

    assert (planner.plan(), [*planner.skipped], planner.planned) == (Plan(()), [], set())
    assert planner.decide(held) == NothingToPush(held, State.SKIPPED, why_not_created(held, RULES))
    assert [skipped.return_id for skipped in planner.skipped] == ["4"]


def test_the_digest_does_not_depend_on_order_or_on_times():
    queue = [numbered(n, fingerprint=bytes([n]) * 32) for n in (1, 2, 3)]
    later = [
        replace(
            entry,
            seen=replace(entry.seen, updated_at=NOON + DAY),
            changed_at=NOON + DAY,
            due_since=None,
            attempts=4,
            next_try_at=NOON + DAY,
            state=State.FAILED,
            reason="x",
        )
        for entry in queue
    ]

    digests = {make_plan(order, RULES, NOON).digest for order in list(permutations(queue))}
    digests |= {make_plan(order, RULES, NOON + DAY).digest for order in list(permutations(later))}

    changes = make_plan(queue, RULES, NOON).changes
    digests |= {Plan(order).digest for order in list(permutations(changes))}

    assert len(digests) == 1
    assert len(digests.pop()) == 16


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_digest_is_the_start_of_the_hash_of_all_members_as_json(count):
    plan = make_plan([numbered(n) for n in range(count)], RULES, NOON)
    members = [[str(n), "create", (b"f" * 32).hex()] for n in range(count)]

    whole = sha256(dumps(members, separators=(",", ":")).encode())
    assert plan.digest == whole.hexdigest()[:16]


def test_the_digest_depends_on_every_member():
    one = numbered(1)
    digests = [
        make_plan(plan, rules, NOON).digest
        for plan, rules in [
            ([], RULES),
            ([one], RULES),
            ([one, numbered(2)], RULES),
            ([numbered(2)], RULES),
            ([replace(one, fingerprint=b"g" * 32)], RULES),
            ([one], LATE),
        ]
    ]

    assert len(set(digests)) == len(digests)


# --------------------------------------------------------------------------------------- properties


@given(entries(), st.sampled_from([RULES, LATE, replace(LATE, asked_for=True)]))
def test_nothing_is_planned_to_be_created_that_may_not_be(entry, rules):
    decision = decide(entry, rules)

    if isinstance(decision, Change) and decision.kind is CREATE:
        assert entry.wanted.purpose is EXIST
        assert creatable(entry, rules)
        assert not entry.sale_returns
    if isinstance(decision, NothingToPush) and decision.state is State.SYNCED:
        assert entry.sale_returns
    if entry.sale_returns:
        assert not (isinstance(decision, NothingToPush) and decision.state is State.SKIPPED)


@given(entries())
def test_a_decision_is_the_same_every_time_and_touches_what_was_pushed_only_if_it_was(entry):
    first, second = decide(entry, RULES), decide(entry, RULES)

    assert first == second
    if isinstance(first, Change):
        assert first.touches_pushed is bool(entry.sale_returns)
        assert first.reads_back is False


def test_a_line_that_is_covered_is_not_shown_again():
    seen = a_return(lines=(Line("501", "A"), Line("502", "B")))
    ours = (pushed(pushed_item("A"), id=21), pushed(pushed_item("B"), id=22))
    entry = an_entry(wants(wanted_line("A"), wanted_line("B")), seen=seen, sale_returns=ours)

    assert kind_of(entry) is State.SYNCED


def test_a_change_shows_its_goods_unless_it_is_only_looked_for_or_skipped():
    old = an_entry(seen=a_return(created_at=NOON - 9 * DAY))
    create, adopt = decide(an_entry(), RULES), decide(old, replace(RULES, go_live=NOON - DAY))

    assert [*create.lines] == [*ONE]
    assert adopt.lines is NO_LINES
    for outcome in OutcomeKind:
        told = create.with_outcome(outcome)
        assert told.lines == (() if outcome is OutcomeKind.SKIPPED else ONE)
        assert (told.before_go_live, adopt.with_outcome(outcome).before_go_live) == (False, True)


def test_what_is_skipped_tells_whether_it_is_older_than_go_live():
    held = an_entry(wants(purpose=HOLD), seen=a_return(state="review"))

    for go_live, is_old in ((NOON, True), (NOON - 9 * DAY, False)):
        planner = Planner(replace(RULES, go_live=go_live), NOON)
        planner.decide(held)
        [skipped] = planner.skipped
        assert skipped.before_go_live is is_old
