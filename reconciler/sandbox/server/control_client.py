"""A client for the sandbox's control interface, for tests and the demo."""

from __future__ import annotations

import urllib.request
from datetime import datetime
from typing import Any
from urllib.error import HTTPError

import msgspec

from reconciler.sandbox.faults.registry import Fault


class Control:
    """Talks to `control_api`; `url` is what the sandbox announced."""

    def __init__(self, url: str) -> None:
        self._url = url
        # No proxy of the environment may come between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def now(self) -> datetime:
        """The sandbox's time."""
        return msgspec.convert(self._call("GET", "/clock")["now"], datetime)

    def set_clock(self, instant: datetime) -> None:
        """Jump, without anything happening in between."""
        self._call("POST", "/clock", {"set": instant})

    def play(self, seconds: float) -> int:
        """Let the world go on for so long; answers how many events there were."""
        return int(self._call("POST", "/play", {"seconds": seconds})["happened"])

    def add_fault(self, fault: Fault) -> int:
        """Set a fault; answers its number."""
        return int(self._call("POST", "/faults", msgspec.to_builtins(fault))["number"])

    def faults(self) -> list[dict[str, Any]]:
        """What is set, with calls and hits."""
        return list(self._call("GET", "/faults"))

    def heal(self) -> None:
        """Take all faults back."""
        self._call("DELETE", "/faults")

    def switch(self, service: str, **values: Any) -> None:
        """Set switches of `loop` or `jetti`."""
        self._call("POST", f"/switches/{service}", values)

    def state(self, service: str) -> dict[str, Any]:
        """Everything a service holds."""
        return dict(self._call("GET", f"/state/{service}"))

    def arrivals(self) -> list[dict[str, Any]]:
        """What reached Loop and Jetti, oldest first."""
        return list(self._call("GET", "/arrivals"))

    def forget_arrivals(self) -> None:
        """Start the log anew."""
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
