"""What makes no sense is refused as a process: exit 2, the value named, before any request.

The whole of stderr is in tests/golden/messages.txt.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import KEYS, loaded_reconciler
from tests.support.golden import by_name

# Nobody listens there: a request would end with 4 or 5, not with 2.
NOWHERE = {"LOOP_BASE_URL": "http://127.0.0.1:9", "JETTI_BASE_URL": "http://127.0.0.1:9"}

REFUSED = [
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
    (["run", "--return"], "--return"),
    (["init", "--since"], "--since"),
    (["--config"], "--config"),
]


def said_by(stderr: str, directory: Path) -> str:
    """What was said, whenever and wherever it was run."""
    said = re.sub(r"\(it is [^)]+\)", "(it is NOW)", stderr)
    said = re.sub(r"No such option.*", "No such option …", said)  # click, by its version
    return by_name(said, [(directory, "DIRECTORY")])


@pytest.mark.parametrize(
    ("arguments", "said"), REFUSED, ids=[shlex.join(arguments) for arguments, _ in REFUSED]
)
def test_nonsense_is_refused_with_the_value(
    tmp_path: Path, arguments: list[str], said: str, golden: Callable[[str], None]
) -> None:
    done = loaded_reconciler(*arguments, cwd=tmp_path, **KEYS, **NOWHERE)

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("Error: ")
    assert "\nHint: " in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
    golden(said_by(done.stderr, tmp_path))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"RECONCILER_LOOP__PAGESIZE": "5"}, "RECONCILER_LOOP__PAGE_SIZE"),
        ({"LOOP_BASE_URL": "http://loop.example/api"}, "http://loop.example/api"),
        ({"RECONCILER_CONFIG": "missing.toml"}, "missing.toml"),
        ({"LOOP_API_KEY_FILE": "/nonexistent/key"}, "/nonexistent/key"),
        ({"LOOP_API_KEY": ""}, "LOOP_API_KEY: is not set"),
    ],
    ids=["no such setting", "http", "no such file", "no such key file", "an empty key"],
)
def test_bad_settings_are_refused(
    tmp_path: Path, environ: dict[str, str], said: str, golden: Callable[[str], None]
) -> None:
    done = loaded_reconciler("run", "--dry-run", cwd=tmp_path, **(NOWHERE | KEYS | environ))

    assert done.returncode == 2
    assert said in done.stderr
    assert "\nHint: " in done.stderr
    golden(said_by(done.stderr, tmp_path))


def test_a_readable_key_file_is_refused(tmp_path: Path, golden: Callable[[str], None]) -> None:
    key = tmp_path / "key"
    key.write_text(KEYS["LOOP_API_KEY"])
    key.chmod(0o644)

    done = loaded_reconciler("run", cwd=tmp_path, LOOP_API_KEY_FILE=str(key))

    assert done.returncode == 2
    assert f"chmod 600 {key}" in done.stderr
    assert KEYS["LOOP_API_KEY"] not in done.stderr
    golden(said_by(done.stderr, tmp_path))


def test_a_dry_run_by_the_ledger_alone_needs_only_loops_key(
    tmp_path: Path, golden: Callable[[str], None]
) -> None:
    loop_only = {"LOOP_API_KEY": "k" * 8, **NOWHERE}

    alone = loaded_reconciler("run", "--dry-run", cwd=tmp_path, **loop_only)
    against = loaded_reconciler("run", "--dry-run", "--against-jetti", cwd=tmp_path, **loop_only)

    assert alone.returncode == 4
    assert against.returncode == 2
    assert "JETTI_API_TOKEN" in against.stderr
    golden(said_by(against.stderr, tmp_path))


def test_without_a_ledger_only_init_goes_on(tmp_path: Path, golden: Callable[[str], None]) -> None:
    ran = loaded_reconciler("run", cwd=tmp_path, **KEYS, **NOWHERE)
    looked = loaded_reconciler("status", cwd=tmp_path)

    assert (ran.returncode, looked.returncode) == (7, 7)
    assert "reconciler init" in ran.stderr
    assert "reconciler init" in looked.stderr
    assert list(tmp_path.iterdir()) == []
    golden(said_by(f"{ran.stderr}{looked.stderr}", tmp_path))


@pytest.mark.parametrize(
    "command", [["run"], ["run", "--dry-run"], ["status"], ["init"]], ids=shlex.join
)
def test_a_ledger_whose_name_no_disk_can_hold_cannot_be_used(
    tmp_path: Path, command: list[str], golden: Callable[[str], None]
) -> None:
    ledger = str(tmp_path / ("n" * 300))

    done = loaded_reconciler(*command, cwd=tmp_path, RECONCILER_LEDGER=ledger, **KEYS, **NOWHERE)

    assert done.returncode == 8
    assert ledger in done.stderr
    assert "File name too long" in done.stderr
    golden(by_name(done.stderr, [(ledger, "LEDGER")]))


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'{"run": {"dry_run": false}, "changes": []}', b"\xff"],
    ids=["half", "a list", "of a run", "not UTF-8"],
)
def test_a_plan_file_must_be_a_dry_runs_report(
    tmp_path: Path, content: bytes, golden: Callable[[str], None]
) -> None:
    (tmp_path / "plan.json").write_bytes(content)

    done = loaded_reconciler("run", "--accept-plan", "plan.json", cwd=tmp_path, **KEYS, **NOWHERE)

    assert done.returncode == 2
    assert "--accept-plan: plan.json" in done.stderr
    assert "--dry-run --format json" in done.stderr
    golden(said_by(done.stderr, tmp_path))
