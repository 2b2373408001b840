"""The originals' own recipes (`NAME:seed`), beside the figures that they reported.

python benchmarks/seeds.py human_numbers_gru:seed human_numbers_rnn:seed --seeds 0 5
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from pathlib import Path

from scipy import stats

import curriculum
from curriculum.config import load_experiment
from curriculum.learn import configure_threads, default_threads
from curriculum.record import Evaluated, Store, read_journal

REPORTED = {
    "human_numbers_unrolled:seed": ("score", 0.353860),
    "human_numbers_loop:seed": ("score", 0.455882),
    "human_numbers_every_word:seed": ("loss", 3.017796),
    "human_numbers_stateful:seed": ("score", 0.554048),
    "human_numbers_rnn:seed": ("score", 0.580043),
    "human_numbers_gru:seed": ("score", 0.830753),
    "gru_subsequence:seed": ("loss", 0.000593),
}
"""What the notebooks report at the end: next-word accuracy, or validation loss in nats."""


def main() -> None:
    """Print each epoch of the first seed, and the last epoch of all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    parser.add_argument("--threads", type=int, help="default: by the model's size")
    parser.add_argument("--epochs", action="store_true", help="print the first seed's epochs")
    options = parser.parse_args()
    for name in options.experiments:
        runs = [evaluations_of(name, seed, options.threads) for seed in range(*options.seeds)]
        if options.epochs:
            for number, (evaluation, _) in enumerate(runs[0][1:]):
                print(f"  epoch {number}: {in_words(evaluation)}", flush=True)
        for metric in ("score", "loss"):
            values = [value(run[-1][0], metric) for run in runs]
            print(f"{name}: {metric} {summary(values)}{beside(name, metric)}", flush=True)
        print(f"  {statistics.median(run[-1][1] for run in runs):.0f} s a run", flush=True)


def evaluations_of(name: str, seed: int, threads: int | None) -> list[tuple[Evaluated, float]]:
    """The evaluations of a run, each with the seconds since its start."""
    experiment, _ = load_experiment(name)
    configure_threads(threads or default_threads(experiment.model.hidden_size))
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(experiment, seed, store=store, mirror=False)
        records = read_journal(Store(Path(store)).find(result.run_id).journal)
        return [
            (record.event, record.clock.seconds)
            for record, _ in records
            if isinstance(record.event, Evaluated)
        ]


def value(evaluation: Evaluated, metric: str) -> float:
    """An evaluation's score under its criterion, or its mean loss in nats."""
    score = evaluation.decision.score
    return score or 0.0 if metric == "score" else evaluation.metrics["loss"]


def in_words(evaluation: Evaluated) -> str:
    """The losses and metrics of an evaluation."""
    loss, decision = evaluation.metrics["loss"], evaluation.decision
    parts = [f"train loss {evaluation.train_loss or math.nan:.3f}"]
    parts.append(f"loss {loss:.3f}, perplexity {math.exp(loss):.3f}")
    parts.append(f"{decision.metric} {decision.score or 0.0:.3f}")
    parts += [f"{name} {value:.3f}" for name, value in evaluation.metrics.items() if name != "loss"]
    return ", ".join(parts)


def summary(values: list[float]) -> str:
    """The mean with the 95 % interval of the mean (Student's t), and the range."""
    text = f"mean {statistics.mean(values):.4f}"
    if len(values) > 1:
        half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
        low, high = statistics.mean(values) - half, statistics.mean(values) + half
        text += f" [{low:.4f}, {high:.4f}], from {min(values):.4f} to {max(values):.4f}"
    return text


def beside(name: str, metric: str) -> str:
    """What the notebook reported of that."""
    reported, figure = REPORTED.get(name, ("", 0.0))
    return f"; the notebook's {figure:.3f}" if reported == metric else ""


if __name__ == "__main__":
    main()
