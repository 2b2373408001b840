"""The original notebooks' own recipes (`NAME:seed…`), epoch by epoch, beside what they report.

python benchmarks/notebooks.py human_numbers_gru:seed human_numbers_rnn:seed --seeds 0 5
python benchmarks/notebooks.py bert_reverse:seed_5_10 --seeds 0 1 --epochs

A recipe that takes many hours may be stopped: with --store its run is kept and resumed, and with --recorded
besides it is read as far as it has come.

python benchmarks/notebooks.py bert_reverse:seed_100_10 --seeds 0 1 --threads 1 --store long
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path

from recorded_rows import Row, rows_of
from scipy import stats

import curriculum
from curriculum.config import load_experiment
from curriculum.plan import FinalEvaluation
from curriculum.record import Evaluated, RunDescription, RunFolder, Store, read_journal

REPORTED = {
    "human_numbers_unrolled:seed": ("score", 0.353860),
    "human_numbers_loop:seed": ("score", 0.455882),
    "human_numbers_every_word:seed": ("loss", 3.017796),
    "human_numbers_stateful:seed": ("score", 0.554048),
    "human_numbers_rnn:seed": ("score", 0.580043),
    "human_numbers_gru:seed": ("score", 0.830753),
    "gru_subsequence:seed": ("loss", 0.000593),
    "bert_reverse:seed_5_10": ("memorised_symbol_accuracy", 1.0),
    "bert_reverse:seed_10_1000": ("memorised_symbol_accuracy", 1.0),
}
"""What the notebooks report at the end: next-word accuracy, validation loss in nats, or the token
accuracy on what was trained on."""


def main() -> None:
    """Print each epoch of the first seed, and the last epoch of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    parser.add_argument("--threads", type=int, help="default: by the model's size")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--store", type=Path, help="keep runs there, and resume them")
    parser.add_argument("--recorded", action="store_true", help="read the store's runs, make none")
    parser.add_argument("--epochs", action="store_true", help="print the first seed's epochs")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    for name in options.experiments:
        keys = (
            {"experiment": name, "seed": seed, "threads": options.threads}
            for seed in range(*options.seeds)
        )
        measure = partial(run_one, store=options.store, recorded=options.recorded)
        rows = rows_of(keys, measure, file=options.json, jobs=options.jobs)
        if options.epochs:
            for number, epoch in enumerate(rows[0]["epochs"]):
                words = ", ".join(f"{metric} {value:.3f}" for metric, value in epoch.items())
                print(f"  epoch {number + 1}: {words}", flush=True)
        for metric in [each for each in rows[0]["epochs"][-1] if each != "train_loss"]:
            values = [row["epochs"][-1][metric] for row in rows]
            print(f"{name}: {metric} {summary(values)}{beside(name, metric)}", flush=True)
        print(f"  {statistics.median(row['seconds'] for row in rows):.0f} s a run", flush=True)


def run_one(key: Row, *, store: Path | None = None, recorded: bool = False) -> Row:
    """A run's epochs, each with its losses and metrics; of one that is recorded, those that it has."""
    with tempfile.TemporaryDirectory() as folder:
        root = store or Path(folder)
        if not recorded:
            experiment, _ = load_experiment(key["experiment"])
            curriculum.run(
                experiment.replace(final_evaluation=FinalEvaluation(mode="off")),
                key["seed"],
                store=root,
                mirror=False,
                threads=key["threads"],
                resume=True,
            )
        found = Store(root).descriptions(key["experiment"], key["seed"])
        runs = [run_id for run_id, each in found if isinstance(each, RunDescription)]
        return epochs_of(Store(root).find(runs[-1]))


def epochs_of(folder: RunFolder) -> Row:
    """The epochs that a run has recorded, and the seconds up to the last."""
    found = [(r.event, r.clock) for r, _ in read_journal(folder.journal)]
    evaluated = [(e, clock) for e, clock in found if isinstance(e, Evaluated)]
    epochs = [figures(each) for each, _ in evaluated if each.train_loss is not None]
    return {"epochs": epochs, "seconds": round(evaluated[-1][1].seconds, 1)}


def figures(evaluation: Evaluated) -> dict[str, float]:
    """An evaluation's training loss, its score under its criterion, and its metrics."""
    found = {"train_loss": evaluation.train_loss, "score": evaluation.decision.score}
    named = (found | dict(evaluation.metrics)).items()
    return {name: round(value, 5) for name, value in named if value is not None}


def summary(values: list[float]) -> str:
    """The mean with the 95 % interval of the mean (Student's t), and the range."""
    text = f"mean {statistics.mean(values):.4f}"
    if len(values) > 1:
        low, high = interval(values)
        text += f" [{low:.4f}, {high:.4f}], from {min(values):.4f} to {max(values):.4f}"
    return text


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the mean, by Student's t; of two values or more."""
    half = float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))
    return statistics.mean(values) - half, statistics.mean(values) + half


def beside(name: str, metric: str) -> str:
    """What the notebook reported of that."""
    reported, figure = REPORTED.get(name, ("", 0.0))
    return f"; the notebook's {figure:.3f}" if reported == metric else ""


if __name__ == "__main__":
    main()
