"""API keys: where they come from, and a wrapper that no log, report or traceback can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from reconciler.errors import ConfigError

_LARGEST = 16_384  # far longer than any key; keeps a wrong path from being read whole
_OTHERS_MAY_READ_OR_WRITE = stat.S_IRWXG & ~stat.S_IXGRP | stat.S_IRWXO & ~stat.S_IXOTH


class Secret:
    """A key. Only `reveal` shows it; `repr`, `str` and format do not."""

    __slots__ = ("_value", "has_blanks")

    def __init__(self, value: str, *, has_blanks: bool = False) -> None:
        self._value = value
        self.has_blanks = has_blanks
        """Whether there were blanks around it, which are not sent."""

    def reveal(self) -> str:
        """The key itself, for the one header it belongs in."""
        return self._value

    @property
    def is_quoted(self) -> bool:
        """Whether it begins or ends with a quotation mark, which is sent as a part of it."""
        return self._value.startswith(("'", '"')) or self._value.endswith(("'", '"'))

    def __repr__(self) -> str:
        # safeguard: secrets-hide-themselves
        return "Secret(hidden)"


class KeyName(Struct, frozen=True):
    """A key's name in the environment and among systemd credentials."""

    variable: str
    credential: str


LOOP_API_KEY = KeyName("LOOP_API_KEY", "loop_api_key")
JETTI_API_TOKEN = KeyName("JETTI_API_TOKEN", "jetti_api_token")


class KeyPlace(Struct, frozen=True):
    """A place that a key is taken from."""

    name: str
    """The variable, or the systemd credential."""
    path: Path | None = None
    """Of the file; None for a key that is in the environment itself."""
    is_credential: bool = False


def find(name: KeyName, environ: Mapping[str, str]) -> Secret | ConfigError:
    """The key, or why there is none: commands that need no key work without one.

    The best protected place wins: systemd credential, then file, then environment.
    """
    try:
        return _find(name, environ)
    except ConfigError as error:
        return error


def places(name: KeyName, environ: Mapping[str, str]) -> list[KeyPlace]:
    """Every place that has this key; `find` takes the first. Opens none. Raises ConfigError."""
    found = []
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if directory and name.credential in _names(Path(directory)):
        found.append(
            KeyPlace(name.credential, Path(directory, name.credential), is_credential=True)
        )
    variable = f"{name.variable}_FILE"
    if named := environ.get(variable):
        found.append(KeyPlace(variable, Path(named)))
    if environ.get(name.variable):
        found.append(KeyPlace(name.variable))
    return found


def _find(name: KeyName, environ: Mapping[str, str]) -> Secret:
    for place in places(name, environ):
        if place.path is None:
            return _checked(place.name, environ[place.name])
        if place.is_credential:
            # Only this service can read these; systemd's ACL makes the mode look group-readable.
            return _checked(f"credential {place.name}", _contents("credential", place.path))
        return _checked(place.name, _private_contents(place.name, place.path))
    variable = f"{name.variable}_FILE"
    raise ConfigError(
        f"{name.variable}: is not set",
        f"set {name.variable}, or {variable} to a file that only you can read, or pass the"
        f" systemd credential {name.credential}",
    )


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError as error:
        raise _unreadable("CREDENTIALS_DIRECTORY", directory, error) from error


def _private_contents(variable: str, path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(variable, path, error) from error
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise ConfigError(f"{variable}: {path} is not a file", "name the file that holds the key")
    # safeguard: private-key-files
    if mode & _OTHERS_MAY_READ_OR_WRITE:
        raise ConfigError(
            f"{variable}: {path} is open to other users (mode {stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}",
        )
    return _contents(variable, path)


def _contents(name: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, path, error) from error


def _unreadable(name: str, path: Path, error: Exception) -> ConfigError:
    answer = os.strerror(error.errno or 0) if isinstance(error, OSError) else "is not text"
    return ConfigError(
        f"{name}: {path}: {answer}",
        "name a readable file that holds the key and nothing else",
    )


def _checked(name: str, raw: str) -> Secret:
    value = raw.strip()
    if not value:
        raise ConfigError(f"{name}: is empty", "put the key in it, alone on one line")
    # Anything else could end the header that carries the key, and start another one.
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(
            f"{name}: holds characters that a key cannot have",
            "put the key in it, alone on one line",
        )
    # The end of its line belongs to a file, not to the key.
    return Secret(value, has_blanks=raw.removesuffix("\n").removesuffix("\r") != value)
