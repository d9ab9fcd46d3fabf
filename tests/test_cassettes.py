"""All recordings of tests/cassettes: nobody's keys or names, and none that no test replays."""

from __future__ import annotations

import re

import pytest

from reconciler.sandbox.sandbox import JETTI_TOKEN, LOOP_KEY
from tests.support.cassettes import CASSETTES
from tests.support.proof_table import TESTS

MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+|@")
SECRETS = (
    *(LOOP_KEY, JETTI_TOKEN, "authorization", "bearer", "access_token", "set-cookie"),
    *("canary", "127.0.0.1", "localhost", "555-01"),
)


def test_no_cassette_holds_a_key_a_mail_address_or_a_person() -> None:
    recordings = sorted(CASSETTES.rglob("*.yaml"))

    assert {path.parent.name for path in recordings} == {"test_jetti", "test_loop"}
    for path in recordings:
        text = path.read_text().lower()
        assert not MAIL.search(text), path.name
        for secret in SECRETS:
            assert secret.lower() not in text, (path.name, secret)


@pytest.mark.parametrize("service", ["loop", "jetti"])
def test_every_cassette_is_replayed_by_a_test(service: str) -> None:
    text = (TESTS / service / "test_cassettes.py").read_text(encoding="utf-8")
    replayed = re.findall(r"@pytest\.mark\.vcr\n(?:@.*\n)*def (\w+)", text)

    recorded = {path.stem.partition("[")[0] for path in (CASSETTES / f"test_{service}").iterdir()}
    assert recorded == set(replayed)
