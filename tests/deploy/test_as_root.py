"""`deploy/install` as root, on a copy of this machine's /etc and with /opt, /usr/local and /var of
its own, in a mount namespace that goes with the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.installation import SITE, offline_python
from tests.deploy.layout import LOGS, ROOT, THE_LAYOUT

PYTHON = "/usr/bin/python3"
NOBODY = {"user": 65534, "group": 65534}


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "only root makes users"
    if missing := [one for one in ("unshare", "useradd", "runuser") if not shutil.which(one)]:
        return f"there is no {missing[0]}"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "no mount namespaces here"
    version = (
        f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    )
    if (
        not Path(PYTHON).exists()
        or subprocess.run([PYTHON, "-c", version], capture_output=True, check=False).returncode
    ):
        return f"{PYTHON} is not the version that the tests run with"
    if subprocess.run(["ls", SITE], capture_output=True, check=False, **NOBODY).returncode:  # type: ignore[call-overload]
        return f"{SITE} is not open to other users"
    return None


WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

NAMESPACE = """
set -eu
copy=$1; shift
mkdir "$copy/lib" "$copy/log"
cp -a /etc "$copy/etc"
mount --make-rprivate /
mount --bind "$copy/etc" /etc
mount --bind "$copy/lib" /var/lib
mount --bind "$copy/log" /var/log
mount -t tmpfs -o mode=755 none /opt
mount -t tmpfs -o mode=755 none /usr/local
cd /
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A copy of the checkout's installer that the namespace still sees."""
    python = offline_python(tmp_path, PYTHON)
    path = tmp_path / "script"
    path.write_text(
        f"{NAMESPACE}\n"
        f'install() {{ PYTHON={python} {ROOT}/deploy/install "$@" > "$copy/said" 2>&1; }}\n'
    )
    return path


def run(script: Path, commands: str) -> list[str]:
    """The lines that the commands print in the namespace."""
    copy = script.parent / "copy"
    copy.mkdir()
    script.write_text(script.read_text() + commands)
    done = subprocess.run(
        ["unshare", "--mount", "--fork", "/bin/sh", script, copy],
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "false",
            "LOOP_API_KEY": "of-the-caller", "RECONCILER_LEDGER": "/tmp/of-the-caller.db",
        },
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    said = copy / "said"
    assert done.returncode == 0, done.stderr + (said.read_text() if said.exists() else "")
    return done.stdout.splitlines()


def test_all_is_the_service_s_own_and_nothing_is_anybody_s_else(script: Path) -> None:
    places = [
        "/etc/reconciler", THE_LAYOUT.settings, *THE_LAYOUT.keys, THE_LAYOUT.state, LOGS,
        "/etc/logrotate.d/returns-reconciler", "/usr/local/bin/reconciler",
        "/usr/local/lib/systemd/system/reconciler.service",
    ]  # fmt: skip

    lines = run(
        script,
        f"""
        rm -rf /etc/logrotate.d; mkdir /etc/logrotate.d
        install --cron; install --systemd
        stat -c '%n %a %U %G' {" ".join(places)}
        find /opt/reconciler ! -user root -o -perm /022 ! -type l
        getent passwd reconciler | cut -d: -f6,7
        """,
    )

    user = THE_LAYOUT.user
    assert lines == [
        f"/etc/reconciler 750 root {user}",
        f"{THE_LAYOUT.settings} 640 root {user}",
        *(f"{key} 600 {user} {user}" for key in THE_LAYOUT.keys),
        f"{THE_LAYOUT.state} 700 {user} {user}",
        f"{LOGS} 700 {user} {user}",
        "/etc/logrotate.d/returns-reconciler 644 root root",
        "/usr/local/bin/reconciler 755 root root",
        "/usr/local/lib/systemd/system/reconciler.service 644 root root",
        f"{THE_LAYOUT.state}:{lines[-1].partition(':')[2]}",
    ]
    assert lines[-1].endswith(("/nologin", "/false"))


def test_what_root_types_is_done_by_the_service_s_user_with_its_keys(script: Path) -> None:
    state = THE_LAYOUT.state

    lines = run(
        script,
        f"""
        install --cron
        before=$(find /etc /opt /usr/local /var/lib /var/log | sort | cksum)
        owners=$(find /etc/reconciler /var/lib/reconciler -printf '%p %u %m ' | cksum)
        install --cron
        [ "$before" = "$(find /etc /opt /usr/local /var/lib /var/log | sort | cksum)" ]
        [ "$owners" = "$(find /etc/reconciler /var/lib/reconciler -printf '%p %u %m ' | cksum)" ]
        reconciler status 2>&1 || echo "$?"
        echo a-key > {THE_LAYOUT.keys[1]}
        reconciler -q init --since 7d > /dev/null
        reconciler status > /dev/null && echo well
        stat -c '%n %a %U' {state}/ledger.db
        find {state} ! -user reconciler
        """,
    )

    assert lines[0].startswith(f"Error: there is no ledger at {state}/ledger.db")
    assert lines[2:] == ["7", "well", f"{state}/ledger.db 600 {THE_LAYOUT.user}"]
    assert not Path("/tmp/of-the-caller.db").exists()


def test_a_python_that_no_service_can_read_is_refused(script: Path, tmp_path: Path) -> None:
    home = Path("/root/bin-of-a-test")
    lines = run(
        script,
        f"""
        mount -t tmpfs none /root
        mkdir {home}; cp {PYTHON} {home}/python3
        PYTHON={home}/python3 {ROOT}/deploy/install --cron 2>&1 || echo "$?"
        [ -e /etc/reconciler ] || echo "nothing was made"
        """,
    )

    assert lines == [
        f"deploy/install: {home}/python3 is in a home, where no service can read it",
        "1",
        "nothing was made",
    ]
