"""The figures for Prometheus, and the page that lists them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from reconciler.core.health import Facts, assess
from reconciler.core.model import State
from reconciler.core.report import Problem, Requests, RunKind
from reconciler.core.routine_backup import RoutineBackup
from reconciler.operations import metrics
from reconciler.operations.metrics import Ended, figures
from tests.support.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = Facts(
    now=NOON,
    go_live=NOON - HOUR,
    watermark=NOON - HOUR,
    states={"review": 2, "synced": 7},
    overdue=1,
    malformed=3,
    last_complete_pass=NOON,
    oldest_problem=Problem("1", "#1", "review", NOON - 5 * HOUR),
    backup=RoutineBackup(made_at=NOON - 9 * HOUR, failed_at=NOON, problem="full", keep=14),
)
HEALTH = assess(FACTS, HOUR, None)
ENDED = Ended(RunKind.SCHEDULED, 3, NOON - HOUR, NOON, Requests())
PAGE = Path(__file__).parent.parent.parent / "docs" / "alarms.md"


def test_the_page_lists_every_figure_with_its_labels() -> None:
    listed = re.findall(r"^\| `(reconciler_\w+)` \|([^|]*)\|", PAGE.read_text("utf-8"), re.M)

    assert {name: re.findall(r"`(\w+)`", labels) for name, labels in listed} == {
        one.name: list(one.labels) for one in figures(ENDED, HEALTH, 5)
    }


def test_what_is_written_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.prom"

    metrics.write(path, figures(ENDED, HEALTH, 5))

    families = {one.name: one for one in text_string_to_metric_families(path.read_text())}
    assert {one.type for one in families.values()} == {"gauge"}
    values = {
        (sample.name.removeprefix("reconciler_"), *map(str, sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["watermark_lag_seconds",] == 3600
    assert values["oldest_problem_seconds",] == 5 * 3600
    assert values["entries", "review"] == 2
    assert {key[1] for key in values if key[0] == "entries"} == {state.value for state in State}
    assert values["overdue",] == 1
    assert values["last_backup_timestamp_seconds",] == (NOON - 9 * HOUR).timestamp()
    assert values["malformed",] == 3
    assert values["ledger_schema",] == 5
    assert ("last_complete_timestamp_seconds", "sweep") not in values


def test_before_the_first_backup_no_time_of_one_is_told(tmp_path: Path) -> None:
    health = assess(replace(FACTS, backup=None), HOUR, None)

    metrics.write(tmp_path / "x.prom", figures(ENDED, health, 5))

    assert "reconciler_last_backup_timestamp_seconds" not in (tmp_path / "x.prom").read_text()


@pytest.mark.covers("R22")
def test_how_a_sweep_ended_outlasts_the_next_pass(world: World) -> None:
    """Whoever asks every few minutes must be able to see it."""
    path = world.directory / "x.prom"
    world.environ["RECONCILER_OPERATIONS__METRICS_FILE"] = str(path)
    world.trusted()
    assert world.run("--sweep", "7d", JETTI_API_TOKEN="wrong").code == 6
    swept = world.clock.now().timestamp()
    world.pass_time()

    assert world.run().code == 0

    lines = path.read_text().splitlines()
    assert 'reconciler_run_exit_code{kind="sweep"} 6.0' in lines
    assert 'reconciler_run_exit_code{kind="scheduled"} 0.0' in lines
    [at] = [
        float(line.split()[-1])
        for line in lines
        if line.startswith('reconciler_run_ended_timestamp_seconds{kind="sweep"}')
    ]
    assert 0 <= swept - at < 60


def test_without_a_ledger_nothing_is_told_of_it() -> None:
    told = {one.name for one in figures(ENDED, None, 5)}

    assert "reconciler_run_exit_code" in told
    assert "reconciler_entries" not in told


def test_a_link_is_kept_and_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    real, link = tmp_path / "real.prom", tmp_path / "link.prom"
    real.write_text("before")
    link.symlink_to(real)

    def broken():
        yield from figures(ENDED, None, 5)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        metrics.write(link, broken())
    assert real.read_text() == "before"
    metrics.write(link, figures(ENDED, None, 5))

    assert link.is_symlink()
    assert "reconciler_run_exit_code" in real.read_text()
    assert sorted(tmp_path.iterdir()) == [link, real]
