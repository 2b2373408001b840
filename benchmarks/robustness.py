"""On how many seeds an experiment reaches its target, on this machine or as another would round.

python benchmarks/robustness.py parity lstm_firstbit --seeds 100 140
ATEN_CPU_CAPABILITY=default python benchmarks/robustness.py parity --seeds 100 140
python benchmarks/robustness.py parity --seeds 100 140 --threads 2
python benchmarks/robustness.py lstm_firstbit --seeds 100 110 --rate-factor 30

`parity` is the README's example, to length 500. A run gets at most 60 seconds (or `--seconds`).
Prints a line for each run, and for each experiment on how many seeds it reached its target, with
the medians of those that did.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

import curriculum
from curriculum.config import Experiment, load_experiment, override
from curriculum.learn import LEARNING_RATE, configure_threads
from curriculum.record import History, Store

README = Path(__file__).parents[1] / "README.md"


def main() -> None:
    """Run each experiment on each seed, and print how far it got."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 10], metavar=("FROM", "BELOW"))
    parser.add_argument("--seconds", type=float, default=60.0, help="of a run, at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--rate-factor", type=float, default=1.0, help="of the learning rate")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    parser.add_argument("--settings", default="", help="as for `run`, in one string")
    options = parser.parse_args()
    print(f"CPU capability {torch.backends.cpu.get_cpu_capability()}, {options.threads} threads")
    for name in options.experiments:
        found = list(_run_all(name, options))
        reached = [run for run in found if run["status"] == "reached"]
        middle = {
            each: statistics.median([run[each] for run in reached] or [0])
            for each in ("seconds", "steps", "tokens")
        }
        print(
            f"{name}: {len(reached)} of {len(found)} reach the target; their medians "
            f"{middle['seconds']:.1f} s, {middle['steps']:,.0f} steps, {middle['tokens']:,.0f} tokens",
            flush=True,
        )


def _run_all(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    jobs = [(name, seed, options) for seed in range(*options.seeds)]
    context = get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for found in pool.map(run_one, jobs):
            print(" ".join(f"{key}={value}" for key, value in found.items()), flush=True)
            if options.json is not None:
                with options.json.open("a") as file:
                    file.write(json.dumps(found) + "\n")
            yield found


def run_one(job: tuple[str, int, argparse.Namespace]) -> dict[str, Any]:
    """One run, in a store of its own."""
    name, seed, options = job
    configure_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        experiment = _experiment(name, Path(folder), options.settings)
        rate = experiment.recipe.learning_rate * options.rate_factor
        experiment = experiment.replace(
            budget=replace(experiment.budget, seconds=options.seconds),
            optimizer=experiment.recipe.replace({LEARNING_RATE: rate}).optimizer,
        )
        result = curriculum.run(experiment, seed, store=folder, mirror=False)
        history = History.of(Store(Path(folder)).find(result.run_id))
        return {
            "experiment": name,
            "seed": seed,
            "status": result.status,
            "reach": None if result.reach is None else result.reach.length,
            "seconds": round(result.seconds, 1),
            "steps": result.steps,
            "tokens": result.tokens,
            "discarded": round(result.discarded_share, 2),
            "visits": len(history.visits),
            **_troubles(history),
            "ending": result.ending,
        }


def _troubles(history: History) -> dict[str, int]:
    """How often the run went back, and how often it started afresh."""
    fresh = [v for v in history.visits if v.visit_reason == "fresh_start" and not v.retuning]
    rollbacks = sum(len(visit.rollbacks) for visit in history.visits)
    return {"rollbacks": rollbacks, "fresh_starts": len(fresh)}


def _experiment(name: str, folder: Path, settings: str) -> Experiment:
    if name == "parity":
        blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
        file = folder / "my_parity.py"
        file.write_text(next(block for block in blocks if "class Parity" in block))
        name = str(file)
    experiment, _ = load_experiment(name)
    return override(experiment, settings.split())


if __name__ == "__main__":
    main()
