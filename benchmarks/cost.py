"""How well `compute`, what budgets and comparisons count, tells the seconds of the work.

Trains and evaluates LSTMs, GRUs, RNNs, encoder-decoders, BERT and language models of several
sizes, at several lengths and batch sizes, on one thread, and prints the seconds of each beside
what they are charged. To some of these points the constants of `curriculum.learn.work` were
fitted; the others played no part. `--fit` prints what the constants would be on this machine.

    python benchmarks/cost.py
    python benchmarks/cost.py --fit
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import least_squares

from curriculum import Budget, Explicit, Stage, Tuning
from curriculum.config import load_experiment
from curriculum.learn import (
    Batch,
    CostMeter,
    Evaluator,
    Learner,
    Task,
    Trainer,
    Work,
    batch_of,
    configure_threads,
)
from curriculum.learn import work as constants
from curriculum.models import LanguageModel, Recurrent

NEVER = 10**9

FITTED: dict[str, list[dict[str, int]]] = {
    "lstm_firstbit": [
        {"length": 5},
        {"length": 50},
        {"length": 500},
        {"length": 100, "hidden_size": 64},
        {"length": 100, "hidden_size": 128, "batch_size": 64},
        {"length": 20, "hidden_size": 256},
    ],
    "gru_subsequence": [{"length": 4}, {"length": 14}, {"length": 40, "hidden_size": 64}],
    "gru_subsequence_attention": [{"length": 4}, {"length": 14}],
    "gru_subsequence:seed": [{"length": 10}],
    "bert_reverse": [
        {"length": 5},
        {"length": 23, "vocab_size": 100},
        {"length": 100, "vocab_size": 1000},
        {"length": 300, "batch_size": 8},
        {"length": 48, "hidden_size": 256},
    ],
    "bert_reverse:seed_5_10": [{"length": 5}],
    "human_numbers_unrolled": [{"length": 3}],
    "human_numbers_loop": [{"length": 3}],
    "human_numbers_every_word": [{"length": 20}],
    "human_numbers_stateful": [{"length": 20}],
    "human_numbers_gru": [{"length": 20}, {"length": 20, "hidden_size": 128}],
    "human_numbers_rnn": [{"length": 20}, {"length": 70, "hidden_size": 32}],
}
"""The points that the constants were fitted to, by experiment."""
FITTED["gru_firstbit"] = FITTED["rnn_firstbit"] = FITTED["lstm_firstbit"]

OTHERS: dict[str, list[dict[str, int]]] = {
    "lstm_firstbit": [
        {"length": 10, "batch_size": 256},
        {"length": 200, "hidden_size": 40},
        {"length": 60, "hidden_size": 200, "batch_size": 16},
    ],
    "gru_subsequence": [{"length": 10, "hidden_size": 200, "batch_size": 16}, {"length": 24}],
    "gru_subsequence_attention": [{"length": 30, "hidden_size": 64}],
    "bert_reverse": [
        {"length": 10, "vocab_size": 1000, "batch_size": 128},
        {"length": 160, "hidden_size": 64, "vocab_size": 20},
        {"length": 30, "hidden_size": 384, "batch_size": 8},
    ],
    "human_numbers_every_word": [{"length": 50, "hidden_size": 128}],
    "human_numbers_loop": [{"length": 10, "hidden_size": 200}],
    "human_numbers_gru": [{"length": 60, "batch_size": 16}],
}
"""Points that played no part."""
OTHERS["gru_firstbit"] = OTHERS["rnn_firstbit"] = OTHERS["lstm_firstbit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """A training step, or the evaluation of a screen, at one point.

    Attributes:
        name: of the point.
        kind: of the network; one constant was fitted for each.
        fitted: whether the constants were fitted to it.
        parameters: of the model, where it is a training step; else None.
        seconds: that it took.
        work: of its forward pass.
        compute: that is charged.
    """

    name: str
    kind: str
    fitted: bool
    parameters: int | None
    seconds: float
    work: Work
    compute: float

    @property
    def ratio(self) -> float:
        """What is charged, in seconds, by the seconds that it took."""
        return self.compute / constants.OPERATIONS_A_SECOND / self.seconds


def measurements() -> Iterator[Measurement]:
    """All of them, point by point."""
    for fitted, points in ((True, FITTED), (False, OTHERS)):
        for experiment, each in points.items():
            for settings in each:
                yield from measured(experiment, dict(settings), fitted=fitted)


def measured(name: str, settings: dict[str, int], *, fitted: bool) -> Iterator[Measurement]:
    """A training step and an evaluation of an experiment's model."""
    base, _ = load_experiment(name)
    words = " ".join(f"{key} {value}" for key, value in settings.items())
    length = settings.pop("length")
    last = base.growth.path()[-1]
    vocab_size = last.vocab_size if isinstance(base.model, LanguageModel) else 10
    stage = Stage(length, settings.pop("vocab_size", 2 if "firstbit" in name else vocab_size))
    batch_size = settings.pop("batch_size", base.training.batch_size)
    recipe = base.recipe.replace({f"model.{key}": value for key, value in settings.items()})
    experiment = base.replace(
        model=recipe.model,
        training=replace(base.training, batch_size=batch_size, schedule="constant"),
        growth=Explicit(lengths=(stage.length,), vocab_sizes=(stage.vocab_size,)),
        criterion=base.criterion.replace(min_steps=NEVER, target_threshold=None),
        budget=Budget(steps_per_stage=NEVER, steps=NEVER),
        tuning=Tuning(mode="off"),
    )
    device = torch.device("cpu")
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=device)
    evaluator = Evaluator(experiment.task, experiment.criterion, 0)
    trainer = Trainer(experiment.task, seed=0, evaluator=evaluator, meter=CostMeter())
    scheduler, taken = experiment.scheduler(), 0

    def train(count: int) -> None:
        nonlocal taken
        trainer.take_steps(learner, scheduler, visit=0, start=taken, count=count)
        taken += count

    def screen(count: int) -> None:
        for number in range(count):
            evaluator.screen(learner, stage, number)

    kind = kind_of(experiment.model)
    batch = training_batch(experiment.task, stage, batch_size)
    yield Measurement(
        name=f"{name} {words}",
        kind=kind,
        fitted=fitted,
        parameters=learner.parameters,
        seconds=seconds_of(train),
        work=learner.work_on(batch, training=True),
        compute=learner.step_compute(batch),
    )
    screened = batch_of(
        experiment.task, stage, experiment.criterion.screen, seed=0, stream="gate", index=0
    )
    yield Measurement(
        name=f"{name} {words}",
        kind=kind,
        fitted=fitted,
        parameters=None,
        seconds=seconds_of(screen),
        work=learner.work_on(screened, training=False),
        compute=learner.evaluation_compute(screened),
    )


def training_batch(task: Task, stage: Stage, size: int) -> Batch:
    """The first batch that is trained on."""
    if task.reads_in_order:
        return task.chunk(stage, size, 0)
    return batch_of(task, stage, size, seed=0, stream="train", index=0)


def kind_of(model: object) -> str:
    """The kind of network that a constant is fitted for."""
    if isinstance(model, Recurrent):
        return model.cell
    if isinstance(model, LanguageModel):
        return f"{model.net} of words" if model.is_torch_rnn else "word by word"
    return type(model).__name__


def seconds_of(call: Callable[[int], None], *, least: float = 0.15, repeats: int = 5) -> float:
    """The seconds of one of many, the least of a few repeats: other work only adds to it."""
    call(2)
    started = time.perf_counter()
    call(3)
    count = max(1, int(3 * least / (time.perf_counter() - started)))
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        call(count)
        found.append((time.perf_counter() - started) / count)
    return min(found)


def summary(found: Iterable[Measurement]) -> str:
    """On how many points what is charged is within a factor of 1.5, and of 2, of the seconds."""
    off = [abs(math.log(each.ratio)) for each in found]
    counts = (sum(value <= math.log(factor) for value in off) for factor in (1.5, 2))
    inside, nearly = counts
    return (
        f"within a factor of 1.5 on {inside} of {len(off)}, of 2 on {nearly}; "
        f"the farthest is off by {math.exp(max(off)):.2f}"
    )


def fit(found: list[Measurement]) -> None:
    """Print what the constants would be, fitted by least squares of logarithms."""
    kinds = sorted({each.kind for each in found})
    names = ("STEP", "UPDATE", "DEPTH", "EVALUATION")
    start = [getattr(constants, name) for name in names]

    def off(logarithms: np.ndarray) -> list[float]:
        step, update, depth, evaluation, speed, *factors = np.exp(logarithms)
        by_kind = dict(zip(kinds, factors, strict=True))
        values = []
        for each in found:
            forward = by_kind[each.kind] * (each.work.operations + depth * each.work.depth)
            if each.parameters is None:
                compute = evaluation + forward
            else:
                compute = step + update * each.parameters + constants.TRAINING * forward
            values.append(math.log(compute / speed / each.seconds))
        # BERT's operations are the unit.
        return [*values, 1e3 * math.log(by_kind["Bert"])]

    first = np.log([*start, constants.OPERATIONS_A_SECOND, *[1.0] * len(kinds)])
    step, update, depth, evaluation, speed, *factors = np.exp(least_squares(off, first).x)
    values = (step, update, depth, evaluation)
    print(", ".join(f"{n} {v:.2g}" for n, v in zip(names, values, strict=True)))
    print(f"OPERATIONS_A_SECOND {speed:.2g}; the constant of each kind, times:")
    print(", ".join(f"{k} {f:.2f}" for k, f in zip(kinds, factors, strict=True)))


def main() -> None:
    """Print a table of the points, and how near the charge is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fit", action="store_true", help="print constants fitted on this machine")
    parser.add_argument("--json", type=Path, help="write a line for each measurement to this file")
    options = parser.parse_args()
    configure_threads(1)
    found = []
    for each in measurements():
        found.append(each)
        what = "evaluation" if each.parameters is None else "step"
        charged = each.compute / constants.OPERATIONS_A_SECOND
        print(
            f"{each.name:58} {what:10} {1e3 * each.seconds:8.2f} ms, charged {1e3 * charged:8.2f}, "
            f"ratio {each.ratio:.2f}",
            flush=True,
        )
    print("fitted to:", summary(each for each in found if each.fitted))
    print("others:", summary(each for each in found if not each.fitted))
    if options.json is not None:
        names = ("name", "kind", "fitted", "seconds", "compute", "ratio")
        rows = ({n: getattr(each, n) for n in names} for each in found)
        options.json.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if options.fit:
        fit([each for each in found if each.fitted])


if __name__ == "__main__":
    main()
