"""How much faster a step is once torch has compiled the network: `training.compile`.

Two learners of the language model of `experiments/stdlib_lm.py`, one of them compiled, train on the same batches
and take turns in one process, block by block. Compilation and the first steps are timed apart.

    python benchmarks/compiled.py
    python benchmarks/compiled.py --lengths 512 --pairs 7 --steps 20
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from curriculum import Budget, Experiment, Explicit, Stage, UsageError
from curriculum import learn as own
from curriculum.config import load_experiment
from curriculum.data import BYTES

WARM_UP = 3
"""Steps before any is timed, which compile the network."""


def stepping(experiment: Experiment, stage: Stage, *, compiled: bool) -> Callable[[int], float]:
    """Takes so many steps of a fresh learner on a stage, and gives their seconds."""
    recipe = replace(experiment.recipe, training=replace(experiment.training, compile=compiled))
    learner = own.Learner.start(
        experiment.task.shape(experiment.growth.path()[-1]),
        recipe,
        seed=0,
        device=torch.device("cpu"),
    )
    fixed = experiment.replace(
        growth=Explicit(lengths=(stage.length,), vocab_sizes=(stage.vocab_size,)),
        criterion=experiment.criterion.replace(per_stage=()),
        budget=Budget(steps=10**9),
    )
    scheduler = fixed.scheduler()
    evaluator = own.Evaluator(experiment.task, experiment.criterion, 0)
    trainer = own.Trainer(experiment.task, seed=0, evaluator=evaluator, meter=own.CostMeter())
    taken = 0

    def steps(count: int) -> float:
        nonlocal taken
        started = time.perf_counter()
        trainer.take_steps(learner, scheduler, visit=0, start=taken, count=count)
        taken += count
        return time.perf_counter() - started

    return steps


def measure(experiment: Experiment, length: int, pairs: int, count: int) -> None:
    """Print the ratio of pairs of blocks, and what compilation took."""
    stage = Stage(length, BYTES)
    plain = stepping(experiment, stage, compiled=False)
    compiled = stepping(experiment, stage, compiled=True)
    first = [steps(WARM_UP) for steps in (plain, compiled)]
    ratios, seconds = [], []
    for number in range(pairs):
        order = (plain, compiled) if number % 2 else (compiled, plain)
        found = {steps: steps(count) / count for steps in order}
        ratios.append(found[compiled] / found[plain])
        seconds.append(found[plain])
    print(
        f"length {length}: a compiled step takes {statistics.median(ratios):.2f} x a plain one "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {pairs} pairs), which takes "
        f"{1000 * statistics.median(seconds):.1f} ms; compilation took {first[1] - first[0]:.0f} s",
        flush=True,
    )


def main() -> None:
    """Print a line for each length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 512])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20, help="of a block")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    own.configure_threads(options.threads)
    experiment, _ = load_experiment("stdlib_lm")
    for length in options.lengths:
        try:
            measure(experiment, length, options.pairs, options.steps)
        except UsageError as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
