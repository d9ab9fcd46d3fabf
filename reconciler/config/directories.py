"""The usual directories of settings and state: a service's, or a user's, who may have no home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path


def user_config() -> Path | None:
    """The user's configuration directory for this program."""
    import platformdirs

    return _absolute(lambda: platformdirs.user_config_dir("reconciler", appauthor=False))


def user_state() -> Path | None:
    """The user's state directory for this program."""
    import platformdirs

    return _absolute(lambda: platformdirs.user_state_dir("reconciler", appauthor=False))


def service_state(environ: Mapping[str, str]) -> Path | None:
    """The directory that systemd's `StateDirectory=` made for this service."""
    return _first(environ.get("STATE_DIRECTORY"))


def service_config(environ: Mapping[str, str]) -> Path | None:
    """The directory that systemd's `ConfigurationDirectory=` names for this service."""
    return _first(environ.get("CONFIGURATION_DIRECTORY"))


def _first(listed: str | None) -> Path | None:
    """Of several between colons the first, as systemd.exec(5) lists them."""
    path = Path((listed or "").partition(":")[0])
    return path if path.is_absolute() else None


def _absolute(directory: Callable[[], str]) -> Path | None:
    # Without a home platformdirs raises or, in older versions, answers with a path below "~".
    try:
        path = Path(directory())
    except RuntimeError:
        return None
    return path if path.is_absolute() else None
