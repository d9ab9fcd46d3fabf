from __future__ import annotations

import pytest
from core_samples import NOON, a_return, an_entry, pushed, wanted_line, wants
from msgspec.structs import replace

from reconciler.core.guard import Grounds, check_ledger_is_not_lost, check_plan, check_shop
from reconciler.core.model import Purpose
from reconciler.core.plan import Terms, make_plan
from reconciler.core.report import RunKind
from reconciler.core.rules import Guards, Policy
from reconciler.errors import SafetyStop

TERMS = Terms(Policy(), go_live=NOON.replace(year=2020), typed=False)
GROUNDS = Grounds(
    kind=RunKind.SCHEDULED,
    guards=Guards(),
    changed_lately=0,
    mapping_is_new=False,
    accepted=(),
    command="reconciler run",
)
COUNTED = [RunKind.SCHEDULED, RunKind.SWEEP]
FREE = [RunKind.RANGE, RunKind.SINGLE]


def a_plan(creates=0, updates=0, cancels=0, adopts=0):
    want = {
        "create": (creates, wants(), ()),
        "update": (updates, wants(wanted_line("A", 2)), (pushed(),)),
        "cancel": (cancels, wants(purpose=Purpose.CANCEL), (pushed(),)),
        "adopt": (adopts, wants(purpose=Purpose.CANCEL), ()),
    }
    entries = [
        an_entry(wanted, seen=a_return(id=f"{kind}{number}"), sale_returns=known)
        for kind, (count, wanted, known) in want.items()
        for number in range(count)
    ]
    plan = make_plan(entries, TERMS, NOON)
    assert len(plan.changes) == creates + updates + cancels + adopts
    return plan


def stops(plan, **grounds):
    try:
        check_plan(plan, replace(GROUNDS, **grounds))
    except SafetyStop:
        return True
    return False


# --------------------------------------------------------------------------------------- the counts


@pytest.mark.parametrize("kind", COUNTED)
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
def test_a_plan_at_the_limit_passes_and_one_more_stops(kind, changes, stopped):
    assert stops(a_plan(**changes), kind=kind) is stopped


@pytest.mark.parametrize(("lately", "stopped"), [(99, True), (100, False), (101, False)])
def test_a_stop_needs_more_than_the_share_too(lately, stopped):
    assert stops(a_plan(creates=30), changed_lately=lately) is stopped
    assert stops(a_plan(updates=30), changed_lately=lately) is stopped


def test_a_share_of_many_changes_alone_is_no_reason():
    assert not stops(a_plan(creates=25), changed_lately=25)


@pytest.mark.parametrize("kind", FREE)
def test_what_a_person_asked_for_is_free_of_the_counts(kind):
    assert not stops(a_plan(creates=100, updates=100), kind=kind)


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


@pytest.mark.parametrize("kind", RunKind)
def test_a_changed_mapping_that_changes_one_pushed_return_stops_every_kind_of_run(kind):
    assert stops(a_plan(updates=1), kind=kind, mapping_is_new=True)
    assert stops(a_plan(cancels=1), kind=kind, mapping_is_new=True)
    assert not stops(a_plan(creates=5, adopts=5), kind=kind, mapping_is_new=True)
    assert not stops(a_plan(updates=1), kind=kind, mapping_is_new=False)


def test_a_changed_mapping_is_let_through_by_acceptance():
    plan = a_plan(updates=1)

    assert not stops(plan, mapping_is_new=True, accepted=[c.member() for c in plan.changes])


# ------------------------------------------------------------------------------------- what is said


def test_a_stop_names_plan_counts_limits_and_the_way_on():
    plan = a_plan(creates=26, updates=27)

    with pytest.raises(SafetyStop) as stopped:
        check_plan(plan, replace(GROUNDS, changed_lately=40))

    text = str(stopped.value)
    for said in (plan.digest, "create 26", "update or cancel 27", "25", "30%", "40"):
        assert said in text
    assert "`reconciler run --dry-run`" in stopped.value.hint
    assert f"`reconciler run --accept-plan {plan.digest}`" in stopped.value.hint
    assert stopped.value.exit_code == 7


# -------------------------------------------------------------------------------- lost ledger, shop


def test_a_new_ledger_does_not_create_what_jetti_already_marks():
    check_ledger_is_not_lost([])
    with pytest.raises(SafetyStop, match="7001") as stopped:
        check_ledger_is_not_lost(["7001", "7002"])
    assert "init --adopt" in stopped.value.hint


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
