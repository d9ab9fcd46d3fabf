"""Collects what `doctor` judges. Sends GETs only, takes no lock, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from reconciler import config
from reconciler.config import Secret, Settings, file, secret
from reconciler.core.diagnosis import ledger as judging_ledger
from reconciler.core.diagnosis import settings as judging_settings
from reconciler.core.diagnosis.finding import Diagnosis, Finding, Name, unusable
from reconciler.core.diagnosis.jetti import of_jetti
from reconciler.core.diagnosis.loop import of_loop
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
    yield from _of_services(settings, runtime, known.sale_returns if known else ())
    if known is not None:
        yield from judging_ledger.of_ledger(known)
        yield from of_schedule(schedule.facts(settings.ledger_path.absolute(), runtime.environ))
    elif isinstance(nowhere, ConfigError):
        yield unusable("ledger", Name.LEDGER_UNUSABLE, str(nowhere), nowhere.hint, 2)


def _of_services(
    settings: Settings, runtime: Runtime, sale_returns: Sequence[int]
) -> Iterator[Finding]:
    """Both are asked at the same time: each may take as long as it is given."""
    with ThreadPoolExecutor(2) as together:
        of_both: list[Future[list[Finding]]] = []
        if isinstance(settings.loop_key, Secret):
            ask_loop = partial(loop.facts, settings, runtime)
            of_both.append(together.submit(lambda: [*of_loop(ask_loop())]))
        if isinstance(settings.jetti_token, Secret):
            ask_jetti = partial(jetti.facts, settings, runtime, sale_returns)
            of_both.append(together.submit(lambda: [*of_jetti(ask_jetti())]))
        for one in of_both:
            yield from one.result()


def _settings(settings: Settings, runtime: Runtime) -> SettingsFacts:
    """Raises ConfigError."""
    return SettingsFacts(
        file=str(settings.file) if settings.file else None,
        shadowed=tuple(map(str, file.shadowed(settings.file, runtime.environ))),
        sources=config.sources(settings.file, runtime.environ),
    )
