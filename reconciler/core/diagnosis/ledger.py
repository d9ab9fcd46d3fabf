"""What `doctor` says of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.core import duration, words
from reconciler.core.diagnosis.finding import Finding, Level, Name, advice, fine, unusable
from reconciler.core.diagnosis.proof import OpenCreate
from reconciler.core.health import Facts, Health
from reconciler.core.instants import to_the_second
from reconciler.core.matching.created import PROVEN_BY
from reconciler.core.records import Run
from reconciler.core.report import RunKind

DISK_LEFT = 100 * 1024 * 1024
"""Bytes that should be free: room for some years of returns and a copy of the ledger."""
_OPEN_TO_OTHERS = 0o077
_WRITABLE_BY_OTHERS = 0o022


class LedgerFacts(Struct, frozen=True, kw_only=True):
    """The ledger's file and what is in it."""

    path: str
    filesystem: str | None
    free: int | None
    """Bytes; None where that cannot be found out."""
    modes: Mapping[str, int]
    """Of the file and its directory, by path."""
    directory: str
    is_in_use: bool
    ids_key: str
    proven_ids_key: str | None = None
    sale_returns: tuple[int, ...] = ()
    """Ids of some in Jetti that were pushed from it."""
    open_creates: tuple[OpenCreate, ...] = ()
    """Some returns that wait to be created, where that could prove something."""
    health: Health | None = None
    problem: str | None = None
    hint: str | None = None


def of_ledger(facts: LedgerFacts, could_prove: tuple[OpenCreate, ...] | None) -> Iterator[Finding]:
    """Whether the ledger is there, will last, and what it tells.

    `could_prove`: the open creates that could prove `jetti.cancel_ids_key`; None if nobody asked
    Jetti.
    """
    yield from _of_place(facts)
    if facts.problem is not None:
        yield unusable("ledger", Name.LEDGER_UNUSABLE, facts.problem, facts.hint, 3)
    if facts.is_in_use:
        text = "a run holds the lock right now"
        yield Finding(Level.OK, "ledger", Name.LEDGER_IN_USE, text)
    if (health := facts.health) is None:
        return
    text = f"{facts.path} can be read, its schema is known and SQLite finds no damage"
    yield Finding(Level.OK, "ledger", Name.LEDGER_SOUND, text)
    if health.facts.creation_stopped is not None:
        yield unusable(
            "ledger",
            Name.CREATION_STOPPED,
            f"creation is stopped: {health.facts.creation_stopped}",
            "see `reconciler status`",
            3,
        )
    elif facts.proven_ids_key != facts.ids_key:
        yield _unproven(facts, could_prove)
    else:
        text = f"a create has proven jetti.cancel_ids_key = {facts.ids_key!r}"
        yield fine("ledger", Name.IDS_PROVEN, text)
    yield from _runs(health.facts.runs)
    yield from _backups(health.facts)
    for word in health.facts.unknown_words:
        yield advice(
            "ledger",
            Name.WORD_UNMAPPED,
            f"{word.list} {word.word!r} of {word.returns} return{'' if word.returns == 1 else 's'}"
            " has no meaning here",
            words.advice(word),
        )
    for reason in health.reasons:
        todo = "see `reconciler status`"
        yield unusable("ledger", Name.NOT_HEALTHY, reason, todo, 3)


def _unproven(facts: LedgerFacts, could_prove: tuple[OpenCreate, ...] | None) -> Finding:
    text = f"no create has proven jetti.cancel_ids_key = {facts.ids_key!r} yet: they go one by one"
    todo = f"begin with {PROVEN_BY}: `reconciler run --order NAME`"
    if not facts.open_creates:
        text += "; no open return that has to be created could prove it"
    elif could_prove is None:
        text += "; Jetti could not be asked which open returns could prove it"
    elif not could_prove:
        text += f"; none of the {len(facts.open_creates)} open returns that were looked at can"
    else:
        names = ", ".join(dict.fromkeys(one.order_name for one in could_prove))
        text += f"; open returns of these orders could prove it: {names}"
        todo = f"push one of them first: `reconciler run --return {could_prove[0].return_id}`"
    return advice("ledger", Name.IDS_UNPROVEN, text, todo)


def _runs(runs: Sequence[Run]) -> Iterator[Finding]:
    """The last pass and the last sweep, however they ended; what is wrong with them is a problem
    of its own."""
    for kind, name in ((RunKind.SCHEDULED, "pass"), (RunKind.SWEEP, "sweep")):
        last = next((run for run in runs if run.kind == kind and run.finished_at), None)
        if last is None:
            yield fine("ledger", Name.LAST_RUN, f"no {name} has come to an end yet")
            continue
        why = f": {last.message}" if last.message else ""
        text = (
            f"the last {name} is run {last.id}, which ended at"
            f" {to_the_second(last.finished_at or last.started_at)} with exit code"
            f" {last.exit_code}{why}"
        )
        yield fine("ledger", Name.LAST_RUN, text)


def _backups(facts: Facts) -> Iterator[Finding]:
    """The last daily one; that it failed or is too old is a problem of its own."""
    if (last := facts.backup) is not None:
        if last.made_at is None:
            yield fine("ledger", Name.LAST_BACKUP, "no daily backup has been made yet")
            return
        at = to_the_second(last.made_at)
        age = f"{duration.approximate(facts.now - last.made_at)} ago"
        # A time ahead of the clock is a problem of its own, and no age.
        when = f"at {at}" if last.made_at > facts.now else age
        text = f"the last daily backup was made {when}: {last.path}"
        yield fine("ledger", Name.LAST_BACKUP, text)
    elif facts.backup_unknown is None:
        yield advice(
            "ledger",
            Name.NO_BACKUP,
            "no daily backup of this ledger is known: without one, a ledger that is lost has to be"
            " rebuilt from what Jetti has",
            "let `reconciler ledger backup --keep 14` run once a day",
        )


def _of_place(facts: LedgerFacts) -> Iterator[Finding]:
    if facts.filesystem in ("tmpfs", "ramfs"):
        yield unusable(
            "ledger",
            Name.LEDGER_IN_MEMORY,
            f"{facts.directory} is kept in memory ({facts.filesystem}): the ledger is lost when"
            " this machine restarts",
            "set `ledger` to a path on a local disk",
            3,
        )
    if facts.free is not None and facts.free < DISK_LEFT:
        yield unusable(
            "ledger",
            Name.DISK_FULL,
            f"{facts.free // 1024 // 1024} MiB are free in {facts.directory}: soon no run can"
            " record anything",
            "make room there",
            3,
        )
    for path, mode in facts.modes.items():
        if mode & (_WRITABLE_BY_OTHERS if path == facts.directory else _OPEN_TO_OTHERS):
            right = "700" if path == facts.directory else "600"
            yield advice(
                "ledger",
                Name.LEDGER_OPEN,
                f"{path} is open to other users (mode {mode:04o}), who could read or replace the"
                " ledger",
                f"chmod {right} {path}",
            )
