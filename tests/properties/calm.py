"""How a history ends: everything works again, one run and one sweep later both sides agree.

Told without any help of the program's own code. Where people worked in Jetti their values stand,
and a return may be left for a person, but only for a reason that the history holds.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from reconciler.sandbox.loop.model import SandboxLabel, SandboxReturn
from tests.properties.history import History
from tests.properties.history_items import kept
from tests.properties.history_operator import AS_DELIVERED
from tests.properties.history_scene import LIES
from tests.properties.witness import RANK
from tests.support.agreement import is_late_scan, leading

ENDED = ("cancelled", "expired")
_STATUS = {
    "pending": "requested",
    "new": "requested",
    "return_to_sender": "shipped",
    "available_for_pickup": "shipped",
    "in_transit": "shipped",
    "delivered": "shipped",
}
"""A failed label says nothing of it, nor does a word that nobody knows."""
_TRACKING = {
    "pending": "pre_transit",
    "new": "pre_transit",
    "in_transit": "transit",
    "delivered": "delivered",
    "failure": "failure",
    "error": "failure",
    "return_to_sender": "returned",
    "available_for_pickup": "transit",
}
"""Any other word leaves what was told before."""

# What a person is told, and what must have happened for it.
_EXPLAINED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("was deleted in Jetti", ("deleted by staff",)),
    ("matches 2 sales|matches 3 sales", ("doubled order",)),
    ("was sent to sale", ("doubled order",)),
    ("unmarked sale return|appeared after our unanswered create", ("raised by staff", "unmarked")),
    ("our unanswered create asked for", ("raised by staff", "deleted by staff")),
    ("to return, but only", ("raised by staff", "quantity by staff", "another")),
    ("is cancelled, but its lines are wanted", ("revived", "line came back", "cancelled by staff")),
    ("but Jetti says (received|cancelled)", ("further by staff", "cancelled by staff")),
    ("but someone set", ("quantity by staff", "restored")),
    ("was asked to return sale items", ("repeated", "lied to about a create")),
    ("gone from Loop", ("vanished", "lied", "hidden")),
)


def calm(history: History) -> None:
    """Heal everything, run, sweep, run: agreement. Once more: not one request to Jetti."""
    history.heals()
    history.finds_keys()
    history.sets_clock(0.0)
    for what in AS_DELIVERED:
        history.sets(what)
    history.mends()
    history.arrives()
    # While reads lag, no create can be verified when it is made: each waits for its read-back.
    history.sandbox.jetti.switches.read_lag_seconds = 0.0
    for row in history._rows():
        # What is held is released: somebody looked, or what was scanned late has arrived.
        if row.state in ("review", "processing") or is_late_scan(row):
            history.world.loop.set_state(row.id, "closed" if row.state == "expired" else "open")
            history._noted(row.id)
    history.passes(13 * 3600)
    if history.oracle.adopting:
        history.adopts()
    _run(history)
    _run(history, "--sweep", "120d")
    _take_up_what_is_ignored(history)
    _run(history)
    _revive(history)
    last = _run(history)
    left = judge(history)
    assert last.code == (3 if left else 0), (last.code, left, last.report["problems"])
    history.passes(300)
    assert history.last_status is not None
    assert history.last_status.code == last.code
    silent = history.runs()
    assert silent.jetti_requests == (0, 0), silent.report["changes"]
    assert silent.code == last.code
    _is_verified(history)


def _is_verified(history: History) -> None:
    """Nothing is missing or newer in Loop, and nothing but what is for people to decide differs."""
    found = history.verifies()
    listed = {(one["kind"], one["return_id"]) for one in found.report["differences"]}
    unread = {one for one in listed if one[0] in ("not_in_ledger", "newer_in_loop")}
    assert not unread, f"after a sweep: {unread}"
    if found.code == 0:
        assert not listed
        history.counts["verified: all three agree"] += 1


def _run(history: History, *options: str) -> Any:
    """Should it stop for safety, a person does what the program says."""
    ran = history.runs(*options)
    for _ in range(3):
        if ran.code != 7:
            break
        if "init --adopt" in str(ran.report["run"]["failures"][0]["hint"]):
            assert history.lost_at is not None, "the ledger was never lost"
            history.adopts()
            ran = history.runs(*options)
        else:
            ran = history.runs(*options, "--accept-plan", ran.report["run"]["digest"])
    assert ran.code in (0, 3), (ran.stderr, ran.report["run"])
    return ran


def _take_up_what_is_ignored(history: History) -> None:
    """It was left alone until now."""
    for return_id in sorted(history.ignored):
        history.take_up(return_id)
        gone = return_id in history.ignored
        assert not gone or "vanished" in history._causes(return_id), f"{return_id} stays ignored"
        history.counts["ignored until the end"] += 1


def _revive(history: History) -> None:
    """A refused version, or one whose tries are spent, is taken up again once it changes. So is
    one that policy left out while it was excluded."""
    history.sandbox.loop.switches.visible_after = 0.0  # what changes now shows at once
    for return_id, (state, reason) in history.states().items():
        if state == "dead":
            refused = {kind for service, kind in history.struck if service == "jetti"}
            assert refused, f"return {return_id} is dead without a cause: {reason}"
            history.counts["dead, explained"] += 1
        elif return_id not in history.unselected or state == "review":
            continue
        if "vanished" in history._causes(return_id):
            continue
        if history.world.loop.get(return_id).state in ENDED:
            continue
        history.world.loop.label(return_id, carrier="UPS")
        history.world.loop.touch(return_id)
        history._noted(return_id)
    history.passes(300)


def judge(history: History) -> list[str]:
    """Every return agrees, or is left for a person for a reason; answers those left."""
    states = history.states()
    left = []
    for row in history._rows():
        assert row.id in states, f"lost: return {row.id} is not in the ledger"
        state, reason = states[row.id]
        if state == "review":
            _explain(history, row, reason)
            left.append(row.id)
        elif state == "dead":
            assert row.state in ENDED
            left.append(row.id)
        else:
            assert state in ("synced", "skipped"), f"return {row.id} is {state}: {reason}"
            _agrees(history, row, state)
    for return_id, (state, reason) in states.items():
        if return_id not in {row.id for row in history._rows()} and state in ("review", "dead"):
            assert "vanished" in history._causes(return_id), reason
            left.append(return_id)
    _no_strays(history)
    return left


def _explain(history: History, row: SandboxReturn, reason: str) -> None:
    states = history.states()
    known = history._causes(row.id)
    if any(one["status"] == "received" for one in _rows_of(history, row)):
        known = known | {"further by staff"}
    if any(
        other.id != row.id and states[other.id][0] in ("review", "dead")
        for other in history._rows()
        if other.provider_order_id == row.provider_order_id
    ):
        known = known | {"another is left for a person"}
    if any(service == "loop" and kind in LIES for service, kind in history.struck):
        known = known | {"lied"}
    if ("jetti", "raw") in history.struck:
        known = known | {"lied to about a create"}
    if history.sandbox.jetti.switches.cancel_repeated != "another":
        known = known | {"repeated"}
    for pattern, causes in _EXPLAINED:
        if re.search(pattern, reason) and any(
            cause.startswith(wanted) for wanted in causes for cause in known
        ):
            history.counts["reviews, explained"] += 1
            history.counts[f"reviews: {pattern}"] += 1
            return
    raise AssertionError(f"return {row.id} is in review without a cause: {reason} ({known})")


def _rows_of(history: History, row: SandboxReturn) -> list[dict[str, Any]]:
    seen = history.witness
    return [
        one
        for one in history.world.jetti.sale_returns()
        if row.id in (one["externalId"], seen.made.get(one["id"]), seen.adopted.get(one["id"]))
        and (one["id"], row.id) not in seen.disowned
    ]


def _agrees(history: History, row: SandboxReturn, state: str) -> None:
    rows = _rows_of(history, row)
    live = [one for one in rows if one["status"] != "cancelled"]
    if row.state in ENDED:
        assert live == [], f"stale: return {row.id} is {row.state} in Loop"
        return
    if state == "skipped" and not row.lines:
        assert kept(14) is ("empty in Loop" in history.states()[row.id][1])
        return
    if state == "skipped":
        passed = row.created_at < history.go_live and row.id not in history.promised
        assert passed, f"lost: return {row.id} was skipped"
        # What a lost ledger had made of it at a person's word stays, and is looked at once it
        # changes.
        assert rows == [] or history.lost_at is not None
        return
    wanted = Counter(line.order_line_id for line in row.lines)
    given_up: set[str] = {
        line
        for one in rows
        if one["status"] == "cancelled" and _set_by_people(history, one, "status", "cancelled")
        for line in _items(history, one)
    }
    given_up |= history.deleted.get(row.id, set())
    held: Counter[str] = Counter()
    for one in live:
        for line, item in _items(history, one).items():
            corrected = _is_kept(history, "sale-return-items", item, "quantity")
            held[line] += wanted[line] if corrected else item["quantity"]
    for line in wanted.keys() - given_up:
        assert held[line] == wanted[line], (
            f"lost: return {row.id}, line {line}: {held[line]} of {wanted[line]}"
        )
    for line in held.keys() - wanted.keys():
        assert held[line] == 0, f"stale: return {row.id}: line {line} is not returned any more"
    for one in live:
        _is_told(history, row, one)


def _is_told(history: History, row: SandboxReturn, one: dict[str, Any]) -> None:
    lines = {line for line, item in _items(history, one).items() if item["quantity"]}
    here = {line.id for line in row.lines if line.order_line_id in lines}
    if not here:
        return
    labels = [
        label
        for label in row.labels
        if len(row.labels) == 1 or not label.line_ids or here & set(label.line_ids)
    ]
    first = leading(labels)
    told = {
        "externalId": row.id,
        "trackingNumber": first.tracking_number if first else None,
        "trackingStatus": _TRACKING.get(first.status, one["trackingStatus"]) if first else None,
    }
    for name, value in told.items():
        stands = one[name] == value or _is_kept(history, "sale-returns", one, name)
        assert stands, f"stale: {name} of {one['id']} ({row.id}) is {one[name]}, not {value}"
    assert row.id in one["notes"] or _is_kept(history, "sale-returns", one, "notes")
    status = _status(labels, mapped=history.mapped)
    assert RANK.index(one["status"]) >= RANK.index(status), (
        f"stale: {one['id']} ({row.id}) is {one['status']}, not {status}"
    )


def _status(labels: list[SandboxLabel], *, mapped: bool) -> str:
    statuses = {**_STATUS, "delivered": "received"} if mapped else _STATUS
    told = [statuses[label.status] for label in labels if label.status in statuses]
    return max(told, key=RANK.index, default="draft" if labels else "requested")


def _is_kept(history: History, path: str, row: dict[str, Any], name: str) -> bool:
    """A person's value stands, or one that the ledger must take for a person's."""
    key = (path, row["id"], name)
    if key in history.witness.theirs and history.witness.theirs[key] == row[name]:
        history.counts["values of people that stand"] += 1
        return True
    written = history.witness.ours.get(key)
    return key in history.witness.forgotten and bool(written) and written[-1][1] == row[name]


def _set_by_people(history: History, row: dict[str, Any], name: str, value: Any) -> bool:
    return history.witness.theirs.get(("sale-returns", row["id"], name)) == value


def _items(history: History, one: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {history.witness._line(item): item for item in history.world.jetti.items_of(one["id"])}


def _no_strays(history: History) -> None:
    """Every live sale return is a return's, or one that people raised and nobody took over."""
    ours = history.witness.made.keys() | history.witness.adopted.keys()
    for row in history.world.jetti.sale_returns():
        if row["status"] == "cancelled" or row["id"] not in ours:
            continue
        owner = history.witness.made.get(row["id"]) or history.witness.adopted[row["id"]]
        gone = "vanished" in history._causes(owner)
        state, _ = history.states().get(owner, ("", ""))
        unmarked = ("sale-returns", row["id"], "externalId") in history.witness.theirs
        marked = row["externalId"] == owner or unmarked
        assert gone or state == "review" or marked, f"stray: sale return {row['id']}"
