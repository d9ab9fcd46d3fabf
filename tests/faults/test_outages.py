"""A service that is away altogether: nothing is lost, and no return is blamed for it."""

from __future__ import annotations

import pytest

from reconciler.core.model import State
from reconciler.sandbox.faults.registry import Fault, ServiceName
from tests.faults.busy_shop import PARTS, BusyShop
from tests.faults.canary import closed_port
from tests.faults.fault_kinds_tried import Form
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures

AWAY = [
    Form("refuse"),
    Form("reset_before_headers"),
    Form("reset_mid_body"),
    Form("429"),
    Form("429", {"retry_after": "ten_years"}),
    *(Form(code) for code in ("400", "401", "403", "404", "409", "422")),
    *(Form(code) for code in ("500", "502", "503", "504")),
    Form("redirect", {"code": 302}),
    Form("html_200"),
    Form("empty_200"),
    Form("error_200"),
    Form("truncated", {"at": 1}),
    Form("gzip_bomb", {"megabytes": 20}),
]
KEY = ("401", "403")
CODES = {"loop": 4, "jetti": 5}


@pytest.mark.covers("F22", "F56", "F59")
@pytest.mark.parametrize("service", ["loop", "jetti"])
@pytest.mark.parametrize("form", AWAY, ids=lambda form: form.name)
def test_an_outage_burns_no_try_and_holds_nothing_back_afterwards(
    shop: BusyShop, form: Form, service: ServiceName, long: bool, figures: Figures
) -> None:
    shop.sandbox.faults.add(Fault(service, form.kind, parameters=form.parameters))

    _suffer(shop, 6 if form.kind in KEY else CODES[service], long=long)

    _assert_all_is_made_up_for(shop)
    figures.add("faults", f"{service} away | {form.kind}")


@pytest.mark.parametrize("call", [8, 14, 18, 22, 26])
def test_an_outage_that_begins_in_the_middle_of_a_pass_burns_no_try_either(
    shop: BusyShop, call: int
) -> None:
    shop.sandbox.faults.add(Fault("jetti", "refuse", first=call))

    assert shop.run().code == 5

    tried = {one: e.attempts for one, e in shop.entries().items() if e.state is not State.WAITING}
    assert not any(tried.values()), tried
    _assert_all_is_made_up_for(shop)


@pytest.mark.covers("F56")
@pytest.mark.parametrize("service", ["loop", "jetti"])
def test_a_port_at_which_nobody_listens_is_an_outage(
    shop: BusyShop, service: ServiceName, long: bool, figures: Figures
) -> None:
    name = f"{service.upper()}_BASE_URL"
    home, shop.environ[name] = shop.environ[name], f"http://127.0.0.1:{closed_port()}/api"

    _suffer(shop, CODES[service], long=long)

    shop.environ[name] = home
    _assert_all_is_made_up_for(shop)
    figures.add("faults", f"{service} away | unreachable")


def _suffer(shop: BusyShop, code: int, *, long: bool) -> None:
    """Passes while it lasts: a few, or for longer than any return's tries would."""
    before = {one: entry.attempts for one, entry in shop.entries().items()}
    for _ in range(14 if long else 3):
        assert shop.run().code == code
        shop.pass_time(hours=3)
    for return_id, entry in shop.entries().items():
        assert entry.state in (State.PENDING, State.SYNCED), (return_id, entry.reason)
        assert entry.attempts == before.get(return_id, 0)


def _assert_all_is_made_up_for(shop: BusyShop) -> None:
    shop.heal()
    shop.pass_time()
    calm = shop.run()
    assert calm.code == 0, calm.report
    assert_agreement(shop, but=[shop.cast.ancient])
    assert len(shop.jetti.notifications()) == PARTS
    shop.pass_time()
    assert shop.run().jetti_requests == (0, 0)
