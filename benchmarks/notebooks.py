"""The original notebooks' own recipes (`NAME:seed…`), epoch by epoch, beside what they report.

python benchmarks/notebooks.py human_numbers_gru:seed human_numbers_rnn:seed --seeds 0 5
python benchmarks/notebooks.py bert_reverse:seed_5_10 --seeds 0 1 --epochs

A recipe that takes many hours is run by the command line, which can be stopped and resumed, and read as far
as it has come:

python -m curriculum run bert_reverse:seed_100_10 --seed 0 --threads 1 --store long --resume
python benchmarks/notebooks.py bert_reverse:seed_100_10 --seeds 0 1 --recorded long
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
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
    parser.add_argument("--recorded", type=Path, metavar="STORE", help="read its runs, make none")
    parser.add_argument("--epochs", action="store_true", help="print the first seed's epochs")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    for name in options.experiments:
        keys = (
            {"experiment": name, "seed": seed, "threads": options.threads}
            | ({} if options.recorded is None else {"recorded": str(options.recorded)})
            for seed in range(*options.seeds)
        )
        rows = rows_of(keys, run_one, file=options.json, jobs=options.jobs)
        if options.epochs:
            for number, epoch in enumerate(rows[0]["epochs"]):
                words = ", ".join(f"{metric} {value:.3f}" for metric, value in epoch.items())
                print(f"  epoch {number + 1}: {words}", flush=True)
        for metric in [each for each in rows[0]["epochs"][-1] if each != "train_loss"]:
            values = [row["epochs"][-1][metric] for row in rows]
            print(f"{name}: {metric} {summary(values)}{beside(name, metric)}", flush=True)
        print(f"  {statistics.median(row['seconds'] for row in rows):.0f} s a run", flush=True)


def run_one(key: Row) -> Row:
    """A run's epochs, each with its losses and metrics; of one that is recorded, those that it has."""
    if "recorded" in key:
        return recorded(Store(Path(key["recorded"])), key["experiment"], key["seed"])
    experiment, _ = load_experiment(key["experiment"])
    experiment = experiment.replace(final_evaluation=FinalEvaluation(mode="off"))
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(
            experiment, key["seed"], store=store, mirror=False, threads=key["threads"]
        )
        return epochs_of(Store(Path(store)).find(result.run_id))


def recorded(store: Store, experiment: str, seed: int) -> Row:
    """The epochs of the newest run of that experiment and seed in a store."""
    found = store.descriptions(experiment, seed)
    run_id, _ = [each for each in found if isinstance(each[1], RunDescription)][-1]
    return epochs_of(store.find(run_id))


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
