"""Points are held back until their step is over, and of several at one step the last is kept."""

from mlflow.entities import Metric

from curriculum.tracking.point_buffer import PointBuffer


def point(key: str, value: float, step: int) -> Metric:
    return Metric(key, value, 0, step)


def taken(buffer: PointBuffer, *, last: bool = False) -> dict[str, list[tuple[str, float, int]]]:
    return {
        run: [(each.key, each.value, each.step) for each in metrics]
        for run, metrics in buffer.take(last=last)
    }


def test_a_step_is_over_once_there_is_a_later_one() -> None:
    buffer = PointBuffer()
    buffer.add("a", [point("score", 0.5, 0), point("score", 0.7, 10)])
    assert taken(buffer) == {"a": [("score", 0.5, 0)]}
    assert taken(buffer) == {}
    buffer.add("a", [point("score", 0.9, 20)])
    assert taken(buffer) == {"a": [("score", 0.7, 10)]}
    assert taken(buffer, last=True) == {"a": [("score", 0.9, 20)]}
    assert taken(buffer, last=True) == {}


def test_of_several_at_one_step_the_last_is_kept() -> None:
    buffer = PointBuffer()
    buffer.add("a", [point("score", value, 10) for value in (1.0, 0.9, 0.8)])
    buffer.add("a", [point("loss", 2.0, 10)])
    buffer.add("b", [point("score", 0.1, 10)])
    assert taken(buffer, last=True) == {
        "a": [("score", 0.8, 10), ("loss", 2.0, 10)],
        "b": [("score", 0.1, 10)],
    }


def test_of_a_run_that_is_over_all_are_logged() -> None:
    buffer = PointBuffer()
    buffer.add("a", [point("score", 0.5, 0), point("score", 0.7, 10)])
    buffer.add("b", [point("score", 0.1, 10)])
    buffer.finish("a")
    assert taken(buffer) == {"a": [("score", 0.5, 0), ("score", 0.7, 10)]}
