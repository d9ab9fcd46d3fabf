"""A read is repeated within reason, in one place, and says what it met."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC

import msgspec
import pytest

from reconciler.errors import Interrupted, KeyRefused, SourceError
from reconciler.http import Refused, Response
from tests.http.peers import KEY, NOON, answer, head_lines

PATH, QUERY = "/list", "from=2026-03-01%2010%3A00%3A00&where%5Bid%5D=%2B1"


def decoded(got):
    return msgspec.json.decode(got.body)


def retry_waits(clock):
    """Without the turns of the pace, which are milliseconds."""
    return [wait for wait in clock.waits if wait > 0.01]


def test_the_query_arrives_byte_for_byte_with_the_key_and_without_an_encoding(peer, service):
    server = peer(answer(body=b"[1]"))

    assert service(server.url).get(PATH, QUERY, decoded) == [1]

    assert server.requests[0].decode().split("\r\n") == [
        *head_lines(f"GET /api/list?{QUERY}", server.port),
        "",
    ]


@pytest.mark.parametrize(
    "date", ["Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 14:00:00 +0200"]
)
def test_an_answer_knows_its_date_and_lower_case_headers(peer, service, date):
    server = peer(answer(body=b"[1]", Date=date, X_RateLimit_Limit="300"))

    got = service(server.url).get(PATH, "", lambda given: given)

    headers = {"content-length": "3", "date": date, "x-ratelimit-limit": "300"}
    assert got == Response(status=200, headers=headers, body=b"[1]", date=NOON)
    assert got.date.tzinfo is UTC


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Mar 2026 12:00:00 GMT", "0"])
def test_an_unreadable_date_is_none(peer, service, date):
    assert service(peer(answer(Date=date)).url).get(PATH, "", lambda given: given).date is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_a_transient_status_is_asked_again(peer, service, clock, status):
    server = peer(answer(status), answer(body=b"1"))

    assert service(server.url).get(PATH, "", decoded) == 1
    assert len(server.requests) == 2
    assert len(retry_waits(clock)) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_what_was_asked_for_is_asked_again(peer, service, body):
    server = peer(answer(body=body), answer(body=b"1"))

    assert service(server.url).get(PATH, "", decoded) == 1
    assert len(server.requests) == 2


def number_one(got):
    if decoded(got) != 1:
        raise ValueError("not a one")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"2", "the answer is not what was asked for: not a one"),
        (b'"\xff"', "the answer is not UTF-8"),
        (b"[" * 100_000, "the answer is nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(peer, service, body, what):
    with pytest.raises(SourceError) as caught:
        service(peer(answer(body=body)).url).get(PATH, "", number_one)

    assert str(caught.value) == f"Loop: {what} (GET /list, given up after 4 tries)"


def as_text(got):
    return got.body.decode()


def test_what_is_no_text_is_told_whoever_decodes(peer, service):
    with pytest.raises(SourceError) as caught:
        service(peer(answer(body=b"\xff")).url).get(PATH, "", as_text)

    assert str(caught.value) == "Loop: the answer is not UTF-8 (GET /list, given up after 4 tries)"


def test_a_failure_for_good_tells_how_many_tries_came_before(peer, service):
    with pytest.raises(SourceError) as caught:
        service(peer(answer(503), answer(302)).url).get(PATH, "", decoded)

    what = "answered 302, which is neither followed nor understood"
    assert str(caught.value) == f"Loop {what} (GET /list, given up after 2 tries)"


def test_four_tries_are_all(peer, service):
    server = peer(answer(503))
    loop = service(server.url)

    with pytest.raises(SourceError, match=r"^Loop answered 503 .*after 4 tries"):
        loop.get(PATH, QUERY, decoded)

    assert len(server.requests) == loop.requests.get == 4


def test_the_fourth_try_is_judged_like_the_others(peer, service):
    good = peer(answer(503), answer(503), answer(503), answer(body=b"1"))
    bad = peer(answer(503), answer(503), answer(503), answer(body=b"<html>"))

    assert service(good.url).get(PATH, "", decoded) == 1
    with pytest.raises(SourceError, match="not what was asked for"):
        service(bad.url).get(PATH, "", decoded)


@pytest.mark.covers("F21")
def test_waits_are_anywhere_below_one_two_and_four_seconds(peer, service, clock):
    loop = service(peer(answer(503)).url)
    for _ in range(3):
        with pytest.raises(SourceError):
            loop.get(PATH, "", decoded)

    waits = retry_waits(clock)
    assert len(waits) == 9
    for position, ceiling in enumerate((1, 2, 4)):
        assert all(0 < wait < ceiling for wait in waits[position::3])
    assert len(set(waits)) == 9


@pytest.mark.parametrize("library", ["httpx", "httpcore", "httpx_retries"])
def test_the_libraries_below_are_kept_from_logging_what_they_send(service, library):
    logging.getLogger(library).setLevel(logging.NOTSET)

    service("http://127.0.0.1:1")

    assert logging.getLogger(library).level == logging.WARNING


@pytest.mark.covers("F107")
def test_neither_key_nor_query_is_logged_or_told(peer, service, caplog):
    caplog.set_level(logging.DEBUG)
    loop = service(peer(answer(503)).url)

    with pytest.raises(SourceError) as caught:
        loop.get(PATH, QUERY, decoded)

    told = caplog.text + "".join(traceback.format_exception(caught.value)) + repr(loop)
    assert KEY not in told
    assert "where" not in told


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_it_at_once_and_names_the_setting(peer, service, status):
    server = peer(answer(status, b'{"error":{"message":"Unauthorized."}}'))

    with pytest.raises(KeyRefused) as caught:
        service(server.url).get(PATH, "", decoded)

    assert str(caught.value) == f"Loop refused the key (answered {status})"
    assert caught.value.hint == "check LOOP_API_KEY and what the key may do"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"title":"api.sales.missing","detail":"x"}', "api.sales.missing"),
        (b'{"message":"The from is not a valid date."}', "The from is not a valid date."),
        (b'{"title":"\\u001b[31mred"}', None),
        (
            b'{"title":"Ms Canary of 12 Elm Street","message":"The customer Canary is unknown"}',
            None,
        ),
        (b"<html>", None),
        (b"[1]", None),
    ],
)
def test_another_refusal_is_final_and_carries_its_title(peer, service, body, title):
    server = peer(answer(422, body))

    with pytest.raises(Refused) as caught:
        service(server.url).get(PATH, "", decoded)

    assert (caught.value.status, caught.value.title) == (422, title)
    assert str(caught.value) == "answered 422" + (f": {title}" if title else "")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 410, 422, 451, 499])
def test_any_other_status_of_the_four_hundreds_is_a_refusal(peer, service, status):
    with pytest.raises(Refused):
        service(peer(answer(status)).url).get(PATH, "", decoded)


@pytest.mark.parametrize("status", [201, 204, 300, 304, 399])
def test_what_is_neither_success_nor_refusal_is_not_asked_again(peer, service, status):
    server = peer(answer(status))

    with pytest.raises(SourceError) as caught:
        service(server.url).get(PATH, "", decoded)

    what = f"answered {status}, which is neither followed nor understood"
    assert str(caught.value) == f"Loop {what} (GET /list)"
    assert len(server.requests) == 1


def test_429_to_the_last_is_told_as_such(peer, service):
    with pytest.raises(SourceError) as caught:
        service(peer(answer(429)).url).get(PATH, "", decoded)

    assert str(caught.value) == "Loop answered 429 (GET /list, given up after 4 tries)"


def test_an_allowed_status_is_decoded(peer, service):
    server = peer(answer(404, b'{"a":1}'))

    got = service(server.url).get(PATH, "", lambda given: given.status, frozenset({200, 404}))

    assert got == 404


def test_an_allowed_server_error_is_decoded_and_not_repeated(peer, service):
    server = peer(answer(500, b'{"title":"api.x"}'))

    assert service(server.url).get(PATH, "", lambda given: given.status, frozenset({500})) == 500
    assert len(server.requests) == 1


def test_a_signal_before_a_request_lets_nothing_leave(peer, service, clock):
    server = peer()
    loop = service(server.url)
    clock.stopped = True

    with pytest.raises(Interrupted):
        loop.get(PATH, "", decoded)

    assert server.requests == []
    assert (loop.requests.get, loop.requests.write) == (0, 0)


def test_a_signal_during_a_wait_ends_the_tries(peer, service, clock):
    def stop(connection):
        clock.stopped = True
        connection.sendall(answer(503))

    server = peer(stop)

    with pytest.raises(Interrupted):
        service(server.url).get(PATH, "", decoded)

    assert len(server.requests) == 1


@pytest.mark.covers("F104")
@pytest.mark.parametrize("path", ["list", "/../list", "/a//b", "/a?b", "/a#b", "/a b", "/ä", ""])
def test_a_path_is_sent_as_it_is_or_not_at_all(peer, service, path):
    server = peer()

    with pytest.raises(ValueError, match="path"):
        service(server.url).get(path, "", decoded)

    assert server.requests == []


@pytest.mark.parametrize("query", ["a b", 'a="b"', "a#b", "ä", "a\n"])
def test_a_query_is_sent_as_it_is_or_not_at_all(peer, service, query):
    server = peer()

    with pytest.raises(ValueError, match="query"):
        service(server.url).get(PATH, query, decoded)

    assert server.requests == []


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r'"a\uD83D"', "a\ufffd"),
        (r'"a\ud83d"', "a\ufffd"),
        (r'"\ude00a\ud83d\ud83d\ude00"', "\ufffda\ufffd\U0001f600"),
        (r'"\uD83D\uDE00 \\ud83d \\\ud83d"', "\U0001f600 \\ud83d \\\ufffd"),
        (r'"\ud83d\"\ud83d\\"', '\ufffd"\ufffd\\'),
        (r'"\u00e9\/\n"', "é/\n"),
    ],
)
def test_half_a_character_spoils_no_answer(peer, service, sent, read):
    loop = service(peer(answer(body=sent.encode())).url)

    assert loop.get("/x", "", lambda got: msgspec.json.decode(got.body)) == read
