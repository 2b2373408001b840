"""A criterion takes the direction and the range of a metric from the task."""

from typing import Any

import estimation as the_module
import pytest
from estimation import ShareOfOnes, estimation

from curriculum import Criterion, Mastery, MetricBeyond, MetricScale, Plateau, UsageError
from curriculum.config import deserialize, override, serialize


@pytest.mark.parametrize(
    ("criterion", "mode", "within"),
    [
        (MetricBeyond(metric="error", threshold=5.0), "min", (0.0, None)),
        (MetricBeyond(metric="points", threshold=95.0), "max", (0.0, 100.0)),
        (Plateau(metric="error"), "min", None),
        (Plateau(metric="points"), "max", None),
        (Plateau(metric="points", mode="max"), "max", None),
        (Plateau(metric="close"), None, None),
        (Plateau(metric="symbol_accuracy", mode="min"), "min", None),
    ],
)
def test_the_task_says_which_way_a_metric_is_better(
    criterion: Any, mode: str | None, within: Any
) -> None:
    experiment = estimation(criterion)
    found: Any = experiment.criterion
    assert found.mode == mode
    assert found.lower_is_better is (mode == "min")
    if within:
        assert (found.low, found.high) == within
    assert deserialize(serialize(experiment), the_module).criterion == found
    again = experiment.replace(name="again").criterion
    assert again == found


def test_another_metric_on_the_command_line_has_its_own_direction() -> None:
    beyond = estimation(MetricBeyond(metric="error", threshold=5.0))
    options = ["--criterion.metric", "points", "--criterion.threshold", "95"]
    found: Any = override(beyond, options).criterion
    assert (found.mode, found.low, found.high) == ("max", 0.0, 100.0)
    plateau = estimation(Plateau(metric="error"))
    assert override(plateau, ["--criterion.metric", "loss"]).criterion == Plateau(metric="loss")
    kind: Any = override(plateau, ["--criterion", "metric_beyond", *options]).criterion
    assert kind == beyond.replace(criterion=MetricBeyond(**_settings(kind))).criterion
    assert (kind.metric, kind.mode) == ("points", "max")


def _settings(kind: Any) -> dict[str, Any]:
    return {"metric": "points", "threshold": 95.0, "screen": kind.screen, "examples": kind.examples}


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        (
            Mastery(metric="error"),
            "error is at least 0, and lower is better; take the criterion Met",
        ),
        (Mastery(metric="points"), "points is 0 to 100, and higher is better"),
        (
            MetricBeyond(),
            r"scale of its own \(error, points\), got ''; for a rate take the criterion M",
        ),
        (MetricBeyond(metric="close", threshold=0.5), "got 'close'; for a rate take"),
        (MetricBeyond(metric="exact_match", threshold=0.5), "got 'exact_match'; for a rate take"),
        (
            MetricBeyond(metric="points", threshold=100.0),
            "within the range of points, which is 0 to",
        ),
        (
            MetricBeyond(metric="error", threshold=-1.0),
            "within the range of error, which is at least",
        ),
        (
            MetricBeyond(metric="error", threshold=5.0, mode="max"),
            "max contradicts the task, by whic",
        ),
        (Plateau(metric="points", mode="min"), "by which higher is better of points; leave it out"),
        (
            MetricBeyond(metric="points", threshold=99.9),
            "even if all are perfect, they show a mean",
        ),
    ],
)
def test_what_does_not_suit_a_metric_is_one_sentence(criterion: Criterion, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        estimation(criterion)
    assert "\n" not in str(caught.value)


def test_a_rate_may_still_be_mastered() -> None:
    assert estimation(Mastery(metric="close")).criterion == Mastery(metric="close")


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        (
            {"distance": MetricScale()},
            r"of its own metrics \(error, points, close\), got one of 'dist",
        ),
        ({"error": "min"}, r"must be MetricScale\(...\), got 'min' for 'error'"),
    ],
)
def test_scales_that_are_none_are_refused(
    scales: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShareOfOnes, "metric_scales", scales)
    with pytest.raises(UsageError, match=message):
        estimation(Plateau(metric="loss"))


def test_values_outside_the_range_are_refused_before_a_run() -> None:
    plain = estimation(Plateau(metric="loss"), task=ShareOfOnes(scaled=False))
    with pytest.raises(UsageError, match=r"in \[0, 1\], got .* say so in `metric_scales`"):
        plain.check_first_batch()
    estimation(Plateau(metric="loss")).check_first_batch()


def test_values_outside_what_the_task_says_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scales = {
        "error": MetricScale(lower_is_better=True, high=1e-9),
        "points": MetricScale(high=100),
    }
    monkeypatch.setattr(ShareOfOnes, "metric_scales", scales)
    with pytest.raises(UsageError, match="'error' that is 0 to 1e-09, as metric_scales says, got"):
        estimation(Plateau(metric="loss")).check_first_batch()
