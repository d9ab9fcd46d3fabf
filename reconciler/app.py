"""The composition root: settings in, wired parts out; the only place that knows every part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler import adoption, deadline, steps
from reconciler.approval import Approval, Consent, GuardedApproval, GuardPolicy, UnguardedApproval
from reconciler.config import Settings
from reconciler.core.estimate import Rates
from reconciler.core.guard import RangeSum
from reconciler.core.live_order import LiveOrder
from reconciler.core.model import Entry
from reconciler.core.pass_result import PassResult, PassStart
from reconciler.core.plan import CreationRules, Planner
from reconciler.core.report import JettiRequests, LoopRequests, Report, Requests, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Guards
from reconciler.core.target import DeferredTarget, LedgerPreview, Target
from reconciler.core.windows import WindowPolicy
from reconciler.errors import (
    ConfigError,
    Interrupted,
    KeyRefused,
    ReconcilerError,
    SourceError,
    TargetUnavailable,
)
from reconciler.finish import ReportSettings, finish
from reconciler.http import Endpoint, PerMinute, PerSecond, Service, connect
from reconciler.ingest import Ingest, Projection
from reconciler.ledger import opening as ledgers
from reconciler.ledger.schema import InitialState
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.loop import LoopReader
from reconciler.reconcile import Pass, PassDependencies
from reconciler.request_reader import RequestReader
from reconciler.run_history import recorded
from reconciler.runtime import Runtime

if TYPE_CHECKING:
    from reconciler.core.verification.report import Verification, VerifyRequest
    from reconciler.jetti.targets import JettiTargets
    from reconciler.verification import Verifier

_GO_LIVE_AGO = timedelta(hours=24)
"""Go-live and first watermark of a new ledger, where nobody names another time."""
_KEY_TRIAL = 15.0
"""Seconds that a service has in `init`, which only tries its key (`deadline.within`)."""
"""Of a dry run without a ledger, after which nothing can be accepted."""


class JettiAccess(Struct, frozen=True):
    """What a pass may do in Jetti, and which target does it."""

    target: Callable[[JettiTargets], Target]
    methods: frozenset[str]
    pace: float = 1.0
    """Share of the pace in the settings."""


# safeguard: dry-runs-cannot-write
_READS = frozenset({"GET"})
_PUSH = JettiAccess(target=lambda parts: parts.pusher(), methods=_READS | {"POST", "PUT"})
_ADOPT = JettiAccess(target=lambda parts: parts.adopter(), methods=_READS)
LOOK_UP = JettiAccess(
    # safeguard: dry-runs-push-nothing
    target=lambda parts: parts.preview(),
    methods=_READS,
    pace=0.5,  # a dry run takes no lock, so a run may go on beside it
)


class LedgerChoice(Struct, frozen=True):
    """Which ledger a run works on, and how far its plan is guarded by that."""

    opened: AbstractContextManager[SqlLedger]
    guards: Guards
    consent: Consent
    is_blank: bool = False
    """Whether there is no ledger yet: its watermark was set by nobody."""
    is_copy: bool = False
    """Whether it is a copy, beside which a run may go on."""


class PassSetup(Struct, frozen=True):
    """In what one pass differs from another."""

    request: RunRequest
    start: PassStart
    ledger: SqlLedger
    rules: CreationRules
    access: JettiAccess | None
    """None: no request goes to Jetti."""
    approval: Callable[[DeferredTarget], Approval]


class Initialised(Struct, frozen=True):
    """What `init` did."""

    ledger: str
    created: bool
    go_live: datetime
    go_live_before: datetime
    """The same unless adopting moved it."""
    watermark: datetime
    unproven: bool = True
    """Whether no create has proven `jetti.cancel_ids_key` yet, and one still may."""
    report: Report | None = None
    """Of the adopting pass."""
    untried: tuple[str, ...] = ()
    """Why a key could not be tried."""


# ------------------------------------------------------------------------------------- commands


def run(settings: Settings, request: RunRequest, runtime: Runtime) -> Report:
    """Make one pass. Raises ReconcilerError only when it could not start.

    Everything that goes wrong later is in the report, with its exit code.
    """
    access = _access_of(request)
    try:
        settings.require_loop_key()
        if access is not None:
            settings.require_jetti_token()
    except ConfigError as error:
        record_failed_start(settings, request, runtime, error)
        raise
    chosen = _ledger_of(settings, request, runtime)
    policy = GuardPolicy(
        guards=chosen.guards,
        consent=chosen.consent,
        mapping_version=_projection(settings).version,
        rates=_rates(settings),
    )
    is_beside_a_run = chosen.is_copy and ledgers.is_in_use(settings.ledger)
    with chosen.opened as ledger:
        # Looked at on both sides of the copy: the run may begin or end meanwhile.
        is_beside_a_run |= chosen.is_copy and ledgers.is_in_use(settings.ledger)
        rules = _creation_rules(settings, ledger, asked_for=request.asked_for)
        go_live = rules.go_live
        with recorded(ledger, request, runtime.clock) as start:
            runtime.on_begun()
            if chosen.is_blank:
                remark = "there is no ledger yet, so every return counts as new"
                start = replace(start, watermark=None, would_go_live=go_live, remarks=(remark,))
            if is_beside_a_run:
                remark = "another run is going on: what it is writing just now counts as no problem"
                start = replace(start, is_beside_a_run=True, remarks=(remark,))
            setup = PassSetup(
                request,
                start,
                ledger,
                rules,
                access,
                approval=lambda target: GuardedApproval(
                    request, start, ledger, target, policy, runtime.clock
                ),
            )
            return _run_pass(settings, setup, runtime)


def record_failed_start(
    settings: Settings, request: RunRequest, runtime: Runtime, error: ReconcilerError
) -> None:
    """Let `status` know of a run that could not start, where there is a ledger to tell it.

    Raises nothing: the run ends with what kept it from starting in any case.
    """
    if request.dry_run:
        return  # which leaves no trace
    with (
        suppress(ReconcilerError),
        ledgers.open_ledger(
            settings.ledger, runtime.clock, busy_seconds=runtime.busy_seconds
        ) as ledger,
        recorded(ledger, request, runtime.clock),
    ):
        raise error


def verify(settings: Settings, request: VerifyRequest, runtime: Runtime) -> Verification:
    """Compare Loop, the ledger and Jetti; with `repair` also make the pass that settles what can
    be. Raises ReconcilerError where nothing could be compared at all."""
    settings.require_loop_key()
    settings.require_jetti_token()
    if request.repair:
        return _repair(settings, request, runtime)
    # safeguard: verify-leaves-the-ledger-alone
    with ledgers.open_reader(settings.ledger, runtime.clock) as ledger:
        found, _ = _verified(settings, request, runtime, ledger, LOOK_UP)
    return found


def _repair(settings: Settings, request: VerifyRequest, runtime: Runtime) -> Verification:
    opened = ledgers.open_ledger(
        settings.ledger, runtime.clock, wait=request.wait, busy_seconds=runtime.busy_seconds
    )
    with opened as ledger:
        rules = _creation_rules(settings, ledger)
        with recorded(ledger, request.run_request(), runtime.clock) as start:
            # Reads alone, until what was found has been recorded.
            found, verifier = _verified(settings, request, runtime, ledger, _ADOPT)
            ledger.journal.apply_all(verifier.steps)
            run_request = request.run_request(verifier.to_repair)
            policy = GuardPolicy(
                guards=settings.guard,
                consent=runtime.consent,
                mapping_version=_projection(settings).version,
                rates=_rates(settings),
            )
            setup = PassSetup(
                run_request,
                start,
                ledger,
                rules,
                _PUSH,
                approval=lambda target: GuardedApproval(
                    run_request, start, ledger, target, policy, runtime.clock
                ),
            )
            result, made = _carry_out(settings, setup, runtime)
    from reconciler.core.verification.report import repaired

    pending = {return_id for return_id, _ in verifier.steps}
    return repaired(found, pending, result.read_ids, made)


def _verified(
    settings: Settings,
    request: VerifyRequest,
    runtime: Runtime,
    ledger: SqlLedger,
    access: JettiAccess,
) -> tuple[Verification, Verifier]:
    from reconciler.jetti.client import JettiClient  # late, like the targets
    from reconciler.jetti.foresight import Foresight
    from reconciler.jetti.lookup import Lookup
    from reconciler.verification import Verifier, VerifierParts

    with (
        loop_service(settings, runtime) as loop,
        jetti_service(settings, access, runtime) as jetti,
    ):
        lookup = Lookup(JettiClient(jetti, runtime.clock), runtime.clock)
        parts = VerifierParts(
            source=LoopReader(loop, runtime.clock, settings.loop.page_size),
            lookup=lookup,
            foresight=Foresight(lookup, ledger),
            ledger=ledger,
            projection=_projection(settings),
            rules=_creation_rules(settings, ledger),
            windows=_windows(settings),
            requests=partial(_requests, loop, jetti),
            clock=runtime.clock,
            progress=runtime.progress,
        )
        verifier = Verifier(request, parts)
        try:
            return verifier.verify(), verifier
        except Interrupted as error:
            error.hint = "nothing was changed: verify again"
            raise


def initialise(
    settings: Settings, *, since: datetime | None, adopt: bool, repin: bool, runtime: Runtime
) -> Initialised:
    """Create the ledger; on an existing one only adopt or forget pins. Raises ReconcilerError."""
    now = runtime.clock.now()
    since = since.replace(microsecond=0) if since else None
    existed = ledgers.exists(settings.ledger)
    untried: tuple[str, ...] = ()
    start = (since or now - _GO_LIVE_AGO).replace(microsecond=0)
    if repin:
        ledgers.require(settings.ledger)  # nothing is pinned where there is none
    if adopt:
        # Refused before anything is made.
        settings.require_loop_key()
        settings.require_jetti_token()
    elif not existed:
        # safeguard: keys-before-the-ledger
        untried = _try_keys(settings, runtime)
    if not (existed and (adopt or repin)):
        adopting_since = start if adopt else None
        initial = InitialState(start, start, _projection(settings).version, adopting_since)
        ledgers.create(settings.ledger, initial, runtime.clock)
    with ledgers.open_ledger(
        settings.ledger, runtime.clock, busy_seconds=runtime.busy_seconds
    ) as ledger:
        if repin:
            ledger.meta.repin()
        go_live_before, report = ledger.meta.read().go_live, None
        if adopt:
            oldest = adoption.where_to_start(ledger, since, now, _GO_LIVE_AGO)
            request = adoption.begin(ledger, oldest, since)
            report = _adopt(settings, request, runtime, ledger)
        meta = ledger.meta.read()
    return Initialised(
        ledger=settings.ledger,
        created=not existed,
        go_live=meta.go_live,
        go_live_before=go_live_before,
        watermark=meta.watermark,
        unproven=(
            meta.creation_stopped is None and meta.proven_ids_key != settings.jetti.cancel_ids_key
        ),
        report=report,
        untried=untried,
    )


def _adopt(settings: Settings, request: RunRequest, runtime: Runtime, ledger: SqlLedger) -> Report:
    rules = adoption.creation_rules(ledger, settings.policy)
    with adoption.before_looking(ledger):
        # safeguard: keys-before-the-wait
        _try_keys(settings, runtime)
        adoption.wait_until_settled(ledger, settings.jetti.settle, runtime.clock, runtime.progress)
    with recorded(ledger, request, runtime.clock) as start:
        setup = PassSetup(request, start, ledger, rules, _ADOPT, lambda _: UnguardedApproval())
        report = _run_pass(settings, setup, runtime)
    adoption.end(ledger, report)
    return report


def _try_keys(settings: Settings, runtime: Runtime) -> tuple[str, ...]:
    """Send each key that is set with one question, and return why one could not be tried.

    Raises KeyRefused, which names each that was refused.
    """
    runtime = deadline.within(runtime, _KEY_TRIAL)
    refused, untried = [], []
    for name, ask in (("Loop", _try_loop_key), ("Jetti", _try_jetti_token)):
        try:
            ask(settings, runtime)
        except KeyRefused as error:
            refused.append(error)
        except (ConfigError, SourceError, TargetUnavailable) as error:
            untried.append(f"the key for {name} was not tried: {error}")
    if refused:
        raise KeyRefused("; ".join(map(str, refused)), "; ".join(e.hint or "" for e in refused))
    return tuple(untried)


def _try_loop_key(settings: Settings, runtime: Runtime) -> None:
    """Raises KeyRefused, SourceError, ConfigError."""
    with loop_service(settings, runtime) as loop:
        LoopReader(loop, runtime.clock, settings.loop.page_size).server_time()


def _try_jetti_token(settings: Settings, runtime: Runtime) -> None:
    """Raises KeyRefused, TargetUnavailable, ConfigError."""
    with jetti_service(settings, _ADOPT, runtime) as jetti:
        _ask_jetti(jetti, runtime)


def _ask_jetti(jetti: Service, runtime: Runtime) -> None:
    """The question that every push and every adoption begins with: a key need not be good for any
    other. Raises KeyRefused, TargetUnavailable."""
    from reconciler.jetti.client import JettiClient  # late, as in _jetti_targets
    from reconciler.jetti.lookup import Lookup

    Lookup(JettiClient(jetti, runtime.clock), runtime.clock).ping()


# ------------------------------------------------------------------------------------ only looks


def look(
    settings: Settings,
    runtime: Runtime,
    ledger: SqlLedger,
    entries: Sequence[Entry],
    rules: CreationRules,
) -> dict[str, LiveOrder]:
    """What Jetti holds of these entries' orders now, by return id; GETs only, at half the pace.

    Raises ConfigError without a token; SafetyStop (another account), KeyRefused, TargetUnavailable,
    Interrupted.
    """
    with jetti_service(settings, LOOK_UP, runtime) as jetti:
        parts = _jetti_targets(settings, jetti, ledger, rules, runtime)
        return parts.viewer().look_at(entries)


# ----------------------------------------------------------------------------------------- pass


def _run_pass(settings: Settings, setup: PassSetup, runtime: Runtime) -> Report:
    return _carry_out(settings, setup, runtime)[1]


def _carry_out(settings: Settings, setup: PassSetup, runtime: Runtime) -> tuple[PassResult, Report]:
    ledger, clock = setup.ledger, runtime.clock
    with ExitStack() as stack:
        loop = stack.enter_context(loop_service(settings, runtime))
        preview = partial(LedgerPreview, setup.start.creation_stopped)
        jetti, target = None, DeferredTarget(preview)
        if access := setup.access:
            jetti = stack.enter_context(jetti_service(settings, access, runtime))
            parts = partial(_jetti_targets, settings, jetti, ledger, setup.rules, runtime)
            target = DeferredTarget(lambda: access.target(parts()))
        # safeguard: sweeps-try-both-keys
        tries_key = setup.request.kind is RunKind.SWEEP and not setup.request.dry_run
        source = LoopReader(loop, clock, settings.loop.page_size)
        planner = Planner(setup.rules, setup.start.run.started_at, steps.decided)
        ingest = Ingest(
            source,
            ledger,
            _projection(settings),
            planner,
            clock,
            runtime.progress,
            run_id=setup.start.run.id,
        )
        dependencies = PassDependencies(
            reader=RequestReader(source, ledger, ingest, _windows(settings), clock),
            ledger=ledger,
            rules=setup.rules,
            planner=planner,
            approval=setup.approval(target),
            target=target,
            try_jetti_token=partial(_ask_jetti, jetti, runtime) if tries_key and jetti else None,
            requests=partial(_requests, loop, jetti),
            clock=clock,
            progress=runtime.progress,
            rates=_rates(settings),
        )
        result = Pass(setup.request, setup.start, dependencies).run()
        shown = ReportSettings(settings.policy, settings.mapping, settings.jetti.cancel_ids_key)
        return result, finish(result, ledger, clock, shown)


def _jetti_targets(
    settings: Settings, jetti: Service, ledger: SqlLedger, rules: CreationRules, runtime: Runtime
) -> JettiTargets:
    from reconciler.jetti import targets  # late: a pass that finds nothing to push needs none of it

    return targets.build(settings.jetti, jetti, ledger, rules, runtime.clock)


def _requests(loop: Service, jetti: Service | None) -> Requests:
    """Requests that left for both services so far."""
    to_jetti = JettiRequests()
    if jetti is not None:
        to_jetti = JettiRequests(jetti.requests.get, jetti.requests.write, jetti.retries)
    return Requests(LoopRequests(loop.requests.get, loop.retries), to_jetti)


def _rates(settings: Settings) -> Rates:
    return Rates(settings.jetti.reads_per_second, settings.jetti.writes_per_second)


def _windows(settings: Settings) -> WindowPolicy:
    return WindowPolicy(settings.loop.lag, settings.loop.overlap, settings.loop.window)


def _creation_rules(
    settings: Settings, ledger: SqlLedger, *, asked_for: bool = False
) -> CreationRules:
    return CreationRules(settings.policy, ledger.meta.read().go_live, asked_for=asked_for)


def _projection(settings: Settings) -> Projection:
    return Projection(settings.mapping, settings.policy.held_states)


# ------------------------------------------------------------------------------------ services


def _access_of(request: RunRequest) -> JettiAccess | None:
    if not request.dry_run:
        return _PUSH
    return LOOK_UP if request.against_jetti else None


def loop_service(settings: Settings, runtime: Runtime) -> Service:
    """Loop, which is only read. Raises ConfigError."""
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


def jetti_service(settings: Settings, access: JettiAccess, runtime: Runtime) -> Service:
    """Jetti, with these methods at this pace. Raises ConfigError."""
    return _connect(
        runtime,
        Endpoint(
            name="Jetti",
            base_url=settings.jetti.base_url,
            key_header=("Authorization", f"Bearer {settings.require_jetti_token().reveal()}"),
            key_setting="JETTI_API_TOKEN",
            unavailable=TargetUnavailable,
            pace=PerSecond(
                settings.jetti.reads_per_second * access.pace,
                settings.jetti.writes_per_second * access.pace,
            ),
            methods=access.methods,
        ),
    )


def _connect(runtime: Runtime, endpoint: Endpoint) -> Service:
    service: Service = (runtime.connect or connect)(endpoint, runtime.clock)
    return service


# -------------------------------------------------------------------------------------- ledger


def _ledger_of(settings: Settings, request: RunRequest, runtime: Runtime) -> LedgerChoice:
    """The ledger itself under its lock; for a dry run a copy, or a blank one if there is none."""
    if not request.dry_run:
        opened = ledgers.open_ledger(
            settings.ledger, runtime.clock, wait=request.wait, busy_seconds=runtime.busy_seconds
        )
        return LedgerChoice(opened, settings.guard, runtime.consent)
    if settings.has_ledger:
        if request.since is not None:
            raise ConfigError(
                "--since is for a dry run before `reconciler init`; there is a ledger already",
                "leave it out: what a run would do depends on the ledger",
            )
        # safeguard: dry-runs-leave-the-ledger-alone
        opened = ledgers.open_scratch(settings.ledger, runtime.clock)
        return LedgerChoice(opened, settings.guard, runtime.consent, is_copy=True)
    # As `init --since` would make it, with the time that was named or the start of the range.
    # safeguard: first-dry-run-and-first-run-agree
    start = request.since or request.start or runtime.clock.now() - _GO_LIVE_AGO
    start = start.replace(microsecond=0)
    initial = InitialState(start, start, _projection(settings).version)
    blank = ledgers.open_blank(initial, runtime.clock)
    return LedgerChoice(blank, settings.guard, _consent_given, is_blank=True)


def _consent_given(_total: Callable[[], RangeSum]) -> bool:
    """Of a dry run without a ledger: what someone agrees to could be recorded nowhere."""
    return True
