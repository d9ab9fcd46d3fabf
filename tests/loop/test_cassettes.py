"""Loop's wire format as recorded (tests/cassettes/README.md says where), read without a network."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.model import Window
from reconciler.core.records import By
from reconciler.errors import KeyRefused, SourceError
from reconciler.http import connect
from reconciler.loop import LoopReader
from reconciler.sandbox.sandbox import LOOP_KEY, Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.loop.samples import loop_endpoint, read_all, row
from tests.loop.scrubbing import LOOP, scrub
from tests.support.cassettes import CASSETTES, vcr_settings
from tests.support.patient_clock import PatientClock

# What the questions are about. A live account needs others: see the README.
START = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2))
RETURN_ID, ORDER_NAME = "7", "1007"
UNKNOWN_ID = "31999999"


@pytest.fixture(scope="module")
def vcr_cassette_dir():
    return str(CASSETTES / "test_loop")


@pytest.fixture(scope="module")
def vcr_config():
    return vcr_settings(LOOP, "X-Authorization", scrub)


@pytest.fixture
def recorded(record_mode):
    """Where the answers come from: cassettes, or while recording a live account or a sandbox."""
    with ExitStack() as stack:
        if record_mode == "none":
            yield f"https://{LOOP}/api/2026-07", "not-needed"
        elif "LOOP_BASE_URL" in os.environ:
            yield os.environ["LOOP_BASE_URL"], os.environ["LOOP_API_KEY"]
        else:
            yield stack.enter_context(serving(small_world())).loop, LOOP_KEY


def small_world() -> Sandbox:
    """Nine returns, four of them in one second, one of them with nothing but what it must have."""
    options = SandboxOptions(returns=0, start=WINDOW.end, frozen=True)
    sandbox = Sandbox(options)
    sandbox.loop.switches.extra_fields = True
    for number in range(1, 10):
        moment = START + timedelta(minutes=10, seconds=max(0, number - 4))
        sandbox.loop.store.put(row(number, moment, "closed" if number == 9 else "open"))
    bare = {"labels": (), "customer": None, "provider_order_id": None, "outcome": None}
    sandbox.loop.store.put(row(10, START + timedelta(minutes=20), "cancelled", **bare))
    return sandbox


@pytest.fixture
def reader(recorded):
    base_url, key = recorded

    def make(key: str = key, page_size: int = 3) -> LoopReader:
        clock = PatientClock(WINDOW.end)
        service = connect(loop_endpoint(base_url, key), clock, rng=random.Random(7))
        stack.callback(service.close)
        return LoopReader(service, clock, page_size)

    with ExitStack() as stack:
        yield make


@pytest.mark.vcr
@pytest.mark.parametrize("by", By)
def test_a_recorded_window_is_drained_and_understood(reader, by):
    found, malformed = read_all(reader(), WINDOW, by)

    assert malformed == []
    assert len(found) > 3
    assert all(one.updated_at.utcoffset() == timedelta(0) for one in found.values())
    assert RETURN_ID in found


@pytest.mark.vcr
def test_a_recorded_return_is_found_by_id(reader):
    found = reader().fetch(RETURN_ID)

    assert found.id == RETURN_ID
    assert found.lines
    assert found.shop


@pytest.mark.vcr
def test_a_recorded_return_is_found_by_order(reader):
    assert RETURN_ID in {one.id for one in reader().fetch_order(ORDER_NAME)}


@pytest.mark.vcr
def test_a_recorded_not_found_is_none(reader):
    assert reader().fetch(UNKNOWN_ID) is None


@pytest.mark.vcr
def test_a_recorded_refusal_of_a_window_carries_its_reason(reader):
    too_long = Window(WINDOW.end - timedelta(days=200), WINDOW.end)

    with pytest.raises(SourceError, match="answered 422: "):
        read_all(reader(), too_long)


@pytest.mark.vcr
def test_a_recorded_refusal_of_the_key_is_one(reader):
    with pytest.raises(KeyRefused):
        reader(key="no-such-key").server_time()


@pytest.mark.vcr
def test_recorded_answers_say_what_time_it_is(reader):
    assert reader().server_time().utcoffset() == timedelta(0)
