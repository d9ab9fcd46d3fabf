"""The same targets, with inputs that are led by what they reach."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.fuzz_targets import TARGETS
from tests.support.figures import Figures

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="Atheris is not installed (the extra `fuzz`; it does not exist for every Python)",
)

_ROOT = Path(__file__).parents[2]
_SECONDS = 12
"""For each target in the long form."""


@pytest.mark.parametrize("name", ["all", *TARGETS])
def test_no_input_that_is_found_breaks_a_target(
    name: str, tmp_path: Path, figures: Figures, long: bool
) -> None:
    if not long and name != "all":
        pytest.skip("one by one only in the long form")
    limit = f"-max_total_time={_SECONDS}" if long else "-runs=1000"
    fuzz = [sys.executable, "-m", "tests.hostile.fuzz_with_atheris"]

    done = subprocess.run(
        [*fuzz, name, limit, "-seed=20260301", "-max_len=4096"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    ran = re.search(r"Done (\d+) (?:runs|in)", done.stderr)
    figures.add("fuzz", "coverage-guided runs", int(ran[1]) if ran else 0)
