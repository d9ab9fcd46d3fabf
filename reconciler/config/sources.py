"""Where settings are written down: a TOML file and the environment."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from reconciler.config import keys, places
from reconciler.errors import ConfigError

FILE_NAME = "reconciler.toml"
PREFIX = "RECONCILER_"
CONFIG_VARIABLE = "RECONCILER_CONFIG"
BASE_URL_VARIABLES = {
    "LOOP_BASE_URL": ("loop", "base_url"),
    "JETTI_BASE_URL": ("jetti", "base_url"),
}
KEY_VARIABLES = ("LOOP_API_KEY", "LOOP_API_KEY_FILE", "JETTI_API_TOKEN", "JETTI_API_TOKEN_FILE")


class Given(Struct, frozen=True):
    """A setting as somebody wrote it."""

    key: keys.Path
    raw: Any
    where: str
    """The file and the key, or the variable: how its writer finds it again."""
    in_file: bool


def find_file(named: str | None, environ: Mapping[str, str]) -> Path | None:
    """The settings file: named on the command line, in the environment, or in a usual place.

    A named file must exist; without one there may be none at all.
    """
    for name, path in (("--config", named), (CONFIG_VARIABLE, environ.get(CONFIG_VARIABLE))):
        if path:
            if not os.path.isfile(path):  # never raises, whatever the name
                raise ConfigError(f"{name}: {path} is not a file", "name a TOML file")
            return Path(path)
    return next((path for path in _usual_places(environ) if _exists(path)), None)


def _usual_places(environ: Mapping[str, str]) -> Iterator[Path]:
    yield Path(FILE_NAME)
    if service := places.service_config(environ):
        yield service / FILE_NAME
    if user := places.user_config():
        yield user / FILE_NAME
    yield Path("/etc/reconciler", FILE_NAME)


def _exists(path: Path) -> bool:
    """Raises ConfigError where a file may have been meant that cannot be read as one."""
    try:
        is_file, is_anything = path.is_file(), path.is_symlink() or path.exists()
    except PermissionError as error:
        if path == Path(FILE_NAME):
            return False  # started from a directory of somebody else's, by sudo perhaps
        raise ConfigError(
            f"{path}: may not be looked at, so its settings would be missed",
            f"make it readable, or name a settings file with --config or {CONFIG_VARIABLE}",
        ) from error
    # safeguard: unreadable-settings-path
    if is_anything and not is_file:
        raise ConfigError(
            f"{path}: is not a file, so its settings would be missed",
            f"put it right, or name a settings file with --config or {CONFIG_VARIABLE}",
        )
    return is_file


def read_file(path: Path) -> list[Given]:
    """Every setting in the file. Raises ConfigError when it is not readable TOML."""
    try:
        leaves = list(_leaves(tomllib.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        answer = os.strerror(error.errno or 0)
        raise ConfigError(f"{path}: {answer}", "make it readable, or name another one") from error
    except (ValueError, RecursionError) as error:  # also of a number without end
        raise ConfigError(f"{path}: is not TOML: {error}", "correct that line") from error
    return [Given(key, raw, f"{path}: {keys.dotted(key)}", in_file=True) for key, raw in leaves]


def _leaves(tables: dict[str, Any], above: keys.Path = ()) -> Iterator[tuple[keys.Path, Any]]:
    for name, value in tables.items():
        key = (*above, name)
        if isinstance(value, dict) and value:
            yield from _leaves(value, key)
        elif not _fits(value):
            raise ValueError(f"{keys.dotted(key)} holds a number of more than 64 bits")
        else:
            yield key, value


def _fits(value: Any) -> bool:
    """Whether its numbers are such as TOML promises; Python cannot even show some longer ones."""
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def read_environment(environ: Mapping[str, str]) -> list[Given]:
    """Every setting in the environment, later ones winning."""
    given = [
        Given(_key(name), value, name, in_file=False)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE
    ]
    return given + [
        Given(key, environ[name], name, in_file=False)
        for name, key in BASE_URL_VARIABLES.items()
        if environ.get(name)
    ]


def _key(variable: str) -> keys.Path:
    """`RECONCILER_LOOP__PAGE_SIZE` is ("loop", "page_size"); a return reason keeps its case."""
    written = tuple(variable.removeprefix(PREFIX).split("__"))
    lowered = tuple(part.lower() for part in written)
    return (*keys.REASONS, *written[2:]) if lowered[:2] == keys.REASONS else lowered


def variable(key: keys.Path) -> str:
    """The variable that overrides a key: `RECONCILER_LOOP__PAGE_SIZE`."""
    return PREFIX + "__".join(part.upper() for part in key)


def nearest(given: Given) -> str:
    """The valid name that looks most like an unknown one."""
    if given.in_file:
        names = [keys.dotted(key) for key in keys.KEYS]
        return _nearest(keys.dotted(given.key), [*names, *KEY_VARIABLES])
    unprefixed = given.where.removeprefix(PREFIX)
    if unprefixed in {*KEY_VARIABLES, *BASE_URL_VARIABLES}:
        return unprefixed
    return _nearest(given.where, [*map(variable, keys.KEYS), CONFIG_VARIABLE])


def _nearest(name: str, known: list[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
