"""What the training loop costs beside the same loop written by hand, per step.

Both train the main job's LSTM on the same batches and evaluate it alike; ours also decides,
counts costs and writes its journal. They take turns in one process, block by block, and end in
the same weights. Prints the median of the ratios.

    python benchmarks/overhead.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from bare_firstbit import EVAL_EVERY, Classifier, digest, masters, sample
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from curriculum import Budget, Experiment, Explicit, Mastery, Tuning
from curriculum.config import load_experiment
from curriculum.learn import (
    CostMeter,
    Evaluator,
    Learner,
    Trainer,
    configure_threads,
    weights_sha256,
)
from curriculum.record import Recorder, Store, describe_run

BATCH = 32
NEVER = 10**9
"""Steps before an evaluation may end the visit, so that both loops train on."""


def by_hand(length: int) -> Iterator[nn.Module]:
    """Evaluate, take the steps between two evaluations, yield the model; again and again."""
    torch.manual_seed(digest(0, "initialisation", bits=64) >> 1)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2, betas=(0.9, 0.95), fused=True)
    step = 0
    while True:
        masters(model, 0, length, step // EVAL_EVERY)
        for _ in range(EVAL_EVERY):
            inputs, targets = sample(0, "train", length, 2, BATCH, step, length=length, size=BATCH)
            loss = binary_cross_entropy_with_logits(model(inputs), targets.float())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
        yield model


def ours(experiment: Experiment, recorder: Recorder) -> Iterator[nn.Module]:
    """The core loop on one stage, from evaluation to evaluation."""
    scheduler = experiment.scheduler()
    learner = Learner.start(
        experiment.task.shape(scheduler.stage),
        experiment.recipe,
        seed=0,
        device=torch.device("cpu"),
    )
    trainer = Trainer(
        experiment.task,
        seed=0,
        evaluator=Evaluator(experiment.task, experiment.criterion, 0),
        meter=CostMeter(),
    )
    recorder.visit_started(scheduler, learner)
    evaluation = trainer.evaluate(learner, scheduler)
    while True:
        scheduler.update(evaluation)
        recorder.evaluated(0, scheduler.stage, evaluation, scheduler)
        interval = trainer.take_steps(
            learner, scheduler, visit=0, start=evaluation.cost.steps, count=EVAL_EVERY
        )
        yield learner.model
        evaluation = trainer.evaluate(learner, scheduler, interval)


def block(rounds: Iterator[nn.Module], count: int) -> float:
    """Seconds a step, over so many rounds of steps and an evaluation."""
    started = time.perf_counter()
    for _ in range(count):
        next(rounds)
    return (time.perf_counter() - started) / (count * EVAL_EVERY)


def ratios(length: int, pairs: int, rounds_a_block: int) -> tuple[list[float], float]:
    """Ours against by hand, pair by pair, and the median step by hand in seconds."""
    shipped, _ = load_experiment("lstm_firstbit")
    experiment = shipped.replace(
        growth=Explicit(lengths=(length,)),
        criterion=Mastery(threshold=1.0, min_steps=NEVER),
        budget=Budget(steps_per_stage=NEVER),
        tuning=Tuning(mode="off"),
    )
    with tempfile.TemporaryDirectory() as root:
        folder = Store(Path(root)).create(describe_run(experiment, 0, torch.device("cpu")))
        with Recorder(folder, experiment.recipe) as recorder:
            hand, own = by_hand(length), ours(experiment, recorder)
            found: list[float] = []
            steps: list[float] = []
            for number in range(-2, pairs):  # two pairs to warm up
                turns: list[Callable[[], float]] = [
                    lambda: block(hand, rounds_a_block),
                    lambda: block(own, rounds_a_block),
                ]
                if number % 2:
                    second, first = turns[1](), turns[0]()
                else:
                    first, second = turns[0](), turns[1]()
                if number >= 0:
                    found.append(second / first)
                    steps.append(first)
            assert weights_sha256(next(hand)) == weights_sha256(next(own)), "not the same training"
    return found, statistics.median(steps)


def main() -> None:
    """Print the ratio at a few lengths."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[8, 20, 100])
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, of 50 steps and an evaluation, in a block"
    )
    parser.add_argument("--json", type=Path, help="write a line for each length to this file")
    options = parser.parse_args()
    configure_threads(1)
    rows = []
    for length in options.lengths:
        found, step = ratios(length, options.pairs, options.rounds)
        low, middle, high = statistics.quantiles(found, n=4)
        print(
            f"length {length}: {middle:.3f} x by hand, quartiles {low:.3f} to {high:.3f}, over "
            f"{len(found)} pairs; a step by hand takes {1000 * step:.2f} ms"
        )
        rows.append({"length": length, "ratios": found, "milliseconds": 1000 * step})
    if options.json is not None:
        options.json.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


if __name__ == "__main__":
    main()
