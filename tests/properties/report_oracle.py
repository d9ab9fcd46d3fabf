"""What exit codes, `status` and the report must say, and what the guard must hold.

It hears what Loop answered, sees what Jetti holds and who wrote it, and knows which commands were
typed and what went wrong. It reads no ledger and shares no code with the program. What the
program itself said is used only against it: what it called stopped must stay so, and where it
said that all is well it cannot find old trouble later.

Some things cannot be known from outside: whether an answer that came broken taught the program
something, and what a return that went through trouble still owes. So of those nothing is said,
or one thing only: what must be red is red, and what must be green is green.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from msgspec.structs import replace

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.messages import Request
from tests.properties.history_items import kept
from tests.properties.history_scene import DRY, LAG, SPECIAL
from tests.support.world import Ran

if TYPE_CHECKING:
    from tests.properties.history_scene import Scene

STATES = ("open", "closed", "cancelled", "expired", "review")
LATELY = timedelta(days=28)
SWEEPS_EACH = timedelta(hours=48)
FIRST_PASS = timedelta(hours=24)
ROOM = timedelta(minutes=30)
"""A moment that the program may count from is known to that much: a run takes so long at most."""
SPENT = 590.0
"""Seconds after which a scheduled pass may leave the rest to the next."""
WELL = (0, 10)
LISTING = "/warehouse/return/list"
DETAILS = "/warehouse/return/details"
WRITERS = ("--from", "--return", "--order", "--accept-plan")
_CREATE = re.compile(r"/api/sales/(\d+)/cancel\.json")
_SALE_RETURN = re.compile(r"/api/sale-returns/(\d+)\.json")

# What `status` may give as a reason, and what it speaks of.
_REASONS: tuple[tuple[str, str], ...] = (
    (r"ahead of|behind the watermark", "a clock"),
    (r"did not end|was killed", "a killed run"),
    (r"stopped for safety|ended with exit code", "the end of a run"),
    (r"is stopped since", "a stopped plan"),
    (r"in review|\bfailed\b|\bdead\b|overdue|no answer", "a return"),
    (r"not understood|malformed|cannot be understood", "a row"),
    (r"complete sweep", "the age of a sweep"),
    (r"complete pass|no pass has ever", "the age of a pass"),
    (r"init --adopt", "adoption"),
    (r"[Nn]othing is created|creation", "creation"),
)


@dataclass
class Hearing:
    """One command, while it goes on."""

    options: tuple[str, ...]
    began: datetime
    clock: datetime
    elsewhere: frozenset[str]
    """Returns that Jetti held something for before."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What Loop listed, whole answers only: by return, the newest."""
    found: set[str] = field(default_factory=set)
    """Returns that Loop's details named, in whole answers."""
    states: set[str] = field(default_factory=set)
    """Of which Loop listed anything, or that there is nothing."""
    refused: set[str] = field(default_factory=set)
    """Services that answered 401 or 403."""
    writes: Counter[str] = field(default_factory=Counter)
    """Writes that left, by the return they were for."""
    asked: bool = False
    """Whether anybody was asked anything: a run is in history before it asks."""
    created: set[str] = field(default_factory=set)
    resent: set[str] = field(default_factory=set)
    """Returns a create of which had left in an earlier run."""
    known: frozenset[int] = frozenset()
    """Sale returns that Jetti held before."""
    put: dict[str, dict[tuple[int, str], Any]] = field(default_factory=dict)
    """What was set in which of these, by the return it was for; only what Jetti confirmed."""


@dataclass
class Shown:
    """A return as Loop showed it to a run that recorded it."""

    row: dict[str, Any]
    since: datetime
    """When a run first saw it so."""


class ReportOracle:
    """Keeps its own account of everything that was ever said."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.counts = scene.counts
        self.shown: dict[str, Shown] = {}
        self.heard: set[str] = set()
        """Returns that any answer has shown since this ledger was made."""
        self.sent: set[str] = set()
        """Returns a create of which ever left."""
        self.accepted: set[str] = set()
        """Returns that a plan which a person accepted may have held."""
        self.refused: set[str] = set()
        """Returns a write of which Jetti refused."""
        self.put: set[tuple[str, int, str, Any]] = set()
        """All that was ever to be set in a sale return: for which return, where, what and how."""
        self.decided_at: dict[str, datetime] = {}
        """When someone last had a return taken up again."""
        self.ignored_rows: dict[str, Any] = {}
        """Of each return whose row someone decided to ignore: what could not be understood of it;
        None where that is not known."""
        self.stopped: dict[str, Any] = {}
        """What the program called stopped, with Loop's row then."""
        self.digest: str | None = None
        self.digest_is_known = True
        """Whether no pass since may have stopped more, or had some accepted."""
        self.stops_are_known = True
        """Whether the last pass came far enough to tell what is stopped."""
        self.rough: datetime | None = None
        """When something last went wrong, and nobody has said since that all is well."""
        self.changed_settings: datetime | None = None
        self.ends: dict[str, int | None] = {}
        """By kind of run: how the last one ended. None: it was killed."""
        self.left_no_trace = False
        """Whether the run that was killed last may have died before history knew of it."""
        self.last: int | None = 0
        self.last_at: datetime | None = None
        """When the last run of any kind ended, by the program's clock."""
        self.complete_pass: datetime | None = None
        self.complete_sweep: datetime | None = None
        self.made_at: datetime = scene.clock.now()
        self.furthest: datetime = scene.clock.now()
        """The latest time that the program's clock has shown to a run."""
        self.adopting = False
        self.now: Hearing | None = None
        self.unsure = False
        """Whether the ledger's own history is not known: it was lost, or an older one put back."""

    # --------------------------------------------------------------------------- what happens

    def begins(self, options: tuple[str, ...]) -> None:
        """A command is about to run."""
        self.now = Hearing(
            options,
            self.scene.clock.now(),
            self.scene.world.clock.now(),
            self._in_jetti(),
            known=frozenset(self._sale_returns()),
        )

    def hears(self, service: str, request: Request, delivery: Delivery) -> None:
        """An answer is on its way."""
        hearing = self.now
        if hearing is None:
            return
        hearing.asked = True
        if service == "jetti" and request.method != "GET":
            self._write_left(hearing, request, delivery)
        body = _whole(delivery)
        if body is None or delivery.response is None:
            return
        if delivery.response.status in (401, 403):
            hearing.refused.add(service)
        if service == "loop" and request.path.endswith(LISTING) and delivery.response.status == 200:
            self._listed(hearing, request, body)
        if service == "loop" and request.path.endswith(DETAILS) and delivery.response.status == 200:
            hearing.found |= _ids(body)

    def _write_left(self, hearing: Hearing, request: Request, delivery: Delivery) -> None:
        owner = self.scene.witness.writer
        hearing.writes[owner] += 1
        if _CREATE.fullmatch(request.path):
            hearing.created.add(owner)
            if owner in self.sent:
                hearing.resent.add(owner)
            self.sent.add(owner)
        if delivery.response is not None and delivery.response.status in (400, 404, 422):
            self.refused.add(owner)
        if found := _SALE_RETURN.fullmatch(request.path):
            confirmed = _whole(delivery) is not None and delivery.response is not None
            for name, value in json.loads(request.body).items():
                self.put.add((owner, int(found[1]), name, value))
                if confirmed and delivery.response.status == 200:  # type: ignore[union-attr]
                    hearing.put.setdefault(owner, {})[int(found[1]), name] = value

    def _listed(self, hearing: Hearing, request: Request, body: bytes) -> None:
        try:
            answer = json.loads(body)
        except ValueError:
            return
        rows = answer.get("returns") if isinstance(answer, dict) else answer
        if not isinstance(rows, list):
            return
        asked = parse_qs(request.query)
        if asked.get("pageSize") == ["1"] and "cursor" not in asked and asked["from"] < asked["to"]:
            since, until = (datetime.fromisoformat(asked[one][0]) for one in ("from", "to"))
            if until - since < timedelta(seconds=10):
                return  # this asked for the time
        hearing.states |= {*asked.get("state", ())}
        if _kind(hearing.options) == "single":
            # It lists the second in which a return was made, and takes that return alone.
            rows = [row for row in rows if str(row["id"]) in hearing.found]
        for row in rows:
            known = hearing.rows.get(str(row["id"]))
            if known is None or str(row["updated_at"]) >= str(known["updated_at"]):
                hearing.rows[str(row["id"])] = row

    def died(self) -> None:
        """The run was killed."""
        if self.now is None:
            return
        self._heard(self.now, recorded=False)
        self.roughened()
        if _kind(self.now.options) in ("range", "single"):
            # What it was asked for may have been accepted before it died.
            for return_id in self.now.rows:
                self.stopped.pop(return_id, None)
        self.stops_are_known = False
        self.digest_is_known = False
        if DRY not in self.now.options and self.now.options[:1] != ("init",):
            self.ends[_kind(self.now.options)] = None
            self.left_no_trace = not self.now.asked
            self.last = None
            self._time_was_told()
        self.now = None

    def roughened(self) -> None:
        """Something went wrong: what it taught the program cannot be known."""
        self.rough = self.scene.clock.now()

    def settings_changed(self) -> None:
        """Every want may be another from now on."""
        self.changed_settings = self.scene.clock.now()
        self.stopped.clear()
        self.stops_are_known = False
        self.roughened()

    def taken_up(self, return_id: str, *, by_name: bool) -> None:
        """Someone decided that a return is pushed as it is wanted now."""
        self.decided_at[return_id] = self.scene.world.clock.now()
        if by_name:
            self.accepted.add(return_id)
            self.left_the_plan(return_id)

    def left_the_plan(self, return_id: str) -> None:
        """What was decided about is stopped no more."""
        self.stopped.pop(return_id, None)
        self.digest_is_known = False

    def row_ignored(self, return_id: str) -> None:
        """Nobody need be told any more what of this return's row cannot be understood, unless that
        is something else."""
        shown = self.shown.get(return_id)
        self.ignored_rows[return_id] = _garbled_in(shown.row) if shown is not None else None

    def row_reported(self, return_id: str) -> None:
        """It is told again."""
        self.ignored_rows.pop(return_id, None)

    def forgets(self) -> None:
        """The ledger is another one: lost and made again, or an older one."""
        known, put = self.furthest, self.put
        ignored = dict.fromkeys(self.ignored_rows)
        self.__dict__ = ReportOracle(self.scene).__dict__
        self.furthest, self.unsure, self.stops_are_known, self.put = known, True, False, put
        self.ignored_rows |= ignored
        self.roughened()

    # --------------------------------------------------------------------------------- a run

    def ran(self, ran: Ran, strikes: set[tuple[str, str, str]]) -> None:
        """A run has ended: is what it says true?"""
        hearing, self.now = self.now, None
        assert hearing is not None
        scene = self.scene
        quiet = not (strikes or scene.world.clock.ahead or scene.wrong_keys() or scene.lied)
        quiet = quiet and scene.interrupted is None
        self._code_fits(hearing, ran)
        self._guard_held(hearing, ran)
        if DRY in hearing.options:
            return
        self._fields_were_written(hearing, ran, quiet=quiet)
        if not quiet or (hearing.created and scene.sandbox.jetti.switches.read_lag_seconds):
            # While reads lag, a create waits for its read-back.
            self.roughened()
        fresh = hearing.rows.keys() - self.heard
        if quiet and _kind(hearing.options) == "range":
            self._must_have_asked(hearing, ran)
        if quiet and _is_scheduled(hearing.options):
            self._must_have_stopped(hearing, ran, fresh)
            self._report_is_true(hearing, ran, fresh)
        read_all = ran.code == 6 and "loop" not in hearing.refused
        self._heard(hearing, recorded=read_all or ran.code in (0, 3, 5, 7))
        self._colours(hearing, ran, quiet=quiet)
        self._remember(hearing, ran)

    def _heard(self, hearing: Hearing, *, recorded: bool) -> None:
        scene = self.scene
        now = max(scene.clock.now(), scene.world.clock.now())  # what the ledger counts from
        self.heard |= hearing.rows.keys()
        for return_id, row in hearing.rows.items():
            before = self.shown.get(return_id)
            if before is not None and before.row == row:
                continue
            garbled = scene.is_garbled(row) or (before and scene.is_garbled(before.row))
            if before and not garbled and before.row["updated_at"] > row["updated_at"]:
                continue
            if recorded:
                self.shown[return_id] = Shown(row, now)
                if not scene.is_garbled(row):
                    self.ignored_rows.pop(return_id, None)
            elif before is not None and garbled:
                del self.shown[return_id]  # it may have taken it in, or not
            elif before is not None:
                before.since = now

    def _remember(self, hearing: Hearing, ran: Ran) -> None:
        scene, kind = self.scene, _kind(hearing.options)
        if ran.code in (2, 75):
            return
        self._time_was_told()
        self.ends[kind], self.last = ran.code, ran.code
        now = scene.world.clock.now()
        if ran.code in (0, 3) and kind == "scheduled":
            self.complete_pass = now
        if ran.code in (0, 3) and kind == "sweep":
            self.complete_sweep = now
        if "--accept-plan" in hearing.options:
            self.accepted |= {row.id for row in scene._rows()} | self.heard
        if _kind(hearing.options) in ("range", "single") and ran.code != 7:
            for return_id in hearing.rows.keys() | hearing.created | set(_changes(ran)):
                self.stopped.pop(return_id, None)
            self.stops_are_known = False
        if ran.report and kind in ("scheduled", "sweep"):
            told = {one["return_id"] for one in ran.report["changes"] if one["stopped"]}
            accepts = "--accept-plan" in hearing.options
            if ran.code not in (0, 3, 4, 5, 7) or scene.world.clock.ahead:
                self.stops_are_known = False
                self.digest_is_known = False
                if accepts:
                    self.stopped.clear()  # it came that far, or it did not
            elif ran.report["run"]["ended_early"] and not told:
                # It may not have come to judge its plan: then what was stopped before stays so.
                if accepts:
                    self.stops_are_known = self.digest_is_known = False
                    self.stopped.clear()
                else:
                    self._stays_stopped(ran)
            else:
                self.stopped = {one: self._seen(one) for one in told}
                self.stops_are_known = True
                self.digest_is_known = True
                self.digest = str(ran.report["run"]["digest"]) if told else None

    def _stays_stopped(self, ran: Ran) -> None:
        """A pass that did not come to judge its plan leaves to nobody what a guard holds back."""
        if not (self.stops_are_known and self.digest_is_known):
            return
        for one in ran.report["changes"]:
            if self.stopped.get(one["return_id"], self) == self._seen(one["return_id"]):
                assert f"stays stopped with plan {self.digest}" in one["reason"], one
                self.counts["judged: stopped before a pass that ended early"] += 1

    def _time_was_told(self) -> None:
        self.last_at = self.scene.world.clock.now()
        self.furthest = max(self.furthest, self.last_at)

    def may_be_stopped(self) -> bool:
        """Whether a pass may find something stopped already."""
        return bool(self.stopped) or not self.stops_are_known

    # ------------------------------------------------------------------------- the exit code

    def _code_fits(self, hearing: Hearing, ran: Ran) -> None:
        """Whatever the causes, some codes follow from what was seen alone."""
        scene, code = self.scene, ran.code
        if scene.interrupted is not None:
            assert code == scene.interrupted, f"a signal was noticed, and the code is {code}"
            return
        assert code not in (129, 130, 143), f"{code} without a signal"
        if code in (2, 8, 75, 1):
            return
        if hearing.refused:
            assert code == 6, f"{hearing.refused} refused its key, and the code is {code}"
        assert code != 6 or hearing.refused, "no key was refused"
        listed = {"scheduled", "sweep", "range"} & {_kind(hearing.options)}
        if listed and code in (0, 3, 5) and not scene.world.clock.ahead:
            missing = {*STATES} - hearing.states
            assert not missing, f"Loop told nothing of {missing}, and the code is {code}"

    def _colours(self, hearing: Hearing, ran: Ran, *, quiet: bool) -> None:
        """Red must be red, green must be green: over all returns, by the exit code."""
        if self.scene.world.clock.ahead:
            return
        if _kind(hearing.options) == "single":
            if kept(12) and quiet and ran.code == 3:
                ours = self._may_be_red(self._named(hearing))
                assert ours, f"exit 3, but not for what was named: {ran.report['problems']}"
            return
        red = self._must_be_red()
        assert not (red and ran.code == 0), f"exit 0, although {red}"
        listed = {one["return_id"] for one in ran.report.get("problems", ())}
        lacking = self._missing_ids() - listed
        assert not (lacking and len(listed) < 50), f"{lacking} are not among the problems"
        if kept(9) and ran.report:
            named = {one["return_id"] for one in ran.report["malformed"]}
            unnamed = self._malformed_ids() - named
            assert not unnamed, f"{unnamed} cannot be understood, and the report does not say so"
            strange = named - self.scene.garbled.keys() - {None}
            assert not strange, f"{strange} could always be understood"
            self.counts["judged: rows not understood are named"] += len(named)
        if ran.code == 3 and quiet:
            assert self._may_be_red(), f"exit 3 without a cause: {ran.report['problems']}"
            self.counts["judged: exit 3 has a cause"] += 1
        if ran.code == 0:
            self.counts["judged: exit 0, and nothing is red"] += 1
            if _is_scheduled(hearing.options) and quiet:
                self.rough = None

    def _must_be_red(self) -> list[str]:
        """What somebody must be told of, whatever else is so."""
        return self._missing() + self._malformed()

    def _missing(self) -> list[str]:
        return [f"Jetti lacks return {one}" for one in sorted(self._missing_ids())]

    def _missing_ids(self) -> set[str]:
        """Returns that Loop shows for longer than anybody should wait and Jetti does not hold."""
        scene, now = self.scene, self.scene.clock.now()
        held = self._in_jetti()
        red = set()
        for row in scene._rows():
            shown = self.shown.get(row.id)
            if shown is None or row.id in held or not self._should_exist(row):
                continue
            if scene._causes(row.id) or not self._is_as_shown(row, shown):
                continue
            if row.id in scene.ignored:
                continue
            decided = self.decided_at.get(row.id, shown.since)
            since = max(shown.since, decided, self.changed_settings or shown.since)
            if now - since > scene.patience + ROOM:
                red.add(row.id)
        return red

    def _malformed(self) -> list[str]:
        """Rows that a run has seen and that nobody can understand."""
        return [f"the row of {one} cannot be understood" for one in sorted(self._malformed_ids())]

    def _malformed_ids(self) -> set[str]:
        return {
            return_id
            for return_id, shown in self.shown.items()
            if self.scene.is_garbled(shown.row)
            and self.ignored_rows.get(return_id, "") not in (None, _garbled_in(shown.row))
        }

    def _named(self, hearing: Hearing) -> set[str]:
        """All returns on the orders that a single run was about."""
        words = {*hearing.options}
        rows = self.scene._rows()
        orders = {r.provider_order_id for r in rows if {r.id, r.order_name} & words}
        return {row.id for row in rows if row.provider_order_id in orders}

    def _may_be_red(self, among: set[str] | None = None) -> list[str]:
        """Returns of which it is not certain that all is well: of all, or among these."""
        scene, now = self.scene, self.scene.clock.now()
        held = self._in_jetti()
        rows = [row for row in scene._rows() if among is None or row.id in among]
        refused = self.refused - scene.ignored
        may = [f"{one} was refused" for one in refused if among is None or one in among]
        if among is None:
            gone = self.heard - {row.id for row in rows} - scene.ignored
            may += [f"{one} is gone from Loop" for one in gone] + self._malformed()
        for row in rows:
            shown = self.shown.get(row.id)
            if row.id in scene.ignored and not scene.garbled.get(row.id):
                continue
            if scene._causes(row.id) or scene.garbled.get(row.id):
                may.append(f"{row.id}: {scene._causes(row.id)}")
            elif self.rough is not None and not self._is_new(row):
                may.append(f"{row.id} went through trouble")
            elif (
                shown is not None and row.id not in held and self._should_exist(row)
            ) and now - shown.since + ROOM >= scene.patience:
                may.append(f"{row.id} is not in Jetti")
        return may

    def _is_new(self, row: SandboxReturn) -> bool:
        """Submitted after the last trouble."""
        return self.rough is not None and row.created_at > self.rough + LAG

    def _should_exist(self, row: SandboxReturn) -> bool:
        """Whether this ledger is to create it, whatever the moment."""
        scene = self.scene
        return (
            row.state in ("open", "closed")
            and row.state not in scene.held
            and bool(row.lines)
            and (row.created_at >= scene.go_live or row.id in scene.promised)
            and not scene.is_excluded(row)
            and row.id not in scene.unselected
            and not row.extra
        )

    def _is_as_shown(self, row: SandboxReturn, shown: Shown) -> bool:
        return bool(shown.row["state"] == row.state) and len(row.lines) == len(
            shown.row["line_items"] or ()
        )

    def _in_jetti(self) -> frozenset[str]:
        """Returns for which Jetti holds, or held, a sale return."""
        witness = self.scene.witness
        marked = {row["externalId"] for row in witness._table("SaleReturn").values()}
        return frozenset(marked - {None}) | {*witness.made.values(), *witness.adopted.values()}

    # ----------------------------------------------------------------------------- the guard

    def _guard_held(self, hearing: Hearing, ran: Ran) -> None:
        """No scheduled pass creates more than the guard allows, of what nobody accepted; and
        what was called stopped is not written."""
        scene = self.scene
        if DRY in hearing.options or not {"scheduled", "sweep"} & {_kind(hearing.options)}:
            return
        if "--accept-plan" in hearing.options:
            return
        for return_id, row in self.stopped.items():
            # Loop may have shown the pass that stopped it an earlier version.
            same = self._seen(return_id) == row and not scene.sandbox.loop.switches.visible_after
            assert not (same and hearing.writes[return_id]), f"{return_id} was stopped, and written"
        free = self.accepted | scene.asked_for | hearing.resent
        unseen = hearing.created - free
        limit = max(scene.guard, 0.30 * self._changed_lately(hearing))
        assert len(unseen) <= limit, f"{len(unseen)} were created, {limit} are allowed"
        self.counts["judged: creates within the guard"] += len(unseen)

    def _changed_lately(self, hearing: Hearing) -> int:
        """Returns that changed in Loop in four weeks, by Loop's own times: more are never known."""
        since = min(hearing.began, hearing.clock) - LATELY
        return sum(row.updated_at >= since for row in self.scene._rows()) + len(self.scene.vanished)

    def _must_have_stopped(self, hearing: Hearing, ran: Ran, fresh: set[str]) -> None:
        """A pass whose new returns alone are too many stops, and creates none of them."""
        scene = self.scene
        rows = {row.id: row for row in scene._rows()}
        certain = {
            one
            for one in fresh
            if one in rows
            and one not in scene.asked_for | self.accepted | self.sent
            and self._should_exist(rows[one])
            and rows[one].created_at >= scene.go_live
            and not scene._causes(one)
            and self._is_as_shown(rows[one], Shown(hearing.rows[one], hearing.began))
        }
        if "--accept-plan" in hearing.options:
            return
        if len(certain) > scene.guard and len(certain) > 0.30 * self._changed_lately(hearing):
            assert ran.code == 7, f"{len(certain)} would be created, and the code is {ran.code}"
            assert not certain & hearing.created, "created beyond the guard"
            self.counts["judged: too large a plan was stopped"] += 1

    def _must_have_asked(self, hearing: Hearing, ran: Ran) -> None:
        """A range that nobody agreed to creates nothing from before go-live, and not too much."""
        scene = self.scene
        if {"--yes", "--accept-plan"} & {*hearing.options} or ran.code not in (0, 3, 7):
            return
        rows = {row.id: row for row in scene._rows()}
        unasked = {
            one
            for one in hearing.rows.keys() & rows.keys()
            if one not in scene.asked_for | self.accepted | self.sent | hearing.elsewhere
            and self._should_exist(replace(rows[one], created_at=scene.go_live))
            and not scene._causes(one)
            and self._is_as_shown(rows[one], Shown(hearing.rows[one], hearing.began))
        }
        old = {one for one in unasked if rows[one].created_at < scene.go_live}
        if old or len(unasked) > scene.guard:
            assert ran.code == 7, f"{len(old)} of {len(unasked)} are old, the code is {ran.code}"
            assert not unasked & hearing.created, "a range was carried out, and nobody agreed"
            self.counts["judged: a range nobody agreed to was stopped"] += 1

    # ---------------------------------------------------------------------------- the report

    def _report_is_true(self, hearing: Hearing, ran: Ran, fresh: set[str]) -> None:
        """Of returns that this pass saw first: each is told as it came out."""
        scene = self.scene
        if ran.code not in (0, 3, 7) or not ran.report:
            return
        if scene.sandbox.jetti.switches.read_lag_seconds or self.unsure:
            return
        spent = (scene.clock.now() - hearing.began).total_seconds() >= SPENT
        if spent or {"--max-writes", "--max-seconds"} & {*hearing.options}:
            return
        told = _changes(ran)
        rows = {row.id: row for row in scene._rows()}
        for one in sorted(fresh & rows.keys()):
            row = rows[one]
            if scene._causes(one) or not self._should_exist(row) or one in hearing.elsewhere:
                continue
            if not self._is_as_shown(row, Shown(hearing.rows[one], hearing.began)):
                continue
            assert one in told, f"return {one} is new, and the report does not name it"
            if told[one]["stopped"]:
                assert one not in hearing.writes, f"{one} is told as stopped, and was written"
                continue
            self._is_told(row, told[one], ran)

    def _fields_were_written(self, hearing: Hearing, ran: Ran, *, quiet: bool) -> None:
        """Of sale returns that were there before: what is told as written was sent, by this run
        or, without an answer, by an earlier one; and what Jetti confirmed is told."""
        rows, replaced = self._sale_returns(), self.scene.witness.replaced
        for return_id, change in _changes(ran).items():
            if change["stopped"]:
                continue
            # Orders of the same name have sale returns of the same reference.
            ids = {one for one, row in rows.items() if row["externalId"] == return_id}
            places = {rows[one]["reference"]: one for one in ids & hearing.known}
            told: dict[tuple[int, str], Any] = {}
            for one in change["fields"]:
                name, _, place = one["field"].rstrip("]").partition("[")
                if place in places:
                    told[places[place], name] = one["after"]
            for (place_id, name), value in told.items():
                sent = (return_id, place_id, name, value) in self.put
                # Of a create whose answer was lost all is told that it has made, even where a write
                # after it, which has no answer either, has set something else since.
                made = {rows[place_id][name], replaced.get(("sale-returns", place_id, name))}
                assert sent or value in made, f"{return_id}: {change}"
            confirmed = hearing.put.get(return_id, {})
            ours = {where: put for where, put in confirmed.items() if where[0] in places.values()}
            assert not quiet or ours.items() <= told.items(), f"{ours} was written: {change}"
            self.counts["judged: fields told as written"] += len(told)

    def _sale_returns(self) -> dict[int, dict[str, Any]]:
        return dict(self.scene.witness._table("SaleReturn"))

    def _is_told(self, row: SandboxReturn, told: dict[str, Any], ran: Ran) -> None:
        scene, outcome = self.scene, told["outcome"]
        if scene._sale_of(row) is None:
            assert outcome == "waiting", f"{row.id} has no order in Jetti: {outcome} ({told})"
            self.counts["judged: waiting in the report"] += 1
            return
        if any(service == "jetti" for service, _ in scene.struck) or self.refused:
            return
        assert outcome == "pushed" or ran.code == 7, f"{row.id} is {outcome}: {told['reason']}"
        if outcome == "pushed":
            assert row.id in self._in_jetti(), f"{row.id} is told as pushed"
            self.counts["judged: pushed in the report"] += 1

    # ------------------------------------------------------------------------------ status

    def status(self, ran: Ran) -> None:
        """What `status` says, right after a step."""
        assert ran.code in (0, 3), ran.stderr
        told = ran.report
        assert told["healthy"] == (ran.code == 0) == (not told["reasons"]), told["reasons"]
        kinds: dict[str, str] = {}
        for reason in told["reasons"]:
            kinds[_kind_of(reason)] = reason
        self.counts["judged: answers of status"] += 1
        self._has_no_wrong_reason(kinds)
        self._lacks_no_reason(kinds)

    def _has_no_wrong_reason(self, kinds: dict[str, str]) -> None:
        """Green must be green: each reason has its cause."""
        scene, now = self.scene, self.scene.clock.now()
        if "a return" in kinds:
            assert self._may_be_red(), f"no return can be meant: {kinds}"
        if "a stopped plan" in kinds and not self.unsure:
            assert self.stopped or not self.stops_are_known, f"nothing is stopped: {kinds}"
        if "the end of a run" in kinds and not self.unsure:
            bad = [code for code in (*self.ends.values(), self.last) if code not in WELL]
            assert bad, f"all ended well: {kinds}"
        if "a killed run" in kinds and not self.unsure:
            assert None in (*self.ends.values(), self.last), f"none was killed: {kinds}"
        if "a row" in kinds and not self.unsure:
            assert scene.garbled, f"all rows can be understood: {kinds}"
        if "the age of a sweep" in kinds and not self.unsure:
            swept = self.complete_sweep
            assert swept is None or now - swept + ROOM > SWEEPS_EACH or scene.world.clock.ahead
        if "a clock" in kinds:
            assert scene.world.clock.now() < self.furthest, f"no time lies ahead: {kinds}"
        if "adoption" in kinds and not self.unsure:
            assert self.adopting, f"adoption is over: {kinds}"

    def _lacks_no_reason(self, kinds: dict[str, str]) -> None:
        """Red must be red."""
        scene, now = self.scene, self.scene.clock.now()
        red = self._must_be_red() if kept(9) else self._missing()
        if red and not scene.world.clock.ahead:
            assert kinds, f"healthy, although {red}"
            self.counts["judged: red in status"] += 1
        if (
            self.stopped
            and self.digest
            and self.digest_is_known
            and all(self._seen(one) == row for one, row in self.stopped.items())
        ):
            told = kinds.get("a stopped plan", "")
            assert self.digest in told, f"plan {self.digest} is stopped: {kinds}"
            self.counts["judged: stopped plans in status"] += 1
        if self.last == 7 or self.ends.get("scheduled") == 7:
            assert kinds, "a run stopped for safety, and status is healthy"
        ended = self.ends.get("scheduled", 0)
        unknown = ended is None and (self.last is None or self.left_no_trace)
        # After a 3 someone may have decided about all that needed a look: that is judged above.
        if kept(12) and ended not in (*WELL, 3) and not unknown:
            # Who was killed last may still go on, as far as anybody can know.
            assert kinds, f"the last pass ended with {self.ends['scheduled']}, status is healthy"
        if kept(12) and self.adopting:
            assert "adoption" in kinds, f"adoption is not finished: {kinds}"
        if kept(9) and self._malformed():
            assert "a row" in kinds, f"a row is not understood: {kinds}"
        swept = self.complete_sweep
        if swept is not None and not scene.world.clock.ahead and now - swept > SWEEPS_EACH:
            assert "the age of a sweep" in kinds, f"swept at {swept}: {kinds}"
        ends = [at for at in (self.complete_pass, self.complete_sweep, self.last_at) if at]
        if kept(10) and ends and scene.world.clock.now() < max(ends) - ROOM:
            assert "a clock" in kinds, f"times lie ahead: {kinds}"

    def status_with_age(self, ran: Ran) -> None:
        """`status --max-age 45m`."""
        age = timedelta(minutes=45)
        if self.scene.world.clock.ahead or self.unsure:
            return
        now, ended = self.scene.clock.now(), self.complete_pass
        if ended is None or now - ended > age:
            assert ran.code == 3, ran.stdout
        self.counts["judged: ages of passes"] += 1

    def adopted(self, ran: Ran, strikes: set[tuple[str, str, str]]) -> None:
        """`init --adopt` has ended."""
        hearing, self.now = self.now, None
        assert hearing is not None
        if self.scene.interrupted is not None:
            assert ran.code == self.scene.interrupted, ran.code
        else:
            expected = {0, 3} if not strikes else {0, 3, 4, 5, 6}
            expected |= {6} if self.scene.wrong_keys() else set()
            expected |= {7, 4} if self.scene.world.clock.ahead else set()
            assert ran.code in expected, (ran.code, ran.stdout, ran.stderr)
        assert not hearing.writes, "adopting writes nothing"
        self.adopting = ran.code not in (0, 3)
        self._time_was_told()
        self._heard(hearing, recorded=ran.code in (0, 3))
        self.last = ran.code
        self.ends["range"] = ran.code
        self.roughened()

    def repaired(self, ran: Ran, named: set[str], repaired: set[str]) -> None:
        """`verify --repair` has ended: of all that it has heard it has recorded what it repaired,
        and has written for nothing that it has not listed."""
        hearing, self.now = self.now, None
        assert hearing is not None
        unlisted = {one for one, count in hearing.writes.items() if count} - named
        assert not unlisted, f"{unlisted} were written, and never listed"
        self._guard_held(hearing, ran)
        hearing.rows = {one: row for one, row in hearing.rows.items() if one in repaired}
        self._heard(hearing, recorded=True)
        self._time_was_told()
        self.last = self.ends["verify"] = ran.code
        self.stops_are_known = self.digest_is_known = False
        self.roughened()

    # ---------------------------------------------------------------------------- mechanics

    def _seen(self, return_id: str) -> Any:
        try:
            return self.scene.world.loop.get(return_id)
        except KeyError:
            return None


def _kind(options: tuple[str, ...]) -> str:
    if "--from" in options or options[:1] == ("init",):
        return "range"
    if {"--return", "--order"} & {*options}:
        return "single"
    return "sweep" if "--sweep" in options else "scheduled"


def _is_scheduled(options: tuple[str, ...]) -> bool:
    return not SPECIAL & {*options} and options[:1] != ("init",)


def _changes(ran: Ran) -> dict[str, dict[str, Any]]:
    return {one["return_id"]: one for one in ran.report.get("changes", ())}


def _kind_of(reason: str) -> str:
    for pattern, kind in _REASONS:
        if re.search(pattern, reason):
            return kind
    raise AssertionError(f"status gives a reason that nobody knows: {reason}")


def _garbled_in(row: dict[str, Any]) -> str:
    """All of a row that may not be understood."""
    told = ("line_items", "state", "updated_at", "order_name", "provider_order_id")
    return json.dumps([row[name] for name in told])


def _ids(body: bytes) -> set[str]:
    """The returns that an answer of details names: one, or several of an order."""
    try:
        answer = json.loads(body)
    except ValueError:
        return set()
    rows = answer if isinstance(answer, list) else [answer]
    return {str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row}


def _whole(delivery: Delivery) -> bytes | None:
    """The body, if it arrives whole and in time."""
    response = delivery.response
    if response is None or delivery.delay > 30 or delivery.pause * len(response.body) > 60:
        return None
    length = len(response.body) if delivery.declared_length is None else delivery.declared_length
    body = response.body[: delivery.body_bytes][:length]
    return body if len(body) == length else None
