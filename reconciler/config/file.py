"""The settings file: where it is found, and every setting in it."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.config import directories, schema
from reconciler.config.schema import Given
from reconciler.core.limits import is_secret
from reconciler.errors import ConfigError

NAME = "reconciler.toml"
VARIABLE = "RECONCILER_CONFIG"


def find(named: str | None, environ: Mapping[str, str]) -> Path | None:
    """The settings file: named on the command line, in the environment, or in a usual place.

    A named file must exist; where none is named there may be none. Raises ConfigError.
    """
    for name, path in (("--config", named), (VARIABLE, environ.get(VARIABLE))):
        if path:
            if not os.path.isfile(path):  # never raises, whatever the name
                raise ConfigError(f"{name}: {path} is not a file", "name a TOML file")
            return Path(path)
    return next((path for path in _usual_places(environ) if _exists(path)), None)


def shadowed(used: Path | None, environ: Mapping[str, str]) -> list[Path]:
    """Settings files in usual places that are not read, because `used` is read in their place."""
    if used is None:
        return []
    others = (path for path in _usual_places(environ) if path.absolute() != used.absolute())
    return [path for path in others if os.path.isfile(path)]


def _usual_places(environ: Mapping[str, str]) -> Iterator[Path]:
    yield Path(NAME)
    if service := directories.service_config(environ):
        yield service / NAME
    if user := directories.user_config():
        yield user / NAME
    yield Path("/etc/reconciler", NAME)


def _exists(path: Path) -> bool:
    """Raises ConfigError for what is there and cannot be read as a file: it may be meant as one."""
    try:
        is_file, is_anything = path.is_file(), path.is_symlink() or path.exists()
    except PermissionError as error:
        if path == Path(NAME):
            return False  # started in someone else's directory, by sudo perhaps
        raise ConfigError(
            f"{path}: cannot be read (permission denied), so its settings would be ignored",
            f"make it readable, or name a settings file with --config or {VARIABLE}",
        ) from error
    # safeguard: unreadable-settings-path
    if is_anything and not is_file:
        raise ConfigError(
            f"{path}: is not a file, so its settings would be ignored",
            f"fix it, or name a settings file with --config or {VARIABLE}",
        )
    return is_file


def read(path: Path) -> list[Given]:
    """Every setting in the file. Raises ConfigError when it is not readable TOML."""
    try:
        leaves = list(_leaves(tomllib.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        answer = os.strerror(error.errno or 0)
        raise ConfigError(f"{path}: {answer}", "make it readable, or name another one") from error
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        raise ConfigError(f"{path}: is not TOML: {error}", "correct that line") from error
    return [Given(key, raw, f"{path}: {schema.dotted(key)}", in_file=True) for key, raw in leaves]


def require_private(path: Path, given: Iterable[Given]) -> None:
    """Raise ConfigError where a secret is in a file that every user of the machine can read."""
    secrets = [one for one in given if one.raw and is_secret(schema.limits_of(one.key))]
    # safeguard: no-secrets-in-public-files
    if secrets and path.stat().st_mode & stat.S_IROTH:
        raise ConfigError(
            f"{secrets[0].where}: is a secret, and every user can read the file",
            f"chmod o-r {path}",
        )


def _leaves(tables: dict[str, Any], above: schema.Path = ()) -> Iterator[tuple[schema.Path, Any]]:
    for name, value in tables.items():
        key = (*above, name)
        if isinstance(value, dict) and value:
            yield from _leaves(value, key)
        elif not _fits(value):
            raise ValueError(f"{schema.dotted(key)} holds a number of more than 64 bits")
        else:
            yield key, value


def _fits(value: Any) -> bool:
    """Whether its numbers fit the 64 bits of TOML; Python cannot even print some longer ones."""
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**63
