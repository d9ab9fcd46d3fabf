"""What runs passes, and on which ledger, as `doctor` finds it; never guessed."""

from __future__ import annotations

import json
import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.diagnosis.schedule import (
    Does,
    Job,
    ScheduleFacts,
    of_schedule,
    read_call,
    read_crontab,
)
from tests.support.process_world import AS_TYPED, RealWorld, on_the_machine_s_clock

HERE = Path(__file__).parents[2]
THIS, OTHER = "/var/lib/reconciler/ledger.db", "/srv/other/ledger.db"


@pytest.fixture
def real_world(tmp_path: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(tmp_path) as made:
        yield made


def program(world: RealWorld, name: str, script: str) -> None:
    """A program of that name is found before any other."""
    place = world.directory / "bin"
    place.mkdir(exist_ok=True)
    path = place / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    world.environ["PATH"] = f"{place}:{os.defpath}"


def crontab(world: RealWorld, text: str) -> None:
    (world.directory / "crontab.txt").write_text(text)
    program(world, "crontab", f'[ "$1" = -l ] && cat {world.directory}/crontab.txt')


def found(world: RealWorld, *daemons: int) -> list[dict[str, Any]]:
    """What it says of schedules, without the daemons of other tests on this machine."""
    code, out, err = world.end(world.start("doctor", "--format", "json"))
    assert (code in (0, 3), "Traceback" in err) == (True, False)
    findings = [one for one in json.loads(out)["findings"] if one["area"] == "schedule"]
    processes = {one["text"]: re.match(r"process (\d+) ", one["text"]) for one in findings}
    return [
        one
        for one in findings
        if (process := processes[one["text"]]) is None or int(process[1]) in daemons
    ]


def texts(findings: list[dict[str, Any]], name: str) -> list[str]:
    return [one["text"] for one in findings if one["name"] == name]


# ---------------------------------------------------------------------------------- processes


def test_a_crontab_by_what_decides_its_ledger(real_world: RealWorld) -> None:
    ledger, settings = real_world.directory / "ledger.db", real_world.directory / "mine.toml"
    settings.write_text(f'ledger = "sqlite:///{ledger}"\n')
    crontab(
        real_world,
        f"""# a comment with reconciler run
RECONCILER_LEDGER=sqlite:///{ledger}
LOOP_API_KEY=canary-loop-key-7d1f
*/5 * * * * /opt/reconciler/bin/reconciler run >> log 2>&1 || [ $? -eq 75 ]
17 3 * * * python3 -m reconciler run --sweep 120d
*/5 * * * * RECONCILER_LEDGER=sqlite:///{OTHER} reconciler run
@hourly cd /srv && reconciler run
0 5 * * * reconciler status
RECONCILER_LEDGER=
1 1 * * * reconciler --config {settings} run
2 2 * * * reconciler --config /nowhere.toml run
""",
    )

    findings = found(real_world)

    me = pwd.getpwuid(os.geteuid()).pw_name
    assert texts(findings, "scheduled") == [
        f"line 4 of the crontab of {me} runs passes on this ledger",
        f"line 5 of the crontab of {me} runs sweeps on this ledger",
        f"line 10 of the crontab of {me} runs passes on this ledger",
    ]
    [elsewhere] = texts(findings, "scheduled-elsewhere")
    assert elsewhere.startswith(
        f"line 6 of the crontab of {me} runs passes on another ledger, {OTHER}"
    )
    unknown = texts(findings, "schedule-unknown")
    assert len(unknown) == 2
    assert "line 7 " in unknown[0]
    assert "its command does more than start this program" in unknown[0]
    assert "line 11 " in unknown[1]
    assert "/nowhere.toml, which cannot be read" in unknown[1]
    assert not {"not-scheduled", "no-sweep"} & {one["name"] for one in findings}
    assert "canary" not in json.dumps(findings)
    (real_world.directory / "crontab.txt").unlink()


@pytest.mark.parametrize("script", ["echo 'no crontab for me' >&2; exit 1", "true"])
def test_an_empty_crontab_runs_nothing(real_world: RealWorld, script: str) -> None:
    program(real_world, "crontab", script)

    findings = found(real_world)

    # A daemon of another test may be of unknown ledger, and so perhaps of this one.
    assert {"not-scheduled", "no-sweep"} >= {one["name"] for one in findings} - {"schedule-unseen"}
    assert "crontabs of other users" in " ".join(texts(findings, "schedule-unseen"))


@pytest.mark.parametrize("script", ["echo 'you are not allowed' >&2; exit 1", "exec sleep 60"])
def test_a_crontab_that_cannot_be_read_is_told(real_world: RealWorld, script: str) -> None:
    program(real_world, "crontab", script)

    unseen = " ".join(texts(found(real_world), "schedule-unseen"))

    assert "`crontab -l` cannot be asked" in unseen or "`crontab` did not answer within" in unseen


@pytest.mark.parametrize(
    ("more", "name"),
    [
        (
            "StateDirectory=reconciler\nEnvironment=RECONCILER_LEDGER=sqlite:///{ledger}",
            "scheduled",
        ),
        ("Environment=RECONCILER_LEDGER=sqlite:////srv/x.db LOOP_API_KEY=k", "scheduled-elsewhere"),
        ("WorkingDirectory={directory}", "scheduled"),
        (
            "WorkingDirectory={directory}\nEnvironmentFiles=/etc/x (ignore_errors=no)",
            "schedule-unknown",
        ),
        ("User=nobody-of-that-name", "schedule-unknown"),
    ],
)
def test_a_timer_by_what_its_service_is_given(real_world: RealWorld, more: str, name: str) -> None:
    directory, ledger = real_world.directory, real_world.directory / "ledger.db"
    (directory / "reconciler.toml").write_text(f'ledger = "sqlite:///{ledger}"\n')
    service = (
        "Id=reconciler.service\nExecStart={ path=/opt/r ; argv[]=/opt/reconciler/bin/reconciler"
        " --log-format json run ; ignore_errors=no }\n"
    ) + more.format(directory=directory, ledger=ledger)
    (directory / "service.txt").write_text(service)
    program(
        real_world,
        "systemctl",
        f"""case "$*" in
*--user*) exit 1;;
*.timer) printf 'Id=reconciler.timer\\nActiveState=active\\nUnit=reconciler.service\\n\\n'
         printf 'Id=reconciler-sweep.timer\\nActiveState=inactive\\n';;
*) cat {directory}/service.txt;;
esac""",
    )

    findings = found(real_world)

    told = [one for one in findings if one["text"].startswith("the timer reconciler.timer ")]
    assert [one["name"] for one in told] == [name]
    assert "reconciler-sweep.timer is loaded and not active" in texts(findings, "timer-idle")[0]


def test_a_daemon_that_runs(real_world: RealWorld) -> None:
    real_world.live()
    daemon = real_world.start("serve", "--every", "1h", "--sweep", "120d", under=AS_TYPED)
    elsewhere = real_world.start("serve", under=AS_TYPED, RECONCILER_LEDGER=f"sqlite:///{OTHER}")
    real_world.sandbox.request_log.clear()
    real_world.until(lambda: real_world.sandbox.request_log.all())

    findings = found(real_world, daemon.pid, elsewhere.pid)

    ours = [one for one in findings if f"process {daemon.pid} " in one["text"]]
    assert [one["name"] for one in ours] == ["scheduled"]
    assert "passes and sweeps in a daemon" in ours[0]["text"]
    other = [one for one in findings if f"process {elsewhere.pid} " in one["text"]]
    assert [one["name"] for one in other] == ["scheduled-elsewhere"]
    assert not {"not-scheduled", "no-sweep"} & {one["name"] for one in findings}


# -------------------------------------------------------------------------------- pure parts


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ("reconciler run", Does.PASSES),
        ("/opt/reconciler/bin/reconciler --log-format json run", Does.PASSES),
        ("python3 -m reconciler -v run --sweep 120d", Does.SWEEPS),
        ("reconciler run --sweep=120d", Does.SWEEPS),
        ("reconciler serve", Does.DAEMON),
        ("reconciler serve --sweep 120d", Does.DAEMON_WITH_SWEEPS),
        ("reconciler run --dry-run", None),
        ("reconciler run --return 8812", None),
        ("reconciler status --max-age 45m", None),
        ("reconciler -q ledger backup --keep 14", None),
        ("chown reconciler file", None),
        ("echo 'unbalanced", None),
    ],
)
def test_what_a_command_line_does(command: str, does: Does | None) -> None:
    call = read_call(command)

    assert (call.does if call else None) == does


@pytest.mark.parametrize(
    ("command", "is_plain"),
    [
        ("A=1 reconciler run", True),
        ("nice reconciler run", True),
        ("/usr/bin/python3.11 -m reconciler run", True),
        ("sudo -u reconciler /opt/bin/reconciler run", False),
        ("cd /srv && reconciler run", False),
        (". /etc/default/x; reconciler run", False),
        ("env -i reconciler run", False),
    ],
)
def test_whether_a_command_only_starts_the_program(command: str, is_plain: bool) -> None:
    call = read_call(command)

    assert call is not None
    assert call.is_plain == is_plain


def test_the_example_of_a_crontab_is_understood() -> None:
    text = (HERE / "cron.example").read_text(encoding="utf-8")

    lines = [
        (line.user, line.variables, read_call(line.command))
        for line in read_crontab(text, names_users=True)
    ]

    calls = [call.does for _, _, call in lines if call]
    assert calls == [Does.PASSES, Does.SWEEPS]
    assert {user for user, _, _ in lines} == {"reconciler"}
    assert lines[0][1]["STATE_DIRECTORY"] == str(Path(THIS).parent)


PASS, SWEEP = Job("cron", Does.PASSES, THIS), Job("cron", Does.SWEEPS, THIS)


@pytest.mark.parametrize(
    ("jobs", "names"),
    [
        ((), ["not-scheduled"]),
        ((PASS,), ["scheduled", "no-sweep"]),
        ((PASS, SWEEP), ["scheduled", "scheduled"]),
        ((SWEEP,), ["scheduled", "not-scheduled"]),
        ((Job("cron", Does.PASSES, OTHER),), ["scheduled-elsewhere", "not-scheduled"]),
        ((Job("cron", Does.PASSES, None, "why"), SWEEP), ["schedule-unknown", "scheduled"]),
        ((Job("d", Does.DAEMON_WITH_SWEEPS, THIS),), ["scheduled"]),
        ((PASS, SWEEP, Job("d", Does.DAEMON, THIS)), [*["scheduled"] * 3, "scheduled-twice"]),
    ],
)
def test_what_follows(jobs: tuple[Job, ...], names: list[str]) -> None:
    findings = [*of_schedule(ScheduleFacts(ledger=THIS, jobs=jobs))]

    assert [one.name.value for one in findings] == names
    assert {one.exit_code for one in findings} == {0}
