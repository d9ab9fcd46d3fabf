"""What a report counts, names and leaves out is true, in each of its forms, and said once."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from tests.support.world import NOON, World

OPEN_GUARD = {"RECONCILER_GUARD__CREATES": "1000"}


def waits(world: World) -> str:
    return world.submit(world.order(("Acme", 1), arrives=False))


def is_doubtful(world: World) -> str:
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    return world.submit(order)


def several(world: World, number: int, make: Callable[[World], str]) -> list[str]:
    made = [make(world) for _ in range(number)]
    world.pass_time()
    return made


def states(world: World) -> Counter[str]:
    with closing(sqlite3.connect(world.directory / "ledger.db")) as connection:
        return Counter(
            dict(connection.execute("SELECT state, count(*) FROM entries GROUP BY state"))
        )


def reasons(world: World) -> dict[str, str]:
    """What the ledger says of each return, by its id."""
    with closing(sqlite3.connect(world.directory / "ledger.db")) as connection:
        query = "SELECT return_id, reason FROM entries WHERE reason IS NOT NULL"
        return dict(connection.execute(query).fetchall())


# ------------------------------------------------------------------ the same number in each form


class Texts(HTMLParser):
    """The texts of a page, one after the other."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append(data.strip())

    def after(self, name: str) -> str:
        return self.found[self.found.index(name) + 1]


def told_in_each_form(world: World, *options: str) -> dict[str, tuple[int, int]]:
    """How many wait in the ledger and how many in this run, by form."""

    def made(form: str) -> str:
        return world.call("run", *options, "--format", form).stdout

    text = made("text")
    [in_ledger] = re.findall(r"In the ledger now (\d+) waiting", text.split("\n")[0])
    [in_run] = re.findall(r"^waiting \((\d+)\)", text, re.MULTILINE)
    found = {"text": (int(in_ledger), int(in_run))}

    whole = json.loads(made("json"))
    waiting = [one for one in whole["changes"] if one["outcome"] == "waiting"]
    found["json"] = whole["counts"]["waiting"], len(waiting)

    rows = list(csv.DictReader(io.StringIO(made("csv").removeprefix("\ufeff"))))
    [kept] = [r["value"] for r in rows if (r["table"], r["name"]) == ("counts", "waiting")]
    found["csv"] = int(kept), sum(row["outcome"] == "waiting" for row in rows)

    lines = made("markdown").split("\n")
    [kept] = [line.split("|")[2] for line in lines if line.startswith("| counts.waiting |")]
    found["markdown"] = int(kept), sum("| waiting |" in line for line in lines)

    page = Texts(made("html"))
    [head] = [one for one in page.found if "In the ledger now" in one and "waiting" in one][:1]
    [in_head] = re.findall(r"In the ledger now (\d+) waiting", head)
    below = page.found.index("In the ledger now", page.found.index(head) + 1)
    of_below = page.found[page.found.index("Waiting", below) + 1]
    assert of_below == in_head
    found["html"] = int(in_head), int(page.after("waiting in this run"))
    return found


def test_those_that_wait_in_the_ledger_and_in_this_run_are_told_apart(world: World) -> None:
    world.trusted()
    several(world, 2, waits)
    assert world.run().code == 0
    world.pass_time(minutes=30)
    several(world, 1, waits)

    told = told_in_each_form(world, "--from", "20m")

    assert states(world)["waiting"] == 3
    assert told == dict.fromkeys(("text", "json", "csv", "markdown", "html"), (3, 1))


def test_a_run_for_one_return_says_that_it_counts_that_alone(world: World) -> None:
    world.trusted()
    ones = several(world, 2, waits)
    assert world.run().code == 0

    ran = world.call("run", "--return", ones[0])

    assert "nothing was pushed. Of these returns now 1 waiting." in ran.stdout.split("\n")[0]


@pytest.mark.parametrize("number", [3, 49, 50, 51, 70])
def test_all_that_need_a_look_are_counted_however_few_are_listed(world: World, number: int) -> None:
    world.trusted()
    several(world, number, is_doubtful)
    assert world.run(**OPEN_GUARD).code == 3

    ran = world.run("--from", "1m")
    text = world.call("run", "--from", "1m").stdout
    page = Texts(world.call("run", "--from", "1m", "--format", "html").stdout)

    assert states(world)["review"] == number
    assert len(ran.report["problems"]) + ran.report["problems_left_out"] == number
    assert f"\nneeds a look ({number})\n" in text
    assert page.after("Returns that need a look") == str(number)


# ------------------------------------------------------------------------------ said once, and all


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry-run"])
def test_all_rows_that_are_not_understood_are_listed_by_what_a_report_names(
    world: World, dry: tuple[str, ...]
) -> None:
    """Of a dry run the ledger knows none of them."""
    world.go_live()
    for _ in range(25):
        world.loop.edit(world.returned(), extra={"state": None})
    world.pass_time()

    ran = world.call("run", *dry)

    said = re.search(r"and 5 more: `(.+?)` lists all", ran.stdout)
    assert said is not None
    assert said[1].startswith("reconciler status") is (not dry)
    words = ["run", *dry, *said[1].split()] if dry else said[1].split()[1:]
    found = json.loads(world.call(*words).stdout)
    assert len(found["malformed"] if dry else found["facts"]["set_aside"]) == 25
    if not dry:
        assert "… and 15 more: `reconciler status --format json`" in world.call("status").stdout


@pytest.mark.parametrize("number", [1, 2, 3, 20, 21, 45, 70])
def test_each_reason_of_a_return_in_review_is_said_once(world: World, number: int) -> None:
    world.trusted()
    ones = several(world, number, is_doubtful)

    text = world.call("run", **OPEN_GUARD).stdout

    why = reasons(world)
    said = {one: text.count(why[one]) for one in ones}
    # Twenty that need a look, then ten of the group of those that are not among them.
    assert sorted(said.values(), reverse=True) == ([1] * 30 + [0] * number)[:number]
    # Who is not named is counted, by what lists them.
    if number > 20:
        [more] = re.findall(r"^  and (\d+) more: `(.*)`$", text, re.MULTILINE)[:1]
        assert int(more[0]) == number - 20
        assert listed(world, more[1]) >= set(ones)


def test_a_shared_reason_is_not_said_a_second_time_either(world: World) -> None:
    world.trusted()
    several(world, 3, World.returned)
    world.breaks("POST *", "422")

    text = world.call("run").stdout

    [why] = set(reasons(world).values())
    assert text.count(why) == 3
    assert "; each: its reason is above\n" in text


def listed(world: World, line: str) -> set[str]:
    """The returns that a command shows, as it is typed."""
    words = shlex.split(line)
    assert words[0] == "reconciler"
    made = json.loads(world.call(*words[1:], "--format", "json").stdout)
    return {one["return_id"] for one in made["returns"]}


@pytest.mark.parametrize("options", [(), ("--from", "1d"), ("--sweep", "1d")])
def test_what_a_run_has_left_out_is_listed_by_what_it_names(
    world: World, options: tuple[str, ...]
) -> None:
    """Without another run."""
    world.trusted()
    made = {
        "waiting": [waits(world) for _ in range(12)],
        "in review": [is_doubtful(world) for _ in range(34)],
        "created": [world.returned() for _ in range(13)],
    }
    world.pass_time()

    text = world.call("run", *options, **OPEN_GUARD).stdout
    writes = world.writes()

    hints = re.findall(
        r"^(\w[a-z ]*) \(\d+\)[^\n]*\n(?:(?:   |  \+)[^\n]*\n)+  and (\d+) more: `(.*)`$",
        text, re.MULTILINE,
    )  # fmt: skip
    assert {group for group, _, _ in hints} == set(made)
    for group, _, line in hints:
        assert listed(world, line) >= set(made[group])
    assert world.writes() == writes


def test_what_a_run_has_stopped_is_shown_whole_by_what_it_names(world: World) -> None:
    world.trusted()
    ones = several(world, 15, World.returned)

    text = world.call("run", RECONCILER_GUARD__CREATES="1", RECONCILER_GUARD__SHARE="0").stdout

    [line] = re.findall(r"^  and 5 more: `(.*)`$", text, re.MULTILINE)
    before = world.writes()
    plan = world.directory / "plan.html"
    words = [word.replace("plan.html", str(plan)) for word in shlex.split(line)]
    assert world.call(*words[1:]).code == 0
    shown = Texts(plan.read_text()).found
    assert set(ones) <= set(shown)
    assert world.writes() == before


# ------------------------------------------------------------------- what is true of the whole


def test_an_adoption_calls_from_before_go_live_only_what_is(world: World) -> None:
    """Whatever keeps it from creating any."""
    old = [world.returned() for _ in range(2)]
    world.pass_time(days=9)
    young = [world.returned() for _ in range(3)]
    world.go_live("7d")
    world.pass_time()
    assert world.run("--from", "30d", "--yes").code == 0
    (world.directory / "ledger.db").unlink()
    since = f"{NOON + timedelta(days=5):%Y-%m-%dT%H:%M:%SZ}"
    for one in old:
        world.loop.touch(one)
    world.pass_time()

    said = world.call("init", "--since", since, "--adopt").stdout

    assert {world.state(one) for one in (*old, *young)} == {"synced"}
    assert f"; {len(old)} returns from before go-live\n" in said
    assert "taken over (5)\n" in said


def test_an_adoption_looks_also_for_what_the_policy_would_not_create(world: World) -> None:
    world.trusted()
    ones = several(world, 2, World.returned)
    assert world.run().code == 0
    (world.directory / "ledger.db").unlink()

    world.environ["RECONCILER_POLICY__OUTCOMES__EXCLUDE"] = "*"
    said = world.call("init", "--since", "7d", "--adopt").stdout

    assert {world.state(one) for one in ones} == {"synced"}
    assert "3 taken over. [exit 0]" in said


def test_a_range_that_has_not_looked_for_all_of_it_does_not_say_that_nothing_is_to_push(
    world: World,
) -> None:
    world.trusted()
    gone = world.returned()
    world.loop.set_state(gone, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    assert world.state(gone) == "skipped"

    first = world.call("run", "--from", "1d", "--max-writes", "0").stdout.split("\n")[0]
    looked = world.call("-v", "run", "--from", "1d").stdout.split("\n")[0]

    assert first.endswith("(range): nothing was pushed. [exit 0]")
    assert looked.endswith("(range): nothing to push from Loop. [exit 0]")


def test_a_verification_counts_nothing_as_agreed_that_loop_has_changed(world: World) -> None:
    world.trusted()
    ones = several(world, 2, World.returned)
    assert world.run().code == 0
    world.pass_time(days=1)
    world.loop.label(ones[0], carrier="UPS")
    world.pass_time()

    said = world.call("verify").stdout
    page = Texts(world.call("verify", "--format", "html").stdout)
    repair = world.call("verify", "--repair").stdout

    assert "Loop, the ledger and Jetti agree, but for 1 return still in work. [exit 0]" in said
    assert "Loop, the ledger and Jetti agree, but for 1 return still in work." in page.found
    assert "(verify): nothing had to be pushed. [exit 0]" in repair
    assert "nothing to push" not in repair


def test_while_creation_is_stopped_a_budget_leaves_no_create_to_later_passes(world: World) -> None:
    world.go_live()
    known = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    later = world.returned()
    world.loop.label(known, carrier="UPS")
    world.pass_time()

    ran = world.run("--max-writes", "0")
    after = [world.run() for _ in range(2)]

    assert "later pass" in ran.reason(known)
    assert "later pass" not in ran.reason(later)
    assert ran.reason(later) == after[0].reason(later)
    assert world.in_jetti(later) == []


# ------------------------------------------------------------------------------- pages of real runs


def cell_of(page: str, order: str) -> str:
    """What the row of an order says, its last cell included."""
    [row] = re.findall(rf"<th scope=row>{order}<small>(.*?)(?=<tr|</tbody>)", page, re.DOTALL)
    return " ".join(re.sub("<[^>]*>", " ", row).split())


@pytest.mark.parametrize("cut_short", [False, True])
def test_a_page_takes_no_line_of_an_order_for_a_sale_return(world: World, cut_short: bool) -> None:
    """A line has a marker of its own in Jetti, as a sale return has."""
    world.trusted()
    world.returned(("Acme", 1), ("Bolt", 1))
    order = world.order(("Acme", 1), ("Bolt", 1))
    one = world.submit(order)
    world.pass_time()
    if cut_short:
        # Behind the create and what is written to its first line.
        world.clock.stop_after_writes = len(world.writes()) + 3

    page = world.call("run", "--format", "html").stdout

    assert [len(row["lines"]) for row in world.on_order(order)] == [1, 1]
    said = cell_of(page, order.name)
    # Behind a dot there is what a sale return holds, and it has a name of its own.
    named = re.findall(r"(\S+) · ", said)
    assert {name for name in named if name.isdecimal() and len(name) > 9} == set()
    for line in order.lines:
        assert f"{line.order_line_id} × " in said
    if not cut_short:
        assert said.count(" × 1 (") == 2
        assert "Before, a new sale return did not exist." in " ".join(Texts(page).found)
        assert f"Marker: {one}" not in said, "it is what all have in common"


@pytest.mark.parametrize(
    ("settings", "options", "title"),
    [
        ({}, (), "What changed"),
        ({}, ("--max-writes", "0"), "What was to change"),
        ({}, ("--dry-run",), "What would change"),
        (
            {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"},
            (),
            "What was to change",
        ),
    ],
)
def test_a_page_says_that_something_changed_only_if_it_did(
    world: World, settings: dict[str, str], options: tuple[str, ...], title: str
) -> None:
    world.trusted()
    several(world, 3, World.returned)
    before = len(world.writes())

    page = Texts(world.call("run", *options, "--format", "html", **settings).stdout)

    assert (title == "What changed") == (len(world.writes()) > before)
    headings = ("What changed", "What was to change", "What would change")
    assert [one for one in headings if one in page.found] == [title]


class Commands(HTMLParser):
    """The commands of a page, behind each heading."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._heading = ""
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag if tag in ("h2", "pre") or (tag == "code" and self._open == "pre") else ""

    def handle_data(self, data: str) -> None:
        if self._open == "h2":
            self._heading = data
            self.found[data] = ""
        elif self._open == "code":
            self.found[self._heading] = data
        self._open = ""


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry run"])
@pytest.mark.parametrize("options", [(), ("--from", "30d"), ("--sweep", "30d")])
def test_the_command_that_applies_the_plan_of_a_page_applies_all_of_it(
    world: World, options: tuple[str, ...], dry: tuple[str, ...]
) -> None:
    """Also what a range alone creates."""
    old = [world.returned() for _ in range(2)]
    world.pass_time(days=9)
    world.go_live("1d")
    first = world.returned()
    world.pass_time()
    assert world.run().code == 0  # a ledger that has pushed
    assert world.in_jetti(first)
    young = several(world, 3, World.returned)
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}

    ran = world.call("run", *options, *dry, "--format", "html", **tight)
    line = Commands(ran.stdout).found["Applying this plan"]

    assert ran.code == 7
    assert world.call(*shlex.split(line)[1:], **tight).code == 0
    wanted = [*old, *young] if "--from" in options else young
    assert [one for one in (*old, *young) if world.in_jetti(one)] == wanted


def test_before_there_is_a_ledger_a_page_names_no_command_that_accepts(world: World) -> None:
    several(world, 2, World.returned)

    page = Commands(world.call("run", "--dry-run", "--since", "7d", "--format", "html").stdout)

    assert "Applying this plan" not in page.found
    assert page.found["Next"].startswith("reconciler init --since ")


def test_a_dry_run_that_was_broken_off_says_nothing_of_what_stays_pending(world: World) -> None:
    world.trusted()
    several(world, 2, World.returned)
    world.breaks("*", "503")
    out = world.call("run", "--dry-run", "--against-jetti")
    world.heals()
    world.clock.stop_with = 2
    stopped = world.call("run", "--dry-run", "--against-jetti")
    world.clock.stop_with = None

    assert (out.code, stopped.code) == (5, 130)
    for ran in (out, stopped):
        assert "pending" not in ran.stdout.split("\n\n")[0]
        assert "nothing was written." in ran.stdout.split("\n\n")[0].lower()
