"""A sweep's status in words."""

import pytest

from curriculum.report import describe_sweep
from curriculum.sweeps import SweepRecord, SweepStatus, VariantStatus

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


def test_each_variant_is_a_line_with_reach_cost_and_failures() -> None:
    record = SweepRecord(
        id="0" * 8, experiments=("tiny",), command="", created=0.0, runs=("a",), format=1
    )
    variants = {
        "tiny, gated, growth.factor 1.5": VariantStatus(
            runs=3, done=2, failed=1, compute=3e9, reaches={"length 5": 2}
        ),
        "tiny, gated, growth.factor 2": VariantStatus(runs=3),
    }
    status = SweepStatus(
        record=record,
        state="running",
        waiting=3,
        running=0,
        done=2,
        reached=2,
        failed=1,
        compute=3e9,
        seconds_left=None,
        variants=variants,
    )
    assert [*describe_sweep(status)][2:4] == [
        "  tiny, gated, growth.factor 1.5: 2 of 3 runs done, 1 failed; 2 × length 5; cost 3.0e9",
        "  tiny, gated, growth.factor 2: 0 of 3 runs done",
    ]
