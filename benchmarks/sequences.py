"""How many sequences a network is trained on until it masters its target, and what it then gets wrong.

python benchmarks/sequences.py lstm_adding lstm_temporal_order --seeds 1 6

A run gets at most 600 seconds (or `--seconds`). Sequences of all stages count. The final model is
tested on 2,560 fresh ones of the last stage, as in Hochreiter & Schmidhuber 1997, section 5. With
`--json FILE` a run that the file has is not made again.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from recorded_rows import Row, rows_of

import curriculum
from curriculum import learn, runner
from curriculum.config import load_experiment, override
from curriculum.plan import FinalEvaluation
from curriculum.record import RunFolder, Store

TESTED = 2560


def main() -> None:
    """Run each experiment on each seed, by each strategy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[1, 6], metavar=("FROM", "BELOW"))
    parser.add_argument("--strategies", nargs="+", default=["gated"], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=600.0, help="of a run, at most")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    parser.add_argument("--settings", default="", help="as for `run`, in one string")
    options = parser.parse_args()
    keys = (
        {
            "experiment": name,
            "strategy": strategy,
            "seed": seed,
            "limit": options.seconds,
            "settings": options.settings,
        }
        for name in options.experiments
        for strategy in options.strategies
        for seed in range(*options.seeds)
    )
    rows_of(keys, run_one, file=options.json, jobs=options.jobs)


def run_one(key: Row) -> Row:
    """One run, in a store of its own."""
    made, _ = load_experiment(key["experiment"])
    made = override(made.with_strategy(key["strategy"]), key["settings"].split())
    made = made.replace(
        budget=replace(made.budget, seconds=key["limit"]),
        final_evaluation=FinalEvaluation(mode="off"),
    )
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(made, key["seed"], store=store, mirror=False, threads=1)
        wrong = _wrong(Store(Path(store)).find(result.run_id), key["seed"])
    return {
        "status": result.status,
        "reach": None if result.reach is None else result.reach.length,
        "sequences": result.steps * made.training.batch_size,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "compute": result.compute,
        "wrong": wrong,
        "ending": result.ending,
    }


def _wrong(folder: RunFolder, seed: int) -> int:
    """How many of the fresh sequences of the last stage the final model gets wrong."""
    with learn.isolated(1):
        made, learner = runner.restore_run(folder)
        criterion = made.criterion.replace(metric="exact_match")
        evaluator = learn.Evaluator(made.task, criterion, seed, "certificate/beyond")
        last = made.growth.path()[-1]
        score, _, _ = evaluator.test_sample(learner, last, 0, TESTED)
    return round((1 - score.value) * TESTED)


if __name__ == "__main__":
    main()
