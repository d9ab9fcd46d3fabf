"""What is known is pushed while a clock is behind, but the pass does not count as complete."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.world import World


def test_a_pass_that_can_read_nothing_new_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    one = world.submit(order)
    world.pass_time()
    assert world.run().code == 0
    world.jetti.import_sale(order)
    world.pass_time(hours=9)
    watermark = world.watermark()
    assert world.run("--max-writes", "0").code == 0
    reached, now = world.watermark(), world.clock.now
    monkeypatch.setattr(world.clock, "now", lambda: now() - timedelta(hours=5))

    behind = world.run()

    assert reached > watermark
    assert (behind.code, world.watermark()) == (4, reached)
    assert behind.report["run"]["windows"] == []
    assert behind.outcomes == {one: ("create", "pushed")}
