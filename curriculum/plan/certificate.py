"""Whether a model that is no longer trained passes a stage: a sequential test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from curriculum.plan import confidence_bounds
from curriculum.plan.criterion import EXACT_MATCH, Mastery
from curriculum.plan.evaluation import Evaluation, Score
from curriculum.plan.evaluation_counts import EvaluationCounts

Answer = Literal["passes", "fails", "not shown"]

Draw = Callable[[int, int], tuple[Score, Mapping[str, Score]]]
"""Evaluates on fresh examples: of a number, and so many; gives the score, and that of each slice.

Where they are counted, the distinct inputs are those of all draws so far.
"""

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
    criterion: Mastery, draw: Draw, looks: Sequence[tuple[float, float]] = LOOKS
) -> Certificate:
    """Test on fresh examples, until it is shown whether the model passes, or the last look is over.

    A model below the threshold passes, and one above it fails, with a probability of at most
    1 - `criterion.confidence` each: every look has its share of that (Bonferroni). There is no
    screen before it, and so a model that does not change keeps its answer where it is clear.

    Args:
        criterion: of the stage.
        draw: evaluates the model.
        looks: multiples of `criterion.examples`, rising, and their shares of the error.
    """
    parts: dict[str, Score] = {}
    done, found = 0, None
    for number, (multiple, share) in enumerate(looks):
        until = max(done + 1, round(multiple * criterion.examples))
        whole, slices = draw(number, until - done)
        for name, more in {"": whole, **slices}.items():
            parts[name] = more if name not in parts else _pooled(parts[name], more)
        done = until
        found = _weakest(parts, criterion, (1 - criterion.confidence) * share)
        if found.answer != "not shown":
            break
    assert found is not None  # there is a look
    return found


def certify_whole(
    criterion: Mastery, evaluation: Evaluation, *, test_number: int = 1
) -> Certificate:
    """The answer of an evaluation on a finite set.

    Where that is all there is, it leaves nothing to chance. Of a held-out set it is test
    `test_number` of the stage on the same examples, whose bounds have the error of that test.
    """
    whole = evaluation.full_test
    if whole is not None and whole.is_sample:
        error = confidence_bounds.error_of_test(test_number, criterion.confidence)
        return _weakest({"": whole, **evaluation.slices}, criterion, error)
    # One evaluation decides: neither steps nor further passes in a row can be waited for.
    counts = EvaluationCounts(passes=criterion.consecutive_passes)
    decision = counts.decide(criterion, evaluation, steps=criterion.min_steps)
    return Certificate(
        answer="passes" if decision.cleared else "fails",
        score=decision.score or 0.0,
        examples=decision.examples or 0,
        reason=decision.reason,
    )


def _weakest(parts: Mapping[str, Score], criterion: Mastery, error: float) -> Certificate:
    """What is shown of a stage, which passes with all of its slices."""
    order: tuple[Answer, ...] = ("fails", "not shown", "passes")
    answers = (_answer(criterion, name, score, error) for name, score in parts.items())
    answer, reason = min(answers, key=lambda found: order.index(found[0]))
    whole = parts[""]
    return Certificate(answer=answer, score=whole.value, examples=whole.examples, reason=reason)


def _pooled(one: Score, other: Score) -> Score:
    examples = one.examples + other.examples
    value = (one.value * one.examples + other.value * other.examples) / examples
    return Score(value=min(value, 1.0), examples=examples, distinct=other.distinct)


def _answer(criterion: Mastery, name: str, score: Score, error: float) -> tuple[Answer, str]:
    """What is shown of the whole, or of a slice, and why."""
    threshold = criterion.threshold
    low = criterion.lower_bound(score, error)
    assert low is not None  # it is a sample
    high = _upper_bound(criterion, score, error)
    text = f"{criterion.metric} {score.value:.4g} on {score.basis}"
    text += f" of the slice {name!r}" if name else ""
    if low >= threshold:
        return "passes", f"{text}, lower bound {low:.4f} >= threshold {threshold:g}"
    if high < threshold:
        return "fails", f"{text}, upper bound {high:.4f} < threshold {threshold:g}"
    return "not shown", f"{text}, threshold {threshold:g} lies between {low:.4f} and {high:.4f}"


def _upper_bound(criterion: Mastery, score: Score, error: float) -> float:
    """A one-sided upper bound on the true score."""
    wrong = 1 - score.value
    if criterion.metric == EXACT_MATCH:
        count = score.examples - round(score.value * score.examples)
        return 1 - confidence_bounds.clopper_pearson_lower(count, score.examples, error)
    return 1 - confidence_bounds.chernoff_lower(wrong, score.examples, error)
