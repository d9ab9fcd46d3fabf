from __future__ import annotations

import shlex
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.guard import (
    GuardInputs,
    RangeSum,
    check_ledger_is_not_lost,
    check_shop,
    guard,
    members_opened_by,
    needs_consent,
    stop_of,
    unaccepted,
)
from reconciler.core.model import Purpose
from reconciler.core.plan import CreationRules
from reconciler.core.report import RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards, Policy
from reconciler.errors import SafetyStop
from tests.core.samples import DAY, NOON, a_return, an_entry, an_intent, pushed, wanted_line, wants
from tests.support.golden import as_shown, by_name
from tests.support.planning import make_plan

RULES = CreationRules(Policy(), go_live=NOON.replace(year=2020), asked_for=False)
INPUTS = GuardInputs(guards=Guards(), changed_lately=0, mapping_is_new=False)


def a_plan(creates=0, updates=0, cancels=0, adopts=0, rules=RULES, **entry):
    want = {
        "create": (creates, wants(), ()),
        "update": (updates, wants(wanted_line("A", 2)), (pushed(),)),
        "cancel": (cancels, wants(purpose=Purpose.CANCEL), (pushed(),)),
        "adopt": (adopts, wants(purpose=Purpose.CANCEL), ()),
    }
    entries = [
        an_entry(wanted, seen=a_return(id=f"{kind}{number}"), sale_returns=known, **entry)
        for kind, (count, wanted, known) in want.items()
        for number in range(count)
    ]
    plan = make_plan(entries, rules, NOON)
    assert len(plan.changes) == creates + updates + cancels + adopts
    return plan


def guarded(plan, **inputs):
    return guard(plan, replace(INPUTS, **inputs))


def stops(plan, **inputs):
    found = guarded(plan, **inputs)
    both = sorted(change.return_id for change in (*found.through, *found.stopped))
    assert both == sorted(change.return_id for change in plan.changes), "each in one part"
    return bool(found.stopped)


# --------------------------------------------------------------------------------------- the counts


@pytest.mark.parametrize(
    ("changes", "stopped"),
    [
        ({"creates": 25}, False),
        ({"creates": 26}, True),
        ({"updates": 25}, False),
        ({"updates": 26}, True),
        ({"cancels": 26}, True),
        ({"updates": 20, "cancels": 5}, False),
        ({"updates": 20, "cancels": 6}, True),
        ({"creates": 25, "updates": 25}, False),
        ({"adopts": 100}, False),
    ],
)
def test_a_plan_at_the_limit_passes_and_one_more_stops(changes, stopped):
    assert stops(a_plan(**changes)) is stopped


@pytest.mark.parametrize(("lately", "stopped"), [(99, True), (100, False), (101, False)])
def test_a_stop_needs_more_than_the_share_too(lately, stopped):
    assert stops(a_plan(creates=30), changed_lately=lately) is stopped
    assert stops(a_plan(updates=30), changed_lately=lately) is stopped


def test_a_share_of_many_changes_alone_is_no_reason():
    assert not stops(a_plan(creates=25), changed_lately=25)


def test_the_limits_are_the_settings_to_say():
    strict = Guards(creates=0, updates=1, share=0.0)

    assert stops(a_plan(creates=1), guards=strict)
    assert not stops(a_plan(updates=1), guards=strict)
    assert stops(a_plan(updates=2), guards=strict)


# ----------------------------------------------------------------------------- accepted by a person


def test_members_that_a_person_accepted_are_not_counted():
    plan = a_plan(creates=27)
    members = [change.member() for change in plan.changes]

    assert not stops(plan, accepted=members)
    assert not stops(plan, accepted=members[:2])
    assert stops(plan, accepted=members[:1])


@pytest.mark.parametrize(
    "change",
    [{"fingerprint": b"other"}, {"change": "update"}, {"return_id": "another"}],
)
def test_a_member_that_is_not_the_same_any_more_counts(change):
    plan = a_plan(creates=26)
    members = [replace(one.member(), **change) for one in plan.changes]

    assert stops(plan, accepted=members)


# -------------------------------------------------------------------------------- a changed mapping


def test_a_changed_mapping_that_changes_one_pushed_return_stops():
    assert stops(a_plan(updates=1), mapping_is_new=True)
    assert stops(a_plan(cancels=1), mapping_is_new=True)
    assert not stops(a_plan(creates=5, adopts=5), mapping_is_new=True)
    assert not stops(a_plan(updates=1), mapping_is_new=False)


def test_a_changed_mapping_is_let_through_by_acceptance():
    plan = a_plan(updates=1)

    assert not stops(plan, mapping_is_new=True, accepted=[c.member() for c in plan.changes])


# -------------------------------------------------------------------- what was stopped, accepted


def members(changes):
    return {change.member() for change in changes}


def test_what_was_stopped_stays_stopped_however_small_it_is_and_the_rest_goes_on():
    plan = a_plan(creates=3, updates=2)
    before = members(plan.changes[:2])

    found = guarded(plan, stopped=before)

    assert members(found.stopped) == before
    assert found.through == plan.changes[2:]
    assert found.reasons == ()


def test_what_was_stopped_before_is_not_counted_again():
    plan = a_plan(creates=30)

    assert len(guarded(plan, stopped=members(plan.changes[:5])).stopped) == 5
    assert len(guarded(plan, stopped=members(plan.changes[:4])).stopped) == 30


def test_a_stopped_member_that_changed_is_judged_by_itself():
    plan = a_plan(creates=3)
    older = {replace(one, fingerprint=b"other") for one in members(plan.changes)}

    assert not stops(plan, stopped=older)


@pytest.mark.parametrize("before", ["create", "adopt"])
def test_what_was_stopped_stays_so_when_the_same_needs_another_change(before):
    plan = a_plan(updates=3)
    [first, second, third] = plan.changes
    stopped = {replace(change.member(), change=before) for change in (first, second)}

    assert guarded(plan, stopped=stopped).stopped == (first, second)
    assert guarded(plan, stopped=stopped).through == (third,)


@pytest.mark.parametrize(
    ("before", "now", "opens"),
    [
        ("create", "create", True),
        ("create", "update", True),
        ("adopt", "update", True),
        ("adopt", "create", False),
    ],
)
def test_a_digest_opens_less_than_was_seen_and_never_more(before, now, opens):
    [change, unknown] = a_plan(**{f"{now}s": 2}).changes

    found = members_opened_by([replace(change.member(), change=before)], [change, unknown])

    assert (change.member() in found) is opens
    assert unknown.member() not in found


def test_an_accepted_member_is_no_longer_stopped():
    plan = a_plan(creates=3)

    found = guarded(plan, stopped=members(plan.changes), accepted=members(plan.changes[:2]))

    assert members(found.stopped) == members(plan.changes[2:])


def test_what_a_person_let_through_counts_for_no_guard_later():
    plan = a_plan(creates=30, updates=30, accepted_fingerprint=b"f" * 32)

    assert not stops(plan)
    assert not stops(plan, mapping_is_new=True)
    assert stops(a_plan(creates=30, accepted_fingerprint=b"another want"))


def test_a_write_that_was_sent_was_let_through():
    assert not stops(a_plan(creates=30, intents=(an_intent(fingerprint=b"f" * 32),)))
    assert stops(a_plan(creates=30, intents=(an_intent(fingerprint=b"an older want"),)))


# ------------------------------------------------------------------------------------------ a range


NEW_MAPPING = replace(INPUTS, mapping_is_new=True)
LATE = CreationRules(Policy(), go_live=NOON.replace(year=2090), asked_for=True)


@pytest.mark.parametrize(
    ("plan", "inputs", "why"),
    [
        (a_plan(creates=25, updates=99, cancels=9), {}, ()),
        (a_plan(creates=26), {"changed_lately": 9999}, ("more than 25 returns",)),
        (a_plan(creates=1, rules=LATE), {}, ("before go-live",)),
        (a_plan(creates=26, rules=LATE), {}, ("more than 25 returns", "before go-live")),
        (a_plan(updates=1, rules=LATE), {}, ()),
        (a_plan(updates=1), {"mapping_is_new": True}, ("changed mapping",)),
        (a_plan(creates=1), {"mapping_is_new": True}, ()),
        (a_plan(), {}, ()),
    ],
)
def test_a_range_is_asked_about_where_it_creates_much_or_what_is_older_than_go_live(
    plan, inputs, why
):
    reasons = needs_consent(plan.changes, replace(INPUTS, **inputs))

    assert len(reasons) == len(why)
    assert all(fact in reason for fact, reason in zip(why, reasons, strict=True))


def test_a_range_says_all_that_it_is_asked_about_for(golden):
    late = a_plan(creates=26, updates=1, rules=LATE)
    total = RangeSum(needs_consent(late.changes, NEW_MAPPING), 26, 0, 26, 1, None, 26, 90)

    for fact in ("more than 25 returns (guard.creates) and", "before go-live and", "mapping"):
        assert fact in total.why()
    golden(f"because it {total.why()}: {total.in_words()}")


def test_of_a_range_only_what_nobody_let_through_is_asked_about():
    plan = a_plan(creates=26)

    assert len(unaccepted(plan.changes, members(plan.changes[:7]))) == 19
    assert unaccepted(a_plan(creates=2, accepted_fingerprint=b"f" * 32).changes, ()) == []


# ------------------------------------------------------------------------------------- what is said


def said(stopped, plan):
    """As it is printed, whatever the digest."""
    return by_name(as_shown(stopped), [(plan.digest, "DIGEST")])


def test_a_stop_names_plan_counts_limits_and_the_way_on(golden):
    plan = a_plan(creates=26, updates=27)
    inputs = replace(INPUTS, changed_lately=40)

    stopped = stop_of(guard(plan, inputs), inputs, RunRequest())

    text = str(stopped)
    for fact in (plan.digest, "create 26", "update or cancel 27", "25", "30%", "40"):
        assert fact in text
    assert "`reconciler run --dry-run`" in stopped.hint
    assert f"`reconciler run --accept-plan {plan.digest}`" in stopped.hint
    assert stopped.command == f"reconciler run --accept-plan {plan.digest}"
    assert stopped.exit_code == 7
    golden(said(stopped, plan))


@pytest.mark.parametrize("flows", [0, 1])
def test_a_stop_says_what_is_new_in_it_and_what_all_of_it_would_do(flows, golden):
    """What flows is no part of it: the counts are of what its digest opens."""
    plan = a_plan(creates=29, cancels=1, adopts=flows)
    stopped = [c for c in plan.changes if c.kind.value != "adopt"]
    asked = members(c for c in plan.changes if c.kind.value == "adopt")
    before = members(stopped[-3:])
    inputs = replace(INPUTS, changed_lately=40, stopped=before, accepted=asked)

    found = guard(plan, inputs)
    stopped = stop_of(found, inputs, RunRequest())

    assert (len(found.through), found.stopped_before, len(found.stopped)) == (flows, 3, 30)
    new = 29 - sum(one.change == "create" for one in before)
    for fact in (found.digest, f"create {new}", "25", "30%", "40", "create 29, cancel 1"):
        assert fact in str(stopped)
    golden(said(stopped, found))


def test_a_stop_where_jetti_holds_some_of_it_says_to_take_that_over_first(golden):
    plan = a_plan(creates=26)
    found = guard(plan, replace(INPUTS, changed_lately=40))
    plain = str(stop_of(found, INPUTS, RunRequest()))

    inputs = replace(INPUTS, go_live=NOON - DAY)
    stopped = stop_of(found, inputs, RunRequest(), ["8812", "8813"])

    assert str(stopped).startswith(f"{plain}; ")
    assert "at least 2 of the 26 returns that would be created" in str(stopped)
    assert "8812" in str(stopped)
    assert "8813" not in str(stopped)
    assert plan.digest not in stopped.hint, "what is left will have a digest of its own"
    assert stopped.command == "reconciler init --adopt --since 2026-02-28T12:00:00Z"
    assert f"`{stopped.command}`" in stopped.hint
    golden(said(stopped, plan))


def test_a_stop_where_nobody_looked_in_jetti_says_to_look_first(golden):
    plan = a_plan(creates=26)
    found = guard(plan, replace(INPUTS, changed_lately=40))
    plain = str(stop_of(found, INPUTS, RunRequest()))

    stopped = stop_of(found, INPUTS, RunRequest(kind=RunKind.SWEEP, sweep=timedelta(days=9)), None)

    assert str(stopped) == plain
    assert stopped.command == "reconciler run --sweep 9d --dry-run --against-jetti"
    assert stopped.hint.index(f"`{stopped.command}`") < stopped.hint.index(
        f"`reconciler run --sweep 9d --accept-plan {plan.digest}`"
    )
    golden(said(stopped, plan))


@pytest.mark.parametrize("against_jetti", [False, True])
def test_a_stopped_dry_run_says_how_to_see_more_than_it_has_shown(golden, against_jetti):
    plan = a_plan(creates=26)
    found = guard(plan, replace(INPUTS, changed_lately=40))
    asked = RunRequest(
        kind=RunKind.RANGE, start=NOON - DAY, dry_run=True, against_jetti=against_jetti
    )

    stopped = stop_of(found, INPUTS, asked)

    look, accept = (shlex.split(one) for one in stopped.hint.split("`")[1::2])
    ranged = ["reconciler", "run", "--from", "2026-02-28T12:00:00Z", "--by", "updated"]
    assert accept == [*ranged, "--accept-plan", plan.digest]
    assert look == [*ranged, "--dry-run", "--against-jetti", "--accept-plan", plan.digest]
    golden(said(stopped, plan))


def test_a_plan_that_is_still_stopped_says_since_when(golden):
    plan = a_plan(creates=2, cancels=1)
    inputs = replace(INPUTS, stopped=members(plan.changes), stopped_since=NOON)

    stopped = stop_of(guard(plan, inputs), inputs, RunRequest())

    for fact in (plan.digest, f"{NOON:%Y-%m-%d %H:%M}Z", "create 2, cancel 1"):
        assert fact in str(stopped)
    golden(said(stopped, plan))


def test_a_plan_of_one_return_says_so_and_no_time_that_nobody_knows(golden):
    plan = a_plan(cancels=1)
    inputs = replace(INPUTS, stopped=members(plan.changes))

    stopped = stop_of(guard(plan, inputs), inputs, RunRequest())

    assert "cancel 1 return" in str(stopped)
    assert "returns" not in str(stopped)
    assert "since" not in str(stopped)
    golden(said(stopped, plan))


# -------------------------------------------------------------------------------- lost ledger, shop


def test_a_new_ledger_does_not_create_what_jetti_already_marks():
    check_ledger_is_not_lost([], 9, NOON)
    with pytest.raises(SafetyStop, match="7001") as stopped:
        check_ledger_is_not_lost(["7001", "7002"], 9, NOON)
    assert "at least 2 of the 9 returns" in str(stopped.value)
    assert stopped.value.command == "reconciler init --adopt --since DATE"
    assert f"`{stopped.value.command}`" in stopped.value.hint
    assert "2026-03-01T12:00:00Z" in stopped.value.hint, "where no ledger was lost"


@pytest.mark.parametrize(
    ("pinned", "shops", "pins"),
    [
        (None, {}, None),
        (None, {"acme": 3}, "acme"),
        (None, {"acme": 3, "bolt": 1}, "acme"),
        ("acme", {}, None),
        ("acme", {"acme": 1}, None),
        ("acme", {"acme": 1, "returns.acme.example": 5}, None),
    ],
)
def test_a_shop_is_pinned_at_first_sight_and_absent_is_no_mismatch(pinned, shops, pins):
    assert check_shop(pinned, shops) == pins


def test_a_listing_that_never_names_the_pinned_shop_stops():
    with pytest.raises(SafetyStop, match="bolt") as stopped:
        check_shop("acme", {"bolt": 1, "cord": 2})
    assert "--repin" in stopped.value.hint
