"""What operators decide about returns: what must come of it is told by docs/deciding.md alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.sandbox.loop.model import SandboxReturn
from tests.properties.history_operator import Operator
from tests.support.world import Ran

PAGE = Path(__file__).parents[2] / "docs" / "deciding.md"
STUCK = ("waiting", "failed", "dead", "review", "ignored")
_REPEATED = {("retry", "pending"), ("ignore", "ignored")}


def _table() -> dict[tuple[str, str], bool]:
    """By state and decision, whether it may be decided."""
    text = PAGE.read_text(encoding="utf-8").split("## What may be decided when")[1]
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    header, _, *states = rows
    return {
        (state, decision): answer == "yes"
        for state, *answers in states
        for decision, answer in zip(header[1:], answers, strict=True)
    }


TABLE = _table()


@dataclass(frozen=True)
class Known:
    """What the ledger has of one return, and may be decided by."""

    state: str
    is_gone: bool
    """Whether Loop lists it no more, as far as the ledger knows."""
    settle_at: tuple[str, ...]
    """Of each write that has no answer: when it can no longer take effect."""
    is_stopped: bool
    """Whether it is a member of the stopped plan."""
    stops_creation: bool
    row: tuple[str, str | None] | None
    """Of its malformed row: the problem, and the one that is ignored."""
    decisions: int

    @property
    def ignores_row(self) -> bool:
        return self.row is not None and self.row[0] == self.row[1]

    def allows(self, decision: str, now: datetime, *, by_name: bool = True) -> bool:
        """Whether it may be decided, by the page."""
        if self.state in ("in_flight", "unknown"):
            return False
        if self.settle_at:
            if self.state != "review" or decision == "ignore":
                return False
            if decision != "retry" and any(
                datetime.fromisoformat(at) > now for at in self.settle_at
            ):
                return False
        if self.stops_creation and not by_name:
            return False
        if decision == "retry" and self.is_gone:
            return False
        if (decision, self.state) == ("retry", "pending"):
            return self.is_stopped and by_name
        if (decision, self.state) == ("ignore", "synced") and self.row is not None:
            return False
        return TABLE[self.state, decision]

    def after(self, decision: str) -> str:
        """The state that follows."""
        if decision == "ignore":
            return "ignored"
        return "unknown" if decision == "retry" and self.settle_at else "pending"

    def changes_row(self, decision: str) -> bool:
        """Whether its malformed row is reported otherwise from then on."""
        if self.row is None or decision not in ("retry", "ignore"):
            return False
        return self.ignores_row is (decision == "retry")


class Decisions(Operator):
    """Steps of `retry`, `ignore` and `resolve`, on a return picked by place."""

    def retries(self, one: int, _place: int = 0) -> None:
        """Someone has it taken up again."""
        row = self._doubted(one)
        if row is not None:
            self.take_up(row.id)

    def take_up(self, return_id: str) -> None:
        """The same, of this one."""
        self._decides("retry", return_id, "retry", return_id)

    def ignores(self, one: int, _place: int = 0) -> None:
        """Someone wants nothing more to be done about it."""
        row = self._doubted(one)
        if row is not None:
            self._decides("ignore", row.id, "ignore", row.id, "--reason", "settled")

    def resolves_by_creating(self, one: int, _place: int = 0) -> None:
        """Someone says that nothing that is unmarked is its own."""
        row = self._doubted(one)
        if row is not None:
            self._decides("create", row.id, "resolve", row.id, "--create")

    def resolves_by_adopting(self, one: int, place: int) -> None:
        """Someone says which sale return is its own, rightly or not."""
        row = self._doubted(one)
        if row is None:
            return
        there = self.world.jetti.sale_returns()
        likely = [made["id"] for made in there if made["saleId"] == self._sale_of(row)]
        chosen = self._pick(likely or [made["id"] for made in there], place) or 4711
        self._decides("adopt", row.id, "resolve", row.id, "--adopt", str(chosen))

    def retries_all(self, state: str) -> None:
        """Someone has all in a state taken up again."""
        now = self.world.clock.now()
        before = {one: self._known(one) for one, (at, _) in self.states().items() if at == state}
        ran = self._call("retry", "--all", "--state", state, "--yes")
        assert ran.code == 0, ran.stderr
        for one, known in before.items():
            assert known is not None
            allowed = known.allows("retry", now, by_name=False)
            expected = known.after("retry") if allowed else known.state
            found = self._known(one)
            assert found is not None
            assert found.state == expected, (one, known, found)
            if allowed:
                self._taken_up(one, by_name=False)
        self.counts["decided: retry --all"] += 1
        self._look()
        self._asks_status()

    def _doubted(self, place: int) -> SandboxReturn | None:
        """Those that something is to be decided about come first."""
        states = self.states()
        rows = sorted(self._rows(), key=lambda row: states.get(row.id, ("",))[0] in STUCK)
        picked: SandboxReturn | None = self._pick(rows, place)
        return picked

    def _known(self, return_id: str) -> Known | None:
        with self.witness.reading() as ledger:

            def rows(query: str) -> list[Any]:
                return ledger.execute(query, (return_id,)).fetchall()

            found = rows("SELECT state, seen FROM entries WHERE return_id = ?")
            aside = rows("SELECT problem, ignored_problem FROM malformed WHERE return_id = ?")
            open_ = "SELECT settle_at FROM intents WHERE return_id = ? AND closed_as IS NULL"
            state, seen = found[0] if found else ("malformed", "{}")
            if not found and not aside:
                return None
            return Known(
                state,
                json.loads(seen).get("state") == "gone",
                tuple(at for (at,) in rows(open_)),
                bool(rows("SELECT 1 FROM stopped WHERE return_id = ?")),
                bool(rows("SELECT 1 FROM meta WHERE creation_stopped_by = ?")),
                aside[0] if aside else None,
                len(rows("SELECT 1 FROM decisions WHERE return_id = ?")),
            )

    def _decides(self, decision: str, return_id: str, *command: str) -> None:
        now, file = self.world.clock.now(), self._fingerprint()
        before = self._known(return_id)
        ran = self._call(*command, "--yes")
        strikes = self._count_hits()
        after = self._known(return_id)
        self.counts[f"decisions asked for: {decision}"] += 1
        if before is None:
            assert ran.code == 2, ran.stderr
        elif before.state == "malformed":
            self._only_its_row(decision, before, after, ran)
        else:
            assert after is not None
            self._follows(decision, return_id, before, after, ran, strikes, now)
        if before == after:
            assert ran.code == 7 or self._fingerprint() == file, "nothing was decided, but changed"
        else:
            self._noted_row(return_id, decision)
        self._look()
        self._asks_status()

    def _only_its_row(self, decision: str, before: Known, after: Known | None, ran: Ran) -> None:
        """Nothing of it was ever understood."""
        assert after is not None
        if decision in ("adopt", "create"):
            assert (ran.code, after) == (2, before), ran.stderr
            return
        assert ran.code == 0, ran.stderr
        assert after.ignores_row is (decision == "ignore"), (before, after)

    def _follows(
        self,
        decision: str,
        return_id: str,
        before: Known,
        after: Known,
        ran: Ran,
        strikes: set[tuple[str, str, str]],
        now: datetime,
    ) -> None:
        allowed, told = before.allows(decision, now), (decision, before, after, ran.stderr)
        if decision in ("adopt", "create") and allowed and ran.code != 0:
            self._may_be_unresolved(ran, strikes)
            assert after == before, told
            return
        if allowed or before.changes_row(decision):
            assert ran.code == 0, told
            assert after.decisions == before.decisions + 1, told
            assert after.ignores_row is (before.ignores_row is not before.changes_row(decision))
        else:
            assert ran.code == (0 if (decision, before.state) in _REPEATED else 2), told
            assert after == before, told
            return
        assert after.state == (before.after(decision) if allowed else before.state), told
        self.counts[f"decided: {decision}, {before.state}"] += 1
        if not allowed:
            return
        if decision == "ignore":
            self.ignored.add(return_id)
            self.oracle.left_the_plan(return_id)
            return
        if decision == "adopt":
            self._adopted(return_id)
        elif decision == "create":
            self._to_be_created(return_id)
        self._taken_up(return_id, by_name=True)

    def _may_be_unresolved(self, ran: Ran, strikes: set[tuple[str, str, str]]) -> None:
        """Jetti could not be asked, or what it shows speaks against it."""
        broken = any(service == "jetti" for service, _, _ in strikes)
        lagging = bool(self.sandbox.jetti.switches.read_lag_seconds)
        match ran.code:
            case 2:
                assert "cannot be resolved like that" in ran.stderr, ran.stderr
            case 5:
                assert broken, ran.stderr
            case 6:
                assert self.wrong_keys() or broken, ran.stderr
            case 7:
                assert broken or lagging or self.world.clock.ahead, ran.stderr
            case _:
                raise AssertionError(f"exit code {ran.code}: {ran.stderr}")
        self.counts[f"not resolved: exit code {ran.code}"] += 1

    def _taken_up(self, return_id: str, *, by_name: bool) -> None:
        self.ignored.discard(return_id)
        self.oracle.taken_up(return_id, by_name=by_name)

    def _recorded(self, return_id: str) -> list[int]:
        """The sale returns that the last decision about it speaks of."""
        query = "SELECT sale_returns FROM decisions WHERE return_id = ? ORDER BY id DESC LIMIT 1"
        with self.witness.reading() as ledger:
            [(ids,)] = ledger.execute(query, (return_id,)).fetchall()
        return list(json.loads(ids))

    def _others_of(self, return_id: str) -> set[int]:
        with self.witness.reading() as ledger:
            query = "SELECT id FROM sale_returns WHERE return_id != ?"
            return {one for (one,) in ledger.execute(query, (return_id,))}

    def _adopted(self, return_id: str) -> None:
        """Each is alive, nobody else's, and counts as pushed as it is."""
        theirs = self._others_of(return_id)
        for one in self._recorded(return_id):
            row = self._sale_return(one)
            assert row["status"] != "cancelled", "a cancelled sale return was adopted"
            assert row["externalId"] in (None, return_id), "another's was adopted"
            assert one not in theirs, "what is known as another's was adopted"
            self.witness.decided[one] = return_id
            self.witness.disowned.discard((one, return_id))
            self._counts_as_pushed(row)
        self._cause(return_id, "decided")

    def _counts_as_pushed(self, row: dict[str, Any]) -> None:
        """What people wrote there is to be brought to what is wanted; of what nobody marked, only
        its status and its quantities."""
        for name in list(row) if row["externalId"] else ["status"]:
            self.witness.theirs.pop(("sale-returns", row["id"], name), None)
        for item in self.world.jetti.items_of(row["id"]):
            self.witness.theirs.pop(("sale-return-items", item["id"], "quantity"), None)

    def _to_be_created(self, return_id: str) -> None:
        """What is not its own from now on has no marker of its own, or is cancelled."""
        theirs = self._others_of(return_id)
        for one in self._recorded(return_id):
            row = self._sale_return(one)
            own = row["externalId"] == return_id and row["status"] == "cancelled"
            assert own or row["externalId"] is None, "its own was taken from it"
            assert one not in theirs, "another's was said not to be its own"
            self.witness.disowned.add((one, return_id))
            self.witness.decided.pop(one, None)
        self.deleted.pop(return_id, None)
        self.asked_for.add(return_id)
        self._cause(return_id, "decided")

    def _noted_row(self, return_id: str, decision: str) -> None:
        if decision == "ignore":
            self.oracle.row_ignored(return_id)
        elif decision == "retry":
            self.oracle.row_reported(return_id)
