"""Comparisons from Python."""

import logging
import math
from pathlib import Path

import pytest
from last_bit import LastBit

import curriculum
from curriculum import Experiment, Explicit, UsageError
from curriculum.record import Store


@pytest.fixture(scope="module")
def two_lengths(tiny: Experiment) -> Experiment:
    return tiny.replace(growth=Explicit(lengths=(2, 3)), name="two")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compared")


def compare(experiment: Experiment, store: Path, **more: object) -> curriculum.StrategyComparison:
    settings = {"seeds": [0, 1], "learning_rates": [3e-2], "budget": "200steps", "store": store}
    return curriculum.compare(experiment, **(settings | more))  # type: ignore[arg-type]


def test_a_comparison_is_a_table_of_a_terminal_and_of_a_notebook_and_a_frame(
    two_lengths: Experiment, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = compare(two_lengths, store)
    assert "need at least 6 seeds, and there are 2" in caplog.text
    frame = found.to_frame()
    assert list(frame["strategy"]) == ["gated", "gated", "direct", "direct"]
    assert list(frame["length"]) == [2, 3, 2, 3]
    assert (frame["seeds"] == 2).all()
    reached = frame[frame["reached"] == 2]
    assert len(reached) > 0
    assert all(0 < value < math.inf for value in reached["steps_median"])
    assert repr(found).splitlines()[0] == "two"
    assert "\x1b" not in repr(found)
    html = found._repr_html_()
    assert "<b>two</b>" in html
    assert "<svg" in html
    assert {"reach_by_strategy", "cost_by_stage", "learning_rate"} <= set(found.figures)
    assert found.headline in repr(found).replace("\n", " ")


def test_what_the_store_has_is_not_made_again(two_lengths: Experiment, store: Path) -> None:
    compare(two_lengths, store)
    runs = len(Store(store).runs())
    compare(two_lengths, store, strategies="gated,direct")
    assert len(Store(store).runs()) == runs
    found = curriculum.compare_recorded(two_lengths, seeds=[0], store=store)
    assert {len(each.results) for each in found.comparison.outcomes.values()} == {1}
    everything = curriculum.compare_recorded("two", store=store)
    assert {len(each.results) for each in everything.comparison.outcomes.values()} == {2}
    for missing in ({"learning_rates": [0.5]}, {"strategies": ["gated"]}, {"seeds": [9]}):
        with pytest.raises(UsageError):
            curriculum.compare_recorded("two", store=store, **missing)
    with pytest.raises(UsageError, match=r"no run in .* is of 'tow'; did you mean two"):
        curriculum.compare_recorded("tow", store=store)


def test_what_a_notebook_defines_is_compared_in_this_process_alone(
    two_lengths: Experiment, store: Path
) -> None:
    own = two_lengths.replace(task=LastBit(), name="own_two")
    with pytest.raises(UsageError, match="give the path of its file as `source`"):
        compare(own, store, jobs=2)
    assert compare(own, store).comparison.experiment == "own_two"


def test_jobs_take_experiments_that_are_made_of_the_packages_parts(
    two_lengths: Experiment, store: Path
) -> None:
    short = two_lengths.replace(growth=Explicit(lengths=(2,)), name="short")
    found = compare(short, store, jobs=2)
    alone = compare(short, store / "alone")
    assert found.to_frame()["steps_median"].equals(alone.to_frame()["steps_median"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strategies": ["gatde"]}, "did you mean gated"),
        ({"budget": "many"}, "must be a number above 0"),
        ({"jobs": 0}, "jobs must be at least 1, got 0"),
        ({"threads": -1}, "threads must be at least 1, got -1"),
        ({"overrides": ["--strategy", "gated"]}, "--strategy can't be given to compare"),
    ],
)
def test_mistakes_are_a_sentence_before_anything_is_run(
    two_lengths: Experiment, tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        compare(two_lengths, tmp_path, **wrong)
    assert not Store(tmp_path).runs()
