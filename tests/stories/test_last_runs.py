"""The table of runs in `status` says why numbers are missing."""

from __future__ import annotations

import re

from tests.support.world import World


def test_status_says_which_runs_its_table_leaves_out(world: World) -> None:
    world.go_live()
    for _ in range(3):
        world.pass_time()
        assert world.run().code == 0
    world.returned()
    world.pass_time()
    assert world.run().code == 0

    lines = world.call("status").stdout.splitlines()

    [at] = [number for number, line in enumerate(lines) if line.startswith("last runs")]
    ids = [re.match(r" *(\d+) ", line)[1] for line in lines[at + 1 : at + 3]]  # type: ignore[index]
    assert ids == ["4", "3"], "1 and 2 found nothing either"
    assert "of several in a row that found nothing, only the last is kept" in lines[at]
