"""What makes no sense is refused as a process: exit 2, the value named, before any request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import KEYS, reconciler

# Nobody listens there: a request would end with 4 or 5, not with 2.
NOWHERE = {"LOOP_BASE_URL": "http://127.0.0.1:9", "JETTI_BASE_URL": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--from", "2026-13-01"], "2026-13-01"),
        (["run", "--from", "2026-02-30"], "2026-02-30"),
        (["run", "--from", "yesterday"], "yesterday"),
        (["run", "--from", "20260101"], "20260101"),
        (["run", "--from", "7"], "'7'"),
        (["run", "--from", "0001-01-01"], "0001-01-01"),
        (["run", "--from", "2026-01-01T25:00"], "2026-01-01T25:00"),
        (["run", "--from", "2999-01-01"], "2999-01-01"),
        (["run", "--from", "9999-12-31T23:59:59-10:00"], "9999-12-31T23:59:59-10:00"),
        (["run", "--from", "2026-02-02", "--to", "2026-02-01"], "2026-02-01T23:59:59Z"),
        (["run", "--to", "2026-02-01"], "--to 2026-02-01T23:59:59Z needs --from"),
        (["run", "--by", "created"], "--by created needs --from"),
        (["run", "--by", "shipped", "--from", "7d"], "shipped"),
        (["run", "--return", "12a"], "12a"),
        (["run", "--return", "1" * 21], "1" * 21),
        (["run", "--return", "1", "2", "../3"], "../3"),
        (["run", "5"], "'5'"),
        (["run", "--order", "  "], "'  '"),
        (["run", "--order", "a\x1bb"], "a\\x1bb"),
        (["run", "--sweep", "0"], "'0'"),
        (["run", "--sweep", "-5d"], "-5d"),
        (["run", "--sweep", "5 days"], "5 days"),
        (["run", "--sweep", "99999999d"], "99999999d"),
        (["run", "--sweep", "5d", "--from", "7d"], "--from and --sweep exclude each other"),
        (["run", "--sweep", "5d", "--return", "1"], "--sweep and --return exclude each other"),
        (["run", "--from", "7d", "--order", "1"], "--from and --order exclude each other"),
        (["run", "--against-jetti"], "--against-jetti needs --dry-run"),
        (["run", "--detailed-exitcode"], "--detailed-exitcode needs --dry-run"),
        (["run", "--accept-plan", "nonsense"], "nonsense"),
        (["run", "--max-writes", "-1"], "-1"),
        (["run", "--max-seconds", "soon"], "soon"),
        (["run", "--wait", "a while"], "a while"),
        (["run", "--format", "xml"], "xml"),
        (["init", "--since", "2999-01-01"], "2999-01-01"),
        (["serve", "--every", "5m", "--cron", "* * * * *"], "exclude each other"),
        (["serve", "--cron", "61 * * * *"], "61"),
        (["serve", "--cron", "* * * * mon-sun-tue"], "mon-sun-tue"),
        (["serve", "--cron", "0 6 1 * 1"], "0 6 1 * 1"),
        (["status", "--max-age", "old"], "old"),
        (["show"], "RETURN|ORDER"),
        (["sandbox", "--loop-port", "70000"], "70000"),
        (["--config", "missing.toml", "status"], "missing.toml"),
        (["--log-format", "xml", "status"], "xml"),
        (["frobnicate"], "frobnicate"),
        (["run", "--frobnicate"], "--frobnicate"),
    ],
)
def test_nonsense_is_refused_with_the_value(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = reconciler(*arguments, cwd=tmp_path, **KEYS, **NOWHERE)

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("Error: ")
    assert "\nHint: " in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"RECONCILER_LOOP__PAGESIZE": "5"}, "RECONCILER_LOOP__PAGE_SIZE"),
        ({"LOOP_BASE_URL": "http://loop.example/api"}, "http://loop.example/api"),
        ({"RECONCILER_CONFIG": "missing.toml"}, "missing.toml"),
        ({"LOOP_API_KEY_FILE": "/nonexistent/key"}, "/nonexistent/key"),
        ({"LOOP_API_KEY": ""}, "LOOP_API_KEY: is not set"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    done = reconciler("run", "--dry-run", cwd=tmp_path, **(NOWHERE | KEYS | environ))

    assert done.returncode == 2
    assert said in done.stderr
    assert "\nHint: " in done.stderr


def test_a_readable_key_file_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(KEYS["LOOP_API_KEY"])
    key.chmod(0o644)

    done = reconciler("run", cwd=tmp_path, LOOP_API_KEY_FILE=str(key))

    assert done.returncode == 2
    assert f"chmod 600 {key}" in done.stderr
    assert KEYS["LOOP_API_KEY"] not in done.stderr


def test_a_dry_run_by_the_ledger_alone_needs_only_loops_key(tmp_path: Path) -> None:
    loop_only = {"LOOP_API_KEY": "k" * 8, **NOWHERE}

    alone = reconciler("run", "--dry-run", cwd=tmp_path, **loop_only)
    against = reconciler("run", "--dry-run", "--against-jetti", cwd=tmp_path, **loop_only)

    assert alone.returncode == 4
    assert against.returncode == 2
    assert "JETTI_API_TOKEN" in against.stderr


def test_without_a_ledger_only_init_goes_on(tmp_path: Path) -> None:
    ran = reconciler("run", cwd=tmp_path, **KEYS, **NOWHERE)
    looked = reconciler("status", cwd=tmp_path)

    assert (ran.returncode, looked.returncode) == (7, 7)
    assert "reconciler init" in ran.stderr
    assert "reconciler init" in looked.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["run"], ["run", "--dry-run"], ["status"], ["init"]])
def test_a_ledger_whose_name_no_disk_can_hold_cannot_be_used(
    tmp_path: Path, command: list[str]
) -> None:
    ledger = str(tmp_path / ("n" * 300))

    done = reconciler(*command, cwd=tmp_path, RECONCILER_LEDGER=ledger, **KEYS, **NOWHERE)

    assert done.returncode == 8
    assert f"the ledger {ledger} cannot be reached: File name too long" in done.stderr


def test_a_plan_file_must_be_a_dry_runs_report(tmp_path: Path) -> None:
    for content in ("{", "[]", '{"run": {"dry_run": false}, "changes": []}', "\xff"):
        (tmp_path / "plan.json").write_bytes(content.encode("latin-1"))

        done = reconciler("run", "--accept-plan", "plan.json", cwd=tmp_path, **KEYS, **NOWHERE)

        assert done.returncode == 2
        assert "--accept-plan: plan.json" in done.stderr
        assert "--dry-run --format json" in done.stderr
