"""A row becomes a return, or is set aside without spoiling anything else."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from reconciler.core.model import Line, Malformed, Parcel, Return, malformed_part
from reconciler.loop.rows import parse_row
from reconciler.sandbox.loop.details import details_row
from reconciler.sandbox.loop.rows import list_row
from reconciler.sandbox.loop.switches import LoopSwitches
from tests.loop.samples import NOON, row

MISSING = object()


def wire_row(**changes):
    shape = list_row(row(31, NOON), LoopSwitches(extra_fields=True), "canary-market")
    for name, value in changes.items():
        if value is MISSING:
            del shape[name]
        else:
            shape[name] = value
    return shape


def wire_line(**changes):
    line = wire_row()["line_items"][0] | changes
    return {name: value for name, value in line.items() if value is not MISSING}


def parsed(shape):
    return parse_row(Raw(msgspec.json.encode(shape)))


def test_a_row_as_documented_is_read():
    assert parsed(wire_row()) == Return(
        id="31",
        state="open",
        created_at=NOON,
        updated_at=NOON,
        order_id="4800000031",
        order_name="#1031",
        lines=(Line("700031", "900031", "TEE-S", None, None),),
        parcels=(Parcel("USPS", "940000000031", "in_transit", ("700031",), NOON),),
        type="standard",
        outcomes=("refund",),
        shop="canary-market",
        order_number="1031",
    )


@pytest.mark.parametrize(
    ("sent", "read"), [(7381018, "7381018"), ("", None), (None, None), (MISSING, None)]
)
def test_the_order_s_number_may_come_as_a_number_or_not_at_all(sent, read):
    assert parsed(wire_row(provider_order_number=sent)).order_number == read


def test_the_shape_of_details_reads_the_same():
    details = details_row(row(31, NOON), LoopSwitches(), "canary-market")

    assert parsed(details) == parsed(wire_row())


@pytest.mark.covers("F108")
def test_nothing_personal_gets_in():
    shape = wire_row(
        customer="canary@example.test", label_url="https://canary", customer_name="Canary",
        line_items=[wire_line(return_comment="canary said", customer="canary")],
    )  # fmt: skip

    assert b"canary" not in msgspec.json.encode(parsed(shape)).replace(b"canary-market", b"")


def test_optional_fields_may_be_missing_or_nothing():
    absent = dict.fromkeys(
        ("provider_order_id", "outcome", "type", "carrier", "tracking_number", "label_status"),
        "N/A",
    )
    bare = dict.fromkeys((*absent, "labels", "status_page_url"), MISSING)

    assert parsed(wire_row(**absent, labels=None, status_page_url=None)) == parsed(wire_row(**bare))
    assert parsed(wire_row(**bare)).parcels == ()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("id", MISSING, "id: missing"),
        ("id", True, "id: expected number or text, found true or false"),
        ("id", 1.5, "id: expected number or text, found number"),
        ("id", None, "id: expected number or text, found null"),
        ("id", "../1", "id: not an id of 1 to 20 digits"),
        ("state", None, "state: expected text, found null"),
        ("state", "", "state: absent"),
        ("created_at", None, "created_at: expected text, found null"),
        ("updated_at", "0000-00-00", "updated_at: not a time"),
        ("updated_at", MISSING, "updated_at: missing"),
        ("provider_order_id", "x1", "provider_order_id: not an id of 1 to 20 digits"),
        ("line_items", MISSING, "line_items: missing"),
        ("line_items", None, "line_items: expected list, found null"),
        ("line_items", [wire_line()] * 10_001, "line_items: more than 10000 entries"),
        ("outcome", ["refund"], "outcome: expected number or text, found list"),
    ],
)
def test_a_row_that_cannot_be_understood_names_the_field(field, value, problem):
    found = parsed(wire_row(**{field: value}))

    assert isinstance(found, Malformed)
    assert (found.problem, found.is_partial) == (problem, False)


def test_it_names_return_order_and_times_where_they_can_be_read():
    assert parsed(wire_row(state=None, created_at="2026-02-01T12:00:00.000Z")) == Malformed(
        "31",
        "state: expected text, found null",
        "31",
        "#1031",
        created_at=datetime(2026, 2, 1, 12, tzinfo=UTC),
        updated_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    unnamed = parsed(wire_row(id=None, order_name=[], created_at=None, updated_at="soon"))

    assert (unnamed.return_id, unnamed.order_name) == (None, None)
    assert (unnamed.created_at, unnamed.updated_at) == (None, None)


# ------------------------------------------------------------------------------- rows in part

LINE = Line("700031", "900031", "TEE-S", None, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (None, "line_items[1]: expected object, found null"),
        ({}, "line_items[1].line_item_id: missing"),
        (wire_line(provider_line_item_id=MISSING), "line_items[1].provider_line_item_id: missing"),
        (
            wire_line(provider_line_item_id=None),
            "line_items[1].provider_line_item_id: expected number or text, found null",
        ),
        (wire_line(line_item_id=""), "line_items[1].line_item_id: not an id of 1 to 20 digits"),
        (wire_line(title="x" * 5000), "line_items[1].title: more than 4000 characters"),
        (wire_line(sku="a\0b"), "line_items[1].sku: holds a NUL character"),
    ],
)
def test_a_line_that_cannot_be_understood_sets_only_itself_aside(line, problem):
    found = parsed(wire_row(line_items=[wire_line(), line]))

    assert (found.lines, found.lines_set_aside) == ((LINE,), (problem,))
    assert replace(found, lines_set_aside=()) == parsed(wire_row())


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"0": {}}, "labels: expected list, found object"),
        ([{"status": "new", "line_items": ["x"]}], "labels[0].line_items: not an id of 1 to 20"),
        ([None], "labels[0]: expected object, found null"),
        ([{"status": []}], "labels[0].status: expected number or text, found list"),
    ],
)
def test_a_label_that_cannot_be_understood_sets_only_itself_aside(labels, problem):
    found = parsed(wire_row(labels=labels))

    assert (found.lines, found.parcels) == ((LINE,), ())
    assert [one.startswith(problem) for one in found.labels_set_aside] == [True]


def test_beside_a_bad_label_the_good_ones_count_and_the_return_s_own_fields_do_not():
    good = {"status": "in_transit", "carrier": "UPS", "tracking_number": "X1"}

    assert parsed(wire_row(labels=[good, None])).parcels == (Parcel("UPS", "X1", "in_transit"),)
    assert parsed(wire_row(labels=[None])).parcels == ()


@pytest.mark.parametrize("field", ["carrier", "tracking_number", "label_status"])
def test_the_return_s_own_label_fields_are_such_a_label(field):
    found = parsed(wire_row(labels=[], **{field: {}}))

    assert found.labels_set_aside == (f"{field}: expected number or text, found object",)
    assert parsed(wire_row(**{field: {}})).labels_set_aside == (), "not looked at beside labels"


@pytest.mark.parametrize("name", [MISSING, None, "", "N/A"])
def test_an_order_s_name_may_be_missing_where_its_id_is_there(name):
    found = parsed(wire_row(order_name=name))

    assert (found.order_name, found.order, found.set_aside) == ("", "order id 4800000031", ())
    nameless = parsed(wire_row(order_name=name, provider_order_id=None))
    assert nameless.problem == "order_name: absent, and so is provider_order_id"


@pytest.mark.covers("R9")
@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("order_name", {}, "order_name: expected number or text, found object"),
        ("order_name", "x" * 300, "order_name: more than 255 characters"),
        ("order_name", "a\0b", "order_name: holds a NUL character"),
        ("provider_order_number", [], "provider_order_number: expected number or text, found list"),
        ("provider_order_number", "\0", "provider_order_number: holds a NUL character"),
        ("status_page_url", 7, "status_page_url: expected text, found number"),
    ],
)
def test_a_name_that_makes_no_sense_sets_only_itself_aside(field, value, problem):
    whole, found = parsed(wire_row()), parsed(wire_row(**{field: value}))

    named = {"order_name": "order_name", "provider_order_number": "order_number"}.get(field, "shop")
    absent = "" if named == "order_name" else None
    assert found == replace(whole, **{named: absent, "names_set_aside": (problem,)})
    said = malformed_part(found)
    assert (said.key, said.problem, said.is_partial) == ("31", problem, True)


def test_without_an_order_s_id_a_name_that_makes_no_sense_leaves_nothing_to_find_it_by():
    found = parsed(wire_row(order_name=[], provider_order_id=None))

    assert found.problem == "order_name: expected number or text, found list"


def test_the_culprit_is_named_where_a_return_cannot_be_found():
    nameless = wire_row(order_name=None, provider_order_id=None, status_page_url=7)
    spoiled = wire_row(order_name={}, provider_order_id=" ")

    assert parsed(nameless).problem == "order_name: absent, and so is provider_order_id"
    assert parsed(spoiled).problem == "order_name: expected number or text, found object"


def test_what_is_wrong_with_names_lines_and_labels_is_all_told():
    found = parsed(wire_row(order_name=[], line_items=[None], labels=[7]))

    assert malformed_part(found).problem == (
        "order_name: expected number or text, found list; "
        "line_items[0]: expected object, found null; labels[0]: expected object, found number"
    )


def test_a_malformed_row_is_known_by_its_id_where_that_can_be_read():
    assert parsed(wire_row(state=None)).key == "31"
    assert parsed(wire_row(id=31, state=None)).key == "31"


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"x"', b'{"id":"x"}', b"{}", b"7"])
def test_else_by_a_hash_of_the_row(raw):
    assert parse_row(Raw(raw)).key == hashlib.sha256(raw).hexdigest()


@pytest.mark.covers("R9")
def test_a_problem_never_quotes_a_value():
    found = parsed(wire_row(created_at="canary", state=None, line_items="canary"))

    assert "canary" not in found.problem
    for value in ("canary" * 1000, {"canary": "canary"}, ["canary"], "canary\0"):
        lines = [wire_line(**{name: value}) for name in wire_line()]
        labels = [{"status": value}, {"line_items": ["canary", value]}]
        for shape in (wire_row(line_items=lines, labels=labels), wire_row(order_name=value)):
            found = parsed(shape)
            told = found.problem if isinstance(found, Malformed) else malformed_part(found).problem
            assert told != ""
            assert "canary" not in told


@pytest.mark.covers("F100")
@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"1","state":"\\ud800"}',
        b'{"id":"1","state":"\xff"}',
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"id":NaN}',
        b'{"id":"1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_hostile_json_is_set_aside(raw):
    assert isinstance(parse_row(Raw(raw)), Malformed)


@pytest.mark.covers("F101")
def test_a_text_that_is_not_unicode_is_not_quoted_either():
    assert parse_row(Raw(b'{"id":"1","state":"\xff"}')).problem == "a text is not valid Unicode"


@pytest.mark.covers("F39")
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(sorted(wire_row())),
)
def test_no_json_in_any_field_breaks_the_parser(value, field):
    assert isinstance(parsed(wire_row(**{field: value})), Return | Malformed)


def test_lines_and_parcels_are_sorted_as_numbers_whatever_order_they_come_in():
    lines = [wire_line(line_item_id=number) for number in ("100", 9, "20")]
    labels = [{"status": "new", "tracking_number": text, "line_items": [20, 9]} for text in "ba"]

    found = parsed(wire_row(line_items=lines, labels=labels))

    assert [line.id for line in found.lines] == ["9", "20", "100"]
    assert [parcel.tracking_number for parcel in found.parcels] == ["a", "b"]
    assert found.parcels[0].line_ids == ("9", "20")
    assert found == parsed(wire_row(line_items=lines[::-1], labels=labels[::-1]))


@pytest.mark.parametrize("status", [None, "", "N/A", "pending", "no_label"])
@pytest.mark.parametrize("tracking_number", [None, "", "N/A"])
def test_a_label_that_does_not_exist_yet_is_no_parcel(status, tracking_number):
    label = {"status": status, "tracking_number": tracking_number, "carrier": "USPS"}
    top = {"label_status": status, "tracking_number": tracking_number, "carrier": "USPS"}

    assert parsed(wire_row(labels=[label], **top)).parcels == ()
    assert parsed(wire_row(labels=[], **top)).parcels == ()


@pytest.mark.parametrize(
    ("label", "parcel"),
    [
        ({"status": "new"}, Parcel(None, None, "new")),
        ({"tracking_number": 940001}, Parcel(None, "940001", None)),
        (
            {"status": "pending", "tracking_number": "X1", "carrier": "UPS"},
            Parcel("UPS", "X1", "pending"),
        ),
        ({"status": "lost_at_sea"}, Parcel(None, None, "lost_at_sea")),
    ],
)
def test_any_sign_of_a_label_is_a_parcel(label, parcel):
    assert parsed(wire_row(labels=[label])).parcels == (parcel,)


def test_without_labels_the_returns_own_label_fields_count():
    found = parsed(wire_row(labels=[]))

    assert found.parcels == (Parcel("USPS", "940000000031", "in_transit", updated_at=NOON),)


def test_the_same_label_twice_is_one_parcel():
    label = {"status": "new", "tracking_number": "X1"}

    assert len(parsed(wire_row(labels=[label, label])).parcels) == 1


def test_and_its_later_time_counts():
    times = ["2026-03-01 12:00:00", "N/A", "2026-02-01 12:00:00"]
    labels = [{"status": "new", "tracking_number": "X1", "updated_at": at} for at in times]

    assert [one.updated_at for one in parsed(wire_row(labels=labels)).parcels] == [NOON]
    assert parsed(wire_row(labels=labels[::-1])) == parsed(wire_row(labels=labels))


@pytest.mark.parametrize(
    "unreadable", [None, "", "N/A", "soon", "2026-13-01", 17, 1e300, True, ["x"], {"date": "x"}]
)
def test_a_time_of_a_label_that_is_none_spoils_nothing(unreadable):
    """The labels' times come in the most forms of all (loop.md#timestamp-forms, #absent-values)."""
    label = {"status": "new", "tracking_number": "X1", "updated_at": unreadable}
    made = label | {"created_at": "2026-03-01T12:00:00.000Z"}
    own = wire_row(labels=[], label_updated_at=unreadable)

    assert parsed(wire_row(labels=[label])).parcels == (Parcel(None, "X1", "new"),)
    assert parsed(wire_row(labels=[made])).parcels == (Parcel(None, "X1", "new", (), NOON),)
    assert parsed(own).parcels == (Parcel("USPS", "940000000031", "in_transit"),)


def test_a_label_s_own_change_counts_before_its_making():
    times = {"updated_at": "2026-03-01 12:00:00", "created_at": "2026-02-01 12:00:00"}

    [found] = parsed(wire_row(labels=[{"status": "new"} | times])).parcels

    assert found.updated_at == NOON


@pytest.mark.parametrize(
    ("outcome", "outcomes"),
    [("refund", ("refund",)), ("refund+exchange", ("exchange", "refund")), (None, ())],
)
def test_an_outcome_is_a_set(outcome, outcomes):
    assert parsed(wire_row(outcome=outcome)).outcomes == outcomes


@pytest.mark.parametrize("state", ["processing", "needs review"])
def test_an_unknown_state_is_kept_as_text(state):
    assert parsed(wire_row(state=state)).state == state


@pytest.mark.parametrize("value", ["N/A", None, {}, []])
def test_a_field_that_is_not_read_cannot_spoil_a_row(value):
    assert parsed(wire_row(label_updated_at=value, edited_at=value, return_method=value)) == parsed(
        wire_row()
    )
