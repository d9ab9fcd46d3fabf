"""The program's own options are taken behind a command, and what is misspelt leads on."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.program import program
from tests.cli.program import KEYS, loaded_reconciler, reconciler


@pytest.fixture
def settings(tmp_path: Path) -> str:
    """A settings file with a ledger of its own."""
    path = tmp_path / "shop.toml"
    path.write_text(f'ledger = "sqlite:///{tmp_path}/shop.db"\n')
    return str(path)


def test_a_settings_file_is_taken_behind_the_command(tmp_path: Path, settings: str) -> None:
    made = reconciler("init", "--config", settings, cwd=tmp_path)
    before = reconciler("--config", settings, "status", cwd=tmp_path)
    behind = reconciler("status", "--config", settings, cwd=tmp_path)

    assert made.returncode == 0
    assert (tmp_path / "shop.db").exists()
    assert (behind.returncode, behind.stderr) == (before.returncode, before.stderr)
    assert behind.stdout.splitlines()[0] == before.stdout.splitlines()[0]


def test_quiet_is_taken_behind_the_command(tmp_path: Path, settings: str) -> None:
    reconciler("init", "--config", settings, cwd=tmp_path)

    loud = reconciler("status", "--config", settings, cwd=tmp_path)
    quiet = reconciler("status", "--config", settings, "-q", cwd=tmp_path)

    assert (loud.returncode, quiet.returncode) == (0, 0)
    assert loud.stdout
    assert not quiet.stdout


@pytest.mark.parametrize(
    "typed",
    [["-v", "status"], ["status", "-v"], ["status", "--verbose"]],
)
def test_verbose_is_taken_behind_the_command(
    tmp_path: Path, settings: str, typed: list[str]
) -> None:
    """What is logged with it is where the report is."""
    reconciler("init", "--config", settings, cwd=tmp_path)
    report = tmp_path / "report.txt"

    done = reconciler(*typed, "--config", settings, "--output", str(report), cwd=tmp_path)

    assert f"the report is in {report}" in done.stderr


def test_of_an_option_that_is_given_twice_the_one_behind_the_command_counts(
    tmp_path: Path, settings: str
) -> None:
    reconciler("init", "--config", settings, cwd=tmp_path)

    done = reconciler("--config", "nowhere.toml", "status", "--config", settings, cwd=tmp_path)

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("help", "reconciler --help"),
        ("help run", "reconciler run --help"),
        ("version", "reconciler --version"),
        ("sync", "reconciler run"),
        ("stat", "reconciler status"),
        ("run --until 3d", "--to"),
        ("init --from 3d", "--since"),
        ("run --dryrun", "--dry-run"),
    ],
)
def test_what_is_misspelt_leads_to_what_exists(tmp_path: Path, typed: str, meant: str) -> None:
    done = reconciler(*typed.split(), cwd=tmp_path)

    assert done.returncode == 2
    assert f"Did you mean '{meant}'?" in done.stderr.replace("`", "'")


@pytest.mark.parametrize("typed", ["bogus", "run --bogus", "status --ledger x"])
def test_nothing_far_is_guessed(tmp_path: Path, typed: str) -> None:
    done = reconciler(*typed.split(), cwd=tmp_path)

    assert done.returncode == 2
    assert "Did you mean" not in done.stderr


@pytest.mark.parametrize("width", ["40", "80", "200"])
@pytest.mark.parametrize("name", ["", *sorted(program.commands)])
def test_no_help_is_wider_than_80_columns_or_cut(tmp_path: Path, name: str, width: str) -> None:
    done = loaded_reconciler(*name.split(), "--help", cwd=tmp_path, COLUMNS=width, **KEYS)

    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "..." not in done.stdout.replace("[ARGS]...", "")
