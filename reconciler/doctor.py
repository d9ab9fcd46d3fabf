"""Collects what `doctor` judges. Sends GETs only, takes no lock, writes nothing."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from reconciler import app, config, inspection
from reconciler.clock import Clock
from reconciler.config import Secret, Settings, file, secret
from reconciler.config.secret import KeyName
from reconciler.core import diagnosis
from reconciler.core.diagnosis import (
    Diagnosis,
    Finding,
    KeyFacts,
    LedgerFacts,
    Name,
    ServiceFacts,
    SettingsFacts,
)
from reconciler.core.records import By
from reconciler.errors import (
    ConfigError,
    KeyRefused,
    ReconcilerError,
    SourceError,
    TargetUnavailable,
)
from reconciler.http import Refused
from reconciler.jetti.client import JettiClient
from reconciler.jetti.collection import FilterIgnored
from reconciler.ledger.location import filesystem_of, mounts, require_local
from reconciler.ledger.opening import check, is_in_use, open_reader
from reconciler.loop.client import LoopClient
from reconciler.loop.query import around
from reconciler.runtime import Runtime

_NOBODY = "0"
"""An id of nothing, so that no personal data is fetched."""


def examine(named: str | None, runtime: Runtime) -> Diagnosis:
    """Look at everything that can be looked at; what is missing is a finding. Raises Interrupted.

    `named` is the value of `--config`.
    """
    return Diagnosis(runtime.clock.now(), tuple(_findings(named, runtime)))


def _findings(named: str | None, runtime: Runtime) -> Iterator[Finding]:
    environ = runtime.environ
    for name in (secret.LOOP_API_KEY, secret.JETTI_API_TOKEN):
        yield from diagnosis.of_key(_key(name, runtime))
    try:
        settings = config.load(named, environ)
        sources = config.sources(settings.file, environ)
    except ConfigError as error:
        yield diagnosis.unusable(
            "settings", Name.SETTINGS_UNUSABLE, str(error), error.hint, error.exit_code
        )
        return
    yield from diagnosis.of_settings(
        SettingsFacts(
            file=str(settings.file) if settings.file else None,
            shadowed=tuple(map(str, file.shadowed(settings.file, environ))),
            sources=sources,
        )
    )
    if isinstance(settings.loop_key, Secret):
        yield from diagnosis.of_service(_loop(settings, runtime))
    if isinstance(settings.jetti_token, Secret):
        yield from diagnosis.of_service(_jetti(settings, runtime))
    if isinstance(settings.ledger_address, ConfigError):
        nowhere = settings.ledger_address
        yield diagnosis.unusable("ledger", Name.LEDGER_UNUSABLE, str(nowhere), nowhere.hint, 2)
    else:
        yield from diagnosis.of_ledger(_ledger(settings, runtime.clock))


def _key(name: KeyName, runtime: Runtime) -> KeyFacts:
    found = secret.find(name, runtime.environ)
    source = secret.source(name, runtime.environ)
    if isinstance(found, ConfigError):
        return KeyFacts(variable=name.variable, source=source, problem=str(found), hint=found.hint)
    return KeyFacts(variable=name.variable, source=source, is_quoted=secret.is_quoted(found))


def _loop(settings: Settings, runtime: Runtime) -> ServiceFacts:
    facts = ServiceFacts(name="Loop", key_setting="LOOP_API_KEY", asked_at=runtime.clock.now())
    try:
        with app.loop_service(settings, runtime) as service:
            # A page as large as those of a run, of a moment in which hardly anything happened.
            query = around([runtime.clock.now()], By.UPDATED, "open", settings.loop.page_size)
            _, date = LoopClient(service, settings.loop.page_size).dated_page(query)
    except KeyRefused as error:
        return replace(facts, refused=str(error))
    except (ConfigError, SourceError) as error:
        return replace(facts, failure=str(error))
    return replace(facts, asked_at=runtime.clock.now(), answered_at=date)


def _jetti(settings: Settings, runtime: Runtime) -> ServiceFacts:
    facts = ServiceFacts(name="Jetti", key_setting="JETTI_API_TOKEN", asked_at=runtime.clock.now())
    missing: tuple[str, ...] = ()
    try:
        with app.jetti_service(settings, app.LOOK_UP, runtime) as service:
            client = JettiClient(service, runtime.clock)
            client.marked([_NOBODY])
            client.items([int(_NOBODY)])
            client.sales([_NOBODY])
            client.sale_items([int(_NOBODY)])
            if settings.mapping.reasons:
                missing = diagnosis.missing_reasons(settings.mapping.reasons, client.reasons())
    except KeyRefused as error:
        return replace(facts, refused=str(error))
    except (ConfigError, TargetUnavailable) as error:
        return replace(facts, failure=str(error))
    except Refused as error:
        return replace(facts, failure=f"Jetti refuses a query that a run needs: it {error}")
    except FilterIgnored:
        return replace(facts, failure="Jetti ignores a filter that a run needs")
    return replace(
        facts,
        asked_at=runtime.clock.now(),
        answered_at=client.answered_at(),
        remarks=client.remarks(),
        missing_reasons=missing,
    )


def _ledger(settings: Settings, clock: Clock) -> LedgerFacts:
    path = settings.ledger_path.absolute()
    table = mounts()
    facts = LedgerFacts(
        path=str(path),
        filesystem=filesystem_of(path.parent.resolve(), table),
        free=_free(path.parent),
        modes=dict(_modes(path, path.parent)),
        directory=str(path.parent),
        is_in_use=is_in_use(settings.ledger),
        ids_key=settings.jetti.cancel_ids_key,
    )
    try:
        require_local(path, table)
        check(settings.ledger, clock)
        with open_reader(settings.ledger, clock) as ledger:
            proven = ledger.meta.read().proven_ids_key
        health = inspection.health(settings, clock, None)
    except ReconcilerError as error:
        return replace(facts, problem=str(error), hint=error.hint)
    return replace(facts, proven_ids_key=proven, health=health)


def _free(directory: Path) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(directory).free
    return None


def _modes(*paths: Path) -> Iterator[tuple[str, int]]:
    for path in paths:
        with suppress(OSError):
            yield str(path), stat.S_IMODE(path.stat().st_mode)
