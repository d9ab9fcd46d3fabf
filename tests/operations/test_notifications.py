"""Messages through services that take less than the program has to say."""

from __future__ import annotations

import json

import pytest

from reconciler.clock import SystemClock
from reconciler.config import Secret
from reconciler.operations.notifications import Message, send
from tests.support.ears import Ears, listening

TAKES = 4000
"""Characters that Mattermost takes in one message, the heading included."""
LONG = Message("reconciler: 80 new problems", "\n".join(f"  ! {n} " + "x" * 200 for n in range(80)),
               "warning")  # fmt: skip


def sent(ears: Ears, choice: str = "") -> list[str]:
    """The text of each message that Mattermost was sent."""
    address = Secret(f"mmost://127.0.0.1:{ears.port}/canary-hook-90ce{choice}")
    assert send([address], LONG, SystemClock())
    return [json.loads(one.body)["text"] for one in ears.heard]


@pytest.mark.covers("R22")
def test_a_service_that_takes_less_gets_the_beginning_in_one_message() -> None:
    with listening() as ears:
        [text] = sent(ears)

    assert text.startswith(f"{LONG.title}\r\n  ! 0 xxx")
    assert TAKES - 10 <= len(text) <= TAKES


def test_an_address_may_ask_for_several_messages() -> None:
    with listening() as ears:
        texts = sent(ears, "?overflow=split")

    assert len(texts) > 1
    assert all(len(text) <= TAKES for text in texts)
    assert sum(text.count("  ! ") for text in texts) >= 79
