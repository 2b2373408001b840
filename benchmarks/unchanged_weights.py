"""Whether each experiment still computes the same: weights, reach, steps and cost, to the bit.

python benchmarks/unchanged_weights.py                      all, half an hour of one core
python benchmarks/unchanged_weights.py lstm_firstbit        one of them
python benchmarks/unchanged_weights.py --write FILE         make a table, to compare with later

Every experiment as shipped, or cut by `budget.steps` to about a minute, with seeds 0 and 1 and one
thread. Weights are compared with `unchanged_weights.json`, which was written at commit 4a36691.
They are equal on the same machine alone: on another, write a table before a change, and compare
with that by --table. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import curriculum
from curriculum.config import Experiment, list_experiments, load_experiment

TABLE = Path(__file__).with_suffix(".json")
SEEDS = (0, 1)
CUTS = {
    "bert_reverse": 500,
    "bert_reverse:direct": 60,
    "bert_reverse:seed_10_1000": 16,
    "bert_reverse:seed_100_10": 2,
    "bert_reverse:seed_100_1000": 2,
    "gru_subsequence": 1200,
    "gru_subsequence:direct": 600,
    "gru_subsequence:seed": 150,
    "gru_subsequence_attention": 800,
    "gru_subsequence_attention:direct": 300,
}
"""Optimizer steps of those that would take more than a minute."""

WITHOUT_FINAL_EVALUATION = {
    "bert_reverse:seed_10_1000",
    "bert_reverse:seed_100_10",
    "bert_reverse:seed_100_1000",
}
"""Of these, the final evaluation alone takes minutes."""

COMPARED = ("weights_sha256", "reach", "steps", "tokens", "compute", "status")


def main() -> int:
    """Run the experiments, and compare each with the table, or write one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiments", nargs="*", help="default: all")
    parser.add_argument("--table", type=Path, default=TABLE, help="what to compare with")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a table, compare nothing")
    options = parser.parse_args()
    table: dict[str, Any] = {"machine": machine(), "runs": {}}
    if options.write is None:
        table = json.loads(options.table.read_text())
    if table["machine"] != machine():
        print(f"The table is of {table['machine']}, and this is {machine()}.")
    different = 0
    for name in options.experiments or [listing.name for listing in list_experiments()]:
        for seed in SEEDS:
            key, began = f"{name} seed {seed}", time.perf_counter()
            found = outcome(name, seed)
            seconds = time.perf_counter() - began
            if options.write:
                table["runs"][key] = found
                options.write.write_text(json.dumps(table, indent=1) + "\n")
                verdict = "written"
            else:
                names = [n for n in COMPARED if found[n] != table["runs"][key][n]]
                different += bool(names)
                verdict = f"DIFFERENT: {', '.join(names)}" if names else "equal"
            weights = found["weights_sha256"][:12]
            print(
                f"{key:<42} {weights} {found['steps']:>6} {seconds:>6.1f} s  {verdict}", flush=True
            )
    print(f"{different} different")
    return int(different > 0)


def machine() -> str:
    """What weights depend on besides the code."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), cpu)
    return f"{cpu}, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"


def outcome(name: str, seed: int) -> dict[str, Any]:
    """What one run came to."""
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(experiment_of(name), seed, store=store, mirror=False, threads=1)
    return {
        "weights_sha256": result.weights_sha256,
        "reach": None if result.reach is None else result.reach.key,
        "steps": result.steps,
        "tokens": result.tokens,
        "compute": result.compute,
        "status": result.status,
    }


def experiment_of(name: str) -> Experiment:
    """The experiment, cut short if need be."""
    experiment, _ = load_experiment(name)
    cut = CUTS.get(name)
    if cut is not None:
        criterion = experiment.criterion
        experiment = experiment.replace(
            budget=replace(experiment.budget, steps=cut),
            criterion=criterion.replace(min_steps=min(criterion.min_steps, cut)),
        )
    if name in WITHOUT_FINAL_EVALUATION:
        experiment = experiment.replace(final_evaluation=curriculum.FinalEvaluation(mode="off"))
    return experiment


if __name__ == "__main__":
    sys.exit(main())
