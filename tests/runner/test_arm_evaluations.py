"""What an arm of a race reports at each of its evaluations, from its records."""

from typing import Any

import pytest
from journals_by_hand import cost_of, describe, evaluated, visit_started

from curriculum import Stage
from curriculum.record import Event, Record, TargetEvaluated, TargetScreened
from curriculum.record.events import Clock
from curriculum.runner.arm_evaluations import ArmEvaluations

TARGET: dict[str, Any] = {
    "visit": 0,
    "stage": Stage(4),
    "evaluation": 1,
    "score": 0.25,
    "examples": 64,
}
TEST: dict[str, Any] = TARGET | {"cleared": False, "mastered": False, "reason": ""}


@pytest.mark.parametrize(
    ("afterwards", "expected"),
    [
        ([], (None, None)),
        ([TargetScreened(**TARGET, loss=0.7)], (0.25, 0.7)),
        (
            [TargetScreened(**TARGET, loss=0.7), TargetEvaluated(**TEST | {"score": 0.5})],
            (0.25, 0.7),
        ),
        ([TargetEvaluated(**TEST)], (0.25, None)),  # a set that is evaluated whole has no screen
    ],
)
def test_a_report_tells_the_score_of_the_target(
    afterwards: list[Event], expected: tuple[float | None, float | None]
) -> None:
    events = [visit_started(0, Stage(2)), evaluated(0, Stage(2), cost_of(5)), *afterwards]
    events += [evaluated(0, Stage(2), cost_of(10))]
    records = [Record(event, Clock(time=1.0, seconds=1.0)) for event in events]
    (found,) = ArmEvaluations.of("direct", describe(), records)
    assert found.report.compute == 5
    assert (found.report.target_score, found.report.target_loss) == expected
