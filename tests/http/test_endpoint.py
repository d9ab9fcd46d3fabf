"""A key goes to one place only, over a line that nobody reads."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ConfigError
from reconciler.http import connect
from reconciler.http.transport import Transport
from tests.http.peers import KEY, endpoint
from tests.support.golden import as_shown


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


@pytest.mark.parametrize(
    "url",
    [
        "http://api.loopreturns.com/api",
        "http://127.0.0.1.example.com/api",
        "http://localhost.example.com/api",
        "http://10.0.0.1/api",
        "ftp://127.0.0.1/api",
        "api.loopreturns.com/api",
        "https://",
        "",
        "https://user:secret@api.loopreturns.com/api",
        "https://api.loopreturns.com/api?key=secret",
        "https://api.loopreturns.com/api#secret",
        "https://[::1/api",
        "https://a:99999999/api",
        "https://a:65536/api",
        "https://a:0/api",
    ],
)
def test_any_other_base_url_is_a_mistake_in_the_settings(clock, url, golden):
    with pytest.raises(ConfigError) as caught:
        connect(endpoint("", base_url=url), clock)

    assert str(caught.value).startswith("Loop")
    assert "secret" not in str(caught.value)
    golden(str(caught.value))


@pytest.mark.parametrize("key", ["", " ", "canary\n", "canary\r\nX: 1", "canary\0", "canäry"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(clock, key, golden):
    with pytest.raises(ConfigError) as caught:
        connect(endpoint("http://127.0.0.1:1", key_header=("X-Authorization", key)), clock)

    assert "LOOP_API_KEY" in caught.value.hint
    assert "canary" not in as_shown(caught.value)
    golden(as_shown(caught.value))


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
        pytest.raises(RuntimeError, match="another"),
    ):
        transport.handle_request(httpx.Request("GET", url))

    assert home.requests == canary.requests == []
