"""The pretend Jetti's HTTP interface, without sockets (jetti.md#hosts-and-paths,
#generic-rules-for-rows)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.cancel import cancel_purchase, cancel_sale
from reconciler.sandbox.jetti.include import View, read_view, show
from reconciler.sandbox.jetti.limits import RateLimiter
from reconciler.sandbox.jetti.problems import Problem, instance_problem, json_response
from reconciler.sandbox.jetti.query import parse_query, select
from reconciler.sandbox.jetti.schema import BY_PATH, Resource, Row
from reconciler.sandbox.jetti.store import JettiStore
from reconciler.sandbox.jetti.switches import JettiSwitches
from reconciler.sandbox.jetti.writes import create_row, decode_body, update_row
from reconciler.sandbox.messages import Request, Response

# Every path ends in .json and begins with /api (jetti.md#paths).
_PATH = re.compile(r"/api/(?P<path>[a-z-]+)(/(?P<id>\d{1,10})(/(?P<action>[a-z-]+))?)?\.json")
_LOGIN_PATH = "/auth/login"
_NOT_FOUND = "api.errors.not_found"


class Jetti:
    """One account behind one key. Call it from one thread at a time."""

    def __init__(
        self,
        clock: SandboxClock,
        switches: JettiSwitches | None = None,
        *,
        token: str = "sandbox-jetti-token",  # noqa: S107 - opens nothing but a pretend service
    ) -> None:
        self.token = token
        """May be replaced, as if the key were revoked."""
        self._switches = switches or JettiSwitches()
        self._store = JettiStore(clock, self._switches)
        self._limiter = RateLimiter(clock, self._switches)

    @property
    def switches(self) -> JettiSwitches:
        """Its attributes may be changed; they apply from the next request on."""
        return self._switches

    @property
    def store(self) -> JettiStore:
        """The account's data, to inspect and change without requests."""
        return self._store

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        try:
            if unquote(request.path) == _LOGIN_PATH:
                return self._log_in(request)
            self._authenticate(request)
            self._limiter.admit(request.method)
            response = self._route(request)
        except Problem as problem:
            response = problem.response()
        response.headers.update(self._limiter.headers(request.method))
        if response.status == 429 and self._switches.retry_after is not None:
            response.headers["retry-after"] = self._switches.retry_after
        return response

    def _authenticate(self, request: Request) -> None:
        """Bearer token, or `access_token` in the query (jetti.md#api-tokens, #token-in-the-query).
        Bodies of 401 and 403 are unknown."""
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not sent and "access_token" in request.query:
            sent = parse_qs(request.query).get("access_token", [""])[0]
        if sent != self.token:
            raise Problem("api.errors.unauthorized", 401)
        forbidden = self._switches.forbidden
        if forbidden == "everything" or (forbidden == "writes" and request.method != "GET"):
            raise Problem("api.errors.forbidden", 403)

    def _log_in(self, request: Request) -> Response:
        """`{email, password, role}` returns the user with their token (jetti.md#login). Any
        password is accepted."""
        if request.method != "POST":
            raise Problem(_NOT_FOUND, 404)
        body = decode_body(request.body)
        if not body.get("email") or not body.get("password"):
            raise Problem("api.errors.unauthorized", 401)
        user = {"id": 1, "email": body["email"], "role": "api", "token": self.token}
        return json_response(
            {**user, "companyId": self._switches.company_id, "dropshipProviderId": None}
        )

    def _route(self, request: Request) -> Response:
        found = _PATH.fullmatch(unquote(request.path))
        resource = BY_PATH.get(found["path"]) if found else None
        if found is None or resource is None:
            raise Problem(_NOT_FOUND, 404)
        if found["id"] is None:
            return self._collection(request, resource)
        if found["action"] is None:
            return self._instance(request, resource, int(found["id"]))
        row = self._row(resource, int(found["id"]), found["action"])
        return self._action(request, resource, row, found["action"])

    def _collection(self, request: Request, resource: Resource) -> Response:
        if request.method == "POST":
            row = create_row(self._store.world, resource, decode_body(request.body))
            return json_response(self._show(View(resource.model), row))
        if request.method != "GET":
            raise Problem(_NOT_FOUND, 404)
        query = parse_query(request.query, self._switches)
        view = read_view(resource.model, query.attributes, query.include, self._switches)
        # A bare array: no envelope, no total, no next link (jetti.md#collection-answers).
        rows = select(self._store.world, resource, query)
        return json_response([self._show(view, row) for row in rows])

    def _instance(self, request: Request, resource: Resource, row_id: int) -> Response:
        row = self._row(resource, row_id, request.method.lower())
        if request.method == "GET":
            query = parse_query(request.query, self._switches)
            view = read_view(resource.model, query.attributes, query.include, self._switches)
            if not list(self._store.world.visible(resource.model, [row])):
                raise instance_problem(resource, row_id, "get", "not_found", 404)
            return json_response(self._show(view, row))
        if request.method == "PUT":
            row = update_row(self._store.world, resource, row_id, decode_body(request.body))
            if self._switches.put_answer == "empty":
                return Response(200)
            return json_response(self._show(View(resource.model), row))
        if request.method == "DELETE":
            self._store.world.delete(resource.model, row_id)
            return Response(200)
        raise Problem(_NOT_FOUND, 404)

    def _action(self, request: Request, resource: Resource, row: Row, action: str) -> Response:
        """POST for the sale's cancel, PUT for the purchase's (jetti.md#creating-a-sale-return)."""
        world = self._store.world
        if (request.method, resource.model, action) == ("POST", "Sale", "cancel"):
            created = cancel_sale(world, row, decode_body(request.body))
        elif (request.method, resource.model, action) == ("PUT", "Purchase", "cancel"):
            created = cancel_purchase(world, row, decode_body(request.body))
        else:
            raise Problem(_NOT_FOUND, 404)
        includes = ["SaleReturnItem", "Purchase"] if self._switches.cancel_answer_items else None
        view = read_view("SaleReturn", None, includes, self._switches)
        return json_response([self._show(view, one) for one in created])

    def _row(self, resource: Resource, row_id: int, action: str) -> Row:
        row = self._store.world.table(resource.model).rows.get(row_id)
        if row is None:
            raise instance_problem(resource, row_id, action, "not_found", 404)
        return row

    def _show(self, view: View, row: Row) -> Row:
        return show(self._store.world, view, row)
