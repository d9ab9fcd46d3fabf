"""Where the ledger is, and what can be checked there without opening it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reconciler.core.commands import WHAT_DATE_IS, init_adopt
from reconciler.errors import ConfigError, LedgerError, LedgerMissing

_PREFIX = "sqlite:///"

# Their locks and syncs cannot be relied on; SQLite's own documentation warns of them.
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smbfs", "smb3", "ncpfs", "afs", "ceph", "glusterfs", "lustre"}
    | {"gfs2", "ocfs2", "beegfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs"}
    | {"fuse.rclone", "fuse.gcsfuse"}
)

_OCTAL = re.compile(r"\\([0-7]{3})")

INIT_HINT = (
    "if this is the first time, run `reconciler init`; if a ledger was here before, "
    f"restore it from a backup, or recognise what Jetti has with `{init_adopt()}`, {WHAT_DATE_IS}"
)
FOREIGN_HINT = f"set `ledger` to another path, or move that file away; then, {INIT_HINT}"


def path_of(url: str) -> Path:
    """The file a `ledger` setting names. Raises ConfigError; never repeats the whole URL."""
    scheme = url.partition(":")[0]
    hint = "set `ledger` (or RECONCILER_LEDGER) to sqlite:////absolute/path/ledger.db"
    if scheme.startswith("postgresql"):
        raise ConfigError("ledger: PostgreSQL is not supported by this version", hint)
    path = url.removeprefix(_PREFIX)
    if path == url or not path or path.startswith(":") or "?" in path:
        raise ConfigError(f"ledger: not a URL of an SQLite file (it begins with {scheme!r})", hint)
    return Path(path).absolute()


def size_of(path: Path) -> int | None:
    """Bytes of the file; None when there is none. Raises LedgerError when it cannot be reached."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LedgerError(
            f"the ledger {path} cannot be reached: {error.strerror}",
            "run as the user that owns it, or correct the permissions of its directory",
        ) from error


def require_present(path: Path) -> None:
    """Raise LedgerMissing where there is no ledger: a lost volume must not look like a start."""
    size = size_of(path)
    if size is None:
        raise LedgerMissing(f"there is no ledger at {path}", INIT_HINT)
    if not path.is_file():
        raise LedgerError(f"the ledger {path} is not a file", "set `ledger` to a file")
    if size == 0:
        raise LedgerMissing(f"the ledger {path} is empty: zero bytes", INIT_HINT)


def require_readable(path: Path) -> None:
    """Raise LedgerError where this user may not read the ledger."""
    if not os.access(path, os.R_OK):
        raise LedgerError(
            f"the ledger {path} cannot be read by user {os.geteuid()}",
            "run as the user that owns it",
        )


def require_writable(path: Path) -> None:
    """Raise LedgerError where a run could not write: wrong owner, read-only file or directory."""
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise LedgerError(
            f"the ledger {path} belongs to user {owner}, this is user {os.geteuid()}",
            "run as the user that owns it",
        )
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise LedgerError(
                f"the ledger is read-only: {place} is not writable",
                "make the file and its directory writable, or mount the disk writable",
            )


def require_local(path: Path, mountinfo: str) -> None:
    """Raise LedgerError on a known network filesystem, where two hosts could both hold the lock."""
    kind = filesystem_of(path.parent.resolve(), mountinfo)
    # safeguard: network-filesystem
    if kind in _NETWORK:
        raise LedgerError(
            f"the ledger {path} is on a network filesystem ({kind}), whose locks cannot be "
            "relied on",
            "set `ledger` to a path on a local disk",
        )


def mounts() -> str:
    """What is mounted where, as Linux tells it; empty elsewhere."""
    try:
        return Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return ""


def filesystem_of(place: Path, mountinfo: str) -> str | None:
    """The type of the filesystem that holds `place`; `mountinfo` is /proc/self/mountinfo."""
    best: tuple[int, str] | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        # Blanks and the like are octal escapes there: "/my\040disk".
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), left.split(" ")[4]))
        # Of mounts on the same point the last one is on top.
        if place.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), right.split(" ")[0])
    return best[1] if best else None
