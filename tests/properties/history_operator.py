"""What operators do: who types commands, changes settings and keys, or does nothing for days."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path

from tests.properties.history_items import kept
from tests.properties.history_program import Program
from tests.properties.history_scene import DRY, KEYS
from tests.support.world import Ran

OUTAGE = "503"

SETTINGS: dict[str, dict[str, str]] = {
    "guard 0": {"RECONCILER_GUARD__CREATES": "0", "RECONCILER_GUARD__UPDATES": "0"},
    "guard 2": {"RECONCILER_GUARD__CREATES": "2", "RECONCILER_GUARD__UPDATES": "2"},
    "guard 25": {"RECONCILER_GUARD__CREATES": "25", "RECONCILER_GUARD__UPDATES": "25"},
    "patience 0": {"RECONCILER_POLICY__PATIENCE": "0"},
    "patience 24h": {"RECONCILER_POLICY__PATIENCE": "24h"},
    "closed is held": {"RECONCILER_POLICY__HELD_STATES": "review,closed"},
    "closed is free": {"RECONCILER_POLICY__HELD_STATES": "review"},
    "no exchanges": {"RECONCILER_POLICY__OUTCOMES__EXCLUDE": "exchange"},
    "no second lines": {"RECONCILER_POLICY__SKUS__EXCLUDE": "SKU-*-1"},
    "nothing is excluded": {
        "RECONCILER_POLICY__OUTCOMES__EXCLUDE": "",
        "RECONCILER_POLICY__SKUS__EXCLUDE": "",
    },
}
"""By what an operator would say of them."""
AS_DELIVERED = ("patience 24h", "closed is free", "nothing is excluded")


class Operator(Program):
    """Steps on the command line, in the settings, and with the keys."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.reviewed: Path | None = None
        """A dry run's report, kept in a file."""
        self.given = 0
        """Keys that were given out so far."""

    # ---------------------------------------------------------------------- runs cut short

    def interrupts(self, nth: int, number: int, *options: str) -> Ran:
        """A signal comes when the nth request of a run leaves."""
        self._signal = (nth, number)
        try:
            return self.runs(*options)
        finally:
            self._signal = None
            self.watched.stop_with = None

    # --------------------------------------------------------------------------- plans

    def accepts_an_older(self, place: int) -> Ran | None:
        """The digest of a stop of some time ago."""
        digest = self._pick(self.digests, place)
        return self.runs("--accept-plan", digest) if digest else None

    def reviews(self) -> None:
        """A dry run is kept in a file, for somebody to look at."""
        ran = self.runs(DRY)
        if ran.report:
            self.reviewed = self.file.parent / "reviewed.json"
            self.reviewed.write_text(ran.stdout, encoding="utf-8")

    def accepts_the_reviewed(self) -> Ran | None:
        """That file is accepted, however old it is by now."""
        return self.runs("--accept-plan", str(self.reviewed)) if self.reviewed else None

    def waits(self, days: int, polled: bool) -> None:
        """Days pass; the poll goes on, or nobody runs anything."""
        for _ in range(days):
            self.sandbox.advance(86_400)
            if polled:
                self.runs()

    # ------------------------------------------------------------------------------ keys

    def rotates_key(self, service: str) -> None:
        """The service takes another key from now on; the program learns it with the others."""
        self.given += 1
        if service == "loop":
            key = f"sandbox-loop-key-{self.given}"
            self.sandbox.loop.keys = {key: {"returns"}}
        else:
            key = f"sandbox-jetti-token-{self.given}"
            self.sandbox.jetti.token = key
        self.keys[KEYS[service]] = key

    # --------------------------------------------------------------------------- settings

    def sets(self, what: str) -> None:
        """A setting is changed."""
        if what == "patience 0" and not kept(17):
            return
        values = SETTINGS[what]
        if all(self.world.environ.get(name, "") == value for name, value in values.items()):
            return
        self.world.environ |= values
        if not what.startswith(("guard", "patience")):
            self.oracle.settings_changed()  # a laxer limit opens nothing
        match what.split():
            case ["guard", number]:
                self.guard = int(number)
            case ["patience", span]:
                self.patience = timedelta(hours=24 if span == "24h" else 0)
            case ["closed", "is", how]:
                self.held = ("review", "closed") if how == "held" else ("review",)
                self.remapped = True
        self.excluded = {
            name: self.world.environ.get(f"RECONCILER_POLICY__{name}__EXCLUDE", "")
            for name in ("OUTCOMES", "SKUS")
        }
        self._meet_excluded()

    # ------------------------------------------------------------------- other commands

    def inits_again(self) -> None:
        """`init` where a ledger is: refused, and nothing is touched."""
        before, arrived = self.file.read_bytes(), len(self.sandbox.request_log.all())
        ran = self._call("init", "--since", "30d")
        assert ran.code == 2, ran.stderr
        assert self.file.read_bytes() == before, "a refused init changed the ledger"
        assert len(self.sandbox.request_log.all()) == arrived, "a refused init asked somebody"

    def adopts_for_a_while(self, nth: int, how: str) -> None:
        """`init --adopt` that a signal breaks off, or an outage of Jetti's; or that ends well."""
        if how == "signal":
            self._signal = (nth, signal.SIGTERM)
        elif how == "outage":
            self.breaks("jetti", OUTAGE, "*", None, {})
        try:
            self._adopts()
        finally:
            self._signal = None
            if how == "outage":
                self.heals()

    def _adopts(self) -> Ran:
        self.oracle.begins(("init", "--adopt"))
        ran = self._call("init", "--adopt")
        strikes = self._count_hits()
        self.witness.forgets_people()
        self.oracle.adopted(ran, strikes)
        self._look()
        self._asks_status()
        return ran

    def verifies(self) -> Ran:
        """All three are compared: nothing is touched, and what is listed is so."""
        before, arrived = self._fingerprint(), len(self.sandbox.request_log.all())
        self.witness.begins_run()
        ran = self._call("verify", "--format", "json")
        strikes = self._count_hits()
        assert self._fingerprint() == before, "verifying changed the ledger"
        arrivals = self.sandbox.request_log.all()[arrived:]
        assert all(one.method == "GET" for one in arrivals), "verifying wrote"
        assert ran.code in self._codes_of_verify(strikes), (ran.code, ran.stdout, ran.stderr)
        if not strikes and not self.lied:
            self._is_listed_rightly(ran)
        self.counts["verifications"] += 1
        return ran

    def repairs(self) -> None:
        """What a verification lists, and nothing else, is repaired."""
        listed = self.verifies()
        before, watermark = self._entries(), self.watermark
        for one in listed.report.get("differences", ()):
            if one["kind"] == "lost_write":
                # Who sets a field back to what was there before looks the same (docs/verify.md).
                rows = {row["id"] for row in one["sale_returns"]}
                self.witness.forgotten |= {
                    key for key in self.witness.theirs if self._sale_return_of(key) in rows
                }
        self.oracle.begins(("verify", "--repair"))
        self.witness.begins_run()
        ran = self._call("verify", "--repair", "--format", "json")
        strikes = self._count_hits()
        codes = {*self._codes_of_verify(strikes), 7}
        assert ran.code in codes, (ran.code, ran.stdout, ran.stderr)
        differences = ran.report.get("differences", ())
        named = {one["return_id"] for one in differences}
        repaired = {one["return_id"] for one in differences if one["repaired"]}
        after = self._entries()
        touched = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
        assert touched <= named, f"{touched - named} were repaired, and never listed"
        self.oracle.repaired(ran, named, repaired)
        self._look()
        assert self.watermark == watermark, "moved by a repair"
        self._asks_status()
        self.counts["repaired"] += len(repaired)
        self.counts["repairs"] += 1

    def _codes_of_verify(self, strikes: set[tuple[str, str, str]]) -> set[int]:
        codes = {0, 3}
        if strikes:
            codes |= {4, 5, 6}
        if self.wrong_keys():
            codes |= {6}
        hides = self.sandbox.loop.switches.visible_after
        if self.world.clock.ahead or self.lied or hides or strikes:
            codes |= {4, 7}
        return codes

    def _is_listed_rightly(self, ran: Ran) -> None:
        """Each difference is one, told from outside."""
        known, rows = self.states().keys(), {row.id for row in self._rows()}
        hides = self.sandbox.loop.switches.visible_after or self.garbled
        for one in ran.report.get("differences", ()):
            return_id = one["return_id"]
            marked = [row for row in self._live_sale_returns() if row["externalId"] == return_id]
            match one["kind"]:
                case "not_in_ledger":
                    assert return_id in rows - known, one
                case "newer_in_loop":
                    assert return_id in rows & known, one
                case "not_in_loop":
                    assert return_id in known, one
                    unlisted = {"vanished", "hidden"} & self._causes(return_id)
                    assert return_id not in rows or unlisted or hides, one
                case "unknown_marker":
                    assert marked, one
                    assert return_id not in known, one
                case "double":
                    assert len(marked) > 1, one
                case "not_recorded":
                    assert marked, one
                case _:
                    assert return_id in known, one
            self.counts[f"listed: {one['kind']}"] += 1

    def _entries(self) -> dict[str, list[tuple[object, ...]]]:
        """All that the ledger has of each return."""
        found: dict[str, list[tuple[object, ...]]] = {}
        with self.witness.reading() as ledger:
            for table in ("entries", "sale_returns", "intents"):
                rows = ledger.execute(f"SELECT return_id, * FROM {table} ORDER BY 2")
                for return_id, *row in rows:
                    found.setdefault(return_id, []).append((table, *row))
        return found

    def _sale_return_of(self, key: tuple[str, int, str]) -> int | None:
        return key[1] if key[0] == "sale-returns" else self._owner_of_item(key[1])

    def looks_around(self, one: int) -> None:
        """`show` of a return, and `status` with an age: nothing is touched."""
        before, arrived = self._fingerprint(), len(self.sandbox.request_log.all())
        row = self._pick(self._rows(), one)
        if row is not None:
            ran = self._call("show", row.id)
            assert ran.code in (0, 2), ran.stderr
            assert (ran.code == 0) == (row.id in self.states()), ran.stdout + ran.stderr
        self.oracle.status_with_age(self._call("status", "--max-age", "45m"))
        assert self._fingerprint() == before, "looking changed the ledger"
        assert len(self.sandbox.request_log.all()) == arrived, "looking asked somebody"
