"""`where` as in Sequelize: operators as strings, values as strings, nulls match nothing.

How certain the operators are: jetti.md#filter-operators. `$in $ne $notIn` are seen, the rest
inferred.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from reconciler.sandbox.jetti.problems import Problem
from reconciler.sandbox.jetti.schema import Field, Resource, Row
from reconciler.sandbox.jetti.switches import JettiSwitches
from reconciler.sandbox.jetti.values import InvalidValue, convert

Test = Callable[[Row], bool]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
# Whether a match is wanted, and whether case matters.
_LIKE = {
    "$like": (True, True),
    "$notLike": (False, True),
    "$iLike": (True, False),
    "$notILike": (False, False),
}
_TAG = Field("tag", "string", nullable=False)
_CONSTANTS = {"null": None, "true": True, "false": False}


class WhereReader:
    """Turns a `where` of one resource into a test of its rows."""

    def __init__(self, resource: Resource, switches: JettiSwitches) -> None:
        self._resource = resource
        self._switches = switches

    def read(self, where: Any) -> Test:
        """The test; several fields are AND-ed. Raises `Problem` for what a database refuses."""
        if not isinstance(where, dict):
            raise refused()
        return _all([self._member(name, value) for name, value in where.items()])

    def equals(self, where: Any) -> dict[str, list[Any]]:
        """By attribute: values of which a row must have one. For looking them up in an index."""
        found: dict[str, list[Any]] = {}
        for name, value in where.items() if isinstance(where, dict) else ():
            wanted = value.get("$in", value.get("$eq")) if isinstance(value, dict) else value
            field = self._resource.fields.get(name)
            if name in self._switches.ignored_filters:
                continue
            if field and wanted is not None and not isinstance(wanted, dict):
                found[name] = [_cast(field, one) for one in _listed(wanted)]
        return found

    def _member(self, name: str, value: Any) -> Test:
        if name in ("$or", "$and"):
            tests = [self.read(branch) for branch in _branches(value)]
            return _any(tests) if name == "$or" else _all(tests)
        field = self._resource.fields.get(name)
        if name in self._switches.ignored_filters:
            return _always
        if field is not None:
            return self._condition(field, value)
        if self._switches.unknown_field == "error":
            raise refused(self._switches)
        return _always

    def _condition(self, field: Field, value: Any) -> Test:
        if isinstance(value, dict):
            return _all([self._operation(field, name, given) for name, given in value.items()])
        return self._operation(field, "$in" if isinstance(value, list) else "$eq", value)

    def _operation(self, field: Field, name: str, given: Any) -> Test:
        if name in ("$or", "$and"):
            tests = [self._condition(field, branch) for branch in _branches(given)]
            return _any(tests) if name == "$or" else _all(tests)
        if name == "$gt" and self._switches.greater_than_ignored:
            return _always
        if (name == "$gt" and self._switches.greater_than_refused) or (
            name == "$in" and isinstance(given, list) and self._switches.in_refused
        ):
            raise refused(self._switches)
        if name == "$in" and isinstance(given, dict) and self._switches.longer_array == "empty":
            return _never
        if name == "$not" and not isinstance(given, str):
            inner = self._condition(field, given)
            return lambda row: not inner(row)
        matches = _matcher(field, name, given)
        value_of = self._value_of(field)
        if name in ("$is", "$not"):
            return lambda row: matches(value_of(row))
        return lambda row: (value := value_of(row)) is not None and matches(value)

    def _value_of(self, field: Field) -> Callable[[Row], Any]:
        if field.name == "companyId":
            return lambda row: self._switches.company_id
        return operator.itemgetter(field.name)


def refused(switches: JettiSwitches | None = None) -> Problem:
    """The answer to an invalid query; only its fallback code is known (jetti.md#error-codes,
    #error-statuses)."""
    return Problem("api.errors.unknown", switches.query_status if switches else 500)


def _matcher(field: Field, name: str, given: Any) -> Callable[[Any], bool]:
    """A test of one value of the column, which is never null except for `$is` and `$not`."""
    if name in _COMPARE:
        compare, wanted = _COMPARE[name], _cast(field, given)
        return lambda value: compare(value, wanted)
    if name in ("$in", "$notIn"):
        members, inside = {_cast(field, one) for one in _members(given)}, name == "$in"
        return lambda value: (value in members) is inside
    if name in ("$between", "$notBetween"):
        low, high = _bounds(field, given)
        return lambda value: (low <= value <= high) is (name == "$between")
    if name in _LIKE:
        return _like(field, name, given)
    if name in ("$is", "$not") and isinstance(given, str) and given in _CONSTANTS:
        constant = _CONSTANTS[given]
        return lambda value: (value is constant) is (name == "$is")
    if name == "$not":
        unwanted = _cast(field, given)
        return lambda value: value != unwanted
    if name in ("$contains", "$overlap") and field.type == "strings":
        tags = {_cast(_TAG, one) for one in _members(given)}
        return (
            (lambda value: tags <= set(value))
            if name == "$contains"
            else (lambda value: bool(tags & set(value)))
        )
    raise refused()


def _cast(field: Field, given: Any) -> Any:
    """`where[saleId]=12` must match 12 and `where[externalId]=123` "123"
    (jetti.md#query-values)."""
    if not isinstance(given, str) or field.type == "json":
        raise refused()
    try:
        # An enumeration can be compared with any text, but stores only its own values.
        column = Field(field.name, field.type, nullable=False)
        return convert(column, given)
    except InvalidValue:
        raise refused() from None


def _like(field: Field, name: str, given: Any) -> Callable[[Any], bool]:
    if field.type not in ("string", "text") or not isinstance(given, str):
        raise refused()
    wanted, exact_case = _LIKE[name]
    wild = {"%": ".*", "_": "."}
    pattern = "".join(wild.get(character, re.escape(character)) for character in given)
    compiled = re.compile(pattern, re.DOTALL if exact_case else re.DOTALL | re.IGNORECASE)
    return lambda value: (compiled.fullmatch(value) is not None) is wanted


def _bounds(field: Field, given: Any) -> tuple[Any, Any]:
    members = _members(given)
    if len(members) != 2:
        raise refused()
    return _cast(field, members[0]), _cast(field, members[1])


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _members(given: Any) -> list[Any]:
    """A list beyond the parser's limit arrives as an object, which no operator accepts."""
    if isinstance(given, dict):
        raise refused()
    return _listed(given)


def _branches(given: Any) -> list[Any]:
    """The branches of `$or`: a list of conditions, or an object with a branch per member."""
    if isinstance(given, dict):
        return [{name: value} for name, value in given.items()]
    return _listed(given)


def _always(_row: Row) -> bool:
    return True


def _never(_row: Row) -> bool:
    return False


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda row: any(test(row) for test in tests)
