"""One evaluation of what several parts, or several processes, have evaluated each."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from curriculum.errors import UsageError
from curriculum.plan import Cost, Evaluation, Score


def combined(parts: Sequence[Evaluation]) -> Evaluation:
    """The evaluation of all examples: counts are summed, and measures are means over examples.

    The steps are those of any part, since all processes take the same. Tokens and compute are what the
    parts say together, seconds are the longest.

    >>> one, other = Evaluation.from_counts(9, 10, steps=5), Evaluation.from_counts(30, 30, steps=5)
    >>> combined([one, other]).full_test
    Score(value=0.975, examples=40, source='sample', memorised=False, distinct=None, spread=None)

    Raises:
        UsageError: where they are not of the same kind.
    """
    first, *others = parts
    if not others:
        return first
    names = {(*sorted(part.slices), "|", *sorted(part.metrics)) for part in parts}
    if len(names) > 1:
        raise UsageError("the parts of an evaluation must have the same slices and metrics")
    weights = [_examples(part) for part in parts]
    whole = max(1, sum(weights))
    return replace(
        first,
        screen=_pooled([part.screen for part in parts]),
        full_test=_pooled([part.full_test for part in parts]),
        slices={
            name: score
            for name in first.slices
            if (score := _pooled([part.slices[name] for part in parts])) is not None
        },
        metrics={
            name: sum(w * part.metrics[name] for w, part in zip(weights, parts, strict=True))
            / whole
            for name in first.metrics
        },
        cost=_cost([part.cost for part in parts]),
        divergence=next((part.divergence for part in parts if part.divergence is not None), None),
    )


def _pooled(scores: Sequence[Score | None]) -> Score | None:
    given = [score for score in scores if score is not None]
    if len(given) < len(scores):
        if given:
            raise UsageError(
                "either all parts of an evaluation have a screen or a test, or none has"
            )
        return None
    first, examples = given[0], sum(score.examples for score in given)
    correct = sum(score.value * score.examples for score in given)
    if all(_is_count(score) for score in given):
        correct = sum(round(score.value * score.examples) for score in given)  # exact again
    value, spread = correct / examples, first.spread
    if spread is not None:  # a mean over units, such as documents
        value = first.value
        for score in given[1:]:
            if score.spread is None:
                raise UsageError("either all parts of a score have a spread, or none has")
            value, spread = spread.pooled(score.spread, value, score.value)
    return replace(first, value=value, examples=examples, distinct=None, spread=spread)


def _is_count(score: Score) -> bool:
    """Whether the score is a share of whole examples."""
    correct = score.value * score.examples
    return abs(correct - round(correct)) < 1e-6


def _examples(part: Evaluation) -> int:
    score = part.full_test or part.screen
    return 0 if score is None else score.examples


def _cost(costs: Sequence[Cost]) -> Cost:
    def of(combine: Callable[[list[float]], float], name: str) -> float:
        return combine([getattr(cost, name) for cost in costs])

    return Cost(
        steps=costs[0].steps,
        tokens=int(of(sum, "tokens")),
        compute=of(sum, "compute"),
        seconds=of(max, "seconds"),
        evaluation=of(sum, "evaluation"),
    )
