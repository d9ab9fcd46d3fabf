"""What runs passes on this machine: crontabs, systemd's timers, and daemons. Nothing is guessed:
what decides which ledger a job uses is read, or else it is not known."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from reconciler.config import file
from reconciler.core.diagnosis.schedule import (
    Call,
    Job,
    ScheduleFacts,
    argv_of,
    read_call,
    read_crontab,
    read_units,
)
from reconciler.doctor.keys import user_name
from reconciler.errors import ConfigError

_WITHIN = 5.0
"""Seconds for `crontab` and for each call of `systemctl`."""
_CRONTABS = (Path("/etc/crontab"), Path("/etc/cron.d"))
_PROCESSES = Path("/proc")
_ASKED = (
    "Id,ActiveState,Unit,ExecStart,User,DynamicUser,Environment,EnvironmentFiles,StateDirectory,"
    "ConfigurationDirectory,WorkingDirectory"
)
_SYSTEM_WIDE = Path("/etc/reconciler", file.NAME)


class Unknown(Exception):
    """Why the ledger of a job cannot be known."""


def facts(ledger: Path, environ: Mapping[str, str]) -> ScheduleFacts:
    """Everything that was found; `ledger` is the one that the settings name."""
    unseen: list[str] = []
    jobs = [*_cron(environ, unseen), *_daemons(unseen)]
    idle: list[str] = []
    jobs += _timers(environ, unseen, idle)
    return ScheduleFacts(
        ledger=_real(ledger), jobs=tuple(jobs), idle_timers=tuple(idle), unseen=tuple(unseen)
    )


# ---------------------------------------------------------------------------------------- cron


def _cron(environ: Mapping[str, str], unseen: list[str]) -> Iterator[Job]:
    me = user_name(os.geteuid())
    text = _output("crontab", ["-l"], environ, unseen, nothing="no crontab for")
    yield from _of_crontab(text, f"the crontab of {me}", me, names_users=False)
    if text is not None:
        unseen.append("crontabs of other users are not looked at")
    for path in _system_crontabs(unseen):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            unseen.append(f"{path} cannot be read by {me}")
        else:
            yield from _of_crontab(text, str(path), me, names_users=True)


def _system_crontabs(unseen: list[str]) -> Iterator[Path]:
    for place in _CRONTABS:
        try:
            if place.is_dir():
                yield from sorted(path for path in place.iterdir() if not path.name.startswith("."))
            elif place.exists():
                yield place
        except OSError:
            unseen.append(f"{place} cannot be read")


def _of_crontab(text: str | None, where: str, owner: str, *, names_users: bool) -> Iterator[Job]:
    for line in read_crontab(text or "", names_users=names_users):
        call = read_call(line.command)
        if call is not None:
            place = f"line {line.number} of {where}"
            user = line.user or owner
            yield _job(place, call, partial(_of_cron_job, call, line.variables, user))


def _of_cron_job(call: Call, variables: Mapping[str, str], user: str) -> str:
    home = Path(variables.get("HOME") or _home(user))
    return _ledger_of(call, {**variables, **call.variables}, home=home, directory=home)


# ------------------------------------------------------------------------------------- daemons


def _daemons(unseen: list[str]) -> Iterator[Job]:
    if not _PROCESSES.is_dir():
        unseen.append("running processes cannot be listed")
        return
    for process in sorted(_PROCESSES.glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue  # it has ended
        call = read_call(words)
        if call is not None and "daemon" in call.does:
            yield _job(f"process {process.name}", call, partial(_of_process, call, process))


def _of_process(call: Call, process: Path) -> str:
    try:
        entries = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        directory = Path(os.readlink(process / "cwd"))
    except OSError as error:
        raise Unknown("this user may not see its environment") from error
    variables = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    home = Path(variables["HOME"]) if variables.get("HOME") else Path("/")
    return _ledger_of(call, variables, home=home, directory=directory)


# -------------------------------------------------------------------------------------- timers


def _timers(environ: Mapping[str, str], unseen: list[str], idle: list[str]) -> Iterator[Job]:
    for manager in ((), ("--user",)):
        show = [*manager, "show", f"--property={_ASKED}"]
        text = _output("systemctl", [*show, "*reconciler*.timer"], environ, unseen)
        if text is None:
            return
        for timer in read_units(text):
            if timer.get("ActiveState") != "active":
                idle.append(timer["Id"])
                continue
            unit = timer.get("Unit") or f"{timer['Id'].removesuffix('.timer')}.service"
            units = read_units(_output("systemctl", [*show, unit], environ, unseen) or "")
            for service in units:
                call = read_call(argv_of(service.get("ExecStart", "")))
                if call is not None:
                    ledger = partial(_of_unit, call, service, is_system=not manager)
                    yield _job(f"the timer {timer['Id']}", call, ledger)


def _of_unit(call: Call, service: Mapping[str, str], *, is_system: bool) -> str:
    if not is_system:
        raise Unknown("it is a timer of a user's own manager, whose environment is not shown")
    variables = dict(
        word.split("=", 1) for word in shlex.split(service.get("Environment", "")) if "=" in word
    )
    if service.get("EnvironmentFiles"):
        raise Unknown("it takes variables from a file")
    for name, above in (("StateDirectory", "/var/lib"), ("ConfigurationDirectory", "/etc")):
        if value := service.get(name, "").split(" ")[0]:
            kind = "STATE" if name.startswith("State") else "CONFIGURATION"
            variables[f"{kind}_DIRECTORY"] = f"{above}/{value.partition(':')[0]}"
    is_dynamic = service.get("DynamicUser") == "yes"
    home = Path("/") if is_dynamic else _home(service.get("User") or "root")
    working = service.get("WorkingDirectory", "").lstrip("!-") or "/"
    directory = home if working == "~" else Path(working)
    return _ledger_of(call, variables, home=home, directory=directory)


# -------------------------------------------------------------------------------------- ledger


def _job(where: str, call: Call, ledger: Callable[[], str]) -> Job:
    try:
        return Job(where, call.does, ledger())
    except Unknown as error:
        return Job(where, call.does, None, str(error))


def _ledger_of(call: Call, variables: Mapping[str, str], *, home: Path, directory: Path) -> str:
    """The ledger that a call with these variables, started in this directory, uses: by the rules of
    README (settings). Raises Unknown."""
    if not call.is_plain:
        raise Unknown("its command does more than start this program")
    if sys.platform != "linux":
        raise Unknown("the usual directories of this system are not known")
    if named := variables.get("RECONCILER_LEDGER"):
        return _path(named)
    in_file = _named_in_file(call, variables, home, directory)
    if in_file is not None:
        return _path(in_file)
    if state := variables.get("STATE_DIRECTORY"):
        return _real(Path(state.partition(":")[0], "ledger.db"))
    above = variables.get("XDG_STATE_HOME") or f"{home}/.local/state"
    return _real(Path(above, "reconciler", "ledger.db"))


def _named_in_file(
    call: Call, variables: Mapping[str, str], home: Path, directory: Path
) -> str | None:
    path = _settings_file(call, variables, home, directory)
    if path is None:
        return None
    try:
        given = file.read(path)
    except ConfigError as error:
        raise Unknown(f"its settings are in {path}, which cannot be read") from error
    return next((str(one.raw) for one in given if one.key == ("ledger",)), None)


def _settings_file(
    call: Call, variables: Mapping[str, str], home: Path, directory: Path
) -> Path | None:
    if named := call.config or variables.get(file.VARIABLE):
        return directory / named
    configured = variables.get("CONFIGURATION_DIRECTORY")
    usual = [
        directory / file.NAME,
        *([Path(configured.partition(":")[0], file.NAME)] if configured else []),
        Path(variables.get("XDG_CONFIG_HOME") or f"{home}/.config", "reconciler", file.NAME),
        _SYSTEM_WIDE,
    ]
    for path in usual:
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise Unknown(f"its settings may be in {path}, which cannot be read") from error
        return path
    return None


def _path(named: str) -> str:
    path = named.removeprefix("sqlite:///")
    if path == named or not path.startswith("/") or "$" in path:
        raise Unknown("its `ledger` is no absolute path of an SQLite file")
    return _real(Path(path))


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _home(user: str) -> Path:
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError as error:
        raise Unknown(f"this machine knows no user {user}") from error


# ------------------------------------------------------------------------------------ programs


def _output(
    name: str,
    arguments: list[str],
    environ: Mapping[str, str],
    unseen: list[str],
    *,
    nothing: str | None = None,
) -> str | None:
    """What a program prints; None, and a note in `unseen`, where it cannot be asked. `nothing` is
    what it complains of where there is nothing."""
    program = shutil.which(name, path=environ.get("PATH") or os.defpath)
    if program is None:
        unseen.append(f"there is no `{name}` on this machine")
        return None
    wanted = ("HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "PATH")
    kept = {key: environ[key] for key in wanted if key in environ}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [program, *arguments],
            env={**kept, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        unseen.append(f"`{name}` did not answer within {_WITHIN:.0f} s")
        return None
    if done.returncode == 0:
        return done.stdout
    if nothing is not None and nothing in done.stderr:
        return ""
    unseen.append(f"`{name} {arguments[0]}` cannot be asked")
    return None
