"""Jetti's error responses: RFC 7807, machine code in `title`, 500 by default
(jetti.md#problem-details, #error-statuses)."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.sandbox.jetti.schema import Resource
from reconciler.sandbox.messages import Response


class Problem(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        code: str,
        status: int = 500,
        *,
        detail: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code, self.status, self.detail, self.details = code, status, detail, details

    def response(self) -> Response:
        """The response; `detail` and `details` are omitted if empty (jetti.md#problem-details)."""
        body: dict[str, Any] = {
            "type": f"https://problems.jetti.io/details#{self.code}",
            "title": self.code,
            "status": self.status,
        }
        if self.detail is not None:
            body["detail"] = self.detail
        if self.details is not None:
            body["details"] = self.details
        return json_response(body, self.status)


def instance_problem(
    resource: Resource, row_id: int, action: str, context: str, status: int = 500
) -> Problem:
    """A problem with one object, with its additional members (jetti.md#problems-of-one-object)."""
    return Problem(
        f"api.{resource.path.replace('-', '_')}.{action}.{context}",
        status,
        details={
            "instance": f"/{resource.path}/{row_id}.json",
            "resource": resource.path,
            "action": action,
            "context": context,
        },
    )


def json_response(body: Any, status: int = 200) -> Response:
    """A JSON response; every success is a 200, even a creation (jetti.md#success-status)."""
    return Response(status, msgspec.json.encode(body), {"content-type": "application/json"})
