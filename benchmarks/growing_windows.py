"""What a language model of bytes scores at windows of 1,024 bytes, by how its windows have grown.

    python benchmarks/growing_windows.py --dry-run
    python benchmarks/growing_windows.py --json rows.json --jobs 2

The experiment `stdlib_lm`, its path extended to 1,024 bytes, in four ways: on whole windows from the
start, on windows that lengthen along a line, gated by a loss below a threshold, and gated by a loss that
falls no longer. All train until the same tokens, or the same cost with evaluations, are used up. Stop it
at any time: the same command goes on after the rows that the file has.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from itertools import product
from pathlib import Path

from recorded_rows import Row, known_row, rows_of, stored_rows

import curriculum
from curriculum import Experiment, FinalEvaluation, Plateau
from curriculum.config import load_experiment, override
from curriculum.plan import Measure
from curriculum.record import Store
from curriculum.runner import FinalMeasure
from curriculum.sweeps import Amount, comparable_experiment

CONDITIONS = {
    "direct": "direct",
    "linear_warmup": "linear_warmup",
    "gated": "gated",
    "plateau": "gated",
}
"""By condition, its strategy."""

RATES = {"direct": 1.5e-3, "linear_warmup": 1.5e-3, "gated": 1.5e-3, "plateau": 1.5e-3}
SEEDS = (11, 12, 13)
AMOUNTS = {"tokens": 8e5, "compute": 1.32e13}
"""By unit, the budget of each run: what `direct` uses up of either, whose run is made once for both."""

LENGTHS = (512, 1024)


def main() -> None:
    """Make all runs that are not made yet, and print each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=[*CONDITIONS])
    parser.add_argument("--equal", nargs="+", choices=AMOUNTS, default=[*AMOUNTS])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rate", type=float, help="of all conditions, in place of their own")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    parser.add_argument("--dry-run", action="store_true", help="say how many runs are to be made")
    options = parser.parse_args()
    keys: list[Row] = [
        {"equal": unit, "seed": seed, "condition": name, "rate": options.rate or RATES[name]}
        for unit, seed, name in product(options.equal, options.seeds, options.conditions)
        if name != "direct" or unit == options.equal[0]
    ]
    known = [] if options.json is None else stored_rows(options.json)
    made = sum(known_row(key, known) is not None for key in keys)
    print(f"{made} of {len(keys)} runs are made", flush=True)
    if not options.dry_run:
        rows_of(keys, run_one, file=options.json, jobs=options.jobs)


def experiment(condition: str, unit: str, rate: float) -> Experiment:
    """What is trained."""
    found, _ = load_experiment("stdlib_lm")
    found = override(found, ("--growth.end.length", "1024"))
    found = found.replace(
        training=replace(found.training, eval_every=50),
        final_evaluation=FinalEvaluation(mode="off"),  # it decides nothing, and takes half the time
    )
    if condition == "plateau":
        found = found.replace(
            criterion=Plateau(metric="bits_per_byte", min_improvement=0.1, evaluations=1)
        )
    amount = Amount(AMOUNTS[unit], unit)
    return comparable_experiment(found, CONDITIONS[condition], amount, rate, 1, until="limit")


def run_one(key: Row) -> Row:
    """What a run came to: bits per byte on documents that nothing was decided on."""
    chosen = experiment(key["condition"], key["equal"], key["rate"])
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(
            chosen, key["seed"], store=store, mirror=False, threads=1, progress=False
        )
        folder = Store(Path(store)).find(result.run_id)
        scores = {
            f"bits_{length}": round(
                FinalMeasure.of(Measure.parse(f"loss@{length}"), chosen)
                .of_run(folder, "certificate", like=chosen)
                .value,
                4,
            )
            for length in LENGTHS
        }
        return scores | {
            "reach": 0 if result.reach is None else result.reach.length,
            "steps": result.steps,
            "tokens": result.tokens,
            "compute": result.compute,
            "evaluations": round(result.history.total_cost.evaluation / result.compute, 4),
            "seconds": round(result.seconds, 1),
        }


if __name__ == "__main__":
    main()
