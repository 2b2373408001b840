"""Whether a model that is no longer trained passes a stage: a sequential test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from curriculum.plan import confidence_bounds
from curriculum.plan.decision import Answer, Criterion, weakest_answer
from curriculum.plan.evaluation import Evaluation, Score
from curriculum.plan.evaluation_counts import EvaluationCounts

Draw = Callable[[int, int], tuple[Score, Mapping[str, Score]]]
"""Evaluates on fresh examples: of a number, and so many; gives the score, and that of each slice.

Where they are counted, the distinct inputs are those of all draws so far.
"""

ENOUGH = 2**31
"""Passes in a row."""

LOOKS = ((1 / 8, 0.04), (5 / 8, 0.16), (5 / 2, 0.8))
"""After which multiples of a full test's examples the test may stop, and its share of the error.

With 1,024 examples at a threshold of .95 it takes 128, 640 or 2,560, and passes a model of rate .96
with probability .74, of .97 with .999, of just below .95 with at most .04.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What is shown of a stage.

    Attributes:
        answer: `passes` where the bound below the score clears the threshold, `fails` where the
            bound above it does not, and else `not shown`.
        score: of all examples.
        examples: how many there were.
        reason: in words.
    """

    answer: Answer
    score: float
    examples: int
    reason: str


def certify_sample(
    criterion: Criterion,
    draw: Draw,
    looks: Sequence[tuple[float, float]] = LOOKS,
    *,
    reference: Score | None = None,
) -> Certificate:
    """Test on fresh examples, until it is shown whether the model passes, or the last look is over.

    A model below the threshold passes, and one above it fails, with a probability of at most
    1 - `criterion.confidence` each: every look has its share of that (Bonferroni). There is no
    screen before it, and so a model that does not change keeps its answer where it is clear.

    Args:
        criterion: of the stage.
        draw: evaluates the model.
        looks: multiples of `criterion.examples`, rising, and their shares of the error.
        reference: the score that the stage passed with, for a criterion without a threshold.
    """
    parts: dict[str, Score] = {}
    done, found = 0, None
    for number, (multiple, share) in enumerate(looks):
        until = max(done + 1, round(multiple * criterion.examples))
        whole, slices = draw(number, until - done)
        for name, more in {"": whole, **slices}.items():
            parts[name] = more if name not in parts else pooled(criterion, parts[name], more)
        done = until
        found = _weakest(parts, criterion, (1 - criterion.confidence) * share, reference)
        if found.answer != "not shown":
            break
    assert found is not None  # there is a look
    return found


def certify_whole(
    criterion: Criterion,
    evaluation: Evaluation,
    *,
    test_number: int = 1,
    reference: Score | None = None,
) -> Certificate:
    """The answer of an evaluation on a finite set.

    Where that is all there is, it leaves nothing to chance. Of a held-out set it is test
    `test_number` of the stage on the same examples, whose bounds have the error of that test.
    """
    whole = evaluation.full_test
    if whole is not None and (whole.is_sample or criterion.compares):
        error = confidence_bounds.error_of_test(test_number, criterion.confidence)
        return _weakest({"": whole, **evaluation.slices}, criterion, error, reference)
    # One evaluation decides: neither steps nor further passes in a row can be waited for.
    counts = EvaluationCounts(passes=ENOUGH)
    decision = counts.decide(criterion, evaluation, steps=criterion.min_steps)
    return Certificate(
        answer="passes" if decision.cleared else "fails",
        score=decision.score or 0.0,
        examples=decision.examples or 0,
        reason=decision.reason,
    )


def _weakest(
    parts: Mapping[str, Score], criterion: Criterion, error: float, reference: Score | None
) -> Certificate:
    """What is shown of a stage, which passes with all of its slices."""
    answer, reason = weakest_answer(criterion, parts, error, reference)
    whole = parts[""]
    return Certificate(answer=answer, score=whole.value, examples=whole.examples, reason=reason)


def pooled(criterion: Criterion, one: Score, other: Score) -> Score:
    """The score on two samples of fresh examples together."""
    examples = one.examples + other.examples
    if one.spread is None or other.spread is None:
        value = (one.value * one.examples + other.value * other.examples) / examples
        return Score(value=min(value, 1.0), examples=examples, distinct=other.distinct)
    means = criterion.mean(one), criterion.mean(other)
    mean, spread = one.spread.pooled(other.spread, *means)
    return Score(
        value=criterion.shown(mean), examples=examples, distinct=other.distinct, spread=spread
    )
