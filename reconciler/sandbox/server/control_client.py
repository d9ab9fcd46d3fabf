"""A client for the sandbox's control interface, for tests and the demo."""

from __future__ import annotations

import urllib.request
from datetime import datetime
from typing import Any
from urllib.error import HTTPError

import msgspec

from reconciler.sandbox.faults.registry import Fault


class Control:
    """A client of `control_api`; `url` is the one that the sandbox printed."""

    def __init__(self, url: str) -> None:
        self._url = url
        # Ignore any proxy in the environment.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def now(self) -> datetime:
        """The sandbox's time."""
        return msgspec.convert(self.clock()["now"], datetime)

    def clock(self) -> dict[str, Any]:
        """The sandbox's time as a text, and how fast it passes."""
        return dict(self._call("GET", "/clock"))

    def set_clock(self, instant: datetime) -> None:
        """Jump to an instant without playing the scenario."""
        self._call("POST", "/clock", {"set": instant})

    def play(self, seconds: float) -> int:
        """Play `seconds` of the scenario; returns the number of events."""
        return int(self._call("POST", "/play", {"seconds": seconds})["happened"])

    def add_fault(self, fault: Fault) -> int:
        """Set a fault; returns its number."""
        return int(self._call("POST", "/faults", msgspec.to_builtins(fault))["number"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set, with calls and hits."""
        return list(self._call("GET", "/faults"))

    def heal(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "/faults")

    def switch(self, service: str, **values: Any) -> None:
        """Set switches of `loop` or `jetti`."""
        self._call("POST", f"/switches/{service}", values)

    def state(self, service: str) -> dict[str, Any]:
        """Everything a service holds."""
        return dict(self._call("GET", f"/state/{service}"))

    def request_log(self) -> list[dict[str, Any]]:
        """The requests that reached Loop and Jetti, oldest first."""
        return list(self._call("GET", "/arrivals"))

    def clear_request_log(self) -> None:
        """Clear the log of requests."""
        self._call("DELETE", "/arrivals")

    def loop(self, move: str, **arguments: Any) -> Any:
        """Call a method of Loop's store."""
        return self._call("POST", f"/loop/{move}", arguments)

    def jetti(self, move: str, **arguments: Any) -> Any:
        """Call a method of Jetti's store."""
        return self._call("POST", f"/jetti/{move}", arguments)

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        body = None if content is None else msgspec.json.encode(content)
        request = urllib.request.Request(  # noqa: S310
            self._url + path, body, {"content-type": "application/json"}, method=method
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return msgspec.json.decode(answer.read())
        except HTTPError as refusal:
            with refusal:
                raise ValueError(msgspec.json.decode(refusal.read())["error"]) from None
