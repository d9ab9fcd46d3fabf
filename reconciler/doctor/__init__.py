"""Collects what `doctor` judges. Sends GETs only, takes no lock, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from reconciler import config
from reconciler.config import Secret, Settings, file, secret
from reconciler.core.diagnosis import ledger as judging_ledger
from reconciler.core.diagnosis import settings as judging_settings
from reconciler.core.diagnosis.finding import Diagnosis, Finding, Name, unusable
from reconciler.core.diagnosis.jetti import JettiFacts, of_jetti
from reconciler.core.diagnosis.ledger import LedgerFacts
from reconciler.core.diagnosis.loop import LoopFacts, of_loop
from reconciler.core.diagnosis.schedule import of_schedule
from reconciler.core.diagnosis.settings import SettingsFacts
from reconciler.doctor import jetti, keys, ledger, loop, schedule
from reconciler.errors import ConfigError
from reconciler.runtime import Runtime


def examine(load: Callable[[], Settings], runtime: Runtime) -> Diagnosis:
    """Look at everything that can be looked at; what is missing is a finding. Raises Interrupted.

    `load` reads the settings, and may raise ConfigError.
    """
    return Diagnosis(runtime.clock.now(), tuple(_findings(load, runtime)))


def _findings(load: Callable[[], Settings], runtime: Runtime) -> Iterator[Finding]:
    try:
        settings = load()
        given = _settings(settings, runtime)
    except ConfigError as error:
        # Which services and which ledger are meant, nobody can tell.
        yield unusable("settings", Name.SETTINGS_UNUSABLE, str(error), error.hint, error.exit_code)
        for name in (secret.LOOP_API_KEY, secret.JETTI_API_TOKEN):
            found = secret.find(name, runtime.environ)
            yield from judging_settings.of_key(keys.facts(name, found, runtime.environ))
        return
    yield from judging_settings.of_settings(given)
    for name, key in (
        (secret.LOOP_API_KEY, settings.loop_key),
        (secret.JETTI_API_TOKEN, settings.jetti_token),
    ):
        yield from judging_settings.of_key(keys.facts(name, key, runtime.environ))
    nowhere = settings.ledger_address
    known = None if isinstance(nowhere, ConfigError) else ledger.facts(settings, runtime.clock)
    of_both = _ask_both(settings, runtime, known)
    if of_both.loop is not None:
        yield from of_loop(of_both.loop)
    if of_both.jetti is not None:
        yield from of_jetti(of_both.jetti)
    if known is not None:
        could_prove = of_both.jetti.could_prove if of_both.jetti else None
        yield from judging_ledger.of_ledger(known, could_prove)
        yield from of_schedule(schedule.facts(settings.ledger_path.absolute(), runtime.environ))
    elif isinstance(nowhere, ConfigError):
        yield unusable("ledger", Name.LEDGER_UNUSABLE, str(nowhere), nowhere.hint, 2)


class _Both(Struct, frozen=True):
    """What the services answered; None of one that there is no key for."""

    loop: LoopFacts | None
    jetti: JettiFacts | None


def _ask_both(settings: Settings, runtime: Runtime, known: LedgerFacts | None) -> _Both:
    """Both at the same time: each may take as long as it is given."""
    sale_returns = known.sale_returns if known else ()
    creates = known.open_creates if known else ()
    with ThreadPoolExecutor(2) as together:
        of_loop, of_jetti = None, None
        if isinstance(settings.loop_key, Secret):
            of_loop = together.submit(loop.facts, settings, runtime)
        if isinstance(settings.jetti_token, Secret):
            of_jetti = together.submit(jetti.facts, settings, runtime, sale_returns, creates)
        return _Both(of_loop.result() if of_loop else None, of_jetti.result() if of_jetti else None)


def _settings(settings: Settings, runtime: Runtime) -> SettingsFacts:
    """Raises ConfigError."""
    return SettingsFacts(
        file=str(settings.file) if settings.file else None,
        shadowed=tuple(map(str, file.shadowed(settings.file, runtime.environ))),
        sources=config.sources(settings.file, runtime.environ),
    )
