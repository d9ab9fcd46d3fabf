"""How rows are shown: `attributes`, nested `include`, and `companyId` on every row
(jetti.md#query-language, #include-parameter)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from reconciler.sandbox.jetti.problems import Problem
from reconciler.sandbox.jetti.schema import RELATIONS, RESOURCES, Relation, Row
from reconciler.sandbox.jetti.switches import JettiSwitches
from reconciler.sandbox.jetti.where import refused
from reconciler.sandbox.jetti.world import World


class View(Struct, frozen=True):
    """What is shown of the rows of one model."""

    model: str
    attributes: tuple[str, ...] | None = None
    """None = all."""
    includes: tuple[tuple[Relation, View], ...] = ()


def read_view(
    model: str, attributes: Any, include: Any, switches: JettiSwitches, join_key: str | None = None
) -> View:
    """Validate `attributes` and `include`. `join_key` is the foreign key that the parent joins
    on, if any."""
    names = _names(model, attributes, switches)
    includes = tuple(_include(model, wanted, switches) for wanted in _wanted(include))
    joined_on = {relation.foreign_key for relation, _ in includes if not relation.many}
    if names is not None and not (joined_on | ({join_key} if join_key else set())) <= set(names):
        # Seen: "required, fails without" (jetti.md#foreign-keys-of-a-join). What the failure says
        # is unknown.
        raise Problem("api.errors.unknown", detail="the join needs its foreign key")
    return View(model, names, includes)


def _names(model: str, attributes: Any, switches: JettiSwitches) -> tuple[str, ...] | None:
    if attributes is None:
        return None
    wanted = attributes if isinstance(attributes, list) else [attributes]
    if not all(isinstance(name, str) for name in wanted):
        raise refused()
    known = tuple(name for name in wanted if name in RESOURCES[model].fields)
    if len(known) < len(wanted) and switches.unknown_field == "error":
        raise refused()
    return known


def _wanted(include: Any) -> list[Any]:
    """A plain string, one object, or an indexed list of either (jetti.md#include-parameter)."""
    if include is None:
        return []
    return include if isinstance(include, list) else [include]


def _include(model: str, wanted: Any, switches: JettiSwitches) -> tuple[Relation, View]:
    asked = {"model": wanted} if isinstance(wanted, str) else wanted
    name = asked.get("model") if isinstance(asked, dict) else None
    relation = RELATIONS[model].get(name) if isinstance(name, str) else None
    if relation is None:
        raise refused()
    join_key = relation.foreign_key if relation.many else None
    view = read_view(
        relation.model, asked.get("attributes"), asked.get("include"), switches, join_key
    )
    return relation, view


def show(world: World, view: View, row: Row) -> Row:
    """A new object, safe to be encoded later."""
    shown = {**row, "companyId": world.switches.company_id}
    if world.switches.company_id_form == "string":
        shown["companyId"] = str(world.switches.company_id)
    elif world.switches.company_id_form == "absent":
        del shown["companyId"]
    if view.attributes is not None:
        shown = {name: shown[name] for name in view.attributes if name in shown}
    for relation, inner in view.includes:
        shown[relation.key] = _joined(world, relation, inner, row)
    return shown


def _joined(world: World, relation: Relation, view: View, row: Row) -> list[Row] | Row | None:
    table = world.table(relation.model)
    if relation.many:
        rows = world.visible(relation.model, table.find(relation.foreign_key, row["id"]))
        return [show(world, view, child) for child in rows]
    parent = table.rows.get(row[relation.foreign_key])
    visible = world.visible(relation.model, [parent] if parent else [])
    return next((show(world, view, one) for one in visible), None)
