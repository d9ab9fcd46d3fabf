"""What must hold after every run, told from outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.properties.history_scene import DRY, IN_TIME, LAG, TROUBLED
from tests.properties.history_staff import Staff
from tests.support.world import Ran

if TYPE_CHECKING:
    from tests.properties.report_oracle import ReportOracle


class Promises(Staff):
    """Looks at the ledger and at exit codes."""

    oracle: ReportOracle

    def _look(self) -> None:
        """The ledger is sound, and its watermark keeps what it promises."""
        with self.witness.reading() as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (watermark,) = ledger.execute("SELECT watermark FROM meta").fetchone()
            known = dict(ledger.execute("SELECT return_id, updated_at FROM entries"))
            left = ledger.execute(
                "SELECT return_id FROM entries WHERE state = 'ignored'"
            ).fetchall()
        assert {one for (one,) in left} == self.ignored, "what is ignored is for people to decide"
        self.witness.left_alone = self.ignored
        assert self.watermark is None or watermark >= self.watermark, "moved back"
        self.watermark = watermark
        until = datetime.fromisoformat(watermark)
        assert until <= self.clock.now() - LAG, "behind the last seconds, which still fill"
        if self.read_at is not None and not self.lied:
            self._nothing_skipped(until, self.read_at, known)

    def _nothing_skipped(self, until: datetime, read_at: datetime, known: dict[str, str]) -> None:
        """P4: what was changed before the watermark, and seen in time, stands in the ledger."""
        delay = timedelta(seconds=self.sandbox.loop.switches.visible_after)
        for return_id, versions in self.versions.items():
            if self.garbled.get(return_id):
                continue  # nobody could understand it
            for changed_at, row in versions:
                seen_at = changed_at + delay
                if row.updated_at > until or seen_at > read_at:
                    continue
                if seen_at - row.updated_at > IN_TIME or {"vanished", "hidden"} & self._causes(
                    return_id
                ):
                    continue
                have = known.get(return_id)
                assert have, f"return {return_id} was skipped"
                assert datetime.fromisoformat(have) >= row.updated_at, f"{return_id} is stale"

    def _is_honest(
        self, ran: Ran, options: tuple[str, ...], strikes: set[tuple[str, str, str]]
    ) -> None:
        """P13: the exit code tells how it stands, and each code has its cause."""
        broken = {service for service, _, _ in strikes}
        kinds = {kind for _, kind, _ in strikes}
        single = bool({"--return", "--order"} & {*options})
        match ran.code:
            case 0:
                self._all_is_well(options)
            case 2:
                unlisted = {"vanished", "hidden"}
                gone = any(unlisted & {*causes} for causes in self.causes.values())
                hidden = gone or bool(self.sandbox.loop.switches.visible_after)
                assert single, ran.stderr
                assert broken or hidden, ran.stderr
            case 3:
                assert strikes or self._trouble(options), ran.stderr
            case 4:
                hidden = single and self.sandbox.loop.switches.visible_after
                assert "loop" in broken or self.world.clock.ahead or hidden, ran.stderr
            case 5:
                assert "jetti" in broken, ran.stderr
            case 6:
                assert self.wrong_keys() or kinds & {"401", "403"}, ran.stderr
            case 7:
                lost = self.mapped or self.lost_at is not None or self.world.clock.ahead
                lost = lost or self.remapped
                many = ran.report and len(ran.report["changes"]) > self.guard
                many = many or self.oracle.may_be_stopped() or "--from" in options
                assert lost or many, ran.stderr
            case 129 | 130 | 143:
                assert self.interrupted == ran.code
            case _:
                raise AssertionError(f"exit code {ran.code}: {ran.stderr}")

    def _all_is_well(self, options: tuple[str, ...]) -> None:
        if DRY not in options:
            trouble = self._trouble(options)
            assert not trouble, f"exit 0 although {trouble}"

    def _trouble(self, options: tuple[str, ...]) -> list[str]:
        """What the ledger holds that such a run must tell somebody of; of what was named, if any
        was."""
        patience = (self.world.clock.now() - self.patience).isoformat()
        with self.witness.reading() as ledger:
            rows = ledger.execute(
                "SELECT return_id, order_name, state, due_since FROM entries"
            ).fetchall()
            aside = ledger.execute("SELECT key, order_name FROM malformed").fetchall()
        if {"--return", "--order"} & {*options}:
            rows = [row for row in rows if {*row[:2]} & {*options}]
            # By what the shop knows: the name may be what is not understood.
            named = {*options} | {
                one.id for one in self.world.loop.returns() if one.order_name in options
            }
            aside = [row for row in aside if {*row} & named]
        return [f"{len(aside)} rows are malformed"] * bool(aside) + [
            f"{return_id} is {state}, due since {due_since}"
            for return_id, _, state, due_since in rows
            if state in TROUBLED or (due_since is not None and due_since <= patience)
        ]

    def _count_hits(self) -> set[tuple[str, str, str]]:
        """Faults that have struck since this was last asked."""
        fresh = set()
        for active in self.sandbox.faults.active():
            fault = active.fault
            key = (str(active.number), fault.kind)
            if active.hits > self._hits[key]:
                fresh.add((fault.service, fault.kind, fault.operation))
                self.counts[f"faults: {fault.kind}"] += active.hits - self._hits[key]
                self._hits[key] = active.hits
        self.struck |= {(service, kind) for service, kind, _ in fresh}
        self.pairs |= {f"{kind} on {service} {operation}" for service, kind, operation in fresh}
        return fresh
