"""The sandbox as a whole: one clock, Loop, Jetti, the scenario and the faults.

sandbox = Sandbox(SandboxOptions(seed=7, returns=50, frozen=True, start=noon))
sandbox.exchange("loop", request)         # without sockets; `server.serving` puts it on ports
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.delivery import Delivery, Lost, received, seconds
from reconciler.sandbox.faults.call import (
    Backlog,
    Call,
    DelayedRequest,
    FaultContext,
    ResponseCache,
)
from reconciler.sandbox.faults.kinds import KINDS
from reconciler.sandbox.faults.registry import Faults, ServiceName, operation_of
from reconciler.sandbox.jetti.service import Jetti
from reconciler.sandbox.loop.service import Loop
from reconciler.sandbox.messages import Request, Response, Service
from reconciler.sandbox.request_log import RequestLog
from reconciler.sandbox.world.scenario import Scenario
from reconciler.sandbox.world.timeline import Timeline

LOOP_KEY = "sandbox-loop-key"
JETTI_TOKEN = "sandbox-jetti-token"  # noqa: S105


class SandboxOptions(Struct, frozen=True):
    """What a sandbox starts with."""

    seed: int = 1
    returns: int = 300
    """How many returns Loop already has; with 0 the world is empty and stays so."""
    days: int = 200
    """The days before `start` over which they were submitted."""
    orders_in_jetti: bool = True
    """False: no order ever reaches Jetti, which saves time if only reading Loop matters."""
    start: datetime | None = None
    """Aware, UTC; None: the machine's time."""
    frozen: bool = False
    """The clock moves only when it is set or advanced."""
    rate_limits: bool = True
    dates: bool = True
    """Whether answers carry a `Date`, by the sandbox clock."""
    alive: bool = False
    """Whether the scenario continues automatically as time passes, not only when it is played."""
    speed: float = 1.0
    """How much faster than the machine's the clock runs while no one who follows it is at work."""
    ports: tuple[int, int, int] = (0, 0, 0)
    """The ports of Loop, Jetti and the control interface; 0: any free one."""


class Urls(Struct, frozen=True):
    """Where a serving sandbox listens."""

    loop: str
    jetti: str
    control: str


class Sandbox:
    """All parts are public: tests state the world through `loop.store` and `jetti.store`."""

    def __init__(
        self,
        options: SandboxOptions | None = None,
        *,
        on_write: Callable[[Request], None] | None = None,
        clock: SandboxClock | None = None,
    ) -> None:
        """`on_write` is called with each request other than a GET before Jetti handles it.

        `clock` replaces the one that the options describe.
        """
        self.options = options or SandboxOptions()
        self.clock = clock or SandboxClock(self.options.start, frozen=self.options.frozen)
        with self.clock.shown() as show:
            show(self.clock.start)
            self.loop = Loop(self.clock, key=LOOP_KEY)
            self.jetti = Jetti(self.clock, token=JETTI_TOKEN)
        if not self.options.rate_limits:
            self.loop.switches.requests_per_minute = None
            self.jetti.switches.rate_limit = "off"
        self.faults, self.request_log = Faults(), RequestLog()
        self.on_write = on_write
        self.lock = threading.RLock()
        self.urls: Urls | None = None
        """Where it listens while it is being served, else None."""
        self._context = FaultContext(self.clock, ResponseCache(), Backlog())
        self.scenario = Scenario(self.clock, self.loop.store, self.jetti.store)
        if self.options.returns:
            self._populate(self.clock.start)
        # Only now, or the world would begin later the longer it takes to make.
        self.clock.run_at(self.options.speed)

    def _populate(self, now: datetime) -> None:
        """Play all events up to now; the rest is planned for later."""
        options = self.options
        with _without_gc():
            events = Timeline(options.seed, options.returns, options.days, now).events
            if not options.orders_in_jetti:
                events = [event for event in events if event.move != "arrive"]
            self.scenario.plan(events)
            self.scenario.play(now)

    # -------------------------------------------------------------------------- one exchange

    def exchange(self, service: ServiceName, request: Request) -> Response:
        """Answer a request without sockets; delays only advance the sandbox clock.

        Raises `Lost` if no complete answer would arrive.
        """
        if self.faults.on_connection(service) is not None:
            raise Lost("refused")
        delivery = self.deliver(service, request)
        if spent := seconds(delivery):
            self.clock.advance(spent)
        return received(delivery)

    def deliver(self, service: ServiceName, request: Request) -> Delivery:
        """The response to a request, and what happens to it on the network."""
        with self.lock:
            self.catch_up()
            operation = operation_of(service, request)
            fault = self.faults.on_call(service, operation)
            kind = fault.kind if fault else None
            self.request_log.add(self.clock.now(), service, request, operation, kind)
            if service == "jetti" and request.method != "GET" and self.on_write is not None:
                self.on_write(request)
            call = Call(service, self._service(service), request, self._context)
            if fault is not None:
                return self._dated(KINDS[fault.kind](call, **fault.parameters))
            response = call.apply()
            if self.faults.watches("stale_read"):
                call.remember(response)
            return self._dated(Delivery(response))

    def catch_up(self) -> None:
        """Apply delayed writes that are due and, if `alive`, continue the scenario."""
        now = self.clock.now()
        if self.options.alive:
            self.play(now)
        else:
            for delayed in self._context.backlog.take_due(now):
                self._apply_delayed(delayed)
        if not self.faults.watches("stale_read"):
            self._context.cache.clear()

    def play(self, until: datetime) -> int:
        """Play the scenario and apply delayed writes, in the order of their times.

        Returns the number of scenario events that were played.
        """
        with self.lock:
            happened = 0
            for delayed in self._context.backlog.take_due(until):
                happened += self.scenario.play(delayed.due)
                self._apply_delayed(delayed)
            return happened + self.scenario.play(until)

    def advance(self, seconds: float) -> int:
        """`play` for a number of seconds."""
        return self.play(self.clock.now() + timedelta(seconds=seconds))

    def _apply_delayed(self, delayed: DelayedRequest) -> None:
        """Apply a write at its own time; its rate limit was checked when it arrived."""
        limit = self.jetti.switches.rate_limit
        self.jetti.switches.rate_limit = "off"
        with self.clock.shown() as show:
            show(delayed.due)
            self._service(delayed.service).handle(delayed.request)
        self.jetti.switches.rate_limit = limit

    def _service(self, name: str) -> Service:
        return self.loop if name == "loop" else self.jetti

    def _dated(self, delivery: Delivery) -> Delivery:
        if delivery.response is None or not self.options.dates:
            return delivery
        date = format_datetime(self.clock.now(), usegmt=True)
        headers = {**delivery.response.headers, "date": date}
        return replace(delivery, response=replace(delivery.response, headers=headers))

    def environment(self) -> dict[str, str]:
        """The variables that make the program use this sandbox while it serves."""
        if self.urls is None:
            raise RuntimeError("the sandbox is not serving")
        return {
            "LOOP_API_KEY": LOOP_KEY,
            "JETTI_API_TOKEN": JETTI_TOKEN,
            "LOOP_BASE_URL": self.urls.loop,
            "JETTI_BASE_URL": self.urls.jetti,
        }


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable garbage collection: building a world makes no garbage, and looking doubles the
    time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
