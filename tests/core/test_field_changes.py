"""Field changes are packed, and nobody who reads them notices."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, tuples

from reconciler.core.field_changes import NO_FIELDS, FieldChange, FieldChanges
from reconciler.core.model import OwnedField
from reconciler.core.owned_fields import OWNED, OWNED_OF_ITEM

SHIPPED = FieldChange("status", "requested", "shipped")
MORE = FieldChange("quantity[A]", None, 2)
HALF = FieldChange("notes", "\ud83d", None)


def test_they_come_back_as_they_were_and_as_often_as_asked():
    packed = FieldChanges(iter([SHIPPED, MORE, HALF]))

    assert [*packed] == [*packed] == [SHIPPED, MORE, HALF]
    assert [*NO_FIELDS] == [*FieldChanges([])] == []


@pytest.mark.parametrize(
    "name",
    [
        *OwnedField,
        *(field.value for field in OwnedField),
        "quantity[A]",
        "quantityless",
        "[A]",
        "",
        "status[1001-21]",
        "externalId[A]",
    ],
)
def test_whatever_a_field_is_called_its_name_comes_back(name):
    assert [*FieldChanges([FieldChange(name, 1, 2)])] == [FieldChange(name, 1, 2)]


def test_they_are_equal_by_what_they_say():
    assert FieldChanges([SHIPPED, MORE]) == FieldChanges([SHIPPED, MORE])
    assert FieldChanges([SHIPPED, MORE]) != FieldChanges([MORE, SHIPPED])
    assert FieldChanges([SHIPPED]) != [SHIPPED]
    assert FieldChanges([]) == NO_FIELDS


def test_whether_a_value_is_used_twice_makes_no_difference():
    once, again = ("".join(["in ", "transit"]) for _ in range(2))
    shared = FieldChanges([FieldChange("status", once, once)])
    apart = FieldChanges([FieldChange("status", once, again)])

    assert shared == apart
    assert hash(shared) == hash(apart)


def test_equal_ones_are_one_key_and_others_another():
    said = [FieldChanges([SHIPPED]), FieldChanges([SHIPPED]), FieldChanges([MORE]), NO_FIELDS]

    assert len({hash(one) for one in said}) == 3


NAMES = (
    *OWNED_OF_ITEM, *OWNED, "quantity[A]", "quantity[B]", "externalId[A]", "notes[1001-01]",
    "status[1001-01]", "status[1001-02]", "status[A]", "status", "restatus[A]",
)  # fmt: skip


@given(lists(tuples(sampled_from(NAMES), sampled_from(("cancelled", "Cancelled", None, 1)))))
def test_what_they_are_of_is_counted_as_one_would_by_reading_them(said):
    fields = [FieldChange(name, "cancelled", after) for name, after in said]
    packed = FieldChanges(fields)

    assert packed.objects() == len({re.sub(r"^[^\[]*", "", one.field) for one in packed})
    cancelled = [name for name, after in said if after == "cancelled"]
    assert packed.cancelled() == len([name for name in cancelled if name[:7] == "status["])


def test_a_developer_sees_what_is_in_them():
    assert repr(FieldChanges([SHIPPED])) == (
        "FieldChanges([FieldChange(field='status', before='requested', after='shipped')])"
    )
