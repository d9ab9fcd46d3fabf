"""`reconciler doctor` as a process, against both services and with parts missing."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.diagnosis.finding import Name
from tests.support.leaks import found_in
from tests.support.process_world import RealWorld, on_the_machine_s_clock

ROOT = Path(__file__).parents[2]


@pytest.fixture
def real_world(tmp_path: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(tmp_path) as made:
        yield made


def ledger_file(world: RealWorld) -> Path:
    return world.directory / "ledger.db"


def doctor(world: RealWorld, *arguments: str, **environ: str) -> tuple[int, dict[str, Any]]:
    """Its exit code, and the findings by name, the last one of each; under `all`, every one."""
    process = world.start(*arguments, "doctor", "--format", "json", **environ)
    code, out, err = world.end(process)
    assert "Traceback" not in err
    assert found_in(out + err) == []
    report = json.loads(out)
    assert set(report) == {"at", "findings"}
    for finding in report["findings"]:
        assert set(finding) == {"level", "area", "name", "text", "todo", "exit_code"}
        assert (finding["level"] == "problem") == bool(finding["exit_code"])
        assert finding["level"] == "ok" or finding["todo"]
    by_name = {finding["name"]: finding for finding in report["findings"]}
    return code, {**by_name, "all": report["findings"]}


def test_nothing_is_wrong_with_a_new_ledger(real_world: RealWorld) -> None:
    real_world.live()
    before = ledger_file(real_world).read_bytes()

    code, found = doctor(real_world)

    assert code == 0
    assert {"key-accepted", "clock-agrees", "ledger-sound", "ids-unproven"} <= set(found)
    assert ledger_file(real_world).read_bytes() == before


def test_a_missing_ledger_is_a_problem_and_the_rest_is_looked_at(real_world: RealWorld) -> None:
    code, found = doctor(real_world)

    assert code == 3
    assert "init" in found["ledger-unusable"]["todo"]
    assert "key-accepted" in found


@pytest.mark.parametrize("variable", ["LOOP_API_KEY", "JETTI_API_TOKEN"])
def test_a_refused_key_is_6_whatever_else_is_wrong(real_world: RealWorld, variable: str) -> None:
    code, found = doctor(real_world, **{variable: '"wrong'})

    assert code == 6
    assert variable in found["key-refused"]["todo"]
    assert variable in found["key-quoted"]["text"]
    assert "wrong" not in json.dumps(found)
    assert "ledger-unusable" in found


def key_file(world: RealWorld, content: str, *, mode: int = 0o600) -> Path:
    """A file beside the ledger that holds the key for Loop, removed before secrets are sought."""
    path = world.directory / "loop_api_key"
    path.write_text(content)
    path.chmod(mode)
    return path


def test_a_key_in_a_file_is_told_with_its_mode_and_owner(real_world: RealWorld) -> None:
    path = key_file(real_world, f"{real_world.environ['LOOP_API_KEY']}\n")

    _, found = doctor(real_world, LOOP_API_KEY="", LOOP_API_KEY_FILE=str(path))

    me = pwd.getpwuid(os.geteuid()).pw_name
    told = [each["text"] for each in found["all"] if each["name"] == "key-found"]
    assert told == [
        f"LOOP_API_KEY comes from the file {path} (mode 0600, of {me}), named in LOOP_API_KEY_FILE",
        "JETTI_API_TOKEN comes from the environment variable JETTI_API_TOKEN",
    ]
    assert not {"key-in-blanks", "key-quoted", "key-ineffective"} & set(found)
    path.unlink()


@pytest.mark.parametrize("around", [" {}", "{}\t", "{}\n\n", "\n{}"])
def test_blanks_around_a_key_are_advice_and_not_sent(real_world: RealWorld, around: str) -> None:
    real_world.live()
    path = key_file(real_world, around.format(real_world.environ["LOOP_API_KEY"]))

    code, found = doctor(real_world, LOOP_API_KEY="", LOOP_API_KEY_FILE=str(path))

    assert (code, "LOOP_API_KEY" in found["key-in-blanks"]["text"]) == (0, True)
    path.unlink()


def test_a_new_key_where_it_has_no_effect_is_told(real_world: RealWorld) -> None:
    real_world.live()
    path = key_file(real_world, real_world.environ["LOOP_API_KEY"])
    (real_world.directory / "jetti_api_token").write_text(real_world.environ["JETTI_API_TOKEN"])

    code, found = doctor(
        real_world,
        LOOP_API_KEY="rotated",
        LOOP_API_KEY_FILE=str(path),
        JETTI_API_TOKEN="rotated",
        CREDENTIALS_DIRECTORY=str(real_world.directory),
    )

    told = [each["text"] for each in found["all"] if each["name"] == "key-ineffective"]
    assert (code, len(told)) == (0, 3)
    # The first key is a credential as well, whose file has the name that is used here.
    assert f"LOOP_API_KEY is in the file {path}" in told[0]
    assert "LOOP_API_KEY is in the environment variable LOOP_API_KEY" in told[1]
    assert "JETTI_API_TOKEN is in the environment variable JETTI_API_TOKEN" in told[2]
    for name in ("loop_api_key", "jetti_api_token"):
        (real_world.directory / name).unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_told(real_world: RealWorld) -> None:
    real_world.live()
    path = key_file(real_world, real_world.environ["LOOP_API_KEY"])
    os.chown(path, 65534, 65534)

    code, found = doctor(real_world, LOOP_API_KEY="", LOOP_API_KEY_FILE=str(path))

    other = pwd.getpwuid(65534).pw_name
    assert (code, found["key-file-of-another-user"]["level"]) == (0, "advice")
    assert f"{path} belongs to {other}" in found["key-file-of-another-user"]["text"]
    path.unlink()


def test_a_key_that_comes_by_a_pipe_is_read_once(real_world: RealWorld) -> None:
    """As from `LOOP_API_KEY_FILE=<(command)`: what is read twice hangs, or is empty."""
    pipe = real_world.directory / "pipe"
    os.mkfifo(pipe, 0o600)
    environ = {"LOOP_API_KEY": "", "LOOP_API_KEY_FILE": str(pipe)}
    process = real_world.start("doctor", "--format", "json", **environ)

    pipe.write_text(real_world.environ["LOOP_API_KEY"])

    _, out, _ = real_world.end(process)
    accepted = [one["area"] for one in json.loads(out)["findings"] if one["name"] == "key-accepted"]
    assert accepted == ["Loop", "Jetti"]


def test_a_missing_key_is_2_and_the_other_is_tried(real_world: RealWorld) -> None:
    code, found = doctor(real_world, JETTI_API_TOKEN="")

    assert code == 2
    assert "JETTI_API_TOKEN" in found["key-unusable"]["text"]
    assert found["key-accepted"]["area"] == "Loop"


def test_services_that_are_out_are_problems(real_world: RealWorld) -> None:
    real_world.live()
    nowhere = "http://127.0.0.1:9"

    code, found = doctor(real_world, LOOP_BASE_URL=nowhere, JETTI_BASE_URL=nowhere)

    assert code == 3
    assert "service-failed" in found
    assert "ledger-sound" in found


def test_unusable_settings_are_2(real_world: RealWorld) -> None:
    code, found = doctor(real_world, RECONCILER_LOOP__PAGE_SIZE="many")

    assert code == 2
    assert "RECONCILER_LOOP__PAGE_SIZE" in found["settings-unusable"]["text"]


def test_a_shadowed_file_and_each_source_are_told(real_world: RealWorld) -> None:
    real_world.live()
    here = real_world.directory / "reconciler.toml"
    user = real_world.directory / ".config" / "reconciler" / "reconciler.toml"
    user.parent.mkdir(parents=True)
    for path in (here, user):
        path.write_text("[loop]\npage_size = 50\n")

    code, found = doctor(real_world)

    assert code == 0
    assert str(user) in found["settings-file-shadowed"]["text"]
    assert "reconciler.toml" in found["settings-file"]["text"]


def test_a_damaged_ledger_is_a_problem(real_world: RealWorld) -> None:
    real_world.live()
    ledger_file(real_world).write_bytes(b"not a database, and longer than a header of one" * 99)

    code, found = doctor(real_world)

    assert code == 3
    assert "ledger-unusable" in found


def test_damage_that_no_query_meets_is_a_problem(real_world: RealWorld) -> None:
    real_world.live()
    file = ledger_file(real_world)
    with closing(sqlite3.connect(file)) as raw:
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        (page,) = raw.execute(
            "SELECT max(rootpage) FROM sqlite_master WHERE type = 'index'"
        ).fetchone()
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    file.write_bytes(content)

    code, found = doctor(real_world)

    assert code == 3
    assert "ledger-unusable" in found
    assert "ledger-sound" not in found


def test_an_open_ledger_is_advice(real_world: RealWorld) -> None:
    real_world.live()
    ledger_file(real_world).chmod(0o644)

    code, found = doctor(real_world)

    assert code == 0
    assert found["ledger-open-to-others"]["todo"] == f"chmod 600 {ledger_file(real_world)}"


def test_an_adjustment_reason_that_jetti_does_not_have_is_a_problem(real_world: RealWorld) -> None:
    real_world.live()

    code, found = doctor(real_world, RECONCILER_MAPPING__REASONS__Small="no-such-code")

    assert code == 3
    assert "no-such-code" in found["adjustment-reason-missing"]["text"]


def test_it_ends_in_time_whatever_both_services_do(real_world: RealWorld) -> None:
    real_world.live()
    real_world.breaks("*", "silence", service="loop")
    real_world.breaks("*", "trickle", service="jetti", seconds=4.0)
    began = time.monotonic()

    code, out, _ = real_world.end(real_world.start("doctor", "--format", "json"), patience=60)

    assert code == 3
    failed = [one["area"] for one in json.loads(out)["findings"] if one["name"] == "service-failed"]
    assert failed == ["Loop", "Jetti"]
    # 40 s as the page says, and what the program takes to begin on a machine that is busy.
    assert time.monotonic() - began < 40 + 10


@pytest.mark.covers("143")
def test_a_signal_ends_it_while_a_service_hangs(real_world: RealWorld) -> None:
    real_world.breaks("*", "silence", service="loop")
    process = real_world.start("doctor")
    real_world.until(lambda: len(real_world.sandbox.request_log.all()) > 1)

    process.send_signal(signal.SIGTERM)

    assert real_world.end(process)[0] == 143


@pytest.mark.parametrize("output_format", ["text", "json"])
@pytest.mark.parametrize("broken", [{}, {"RECONCILER_LOOP__PAGE_SIZE": "many"}])
def test_no_secret_is_in_any_output(
    real_world: RealWorld, output_format: str, broken: dict[str, str]
) -> None:
    """Of what a setting holds, of what a crontab holds, nor of a key that is malformed."""
    secrets = {
        "LOOP_API_KEY": "canary one",
        "JETTI_API_TOKEN": "'canary-two'",
        "RECONCILER_OPERATIONS__HEARTBEAT_URL": "https://hc.example/canary-three",
    }

    process = real_world.start("-vv", "doctor", "--format", output_format, **secrets, **broken)
    _, out, err = real_world.end(process)

    assert "key-quoted" in out
    assert "canary" not in out + err


def test_text_and_json_hold_the_same(real_world: RealWorld) -> None:
    real_world.live()
    as_json = json.loads(real_world.end(real_world.start("doctor", "--format", "json"))[1])
    as_text = real_world.end(real_world.start("doctor", COLUMNS="1000"))[1]

    shown = [line.strip(" -!") for line in as_text.splitlines()]
    # Which programs run on this machine changes between the two looks.
    for one in (one for one in as_json["findings"] if one["area"] != "schedule"):
        assert f"{one['area']}: {one['text']} [{one['name']}]" in shown
        assert one["todo"] is None or one["todo"] in shown
    assert re.fullmatch(r"time +20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ", shown[-1])


def test_every_finding_is_in_the_page() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [name.value for name in Name]
