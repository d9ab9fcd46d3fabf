"""A machine's clock that is wrong, and ranges that a person mistypes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import NOON, World

LAG = timedelta(seconds=120)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def readable(world: World) -> datetime:
    """How far reading is complete by now."""
    return (world.sandbox.clock.now() - LAG).replace(microsecond=0)


def zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# --------------------------------------------------------------------------------- ahead (F8)


@pytest.mark.covers("F8", "P4")
@pytest.mark.parametrize("ahead", [10 * MINUTE, HOUR, 26 * HOUR, 365 * DAY])
def test_a_clock_that_is_ahead_never_pulls_the_watermark_ahead_of_loop_s(
    world: World, ahead: float
) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.clock.ahead = ahead
    for _ in range(3):
        ran = world.run()
        assert ran.code == 0
        assert world.watermark() <= world.sandbox.clock.now() - LAG
        # Stamped by Loop between what this machine takes for the past and for now.
        world.returned()
        world.pass_time(minutes=3)

    world.clock.ahead = 0

    heal_and_agree(world)
    assert len(world.jetti.sale_returns()) == 4


@pytest.mark.covers("F8")
def test_with_a_clock_that_is_ahead_what_happens_within_loop_s_lag_is_left_for_the_next_run(
    world: World,
) -> None:
    world.go_live()
    world.pass_time()
    one = world.returned()
    world.clock.ahead = 10 * MINUTE

    assert world.run().report["counts"]["seen"] == 0
    world.pass_time()

    assert world.run().outcomes == {one: ("create", "pushed")}


# -------------------------------------------------------------------------------- behind (F9)


@pytest.mark.covers("F9")
@pytest.mark.parametrize(
    ("behind", "code"),
    [
        (10 * MINUTE, 0),
        (3 * HOUR, 4),
        (25 * HOUR, 7),
        (400 * DAY, 7),
        ((NOON - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds(), 7),
    ],
    ids=["minutes", "hours", "more than a day", "last year", "1970"],
)
def test_a_clock_that_is_behind_skips_nothing_and_takes_no_watermark_back(
    world: World, behind: float, code: int
) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    assert world.run().code == 0
    before = world.watermark()
    world.returned()
    world.clock.ahead = -behind

    for options in ((), ("--sweep", "120d")):
        ran = world.run(*options)
        assert ran.code in (0, code)
        assert world.watermark() == before
        world.pass_time()
    assert world.run().code == code

    world.clock.ahead = 0
    heal_and_agree(world)
    assert len(world.jetti.sale_returns()) == 2


@pytest.mark.covers("F9")
def test_only_a_clock_before_the_watermark_by_more_than_a_day_is_called_insane(
    world: World,
) -> None:
    world.go_live()
    world.pass_time()
    world.run()
    edge = (world.clock.now() - world.watermark()).total_seconds() + DAY

    codes = []
    for seconds in (edge, edge + 1):
        world.clock.ahead = -seconds
        codes.append(world.run().code)

    assert codes == [4, 7]


@pytest.mark.covers("F9")
@pytest.mark.parametrize(("whose", "own"), [("this machine", "Loop"), ("Loop", "this machine")])
def test_a_clock_that_is_behind_is_named_with_what_the_other_one_says(
    world: World, whose: str, own: str
) -> None:
    """Setting this machine's clock is wrong advice where it is Loop's that is behind."""
    if whose == "Loop":
        world.clock.ahead = 27 * HOUR  # so that go-live is three hours ahead of Loop's clock
        assert world.call("init").code == 0
    else:
        world.go_live()
        world.pass_time()
        assert world.run().code == 0
        world.clock.ahead = -2 * HOUR

    ran = world.call("run")

    assert ran.code == 4
    assert f"{whose} says that it is 2026-03-01 1".lower() in ran.stdout.splitlines()[0].lower()
    [hint] = [line for line in ran.stdout.splitlines() if line.startswith("  Hint: ")]
    assert hint.startswith(f"  Hint: {own} says 2026-03-0")
    assert ("If that is right, Loop's clock is behind" in hint) == (whose == "Loop")
    assert "passes resume on their own" in hint


# ------------------------------------------------------------------------- time zones (F10)


@pytest.mark.covers("F10")
@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Europe/Berlin", "2026-02-27T02:30"),
        ("America/New_York", "2026-02-27"),
        ("Australia/Lord_Howe", "2026-02-27T02:30Z"),
    ],
)
def test_a_time_without_an_offset_is_utc_wherever_the_machine_is(
    world: World, zone: str, written: str
) -> None:
    world.go_live()

    ran = world.run("--yes", "--from", written, TZ=zone)

    [window] = ran.report["run"]["windows"]
    expected = "2026-02-27T00:00:00Z" if written == "2026-02-27" else "2026-02-27T02:30:00Z"
    assert (ran.code, window["from"]) == (0, expected)


# ----------------------------------------------------------------------------- ranges (F12)


@pytest.mark.covers("F12", "P4")
@pytest.mark.parametrize("by", ["created", "updated"])
@pytest.mark.parametrize("days", [121, 365, 1000])
def test_a_range_of_any_length_is_read_in_windows_that_loop_takes_oldest_first(
    world: World, days: int, by: str
) -> None:
    world.go_live()
    several = [
        world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=back))
        for back in (days - 1, days // 2, 29)
    ]
    before = world.watermark()

    ran = world.run("--yes", "--from", f"{days}d", "--by", by)

    windows = ran.report["run"]["windows"]
    starts = [datetime.fromisoformat(window["from"]) for window in windows]
    ends = [datetime.fromisoformat(window["to"]) for window in windows]
    assert (ran.code, len(windows)) == (0, -(-days // 30))
    assert starts[0] == NOON - timedelta(days=days)
    assert all(later == earlier for later, earlier in zip(starts[1:], ends, strict=False))
    assert max(end - start for start, end in zip(starts, ends, strict=True)) <= timedelta(days=30)
    assert {world.state(one) for one in several} == {"synced"}
    assert world.watermark() == before
    assert_agreement(world)


NONSENSE = [
    ("--from", zulu(NOON), "--to", zulu(NOON)),
    ("--from", "1d", "--to", "2d"),
    ("--from", "2026-02-28", "--to", "2026-02-27"),
    ("--from", zulu(NOON + timedelta(hours=1))),
    ("--from", "2026-03-02"),
    ("--from", "2027-01-01", "--to", "2027-02-01"),
    ("--to", "2026-02-27"),
    ("--from", "1999-12-31"),
    ("--from", "0000-00-00"),
    ("--from", "2026-02-30"),
    ("--from", "2025-02-29"),
    ("--from", "9999-12-31T23:59:60"),
    ("--from", "yesterday"),
    ("--from", "2026-02-27T02:30 Europe/Berlin"),
    ("--from", "99999999999d"),
    ("--sweep", "0"),
    ("--sweep", "-1d"),
    ("--from", "1d", "--sweep", "1d"),
    ("--by", "created"),
]


@pytest.mark.covers("F10", "F12")
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_a_range_that_makes_no_sense_is_refused_before_anybody_is_asked(
    world: World, dry: tuple[str, ...]
) -> None:
    world.go_live()

    codes = {options: world.run(*options, *dry).code for options in NONSENSE}

    assert set(codes.values()) == {2}, codes
    assert list(world.sandbox.request_log.all()) == []


@pytest.mark.covers("F12")
def test_an_end_that_lies_ahead_is_cut_to_what_can_be_read(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()

    ran = world.run("--from", "1d", "--to", "2099-01-01")

    [window] = ran.report["run"]["windows"]
    assert datetime.fromisoformat(window["to"]) == readable(world)
    assert ran.outcomes == {one: ("create", "pushed")}


# -------------------------------------------------------------------------- odd times (F11)


@pytest.mark.covers("F11")
@pytest.mark.parametrize(
    "at",
    [
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=UTC) - timedelta(days=364),
    ],
    ids=str,
)
def test_a_return_of_an_odd_moment_is_found_by_a_range_to_its_very_second(
    world: World, at: datetime
) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1)), at=at)
    around = [zulu(at + timedelta(seconds=seconds)) for seconds in (-1, 1)]

    ran = world.run("--yes", "--from", around[0], "--to", around[1], "--by", "created")

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "pushed")})


@pytest.mark.covers("F11", "F35")
@pytest.mark.parametrize("field", ["created_at", "updated_at"])
@pytest.mark.parametrize("value", ["0000-00-00 00:00:00", "2026-02-30 00:00:00", None])
def test_a_return_of_an_impossible_moment_is_set_aside_and_the_watermark_is_no_worse(
    world: World, field: str, value: object
) -> None:
    world.go_live()
    bad, good = world.returned(), world.returned()
    world.loop.edit(bad, extra={field: value})
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.report["counts"]["malformed"]) == (3, 1)
    assert (world.in_jetti(bad), len(world.in_jetti(good))) == ([], 1)
    assert world.watermark() == readable(world)
