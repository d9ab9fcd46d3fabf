"""The rules by which a random history goes on; what they do is told in `history.py`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.properties.calm import calm
from tests.properties.history import History
from tests.properties.history_items import kept
from tests.properties.history_operator import AS_DELIVERED, SETTINGS
from tests.properties.history_shop import UNREADABLE
from tests.support.figures import Figures
from tests.support.leaks import searched_directory

PART = "histories"

few = st.integers(0, 5)
sure = st.booleans()


def _some_of(**choices: tuple[Any, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """A few switches away from their defaults."""
    turned = [(name, value) for name, values in choices.items() for value in values]
    return st.lists(st.sampled_from(turned), max_size=4).map(dict)


LOOP = _some_of(
    order=("oldest_first",),
    ties=("unordered",),
    tie_breaker=(True,),
    cursor_column=("created_at",),
    window_ends=("exclusive",),
    label_changes_bump=(False,),
    edits_bump=(False,),
    created_at_form=("offset",),
    top_level_label=("newest",),
    extra_fields=(True,),
    details_of_order=("list",),
    next_page_link=("complete",),
    cursor_implies_paginate=(True,),
    cursor_without_from=("last_day",),
    undecodable_cursor=("refuse",),
    regenerated_label=("goes",),
    regenerated_label_status=("cancelled",),
    untied_label=("null",),
)
JETTI = _some_of(
    cancel_attributes=("applied",),
    cancel_answer_items=(True,),
    cancel_repeated=("empty", "error"),
    status_in_house=("shipped", "received"),
    status_dropship=("draft", "finalized"),
    split=("per_line", "single"),
    put_answer=("empty",),
    validation_status=(400, 422),
    company_id_form=("string", "absent"),
    reference_form=("hash",),
    default_limit=(100,),
    max_limit=(20,),
    from_means=("page",),
    unknown_field=("error",),
    greater_than_ignored=(True,),
    array_limit=(20,),
    read_lag_seconds=(20.0,),
    rate_limit=("and",),
    rate_headers=(True,),
)

READS = ("GET *", "GET /sale-returns.json", "GET /sales.json", "GET /sale-items.json")
WRITES = ("POST *", "PUT *", "PUT /sale-returns/*", "PUT /sale-return-items/*")
LISTS = ("list.*", "list.first", "list.next", "list.probe", "*")

_APPLIED_OR_NOT = [
    (kind, {"applied": applied})
    for kind in ("409", "429", "500", "502", "503", "504", "404", "html_200", "empty_200")
    for applied in (False, True)
]
ON_WRITES: list[tuple[str, dict[str, Any]]] = [
    *_APPLIED_OR_NOT,
    ("applied_then_lost", {}),
    ("not_applied_then_lost", {}),
    ("applied_then_lost", {"ending": "silence"}),
    ("not_applied_then_lost", {"ending": "close"}),
    ("silence", {"applied": True}),
    ("silence", {"applied": False}),
    ("applied_later", {"seconds": 5}),
    ("applied_later", {"seconds": 100}),
    ("applied_later", {"seconds": 170, "ending": "silence"}),
    ("reset_before_headers", {"applied": True}),
    ("reset_after_headers", {}),
    ("reset_mid_body", {}),
    ("error_200", {"applied": True}),
    ("raw", {"body": "[]", "applied": True}),
    ("redirect", {"applied": True}),
    ("redirect", {}),
    ("truncated", {"at": 30}),
    ("wrong_length", {}),
    ("duplicate_answer", {}),
    ("delay", {"seconds": 20}),
    ("delay", {"seconds": 40}),
    ("trickle", {"seconds": 0.05}),
    ("400", {}),
    ("422", {}),
    ("401", {}),
    ("403", {}),
    ("refuse", {}),
]
ON_READS: list[tuple[str, dict[str, Any]]] = [
    *[(kind, {}) for kind in ("400", "401", "403", "404", "409", "422", "500", "502", "503")],
    *[(kind, {}) for kind in ("429", "silence", "html_200", "empty_200", "error_200", "redirect")],
    ("429", {"retry_after": "seconds", "seconds": 20}),
    ("429", {"retry_after": "date", "seconds": 5}),
    ("429", {"retry_after": "ten_years"}),
    ("429", {"retry_after": "negative"}),
    ("429", {"retry_after": "text"}),
    ("truncated", {"at": 40}),
    ("wrong_length", {}),
    ("reset_before_headers", {}),
    ("reset_after_headers", {}),
    ("reset_mid_body", {}),
    ("duplicate_answer", {}),
    ("delay", {"seconds": 3}),
    ("trickle", {"seconds": 0.01}),
    ("gzip_bomb", {"megabytes": 1}),
    ("refuse", {}),
]
ONLY_JETTI = [("stale_read", {"seconds": 60}), ("filter_ignored", {})]
ONLY_LOOP = [
    ("short_page", {"rows": 1}),
    ("short_page", {"rows": 2}),
    ("filter_ignored", {}),
    ("parameters_dropped", {"names": ["from"]}),
]
OPTIONS: tuple[tuple[str, ...], ...] = (
    *[()] * 6,
    ("--sweep", "120d"),
    ("--sweep", "3d"),
    ("--from", "3d", "--yes"),
    ("--from", "3d", "--yes", "--by", "created"),
    ("--max-writes", "1"),
    ("--max-seconds", "5"),
    ("--from", "3d"),
    ("--from", "60d", "--yes", "--max-writes", "2"),
)
CUT_SHORT: tuple[tuple[str, ...], ...] = (
    (),
    ("--from", "60d", "--yes"),
    ("--from", "3d"),
    ("--sweep", "120d"),
)
"""What a signal comes into."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if kept(11) else ()))
OPERATOR: tuple[tuple[str, tuple[Any, ...]], ...] = (
    *[("sets", (what,)) for what in SETTINGS],
    *[("sets", (what,)) for what in AS_DELIVERED],
    ("rotates_key", ("loop",)),
    ("rotates_key", ("jetti",)),
    ("rotates_key", ("jetti",)),
    ("loses_key", ("LOOP_API_KEY",)),
    ("finds_keys", ()),
    ("finds_keys", ()),
    ("inits_again", ()),
    ("reviews", ()),
    ("accepts_the_reviewed", ()),
    ("accepts_an_older", (0,)),
    ("accepts_an_older", (2,)),
    ("looks_around", (0,)),
    ("looks_around", (3,)),
)
DECISIONS = ("retries", "ignores", "resolves_by_creating", "resolves_by_adopting")
DAYS = ((1, True), (1, False), (2, False), (3, True), (4, False))
WORDS = ("other", "lost", "available_for_pickup", "return_to_sender", "unknown", "error")
SHOP: tuple[tuple[str, tuple[Any, ...]], ...] = (
    *[("regenerates", ())] * 3,
    *[("voids", ())] * 2,
    *[("speaks", (word,)) for word in WORDS],
    *[("unties", ())] * 2,
    *[("numbers_later", ())] * 2,
    *[("scans_late", ())] * 2,
    *[("expires", ())] * 2,
    *[("renames_type", ())] * 2,
    ("strands", ()),
    ("renames_order", (True,)),
    ("renames_order", (False,)),
    ("reimports", ()),
    *[("garbles", (what,)) for what in UNREADABLE],
    ("mends", ()),
    ("mends", ()),
    ("submits_nothing", ()),
)
CHANGES: tuple[tuple[str, Any], ...] = (
    ("touches", None),
    ("labels", False),
    ("labels", True),
    ("scans", None),
    ("scans", None),
    ("announces", None),
    ("relabels", None),
    ("fails", None),
    ("edits", None),
    ("adds", None),
    ("removes", None),
    *[("turns", state) for state in ("review", "open", "closed", "cancelled", "expired")],
    ("revives", None),
)
STAFF: tuple[tuple[str, Any], ...] = (
    ("raises", True),
    ("raises", False),
    *[("writes_down", name) for name in ("trackingNumber", "notes", "adminNotes")],
    *[("writes_down", status) for status in ("finalized", "shipped", "received")],
    ("counts_again", True),
    ("counts_again", False),
    *[("ends", how) for how in ("cancel", "delete", "unmark")],
)
MISHAPS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("backs_up", ()),
    ("backs_up", ()),
    ("restores", ()),
    ("restores", ()),
    ("loses", ()),
    *[("sets_clock", (s,)) for s in (0.0, 0.0, 3600.0, -1200.0, -7200.0, 400_000.0, -200_000.0)],
    ("loses_key", ("LOOP_API_KEY",)),
    ("loses_key", ("JETTI_API_TOKEN",)),
    ("maps", ()),
)
STATES = ("pending", "waiting", "failed", "dead", "review", "ignored", "synced")
LOOKS = (("--dry-run",), ("--dry-run", "--against-jetti"), ("--dry-run", "--sweep", "30d"))
SPANS = (1, 20, 130, 200, 1900, 4000, 30_000, 90_000)


HARMS = ("lost", "stale", "duplicated", "overwritten")
"""What the oracles' complaints begin with where a promise to the merchant is broken."""


def _is_harm(error: BaseException) -> bool:
    return str(error).startswith(HARMS)


class Histories(RuleBasedStateMachine):
    """Whatever happens in whatever order: nothing is lost, nothing is done twice."""

    figures: ClassVar[Figures] = Figures()
    histories: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.history = History(self.open.enter_context(searched_directory("history-")))
        self.begun = False
        self.steps = 0
        type(self).histories += 1

    @initialize(
        loop=LOOP,
        jetti=JETTI,
        page_size=st.sampled_from((750, 1, 2, 3, 4)),
        old=st.integers(0, 2),
        guard=st.sampled_from((25, 25, 25, 2)),
        late=st.sampled_from((0.0, 0.0, 0.0, 1500.0, 5.0, 100.0, 7200.0)),
    )
    def begins(
        self,
        loop: dict[str, Any],
        jetti: dict[str, Any],
        page_size: int,
        old: int,
        guard: int,
        late: float = 0.0,
    ) -> None:
        """`late`: seconds after which Loop's list shows a change."""
        self._do(self.history.begins, loop | {"visible_after": late}, jetti, page_size, old, guard)
        self._do(self.history.orders, [(0, 2), (1, 1)], True)
        self._do(self.history.submits, 0, [1, 1])
        self.begun = True

    # ---------------------------------------------------------------------------- customers

    @rule(
        lines=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=3),
        arrives=st.sampled_from((True, True, True, False)),
        twin=st.sampled_from((False, False, False, True)),
        units=st.lists(st.integers(0, 2), min_size=1, max_size=3),
    )
    def orders_and_returns(
        self, lines: list[tuple[int, int]], arrives: bool, twin: bool, units: list[int]
    ) -> None:
        self._do(self.history.orders, lines, arrives, twin)
        self._do(self.history.submits, 0, units)

    @rule(order=few, units=st.lists(st.integers(0, 2), min_size=1, max_size=3))
    def returns_more(self, order: int, units: list[int]) -> None:
        self._do(self.history.submits, order, units)

    @rule(count=st.integers(2, 5))
    def bursts(self, count: int) -> None:
        self._do(self.history.bursts, count)

    @rule()
    def late_orders_arrive(self) -> None:
        self._do(self.history.arrives)

    @rule(how=st.sampled_from(CHANGES), one=few, place=st.integers(0, 2))
    def changes(self, how: tuple[str, Any], one: int, place: int) -> None:
        """Customers, carriers and the merchant go on in Loop."""
        name, argument = how
        arguments = {"touches": (one,), "revives": (one,), "scans": (one, place)}.get(
            name, (one, place if argument is None else argument)
        )
        self._do(getattr(self.history, name), *arguments)

    @rule(how=st.sampled_from(CHANGES), one=few, place=st.integers(0, 2))
    def changes_and_runs(self, how: tuple[str, Any], one: int, place: int) -> None:
        self.changes(how, one, place)
        self._do(self.history.passes, 200)
        self._do(self.history.runs)

    # ------------------------------------------------------------------------------- people

    @rule(how=st.sampled_from(STAFF), one=few)
    def staff_work(self, how: tuple[str, Any], one: int) -> None:
        name, argument = how
        self._do(getattr(self.history, name), one, argument)

    @rule(exactly=sure)
    def staff_are_faster(self, exactly: bool) -> None:
        """Staff raise in Jetti what a customer has just submitted, or a part of it."""
        self._work()
        self._do(self.history.orders, [(0, 2), (1, 1)], True)
        self._do(self.history.submits, 0, [2, 1])
        self._do(self.history.raises, 0, exactly)
        self._do(self.history.passes, 200)
        self._do(self.history.runs)

    @rule(order=few, chance=st.integers(0, 3), vanishes=sure)
    def rare_things(self, order: int, chance: int, vanishes: bool) -> None:
        if chance:
            return
        if vanishes:
            self._do(self.history.vanishes, order)
        else:
            self._do(self.history.doubles, order)

    # -------------------------------------------------------------------- the machine, faults

    @rule(seconds=st.sampled_from(SPANS))
    def time_passes(self, seconds: int) -> None:
        self._do(self.history.passes, seconds)

    @rule(
        fault=st.sampled_from(ON_WRITES), operation=st.sampled_from(WRITES), nth=st.integers(1, 4)
    )
    def jetti_breaks_writes(
        self, fault: tuple[str, dict[str, Any]], operation: str, nth: int
    ) -> None:
        self._break("jetti", fault, operation, nth)

    @rule(
        fault=st.sampled_from(ON_READS + ONLY_JETTI),
        operation=st.sampled_from(READS),
        nth=st.sampled_from((1, 2, 3, 4, 5, None)),
    )
    def jetti_breaks_reads(
        self, fault: tuple[str, dict[str, Any]], operation: str, nth: int | None
    ) -> None:
        self._break("jetti", fault, operation, nth)

    @rule(
        fault=st.sampled_from(ON_READS + ONLY_LOOP),
        operation=st.sampled_from(LISTS),
        nth=st.sampled_from((1, 2, 3, 5, 7, 9, None)),
    )
    def loop_breaks(
        self, fault: tuple[str, dict[str, Any]], operation: str, nth: int | None
    ) -> None:
        self._break("loop", fault, operation, nth)

    @rule(
        fault=st.sampled_from(ON_WRITES), operation=st.sampled_from(WRITES), nth=st.integers(1, 3)
    )
    def a_write_goes_wrong(
        self, fault: tuple[str, dict[str, Any]], operation: str, nth: int
    ) -> None:
        """Just when there is something to write, and all else is well."""
        self._work()
        self._break("jetti", fault, operation, nth)
        self._do(self.history.passes, 200)
        self._do(self.history.runs)
        self._do(self.history.accepts)

    def _work(self) -> None:
        self.all_heals()
        self._do(self.history.sets_clock, 0.0)
        self._do(self.history.bursts, 2)

    def _break(
        self, service: str, fault: tuple[str, dict[str, Any]], operation: str, nth: int | None
    ) -> None:
        kind, parameters = fault
        operation = "*" if kind == "refuse" else operation
        self._do(self.history.breaks, service, kind, operation, nth, parameters)

    @rule()
    def all_heals(self) -> None:
        self._do(self.history.heals)
        self._do(self.history.finds_keys)

    @rule(how=st.sampled_from(MISHAPS))
    def the_machine_suffers(self, how: tuple[str, tuple[Any, ...]]) -> None:
        """Clocks, keys, settings, and the file of the ledger."""
        name, arguments = how
        self._do(getattr(self.history, name), *arguments)

    # --------------------------------------------------------------------------- the program

    @rule(options=st.sampled_from(OPTIONS))
    def runs(self, options: tuple[str, ...]) -> None:
        self._do(self.history.runs, *options)

    @rule(options=st.sampled_from(OPTIONS))
    def runs_later(self, options: tuple[str, ...]) -> None:
        self._do(self.history.passes, 300)
        self._do(self.history.runs, *options)

    @rule()
    def runs_and_runs(self) -> None:
        for _ in range(2):
            self._do(self.history.passes, 200)
            self._do(self.history.runs)

    @rule(options=st.sampled_from(LOOKS))
    def looks(self, options: tuple[str, ...]) -> None:
        self._do(self.history.runs, *options)

    @rule(one=few, by=st.sampled_from(("return", "order")))
    def runs_for_one(self, one: int, by: str) -> None:
        self._do(self.history.named, one, by)

    @rule()
    def plan_is_accepted(self) -> None:
        self._do(self.history.accepts)

    @rule(
        how=st.sampled_from(("before", "after", "point")),
        nth=st.integers(1, 40),
        options=st.sampled_from(OPTIONS),
    )
    def dies(self, how: str, nth: int, options: tuple[str, ...]) -> None:
        self._do(self.history.passes, 200)
        self._do(self.history.dies, how, nth, *options)

    @rule(how=st.sampled_from(("before", "after", "point")), nth=st.integers(1, 60))
    def dies_at_work(self, how: str, nth: int) -> None:
        """Killed while something is written."""
        self._work()
        self._do(self.history.passes, 200)
        self._do(self.history.dies, how, nth)

    @rule(nth=st.integers(1, 12))
    def two_at_once(self, nth: int) -> None:
        self._do(self.history.together, nth)

    # -------------------------------------------------------------------------- the operator

    @rule(
        options=st.sampled_from(CUT_SHORT),
        nth=st.integers(1, 40),
        number=st.sampled_from(SIGNALS),
    )
    def a_run_is_interrupted(self, options: tuple[str, ...], nth: int, number: int) -> None:
        """While there is something to do, so that it is cut short in the middle."""
        self._do(self.history.bursts, 2)
        self._do(self.history.passes, 200)
        self._do(self.history.interrupts, nth, number, *options)

    @rule(how=st.sampled_from(OPERATOR))
    def operator_works(self, how: tuple[str, tuple[Any, ...]]) -> None:
        """Keys, settings, plans, a second `init`."""
        name, arguments = how
        self._do(getattr(self.history, name), *arguments)

    @rule(
        options=st.sampled_from(((), ("--sweep", "120d"), ("--from", "3d"))),
        then=st.sampled_from(("", "", "limits", "named", "sweep")),
    )
    def a_plan_is_too_large(self, options: tuple[str, ...], then: str) -> None:
        """More comes at once than the guard allows; what opens the rest is a person's word alone,
        no laxer limit, no smaller number, no sweep."""
        self._do(self.history.sets, "guard 2")
        self._do(self.history.bursts, 3)
        self._do(self.history.passes, 200)
        self._do(self.history.runs, *options)
        match then:
            case "limits":
                self._do(self.history.sets, "guard 25")
                self._do(self.history.runs)
            case "named":
                self._do(self.history.named, 0, "return")
                self._do(self.history.runs)
            case "sweep":
                self._do(self.history.runs, "--sweep", "120d")

    @rule(repairs=sure, before=st.sampled_from(("", "unmarked", "unseen")))
    def all_three_are_compared(self, repairs: bool, before: str) -> None:
        """Perhaps what is listed is repaired, too; perhaps there is something to be listed."""
        if before == "unmarked":
            self._do(self.history.ends, 0, "unmark")
            self._do(self.history.passes, 200)
        elif before == "unseen":
            self._do(self.history.passes, 4000)
            self._do(self.history.runs)
            self._do(self.history.scans_unseen, 0, 0)
        self._do(self.history.repairs if repairs else self.history.verifies)

    @rule(days=st.sampled_from(DAYS))
    def days_pass(self, days: tuple[int, bool]) -> None:
        """Whatever is stopped, or in review, or waits, is left alone meanwhile."""
        self._do(self.history.waits, *days)

    @rule(nth=st.integers(1, 12), how=st.sampled_from(("signal", "outage", "end")))
    def adoption_is_broken_off(self, nth: int, how: str) -> None:
        self._do(self.history.adopts_for_a_while, nth, how)

    @rule(how=st.sampled_from(DECISIONS), one=few, place=st.integers(0, 2), runs=sure)
    def someone_decides(self, how: str, one: int, place: int, runs: bool) -> None:
        """About a return that is in trouble, if there is one."""
        self._do(getattr(self.history, how), one, place)
        if runs:
            self._do(self.history.passes, 200)
            self._do(self.history.runs)

    @rule(
        exactly=sure,
        hows=st.lists(st.sampled_from(DECISIONS), min_size=1, max_size=3),
        place=st.integers(0, 1),
        runs=sure,
    )
    def someone_decides_about_what_staff_raised(
        self, exactly: bool, hows: list[str], place: int, runs: bool
    ) -> None:
        """Perhaps otherwise a moment later, before a run or after it."""
        self.staff_are_faster(exactly)
        for how in hows:
            self.someone_decides(how, 0, place, runs)

    @rule(state=st.sampled_from(STATES))
    def all_are_taken_up_again(self, state: str) -> None:
        """All that are in one state."""
        self._do(self.history.retries_all, state)

    # ------------------------------------------------------------------------------ the shop

    @rule(how=st.sampled_from(SHOP), one=few, place=st.integers(0, 2), runs=sure)
    def shop_goes_on(
        self, how: tuple[str, tuple[Any, ...]], one: int, place: int, runs: bool
    ) -> None:
        """Labels, words, names and rows as only real shops have them."""
        name, more = how
        match name:
            case "mends":
                arguments: tuple[Any, ...] = ()
            case "submits_nothing":
                arguments = (one,)
            case "speaks":
                arguments = (one, place, *more)
            case "renames_order" | "garbles":
                arguments = (one, *more)
            case _:
                arguments = (one, place)
        self._do(getattr(self.history, name), *arguments)
        if runs:
            self._do(self.history.passes, 200)
            self._do(self.history.runs)

    # ----------------------------------------------------------------------------- mechanics

    def _do(self, step: Callable[..., Any], *arguments: Any) -> None:
        self.steps += 1
        self.history.told.append(f"{step.__name__}{arguments}")
        self.figures.note(PART, "rules", step.__name__)
        try:
            step(*arguments)
            self.history.witness.no_duplicate()
        except BaseException as error:
            self.begun = False  # nothing can be said about its end any more
            self.figures.add(PART, str(error).partition(":")[0] if _is_harm(error) else "failed")
            error.add_note("\n".join(self.history.told[-60:]))
            raise

    def teardown(self) -> None:
        with self.open:
            if self.begun:
                self._do(calm, self.history)
                self._tell()

    def _tell(self) -> None:
        figures = self.figures
        figures.add(PART, "histories")
        figures.add(PART, "steps", self.steps)
        for name, count in self.history.counts.items():
            figures.add(PART, name, count)
        for harm in HARMS:
            figures.add(PART, harm, 0)  # shown also where none was found
        figures.most(PART, "largest load on Jetti in one second", self.history.witness.fastest)
        figures.most(PART, "requests to Loop in one minute", self.history.witness.most_in_a_minute)
        figures.note(PART, "faults and the operations they struck", *self.history.pairs)
        figures.note(PART, "points reached", *self.history.points)
