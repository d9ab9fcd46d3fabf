"""How long is waited before a read is tried again, and what is said meanwhile."""

from __future__ import annotations

import logging

import httpx
import pytest
from httpx_retries import RetryTransport

from reconciler.errors import SourceError
from reconciler.http import PerSecond
from reconciler.http.retry import ReadRetry, RetryContext, reason
from reconciler.http.transport import Transport
from tests.http.peers import Dice, answer, endpoint


def one(got):
    if got.body != b"1":
        raise ValueError("not a one")
    return 1


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("share", "failure", "waits"),
    [
        (0, answer(503), [0, 0, 0]),
        (0.5, answer(503), [0.5, 1, 2]),
        (1, answer(503), [1, 2, 4]),
        (1, answer(body=b"2"), [1, 2, 4]),
        # Too fast is too fast: a second at least.
        (0, answer(429), [1, 1, 1]),
        (0.5, answer(429), [1, 1, 2]),
        (1, answer(429), [1, 2, 4]),
        (0, answer(503, Retry_After="30"), [30, 30, 30]),
        (1, answer(503, Retry_After="30"), [31, 31, 31]),
        (0.5, answer(429, Retry_After="300"), [300.5, 300.5, 300.5]),
    ],
)
def test_a_wait_is_drawn_between_nothing_and_its_ceiling_or_as_asked(
    peer, service, clock, share, failure, waits
):
    with pytest.raises(SourceError):
        service(peer(failure).url, rng=Dice(share)).get("/x", "", one)

    turns = [wait for wait in clock.waits if 0 < wait < 0.01]
    assert [wait for wait in clock.waits if wait not in turns] == waits


def test_each_wait_is_logged_once_with_its_cause(peer, service, caplog):
    caplog.set_level(logging.INFO)
    server = peer(answer(503), answer(body=b"2"), b"220 mail.example\r\n\r\n", answer(body=b"1"))

    service(server.url, rng=Dice(1)).get("/x", "from=2026", one)

    assert messages(caplog) == [
        "Loop: answered 503; try 2 of 4 in 1.0 s",
        "Loop: the answer was not what was asked for; try 3 of 4 in 2.0 s",
        "Loop: the answer broke off or was not HTTP; try 4 of 4 in 4.0 s",
    ]


def test_the_wait_for_a_turn_is_logged_for_who_looks_closely(peer, service, caplog):
    caplog.set_level(logging.DEBUG)

    service(peer().url, pace=PerSecond(reads=2, writes=1)).take_turn()

    assert messages(caplog) == ["Loop: waiting 1.001 s for the next turn"]


def test_a_write_with_a_reads_patience_would_still_be_sent_once(peer, clock):
    server = peer(answer(503))

    with Transport(endpoint(server.url), clock, None) as transport:
        context = RetryContext("Loop", clock, Dice(1), transport.budget)
        retry = ReadRetry(context, frozenset({200}), lambda _: None)
        put = httpx.Request("PUT", f"{server.url}/api/x")
        answered = RetryTransport(transport, retry).handle_request(put)

    assert answered.status_code == 503
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ReadTimeout("quoted"), "timed out"),
        (httpx.ConnectTimeout("quoted"), "timed out"),
        (httpx.ReadError("quoted"), "connection reset"),
        (httpx.RemoteProtocolError("quoted"), "the answer broke off or was not HTTP"),
        (httpx.LocalProtocolError("quoted"), "LocalProtocolError"),
    ],
)
def test_a_failure_is_told_without_quoting_what_was_received(error, words):
    assert reason(error) == words
