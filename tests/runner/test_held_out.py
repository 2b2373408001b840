"""A task whose evaluation set is independent examples that were held out, the same each time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from recorded_events import of_kind, recorded

import curriculum
from curriculum import (
    Batch,
    Evaluation,
    Experiment,
    Explicit,
    Mastery,
    Score,
    Stage,
    Task,
    UsageError,
)
from curriculum.learn import EvaluationSet
from curriculum.plan import EvaluationCounts, certify_whole, error_of_test
from curriculum.record import Evaluated, FinalEvaluated


@dataclass(frozen=True, kw_only=True, slots=True)
class Held(Task):
    """The last bit, with so many examples of each stage held out."""

    output = "bit"

    held_out: int = 300

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs[:, -1])

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        return EvaluationSet(examples=self.held_out, source="held_out")

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return self.sample(np.random.default_rng(7), stage, self.held_out).rows(start, stop)


@pytest.fixture
def held(tiny: Experiment) -> Experiment:
    return tiny.replace(
        task=Held(), growth=Explicit(lengths=(9, 12)), criterion=Mastery(threshold=0.95)
    )


def test_mastery_and_the_final_answer_rest_on_bounds_that_count_the_reuse(
    held: Experiment, store: Path
) -> None:
    result = curriculum.run(held, store=store, mirror=False)
    assert result.status == "reached"
    events = recorded(store)
    for stage in held.growth.path():
        tests = [e for e in of_kind(Evaluated, events) if e.stage == stage]
        assert [e.decision.test_number for e in tests] == [*range(1, len(tests) + 1)]
        for each in tests:
            assert each.screen is None
            assert each.full_test is not None
            assert (each.full_test.source, each.full_test.examples) == ("held_out", 300)
            assert "on 300 held-out examples, lower bound 0." in each.decision.reason
        (final,) = (e for e in of_kind(FinalEvaluated, events) if e.stage == stage)
        bound = error_of_test(len(tests) + 1, held.criterion.confidence) ** (1 / 300)
        assert (final.score, final.answer) == (1.0, "passes")
        assert f"lower bound {bound:.4f}" in final.reason


def test_too_few_examples_for_the_threshold_are_a_mistake(held: Experiment) -> None:
    with pytest.raises(
        UsageError,
        match=r"0\.99 can't be cleared with 300 held-out examples: .* it takes 348; hold out more",
    ):
        held.replace(criterion=Mastery(threshold=0.99))


def test_a_set_that_was_used_too_often_is_said_to_be() -> None:
    counts = EvaluationCounts()
    criterion = Mastery(threshold=0.95)
    score = Score(value=0.9, examples=100, source="held_out")
    limits = []
    for _ in range(5):
        evaluation = Evaluation(full_test=score)
        counts.decide(criterion, evaluation, steps=0)
        limits.append(counts.limit_reached(criterion, evaluation))
    assert limits[0] is None
    assert limits[-1] is not None
    assert "on 100 examples, would not clear the threshold even if all were" in limits[-1]


@pytest.mark.parametrize(
    ("value", "tests", "answer"),
    [(1.0, 1, "passes"), (0.97, 1, "not shown"), (0.97, 50, "not shown"), (0.8, 1, "fails")],
)
def test_its_certificate_has_three_answers(value: float, tests: int, answer: str) -> None:
    score = Score(value=value, examples=300, source="held_out")
    found = certify_whole(Mastery(threshold=0.95), Evaluation(full_test=score), test_number=tests)
    assert found.answer == answer


def test_a_documents_evaluations_are_counted() -> None:
    score = Score(value=0.5, examples=90, source="document")
    counts = EvaluationCounts()
    decisions = [
        counts.decide(Mastery(threshold=0.4), Evaluation(full_test=score), steps=0)
        for _ in range(2)
    ]
    assert decisions[1].reason == (
        "exact_match 0.5 on 90 held-out examples, >= threshold 0.4 (evaluation 2 on them)"
    )
