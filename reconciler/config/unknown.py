"""What is said where there is no such setting: what may have been meant."""

from __future__ import annotations

import difflib

from reconciler.config import environment, schema
from reconciler.config.environment import BASE_URL_VARIABLES, KEY_VARIABLES, PREFIX
from reconciler.config.schema import Given
from reconciler.config.secret import JETTI_API_TOKEN, LOOP_API_KEY
from reconciler.errors import ConfigError

_KEY_WORDS = ("key", "token", "secret", "password")
_ALIKE = 0.8  # below that a guess is no help


def unknown(given: Given) -> ConfigError:
    """Never shows the value: it may be a key that was put in the wrong place."""
    if given.in_file and given.key in schema.TABLES:
        return ConfigError(
            f"{given.where}: is a table, not a value",
            f"write its settings below [{schema.dotted(given.key)}]",
        )
    is_key, meant = given.key[-1].upper() in KEY_VARIABLES, _meant(given)
    if given.in_file and (is_key or (meant is None and given.key[-1].endswith(_KEY_WORDS))):
        return ConfigError(
            f"{given.where}: keys are never read from a settings file",
            f"set {_key_of(given.key)} in the environment, or pass a systemd credential",
        )
    hint = f"did you mean {meant}?" if meant else f"there are {', '.join(_beside(given))}"
    return ConfigError(f"{given.where}: there is no such setting", hint)


def _key_of(path: schema.Path) -> str:
    """The variable for it, or for what belongs to the same table."""
    name, service = path[-1].upper(), f"{path[0].upper()}_"
    keys = (LOOP_API_KEY.variable, JETTI_API_TOKEN.variable)
    fitting = [one for one in keys if one.startswith(service)]
    return name if name in KEY_VARIABLES else " or ".join(fitting or keys)


def _meant(given: Given) -> str | None:
    """The valid name that looks most like the given one; None where none looks like it."""
    if given.in_file:
        return _nearest(schema.dotted(given.key), [schema.dotted(key) for key in schema.KEYS])
    unprefixed = given.where.removeprefix(PREFIX)
    if unprefixed in {*KEY_VARIABLES, *BASE_URL_VARIABLES}:
        return unprefixed
    variables = [*map(environment.variable, schema.KEYS), *environment.NO_SETTINGS]
    # Without what all of them begin with, or each would look like any other.
    meant = _nearest(unprefixed, [variable.removeprefix(PREFIX) for variable in variables])
    return meant and PREFIX + meant


def _beside(given: Given) -> list[str]:
    """The settings of the same table, or the tables, as they would be written there."""
    table = given.key[0].lower()
    names = [key for key in schema.KEYS if key[0] == table] or schema.KEYS
    depth = 2 if names is not schema.KEYS else 1
    found = dict.fromkeys(key[:depth] for key in names)
    if given.in_file:
        return [schema.dotted(key) for key in found]
    return [environment.variable(key) for key in found]


def _nearest(name: str, known: list[str]) -> str | None:
    close = difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE)
    return close[0] if close else None
