"""`--output`: what can be known before the pass begins is, and what cannot ends with 3."""

from __future__ import annotations

import pytest

from tests.support.world import World


@pytest.mark.covers("R19")
@pytest.mark.parametrize(("output", "code"), [("/proc/x", 2), ("/sys/x", 2), ("/dev/full", 3)])
def test_a_pass_begins_only_if_its_report_can_be_written(
    world: World, output: str, code: int
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()

    ran = world.call("run", "--output", output)

    assert (ran.code, len(world.in_jetti(one))) == (code, 0 if code == 2 else 1)
