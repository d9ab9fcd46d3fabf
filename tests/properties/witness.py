"""Stands beside Jetti and the ledger and holds every request against the promises.

It uses nothing of the program: rows of the ledger are read with a connection of its own, rows of
Jetti are the sandbox's own.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.jetti.service import Jetti
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.messages import Request, Response
from tests.support.agreement import is_late_scan

SETTLE = timedelta(seconds=180)
IN_SIGHT = timedelta(seconds=100)
"""Whatever is older stands in every answer, however far Jetti's reads lag."""
RANK = ("draft", "requested", "finalized", "shipped", "received")
OWNED = {
    "sale-returns": {
        *("externalId", "saleReturnSource", "saleReturnType", "status", "notes"),
        *("trackingCompany", "trackingNumber", "trackingUrl", "trackingStatus"),
    },
    "sale-return-items": {"quantity", "externalId", "adjustmentReasonId"},
}
SCANNED = ("in_transit", "available_for_pickup", "return_to_sender", "delivered")
"""What a carrier says of a parcel that it has."""
OPERATIONS = {"sale-returns": "update_sale_return", "sale-return-items": "update_item"}
MODELS = {"sale-returns": "SaleReturn", "sale-return-items": "SaleReturnItem"}
_PUT = re.compile(r"/api/(sale-returns|sale-return-items)/(\d+)\.json")
_POST = re.compile(r"/api/sales/(\d+)/cancel\.json")

Key = tuple[str, int, str]
"""A field in Jetti: path of its resource, id, name."""


class ObservedJetti(Jetti):
    """Tells the witness of each write that takes effect, also of those that do so late."""

    witness: Witness | None = None

    def handle(self, request: Request) -> Response:
        if self.witness is None or request.method == "GET":
            return super().handle(request)
        with self.witness.takes_effect(request):
            return super().handle(request)


@dataclass
class Witness:
    """What happened, as far as the promises speak of it."""

    jetti: Jetti
    ledger: Path
    now: Callable[[], datetime]
    versions: dict[str, list[tuple[datetime, SandboxReturn]]]
    """Of each return: when it became what."""
    made: dict[int, str] = field(default_factory=dict)
    """Sale returns that our creates made, and for which return."""
    adopted: dict[int, str] = field(default_factory=dict)
    """Sale returns of people that were taken over, and for which return."""
    raised: dict[int, dict[str, int]] = field(default_factory=dict)
    """Sale returns that people raised, with the units of each line then."""
    theirs: dict[Key, Any] = field(default_factory=dict)
    """What people wrote, as long as it stands."""
    ours: dict[Key, list[tuple[datetime, Any]]] = field(default_factory=dict)
    """What we wrote, with its time."""
    replaced: dict[Key, Any] = field(default_factory=dict)
    """What stood there before our last write."""
    forgotten: set[Key] = field(default_factory=set)
    """Values of which the ledger can no longer know whose they are: it was lost or restored."""
    decided: dict[int, str] = field(default_factory=dict)
    """Sale returns that someone decided to be a return's."""
    disowned: set[tuple[int, str]] = field(default_factory=set)
    """Sale returns, each with a return whose own someone decided it not to be."""
    left_alone: set[str] = field(default_factory=set)
    """Returns that someone decided to leave alone."""
    uncertain: dict[str, datetime] = field(default_factory=dict)
    """Returns whose last write has no answer, and when it left."""
    refused_for_now: dict[str, datetime] = field(default_factory=dict)
    last_read: datetime | None = None
    last_write: tuple[str, datetime] | None = None
    writer: str = ""
    """The return that the write in the air is for."""
    excused: set[str] = field(default_factory=set)
    """Returns whose unanswered write left before somebody set the clock: what has settled by one
    clock has not by another."""
    creates_allowed: Callable[[SandboxReturn], bool] = lambda _row: True
    counts: Counter[str] = field(default_factory=Counter)
    fastest: float = 0.0
    most_in_a_minute: int = 0
    _lately: deque[tuple[float, float]] = field(default_factory=deque)
    _this_minute: deque[float] = field(default_factory=deque)

    # ------------------------------------------------------------------------- requests leave

    def arrives(self, request: Request) -> None:
        """A request reaches Jetti. The rate holds over all runs: 2 reads or 1 write a second."""
        now = self.now().timestamp()
        self._lately.append((now, 0.5 if request.method == "GET" else 1.0))
        while self._lately[0][0] <= now - 1.0 + 1e-6:
            self._lately.popleft()
        load = sum(cost for _, cost in self._lately)
        self.fastest = max(self.fastest, load)
        assert load <= 1.0, f"{load} of what Jetti allows in one second"
        if request.method == "GET":
            self.last_read = self.now()

    def begins_run(self) -> None:
        """Fifty runs in a minute know nothing of each other: Loop slows them down."""
        self._this_minute.clear()

    def arrives_at_loop(self) -> None:
        """A request reaches Loop: a run, and who looks on beside it, makes 300 in a minute."""
        now = self.now().timestamp()
        self._this_minute.append(now)
        while self._this_minute[0] <= now - 60.0 + 1e-6:
            self._this_minute.popleft()
        self.most_in_a_minute = max(self.most_in_a_minute, len(self._this_minute))
        assert len(self._this_minute) <= 300, "more than Loop allows in one minute"

    def leaves(self, request: Request) -> None:
        """A write is about to reach Jetti: is it announced, allowed and ours?"""
        body = json.loads(request.body)
        if found := _POST.fullmatch(request.path):
            self._create_leaves(int(found[1]), body)
        else:
            found = _PUT.fullmatch(request.path)
            assert found is not None, request.path
            self._put_leaves(found[1], int(found[2]), body)
        assert self.writer not in self.left_alone, f"{self.writer} is ignored, and written"
        self._waited_for(self.writer)
        self.excused.discard(self.writer)
        self.last_write = (self.writer, self.now())
        self.uncertain[self.writer] = self.now()

    def _create_leaves(self, sale_id: int, body: dict[str, Any]) -> None:
        assert body.keys() <= {"ids", "skipQuantities", "externalId"}, body
        assert body["ids"], "an empty id list returns the whole sale"
        assert body["skipQuantities"] is True
        self.writer = self._announced("create", sale_id, sorted(body["ids"]), {})
        assert body["externalId"] == self.writer
        latest = self.versions[self.writer][-1][1]
        sale = self._row("Sale", sale_id)
        assert sale["externalId"] == latest.provider_order_id, "created on another's order"
        asked = {self._row("SaleItem", one)["externalId"] for one in body["ids"]}
        assert asked <= self._lines_ever(self.writer), "created for lines never returned"
        assert self.creates_allowed(latest), "created from before go-live, unasked"
        beside = self._raised_for({*body["ids"]})
        assert not beside, f"duplicated: created beside what people raised: {beside}"

    def _raised_for(self, item_ids: set[int]) -> list[int]:
        """Live sale returns of people for any of these, that a read shows and nobody took over."""
        seen_by = self.now() - IN_SIGHT
        with self.reading() as ledger:
            known = {one for (one,) in ledger.execute("SELECT id FROM sale_returns")}
        return [
            row["id"]
            for row in self._table("SaleReturn").values()
            if row["id"] in self.raised.keys() - self.adopted.keys() - known
            and (row["status"] != "cancelled" and row["externalId"] is None)
            and (row["id"], self.writer) not in self.disowned
            and datetime.fromisoformat(row["createdAt"]) <= seen_by
            and item_ids & {item["saleItemId"] for item in self._items(row["id"])}
        ]

    def _put_leaves(self, path: str, row_id: int, body: dict[str, Any]) -> None:
        self.writer = self._announced(OPERATIONS[path], row_id, [], body)
        assert body, "a PUT of nothing"
        assert body.keys() <= OWNED[path], f"not ours to write: {body.keys() - OWNED[path]}"
        row = self._row(MODELS[path], row_id)
        owner = row if path == "sale-returns" else self._row("SaleReturn", row["saleReturnId"])
        self._is_ours(owner)
        if path == "sale-returns":
            assert body.get("externalId", self.writer) == self.writer
            self._status_was_meant(body.get("status"))
        elif "quantity" in body:
            self._quantity_was_meant(row, body["quantity"])
        for name, value in body.items():
            self._is_nobody_s(path, row, name, value)

    def _is_ours(self, row: dict[str, Any]) -> None:
        """Made by us for this return, or marked with it, or exactly what it is about."""
        owner = self.made.get(row["id"]) or self.adopted.get(row["id"])
        if self.decided.get(row["id"]) == self.writer != owner:
            self.made.pop(row["id"], None)
            self.adopted[row["id"]] = owner = self.writer
            self.counts["adopted by decision"] += 1
        if owner is None:
            assert row["id"] in self.raised, "nobody knows where this sale return is from"
            assert row["externalId"] in (None, self.writer)
            meant = [
                Counter(line.order_line_id for line in version.lines)
                for _, version in self.versions[self.writer]
            ]
            held = self.raised[row["id"]]
            matches = any(all(one[line] == held[line] for line in held) for one in meant)
            assert matches, f"taken over although it holds {held}"
            self.adopted[row["id"]] = owner = self.writer
            self.counts["adopted"] += 1
        assert owner == self.writer, f"for {self.writer}, but it is of {owner}"

    def _status_was_meant(self, status: str | None) -> None:
        if status is None:
            return
        meant = {told for _, row in self.versions[self.writer] for told in statuses_of(row)}
        shrank = len({len(row.lines) for _, row in self.versions[self.writer]}) > 1
        assert status in meant | ({"cancelled"} if shrank else set()), f"never meant: {status}"

    def _quantity_was_meant(self, item: dict[str, Any], quantity: int) -> None:
        assert self._was_returned(item, quantity), f"never returned so many: {quantity}"

    def _was_returned(self, item: dict[str, Any], quantity: int) -> bool:
        line = self._line(item)
        return quantity in {
            sum(one.order_line_id == line for one in row.lines)
            for _, row in self.versions[self.writer]
        }

    def _is_nobody_s(self, path: str, row: dict[str, Any], name: str, value: Any) -> None:
        """What a person wrote stays, but a status goes on from where it was moved to."""
        key = (path, row["id"], name)
        if key not in self.theirs or key in self.forgotten:
            return
        if self.theirs[key] is None or row[name] == value or row[name] != self.theirs[key]:
            return
        if name == "quantity" and self._was_returned(row, row[name]):
            return  # it became what Loop said as well, and goes on with it
        told = f"overwritten: {key} was set by a person to {row[name]}, and now to {value}"
        assert name == "status", told

    def _announced(
        self, operation: str, target: int, item_ids: list[int], fields: dict[str, Any]
    ) -> str:
        """The return of the committed intent that names this write, and nothing else."""
        with self.reading() as ledger:
            rows = ledger.execute("SELECT return_id, write FROM intents WHERE closed_as IS NULL")
            found = []
            for return_id, text in rows.fetchall():
                write = json.loads(text)
                named = (write["operation"], write["target_id"])
                if named == (operation, target) and write.get("fields", {}) == fields:
                    assert sorted(write.get("sale_item_ids", [])) == item_ids
                    found.append(return_id)
        assert len(found) == 1, f"no committed intent names {operation} of {target}: {found}"
        return str(found[0])

    def _waited_for(self, return_id: str) -> None:
        """After a lost answer: settle passes and Jetti is read before anything more is written."""
        lost = self.uncertain.pop(return_id, None)
        refused = self.refused_for_now.pop(return_id, None)
        if lost is not None and return_id not in self.excused:
            assert self.now() >= lost + SETTLE, "written again before the lost write settled"
            assert self._has_read_since(lost + SETTLE), "written again without a read"
        if refused is not None:
            assert self._has_read_since(refused), "sent again without a read"

    def _has_read_since(self, at: datetime) -> bool:
        return self.last_read is not None and self.last_read >= at

    def answered(self, request: Request, delivery: Delivery) -> None:
        """The answer is on its way: does it settle what became of the write?"""
        if request.method == "GET":
            return
        if is_certain(request, delivery):
            self.uncertain.pop(self.writer, None)
            if delivery.response is not None and delivery.response.status == 429:
                self.refused_for_now[self.writer] = self.now()
        else:
            self.counts["indeterminate writes"] += 1

    def clock_was_set(self) -> None:
        """No write of before is held to settle by the new clock."""
        self.excused |= {*self.uncertain, *((self.last_write or ())[:1])}

    def died(self) -> None:
        """The process died: what the ledger has an open intent for is uncertain again."""
        if self.last_write is None:
            return
        return_id, at = self.last_write
        with self.reading() as ledger:
            query = "SELECT count(*) FROM intents WHERE closed_as IS NULL AND return_id = ?"
            (count,) = ledger.execute(query, (return_id,)).fetchone()
        if count:
            self.uncertain[return_id] = at

    # ------------------------------------------------------------------------ writes take effect

    @contextmanager
    def takes_effect(self, request: Request) -> Iterator[None]:
        """Compare before and after."""
        body = json.loads(request.body)
        put = _PUT.fullmatch(request.path)
        before = self._before(put)
        known = set(self._table("SaleReturn"))
        yield
        for row_id in set(self._table("SaleReturn")) - known:
            self.made[row_id] = body["externalId"]
            self.counts["created"] += 1
        if put and before is not None:
            self._put_took_effect(put[1], int(put[2]), before, body)
        self.no_duplicate()

    def _before(self, put: re.Match[str] | None) -> dict[str, Any] | None:
        if put is None or int(put[2]) not in self._table(MODELS[put[1]]):
            return None
        return dict(self._row(MODELS[put[1]], int(put[2])))

    def _put_took_effect(
        self, path: str, row_id: int, before: dict[str, Any], body: dict[str, Any]
    ) -> None:
        after = self._row(MODELS[path], row_id)
        for name, value in body.items():
            if after[name] != before[name]:
                self.theirs.pop((path, row_id, name), None)
            self.ours.setdefault((path, row_id, name), []).append((self.now(), value))
            self.replaced[path, row_id, name] = before[name]
        if path == "sale-returns" and after["status"] != before["status"]:
            old, new = before["status"], after["status"]
            assert old not in ("cancelled", "received"), f"from {old} to {new}"
            assert new == "cancelled" or RANK.index(new) > RANK.index(old), f"{old} to {new}"

    def no_duplicate(self) -> None:
        """At no moment do two live sale returns stand for the same line of one return."""
        claims: Counter[tuple[str, int]] = Counter()
        for row in self._table("SaleReturn").values():
            if row["status"] == "cancelled":
                continue
            owner = self.made.get(row["id"]) or row["externalId"]
            if row["externalId"] is None and (row["id"], owner) in self.disowned:
                continue
            if owner:
                claims.update((owner, item["saleItemId"]) for item in self._items(row["id"]))
        twice = [claim for claim, count in claims.items() if count > 1]
        assert not twice, f"duplicated: {twice}"

    # ------------------------------------------------------------------------------- the world

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The ledger as it is committed."""
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as connection:
            yield connection

    def set_by_people(self, path: str, row_id: int, **values: Any) -> None:
        """Remember what a person wrote.

        Who takes back a write of ours that has no answer yet is not seen by anybody: Jetti is then
        as if that write had never taken effect.
        """
        for name, value in values.items():
            key = (path, row_id, name)
            taken_back = key in self.replaced and self.replaced[key] == value
            if taken_back and self._has_no_answer(path, row_id, name):
                self.counts["unanswered writes that a person took back"] += 1
            else:
                self.theirs[key] = value
                self.forgotten.discard(key)
                if name != "notes" and self._may_pass_for_ours(path, row_id):
                    self.forgotten.add(key)

    def forgets_people(self) -> None:
        """From now on nobody can tell what people wrote from our own, but for notes: ours have a
        form."""
        self.forgotten |= {key for key in self.theirs if key[2] != "notes"}

    def _may_pass_for_ours(self, path: str, row_id: int) -> bool:
        """Whether it is of a sale return that we have marked, and that the ledger does not know any
        more: what it holds when it is taken over counts as ours."""
        if path != "sale-returns":
            row_id = self._row("SaleReturnItem", row_id)["saleReturnId"]
        with self.reading() as ledger:
            known = ledger.execute("SELECT id FROM sale_returns WHERE id = ?", (row_id,)).fetchall()
        return not known and self._row("SaleReturn", row_id)["externalId"] is not None

    def _has_no_answer(self, path: str, row_id: int, name: str) -> bool:
        """Whether the ledger does not know what became of a write that sets this field."""
        with self.reading() as ledger:
            rows = ledger.execute("SELECT write FROM intents WHERE closed_as IS NULL").fetchall()
        writes = [json.loads(text) for (text,) in rows]
        return any(
            (write["operation"], write["target_id"]) == (OPERATIONS[path], row_id)
            and name in write.get("fields", {})
            for write in writes
        )

    def _table(self, model: str) -> dict[int, dict[str, Any]]:
        return self.jetti.store.world.table(model).rows

    def _row(self, model: str, row_id: int) -> dict[str, Any]:
        return self._table(model)[row_id]

    def _items(self, sale_return_id: int) -> list[dict[str, Any]]:
        return self.jetti.store.world.table("SaleReturnItem").find("saleReturnId", sale_return_id)

    def _line(self, item: dict[str, Any]) -> str:
        return str(self._row("SaleItem", item["saleItemId"])["externalId"])

    def _lines_ever(self, return_id: str) -> set[str]:
        return {line.order_line_id for _, row in self.versions[return_id] for line in row.lines}


def statuses_of(row: SandboxReturn) -> set[str]:
    """Every status that this version may have been told with, whatever the mapping."""
    if row.state in ("cancelled", "expired"):
        return set() if is_late_scan(row) else {"cancelled"}
    named = {line_id for label in row.labels for line_id in label.line_ids}
    bare = not row.labels or any(line.id not in named for line in row.lines)
    told = {"requested"} if bare else set()
    for label in row.labels:
        told |= {"requested"} if label.status in ("pending", "new", "pre_transit") else set()
        told |= {"shipped"} if label.status in SCANNED else set()
        told |= {"received"} if label.status == "delivered" else set()
    return told


def is_certain(request: Request, delivery: Delivery) -> bool:
    """Whether the answer says for certain what became of a write."""
    response = delivery.response
    if response is None or delivery.delay > 30:
        return False
    told = delivery.declared_length
    length = len(response.body) if told is None else told
    # Whole is what has as many bytes as were told, whatever becomes of the connection then.
    body = response.body[: delivery.body_bytes][:length]
    if len(body) < length:
        return False
    if response.status in (400, 401, 403, 422, 429):
        return True
    if not 200 <= response.status < 300:
        return False
    if request.method == "PUT" and not body.strip():
        return True
    try:
        content = json.loads(body)
    except ValueError:
        return False
    if request.method == "POST":
        return isinstance(content, list)
    return isinstance(content, dict) and "id" in content
