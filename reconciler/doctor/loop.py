"""What Loop answers to two GETs: as a run asks, and for the smallest page that may have a next."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler import app, deadline
from reconciler.config import Settings
from reconciler.core.diagnosis.loop import LoopFacts, PageFacts
from reconciler.core.diagnosis.services import ServiceFacts
from reconciler.core.model import Window
from reconciler.core.records import By
from reconciler.doctor.answers import SECONDS, Answers
from reconciler.errors import ConfigError, KeyRefused, SourceError
from reconciler.loop.client import LoopClient
from reconciler.loop.envelopes import Page, read_page
from reconciler.loop.query import (
    LIST,
    ListQuery,
    around,
    cursor_fields,
    link_parameters,
    next_cursor,
)
from reconciler.runtime import Runtime

_LOOKED_BACK = timedelta(days=30)
_SENT = ("from", "to", "filter", "state", "paginate", "pageSize")


def facts(settings: Settings, runtime: Runtime) -> LoopFacts:
    """Everything about Loop. Raises Interrupted."""
    answers, page, has_paged = Answers(), None, False
    known = ServiceFacts(name="Loop", key_setting="LOOP_API_KEY", asked_at=runtime.clock.now())
    try:
        with app.loop_service(settings, deadline.within(runtime, SECONDS)) as service:
            client = LoopClient(service, settings.loop.page_size)
            now = runtime.clock.now()
            # A page as large as those of a run, of a moment in which hardly anything happened.
            query = around([now], By.UPDATED, "open", settings.loop.page_size)
            client.ask(LIST, query.page(), answers.noting(read_page))
            known = replace(
                known, asked_at=runtime.clock.now(), answered_at=answers.date, is_usable=True
            )
            smallest = ListQuery(Window(now - _LOOKED_BACK, now), By.UPDATED, "open", 1)
            found = client.ask(LIST, smallest.page(), answers.noting(read_page))
            page, has_paged = _page(found, service.base_url), True
    except KeyRefused as error:
        known = replace(known, refused=str(error))
    except (ConfigError, SourceError) as error:
        known = replace(known, failure=str(error))
    return LoopFacts(
        service=replace(known, rate=answers.rate),
        base_url=settings.loop.base_url,
        page=page,
        has_paged=has_paged,
    )


def _page(page: Page, base_url: str) -> PageFacts | None:
    if not page.nextPageUrl:
        return None
    try:
        cursor = next_cursor(page.nextPageUrl, base_url) or ""
    except ValueError as error:
        return PageFacts(problem=str(error))
    try:
        fields = frozenset(cursor_fields(cursor))
    except (ValueError, RecursionError):
        fields = frozenset()
    kept = link_parameters(page.nextPageUrl)
    return PageFacts(cursor=fields, left_out=tuple(name for name in _SENT if name not in kept))
