"""What is drawn ahead in a thread is the same as what is drawn in time."""

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from small_training import STAGE, scheduler, start, trainer

from curriculum import Batch, Explicit, Mastery, Scheduler, Stage
from curriculum.learn import CostMeter, Evaluator, Trainer, prefetching, weights_sha256
from curriculum.learn.prefetching import MEASURED, DrawingTime, Prefetcher
from curriculum.plan import Budget
from curriculum.plan.strategy import STRATEGIES
from curriculum.tasks import FirstBit


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where drawing takes long, on a machine of several cores."""
    monkeypatch.setattr(prefetching, "SHARE", -1.0)
    monkeypatch.setattr(prefetching, "usable_cores", lambda: 2)


@dataclass(frozen=True)
class Watched(FirstBit):
    """It notes in which threads it was drawn."""

    threads: list[str] = field(default_factory=list, compare=False)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        self.threads.append(threading.current_thread().name)
        return super().sample(rng, stage, batch_size)


def watched(task: FirstBit) -> Trainer:
    evaluator = Evaluator(task, Mastery(threshold=1), 0)
    return Trainer(task, seed=0, evaluator=evaluator, meter=CostMeter())


@pytest.mark.usefixtures("ahead")
def test_weights_are_the_same_as_without_a_thread() -> None:
    one, other, task = start(batch_size=8), start(batch_size=8), Watched()
    count = 3 * MEASURED
    watched(task).take_steps(one, scheduler(), visit=1, start=5, count=count)
    assert len(task.threads) == count  # none is drawn twice, or beyond the interval
    assert {name.partition("_")[0] for name in task.threads} == {"MainThread", "prefetching"}
    prefetching.SHARE = float("inf")
    plain = Watched()
    watched(plain).take_steps(other, scheduler(), visit=1, start=5, count=count)
    assert set(plain.threads) == {"MainThread"}
    assert weights_sha256(one.model) == weights_sha256(other.model)
    assert not any(each.name.startswith("prefetching") for each in threading.enumerate())


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("strategy", ["uniform", "look_back", "teacher", "mastering_rate"])
def test_a_mixture_is_the_same_too_and_one_that_waits_for_steps_is_not_drawn_ahead(
    strategy: str,
) -> None:
    def train(share: float) -> tuple[str, set[str]]:
        prefetching.SHARE = share
        one, task = start(batch_size=8), Watched()
        found = STRATEGIES[strategy]
        made = Scheduler(
            Explicit(lengths=(2, 4, STAGE.length)),
            Mastery(threshold=1),
            budget=Budget(steps=99),
            pacing=found.pacing,
            sampling=found.sampling,
        )
        watched(task).take_steps(one, made, visit=0, start=0, count=3 * MEASURED)
        return weights_sha256(one.model), {name.partition("_")[0] for name in task.threads}

    (ours, threads), (plain, _) = train(-1.0), train(float("inf"))
    assert ours == plain
    learns = strategy in ("teacher", "mastering_rate")
    assert threads == ({"MainThread"} if learns else {"MainThread", "prefetching"})


@pytest.mark.usefixtures("ahead")
def test_an_error_while_drawing_ahead_is_raised_where_it_is_asked_for() -> None:
    def draw(number: int) -> int:
        if number == MEASURED + 3:
            raise ValueError("no more")
        return number

    with Prefetcher(draw, 99, DrawingTime(), allowed=True) as drawn:
        for number in range(MEASURED + 3):
            assert drawn.take(number) == number
        with pytest.raises(ValueError, match="no more"):
            drawn.take(MEASURED + 3)


@pytest.mark.parametrize(
    ("shares", "cores", "worth"),
    [
        ([0.2] * MEASURED, 2, True),
        ([0.05] * MEASURED, 2, False),
        ([0.2] * (MEASURED - 1), 2, False),
        ([0.2] * MEASURED, 1, False),
        ([0.99] * 5 + [0.01] * (MEASURED - 5), 2, False),  # it waited for a disk at first
        ([0.99] * MEASURED + [0.01] * MEASURED, 2, False),
    ],
)
def test_a_thread_is_worth_it_where_drawing_takes_a_tenth_and_a_core_is_free(
    shares: list[float], cores: int, worth: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetching, "usable_cores", lambda: cores)
    times = DrawingTime()
    times.shares.extend(shares)
    assert times.is_worth_a_thread == worth


def test_what_is_quick_is_drawn_where_it_is_needed() -> None:
    one, task = start(batch_size=8), Watched()
    assert trainer().take_steps(one, scheduler(), visit=0, start=0, count=2).steps == 2
    watched(task).take_steps(one, scheduler(), visit=0, start=0, count=2)
    assert set(task.threads) == {"MainThread"}
