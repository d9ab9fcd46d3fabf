"""Jetti's resources: path, model name, fields, and the relations between them.

Data, not code: a resource is added by adding a row (jetti.md#generic-rules-for-rows, #field-lists).
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from reconciler.sandbox.jetti import fields as texts

Row = dict[str, Any]
"""One object of Jetti: camelCase attributes, nulls present."""

# Attributes that the server sets; sent ones are ignored (the create schema leaves them out).
READ_ONLY = ("id", "createdAt", "updatedAt")

_FIELD = re.compile(
    r"(?P<name>\w+) (?P<type>\w+)(?P<null>\?)?(\((?P<values>[^)]*)\))?( =(?P<default>\S+))?"
    r"(?P<required> !)?"
)
_CONSTANTS = {"true": True, "false": False}


class Field(Struct, frozen=True):
    """One attribute."""

    name: str
    type: str
    """`string`, `text`, `integer`, `number`, `boolean`, `date`, `json` or `strings`."""
    nullable: bool = True
    values: tuple[str, ...] = ()
    """The only values it takes; empty = any."""
    default: Any = None
    """`now` for the time of creation."""
    required: bool = False


class Resource(Struct, frozen=True):
    """One kind of object and its URL path."""

    model: str
    """PascalCase singular, as in `include` (jetti.md#include-parameter)."""
    path: str
    """Dashed plural, as in the URL (jetti.md#paths)."""
    fields: dict[str, Field]
    parents: dict[str, str] = {}
    """Foreign key -> the model it points at."""
    indexed: tuple[str, ...] = ()
    """Attributes that are looked up often; foreign keys are always indexed."""


class Relation(Struct, frozen=True):
    """A join that `include` follows, with its snake_case key in the answer
    (jetti.md#included-keys)."""

    key: str
    model: str
    foreign_key: str
    many: bool


def _constant(text: str, kind: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return int(text) if kind in ("integer", "number") else text


def _field(text: str) -> Field:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise ValueError(f"not a field: {text!r}")
    name, kind, default = found["name"], found["type"], found["default"]
    return Field(
        name=name,
        type=kind,
        nullable=bool(found["null"]),
        values=tuple(found["values"].split("/")) if found["values"] else (),
        default=None if default is None else _constant(default, kind),
        required=bool(found["required"]),
    )


_SERVER_FIELDS = (
    Field("id", "integer", nullable=False),
    Field("createdAt", "date", nullable=False, default="now"),
    Field("updatedAt", "date", nullable=False, default="now"),
    # Not in the schemas, yet on every row and accepted in `where` (jetti.md#company-id).
    Field("companyId", "integer"),
)


def _resource(model: str, path: str, text: str, *keys: str, **parents: str) -> Resource:
    text = text.replace("/\n", "/").replace("\n", " ")
    named = [_field(part.strip()) for part in text.split(";")]
    fields = {field.name: field for field in [*_SERVER_FIELDS, *named]}
    return Resource(model, path, fields, parents, (*keys, *parents))


RESOURCES: dict[str, Resource] = {
    resource.model: resource
    for resource in (
        _resource("Customer", "customers", texts.CUSTOMER),
        _resource("Warehouse", "warehouses", texts.WAREHOUSE),
        _resource("DropshipProvider", "dropship-providers", texts.DROPSHIP_PROVIDER, "name"),
        _resource("AdjustmentReason", "adjustment-reasons", texts.ADJUSTMENT_REASON, "code"),
        _resource(
            "Sale",
            "sales",
            texts.SALE,
            "externalId",
            "reference",
            customerId="Customer",
            warehouseId="Warehouse",
        ),
        _resource(
            "SaleItem",
            "sale-items",
            texts.SALE_ITEM,
            "externalId",
            saleId="Sale",
            dropshipProviderId="DropshipProvider",
        ),
        _resource(
            "Purchase",
            "purchases",
            texts.PURCHASE,
            "reference",
            saleId="Sale",
            dropshipProviderId="DropshipProvider",
        ),
        _resource(
            "PurchaseItem",
            "purchase-items",
            texts.PURCHASE_ITEM,
            purchaseId="Purchase",
            saleItemId="SaleItem",
        ),
        _resource(
            "SaleReturn",
            "sale-returns",
            texts.SALE_RETURN,
            "externalId",
            "reference",
            saleId="Sale",
            purchaseId="Purchase",
        ),
        _resource(
            "SaleReturnItem",
            "sale-return-items",
            texts.SALE_RETURN_ITEM,
            "externalId",
            saleReturnId="SaleReturn",
            saleItemId="SaleItem",
            purchaseItemId="PurchaseItem",
            adjustmentReasonId="AdjustmentReason",
            warehouseId="Warehouse",
        ),
    )
}

BY_PATH = {resource.path: resource for resource in RESOURCES.values()}


def _snake(model: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model).lower()


def _relations() -> dict[str, dict[str, Relation]]:
    """By model, then by included model."""
    found: dict[str, dict[str, Relation]] = {model: {} for model in RESOURCES}
    for child in RESOURCES.values():
        for key, parent in child.parents.items():
            found[child.model][parent] = Relation(_snake(parent), parent, key, many=False)
            plural = child.path.replace("-", "_")
            found[parent][child.model] = Relation(plural, child.model, key, many=True)
    return found


RELATIONS = _relations()
