"""What drawing batches adds to a training step, for every shipped experiment at its last stage.

python benchmarks/drawing.py
python benchmarks/drawing.py lstm_firstbit bert_reverse --rounds 9

On one thread of torch, steps on batches that are drawn as they are in a run (in a thread, where that takes long) are compared
with steps on one batch that was drawn before, in turns, each a median of several rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from curriculum import Experiment, Scheduler, learn
from curriculum.config import list_experiments, load_experiment
from curriculum.learn.batches import TrainingBatches
from curriculum.plan import Explicit


def main() -> None:
    """Measure what was named, or all but BERT-base."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round, about")
    options = parser.parse_args()
    found = sorted(each.name for each in list_experiments())
    names = options.names or [name for name in found if ":seed_" not in name]
    print(
        f"{'experiment':32} {'stage':>12} {'draw ms':>8} {'step ms':>8} {'drawn here':>10} {'in a run':>9}"
    )
    for name in names:
        experiment, _ = load_experiment(name)
        print(row(name, experiment, options.rounds, options.seconds), flush=True)


def row(name: str, experiment: Experiment, rounds: int, seconds: float) -> str:
    """An experiment's line of the table."""
    stage = experiment.growth.path()[-1]
    device = torch.device("cpu")
    with learn.isolated(1):
        learner = learn.Learner.start(experiment.shape, experiment.recipe, seed=0, device=device)
        evaluator = learn.Evaluator(experiment.task, experiment.criterion, 0)
        trainer = learn.Trainer(
            experiment.task, seed=0, evaluator=evaluator, meter=learn.CostMeter()
        )
        scheduler = Scheduler(
            Explicit(
                lengths=(stage.length,), vocab_sizes=(stage.vocab_size,), levels=(stage.level,)
            ),
            experiment.criterion,
        )
        steps = partial(trainer.take_steps, learner, scheduler, visit=0)
        batches, settings = TrainingBatches(experiment.task, 0), experiment.training
        drawn, mixture = batches.draw, {stage: batches.size(settings, stage)}
        once = drawn(settings, mixture, 0, 0)
        count = max(10, int(seconds / timed(lambda: steps(start=0, count=3)) * 3))
        without, in_a_run, drawing = [], [], []
        for number in range(rounds):
            start = number * count
            trainer._batches.draw = lambda *_: once  # type: ignore[method-assign]
            without.append(timed(partial(steps, start=start, count=count)) / count)
            trainer._batches.draw = drawn  # type: ignore[method-assign]
            in_a_run.append(timed(partial(steps, start=start, count=count)) / count)
            here = timed(lambda: [drawn(settings, mixture, 0, each) for each in range(count)])
            drawing.append(here / count)
    plain, draw = (statistics.median(each) * 1e3 for each in (without, drawing))
    ratios = [one / other - 1 for one, other in zip(in_a_run, without, strict=True)]
    return (
        f"{name:32} {stage.key:>12} {draw:8.3f} {plain:8.3f} {draw / plain:10.1%} "
        f"{statistics.median(ratios):9.1%}"
    )


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
