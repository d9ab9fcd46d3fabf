"""An older copy of the ledger knows less than Jetti: what both agree on is taken up again."""

from __future__ import annotations

import shutil

from agreement import assert_agreement
from story_world import World


def test_what_was_told_after_the_copy_is_not_taken_for_a_person_s_for_ever(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 2))
    world.pass_time()
    assert world.run().code == 0
    copy = world.directory / "copy"
    shutil.copyfile(world.directory / "ledger.db", copy)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    shutil.copyfile(copy, world.directory / "ledger.db")
    world.pass_time()
    assert world.run().jetti_requests[1] == 0

    world.loop.move_label(one, "in_transit")
    world.pass_time()
    ran = world.run()

    assert (ran.code, ran.reason(one)) == (0, "")
    assert_agreement(world)
