import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from curriculum import Evaluation, LossBelow, Score, Spread, Stage, UsageError, Verdict
from curriculum.plan import Trend, error_of_test
from curriculum.plan.confidence_bounds import mean_lower, mean_upper

Draw = Any
"""Draws (runs, documents) losses of mean 1.5."""


def a_loss(value: float, units: int = 400, deviation: float = 0.3, **kinds: Any) -> Score:
    spread = Spread(units=units, deviation=deviation)
    return Score(value=value, examples=units, spread=spread, **kinds)


def decide(criterion: LossBelow, score: Score, **state: Any) -> Any:
    found = {"test_number": 1, "passes": 0, "steps": 100, **state}
    return criterion.decide(Evaluation(full_test=score), **found)


@pytest.mark.parametrize(
    ("criterion", "score", "state", "ready", "message"),
    [
        (LossBelow(threshold=1.6), a_loss(1.5), {}, True, "upper bound 1.54 < threshold 1.6 (full"),
        (LossBelow(threshold=1.53), a_loss(1.5), {}, False, "upper bound 1.54 >= threshold 1.53"),
        (LossBelow(threshold=1.6), a_loss(1.5, 99), {}, False, "a bound takes at least 100"),
        (LossBelow(threshold=1.6), a_loss(1.5, source="every input"), {}, True, "< threshold 1.6"),
        (LossBelow(threshold=1.55), a_loss(1.5), {"test_number": 500}, False, "(full test 500)"),
        (LossBelow(threshold=1.6, min_steps=200), a_loss(1.5), {}, False, "only 100 of at least"),
        (LossBelow(threshold=1.6, consecutive_passes=2), a_loss(1.5), {}, False, "pass 1 of 2"),
        (
            LossBelow(threshold=5.0, unit="perplexity"),
            a_loss(4.5),
            {},
            True,
            "perplexity 4.5 on 400 fresh examples, upper bound 4.684 < threshold 5",
        ),
    ],
)
def test_a_stage_is_ready_when_the_bound_is_below_the_threshold(
    criterion: LossBelow, score: Score, state: dict[str, int], ready: bool, message: str
) -> None:
    decision = decide(criterion, score, **state)
    assert (decision.ready, decision.mastered, decision.passed) == (ready, False, ready)
    assert message in decision.reason


def test_every_slice_has_to_be_ready() -> None:
    evaluation = Evaluation(
        full_test=a_loss(1.0), slices={"easy": a_loss(0.5), "hard": a_loss(1.8)}
    )
    decision = LossBelow(threshold=1.6).decide(evaluation, test_number=1, passes=0, steps=1)
    assert not decision.ready
    assert "of the slice 'hard'" in decision.reason


def test_a_stage_may_have_a_threshold_of_its_own_by_length_or_by_key() -> None:
    criterion = LossBelow(threshold=1.0, per_stage={64: 1.9, "64x10": 1.7})
    for stage, threshold in ((Stage(64, 256), 1.9), (Stage(64, 10), 1.7), (Stage(65, 10), 1.0)):
        assert criterion.at(stage, target=False) == LossBelow(threshold=threshold)
    assert LossBelow(threshold=1.0, per_stage=(("64", 1.9),)).thresholds == (1.0, 1.9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0.0}, "criterion.threshold must be above 0, got 0.0"),
        ({"threshold": -1.0}, "must be above 0"),
        ({"threshold": float("inf")}, "must be above 0"),
        ({"threshold": 1.0, "unit": "perplexity"}, "above 1 as a perplexity"),
        ({"unit": "bits"}, "criterion.unit must be nats, bits_per_byte, perplexity or"),
        ({"per_stage": {64: 0.0}}, "criterion.per_stage 64 must be above 0"),
        ({"per_stage": {"x64": 1.0}}, "names a stage by its length, as 64, or by its key"),
        ({"per_stage": (("64", 1.0), ("64", 2.0))}, "names 64 twice"),
        ({"per_stage": {64: "low"}}, "takes a stage and a number"),
        ({"examples": 99}, "criterion.examples must be at least 100"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LossBelow(**settings)


def test_too_few_documents_or_one_alone_are_refused() -> None:
    LossBelow().check_evaluated(100, "held_out")
    LossBelow().check_evaluated(7, "every input")
    with pytest.raises(UsageError, match="at least 100 independent documents, and 99 are held out"):
        LossBelow().check_evaluated(99, "held_out")
    with pytest.raises(UsageError, match="whose parts hang together"):
        LossBelow().check_evaluated(1000, "document")


def test_a_final_model_passes_fails_or_neither_is_shown() -> None:
    criterion = LossBelow(threshold=1.5)
    answers = [criterion.answer("", a_loss(value), 0.05)[0] for value in (1.4, 1.49, 1.6)]
    assert answers == ["passes", "not shown", "fails"]


def test_what_passes_is_ready_and_never_mastered() -> None:
    assert LossBelow.verdict is Verdict.READY
    assert Verdict.READY.passed
    assert "master" not in decide(LossBelow(threshold=2.0), a_loss(1.0)).reason


def test_screens_promise_a_pass_by_their_own_spread() -> None:
    criterion, screen = LossBelow(threshold=1.53, examples=10_000), a_loss(1.5, 64)
    assert criterion.promises_pass(screen, 2)
    assert not replace(criterion, examples=100).promises_pass(screen, 2)


def test_a_screen_on_held_out_documents_fails_only_by_two_standard_errors() -> None:
    criterion = LossBelow(threshold=1.5)
    held_out = [a_loss(value, 64, 0.4, source="held_out") for value in (1.49, 1.59, 1.61)]
    assert [criterion.passes_screen(score) for score in held_out] == [True, True, False]
    assert not criterion.passes_screen(a_loss(1.51, 64, 0.4))  # other examples each time
    decision = criterion.decide(Evaluation(screen=held_out[2]), test_number=0, passes=0, steps=1)
    assert decision.reason == ("loss 1.61 on a screen of 64 held-out examples, >= threshold 1.5")
    assert decision.test_number is None


def false_ready_with_screens(*, runs: int, margins: NDArray[np.float64], screened: bool) -> float:
    """How often a model that is never good enough is called ready, on the same documents all along.

    Its true loss is above the threshold by a margin that falls to 0; of each document it differs a little
    from evaluation to evaluation. A test is made where the screen, on other documents, is passed.
    """
    rng, criterion, ready = np.random.default_rng(0), LossBelow(threshold=1.5), 0
    for _ in range(runs):
        own, others = lognormal(rng, (2, 120), 0.5)
        tests = 0
        for margin in margins:
            screen, test = (
                criterion.score(losses + margin + rng.normal(0, 0.05, 120), "held_out")
                for losses in (others, own)
            )
            if screened and not criterion.passes_screen(screen):
                continue
            tests += 1
            if criterion.judge(
                Evaluation(full_test=test), test_number=tests, trend=Trend()
            ).cleared:
                ready += 1
                break
    return ready / runs


@pytest.mark.parametrize("screened", [True, False])
def test_screens_on_other_documents_leave_a_false_ready_as_rare(screened: bool) -> None:
    margins = np.concatenate([np.linspace(1, 0, 6), np.zeros(4)])
    assert false_ready_with_screens(runs=300, margins=margins, screened=screened) <= 0.05


@pytest.mark.exhaustive
def test_a_model_that_is_tested_as_soon_as_a_screen_passes_is_seldom_called_ready() -> None:
    margins = np.concatenate([np.linspace(1, 0, 10), np.zeros(20)])
    assert false_ready_with_screens(runs=5000, margins=margins, screened=True) <= 0.05


def lognormal(rng: np.random.Generator, size: tuple[int, int], width: float) -> Any:
    return 1.5 * np.exp(width * rng.standard_normal(size) - width**2 / 2)


def contaminated(rng: np.random.Generator, size: tuple[int, int], far: float) -> Any:
    """One document in a hundred is far above the others."""
    near = 1.5 - far / 99
    return np.where(rng.random(size) < 0.01, 1.5 + far, near + 0.3 * rng.standard_normal(size))


def false_ready(draw: Any, shape: float, *, runs: int, documents: int, tests: int) -> float:
    """How often a model whose true loss is the threshold is ever called ready, in that many tests.

    Each test is on fresh documents, which errs more often than the same ones tested again.
    """
    rng, ready = np.random.default_rng(0), np.zeros(runs, dtype=bool)
    for number in range(1, tests + 1):
        error = error_of_test(number, 0.95)
        for run, losses in enumerate(draw(rng, (runs, documents), shape)):
            spread = Spread.of(losses)
            numbers = spread.units, spread.deviation, spread.skewness
            ready[run] |= mean_upper(float(losses.mean()), *numbers, error) < 1.5
    return float(ready.mean())


POPULATIONS = [(lognormal, 0.2), (lognormal, 0.5), (lognormal, 1.0), (contaminated, 2.5)]


@pytest.mark.parametrize(("draw", "shape"), POPULATIONS)
def test_a_model_at_the_threshold_is_seldom_called_ready(draw: Any, shape: float) -> None:
    assert false_ready(draw, shape, runs=300, documents=100, tests=5) <= 0.05


@pytest.mark.exhaustive
@pytest.mark.parametrize("documents", [100, 300])
@pytest.mark.parametrize(("draw", "shape"), [*POPULATIONS, (lognormal, 1.3)])
def test_a_false_ready_has_a_probability_of_at_most_one_in_twenty(
    draw: Any, shape: float, documents: int
) -> None:
    assert false_ready(draw, shape, runs=10_000, documents=documents, tests=20) <= 0.05


@pytest.fixture(scope="module")
def losses_of_source_files() -> Any:
    """Of each file of Python's standard library, in nats a byte, under a model of three bytes.

    It is trained on 300 files, and these are others. Their skewness is above 4.
    """
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py"))
    own = [path for path in paths if "site-packages" not in path.parts]
    order = np.random.default_rng(0).permutation(len(own))
    texts = [np.frombuffer(own[k].read_bytes(), np.uint8).astype(np.int64) for k in order]
    texts = [text for text in texts if len(text) > 200]
    after_two, after_one = np.zeros((2**16, 256), np.float32), np.zeros((256, 256))
    for text in texts[:300]:
        np.add.at(after_two, (text[:-2] * 256 + text[1:-1], text[2:]), 1)
        np.add.at(after_one, (text[:-1], text[1:]), 1)
    rates = (after_one + 1 / 256) / (after_one.sum(axis=1, keepdims=True) + 1)
    found = []
    for text in (each[:512] for each in texts[300:]):
        before, last, next_one = text[:-2] * 256 + text[1:-1], text[1:-1], text[2:]
        counts = after_two[before]
        rate = (counts[np.arange(len(last)), next_one] + 5 * rates[last, next_one]) / (
            counts.sum(axis=1) + 5
        )
        found.append(-np.log(rate).mean())
    return np.array(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("documents", [100, 300])
def test_the_same_holds_for_the_losses_of_source_files(
    losses_of_source_files: Any, documents: int
) -> None:
    scaled = losses_of_source_files / losses_of_source_files.mean() * 1.5
    assert Spread.of(scaled).skewness > 2

    def drawn(rng: np.random.Generator, size: tuple[int, int], _: float) -> Any:
        return rng.choice(scaled, size)

    assert false_ready(drawn, 0, runs=10_000, documents=documents, tests=20) <= 0.05


def test_the_bounds_are_those_of_t_where_nothing_is_skewed_but_for_the_document_unseen() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    losses: NDArray[np.float64] = np.random.default_rng(1).standard_normal(200) * 0.2 + 2
    error, count = 0.02, len(losses)
    scale = losses.std(ddof=1) / np.sqrt(count)
    expected = scipy_stats.t.ppf(1 - error / 2, count - 1, losses.mean(), scale)
    numbers = float(losses.mean()), count, float(losses.std(ddof=1)), 0.0, error
    unseen = 10 * losses.std(ddof=1) / count
    assert mean_upper(*numbers) == pytest.approx(expected + unseen)
    assert mean_lower(*numbers) == pytest.approx(2 * losses.mean() - expected - unseen)


def test_a_skewed_sample_has_a_wider_bound() -> None:
    bounds = [mean_upper(1.5, 100, 0.3, skewness, 0.01) for skewness in (-3.0, 0.0, 1.0, 5.0)]
    assert bounds[0] == bounds[1] < bounds[2] < bounds[3]


@pytest.mark.parametrize("stage", [None, Stage(5)])
def test_the_criterion_of_any_other_stage_has_the_threshold(stage: Stage | None) -> None:
    assert LossBelow(threshold=2.0).at(stage, target=True).threshold == 2.0
