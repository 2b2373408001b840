"""On how many seeds an experiment reaches its target, on this machine or as another would round.

python benchmarks/robustness.py parity lstm_firstbit --seeds 100 140
ATEN_CPU_CAPABILITY=default python benchmarks/robustness.py parity --seeds 100 140
python benchmarks/robustness.py parity --seeds 100 140 --threads 2
python benchmarks/robustness.py lstm_firstbit --seeds 100 110 --rate-factor 30

`parity` is the README's example, to length 500. A run gets at most 60 seconds (or `--seconds`).
Prints a line for each run, and for each experiment on how many seeds it reached its target, with
the medians of those that did. With `--json FILE` a run that the file has is not made again.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from recorded_rows import Row, rows_of

import curriculum
from curriculum.config import Experiment, load_experiment, override
from curriculum.learn import LEARNING_RATE
from curriculum.plan import FinalEvaluation
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
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"CPU capability {capability}, {options.threads} threads")
    for name in options.experiments:
        keys = (
            {
                "experiment": name,
                "seed": seed,
                "threads": options.threads,
                "capability": capability,
                "limit": options.seconds,
                "rate_factor": options.rate_factor,
                "settings": options.settings,
            }
            for seed in range(*options.seeds)
        )
        found = rows_of(keys, run_one, file=options.json, jobs=options.jobs)
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


def run_one(key: Row) -> Row:
    """One run, in a store of its own, without its final evaluation."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = _experiment(key["experiment"], Path(folder), key["settings"])
        rate = experiment.recipe.learning_rate * key["rate_factor"]
        experiment = experiment.replace(
            budget=replace(experiment.budget, seconds=key["limit"]),
            optimizer=experiment.recipe.replace({LEARNING_RATE: rate}).optimizer,
            final_evaluation=FinalEvaluation(mode="off"),
        )
        result = curriculum.run(
            experiment, key["seed"], store=folder, mirror=False, threads=key["threads"]
        )
        history = History.of(Store(Path(folder)).find(result.run_id))
        path, names = experiment.growth.path(), experiment.axis_names
        return {
            "status": result.status,
            "target": names.brief(path[-1], path),
            "got_to": None if result.reach is None else names.brief(result.reach, path),
            "reach": None if result.reach is None else result.reach.length,
            "seconds": round(result.seconds, 1),
            "steps": result.steps,
            "tokens": result.tokens,
            "compute": result.compute,
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
