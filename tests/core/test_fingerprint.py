from __future__ import annotations

import pytest
from msgspec.structs import fields, replace

from reconciler.core import fingerprint as fingerprints
from reconciler.core.fingerprint import content, fingerprint, mapping_version
from reconciler.core.model import Line, Parcel, Purpose, Return, Wanted, WantedLine, WantedParcel
from reconciler.core.settings import Mapping
from tests.core.samples import NOON, a_return, parcel, wanted_line, wanted_parcel, wants

SEEN = a_return(parcels=(parcel(),), type="return", outcomes=("refund",))
OTHERWISE = {
    "state": "closed",
    "created_at": NOON,
    "order_id": None,
    "order_name": "#1002",
    "order_number": "1002",
    "lines": (Line("501", "B"),),
    "parcels": (),
    "type": "exchange",
    "outcomes": (),
    "lines_set_aside": ("line_items[1]: expected object, found null",),
    "labels_set_aside": ("labels[0]: expected object, found null",),
}
OUTSIDE = {"id", "updated_at", "shop", "names_set_aside"}
"""The key it is stored under, the touch, a fact about the account, what is wrong with a name."""


def test_every_field_of_a_return_is_either_content_or_named_as_none():
    assert {field.name for field in fields(Return)} == OTHERWISE.keys() | OUTSIDE


@pytest.mark.parametrize(("name", "value"), OTHERWISE.items())
def test_every_field_of_the_content_changes_it(name, value):
    assert content(replace(SEEN, **{name: value})) != content(SEEN)


@pytest.mark.parametrize("name", ["id", "sku", "title", "reason", "order_line_id"])
def test_every_field_of_a_line_changes_the_content(name):
    [line] = SEEN.lines

    assert content(replace(SEEN, lines=(replace(line, **{name: "other"}),))) != content(SEEN)


@pytest.mark.parametrize("name", [field.name for field in fields(Parcel)])
def test_every_field_of_a_parcel_changes_the_content(name):
    values = {"line_ids": ("501",), "updated_at": NOON}
    changed = parcel(**{name: values.get(name, "other")})

    assert content(replace(SEEN, parcels=(changed,))) != content(SEEN)


def test_a_touch_changes_no_content():
    assert content(replace(SEEN, updated_at=NOON.replace(year=2027), shop="x")) == content(SEEN)


PINNED_CONTENT = "7e3c41616d2633dd24763f2e727f05e5d30384a9a8e8aa4002dffc12f5a294d1"
PINNED = "fc346fb8ce74c0e56bf02d0717c2794c6c93ab91732ef45101a6dbe437ab3ee7"
PINNED_VERSION = "3:37348f7f7408f47e"

WANTED = wants(wanted_line(), parcels=(wanted_parcel(),))


def _otherwise(struct, name):
    values = {
        "purpose": Purpose.HOLD,
        "quantity": 7,
        "lines": (),
        "parcels": (),
        "order_line_ids": ("Z",),
        "reasons": ("Too small (size)",),
    }
    return replace(struct, **{name: values.get(name, "other")})


@pytest.mark.parametrize("name", [field.name for field in fields(Wanted)])
def test_every_field_of_what_is_wanted_changes_the_fingerprint(name):
    assert fingerprint(_otherwise(WANTED, name), "1") != fingerprint(WANTED, "1")


@pytest.mark.parametrize("name", [field.name for field in fields(WantedLine)])
def test_every_field_of_a_wanted_line_changes_the_fingerprint(name):
    changed = replace(WANTED, lines=(_otherwise(WANTED.lines[0], name),))

    assert fingerprint(changed, "1") != fingerprint(WANTED, "1")


@pytest.mark.parametrize("name", [field.name for field in fields(WantedParcel)])
def test_every_field_of_a_wanted_parcel_changes_the_fingerprint(name):
    changed = replace(WANTED, parcels=(_otherwise(WANTED.parcels[0], name),))

    assert fingerprint(changed, "1") != fingerprint(WANTED, "1")


def test_the_mapping_is_part_of_the_fingerprint():
    assert fingerprint(WANTED, "1:a") != fingerprint(WANTED, "1:b")
    assert fingerprint(WANTED, "1:a") == fingerprint(replace(WANTED), "1:a")


def test_the_fingerprint_stays_the_same_from_release_to_release():
    """A change here plans every return of every ledger again: raise MAPPING_CODE knowingly."""
    assert fingerprints.MAPPING_CODE == 3
    assert fingerprint(WANTED, "1:0").hex() == PINNED
    assert mapping_version(Mapping(), ("review",)) == PINNED_VERSION


def test_the_content_of_a_return_stays_the_same_from_release_to_release():
    """A change here takes every return of every ledger for changed."""
    assert content(SEEN).hex() == PINNED_CONTENT


def test_the_version_of_a_mapping_names_code_and_settings():
    version = mapping_version(Mapping(), ("review",))

    assert version.startswith(f"{fingerprints.MAPPING_CODE}:")
    assert mapping_version(Mapping(status={"open": {"new": "shipped"}}), ("review",)) != version
    assert mapping_version(Mapping(tracking={"lost": "failure"}), ("review",)) != version
    assert mapping_version(Mapping(reasons={"x": "y"}), ("review",)) != version
    assert mapping_version(Mapping(), ("review", "open")) != version


def test_the_order_of_settings_means_nothing():
    first = Mapping(reasons={"a": "1", "b": "2"}, status={"open": {"new": "x", "error": "y"}})
    second = Mapping(reasons={"b": "2", "a": "1"}, status={"open": {"error": "y", "new": "x"}})

    assert mapping_version(first, ("a", "b")) == mapping_version(second, ("b", "a"))
