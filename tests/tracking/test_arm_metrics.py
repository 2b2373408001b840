"""Which numbers of a race are metrics, worked out from journals made by hand."""

from journals_by_hand import cost_of, describe, evaluated, history, visit_started

from curriculum import Stage
from curriculum.plan import ArmReport
from curriculum.record import ArmEvaluated, ArmSelected, Event, FavouritesChanged, Record
from curriculum.record.events import Clock
from curriculum.tracking.arm_fields import arm_columns, standing
from curriculum.tracking.arm_metrics import (
    arm_metrics,
    predicted_metrics,
    race_metrics,
    selection_metrics,
)
from curriculum.tracking.metric_points import cost_then
from curriculum.tracking.metrics import evaluation_metrics


def arm_evaluated(
    arm: str, steps: int, reach: Stage | None = None, ending: str | None = None
) -> ArmEvaluated:
    cost = cost_of(steps)
    report = ArmReport(compute=cost.compute, ending=ending, score=0.5, target_loss=0.25)
    return ArmEvaluated(arm=arm, stage=Stage(2), reach=reach, report=report, cost=cost)


SELECTED = ArmSelected(
    arm="direct", mastered=True, ending="", cost=cost_of(20), discarded_cost=cost_of(60)
)
RACE: list[tuple[float, Event]] = [
    (1.0, arm_evaluated("gated", 10)),
    (2.0, arm_evaluated("direct", 10)),
    (3.0, FavouritesChanged(arms=("direct",), remaining={"direct": 7.0, "gated": None})),
    (4.0, arm_evaluated("gated", 60, Stage(2))),
    (5.0, arm_evaluated("direct", 20, Stage(4))),
    (5.0, SELECTED),
    (1.0, visit_started(0, Stage(2))),
    (1.5, evaluated(0, Stage(2), cost_of(10))),
    (4.5, evaluated(0, Stage(2), cost_of(20))),
]
SETTINGS = describe(strategy="auto", settings={"tuning.mode": "off"})


def test_a_race_tells_the_cost_of_all_arms_and_the_reach_of_the_first() -> None:
    found = race_metrics(
        history(SETTINGS, RACE[:4]), Record(RACE[3][1], Clock(time=4.0, seconds=7.0))
    )
    values = {metric.key: metric.value for metric in found}
    assert values["arms/reach_length"] == 2
    assert values["progress/compute"] == values["progress/steps"] == 70
    assert values["progress/seconds"] == 7.0
    assert values["speed/steps_per_second"] == 10.0
    assert {(metric.step, metric.timestamp) for metric in found} == {(70, 4000)}


def test_an_arm_is_shown_by_its_own_cost() -> None:
    found = arm_metrics(history(SETTINGS, RACE[:4]), RACE[3][1], 4000)  # type: ignore[arg-type]
    points = {metric.key: (metric.step, metric.value) for metric in found}
    assert points["by_step/reach_length"] == (60, 2)
    assert points["by_step/target_loss"] == (60, 0.25)
    assert points["by_compute/score"] == (0, 0.5)  # a step is a million of compute
    assert points["progress/tokens"] == (60, 600)
    assert "by_step/target_score" not in points
    assert "progress/seconds" not in points


def test_what_an_arm_is_predicted_to_need_stands_at_its_last_evaluation() -> None:
    event = arm_evaluated("direct", 10)
    (found,) = predicted_metrics(7.0, event, 3000)
    assert (found.key, found.value, found.step) == ("progress/predicted_compute", 7.0, 10)


def test_the_share_of_the_arms_that_lost_is_of_all_that_was_spent() -> None:
    found = selection_metrics(history(SETTINGS, RACE[:6]), SELECTED)
    assert {metric.key: metric.value for metric in found} == {
        "arms/discarded_compute": 60.0,
        "arms/discarded_share": 0.75,
    }
    nothing = ArmSelected(
        arm="gated", mastered=False, ending="", cost=cost_of(0), discarded_cost=cost_of(0)
    )
    found = selection_metrics(history(SETTINGS, RACE[:6]), nothing)
    assert {metric.value for metric in found} == {0.0}


def test_a_winners_evaluation_stands_where_the_race_was_and_tells_no_cost_twice() -> None:
    found = history(SETTINGS, RACE[:8])
    assert cost_then(found).steps == 10 + 10  # of gated's 60, what it had come to by then
    event = RACE[7][1]
    metrics = evaluation_metrics(found, event, Record(event, Clock(time=1.5, seconds=1.5)))  # type: ignore[arg-type]
    assert {metric.step for metric in metrics if metric.key.startswith("by_step")} == {20}
    assert not [metric for metric in metrics if metric.key.startswith(("progress", "speed"))]
    assert cost_then(history(SETTINGS, RACE)).steps == 20 + 60


def test_what_follows_on_a_race_tells_its_own_cost() -> None:
    later = evaluated(0, Stage(2), cost_of(30))
    found = history(SETTINGS, [*RACE, (6.0, later)])
    metrics = evaluation_metrics(found, later, Record(later, Clock(time=6.0, seconds=6.0)))
    values = {metric.key: metric.value for metric in metrics}
    assert values["progress/steps"] == 30 + 60


def test_arms_stand_as_their_race_says() -> None:
    amid, over = history(SETTINGS, RACE[:4]), history(SETTINGS, RACE)
    assert (
        standing(amid, "gated")
        == "has come to length 2, vocabulary 2, and gets its least share alone"
    )
    assert standing(amid, "direct") == "has mastered no stage"
    assert standing(over, "direct") == "has mastered the target"
    assert standing(over, "gated") == "has come to length 2, vocabulary 2, and was outrun by direct"
    ended = history(SETTINGS, [(1.0, arm_evaluated("gated", 10, ending="no steps are left"))])
    assert standing(ended, "gated") == "has mastered no stage, and ended: no steps are left"


def test_a_table_has_a_row_for_each_arm_that_was_started() -> None:
    table = arm_columns(history(SETTINGS, RACE))
    assert table["arm"] == ["gated", "direct"]
    assert table["selected"] == [False, True]
    assert table["reach"] == ["length 2, vocabulary 2", "length 4, vocabulary 2"]
    assert table["steps"] == [60, 20]
