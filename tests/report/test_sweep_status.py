"""A sweep's status in words."""

import pytest

from curriculum.report import describe_sweep
from curriculum.sweeps import SweepRecord, SweepStatus

TRACEBACK = "a run failed:\nTraceback (most recent call last):\n  File ...\nValueError: odd\n"


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("there is no GPU", "there is no GPU"),
        (TRACEBACK, "ValueError: odd"),
        ("", "no reason given"),
    ],
)
def test_why_a_run_failed_is_a_line_that_says_it(why: str, told: str) -> None:
    record = SweepRecord(
        id="0" * 8, experiments=("tiny",), command="", created=0.0, runs=("a",), format=2
    )
    status = SweepStatus(
        record=record,
        state="over",
        waiting=0,
        running=0,
        done=0,
        reached=0,
        failed=1,
        compute=0.0,
        seconds_left=None,
        failures={"a": why},
    )
    assert [*describe_sweep(status)][-1] == f"  run a failed: {told}"
