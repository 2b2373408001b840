"""What several processes have evaluated is one evaluation, as if one had evaluated all of it."""

import numpy as np
import pytest

from curriculum import Evaluation, Score, UsageError
from curriculum.callbacks.combined_evaluation import combined
from curriculum.plan.evaluation import Spread


def of_documents(losses: list[float]) -> Evaluation:
    score = Score(value=float(np.mean(losses)), examples=3 * len(losses), spread=Spread.of(losses))
    return Evaluation(full_test=score)


def test_losses_of_documents_are_pooled_with_their_spread() -> None:
    losses = [2.5, 1.0, 4.0, 0.5, 3.0, 7.0]
    found = combined(
        [of_documents(losses[:1]), of_documents(losses[1:4]), of_documents(losses[4:])]
    )
    whole = of_documents(losses).full_test
    score = found.full_test
    assert score is not None
    assert whole is not None
    assert score.spread is not None
    assert whole.spread is not None
    assert score.value == pytest.approx(whole.value)
    assert score.examples == whole.examples
    assert score.spread.units == 6
    assert score.spread.deviation == pytest.approx(whole.spread.deviation)
    assert score.spread.skewness == pytest.approx(whole.spread.skewness)


def test_a_spread_of_some_parts_alone_is_refused() -> None:
    without = Evaluation(full_test=Score(value=0.5, examples=3))
    with pytest.raises(UsageError, match="either all parts of a score have a spread, or none has"):
        combined([of_documents([1.0, 2.0]), without])
