"""A service that fails every time is left alone; retries stay a small part of all requests."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from reconciler.errors import SourceError
from reconciler.http import Refused, ResponseLost
from reconciler.http.breaker import Breaker
from reconciler.http.retry import Budget
from tests.http.peers import answer


def ask(loop):
    return loop.get("/x", "", lambda got: got.body)


def fail(loop, times: int = 1):
    for _ in range(times):
        with pytest.raises(SourceError):
            ask(loop)


def test_five_failures_in_a_row_open_it(peer, service):
    server = peer(answer(500))
    loop = service(server.url)
    fail(loop, 5)
    asked = len(server.requests)

    fail(loop)
    with pytest.raises(SourceError) as caught:
        loop.write("PUT", "/x", b"{}")

    assert str(caught.value) == "Loop answered 500 five times"
    assert len(server.requests) == asked


def test_failed_writes_count_too(peer, service):
    server = peer(answer(500))
    loop = service(server.url)

    for _ in range(5):
        assert loop.write("PUT", "/x", b"{}").status == 500
    with pytest.raises(SourceError):
        loop.write("PUT", "/x", b"{}")

    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("status", "opens_after"),
    [(500, 5), (502, 5), (599, 5), (300, 5), (302, 5), (399, 5), (429, 6)]
    + [(status, 9) for status in (200, 201, 299, 400, 404, 422, 499)],
)
def test_what_an_answer_to_a_write_says_about_health(peer, service, status, opens_after):
    """After four failures: one more, nothing at all, or the proof that the service is alive."""
    server = peer(*[answer(500)] * 4, answer(status), answer(500))
    jetti = service(server.url)

    def write_until_it_is_open():
        while len(server.requests) < 20:
            with suppress(ResponseLost):
                jetti.write("PUT", "/x", b"{}")

    with pytest.raises(SourceError, match="five times"):
        write_until_it_is_open()

    # A success leaves the five that follow it to be counted again.
    assert len(server.requests) == (opens_after if opens_after < 9 else 10)


def cut(connection: socket.socket) -> None:
    connection.close()


def test_what_opened_it_is_told_in_the_service_s_own_ways_of_failing(peer, service):
    """Five of one kind are a number; of several kinds each is named, in a fixed order."""
    broken, mixed = (
        service(peer(cut).url),
        service(peer(answer(503), answer(500), answer(503), answer(500), cut).url),
    )
    for jetti in (broken, mixed):
        for _ in range(5):
            with suppress(ResponseLost):
                jetti.write("PUT", "/x", b"{}")

    told = []
    for jetti in (broken, mixed):
        with pytest.raises(SourceError) as caught:
            jetti.write("PUT", "/x", b"{}")
        told.append(str(caught.value))

    cut_off = "the answer broke off or was not HTTP"
    assert told == [
        f"Loop: {cut_off} five times",
        f"Loop failed five times in a row: answered 500, answered 503, {cut_off}",
    ]


def test_a_read_given_up_says_what_the_service_did_as_its_cause(peer, service):
    with pytest.raises(SourceError) as caught:
        ask(service(peer(answer(503)).url))

    assert caught.value.cause == "answered 503"


def test_a_success_in_between_closes_it(peer, service):
    failures = [answer(302)] * 4
    server = peer(*failures, answer(), *failures, answer())
    loop = service(server.url)

    for _ in range(2):
        fail(loop, 4)
        assert ask(loop) == b"{}"


def test_refusals_and_429_say_nothing_about_health(peer, service):
    server = peer(answer(404), answer(404), answer(404), answer(404), answer(404), answer(429))
    loop = service(server.url)

    for _ in range(5):
        with pytest.raises(Refused):
            ask(loop)
    fail(loop, 6)
    server.script = [answer()]

    assert ask(loop) == b"{}"


def test_after_a_minute_one_read_may_try_but_no_write(peer, service, clock):
    server = peer(answer(302))
    loop = service(server.url)
    fail(loop, 5)
    server.script = [answer()]
    clock.elapsed += 61

    with pytest.raises(SourceError):
        loop.write("PUT", "/x", b"{}")
    assert ask(loop) == b"{}"
    assert loop.write("PUT", "/x", b"{}").status == 200


def test_the_minute_is_over_when_it_is_over(clock):
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed("answered 500")

    clock.elapsed = 59.9
    assert not breaker.admits(write=False)
    clock.elapsed = 60
    assert breaker.admits(write=False)


def test_a_failed_trial_opens_it_again(peer, service, clock):
    server = peer(answer(302))
    loop = service(server.url)
    fail(loop, 5)
    clock.elapsed += 61

    fail(loop, 2)

    assert len(server.requests) == 6


@pytest.mark.covers("F21")
def test_retries_stop_when_their_budget_is_spent(peer, service, clock):
    server = peer(answer(429))
    loop = service(server.url)

    fail(loop, 6)

    # Ten retries between six requests; then each is tried once.
    assert len(server.requests) == 16


def test_a_long_run_may_retry_a_tenth_of_its_requests(peer, service):
    server = peer(*[answer()] * 150, answer(429))
    loop = service(server.url)

    for _ in range(150):
        ask(loop)
    fail(loop, 9)

    # Eighteen retries are a tenth of what has left by then.
    assert len(server.requests) == 150 + 9 + 18


@pytest.mark.parametrize(
    ("requests", "retries", "spent"),
    [(0, 9, False), (0, 10, True), (100, 10, True), (101, 10, False), (200, 20, True)],
)
def test_ten_retries_are_always_allowed_and_then_a_tenth(requests, retries, spent):
    budget = Budget()
    budget.requests += requests
    budget.retries += retries

    assert budget.is_spent == spent
