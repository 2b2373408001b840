"""Which lengths of first bit can be mastered by guessing weights, beside gated training to the same length.

python benchmarks/guessing.py lstm rnn gru --zeros hard mixture --lengths 10 100 --seeds 0 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile

import curriculum
from curriculum import (
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Guess,
    Result,
    Stage,
    Training,
    Tuning,
)
from curriculum.config import load_experiment
from curriculum.learn import configure_threads
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


def summarised(experiment: Experiment, seeds: range) -> tuple[str, list[Result]]:
    """On how many seeds the target is reached, with the medians of what these took."""
    results = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as store:
            results.append(curriculum.run(experiment, seed, store=store, mirror=False))
    done = [result for result in results if result.status == "reached"]
    text = f"{len(done)} of {len(results)}"
    if done:
        steps = statistics.median(result.steps for result in done)
        compute = statistics.median(result.compute for result in done)
        text += f": {steps:,.0f} ({compute:.1e})"
    return text, results


def main() -> None:
    """Print a row for each net, pair and length: steps and compute, medians of the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cells", nargs="+", choices=["lstm", "rnn", "gru"])
    parser.add_argument("--zeros", nargs="+", default=["hard", "mixture"])
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--widths", type=float, nargs="+", default=[1.0, 10.0, 100.0])
    parser.add_argument("--guesses", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    options = parser.parse_args()
    configure_threads(1)
    widths = " | ".join(f"width {width:g}" for width in options.widths)
    print(f"| net | zeros | length | {widths} | gated training | ms a guess |")
    print("|" + "---|" * (len(options.widths) + 5))
    for cell in options.cells:
        shipped, _ = load_experiment(f"{cell}_firstbit")
        for zeros in options.zeros:
            experiment = shipped.replace(task=FirstBit(zeros=zeros))
            for length in options.lengths:
                row, guesses = [cell, zeros, str(length)], list[Result]()
                for width in options.widths:
                    text, results = summarised(
                        guessed(experiment, length, width, options.guesses), range(*options.seeds)
                    )
                    row.append(text)
                    guesses += results
                row.append(summarised(trained(experiment, length), range(*options.seeds))[0])
                seconds = sum(result.seconds for result in guesses)
                row.append(f"{1000 * seconds / sum(result.steps for result in guesses):.1f}")
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
