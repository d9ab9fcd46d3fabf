"""What a body may change, and the checks of the model before it does
(jetti.md#generic-rules-for-rows, #required-attributes)."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.sandbox.jetti.problems import Problem
from reconciler.sandbox.jetti.returns import refuse_duplicate_external_id
from reconciler.sandbox.jetti.schema import READ_ONLY, Resource, Row
from reconciler.sandbox.jetti.values import InvalidValue, convert
from reconciler.sandbox.jetti.world import World

_IGNORED = {*READ_ONLY, "companyId"}


def decode_body(body: bytes) -> Row:
    """The JSON object that was sent; an empty one if it was anything else."""
    try:
        decoded: Any = msgspec.json.decode(body) if body else {}
    except (ValueError, RecursionError):
        raise Problem("api.errors.unknown", 400) from None
    return decoded if isinstance(decoded, dict) else {}


def create_row(world: World, resource: Resource, body: Row) -> Row:
    """A plain create: no split, no items, no counter
    (jetti.md#direct-creation-of-a-sale-return)."""
    values = read_attributes(world, resource, body, "create")
    missing = [
        field.name
        for field in resource.fields.values()
        if field.required and values.get(field.name) is None
    ]
    if missing:
        raise _invalid(world, resource, "create", dict.fromkeys(missing, "is required"))
    if resource.model == "SaleReturn":
        refuse_duplicate_external_id(world, values.get("externalId"))
    row = world.table(resource.model).insert(values)
    world.recompute(resource.model, row)
    return row


def update_row(world: World, resource: Resource, row_id: int, body: Row) -> Row:
    """Change only what is sent; repeating it changes nothing more (jetti.md#partial-updates,
    #status-update-sequence)."""
    values = read_attributes(world, resource, body, "update")
    if resource.model == "SaleReturn":
        refuse_duplicate_external_id(world, values.get("externalId"), own_id=row_id)
    row = world.table(resource.model).update(row_id, values)
    world.recompute(resource.model, row)
    return row


def read_attributes(world: World, resource: Resource, body: Row, action: str) -> Row:
    """The known, writable attributes of a body, as stored; the rest is ignored."""
    values: Row = {}
    wrong: dict[str, str] = {}
    for name, value in body.items():
        field = resource.fields.get(name)
        if field is None or name in _IGNORED:
            continue
        try:
            values[name] = convert(field, value, world.switches.string_limit)
        except InvalidValue as error:
            wrong[name] = str(error)
    for name, parent in resource.parents.items():
        key = values.get(name)
        if key is not None and key not in world.table(parent).rows:
            wrong[name] = f"names no {parent}"
    if wrong:
        raise _invalid(world, resource, action, wrong)
    return values


def _invalid(world: World, resource: Resource, action: str, fields: dict[str, str]) -> Problem:
    code = f"api.{resource.path.replace('-', '_')}.{action}.validation"
    return Problem(code, world.switches.validation_status, details={"fields": fields})
