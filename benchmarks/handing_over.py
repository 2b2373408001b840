"""Whether a model that one strategy has trained for a while saves another strategy anything.

python benchmarks/handing_over.py --json rows.jsonl

`direct, then gated`: direct training for six evaluations, after which a race judges it, and gated from there.
`gated, then direct`: gated until it has cost as much as these six did, and direct from there. What comes
second is charged alone, and compared with what it costs from fresh weights.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from portfolio import experiment as with_strategy
from portfolio_pairs import PAIRS
from recorded_rows import Row, rows_of

from curriculum.learn import Learner, isolated
from curriculum.record import Recorder, ResumePoint, Store, describe_run
from curriculum.runner.arm_evaluations import ArmEvaluations
from curriculum.runner.fresh_learner import fresh_learner
from curriculum.runner.loop import CurriculumLoop
from curriculum.tune import InProcessExecutor, RunSetup

CPU = torch.device("cpu")
EVALUATIONS = 6
NAMES = (
    "reverse_bert",
    "odds_first_lstm",
    "human_numbers_gru",
    "binary_addition_gru",
    "subsequence_gru",
    "bucket_sort_lstm",
    "stdlib_llama",
    "parity_rnn",
    "first_bit_lstm",
    "adding_lstm",
)
MOST = 1.2e12


def main() -> None:
    """A row for each pair, seed and order."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(NAMES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    keys = ({"pair": pair, "seed": seed} for pair in options.pairs for seed in options.seeds)
    rows_of(keys, measured, file=options.json)


def measured(key: Row) -> Row:
    """What gated and direct cost from fresh weights, and from what the other has trained."""
    with isolated(1):
        direct, learner, cost = trained("direct", key, None, evaluations=EVALUATIONS)
        _, of_gated, _ = trained("gated", key, None, compute=cost)
        return {
            "direct": trained("direct", key, None)[0],
            "gated": trained("gated", key, None)[0],
            "direct, then gated": trained("gated", key, learner)[0],
            "gated, then direct": trained("direct", key, of_gated)[0],
            "at first": round(cost / 1e9, 2),
            "done by then": direct is not None,
        }


def trained(
    arm: str,
    key: Row,
    start: Learner | None,
    *,
    evaluations: int | None = None,
    compute: float | None = None,
) -> tuple[float | None, Learner, float]:
    """What a strategy costs to the target, in 1e9; None where it isn't come to. And its model and cost by then."""
    made = with_strategy(PAIRS[key["pair"]], arm, arms=3, most=MOST)
    setup = RunSetup(experiment=made, seed=key["seed"], device=CPU)
    learner = start or fresh_learner(setup)
    with tempfile.TemporaryDirectory() as root:
        folder = Store(Path(root)).create(describe_run(made, key["seed"], CPU))
        found = ArmEvaluations(arm, folder.description())
        with folder.held(), Recorder(folder, made.recipe, found) as recorder:
            fresh = Learner.of(replace(learner.snapshot()), CPU)
            loop = CurriculumLoop(setup, fresh, ResumePoint(), recorder, InProcessExecutor(setup))
            for _ in loop.advance():
                found.complete()
                last = found.found[-1]
                if last.report.mastered:
                    return round(last.cost.compute / 1e9, 2), loop.learner, last.cost.compute
                if evaluations is not None and len(found.found) >= evaluations:
                    break
                if compute is not None and last.cost.compute >= compute:
                    break
            return None, loop.learner, found.found[-1].cost.compute


if __name__ == "__main__":
    main()
