"""What people are told when something becomes worse, stays so, and is well again."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler import alarms, config
from reconciler.ledger.lock import run_lock
from reconciler.operations.one_at_a_time import one_at_a_time
from tests.support.ears import Ears, listening
from tests.support.world import World

DOCS = Path(__file__).parents[2] / "docs/alarms.md"


@pytest.fixture
def ears() -> Iterator[Ears]:
    with listening() as made:
        yield made


@pytest.fixture
def watched(world: World, ears: Ears) -> World:
    """A shop in which all is well, whose people are told through a listener."""
    world.environ["RECONCILER_OPERATIONS__NOTIFY"] = ears.apprise_url
    world.trusted()
    assert ears.messages == []
    return world


def for_a_person(world: World) -> str:
    """A return that somebody must decide about: Jetti holds its order twice."""
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    one = world.submit(order)
    world.pass_time()
    return one


@pytest.mark.covers("R22")
def test_one_review_is_one_message_not_one_each_pass(watched: World, ears: Ears) -> None:
    one = for_a_person(watched)

    for _ in range(6):
        assert watched.run().code == 3
        watched.pass_time()

    [message] = ears.messages
    assert watched.state(one) == "review"
    assert message.startswith("reconciler: 1 new problem\n")
    assert f"#1002, return {one} is in review" in message
    assert f"    reconciler show {one}\n" in message
    assert f"ledger {watched.directory}/ledger.db" in message


def test_a_second_one_is_news_and_the_first_is_counted(watched: World, ears: Ears) -> None:
    first = for_a_person(watched)
    watched.run()
    second = for_a_person(watched)
    watched.run()

    told = ears.messages[1]
    assert len(ears.messages) == 2
    assert f"return {second} " in told
    assert f"return {first} " not in told
    assert "And 1 problem that was reported before" in told


def test_it_is_reminded_of_once_a_day(watched: World, ears: Ears) -> None:
    one = for_a_person(watched)
    watched.run()
    for _ in range(4):
        watched.pass_time(hours=12, minutes=1)
        watched.run()

    assert len(ears.messages) == 3
    for reminder in ears.messages[1:]:
        assert reminder.startswith("reconciler: still 1 problem\n")
        assert f"return {one} is in review" in reminder


def test_an_outage_is_told_once_and_well_again_after_an_hour(watched: World, ears: Ears) -> None:
    watched.breaks("*", "503", service="loop")
    for _ in range(3):
        assert watched.run().code == 4
        watched.pass_time()
    watched.heals()

    assert watched.run().code == 0
    assert len(ears.messages) == 1
    assert "Loop answered 503" in ears.messages[0]
    watched.pass_time(minutes=30)
    watched.run()
    assert len(ears.messages) == 1, "it may come and go"
    watched.pass_time(minutes=31)
    watched.run()
    watched.run()

    [_, well] = ears.messages
    assert well.startswith("reconciler: well again\n")
    assert "scheduled run with exit code 4" in well
    assert "Nothing else is wrong." in well


def test_an_outage_that_comes_and_goes_is_told_once_an_hour_at_most(
    watched: World, ears: Ears
) -> None:
    for _ in range(6):
        watched.breaks("*", "503", service="loop")
        assert watched.run().code == 4
        watched.heals()
        watched.pass_time()
        assert watched.run().code == 0
        watched.pass_time()

    assert len(ears.messages) == 1


def test_a_refused_key_is_told(watched: World, ears: Ears) -> None:
    assert watched.run(LOOP_API_KEY="wrong-canary-key").code == 6

    [message] = ears.messages
    assert "Loop refused the key" in message
    assert "wrong-canary-key" not in message


def test_a_pass_without_a_key_is_told(watched: World, ears: Ears) -> None:
    environ = dict(watched.environ)
    del watched.environ["LOOP_API_KEY"]
    assert watched.run().code == 2
    watched.environ = environ

    [message] = ears.messages
    assert "LOOP_API_KEY: is not set" in message


def test_a_return_that_is_settled_is_told_to_be_well_at_once(watched: World, ears: Ears) -> None:
    watched.environ["RECONCILER_POLICY__PATIENCE"] = "0"
    order = watched.order(("Acme", 1), arrives=False)
    one = watched.submit(order)
    watched.pass_time()
    assert watched.run().code == 3
    [late] = ears.messages
    assert f"#1002, return {one} is overdue, waiting" in late

    watched.jetti.import_sale(order)
    watched.pass_time(hours=6)
    assert watched.run().code == 0

    assert f"Well again (1):\n  - #1002, return {one}\nNothing else is wrong." in ears.messages[1]


# --------------------------------------------------------------------------- after someone decided


@pytest.mark.covers("R22")
def test_what_was_retried_in_vain_is_told_again_by_the_next_run(watched: World, ears: Ears) -> None:
    one = for_a_person(watched)
    watched.run()

    assert watched.call("retry", one, "--yes").code == 0
    watched.call("status", "--notify")
    assert len(ears.messages) == 1, "a decision alone makes nothing well, nor worse"
    watched.pass_time()
    watched.run()
    watched.run()

    assert len(ears.messages) == 2
    assert f"return {one} is in review" in ears.messages[1]


def test_what_is_ignored_is_told_to_be_ignored(watched: World, ears: Ears) -> None:
    one = for_a_person(watched)
    watched.run()

    assert watched.call("ignore", one, "--yes", "--reason", "settled by hand").code == 0
    watched.run()

    assert f"Well again (1):\n  - #1002, return {one}: ignored from now on\n" in ears.messages[1]


@pytest.mark.covers("R22")
def test_a_second_stop_within_the_hour_is_told_like_the_first(watched: World, ears: Ears) -> None:
    watched.environ |= {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0.001"}

    def stopped() -> str:
        for _ in range(2):
            watched.submit(watched.order(("Acme", 1)))
        watched.pass_time()
        ran = watched.run()
        assert ran.code == 7
        return str(ran.report["run"]["digest"])

    first = stopped()
    assert watched.run("--accept-plan", first).code == 0
    second = stopped()

    assert len(ears.messages) == 2
    for digest, message in zip((first, second), ears.messages, strict=True):
        assert message.startswith("reconciler: 1 new problem\n")
        assert f"  ! plan {digest} was not carried out: it would create 2 returns" in message
        assert f"    reconciler run --accept-plan {digest}\n" in message


def test_the_other_key_is_told_once_the_first_one_is_right(watched: World, ears: Ears) -> None:
    watched.submit(watched.order(("Acme", 1)))
    watched.pass_time()

    for wrong in ("LOOP_API_KEY", "JETTI_API_TOKEN", "JETTI_API_TOKEN"):
        assert watched.run(**{wrong: "wrong-canary-key"}).code == 6
        watched.pass_time()

    assert len(ears.messages) == 2
    assert "Jetti refused the key" in ears.messages[1]


# -------------------------------------------------------------------------- what nobody asked for


def test_what_a_person_types_tells_nobody(watched: World, ears: Ears) -> None:
    one = for_a_person(watched)

    watched.run("--return", one)
    watched.run("--dry-run")
    watched.run("--from", "2d", "--yes")

    assert ears.messages == []


def test_a_run_that_finds_the_lock_taken_tells_nothing(watched: World, ears: Ears) -> None:
    for_a_person(watched)
    with run_lock(Path(watched.directory, "ledger.db"), watched.clock):
        assert watched.call("run").code == 75

    assert ears.messages == []


# ----------------------------------------------------------------------------- when telling fails


@pytest.mark.parametrize("status", [500, 404])
def test_what_was_not_taken_is_told_again(watched: World, ears: Ears, status: int) -> None:
    ears.status = status
    one = for_a_person(watched)
    ran = watched.call("run")
    assert ran.code == 3
    assert "notify 1: the message was not taken" in ran.stderr
    assert "canary-password" not in ran.stderr + ran.stdout
    assert "canary-hook" not in ran.stderr + ran.stdout

    ears.status = 200
    watched.run()
    watched.run()

    assert len(ears.messages) == 2
    assert f"return {one}" in ears.messages[1]


def test_of_several_one_that_takes_it_is_enough(watched: World, ears: Ears) -> None:
    with listening() as deaf:
        deaf.status = 500
        watched.environ["RECONCILER_OPERATIONS__NOTIFY"] = f"{deaf.apprise_url},{ears.apprise_url}"
        for_a_person(watched)
        ran = watched.call("run")
        watched.run()

    assert len(ears.messages) == len(deaf.heard) == 1
    assert "notify 1: the message was not taken" in ran.stderr


def test_an_address_that_apprise_does_not_know_fails_alone(watched: World, ears: Ears) -> None:
    watched.environ["RECONCILER_OPERATIONS__NOTIFY"] = f"pigeon://canary-post,{ears.apprise_url}"
    for_a_person(watched)

    ran = watched.call("run")

    assert ran.code == 3
    assert len(ears.messages) == 1
    assert "notify 1: the message was not taken" in ran.stderr


@pytest.mark.parametrize("command", [["init"], ["run", "--dry-run"], ["status", "--notify"]])
def test_commands_that_somebody_waits_for_refuse_such_an_address(
    watched: World, ears: Ears, command: list[str]
) -> None:
    watched.environ["RECONCILER_OPERATIONS__NOTIFY"] = f"{ears.apprise_url},pigeon://canary-post"

    ran = watched.call(*command)

    assert ran.code == 2
    assert "operations.notify: (hidden) (number 2 of 2) is no address that Apprise knows" in (
        ran.stderr
    )
    assert "canary-post" not in ran.stderr


# ---------------------------------------------------------------------------- two at the same time


@pytest.mark.covers("R22")
@pytest.mark.parametrize("trouble", ["a review", "no ledger"])
def test_a_pass_that_ends_while_cron_sends_does_not_send_it_again(
    watched: World, ears: Ears, trouble: str
) -> None:
    """As processes do it: each has read what was reported before the other one has reported."""
    if trouble == "a review":
        for_a_person(watched)
        watched.run("--from", "2d", "--yes")  # which tells nobody
    else:
        damage(watched)
    settings = config.load(None, watched.environ)
    ears.lets_go = threading.Event()
    both = [
        threading.Thread(target=alarms.notify, args=(settings, watched.clock, None))
        for _ in range(2)
    ]

    for one in both:
        one.start()
        until(lambda: bool(ears.heard))
    until(lambda: len(ears.heard) > 1, 2.0)
    ears.lets_go.set()
    for one in both:
        one.join()

    assert len(ears.messages) == 1
    ears.lets_go = None
    alarms.notify(settings, watched.clock, None)
    assert len(ears.messages) == 1


def test_nobody_waits_for_one_who_never_ends(tmp_path: Path) -> None:
    """Nor is a place in which no file can be made in the way."""
    place = tmp_path / "x"
    with one_at_a_time(place, 0), one_at_a_time(place, 0), one_at_a_time(tmp_path, 60):
        assert place.exists()


def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until it is so, or until then."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)


# ------------------------------------------------------------------------- a ledger out of order


def damage(world: World) -> bytes:
    """The ledger is not a database any more; returns what it was."""
    path = Path(world.directory, "ledger.db")
    before = path.read_bytes()
    path.write_bytes(before[:100] + b"\0" * (len(before) - 100))
    return before


@pytest.mark.covers("R22")
def test_a_ledger_that_cannot_be_used_is_told_hourly_and_then_to_be_well(
    watched: World, ears: Ears
) -> None:
    before = damage(watched)
    for _ in range(3):
        assert watched.call("run").code == 8
        watched.pass_time()
    assert len(ears.messages) == 1
    assert "ledger" in ears.messages[0]

    watched.pass_time(hours=1)
    assert watched.call("run").code == 8
    assert len(ears.messages) == 2

    Path(watched.directory, "ledger.db").write_bytes(before)
    assert watched.call("run").code == 0
    assert watched.call("run").code == 0
    assert len(ears.messages) == 3
    assert "Well again (1):\n  - the ledger\n" in ears.messages[2]


def test_the_page_names_the_file_that_remembers_it(watched: World, ears: Ears) -> None:
    damage(watched)
    before = set(os.listdir(watched.directory))

    assert watched.call("run").code == 8

    locks = {"ledger.db.lock", "ledger.db.reporting"}
    [file] = set(os.listdir(watched.directory)) - before - locks
    assert f"`{file}`" in DOCS.read_text()


def test_a_ledger_that_is_gone_is_told_hourly(watched: World, ears: Ears) -> None:
    Path(watched.directory, "ledger.db").unlink()

    codes = [watched.call("run").code for _ in range(3)]

    assert codes == [7, 7, 7]
    [message] = ears.messages
    assert "there is no ledger" in message


def lock_for_writers(world: World) -> sqlite3.Connection:
    """Another program begins to write, and does not end."""
    stranger = sqlite3.connect(Path(world.directory, "ledger.db"), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    return stranger


def test_what_cannot_be_remembered_is_told_hourly(watched: World, ears: Ears) -> None:
    for_a_person(watched)
    watched.run("--from", "2d", "--yes")  # which tells nobody
    with closing(lock_for_writers(watched)):
        for _ in range(2):
            assert watched.call("status", "--notify").code == 3
    assert len(ears.messages) == 1

    assert watched.call("status", "--notify").code == 3

    assert len(ears.messages) == 2, "rather twice than never"
    assert "the ledger" in ears.messages[1]
    watched.call("status", "--notify")
    assert len(ears.messages) == 2


# -------------------------------------------------------------------------------------- `status`


def test_status_changed_prints_once_per_change(watched: World, ears: Ears) -> None:
    assert (watched.call("status", "--changed").code, ears.messages) == (0, [])
    one = for_a_person(watched)
    watched.run("--return", one)

    first, second = (watched.call("status", "--changed") for _ in range(2))

    assert (first.code, second.code) == (3, 3)
    assert first.stdout.startswith(f"New (1):\n  ! #1002, return {one} is in review")
    assert "\nNot healthy, for 1 reason:\n" in first.stdout
    assert second.stdout == ""
    watched.pass_time(hours=25)
    assert watched.call("status", "--changed").stdout.startswith("Still so (1):\n")


def test_what_was_sent_is_no_reason_not_to_print_it(watched: World, ears: Ears) -> None:
    for_a_person(watched)
    watched.run()

    assert len(ears.messages) == 1
    assert "New (1):" in watched.call("status", "--changed").stdout


def test_status_changed_as_json_is_the_whole_of_status(watched: World, ears: Ears) -> None:
    for_a_person(watched)
    watched.run()
    whole = watched.call("status", "--format", "json").stdout

    changed = [watched.call("status", "--changed", "--format", "json").stdout for _ in range(2)]

    assert changed == [whole, ""]


def test_a_change_that_could_not_be_printed_is_printed_later(watched: World, ears: Ears) -> None:
    for_a_person(watched)
    watched.run()

    assert watched.call("status", "--changed", "--output", "/dev/full").code in (2, 3)

    assert "New (1):" in watched.call("status", "--changed").stdout


def test_status_changed_says_hourly_that_the_ledger_cannot_be_read(watched: World) -> None:
    damage(watched)

    told = [watched.call("status", "--changed") for _ in range(3)]

    assert [one.code for one in told] == [8, 8, 8]
    assert [bool(one.stderr) for one in told] == [True, False, False]
    watched.pass_time(minutes=61)
    assert watched.call("status", "--changed").stderr != ""


def test_status_notify_tells_of_passes_that_stopped_and_a_sweep_does_not_call_it_well(
    watched: World, ears: Ears
) -> None:
    """A sweep looks at no age of passes, so it cannot say that they are well again."""
    watched.pass_time(hours=2)
    for _ in range(2):
        assert watched.call("status", "--notify", "--max-age", "45m").code == 3
    [message] = ears.messages
    assert "the last complete pass ended 125m ago" in message or "2h" in message

    assert watched.run("--sweep", "30d").code == 0
    watched.pass_time(minutes=61)
    assert watched.run("--sweep", "30d").code == 0
    assert len(ears.messages) == 1

    watched.run()
    watched.pass_time(minutes=61)
    watched.run()
    assert len(ears.messages) == 2
    assert "Well again (1):\n  - pass age\n" in ears.messages[1]


def test_notify_without_anybody_to_tell_is_refused(world: World) -> None:
    world.go_live()

    ran = world.call("status", "--notify")

    assert ran.code == 2
    assert "operations.notify is not set" in ran.stderr


def test_status_without_these_options_leaves_the_ledger_alone(watched: World) -> None:
    for_a_person(watched)
    watched.run()
    files = {path.name: path.read_bytes() for path in watched.directory.iterdir()}

    watched.call("status")
    watched.call("status", "--format", "json")

    assert {path.name: path.read_bytes() for path in watched.directory.iterdir()} == files


def test_status_changed_during_a_run_does_not_wait_for_it(watched: World) -> None:
    for_a_person(watched)
    watched.run()
    with run_lock(Path(watched.directory, "ledger.db"), watched.clock):
        first, second = (watched.call("status", "--changed") for _ in range(2))

    assert "New (1):" in first.stdout
    assert second.stdout == ""


def test_a_return_that_is_forgotten_is_forgotten_here_too(watched: World, ears: Ears) -> None:
    one = for_a_person(watched)
    watched.run()
    with closing(sqlite3.connect(Path(watched.directory, "ledger.db"))) as ledger:
        ledger.execute("PRAGMA foreign_keys = ON")
        ledger.execute("DELETE FROM entries WHERE return_id = ?", (one,))
        ledger.commit()

        assert ledger.execute("SELECT count(*) FROM told").fetchone() == (0,)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_user_who_may_only_read_is_told_hourly(watched: World) -> None:
    for_a_person(watched)
    watched.run()
    Path(watched.directory, "ledger.db").chmod(0o400)
    watched.directory.chmod(0o500)
    try:
        first, second = (watched.call("status", "--changed") for _ in range(2))
    finally:
        watched.directory.chmod(0o700)

    assert "New (1):" in first.stdout
    assert second.stdout == ""
