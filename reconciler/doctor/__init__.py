"""Collects what `doctor` judges. Sends GETs only, takes no lock, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler import config
from reconciler.config import Secret, Settings, file, secret
from reconciler.core.diagnosis import ledger as judging_ledger
from reconciler.core.diagnosis import services as judging_services
from reconciler.core.diagnosis import settings as judging_settings
from reconciler.core.diagnosis.finding import Diagnosis, Finding, Name, unusable
from reconciler.core.diagnosis.settings import SettingsFacts
from reconciler.doctor import keys, ledger, services
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
    if isinstance(settings.loop_key, Secret):
        yield from judging_services.of_service(services.loop(settings, runtime))
    if isinstance(settings.jetti_token, Secret):
        yield from judging_services.of_service(services.jetti(settings, runtime))
    if isinstance(settings.ledger_address, ConfigError):
        nowhere = settings.ledger_address
        yield unusable("ledger", Name.LEDGER_UNUSABLE, str(nowhere), nowhere.hint, 2)
    else:
        yield from judging_ledger.of_ledger(ledger.facts(settings, runtime.clock))


def _settings(settings: Settings, runtime: Runtime) -> SettingsFacts:
    """Raises ConfigError."""
    return SettingsFacts(
        file=str(settings.file) if settings.file else None,
        shadowed=tuple(map(str, file.shadowed(settings.file, runtime.environ))),
        sources=config.sources(settings.file, runtime.environ),
    )
