"""A next page's link is taken apart for its cursor; where it leads, nobody goes."""

from __future__ import annotations

import pytest

from tests.faults.busy_shop import BusyShop
from tests.faults.canary import Canary
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures

AWAY = ["http://{canary}", "https://{canary}", "http://user@{canary}", "http://{home}@{canary}"]


@pytest.mark.covers("F27", "P16")
@pytest.mark.parametrize("origin", AWAY)
def test_a_next_link_that_leads_away_is_not_followed(
    shop: BusyShop, canary: Canary, figures: Figures, origin: str
) -> None:
    home = shop.environ["LOOP_BASE_URL"].split("/")[2]
    switches = shop.sandbox.loop.switches
    switches.next_page_origin = origin.format(canary=canary.host, home=home)
    before, visitors = shop.watermark(), canary.visitors

    away = shop.run()

    assert (away.code, shop.watermark(), canary.visitors) == (4, before, visitors)
    switches.next_page_origin = None
    shop.heal()
    shop.pass_time()
    assert shop.run().code == 0
    assert_agreement(shop, but=[shop.cast.ancient])
    figures.add("faults", "list, next page | link that leads away")
