"""What remembers that something was reported when the ledger cannot: the time of an empty file."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

APART = timedelta(hours=1)
"""How often something is reported again that cannot be remembered in the ledger."""


class HourlyFile:
    """Beside the ledger or, where nothing can be written there, in the directory for temporary
    files. It needs no space on the disk, and holds nothing."""

    def __init__(self, ledger: Path, channel: str) -> None:
        name = hashlib.sha256(os.fsencode(ledger)).hexdigest()[:16]
        ending = f"reported-{channel}"
        temporary = Path(tempfile.gettempdir()) / f"reconciler-{os.geteuid()}-{name}.{ending}"
        self._places = (ledger.with_name(f"{ledger.name}.{ending}"), temporary)

    @property
    def exists(self) -> bool:
        """Whether something was reported that the ledger does not know of."""
        return any(self._time_of(place) is not None for place in self._places)

    def is_recent(self, now: datetime) -> bool:
        """Whether that was less than an hour ago."""
        times = (self._time_of(place) for place in self._places)
        return any(time is not None and abs(now - time) < APART for time in times)

    def set(self, now: datetime) -> None:
        """Remember it, wherever that is possible."""
        for place in self._places:
            with suppress(OSError):
                # Not through a link that somebody else has laid there.
                flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW
                descriptor = os.open(place, flags, 0o600)
                try:
                    os.utime(descriptor, (now.timestamp(), now.timestamp()))
                finally:
                    os.close(descriptor)
                return

    def clear(self) -> None:
        """Forget it: the ledger remembers again."""
        for place in self._places:
            with suppress(OSError):
                place.unlink()

    def _time_of(self, place: Path) -> datetime | None:
        try:
            found = place.lstat()
        except OSError:
            return None
        return datetime.fromtimestamp(found.st_mtime, UTC) if found.st_uid == os.geteuid() else None
