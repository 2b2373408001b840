"""What each sampling draws, and what it learns from feedback, worked out by hand from the papers."""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest

from curriculum import (
    Bandit,
    Combined,
    Current,
    Hardest,
    LookBack,
    LookBackAndAhead,
    MasteringRate,
    Mixed,
    Stage,
    Teacher,
    Uniform,
    UsageError,
)
from curriculum.plan import Feedback, Sampling
from curriculum.plan.sampling.bandit import Exp3S
from curriculum.plan.sampling.mastering_rate import Attention, attended, redistributed
from curriculum.plan.sampling.teacher import Teaching

STAGES = [Stage(length) for length in (2, 3, 5, 8)]
DRAWS = 4000


def shares(sampling: Sampling, frontier: int, stages: Sequence[Stage] = STAGES) -> list[float]:
    rng, sampler = np.random.default_rng(0), sampling.sampler(len(stages))
    drawn = [sampler.draw(rng, stages, frontier) for _ in range(DRAWS)]
    return [drawn.count(stage) / DRAWS for stage in sampling.stages(stages)]


@pytest.mark.parametrize(
    ("sampling", "frontier", "expected"),
    [
        (Current(), 1, [0, 1, 0, 0]),
        (Uniform(), 0, [1, 0, 0, 0]),
        (Uniform(), 2, [1 / 3, 1 / 3, 1 / 3, 0]),
        (Hardest(), 0, [0, 0, 0, 1]),
        (Hardest(), 1, [0, 0, 0.5, 0.5]),
        (Mixed(), 0, [0.25, 0.25, 0.25, 0.25]),
        (Combined(), 1, [0.05, 0.85, 0.05, 0.05]),
        (Combined(mixed=1.0), 1, [0.25, 0.25, 0.25, 0.25]),
        (LookBack(), 1, [0.05, 0.95, 0, 0]),
        (LookBack(back=0.3), 2, [0.1, 0.1, 0.8, 0]),
        (LookBackAndAhead(), 1, [0.05, 0.85, 0.05, 0.05]),
        (Bandit(), 1, [0.5, 0.5, 0, 0]),
        (Bandit(), 3, [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_how_often_each_stage_is_drawn(
    sampling: Sampling, frontier: int, expected: list[float]
) -> None:
    for found, share in zip(shares(sampling, frontier), expected, strict=True):
        # Four standard deviations; what can't be drawn never is, and what must be always is.
        assert abs(found - share) <= 4 * (share * (1 - share) / DRAWS) ** 0.5


def test_a_mix_takes_each_length_with_each_vocabulary() -> None:
    path = [Stage(5, 2), Stage(9, 2), Stage(9, 4)]
    assert Mixed().stages(path) == (Stage(5, 2), Stage(5, 4), Stage(9, 2), Stage(9, 4))
    assert min(shares(Mixed(), 0, path)) > 0.2
    assert shares(Combined(mixed=0.0), 1, path) == [0, 0, 1, 0]


class GivenDraws:
    """Draws the given integers in turn, and no more than these."""

    def __init__(self, *integers: int) -> None:
        self._integers = iter(integers)

    def integers(self, _: int) -> int:
        return next(self._integers)


NO_DRAWS = cast("np.random.Generator", GivenDraws())


def exp3s(count: int, **settings: Any) -> Exp3S:
    return cast("Exp3S", Bandit(**settings).sampler(count))


def play(bandit: Exp3S, drawn: int, gain: float, tokens: int = 1, count: int | None = None) -> None:
    count = len(bandit.weights) if count is None else count
    bandit.draw(np.random.default_rng(0), [Stage(n + 1) for n in range(count)], count - 1)
    bandit.observe(NO_DRAWS, drawn, Feedback(value=gain, tokens=tokens))


def test_exp3s_after_one_reward() -> None:
    """p = 1/3 each, so x = (3, 0, 0); a = 1/2; and exp w = (.5 e^.3 + .5, .5 + .25 (e^.3 + 1), …)."""
    bandit = exp3s(3, eta=0.1)
    bandit.ratios = [0.0]
    play(bandit, 0, 1.0)
    differences = np.array(bandit.weights) - bandit.weights[1]
    assert differences == pytest.approx([0.161208 - 0.083849, 0, 0], abs=1e-6)
    assert bandit.policy(2) == pytest.approx([0.349870, 0.325065, 0.325065], abs=1e-6)


def test_exp3s_shares_less_with_every_reward() -> None:
    """With a = 1/3 and p = (.349870, .325065, .325065), stage 1 drawn with r = -1."""
    bandit = exp3s(3, eta=0.1)
    bandit.ratios = [0.0]
    play(bandit, 0, 1.0)
    bandit.ratios = [0.0, 1.0]
    play(bandit, 1, -1.0)
    before = np.exp([0.161208, 0.083849, 0.083849])
    raised = before * np.exp([0, -0.1 / 0.325065, 0])
    expected = (2 / 3) * raised + (1 / 3) / 2 * (raised.sum() - raised)
    found = np.exp(bandit.weights)
    assert found / found.sum() == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_beta_raises_every_stage() -> None:
    bandit = exp3s(2, eta=0.1, beta=0.5)
    bandit.ratios = [0.0]
    play(bandit, 0, 1.0)  # x = (3, 1)
    up, down = np.exp(0.3), np.exp(0.1)
    assert np.exp(np.diff(bandit.weights)) == pytest.approx(1.0)  # halves: a = 1/2, K = 2
    play(bandit, 0, 1.0)
    assert bandit.weights[0] > bandit.weights[1]
    assert up > down


@pytest.mark.parametrize(
    ("ratio", "reward"),
    [(0.0, -1.0), (2.79, -1.0), (2.8, -1.0), (5.0, -0.185185), (5.5, 0.0), (8.2, 1.0), (99.0, 1.0)],
)
def test_gains_per_token_are_mapped_by_their_quantiles(ratio: float, reward: float) -> None:
    """Of 1 to 10 the quantiles are 2.8 and 8.2."""
    bandit = exp3s(3)
    bandit.ratios = [float(n) for n in range(1, 11)]
    assert bandit._mapped(ratio, NO_DRAWS) == pytest.approx(reward, abs=1e-6)
    assert len(bandit.ratios) == 11


def test_a_gain_counts_per_token() -> None:
    one, other = exp3s(3), exp3s(3)
    for bandit in (one, other):
        bandit.ratios = [0.0, 0.1, 0.2, 0.3]
    play(one, 1, 4.0, tokens=20)
    play(other, 1, 0.2, tokens=1)
    assert one.weights == other.weights


def test_the_first_gain_changes_no_weight() -> None:
    bandit = exp3s(3)
    play(bandit, 0, 7.0)
    assert bandit.weights == pytest.approx([0, 0, 0])
    assert bandit.ratios == [7.0]


def test_the_history_stays_a_fair_sample() -> None:
    bandit = exp3s(2, history=200)
    rng = np.random.default_rng(0)
    for number in range(2000):
        bandit._mapped(float(number), rng)
        bandit.plays += 1
    assert len(bandit.ratios) == 200
    assert bandit.ratios == sorted(bandit.ratios)
    assert abs(np.mean(bandit.ratios) - 1000) < 4 * 577 / 200**0.5


def test_a_stage_opened_later_begins_as_an_average_one() -> None:
    bandit = exp3s(3, eta=0.5, epsilon=0.0)
    for _ in range(5):
        bandit.ratios = [0.0]
        play(bandit, 0, 1.0, count=2)
    first, second, third = bandit.policy(2)
    assert second < third < first
    assert third == pytest.approx(1 / 3)


def teaching(count: int, **settings: Any) -> Teaching:
    return cast("Teaching", Teacher(**settings).sampler(count))


def test_the_window_takes_slopes_over_time() -> None:
    """Scores .1, .2, .4 at times 3, 7, 8: slopes .025 and .05; Q = .0025, then .00725."""
    teacher = teaching(2, span=1, rate=0.1)
    found = []
    for time, score in ((3, 0.1), (7, 0.2), (8, 0.4)):
        teacher.time = time - 1
        teacher.observe(NO_DRAWS, 0, Feedback(value=score, tokens=1))
        found.append(teacher.values[0])
    assert found == [None, pytest.approx(0.0025), pytest.approx(0.1 * 0.05 + 0.9 * 0.0025)]


def test_the_window_forgets() -> None:
    teacher = teaching(1, span=1, rate=1.0, window=2)
    for score in (0.0, 0.5, 0.6):
        teacher.observe(NO_DRAWS, 0, Feedback(value=score, tokens=1))
    assert teacher.values == [pytest.approx(0.1)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, -0.2, 0.0], [0.0333, 0.9333, 0.0333]),
        ([0.1, 0.1, 0.0], [0.4833, 0.4833, 0.0333]),
        ([0.1, None, None], [0.0333, 0.4833, 0.4833]),
    ],
)
def test_the_greedy_choice_is_the_steepest_up_or_down(
    values: list[float | None], expected: list[float]
) -> None:
    teacher, rng = teaching(3), np.random.default_rng(0)
    teacher.values = list(values)
    chosen = [teacher._chosen(rng, 3) for _ in range(DRAWS)]
    for number, share in enumerate(expected):
        assert chosen.count(number) / DRAWS == pytest.approx(share, abs=0.035)


def test_thompson_sampling_draws_among_rewards() -> None:
    """Rewards (.3), (.1, -.5), of which one each: the second wins where its -.5 is drawn."""
    teacher, rng = teaching(3, choice="thompson"), np.random.default_rng(0)
    teacher.kept[0].extend([(1, 0.3)])
    teacher.kept[1].extend([(2, 0.1), (3, -0.5)])
    chosen = [teacher._chosen(rng, 2) for _ in range(DRAWS)]
    assert chosen.count(1) / DRAWS == pytest.approx(0.5, abs=0.035)
    assert {teacher._chosen(rng, 3) for _ in range(50)} == {2}  # not tried yet: as steep as can be


def test_thompson_rewards_are_differences() -> None:
    teacher = teaching(2, choice="thompson", span=1)
    for drawn, score in ((0, 0.2), (1, 0.9), (0, 0.5)):
        teacher.observe(NO_DRAWS, drawn, Feedback(value=score, tokens=1))
    assert [[reward for _, reward in kept] for kept in teacher.kept] == [[pytest.approx(0.3)], []]


def test_an_action_is_a_span_of_steps_on_one_stage() -> None:
    teacher, rng = teaching(4, span=3), np.random.default_rng(1)
    for _ in range(5):
        drawn = []
        for score in (0.0, 0.3, 0.6):
            drawn.append(teacher.draw(rng, STAGES, 3))
            teacher.observe(rng, STAGES.index(drawn[-1]), Feedback(value=score, tokens=1))
        assert len(set(drawn)) == 1
        assert teacher.kept[STAGES.index(drawn[0])][-1][1] == pytest.approx(0.3)
    assert teacher.time == 5


def test_an_action_that_a_falling_frontier_ends_leaves_no_score() -> None:
    """Two batches of stage 3 score 0; then the frontier falls to 0, and stage 0 scores .9."""
    teacher, rng = teaching(4, span=3, epsilon=0.0), np.random.default_rng(0)
    teacher.values = [0.0, 0.0, 0.0, 1.0]
    for _ in range(2):
        assert teacher.draw(rng, STAGES, 3) == STAGES[3]
        teacher.observe(rng, 3, Feedback(value=0.0, tokens=1))
    for _ in range(3):
        assert teacher.time == 0
        assert teacher.draw(rng, STAGES, 0) == STAGES[0]
        teacher.observe(rng, 0, Feedback(value=0.9, tokens=1))
    assert teacher.time == 1
    assert [[score for _, score in kept] for kept in teacher.kept] == [
        [pytest.approx(0.9)],
        [],
        [],
        [],
    ]


RATES, STEEP = [0.9, 0.5, 0.0], [0.1, 0.2, 0.0]


def test_attention_goes_to_what_is_learnable_and_not_learnt() -> None:
    """n = (.5, 1, 0), least before = (1, .9, .5), 1 - M after = (.5, 1, 1)."""
    found = attended(RATES, STEEP, MasteringRate())
    assert found == pytest.approx([0.15, 0.9**6 * 0.75, 0.5**6 * 0.5])


def test_attention_is_redistributed_from_the_last_stage_to_the_first() -> None:
    found = redistributed([0.15, 0.39858075, 0.0078125], MasteringRate())
    assert found == pytest.approx([0.17482177, 0.31331002, 0.02194323])


def test_probabilities_are_proportional_to_attention() -> None:
    attention = cast("Attention", MasteringRate(epsilon=0.0).sampler(3))
    for number, (rate, steep) in enumerate(zip(RATES, STEEP, strict=True)):
        attention.scores[number].extend(
            [(-1.0, rate - steep), (0.0, rate), (1.0, rate + steep)]  # mean and slope as wanted
        )
    assert attention.policy(2) == pytest.approx([0.342737, 0.614243, 0.043020], abs=1e-5)
    shared = cast("Attention", MasteringRate(epsilon=0.1).sampler(3))
    shared.scores = attention.scores
    assert shared.policy(2) == pytest.approx([0.341797, 0.586152, 0.072051], abs=1e-5)


def test_an_unknown_stage_counts_as_unmastered() -> None:
    attention = cast("Attention", MasteringRate(epsilon=0.0).sampler(3))
    first, second, third = attention.policy(2)
    assert first > 0.9
    assert second > third


def test_scores_are_mapped_from_lowest_to_highest() -> None:
    attention = cast("Attention", MasteringRate(lowest=0.5).sampler(1))
    for score in (0.5, 1.0):
        attention.observe(NO_DRAWS, 0, Feedback(value=score, tokens=1))
    assert attention.rate(0) == pytest.approx(0.5)
    attention.observe(NO_DRAWS, 0, Feedback(value=0.0, tokens=1))
    attention.observe(NO_DRAWS, 0, Feedback(value=0.0, tokens=1))
    assert attention.rate(0) == 0.0


LEARNING = [Bandit(history=20), Teacher(span=2), Teacher(choice="thompson"), MasteringRate()]


@pytest.mark.parametrize("sampling", LEARNING, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("cut", [1, 7, 50])
def test_a_sampler_restored_from_its_state_draws_the_same(sampling: Sampling, cut: int) -> None:
    def steps(sampler: Any, numbers: range) -> list[Stage]:
        found = []
        for number in numbers:
            rng = np.random.default_rng(number)
            found.append(sampler.draw(rng, STAGES, 3))
            drawn = STAGES.index(found[-1])
            sampler.observe(rng, drawn, Feedback(value=((number * 7) % 11) / 11, tokens=3 + drawn))
        return found

    whole, broken = sampling.sampler(4), sampling.sampler(4)
    expected = steps(whole, range(100))
    assert steps(broken, range(cut)) == expected[:cut]
    resumed = sampling.sampler(4)
    resumed.load_state_dict(json.loads(json.dumps(broken.state_dict())))
    assert steps(resumed, range(cut, 100)) == expected[cut:]
    assert resumed.state_dict() == whole.state_dict()


Wrong = Callable[[], Sampling]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Combined(mixed=1.2), r"sampling\.mixed must be in \[0, 1\], got 1\.2"),
        (lambda: LookBack(back=-0.1), r"sampling\.back must be in"),
        (lambda: LookBackAndAhead(others=2), r"sampling\.others must be in"),
        (lambda: Bandit(eta=0), r"sampling\.eta must be above 0, got 0"),
        (lambda: Bandit(beta=-1), r"sampling\.beta must be at least 0, got -1"),
        (lambda: Bandit(low=0.8, high=0.2), r"must rise within \[0, 1\], got 0\.8 and 0\.2"),
        (lambda: Bandit(history=1), r"sampling\.history must be at least 2, got 1"),
        (lambda: Bandit(epsilon=3), r"sampling\.epsilon must be in"),
        (lambda: Teacher(choice=cast("Any", "best")), "must be epsilon_greedy or thompson, got 'b"),
        (lambda: Teacher(span=0), r"sampling\.span must be at least 1, got 0"),
        (lambda: Teacher(window=1), r"sampling\.window must be at least 2, got 1"),
        (
            lambda: Teacher(choice="thompson", epsilon=0.2),
            r"have no effect with sampling\.choice thompson, got 0\.2 and 1\.0; leave them out",
        ),
        (lambda: Teacher(choice="thompson", rate=0.5), r"have no effect .* got 0\.1 and 0\.5"),
        (lambda: MasteringRate(power=-1), r"sampling\.power must be in \[0, 1000\], got -1"),
        (lambda: MasteringRate(delta=2), r"sampling\.delta must be in"),
        (lambda: MasteringRate(window=1), r"sampling\.window must be at least 2, got 1"),
        (lambda: MasteringRate(lowest=1), r"must rise within \[0, 1\], got 1 and 1\.0"),
    ],
)
def test_settings_out_of_range_are_errors(make: Wrong, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_a_teachers_state_holds_numbers_that_were_waited_with() -> None:
    class Late:
        """A score that is on a device."""

        read = 0

        def __float__(self) -> float:
            Late.read += 1
            return 0.25

    teacher = Teacher(span=3).sampler(2)
    teacher.draw(np.random.default_rng(0), (Stage(2), Stage(3)), 1)
    teacher.observe(np.random.default_rng(0), 0, Feedback(value=Late(), tokens=1))
    assert Late.read == 0
    assert teacher.state_dict()["scores"] == [0.25]
    for _ in range(2):
        teacher.observe(np.random.default_rng(0), 0, Feedback(value=Late(), tokens=1))
    assert Late.read == 3
