"""What a measure of final models is, of each experiment."""

import pytest
from estimation import estimation

from curriculum import MetricBeyond, Plateau, UsageError
from curriculum.plan import Measure
from curriculum.runner import FinalMeasure


@pytest.mark.parametrize(
    ("metric", "lower"),
    [("error", True), ("points", False), ("close", False), ("loss", True), ("exact_match", False)],
)
def test_a_metric_is_better_in_the_direction_that_its_task_says(metric: str, lower: bool) -> None:
    experiment = estimation(MetricBeyond(metric="points", threshold=90))
    found = FinalMeasure.of(Measure.parse(f"{metric}@3"), experiment)
    assert (found.metric, found.lower_is_better) == (metric, lower)


def test_a_metric_of_the_criterion_is_better_as_that_has_it() -> None:
    experiment = estimation(Plateau(metric="close", mode="min"))
    assert FinalMeasure.of(Measure.parse("close@3"), experiment).lower_is_better


def test_a_metric_that_the_task_has_not_is_refused() -> None:
    experiment = estimation(MetricBeyond(metric="points", threshold=90))
    with pytest.raises(UsageError, match="did you mean"):
        FinalMeasure.of(Measure.parse("eror@3"), experiment)
