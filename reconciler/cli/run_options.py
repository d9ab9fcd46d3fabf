"""Turns the options of `run` into a request; contradictions are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import click
from msgspec import Struct

from reconciler.cli import accepted_plan
from reconciler.core import duration
from reconciler.core.budget import SCHEDULED_SECONDS, backlog_seconds
from reconciler.core.ids import is_id
from reconciler.core.instants import iso
from reconciler.core.records import By
from reconciler.core.report import RunKind
from reconciler.core.request import RunRequest

_LONGEST_ORDER_NAME = 100
_SWEEP_WAIT = 15 * 60.0
_MANUAL_WAIT = 2 * 60.0


class Options(Struct, frozen=True, kw_only=True):
    """The options of `run`, as typed."""

    more: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    by: str | None = None
    sweep: timedelta | None = None
    return_ids: tuple[str, ...] = ()
    order_names: tuple[str, ...] = ()
    dry_run: bool = False
    since: datetime | None = None
    against_jetti: bool = False
    detailed_exitcode: bool = False
    accept_plan: str | None = None
    max_writes: int | None = None
    max_seconds: timedelta | None = None
    wait: timedelta | None = None

    @property
    def kind(self) -> RunKind:
        """The kind of pass that these options describe."""
        if self.return_ids or self.order_names:
            return RunKind.SINGLE
        if self.sweep is not None:
            return RunKind.SWEEP
        return RunKind.SCHEDULED if self.start is None else RunKind.RANGE


def request(user: str | None = None, **typed: object) -> RunRequest:
    """Build the request from the options, which `user` has typed. Raises click.UsageError, naming
    the option at fault."""
    options = _with_more_values(Options(**typed))  # type: ignore[arg-type]
    _refuse_contradictions(options)
    accepted = (
        accepted_plan.read(options.accept_plan) if options.accept_plan else accepted_plan.NOTHING
    )
    return RunRequest(
        kind=options.kind,
        start=options.start,
        end=options.end,
        by=By(options.by or By.UPDATED),
        sweep=options.sweep,
        return_ids=_distinct(map(_return_id, options.return_ids)),
        order_names=_distinct(map(_order_name, options.order_names)),
        dry_run=options.dry_run,
        since=options.since,
        against_jetti=options.against_jetti,
        detailed_exitcode=options.detailed_exitcode,
        accept_digest=accepted.digest,
        accept_members=accepted.members,
        accepted_by=None if options.accept_plan is None or options.dry_run else user,
        max_writes=options.max_writes,
        max_seconds=_max_seconds(options),
        backlog_seconds=_backlog_seconds(options),
        wait=_wait(options),
        typed=tuple(_typed(options)),
    )


def _with_more_values(options: Options) -> Options:
    """`--return 1 2 3`: the values after the first one belong to the same option."""
    if not options.more:
        return options
    if bool(options.return_ids) == bool(options.order_names):
        raise click.UsageError(
            f"{options.more[0]!r} belongs to no option; did you mean --return or --order?"
        )
    fields = {name: getattr(options, name) for name in options.__struct_fields__}
    name = "return_ids" if options.return_ids else "order_names"
    return Options(**(fields | {"more": (), name: fields[name] + options.more}))


def _refuse_contradictions(options: Options) -> None:
    _refuse_half_ranges(options)
    chosen = [
        name
        for name, given in (
            ("--from", options.start is not None),
            ("--sweep", options.sweep is not None),
            ("--order" if options.order_names else "--return", options.kind is RunKind.SINGLE),
        )
        if given
    ]
    if len(chosen) > 1:
        raise click.UsageError(f"{chosen[0]} and {chosen[1]} exclude each other")
    for name, given in (
        ("--against-jetti", options.against_jetti),
        ("--detailed-exitcode", options.detailed_exitcode),
    ):
        if given and not options.dry_run:
            raise click.UsageError(f"{name} needs --dry-run")
    if options.since is not None and not options.dry_run:
        raise click.UsageError("--since needs --dry-run; did you mean --from?")
    if options.since is not None and options.kind is not RunKind.SCHEDULED:
        raise click.UsageError("--since excludes --from, --sweep, --return and --order")


def _refuse_half_ranges(options: Options) -> None:
    if options.start is None and options.end is not None:
        raise click.UsageError(f"--to {iso(options.end)} needs --from")
    if options.start is None and options.by is not None:
        raise click.UsageError(f"--by {options.by} needs --from")
    if options.start and options.end and options.start >= options.end:
        raise click.UsageError(f"--from {iso(options.start)} is not before --to {iso(options.end)}")


def _return_id(written: str) -> str:
    if not is_id(written):
        raise click.UsageError(
            f"--return: {written!r} is not a Loop return id, which is a number; for an order"
            " use --order"
        )
    return written


def _order_name(written: str) -> str:
    name = written.strip()
    if not name or len(name) > _LONGEST_ORDER_NAME or not name.isprintable():
        raise click.UsageError(f"--order: {written[:_LONGEST_ORDER_NAME]!r} is not an order name")
    return name


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _max_seconds(options: Options) -> float | None:
    if options.max_seconds is not None:
        return options.max_seconds.total_seconds()
    return SCHEDULED_SECONDS if _is_scheduled(options) else None


def _backlog_seconds(options: Options) -> float | None:
    """None where someone says how long it may take, and in a dry run, for which nobody waits."""
    if options.max_seconds is not None or options.dry_run:
        return None
    return backlog_seconds() if _is_scheduled(options) else None


def _typed(options: Options) -> Iterator[str]:
    """The options that a run takes over from its dry run, besides those that say what is read."""
    # safeguard: dry-run-of-an-accepted-plan-names-it
    if options.accept_plan is not None:
        yield from ("--accept-plan", options.accept_plan)
    if options.max_writes is not None:
        yield from ("--max-writes", str(options.max_writes))
    if options.max_seconds is not None:
        yield from ("--max-seconds", duration.format(options.max_seconds))
    if options.wait is not None:
        yield from ("--wait", duration.format(options.wait))


def _is_scheduled(options: Options) -> bool:
    return options.kind in (RunKind.SCHEDULED, RunKind.SWEEP)


def _wait(options: Options) -> float:
    if options.wait is not None:
        return options.wait.total_seconds()
    if options.kind is RunKind.SWEEP:
        return _SWEEP_WAIT
    return _MANUAL_WAIT if options.kind is RunKind.SINGLE or options.accept_plan else 0.0
