"""What Loop and Jetti answer to a few GETs."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler import app
from reconciler.config import Settings
from reconciler.core.diagnosis.services import ServiceFacts, missing_reasons
from reconciler.core.records import By
from reconciler.errors import ConfigError, KeyRefused, SourceError, TargetUnavailable
from reconciler.http import Refused
from reconciler.jetti.client import JettiClient
from reconciler.jetti.collection import FilterIgnored
from reconciler.loop.client import LoopClient
from reconciler.loop.query import around
from reconciler.runtime import Runtime

_NOBODY = "0"
"""An id of nothing, so that no personal data is fetched."""


def loop(settings: Settings, runtime: Runtime) -> ServiceFacts:
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


def jetti(settings: Settings, runtime: Runtime) -> ServiceFacts:
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
                missing = missing_reasons(settings.mapping.reasons, client.reasons())
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
