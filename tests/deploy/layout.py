"""What the files of `deploy/` and `cron.example` name, read out of each."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent.parent
UNITS = {path.name: path for path in sorted((ROOT / "deploy" / "systemd").iterdir())}
SERVICES = [name for name in UNITS if name.endswith(".service")]
TIMERS = [name for name in UNITS if name.endswith(".timer")]
LOGS = "/var/log/reconciler"

Unit = dict[str, list[str]]


class Layout(Struct, frozen=True):
    """Who runs what, with which settings, ledger and keys."""

    user: str
    program: str
    settings: str
    state: str
    keys: tuple[str, ...]


THE_LAYOUT = Layout(
    user="reconciler",
    program="/opt/reconciler/bin/reconciler",
    settings="/etc/reconciler/reconciler.toml",
    state="/var/lib/reconciler",
    keys=("/etc/reconciler/jetti_api_token", "/etc/reconciler/loop_api_key"),
)


def read(name: str) -> str:
    """A file of the checkout."""
    return (ROOT / name).read_text(encoding="utf-8")


def unit(name: str) -> Unit:
    """The values of each key of a unit, without its sections."""
    found: Unit = defaultdict(list)
    for line in UNITS[name].read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def of_unit(name: str) -> Layout:
    """What a service names; the keys only where it has them."""
    found = unit(name)
    [command], [user], [state] = found["ExecStart"], found["User"], found["StateDirectory"]
    environ = dict(one.split("=", 1) for one in found["Environment"])
    assert set(environ) == {"RECONCILER_CONFIG"}
    return Layout(
        user=user,
        program=command.split()[0],
        settings=environ["RECONCILER_CONFIG"],
        state=f"/var/lib/{state}",
        keys=tuple(sorted(one.split(":")[1] for one in found["LoadCredential"])),
    )


def cron_environment(text: str) -> dict[str, str]:
    """What a crontab sets."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.M))


def cron_jobs(text: str) -> list[tuple[str, str]]:
    """User and command line of each job of a crontab, those that are commented out, too."""
    return re.findall(r"^(?:# )?(?:[\d*/]+ ){4}[\d*/]+  (\S+)  (.*)$", text, re.M)


def of_crontab(text: str) -> Layout:
    """What a crontab names."""
    environ = cron_environment(text)
    [user] = {user for user, _ in cron_jobs(text)}
    [program] = {line.split()[0] for _, line in cron_jobs(text)}
    return Layout(
        user=user,
        program=program,
        settings=environ["RECONCILER_CONFIG"],
        state=environ["STATE_DIRECTORY"],
        keys=(environ["JETTI_API_TOKEN_FILE"], environ["LOOP_API_KEY_FILE"]),
    )


def for_store(text: str, store: str) -> str:
    """What a unit or a crontab for the only store says where it is for one of several."""
    text = text.replace("/etc/reconciler/reconciler.toml", f"/etc/reconciler/{store}.toml")
    text = re.sub(r"/etc/reconciler/(\w+)$", rf"/etc/reconciler/{store}/\1", text, flags=re.M)
    text = re.sub(r"(/var/(?:lib|log)/reconciler)\b", rf"\1/{store}", text)
    return re.sub(r"^StateDirectory=reconciler$", rf"\g<0>/{store}", text, flags=re.M)
