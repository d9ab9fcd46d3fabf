"""Validates the answers to a read: accept, retry or give up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import httpx

from reconciler.errors import KeyRefused
from reconciler.http.endpoint import Endpoint
from reconciler.http.response import (
    Refused,
    Response,
    parse_http_date,
    problem_title,
    replace_lone_surrogates,
)
from reconciler.http.retry import InvalidResponse, UnusableResponse, is_transient

T = TypeVar("T")


class RateLimited(InvalidResponse):
    """429 on every attempt; does not count against the service's health."""


class ResponseValidator(Generic[T]):
    """Validates the answers to one read and keeps the decoded value of the accepted one."""

    def __init__(
        self, endpoint: Endpoint, decode: Callable[[Response], T], allow: frozenset[int]
    ) -> None:
        self._endpoint = endpoint
        self._decode = decode
        self._allow = allow
        self._accepted: list[T] = []

    def accept(self, response: httpx.Response) -> None:
        """Decode the answer. Raises RateLimited, InvalidResponse, UnusableResponse, Refused or
        KeyRefused."""
        status = response.status_code
        if status not in self._allow:
            self._reject(response)
        try:
            self._accepted.append(self._decode(to_response(response)))
        except UnicodeError:
            raise InvalidResponse("the answer is not UTF-8") from None
        except RecursionError:
            raise InvalidResponse("the answer is nested too deeply") from None
        except ValueError as error:
            if "Invalid UTF-8" in str(error):  # msgspec, from 0.23 on
                raise InvalidResponse("the answer is not UTF-8") from None
            raise InvalidResponse(f"the answer is not what was asked for: {error}") from None

    def value_of(self, response: httpx.Response) -> T:
        """The decoded value. The answer to the last attempt is validated only here."""
        if not self._accepted:
            self.accept(response)
        return self._accepted[0]

    def _reject(self, response: httpx.Response) -> None:
        status = response.status_code
        refuse_key(self._endpoint, status)
        if status == 429:
            raise RateLimited("answered 429")
        if is_transient(status):
            raise InvalidResponse(f"answered {status}")
        if 400 <= status < 500:
            raise Refused(status, problem_title(response.content))
        raise UnusableResponse(f"answered {status}, which is neither followed nor understood")


def refuse_key(endpoint: Endpoint, status: int) -> None:
    """Raise KeyRefused for 401 and 403 (a missing scope is a 401 too, loop.md#missing-scope)."""
    if status in (401, 403):
        refused = KeyRefused(
            f"{endpoint.name} refused the key (answered {status})",
            hint=f"check {endpoint.key_setting} and what the key may do",
        )
        refused.service = endpoint.name
        raise refused


def to_response(response: httpx.Response) -> Response:
    """Our `Response` for httpx's."""
    return Response(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=replace_lone_surrogates(response.content),
        date=parse_http_date(response.headers.get("date")),
    )
