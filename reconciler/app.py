"""The composition root: settings in, wired parts out; the only place that knows every part."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from msgspec import Struct

from reconciler.config import Settings
from reconciler.core.estimate import Rates
from reconciler.core.guard import RangeSum
from reconciler.core.plan import CreationRules
from reconciler.core.records import By
from reconciler.core.report import JettiRequests, LoopRequests, Report, Requests, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards
from reconciler.core.target import Preview, Target
from reconciler.errors import (
    ConfigError,
    Interrupted,
    LedgerError,
    ReconcilerError,
    SourceError,
    TargetUnavailable,
    unforeseen,
)
from reconciler.finish import Opening, close
from reconciler.http import Endpoint, PerMinute, PerSecond, Service, connect
from reconciler.ingest import Ingest, Projection
from reconciler.ledger import opening as ledgers
from reconciler.ledger.schema import InitialState
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.loop import LoopReader
from reconciler.reconcile import Bounds, Parts, Pass
from reconciler.runtime import Runtime

_FIRST_WATERMARK = timedelta(hours=24)
_STEP = 5.0  # seconds between two signs that a wait goes on
_NEVER = datetime.max.replace(tzinfo=UTC)
_NO_GUARDS = Guards(creates=sys.maxsize, updates=sys.maxsize)
"""Of a look without a ledger, after which nothing can be let through."""


class Initialised(Struct, frozen=True):
    """What `init` did."""

    ledger: str
    created: bool
    go_live: datetime
    watermark: datetime
    unproven: bool = True
    """Whether no create has proven `jetti.cancel_ids_key` yet."""
    report: Report | None = None
    """Of the adopting pass."""


def run(settings: Settings, request: RunRequest, runtime: Runtime) -> Report:
    """Make one pass. Raises ReconcilerError only when it could not start.

    Everything that goes wrong later stands in the report, whose exit code is the verdict.
    """
    try:
        _require_keys(settings, request)
    except ConfigError as error:
        remember(settings, request, runtime, error)
        raise
    with _ledger(settings, request, runtime) as ledger:
        rules = CreationRules(
            policy=settings.policy,
            go_live=ledger.meta.read().go_live,
            asked_for=request.asked_for,
        )
        return _pass(settings, request, runtime, ledger, rules)


def initialise(
    settings: Settings, *, since: datetime | None, adopt: bool, repin: bool, runtime: Runtime
) -> Initialised:
    """Create the ledger; on an existing one only adopt or forget pins. Raises ReconcilerError."""
    now = runtime.clock.now()
    existed = ledgers.exists(settings.ledger)
    start = (since or now - _FIRST_WATERMARK).replace(microsecond=0)
    if adopt:
        # Refused before anything is made.
        settings.require_loop_key()
        settings.require_jetti_token()
    if not (existed and (adopt or repin)):
        looking = start if adopt else None
        initial = InitialState(start, start, _projection(settings).version, looking)
        ledgers.create(settings.ledger, initial, runtime.clock)
    with ledgers.open_ledger(
        settings.ledger, runtime.clock, busy_seconds=runtime.busy_seconds
    ) as ledger:
        if repin:
            ledger.meta.repin()
        report = None
        if adopt:
            report = _adopt(settings, since or _oldest(ledger, start, now), runtime, ledger)
        meta = ledger.meta.read()
    return Initialised(
        ledger=settings.ledger,
        created=not existed,
        go_live=meta.go_live,
        watermark=meta.watermark,
        unproven=meta.proven_ids_key != settings.jetti.cancel_ids_key,
        report=report,
    )


def _oldest(ledger: SqlLedger, start: datetime, now: datetime) -> datetime:
    """Since when to look: Jetti may have everything that this ledger would create.

    So a stop that names `init --adopt` is over after just that command.
    """
    due = (entry.seen.created_at for entry in ledger.entries.due(now))
    return min((start, ledger.meta.read().go_live, *due)).replace(microsecond=0)


def _adopt(settings: Settings, start: datetime, runtime: Runtime, ledger: SqlLedger) -> Report:
    """Look for every return since then; no go-live has come, so nothing would be created.

    What an adoption that was broken off had to look for is looked for again, and only one that
    has looked everywhere counts as finished.
    """
    unfinished = ledger.meta.read().adopting_since
    start = min(start, unfinished or start)
    ledger.meta.begin_adoption(start)
    rules = CreationRules(policy=settings.policy, go_live=_NEVER, asked_for=False)
    # safeguard: keys-before-the-wait
    _try_keys(settings, runtime, ledger, rules)
    try:
        _let_settle(settings.jetti.settle, runtime, ledger)
    except Interrupted as error:
        error.hint = "nothing was looked for yet: run `reconciler init --adopt` again"
        raise
    request = RunRequest(kind=RunKind.RANGE, start=start, by=By.UPDATED)
    report = _pass(settings, request, runtime, ledger, rules, adopts=True)
    # safeguard: adoption-is-complete
    if not report.run.failures:
        ledger.meta.end_adoption()
    return report


def _try_keys(
    settings: Settings, runtime: Runtime, ledger: SqlLedger, rules: CreationRules
) -> None:
    """Raises KeyRefused before anybody has waited; whatever else is wrong, the pass will tell."""
    from reconciler.jetti import factory

    with suppress(SourceError), _loop(settings, runtime) as loop:
        LoopReader(loop, runtime.clock, settings.loop.page_size).server_time()
    with (
        suppress(TargetUnavailable),
        _jetti(settings, RunRequest(), runtime, reads_only=True) as jetti,
    ):
        if jetti is not None:
            # The question that adopting begins with: a key need not be good for any other.
            factory.build(settings.jetti, jetti, ledger, rules, runtime.clock).matcher.ping()


def _let_settle(settle: timedelta, runtime: Runtime, ledger: SqlLedger) -> None:
    """What a lost ledger's last run sent may still be about to take effect.

    That run ended before this ledger was made, whoever waited since then and was broken off.
    """
    made_at = ledger.meta.read().created_at or runtime.clock.now()
    # safeguard: settle-before-adopting
    left = min(settle, made_at + settle - runtime.clock.now()).total_seconds()
    while left > 0:
        runtime.progress.settling(left)
        step = min(_STEP, left)
        runtime.clock.wait(step)
        left -= step


def _pass(
    settings: Settings,
    request: RunRequest,
    runtime: Runtime,
    ledger: SqlLedger,
    rules: CreationRules,
    *,
    adopts: bool = False,
) -> Report:
    """One pass, in history from its first moment, however it ends."""
    opening = _open(settings, request, runtime, ledger)
    try:
        return _passed(settings, request, runtime, ledger, rules, opening, adopts=adopts)
    except ReconcilerError as error:
        _end(ledger, opening, runtime, error.status, str(error))
        raise
    except Exception as error:
        told, _ = unforeseen(error)
        _end(ledger, opening, runtime, 1, told)
        raise


def _passed(
    settings: Settings,
    request: RunRequest,
    runtime: Runtime,
    ledger: SqlLedger,
    rules: CreationRules,
    opening: Opening,
    *,
    adopts: bool,
) -> Report:
    missing = _is_missing(settings, request)
    with ExitStack() as stack:
        loop = stack.enter_context(_loop(settings, runtime))
        jetti = stack.enter_context(_jetti(settings, request, runtime, reads_only=adopts))
        source = LoopReader(loop, runtime.clock, settings.loop.page_size)
        ingest = Ingest(
            source,
            ledger,
            _projection(settings),
            runtime.clock,
            runtime.progress,
            run_id=opening.run.id,
        )
        parts = Parts(
            source=source,
            ledger=ledger,
            target=cache(
                lambda: _target(settings, request, runtime, ledger, rules, jetti, adopts=adopts)
            ),
            ingest=ingest,
            clock=runtime.clock,
            progress=runtime.progress,
            bounds=Bounds(settings.loop.lag, settings.loop.overlap, settings.loop.window),
            rules=rules,
            guards=_NO_GUARDS if missing else settings.guard,
            mapping=settings.mapping,
            mapping_version=_projection(settings).version,
            ids_key=settings.jetti.cancel_ids_key,
            command=request.command,
            requests=partial(_requests, loop, jetti),
            consent=_anybody if missing else runtime.consent,
            rates=Rates(settings.jetti.reads_per_second, settings.jetti.writes_per_second),
        )
        made = Pass(request, parts)
        made.make()
        return close(made, request, parts, opening)


def _open(settings: Settings, request: RunRequest, runtime: Runtime, ledger: SqlLedger) -> Opening:
    started_at, meta = runtime.clock.now(), ledger.meta.read()
    return Opening(
        run=ledger.runs.begin(request.kind, started_at),
        watermark=None if _is_missing(settings, request) else meta.watermark,
        creation_stopped=meta.creation_stopped,
        remarks=_remarks(settings, request),
    )


def _end(ledger: SqlLedger, opening: Opening, runtime: Runtime, code: int, message: str) -> None:
    """Let `status` know how a pass ended that came to no report."""
    at = runtime.clock.now()
    with suppress(LedgerError):  # perhaps it is what broke; the error itself is raised in any case
        ledger.runs.finish(opening.run, at=at, exit_code=code, counts={}, message=message)


def _target(
    settings: Settings,
    request: RunRequest,
    runtime: Runtime,
    ledger: SqlLedger,
    rules: CreationRules,
    jetti: Service | None,
    *,
    adopts: bool,
) -> Target:
    if jetti is None:
        return Preview()
    from reconciler.jetti import factory

    parts = factory.build(settings.jetti, jetti, ledger, rules, runtime.clock)
    if adopts:
        return parts.adopter()
    # safeguard: dry-runs-push-nothing
    return parts.preview() if request.dry_run else parts.pusher()


# ------------------------------------------------------------------------------------ services


def _loop(settings: Settings, runtime: Runtime) -> Service:
    return _connect(
        runtime,
        Endpoint(
            name="Loop",
            base_url=settings.loop.base_url,
            key_header=("X-Authorization", settings.require_loop_key().reveal()),
            key_setting="LOOP_API_KEY",
            unavailable=SourceError,
            pace=PerMinute(settings.loop.requests_per_minute),
        ),
    )


def _requests(loop: Service, jetti: Service | None) -> Requests:
    """Requests that left for both services so far."""
    to_jetti = JettiRequests(jetti.requests.get, jetti.requests.write) if jetti else JettiRequests()
    return Requests(LoopRequests(loop.requests.get), to_jetti)


def _connect(runtime: Runtime, endpoint: Endpoint) -> Service:
    service: Service = (runtime.connect or connect)(endpoint, runtime.clock)
    return service


@contextmanager
def _jetti(
    settings: Settings, request: RunRequest, runtime: Runtime, *, reads_only: bool
) -> Iterator[Service | None]:
    """Jetti as far as this pass may reach it; a dry run, without lock, keeps half the pace."""
    if not request.reaches_jetti:
        yield None
        return
    share = 0.5 if request.dry_run else 1.0
    # safeguard: dry-runs-cannot-write
    writes = frozenset() if request.dry_run or reads_only else frozenset({"POST", "PUT"})
    endpoint = Endpoint(
        name="Jetti",
        base_url=settings.jetti.base_url,
        key_header=("Authorization", f"Bearer {settings.require_jetti_token().reveal()}"),
        key_setting="JETTI_API_TOKEN",
        unavailable=TargetUnavailable,
        pace=PerSecond(
            settings.jetti.reads_per_second * share, settings.jetti.writes_per_second * share
        ),
        methods=frozenset({"GET"}) | writes,
    )
    with _connect(runtime, endpoint) as service:
        yield service


# -------------------------------------------------------------------------------------- ledger


def _ledger(
    settings: Settings, request: RunRequest, runtime: Runtime
) -> AbstractContextManager[SqlLedger]:
    """The ledger itself under its lock; for a dry run a copy, or a blank one if there is none."""
    if not request.dry_run:
        return ledgers.open_ledger(
            settings.ledger, runtime.clock, wait=request.wait, busy_seconds=runtime.busy_seconds
        )
    if settings.has_ledger:
        # safeguard: dry-runs-leave-the-ledger-alone
        return ledgers.open_scratch(settings.ledger, runtime.clock)
    # As `init --since` with the start of the range would make it.
    start = (request.start or runtime.clock.now() - _FIRST_WATERMARK).replace(microsecond=0)
    return ledgers.open_blank(
        InitialState(start, start, _projection(settings).version), runtime.clock
    )


def _require_keys(settings: Settings, request: RunRequest) -> None:
    settings.require_loop_key()
    if request.reaches_jetti:
        settings.require_jetti_token()


def remember(
    settings: Settings, request: RunRequest, runtime: Runtime, error: ReconcilerError
) -> None:
    """Let `status` know of a run that could not start, where there is a ledger to tell it."""
    if request.dry_run:
        return
    with (
        suppress(ReconcilerError),  # the run ends with what kept it from starting in any case
        ledgers.open_ledger(
            settings.ledger, runtime.clock, busy_seconds=runtime.busy_seconds
        ) as ledger,
    ):
        opening = _open(settings, request, runtime, ledger)
        _end(ledger, opening, runtime, error.status, str(error))


def _projection(settings: Settings) -> Projection:
    return Projection(settings.mapping, settings.policy.held_states)


def _is_missing(settings: Settings, request: RunRequest) -> bool:
    """Whether the pass looks without a ledger."""
    return request.dry_run and not settings.has_ledger


def _anybody(_total: Callable[[], RangeSum]) -> bool:
    """Consent where nothing can come of it."""
    return True


def _remarks(settings: Settings, request: RunRequest) -> tuple[str, ...]:
    if _is_missing(settings, request):
        return ("there is no ledger yet, so every return counts as new",)
    return ()
