"""The control interface: the sandbox's clock, scenario, faults, switches, state and request log.

GET    /clock                     {"now": …, "speed": …}
POST   /clock                     {"set": time}, {"advance": seconds} or {"speed": factor};
                                  nothing else happens
POST   /clock/wait                {"seconds": …}; answers once they have passed: {"now", "waited"}.
                                  Until its connection ends, whoever asked is at work between two
                                  of these, and the clock runs no faster than the machine's
POST   /play                      {"until": time} or {"seconds": …}; plays the scenario
GET    /faults                    what is set, with calls and hits
POST   /faults                    sets a fault; answers its number
DELETE /faults, /faults/{number}
GET    /switches/{service}        all, with their values
POST   /switches/{service}        sets some, by name
GET    /state/{service}
GET    /arrivals                  the log of requests to Loop and Jetti
DELETE /arrivals
POST   /loop/{move}, /jetti/{move}   a method of the store, with its arguments by name
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, get_type_hints

import msgspec

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.messages import Request, Response
from reconciler.sandbox.sandbox import Sandbox

Speed = Annotated[float, msgspec.Meta(ge=1, le=1_000_000)]


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for with `POST /clock/wait`."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class ControlService:
    """Answers 400 with `{"error": …}` to an invalid request, 404 for what does not exist."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @contextmanager
    def connected(self) -> Iterator[Callable[[Request], Delivery]]:
        """Answer the requests of one connection."""
        with ExitStack() as stack:

            @cache
            def follow() -> Callable[[float], float]:
                return stack.enter_context(self._sandbox.clock.followed())

            def deliver(request: Request) -> Delivery:
                if (request.method, request.path) == ("POST", "/clock/wait"):
                    return Delivery(self._waited(request, follow()))
                return Delivery(self.handle(request))

            yield deliver

    def _waited(self, request: Request, wait: Callable[[float], float]) -> Response:
        """Others go on during the wait: it holds no lock."""
        try:
            asked = msgspec.json.decode(request.body, type=Wait)
        except msgspec.MsgspecError as error:
            return _json(400, {"error": str(error)})
        waited = wait(asked.seconds)
        with self._sandbox.lock:  # the clock shows other times while the scenario is played
            now = self._sandbox.clock.now()
        return _json(200, {"now": now, "waited": waited})

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        parts = [part for part in request.path.split("/") if part]
        try:
            content = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
            with self._sandbox.lock:
                answer = self._answer(request.method, parts, content)
        except LookupError as error:
            return _json(404, {"error": f"{request.method} {request.path}: no such {error}"})
        except (ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            return _json(400, {"error": str(error)})
        return _json(200, answer)

    def _answer(self, method: str, parts: list[str], content: dict[str, Any]) -> Any:
        match (method, *parts):
            case ("GET", "clock"):
                return self._clock()
            case ("POST", "clock"):
                return self._move_clock(**content)
            case ("POST", "play"):
                return self._play(**content)
            case (_, "faults", *rest):
                return self._faults(method, rest, content)
            case (_, "switches", service):
                return self._switches(method, service, content)
            case ("GET", "state", service):
                self._sandbox.catch_up()
                return self._service(service).store.to_json()
            case ("GET", "arrivals"):
                return self._sandbox.request_log.all()
            case ("DELETE", "arrivals"):
                return self._sandbox.request_log.clear()
            case ("POST", "loop" | "jetti" as service, move):
                return self._move(service, move, content)
        raise LookupError("path")

    def _clock(self) -> Any:
        clock = self._sandbox.clock
        return {"now": clock.now(), "speed": clock.speed}

    def _move_clock(
        self, *, set: str | None = None, advance: float = 0.0, speed: float | None = None
    ) -> Any:
        clock = self._sandbox.clock
        if set is not None:
            clock.set(_instant(set))
        if speed is not None:
            clock.run_at(msgspec.convert(speed, Speed))
        clock.advance(advance)
        return self._clock()

    def _play(self, *, until: str | None = None, seconds: float = 0.0) -> Any:
        clock = self._sandbox.clock
        end = clock.now() + timedelta(seconds=seconds) if until is None else _instant(until)
        return {"happened": self._sandbox.play(end), "now": clock.now()}

    def _faults(self, method: str, rest: list[str], content: dict[str, Any]) -> Any:
        faults = self._sandbox.faults
        match (method, *rest):
            case ("GET",):
                return faults.active()
            case ("POST",):
                return {"number": faults.add(msgspec.convert(content, Fault))}
            case ("DELETE",):
                return faults.clear()
            case ("DELETE", number):
                return faults.remove(int(number))
        raise LookupError("path")

    def _switches(self, method: str, service: str, content: dict[str, Any]) -> Any:
        switches = self._service(service).switches
        if method == "POST":
            known = msgspec.to_builtins(switches)
            if unknown := content.keys() - known.keys():
                raise ValueError(f"no switch {', '.join(sorted(unknown))}")
            checked = msgspec.convert({**known, **content}, type(switches))
            for name in content:
                setattr(switches, name, getattr(checked, name))
        return switches

    def _service(self, name: str) -> Any:
        if name not in ("loop", "jetti"):
            raise LookupError("service")
        return getattr(self._sandbox, name)

    def _move(self, service: str, name: str, content: dict[str, Any]) -> Any:
        store = self._service(service).store
        move = None if name.startswith("_") else getattr(store, name, None)
        if not inspect.ismethod(move):
            raise LookupError(f"method of the {service} store")
        return move(**_converted(move, content))


def _converted(move: Callable[..., Any], content: dict[str, Any]) -> dict[str, Any]:
    """Arguments converted to the method's types; `**attributes` to those of `SandboxReturn`."""
    types = {field.name: field.type for field in msgspec.structs.fields(SandboxReturn)}
    if move.__self__.__class__.__name__ != "LoopStore":  # type: ignore[attr-defined]
        types = {}
    types |= get_type_hints(move)
    return {
        name: msgspec.convert(value, types.get(name, Any), str_keys=True)
        for name, value in content.items()
    }


def _instant(text: str) -> datetime:
    instant = msgspec.convert(text, datetime)
    if instant.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return instant


def _json(status: int, content: Any) -> Response:
    return Response(status, msgspec.json.encode(content), {"content-type": "application/json"})
