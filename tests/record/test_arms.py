"""What of a race the other arms had cost by when."""

import pytest
from journals_by_hand import cost_of

from curriculum import Stage
from curriculum.plan import ArmReport
from curriculum.record import ArmEvaluated, ArmSelected, ArmsHistory


def race(*evaluations: tuple[str, int]) -> ArmsHistory:
    found = ArmsHistory()
    for arm, steps in evaluations:
        cost = cost_of(steps)
        report = ArmReport(compute=cost.compute)
        event = ArmEvaluated(arm=arm, stage=Stage(2), reach=None, report=report, cost=cost)
        found.add(event, 1.0)
    return found


def select(found: ArmsHistory, arm: str) -> None:
    cost = cost_of(0)
    selected = ArmSelected(arm=arm, mastered=True, ending="", cost=cost, discarded_cost=cost)
    found.add(selected, 1.0)


@pytest.mark.parametrize(
    ("compute", "steps"), [(0, 5), (3, 5), (3.5, 9 + 4), (8, 9 + 4), (8.5, 11 + 4), (100, 11 + 4)]
)
def test_the_other_arms_had_cost_what_they_were_trained_until_then(
    compute: float, steps: int
) -> None:
    found = race(("a", 5), ("b", 3), ("a", 9), ("c", 4), ("b", 8), ("a", 11))
    select(found, "b")
    assert found.cost_of_others(compute).steps == steps


def test_until_an_arm_is_selected_all_are_others() -> None:
    found = race(("a", 5), ("b", 3), ("a", 9))
    assert found.cost_of_others(0).steps == found.cost.steps == 12
