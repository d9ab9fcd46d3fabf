"""`deploy/install` puts everything in place, may be run again at any time, and leaves alone what is
somebody's; what it puts in place then works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.deploy.installation import Installation, copy_of_the_checkout
from tests.deploy.layout import (
    LOGS,
    THE_LAYOUT,
    UNITS,
    cron_environment,
    cron_jobs,
    for_store,
    of_crontab,
    of_unit,
    read,
    unit,
)
from tests.support.agreement import assert_agreement
from tests.support.process_world import RealWorld, on_the_machine_s_clock

CRONTAB = "/opt/reconciler/share/returns-reconciler.cron"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Of nothing yet."""
    return Installation(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """For systemd and for cron; what the installer said is in `said`."""
    made = Installation(tmp_path_factory.mktemp("made"))
    for scheduler in ("--systemd", "--cron"):
        done = made.install(scheduler)
        assert done.returncode == 0, done.stderr
        made.said[scheduler] = done.stdout
    made.keep()
    return made


@pytest.fixture
def installed(made: Installation) -> Iterator[Installation]:
    """The same, put back afterwards, and so without the keys of the test."""
    yield made
    made.restore()


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


# ----------------------------------------------------------------------------------- what it makes


def test_it_makes_directories_keys_and_settings_with_their_modes(made: Installation) -> None:
    tree = made.tree()
    private = {path: oct(mode) for path, (mode, _) in tree.items() if mode not in (0o755, 0o777)}

    assert {path: mode for path, mode in private.items() if tree[path][0] != 0o644} == {
        "/etc/reconciler": "0o750",
        "/etc/reconciler/jetti_api_token": "0o600",
        "/etc/reconciler/loop_api_key": "0o600",
        "/etc/reconciler/reconciler.toml": "0o640",
        "/var/lib/reconciler": "0o700",
        LOGS: "0o700",
    }
    for place in (THE_LAYOUT.settings, *THE_LAYOUT.keys, THE_LAYOUT.state):
        assert f"made      {place}\n" in made.said["--systemd"]
    assert f"made      {LOGS}\n" in made.said["--cron"]


def test_timers_or_a_crontab_are_ready_but_nothing_runs_before_somebody_says_so(
    made: Installation,
) -> None:
    units = made.path("/usr/local/lib/systemd/system")

    assert {path.name: path.read_text() for path in units.iterdir()} == {
        name: path.read_text() for name, path in UNITS.items()
    }
    assert made.path(CRONTAB).read_text() == read("cron.example")
    assert made.path("/etc/logrotate.d/returns-reconciler").read_text() == read("deploy/logrotate")
    assert not made.path("/etc/cron.d").exists()
    assert not made.path("/etc/systemd").exists()
    [enabled, watch] = re.findall(r"systemctl enable --now (.*)", made.said["--systemd"])
    timers = {name for name in UNITS if re.fullmatch(r"[^@]*\.timer", name)}
    assert {*enabled.split(), watch} == timers
    assert f"cp {CRONTAB} /etc/cron.d/returns-reconciler" in made.said["--cron"]


def test_it_ends_with_what_doctor_finds(made: Installation) -> None:
    _, _, found = made.said["--systemd"].partition("reconciler doctor says:\n\n")

    assert "LOOP_API_KEY_FILE: is empty" in found
    assert found.endswith("It ended with 2. All is in place; what it names is left to do.\n")
    assert made.typed("doctor")[0] == 2


# ------------------------------------------------------------------------------------ again, later


@pytest.mark.parametrize("scheduler", ["--systemd", "--cron"])
def test_a_second_time_changes_nothing(installed: Installation, scheduler: str) -> None:
    before = installed.tree()

    done = installed.install(scheduler)

    assert done.returncode == 0
    assert installed.tree() == before
    said = done.stdout.partition("\nNext")[0].splitlines()
    assert {line.split()[0] for line in said} == {"skipped", "unchanged", "kept"}


def test_settings_and_keys_of_somebody_stay_and_a_key_that_others_may_read_is_closed(
    installed: Installation,
) -> None:
    written = {
        THE_LAYOUT.settings: "[loop]\npage_size = 7\n",
        THE_LAYOUT.keys[0]: "a-token\n",
        THE_LAYOUT.keys[1]: "a-key\n",
        "/etc/logrotate.d/returns-reconciler": "# mine\n",
        "/etc/cron.d/returns-reconciler": "MAILTO=me@example.com\n",
    }
    installed.path("/etc/cron.d").mkdir()
    for path, text in written.items():
        installed.path(path).write_text(text)
    installed.path(THE_LAYOUT.keys[0]).chmod(0o644)
    installed.path(THE_LAYOUT.state).chmod(0o755)

    done = installed.install("--cron")

    assert {path: installed.path(path).read_text() for path in written} == written
    tree = installed.tree()
    assert [oct(tree[path][0]) for path in (THE_LAYOUT.keys[0], THE_LAYOUT.state)] == [
        "0o600", "0o700",
    ]  # fmt: skip
    assert f"mode 0700 {THE_LAYOUT.state}\n" in done.stdout
    assert f"diff /etc/cron.d/returns-reconciler {CRONTAB}\n" in done.stdout


def test_a_key_that_is_kept_elsewhere_stays_a_link(installed: Installation) -> None:
    link, target = installed.path(THE_LAYOUT.keys[0]), installed.root.parent / "vault"
    target.write_text("a-token\n")
    target.chmod(0o640)
    link.unlink()
    link.symlink_to(target)

    installed.install("--cron")

    assert (link.is_symlink(), link.read_text(), target.stat().st_mode & 0o777) == (
        True, "a-token\n", 0o640,
    )  # fmt: skip


def test_what_else_is_called_reconciler_is_not_replaced(installation: Installation) -> None:
    other = installation.path("/usr/local/bin/reconciler")
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\necho another program\n")

    done = installation.install("--systemd")

    assert "another program" in other.read_text()
    assert "kept      /usr/local/bin/reconciler" in done.stdout
    assert "LOOP_API_KEY_FILE: is empty" in done.stdout, "doctor is asked all the same"


def test_units_of_somebody_are_said_to_count(installed: Installation) -> None:
    own = installed.path("/etc/systemd/system/reconciler.service")
    own.parent.mkdir(parents=True)
    own.write_text("[Service]\n")

    done = installed.install("--systemd")

    assert own.read_text() == "[Service]\n"
    assert "/etc/systemd/system/reconciler.service is there, too" in done.stdout


# -------------------------------------------------------------------------------------- of releases


def test_an_upgrade_leaves_what_runs_where_it_is_and_removes_what_is_older(
    tmp_path: Path, long: bool
) -> None:
    """Modules are loaded when they are needed: a run must find those of its own version."""
    if not long:
        pytest.skip("only in the long form")
    checkout = copy_of_the_checkout(tmp_path)
    installation = Installation(tmp_path, checkout)
    bins, versions = [], []
    for number in ("7.1.0", "7.2.0", "7.3.0"):
        source = checkout / "reconciler" / "__init__.py"
        source.write_text(re.sub(r'(__version__ = )".*"', rf'\1"{number}"', source.read_text()))
        assert installation.install("--systemd").returncode == 0
        bins.append(installation.path("/opt/reconciler/bin").resolve())
        versions.append(installation.typed("--version")[1].split()[-1])

    assert versions == ["7.1.0", "7.2.0", "7.3.0"]
    assert [one.exists() for one in bins] == [False, True, True]


def test_an_installation_that_broke_off_changes_nothing_that_runs_and_is_made_up_for(
    tmp_path: Path, long: bool
) -> None:
    if not long:
        pytest.skip("only in the long form")
    checkout = copy_of_the_checkout(tmp_path)
    installation = Installation(tmp_path, checkout)
    installation.install("--systemd")
    before = installation.path("/opt/reconciler/bin").resolve()
    source = checkout / "setup.cfg"
    whole = source.read_text()
    source.write_text(whole.replace("[options]", "[options\n"))

    broken = installation.install("--systemd")
    still = installation.typed("--version")[0], installation.path("/opt/reconciler/bin").resolve()
    source.write_text(f"{whole}\n")
    repaired = installation.install("--systemd")

    assert broken.returncode != 0
    assert "placed" not in broken.stdout
    assert still == (0, before)
    assert repaired.returncode == 0
    assert installation.path("/opt/reconciler/bin").resolve() != before


def test_what_somebody_else_made_in_the_way_is_not_touched(installation: Installation) -> None:
    program = installation.path("/opt/reconciler/bin/reconciler")
    program.parent.mkdir(parents=True)
    program.write_text("mine")

    done = installation.install("--systemd")

    assert (done.returncode, program.read_text()) == (1, "mine")
    assert "/opt/reconciler/bin was not made by this script" in done.stderr


# ------------------------------------------------------------------------------------ what is asked


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--cron", "--systemd"), "exclude each other"),
        (("--store",), "needs a value"),
        (("--store", "reconciler"), "not reconciler"),
        (("--store", "../etc"), "letters a to z"),
        (("--store", "loop_api_key"), "letters a to z"),
        (("--prefix", "opt"), "must begin with /"),
        (("--prefix", "/opt/$(id)"), "only letters"),
        (("--frobnicate",), "unknown"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_made(
    installation: Installation, options: tuple[str, ...], why: str
) -> None:
    done = installation.install(*options)

    assert done.returncode == 2
    assert why in done.stderr
    assert not installation.root.exists()


def test_without_being_root_it_says_what_shows_the_same(tmp_path: Path) -> None:
    """Run as `nobody` where the tests run as root; in a copy that `nobody` can reach."""
    open_to_all = tmp_path / "deploy"
    open_to_all.mkdir()
    shutil.copy("deploy/install", open_to_all)
    who = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
    with (open_to_all / "install").open() as script:
        done = subprocess.run(
            ["/bin/sh", "-s"], stdin=script, capture_output=True, text=True, check=False,
            cwd="/", env={"PATH": os.defpath}, **who,
        )  # type: ignore[call-overload]  # fmt: skip

    assert done.returncode == 2
    assert "must be root; without being root, --destdir DIR shows what it makes" in done.stderr


def test_another_prefix_is_named_wherever_the_program_is(installation: Installation) -> None:
    installation.install("--systemd", "--prefix", "/srv/returns")
    installation.install("--cron", "--prefix", "/srv/returns")

    assert not installation.path("/opt").exists()
    named = [
        installation.path("/usr/local/lib/systemd/system/reconciler.service"),
        installation.path("/srv/returns/share/returns-reconciler.cron"),
        installation.path("/usr/local/bin/reconciler"),
    ]
    for path in named:
        assert "/srv/returns/bin/reconciler" in path.read_text()
        assert "/opt/reconciler" not in path.read_text()
    assert installation.typed("--version")[0] == 0


# --------------------------------------------------------------------------- that it works together


def settle_in(installation: Installation, world: RealWorld, store: str | None = None) -> None:
    """The keys and addresses of the sandbox go where the layout has keys and settings."""
    place = f"/etc/reconciler/{store}" if store else "/etc/reconciler"
    installation.path(f"{place}/loop_api_key").write_text(world.environ["LOOP_API_KEY"] + "\n")
    token = world.environ["JETTI_API_TOKEN"]
    installation.path(f"{place}/jetti_api_token").write_text(f"{token}\n")
    loop, jetti = world.environ["LOOP_BASE_URL"], world.environ["JETTI_BASE_URL"]
    installation.path(f"/etc/reconciler/{store or 'reconciler'}.toml").write_text(
        f'[loop]\nbase_url = "{loop}"\nlag = 0\n[jetti]\nbase_url = "{jetti}"\nsettle = "1s"\n'
    )


def by_systemd(installation: Installation, name: str) -> tuple[int, str]:
    """A service's command as systemd runs it: with nothing but what the unit names."""
    found, named = unit(name), of_unit(name)
    environ = {
        "PATH": os.defpath,
        "RECONCILER_CONFIG": str(installation.path(named.settings)),
        "STATE_DIRECTORY": str(installation.path(named.state)),
    }
    program, *arguments = found["ExecStart"][0].split()
    with TemporaryDirectory() as credentials:
        for one in found["LoadCredential"]:
            credential, _, path = one.partition(":")
            shutil.copy(installation.path(path), Path(credentials, credential))
            environ["CREDENTIALS_DIRECTORY"] = credentials
        done = subprocess.run(
            [installation.path(program), *arguments],
            env=environ, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False, timeout=120,
        )  # fmt: skip
    return done.returncode, done.stdout


def without_remarks(table: str) -> list[str]:
    return [line for line in table.splitlines() if line and not line.startswith("# ")]


def by_cron(installation: Installation, text: str, job: str) -> tuple[int, str]:
    """A line of the crontab as cron runs it."""
    places = r"(?<![\w.])(/(?:etc|opt|var)/\S+)"

    def below(value: str) -> str:
        return re.sub(places, lambda found: str(installation.path(found[1])), value)

    environ = {name: below(value) for name, value in cron_environment(text).items()}
    done = subprocess.run(
        ["/bin/sh", "-c", below(job)],
        env={"PATH": os.defpath, **environ}, cwd="/", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_by_hand_by_systemd_and_by_cron_it_is_the_same_ledger_with_the_same_keys(
    installed: Installation, world: RealWorld, tmp_path: Path, long: bool
) -> None:
    """With what a caller's environment and working directory hold in the way."""
    if not long:
        pytest.skip("only in the long form")
    settle_in(installed, world)
    (tmp_path / "reconciler.toml").write_text("[loop]\npagesize = 3\n")
    in_the_way = {
        "LOOP_API_KEY": "wrong", "JETTI_API_TOKEN_FILE": "/nowhere", "RECONCILER_CONFIG": "/none",
        "RECONCILER_LEDGER": str(tmp_path / "another.db"), "STATE_DIRECTORY": str(tmp_path),
        "HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(tmp_path),
    }  # fmt: skip
    ledger = installed.path(THE_LAYOUT.state) / "ledger.db"
    table = installed.path(CRONTAB).read_text()
    [poll, sweep, backup, watch, _] = [line for _, line in cron_jobs(table)]

    assert installed.typed("init", "--since", "7d", cwd=tmp_path, **in_the_way)[0] == 0
    first = world.born()
    assert installed.typed("run", "--return", first, cwd=tmp_path, **in_the_way)[0] == 0
    second = world.born()
    assert by_systemd(installed, "reconciler.service")[0] == 0
    third = world.born()
    assert by_cron(installed, table, poll) == (0, "")
    assert by_cron(installed, table, poll) == (0, ""), "and a pass that found nothing"
    assert by_cron(installed, table, sweep) == (0, "")
    assert by_cron(installed, table, backup) == (0, "")
    assert by_systemd(installed, "reconciler-backup.service")[0] == 0
    assert by_cron(installed, table, watch) == (0, "")

    for one in (first, second, third):
        assert len(world.in_jetti(one)) == 1
    world.environ["RECONCILER_LEDGER"] = f"sqlite:///{ledger}"
    assert_agreement(world)
    assert not (tmp_path / "another.db").exists()
    assert not (tmp_path / "ledger.db").exists()
    assert len(list(ledger.parent.glob("ledger.db.*.backup"))) == 2
    modes = {path.stat().st_mode & 0o777 for path in ledger.parent.iterdir()}
    assert modes == {0o600}


def test_cron_s_reports_and_its_log_are_kept_apart(
    installed: Installation, world: RealWorld, long: bool
) -> None:
    if not long:
        pytest.skip("only in the long form")
    settle_in(installed, world)
    table = installed.path(CRONTAB).read_text()
    poll = cron_jobs(table)[0][1]
    assert by_cron(installed, table, poll)[0] == 1, "there is no ledger yet"
    installed.typed("init", "--since", "7d")
    world.born()
    by_cron(installed, table, poll)
    world.breaks("list.*", "404", service="loop")
    assert by_cron(installed, table, poll)[0] == 1

    report = installed.path(f"{LOGS}/report.txt").read_text().splitlines()
    log = installed.path(f"{LOGS}/log.jsonl").read_text().splitlines()

    assert (
        len([line for line in report if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  Run", line)])
        == 2
    )
    assert [json.loads(line)["event"] for line in log] == ["error"]
    assert {path.name for path in installed.path(LOGS).iterdir()} == {"report.txt", "log.jsonl"}


def test_each_store_has_settings_keys_and_a_ledger_of_its_own(
    installed: Installation, world: RealWorld, long: bool
) -> None:
    if not long:
        pytest.skip("only in the long form")
    done = installed.install("--cron", "--store", "berlin")
    settle_in(installed, world, "berlin")

    made = installed.path("/opt/reconciler/share/returns-reconciler-berlin.cron").read_text()
    assert without_remarks(for_store(read("cron.example"), "berlin")) == without_remarks(made)
    assert of_crontab(made).state == "/var/lib/reconciler/berlin"
    rotated = installed.path("/etc/logrotate.d/returns-reconciler-berlin").read_text()
    assert f"{LOGS}/berlin/report.txt\n{LOGS}/berlin/log.jsonl\n" in rotated
    assert "reconciler-berlin init --since 7d" in done.stdout
    assert installed.typed("init", "--since", "7d", name="reconciler-berlin")[0] == 0
    world.born()
    assert by_cron(installed, made, cron_jobs(made)[0][1]) == (0, "")
    assert (installed.path("/var/lib/reconciler/berlin") / "ledger.db").exists()
    assert not (installed.path("/var/lib/reconciler") / "ledger.db").exists()
    assert installed.typed("status", name="reconciler-berlin")[0] == 0
    assert installed.typed("status")[0] == 7
    again = installed.install("--systemd", "--store", "berlin").stdout
    assert "enable --now reconciler@berlin.timer reconciler-sweep@berlin.timer" in again


def test_the_names_of_returns_are_completed_by_hand(
    installed: Installation, world: RealWorld, long: bool
) -> None:
    if not long:
        pytest.skip("only in the long form")
    settle_in(installed, world)
    installed.typed("init", "--since", "7d")
    one = world.born()
    installed.typed("run")

    _, completed = installed.typed(
        _RECONCILER_COMPLETE="bash_complete",
        COMP_WORDS=f"reconciler show {one[:2]}",
        COMP_CWORD="2",
    )

    assert one in completed
