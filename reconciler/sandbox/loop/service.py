"""The pretend Loop's HTTP interface: key, rate limit, list and details.

Built from loop.md#simulator-checklist. Left out on purpose: return actions
(loop.md#action-results), which the scenario offers as moves, and webhooks
(loop.md#webhook-delivery), which the program does not use.
"""

from __future__ import annotations

import itertools
import re
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import msgspec

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.loop import envelopes as answers
from reconciler.sandbox.loop.cursor import Cursor, decode, encode
from reconciler.sandbox.loop.details import details_row
from reconciler.sandbox.loop.limits import Limiter, Verdict
from reconciler.sandbox.loop.listing import Listing
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.loop.query import ListQuery, Unprocessable, read
from reconciler.sandbox.loop.row_cache import RowCache
from reconciler.sandbox.loop.store import LoopStore
from reconciler.sandbox.loop.switches import LoopSwitches
from reconciler.sandbox.messages import Request, Response

# The versions differ in nothing that is served here (loop.md#api-versions).
ROUTE = re.compile(r"/api/(?:v1|2026-07|2026-10|latest|unstable)/warehouse/return/(list|details)")
DOCUMENTED_LINK = ("to", "filter", "pageSize")


class Loop:
    """`keys` maps each key to its scopes; it and `switches` may be changed at any time."""

    def __init__(
        self,
        clock: SandboxClock,
        switches: LoopSwitches | None = None,
        *,
        key: str = "sandbox-loop-key",
    ) -> None:
        self.switches = switches or LoopSwitches()
        self.store = LoopStore(clock, self.switches)
        self.keys = {key: {"returns"}, f"{key}-without-scope": {"orders"}}
        self._clock = clock
        self._listing = Listing(self.store, self.switches)
        self._limiter = Limiter()
        self._rows = RowCache(self.store, self.switches)
        self._fresh = itertools.count(1)

    def handle(self, request: Request) -> Response:
        """Answer one request; the limit is counted before anything else."""
        key = request.headers.get("x-authorization", "")
        now = self._clock.now()
        verdict = self._count(key, now)
        if verdict is None:
            return self._authorised(request, key, now)
        if verdict.allowed:
            response = self._authorised(request, key, now)
        else:
            response = answers.too_many_attempts()
        return self._with_limit_headers(response, verdict)

    def _count(self, key: str, now: datetime) -> Verdict | None:
        limit = self.switches.requests_per_minute
        return None if limit is None else self._limiter.check(key, limit, now)

    def _with_limit_headers(self, response: Response, verdict: Verdict) -> Response:
        headers = dict(response.headers)
        if self.switches.rate_limit_headers:
            headers |= verdict.headers()
        if not verdict.allowed and self.switches.retry_after:
            headers["retry-after"] = str(verdict.wait)
        return Response(response.status, response.body, headers)

    def _authorised(self, request: Request, key: str, now: datetime) -> Response:
        if "returns" not in self.keys.get(key, ()):
            return answers.unauthorized(self.switches.unauthorized)
        route = ROUTE.fullmatch(request.path)
        if route is None:
            return answers.not_found(request.path)
        if request.method != "GET":
            return answers.wrong_method(request.method, request.path)
        try:
            return self._list(request, now) if route[1] == "list" else self._details(request)
        except Unprocessable as refusal:
            return answers.unprocessable(refusal.field, refusal.problem)

    # --------------------------------------------------------------------------------- list

    def _list(self, request: Request, now: datetime) -> Response:
        query = read(request.query, self.switches, now)
        if not query.paginated:
            rows = self._rows.array(self._listing.everything(query))
            return Response(200, rows, dict(answers.JSON))
        try:
            cursor = self._cursor(query)
        except (KeyError, ValueError, TypeError):
            # A cursor for another column: Laravel raises, and nothing catches it.
            return answers.server_error()
        page = self._listing.page(query, cursor)
        following = self._link(request, query, self._next_cursor(query, page.following))
        preceding = self._link(request, query, encode(page.preceding) if page.preceding else None)
        body = b'{"returns":%b,"nextPageUrl":%b,"previousPageUrl":%b}' % (
            self._rows.array(page.rows),
            msgspec.json.encode(following),
            msgspec.json.encode(preceding),
        )
        return Response(200, body, dict(answers.JSON))

    def _cursor(self, query: ListQuery) -> Cursor | None:
        if query.cursor is None:
            return None
        cursor = decode(query.cursor, self._listing.column(query))
        if cursor is None and self.switches.undecodable_cursor == "refuse":
            raise Unprocessable("cursor", "The selected cursor is invalid.")
        return cursor

    def _next_cursor(self, query: ListQuery, following: Cursor | None) -> str | None:
        """The cursor of the next link; `""` for a link without one, None for no link."""
        mode = self.switches.next_page_cursor
        if mode == "repeated":
            return "again"
        if mode == "cycle":
            return "there" if query.cursor != "there" else "back"
        if mode == "ever_fresh":
            return f"fresh-{next(self._fresh)}"
        if following is None:
            return None
        return "" if mode == "absent" else encode(following)

    def _link(self, request: Request, query: ListQuery, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        documented = self.switches.next_page_link == "documented"
        names = DOCUMENTED_LINK if documented else tuple(query.sent)
        carried = {name: query.sent[name] for name in names if name in query.sent}
        carried.pop("cursor", None)
        if cursor:
            carried["cursor"] = cursor
        origin = self.switches.next_page_origin
        if origin is None:
            origin = f"http://{request.headers.get('host', '127.0.0.1')}"
        return f"{origin}{request.path}?{urlencode(carried)}"

    # ------------------------------------------------------------------------------ details

    def _details(self, request: Request) -> Response:
        given = {name: value for name, value in parse_qsl(request.query) if value}
        if given.get("currency_type", "shop") not in ("shop", "presentment"):
            raise Unprocessable("currency_type", "The selected currency type is invalid.")
        by_id = "return_id" in given
        found = self._find(given)
        if not found:
            return answers.no_return_found()
        shapes = [details_row(row, self.switches, self.store.shop) for row in found]
        if by_id or self.switches.details_of_order == "newest" or len(shapes) == 1:
            return answers.answer(200, shapes[-1])
        return answers.answer(200, shapes)

    def _find(self, given: dict[str, str]) -> list[SandboxReturn]:
        if "return_id" in given:
            try:
                return [self.store.get(given["return_id"])]
            except KeyError:
                return []
        if "order_id" in given:
            return self.store.of_provider_order(given["order_id"])
        if "order_name" in given:
            return self.store.of_order(given["order_name"])
        raise Unprocessable("return_id", "The return id field is required.")
