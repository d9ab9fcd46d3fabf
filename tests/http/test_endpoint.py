"""A key goes to one place only, over a line that nobody reads."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ConfigError
from reconciler.http import connect
from reconciler.http.transport import Transport
from tests.http.peers import KEY, endpoint


@pytest.mark.parametrize(
    "url",
    [
        "https://api.loopreturns.com/api/2026-07",
        "https://api.loopreturns.com/api/2026-07/",
        "http://127.0.0.1:8080/api",
        "http://127.8.8.8/api",
        "http://[::1]:8080/api",
        "http://localhost:1/api",
        "https://api.loopreturns.com:65535/API-X/",
    ],
)
def test_https_and_this_machine_are_accepted(clock, url):
    with connect(endpoint("", base_url=url), clock) as service:
        assert (service.name, service.base_url) == ("Loop", url.removesuffix("/"))


UNREADABLE = "cannot be read"
NOWHERE = "must begin with https:// and a host"
IN_CLEAR = "plain http is accepted for this machine only"
TOO_MUCH = "may hold a host and a path only"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://api.loopreturns.com/api", IN_CLEAR),
        ("http://127.0.0.1.example.com/api", IN_CLEAR),
        ("http://localhost.example.com/api", IN_CLEAR),
        ("http://10.0.0.1/api", IN_CLEAR),
        ("ftp://127.0.0.1/api", NOWHERE),
        ("api.loopreturns.com/api", NOWHERE),
        ("https://", NOWHERE),
        ("", NOWHERE),
        ("https://user:secret@api.loopreturns.com/api", TOO_MUCH),
        ("https://api.loopreturns.com/api?key=secret", TOO_MUCH),
        ("https://api.loopreturns.com/api#secret", TOO_MUCH),
        ("https://[::1/api", UNREADABLE),
        ("https://a:99999999/api", NOWHERE),
        ("https://a:65536/api", NOWHERE),
        ("https://a:0/api", NOWHERE),
    ],
)
def test_any_other_base_url_is_a_mistake_in_the_settings(clock, url, problem):
    with pytest.raises(ConfigError) as caught:
        connect(endpoint("", base_url=url), clock)

    subject = "" if problem is IN_CLEAR else "the base URL "
    assert str(caught.value) == f"Loop: {subject}{problem}"


@pytest.mark.parametrize("key", ["", " ", "canary\n", "canary\r\nX: 1", "canary\0", "canäry"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(clock, key):
    with pytest.raises(ConfigError) as caught:
        connect(endpoint("http://127.0.0.1:1", key_header=("X-Authorization", key)), clock)

    assert str(caught.value) == "Loop: the key is empty or has characters that no key has"
    assert caught.value.hint == "check LOOP_API_KEY"


def test_the_text_form_of_an_endpoint_hides_the_key():
    assert KEY not in repr(endpoint("http://127.0.0.1:1"))


@pytest.mark.parametrize("elsewhere", ["host", "port", "scheme", "path"])
def test_whatever_asks_for_it_no_request_leaves_for_another_place(peer, clock, elsewhere):
    home, canary = peer(), peer()
    url = {
        "host": f"http://localhost:{home.port}/api/list",
        "port": f"{canary.url}/api/list",
        "scheme": f"https://127.0.0.1:{home.port}/api/list",
        "path": f"{home.url}/other/list",
    }[elsewhere]

    with (
        Transport(endpoint(home.url), clock, None) as transport,
        pytest.raises(RuntimeError, match="place"),
    ):
        transport.handle_request(httpx.Request("GET", url))

    assert home.requests == canary.requests == []
