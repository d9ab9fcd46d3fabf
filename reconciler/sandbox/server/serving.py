"""A sandbox over HTTP: Loop, Jetti and the control interface, each on a port of its own.

with serving(sandbox) as urls: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults.registry import ServiceName
from reconciler.sandbox.messages import Request
from reconciler.sandbox.sandbox import Sandbox, Urls
from reconciler.sandbox.server.control_api import ControlService
from reconciler.sandbox.server.listener import Listener


@contextmanager
def serving(sandbox: Sandbox) -> Iterator[Urls]:
    """Listen on loopback while the block runs; `sandbox.urls` says where. Raises OSError."""
    control = ControlService(sandbox)
    ports = sandbox.options.ports
    with ExitStack() as running:
        # One after the other, so that if a port is taken none of them stays open.
        loop = running.enter_context(_listener(sandbox, "loop", ports[0]))
        jetti = running.enter_context(_listener(sandbox, "jetti", ports[1]))
        other = running.enter_context(_ControlListener(ports[2], control))
        sandbox.urls = Urls(f"{loop.url}/api/2026-07", f"{jetti.url}/api", other.url)
        try:
            yield sandbox.urls
        finally:
            sandbox.urls = None


def _listener(sandbox: Sandbox, service: ServiceName, port: int) -> Listener:
    return Listener(
        port,
        deliver=lambda request: sandbox.deliver(service, request),
        refuses=lambda: sandbox.faults.on_connection(service) is not None,
    )


class _ControlListener(Listener):
    """Knows who asks, because whoever follows the clock does so until the connection ends."""

    def __init__(self, port: int, control: ControlService) -> None:
        super().__init__(port, lambda request: Delivery(control.handle(request)))
        self._control = control

    def connected(self) -> AbstractContextManager[Callable[[Request], Delivery]]:
        return self._control.connected()
