"""MLflow's server goes away amid a run, and comes back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [("--away", "60"), ("--away", "5", "--empty"), ("--away", "0", "--delay", "0.3")]
)
def test_nothing_is_missing_after(how: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "benchmarks/outage.py", *how],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["looks"] > 0
    assert (found["runs"], found["status"]) == (1, ["FINISHED"])
    assert (found["missing"], found["too_many"]) == (0, 0)
