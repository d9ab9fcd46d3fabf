"""Loop's error envelopes (loop.md#error-envelopes)."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.sandbox.messages import Response

JSON = {"content-type": "application/json"}


def answer(status: int, body: Any) -> Response:
    """Any JSON body."""
    return Response(status, msgspec.json.encode(body), dict(JSON))


def unauthorized(form: str) -> Response:
    """For a missing key, a bad key and a missing scope. The gateway swaps the names of its two
    codes."""
    if form == "plain":
        return answer(401, {"errors": "Unauthorized."})
    return answer(
        401,
        {
            "error": {
                "code": "401",
                "http_code": "GEN-UNAUTHORIZED",
                "message": "Unauthorized.",
            }
        },
    )


def unprocessable(field: str, problem: str) -> Response:
    """Laravel's validation envelope; the texts are not known (loop.md#validation-errors)."""
    return answer(422, {"message": problem, "errors": {field: [problem]}})


def server_error() -> Response:
    """Laravel's answer after a crash."""
    return answer(500, {"message": "Server Error"})


def not_found(path: str) -> Response:
    """Laravel's answer for an unknown route."""
    return answer(404, {"message": f"The route {path.lstrip('/')} could not be found."})


def wrong_method(method: str, path: str) -> Response:
    """Laravel's answer for a route that has other methods."""
    route = path.lstrip("/")
    text = f"The {method} method is not supported for route {route}. Supported methods: GET, HEAD."
    return answer(405, {"message": text})


def no_return_found() -> Response:
    """Details without a match: still HTTP 200 (loop.md#details-without-a-match)."""
    return answer(200, {"error": {"message": "No return found with this ID."}})


def too_many_attempts() -> Response:
    """Laravel's 429; its headers are the limiter's (loop.md#responses-over-the-limit)."""
    return answer(429, {"message": "Too Many Attempts."})
