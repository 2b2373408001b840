"""Which lengths of first bit can be mastered by guessing weights, beside gated training to the same length.

python benchmarks/guessing.py lstm rnn gru --zeros hard mixture --lengths 10 100 --seeds 0 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from itertools import product
from pathlib import Path

from recorded_rows import Row, rows_of

import curriculum
from curriculum import (
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Guess,
    Stage,
    Training,
    Tuning,
)
from curriculum.config import load_experiment
from curriculum.tasks import FirstBit


def guessed(experiment: Experiment, length: int, width: float, guesses: int) -> Experiment:
    """Guesses at one length alone, with an evaluation of each."""
    return experiment.replace(
        growth=Explicit(lengths=(length,)),
        optimizer=Guess(learning_rate=width),
        training=Training(batch_size=2, eval_every=1, clip_norm=None),
        budget=Budget(steps=guesses),
        tuning=Tuning(mode="off"),
    ).with_strategy("direct")


def trained(experiment: Experiment, length: int) -> Experiment:
    """The shipped experiment up to a length, untuned and evaluated every 10 steps."""
    return experiment.replace(
        growth=Geometric(start=Stage(2), end=Stage(length), factor=1.5),
        training=Training(),
        budget=Budget(steps_per_stage=300, seconds=20),
        tuning=Tuning(mode="off"),
    )


def run_one(key: Row) -> Row:
    """One run: guesses of a width, or where that is None, training."""
    shipped, _ = load_experiment(f"{key['cell']}_firstbit")
    experiment = shipped.replace(task=FirstBit(zeros=key["zeros"]))
    if key["width"] is None:
        experiment = trained(experiment, key["length"])
    else:
        experiment = guessed(experiment, key["length"], key["width"], key["guesses"])
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(experiment, key["seed"], store=store, mirror=False, threads=1)
    names = ("status", "steps", "compute", "seconds")
    return {name: getattr(result, name) for name in names}


def main() -> None:
    """Print a line for each net, task, length and width: steps and compute, medians of the seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cells", nargs="+", choices=["lstm", "rnn", "gru"])
    parser.add_argument("--zeros", nargs="+", default=["hard", "mixture"])
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--widths", type=float, nargs="+", default=[1.0, 10.0, 100.0])
    parser.add_argument("--guesses", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    choices = product(options.cells, options.zeros, options.lengths, [*options.widths, None])
    for cell, zeros, length, width in choices:
        keys = (
            {
                "cell": cell,
                "zeros": zeros,
                "length": length,
                "width": width,
                "guesses": options.guesses,
                "seed": seed,
            }
            for seed in range(*options.seeds)
        )
        rows = rows_of(keys, run_one, file=options.json, jobs=options.jobs)
        done = [row for row in rows if row["status"] == "reached"]
        middle = {n: statistics.median([r[n] for r in done] or [0]) for n in ("steps", "compute")}
        print(
            f"{cell}, {zeros}, length {length}, "
            f"{'trained' if width is None else f'guessed at width {width:g}'}: {len(done)} of "
            f"{len(rows)}, {middle['steps']:,.0f} steps, compute {middle['compute']:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
