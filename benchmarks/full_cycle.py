"""Human numbers at the end of a full cycle of the learning rate: with the curriculum, and directly.

The curriculum leaves the stages on the way as soon as they are mastered, and trains the last one for
a whole cycle; direct training has one cycle of as many steps as all of that together.

python benchmarks/full_cycle.py human_numbers_gru human_numbers_rnn --seeds 300 305
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from recorded_rows import Row, rows_of

import curriculum
from curriculum import Budget, Experiment
from curriculum.config import load_experiment
from curriculum.plan import Backtracking, FinalEvaluation, Rollback
from curriculum.record import History, Store

NEVER = 1.0
"""A score that no model of human numbers reaches, so that the last stage's cycle is run to its end."""


def main() -> None:
    """Print, seed by seed, the accuracy of both at their ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time")
    parser.add_argument("--json", type=Path, help="append a line for each seed to this file")
    options = parser.parse_args()
    for name in options.experiments:
        keys = ({"experiment": name, "seed": seed} for seed in range(*options.seeds))
        rows = rows_of(keys, run_both, file=options.json, jobs=options.jobs)
        there = [row for row in rows if row["curriculum"] is not None]
        sides = ("curriculum", "direct")
        means = (f"{side} {statistics.mean(row[side] for row in there):.3f}" for side in sides)
        print(
            f"{name}: {', '.join(means)} on {len(there)} of {len(rows)} seeds, where the "
            f"curriculum gets to the last stage",
            flush=True,
        )


def run_both(key: Row) -> Row:
    """The accuracy of both on 8001-9999, at the end of a cycle; in so many steps each."""
    base, _ = load_experiment(key["experiment"])
    direct, _ = load_experiment(f"{key['experiment']}:direct")
    gated = end_of_cycle(unhindered(base), key["seed"])
    budget = Budget(steps_per_stage=gated["steps"], steps=gated["steps"])
    directly = end_of_cycle(unhindered(direct).replace(budget=budget), key["seed"])
    return {
        "curriculum": gated["accuracy"],
        "direct": directly["accuracy"],
        "steps": gated["steps"],
        "seconds": gated["seconds"],
        "compute": gated["compute"],
    }


def unhindered(experiment: Experiment) -> Experiment:
    """Trained to the end of its last stage's cycle, with nothing to go back to."""
    none = Backtracking(retunes=0, half_steps=0, demotions=0, fresh_starts=0, patience=0)
    return experiment.replace(
        criterion=experiment.criterion.replace(target_threshold=NEVER),
        backtracking=none,
        rollback=Rollback(times=0),
        tuning=replace(experiment.tuning, mode="off"),
        final_evaluation=FinalEvaluation(mode="off"),
    )


def end_of_cycle(experiment: Experiment, seed: int) -> Row:
    """The accuracy at the end of the last stage, None where the run did not get there; and the cost."""
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(experiment, seed, store=store, mirror=False, threads=1)
        history = History.of(Store(Path(store)).find(result.run_id))
    last = history.visits[-1]
    score = last.evaluations[-1].decision.score
    there = last.stage == experiment.growth.path()[-1]
    return {
        "accuracy": score if there else None,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "compute": result.compute,
    }


if __name__ == "__main__":
    main()
