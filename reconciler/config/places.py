"""Where this user's settings and state usually live; nowhere, for a user without a home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def user_config() -> Path | None:
    """The user's configuration directory for this program."""
    import platformdirs

    return _absolute(lambda: platformdirs.user_config_dir("reconciler", appauthor=False))


def user_state() -> Path | None:
    """The user's state directory for this program."""
    import platformdirs

    return _absolute(lambda: platformdirs.user_state_dir("reconciler", appauthor=False))


def _absolute(directory: Callable[[], str]) -> Path | None:
    # Without a home platformdirs raises or, in older versions, answers with a path below "~".
    try:
        path = Path(directory())
    except RuntimeError:
        return None
    return path if path.is_absolute() else None
