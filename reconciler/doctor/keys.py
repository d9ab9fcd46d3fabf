"""Where the keys are and how they are kept, without the keys."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from contextlib import suppress

from reconciler.config import Secret, secret
from reconciler.config.secret import KeyName, KeyPlace
from reconciler.core.diagnosis.settings import KeyFacts
from reconciler.errors import ConfigError


def facts(name: KeyName, key: Secret | ConfigError, environ: Mapping[str, str]) -> KeyFacts:
    """Of a key that was read, or of why there is none. Opens no file: a pipe is read once."""
    places: list[KeyPlace] = []
    with suppress(ConfigError):  # what cannot be listed is what keeps the key from being read
        places = secret.places(name, environ)
    first = places[0] if places else None
    file = first.path if first and not first.is_credential else None
    is_usable = isinstance(key, Secret)
    return KeyFacts(
        variable=name.variable,
        source=_described(first) if first else None,
        ineffective=tuple(_described(place) for place in places[1:]),
        is_quoted=isinstance(key, Secret) and key.is_quoted,
        has_blanks=isinstance(key, Secret) and key.has_blanks,
        file=str(file) if file and is_usable else None,
        owner=_owner(file) if file and is_usable else None,
        user=user_name(os.geteuid()),
        problem=str(key) if isinstance(key, ConfigError) else None,
        hint=key.hint if isinstance(key, ConfigError) else None,
    )


def user_name(number: int) -> str:
    """The user's name; the number where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _described(place: KeyPlace) -> str:
    if place.path is None:
        return f"the environment variable {place.name}"
    if place.is_credential:
        return f"the systemd credential {place.name}"
    return f"the file {place.path} ({_kept(place)}), named in {place.name}"


def _kept(place: KeyPlace) -> str:
    try:
        found = os.stat(place.path or "")
    except (OSError, ValueError):
        return "its mode cannot be read"
    return f"mode {stat.S_IMODE(found.st_mode):04o}, of {user_name(found.st_uid)}"


def _owner(path: os.PathLike[str]) -> str | None:
    try:
        return user_name(os.stat(path).st_uid)
    except (OSError, ValueError):
        return None
