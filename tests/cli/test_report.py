"""`reconciler report` as a process: each option, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.ledger.opening import open_ledger
from tests.cli.program import reconciler
from tests.support.world import NO_KEYS, World


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an empty ledger lies."""
    home = tmp_path_factory.mktemp("home")
    done = reconciler("init", cwd=home, RECONCILER_LEDGER=ledger(home))
    assert done.returncode == 0, done.stderr
    return home


def ledger(home: Path) -> str:
    return f"sqlite:///{home}/ledger.db"


def test_it_reports_on_the_last_thirty_days_without_any_option(home: Path) -> None:
    done = reconciler("report", cwd=home, RECONCILER_LEDGER=ledger(home))

    assert (done.returncode, done.stderr) == (0, "")
    verdict, period, before, *_ = done.stdout.splitlines()
    assert verdict == "No return was created in Loop in this period."
    start, end = (
        datetime.strptime(said, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
        for said in period.removeprefix("period     ").split(" to ")
    )
    assert end - start == timedelta(days=30, seconds=-1)
    assert datetime.now(UTC) - end < timedelta(minutes=2)
    assert before.endswith(f" to {start - timedelta(seconds=1):%Y-%m-%d %H:%M:%SZ}")


def test_it_writes_a_range_by_day_as_csv_into_a_file(home: Path) -> None:
    done = reconciler(
        "report", "--from", "2026-01-01", "--to", "2026-01-31", "--by", "day", "--format", "csv",
        "--output", "january.csv", cwd=home, RECONCILER_LEDGER=ledger(home),
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")
    file = home / "january.csv"
    assert file.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    days = [row["what"] for row in rows if row["table"] == "groups"]
    assert days == [f"'2026-01-{day:02}" for day in range(1, 32)]
    facts = {(row["table"], row["name"]): row["value"] for row in rows}
    assert facts["before", "from"] == "2025-12-01T00:00:00Z"
    assert facts["before", "to"] == "2025-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--from", "2026-02-01", "--to", "2026-01-31"), "is not before --to 2026-01-31T23:59:59Z"),
        (("--from", "2999-01-01"), "is in the future"),
        (("--from", "yesterday"), "is not a time"),
        (("--by", "customer"), "'customer' is not one of"),
        (("--format", "pdf"), "'pdf' is not one of"),
        (("--output", "/nowhere/report.txt"), "--output /nowhere/report.txt"),
    ],
)
def test_a_range_that_is_none_and_other_nonsense_end_with_2(
    world: World, options: tuple[str, ...], complaint: str
) -> None:
    world.go_live()

    ran = world.call("report", *options)

    assert (ran.code, ran.stdout) == (2, "")
    assert complaint in ran.stderr


def test_the_moment_itself_is_no_period(world: World) -> None:
    """An end in the future is cut to now, which is no later than the start then."""
    world.go_live()
    now = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    assert world.call("report", "--from", now, "--to", "2999-01-01").code == 2
    assert world.call("report", "--from", now).code == 2
    assert world.call("report", "--from", "1s", "--to", "2999-01-01").code == 0


def test_without_a_ledger_it_ends_with_7_and_leads_to_init(tmp_path: Path) -> None:
    done = reconciler("report", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (7, "")
    assert "reconciler init" in done.stderr


def test_on_a_damaged_ledger_it_ends_with_8(world: World) -> None:
    world.trusted()
    with closing(sqlite3.connect(world.directory / "ledger.db")) as raw:
        raw.execute("UPDATE entries SET seen = '{'")
        raw.commit()

    ran = world.call("report")

    assert (ran.code, ran.stdout) == (8, "")
    assert "ledger" in ran.stderr


@pytest.mark.parametrize("by", ["day", "week", "vendor", "reason", "outcome"])
def test_each_grouping_has_the_return_in_it(world: World, by: str) -> None:
    world.trusted()

    ran = world.call("report", "--from", "2d", "--by", by, "--format", "json", **NO_KEYS)

    found = json.loads(ran.stdout)
    assert found["period"]["by"] == by
    assert [group["what"] for group in found["groups"] if group["returns"]] == [
        {
            "day": "2026-03-01",
            "week": "2026-W09",
            "vendor": "1",
            "reason": None,
            "outcome": "refund",
        }[by]
    ]


@pytest.mark.parametrize("form", ["text", "json", "csv", "markdown"])
def test_each_format_is_written(world: World, form: str) -> None:
    world.trusted()

    ran = world.call("report", "--format", form)

    assert ran.code == 0
    starts = {
        "text": "1 return: 1 in Jetti",
        "json": "{",
        "csv": '\ufeff"table"',
        "markdown": "## Returns",
    }
    assert ran.stdout.startswith(starts[form])


def test_it_works_while_another_run_holds_the_lock(world: World) -> None:
    world.trusted()
    with open_ledger(world.ledger, world.clock):
        assert world.call("report").code == 0


def test_its_text_is_as_wide_as_columns_says(world: World) -> None:
    world.trusted()

    ran = world.call("report", "--by", "day", COLUMNS="44")

    assert 36 < max(map(len, ran.stdout.splitlines())) <= 44
