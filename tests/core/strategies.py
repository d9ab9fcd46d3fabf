"""Entries and what Jetti holds of them, drawn from few enough values to meet often."""

from __future__ import annotations

from hypothesis import strategies as st

from reconciler.core.diff import Live
from reconciler.core.model import Item, Purpose, SaleReturn, WantedLine, WantedParcel
from reconciler.core.owned_fields import OWNED
from tests.core.samples import ITEM_IDS, SALE_ID, an_entry, wants

STATUSES = ("draft", "requested", "finalized", "shipped", "received", "cancelled")

statuses = st.sampled_from([*STATUSES, "unheard_of", None])
texts = st.sampled_from([None, "a", "b", "7001", "Loop return 7001"])
subsets = st.lists(st.sampled_from("ABCD"), unique=True).map(lambda lines: tuple(sorted(lines)))


def _owned(name):
    return statuses if name == "status" else texts


sale_return_fields = st.fixed_dictionaries({}, optional={name: _owned(name) for name in OWNED})
item_fields = st.fixed_dictionaries(
    {"quantity": st.integers(0, 3)},
    optional={
        "externalId": st.sampled_from([None, "501", "x"]),
        "adjustmentReasonId": st.sampled_from([None, 1, 2]),
    },
)
wanted_parcels = st.builds(
    WantedParcel,
    carrier=texts,
    tracking_number=texts,
    tracking_url=texts,
    tracking_status=st.sampled_from([None, "transit", "delivered"]),
    status=st.sampled_from([None, "requested", "shipped", "received", "cancelled"]),
    order_line_ids=subsets,
)


@st.composite
def wanted(draw):
    lines = tuple(
        WantedLine(
            line,
            draw(st.integers(1, 3)),
            f"5{ITEM_IDS[line]:02d}",
            draw(st.sampled_from([None, "1", "2"])),
        )
        for line in draw(subsets)
    )
    return wants(
        purpose=draw(st.sampled_from(Purpose)),
        status=draw(st.sampled_from(STATUSES)),
        lines=lines,
        parcels=tuple(draw(st.lists(wanted_parcels, max_size=3))),
    )


@st.composite
def entries(draw):
    """Wanted anything, pushed anything: order lines spread over up to two sale returns."""
    where = {line: draw(st.sampled_from([None, 21, 22])) for line in "ABCD"}
    known = tuple(
        SaleReturn(
            number,
            f"1001-{number}",
            SALE_ID,
            None,
            draw(sale_return_fields),
            tuple(
                Item(
                    100 + ITEM_IDS[line],
                    ITEM_IDS[line],
                    line,
                    draw(item_fields),
                    draw(st.sampled_from([None, "1", "2"])),
                )
                for line in "ABCD"
                if where[line] == number
            ),
        )
        for number in (21, 22)
        if number in where.values()
    )
    return an_entry(draw(wanted()), sale_returns=known)


@st.composite
def entries_and_held(draw):
    """An entry, and Jetti's idea of its sale returns after people were at them."""
    entry = draw(entries())
    held = {
        known.id: Live(
            known.fields | draw(sale_return_fields),
            {
                item.id: item.fields | draw(st.one_of(st.just({}), item_fields))
                for item in known.items
            },
        )
        for known in entry.sale_returns
    }
    return entry, held
