"""What is said where there is no such setting: what may have been meant."""

from __future__ import annotations

import difflib

from reconciler.config import environment, file, schema
from reconciler.config.environment import BASE_URL_VARIABLES, KEY_VARIABLES, PREFIX
from reconciler.config.schema import Given
from reconciler.errors import ConfigError


def unknown(given: Given) -> ConfigError:
    """Never shows the value: it may be a key that was put in the wrong place."""
    if given.in_file and given.key in schema.TABLES:
        return ConfigError(
            f"{given.where}: is a table, not a value",
            f"write its settings below [{schema.dotted(given.key)}]",
        )
    if given.in_file and given.key[-1].upper() in KEY_VARIABLES:
        return ConfigError(
            f"{given.where}: keys are never read from a settings file",
            f"set {given.key[-1].upper()} in the environment, or pass a systemd credential",
        )
    return ConfigError(f"{given.where}: there is no such setting", f"did you mean {_meant(given)}?")


def _meant(given: Given) -> str:
    """The valid name that looks most like the given one."""
    if given.in_file:
        names = [schema.dotted(key) for key in schema.KEYS]
        return _nearest(schema.dotted(given.key), [*names, *KEY_VARIABLES])
    unprefixed = given.where.removeprefix(PREFIX)
    if unprefixed in {*KEY_VARIABLES, *BASE_URL_VARIABLES}:
        return unprefixed
    return _nearest(given.where, [*map(environment.variable, schema.KEYS), file.VARIABLE])


def _nearest(name: str, known: list[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
