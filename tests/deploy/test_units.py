"""The units of systemd: what they name, what they may do, and that systemd takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.deploy.layout import (
    SERVICES,
    THE_LAYOUT,
    TIMERS,
    UNITS,
    for_store,
    of_unit,
    unit,
)

WITH_KEYS = {"reconciler.service", "reconciler-sweep.service"}
NAMES = {"reconciler", *(f"reconciler-{one}" for one in ("sweep", "backup", "watch", "notify"))}
HARDENED = {
    "CapabilityBoundingSet": [""],
    "DevicePolicy": ["closed"],
    "KillMode": ["mixed"],
    "LimitCORE": ["0"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "MemoryMax": ["512M"],
    "NoNewPrivileges": ["yes"],
    "PrivateDevices": ["yes"],
    "PrivateMounts": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateUsers": ["yes"],
    "ProcSubset": ["pid"],
    "ProtectClock": ["yes"],
    "ProtectControlGroups": ["yes"],
    "ProtectHome": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectProc": ["invisible"],
    "ProtectSystem": ["strict"],
    "RemoveIPC": ["yes"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "StateDirectoryMode": ["0700"],
    "SystemCallArchitectures": ["native"],
    "SystemCallErrorNumber": ["EPERM"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "Type": ["oneshot"],
    "UMask": ["0077"],
}
NEEDS_SYSTEMD = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd here"
)


def kind_of(name: str) -> str:
    """`reconciler-sweep@.service` is of the kind `reconciler-sweep.service`."""
    return name.replace("@", "")


def test_each_unit_is_there_for_the_only_store_and_for_one_of_several() -> None:
    timers = NAMES - {"reconciler-notify"}

    assert set(SERVICES) == {f"{one}{at}.service" for one in NAMES for at in ("", "@")}
    assert set(TIMERS) == {f"{one}{at}.timer" for one in timers for at in ("", "@")}


@pytest.mark.parametrize("name", [name for name in UNITS if "@" in name])
def test_a_unit_for_one_of_several_stores_differs_from_that_for_the_only_one_in_the_store(
    name: str,
) -> None:
    _, _, one = UNITS[kind_of(name)].read_text(encoding="utf-8").partition("[Unit]\n")
    _, _, several = UNITS[name].read_text(encoding="utf-8").partition("[Unit]\n")
    one = re.sub(r"^(Description=.*)$", r"\1 (store %i)", one, flags=re.M)

    assert several == for_store(one, "%i").replace("-notify.service", "-notify@%i.service")


@pytest.mark.parametrize("name", [name for name in SERVICES if "@" not in name])
def test_all_services_are_the_same_user_s_with_the_same_settings_ledger_and_keys(name: str) -> None:
    found = of_unit(name)

    assert found == replace(THE_LAYOUT, keys=THE_LAYOUT.keys if name in WITH_KEYS else ())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_nothing_but_its_work(name: str) -> None:
    found = unit(name)

    assert {key: found[key] for key in HARDENED} == HARDENED
    offline = kind_of(name) == "reconciler-backup.service"
    assert found["RestrictAddressFamilies"] == [
        "AF_UNIX" if offline else "AF_INET AF_INET6 AF_UNIX"
    ]
    assert found["PrivateNetwork"] == (["yes"] if offline else [])
    assert found["TimeoutStartSec"], "a oneshot has none of its own, and one that hangs blocks all"


@pytest.mark.parametrize("name", SERVICES)
def test_what_fails_is_reported_and_what_is_routine_is_no_failure(name: str) -> None:
    found, at = unit(name), "@%i" if "@" in name else ""
    reports = kind_of(name) == "reconciler-notify.service"
    routine = {
        "reconciler.service": ["75"],  # another run holds the lock
        "reconciler-sweep.service": ["75"],
        "reconciler-watch.service": ["3"],  # it has reported what is wrong
        "reconciler-notify.service": ["3"],
    }

    assert found["OnFailure"] == ([] if reports else [f"reconciler-notify{at}.service"])
    assert found["SuccessExitStatus"] == routine.get(kind_of(name), [])
    if kind_of(name) in WITH_KEYS:
        assert found["TimeoutStopSec"] == ["45s"]


@pytest.mark.parametrize("name", TIMERS)
def test_a_timer_runs_by_utc_makes_up_for_what_it_missed_and_starts_a_service(name: str) -> None:
    found = unit(name)

    assert all(one.endswith(" UTC") for one in found["OnCalendar"])
    assert found["Persistent"] == ["true"]
    assert found["AccuracySec"] == ["1s"]
    assert name.replace(".timer", ".service") in SERVICES


@pytest.fixture
def copies(tmp_path: Path) -> list[str]:
    """The units, with a program that exists everywhere."""
    for name, path in UNITS.items():
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return sorted(str(path) for path in tmp_path.iterdir())


@NEEDS_SYSTEMD
def test_systemd_accepts_the_units(copies: list[str]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *copies],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


@NEEDS_SYSTEMD
def test_systemd_finds_little_to_object_to(copies: list[str]) -> None:
    services = [one for one in copies if one.endswith(".service")]
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", *services],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("this version of systemd judges only what it has loaded")

    levels = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)

    assert len(levels) == len(SERVICES)
    assert max(map(float, levels)) <= 1.3
