"""How long what Jetti showed may be believed."""

from __future__ import annotations

import pytest

from tests.core.samples import a_snapshot


@pytest.mark.parametrize(("later", "stale"), [(0.0, False), (120.0, False), (120.5, True)])
def test_a_snapshot_is_too_old_to_write_by_after_two_minutes(later, stale):
    assert a_snapshot(looked_at=1000.0).is_stale(1000.0 + later) is stale
