"""Scores on lengths 41 to 500 of networks trained on lengths to 40, with a curriculum and without.

python benchmarks/chomsky.py --dry-run           # how many runs, and about how many hours
python benchmarks/chomsky.py --json rows.json    # five tasks
python benchmarks/chomsky.py --json rows.json --all    # all fifteen tasks, each by all networks
python benchmarks/chomsky.py --json rows.json --only parity reverse --networks stack_rnn

Stop it at any time: the same command goes on after the runs that the file has. For each task, network
and way of training a learning rate is chosen on seed 0, by the score; the table is of seeds 1 to 3.
Tasks, networks and budgets are in benchmarks/chomsky_plan.py.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from chomsky_plan import (
    CHOSEN_ON,
    LENGTHS,
    NETWORKS,
    PROBLEMS,
    SEEDS,
    STRATEGIES,
    cells,
    experiment,
)
from recorded_rows import Row, known_row, rows_of, stored_rows

import curriculum
from curriculum import Experiment, learn, runner
from curriculum.record import RunFolder, Store

COMPUTE_A_SECOND = 7e10
"""Of one core of a server with AVX-512; see docs/compute.md."""

EVALUATION = 15.0
"""Seconds that it takes to evaluate a final model on all lengths, roughly."""


def main() -> None:
    """Make all runs that are not made yet, and print each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="all fifteen tasks by all networks")
    parser.add_argument("--only", nargs="+", metavar="TASK", choices=PROBLEMS, help="these tasks")
    parser.add_argument("--networks", nargs="+", metavar="NAME", choices=NETWORKS)
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is to be done, and its hours"
    )
    options = parser.parse_args()
    chosen = [
        (task, network)
        for task, network in cells(every=options.all or options.only is not None)
        if task in (options.only or PROBLEMS) and network in (options.networks or NETWORKS)
    ]
    print(estimate(chosen, known(options.json)), flush=True)
    if options.dry_run:
        return
    for task, network in chosen:
        for with_curriculum in STRATEGIES:
            make_cell(task, network, with_curriculum, file=options.json, jobs=options.jobs)
            print(estimate(chosen, known(options.json)), flush=True)


def known(file: Path | None) -> list[Row]:
    """The runs that are made."""
    return [] if file is None else stored_rows(file)


def make_cell(
    task: str, network: str, with_curriculum: bool, *, file: Path | None, jobs: int
) -> list[Row]:
    """The runs of a task, a network and a way of training: at each rate, then at the best one."""
    tried = rows_of(choosing(task, network, with_curriculum), run_one, file=file, jobs=jobs)
    keys = shown(task, network, with_curriculum, best_rate(tried))
    return rows_of(keys, run_one, file=file, jobs=jobs)


def choosing(task: str, network: str, with_curriculum: bool) -> list[Row]:
    """The keys of the runs that a learning rate is chosen by."""
    return [
        _key(task, network, with_curriculum, CHOSEN_ON, rate) for rate in NETWORKS[network].rates
    ]


def shown(task: str, network: str, with_curriculum: bool, rate: float) -> list[Row]:
    """The keys of the runs of the table."""
    return [_key(task, network, with_curriculum, seed, rate) for seed in SEEDS]


def _key(task: str, network: str, with_curriculum: bool, seed: int, rate: float) -> Row:
    return {
        "task": task,
        "network": network,
        "curriculum": with_curriculum,
        "seed": seed,
        "learning_rate": rate,
    }


def best_rate(tried: Sequence[Row]) -> float:
    """The learning rate of the highest score; of several, the one that came to it at less cost."""
    best = max(tried, key=lambda row: (row["score"], -row["compute"]))
    rate: float = best["learning_rate"]
    return rate


def estimate(chosen: Iterable[tuple[str, str]], rows: Sequence[Row]) -> str:
    """How many runs are made, and how many hours the others take at most on one quiet core."""
    made = total = 0
    seconds = 0.0
    for task, network in chosen:
        one = NETWORKS[network].compute / COMPUTE_A_SECOND + EVALUATION
        for with_curriculum in STRATEGIES:
            tried = choosing(task, network, with_curriculum)
            done = sum(known_row(key, rows) is not None for key in tried)
            cell = {"task": task, "network": network, "curriculum": with_curriculum}
            done += sum(row.items() >= cell.items() and row["seed"] in SEEDS for row in rows)
            made += done
            total += len(tried) + len(SEEDS)
            seconds += (len(tried) + len(SEEDS) - done) * one
    return (
        f"{made} of {total} runs are made; the others take {seconds / 3600:.1f} h of a core at most"
    )


def run_one(key: Row) -> Row:
    """One run in a store of its own, and its scores on lengths that it was not trained on."""
    made = experiment(
        key["task"],
        key["network"],
        with_curriculum=key["curriculum"],
        learning_rate=key["learning_rate"],
    )
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(
            made, key["seed"], store=store, mirror=False, threads=1, progress=False
        )
        scores = scores_of(Store(Path(store)).find(result.run_id), made, key["task"], key["seed"])
    return {
        "status": result.status,
        "reach": None if result.reach is None else result.reach.length,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "compute": result.compute,
        "score": round(sum(scores.values()) / len(scores), 4),
        "scores": {str(length): round(score, 4) for length, score in scores.items()},
    }


def scores_of(
    folder: RunFolder,
    made: Experiment,
    task: str,
    seed: int,
    lengths: Iterable[int] = LENGTHS,
) -> dict[int, float]:
    """The share of correct symbols, place by place, on each of the lengths."""
    problem = PROBLEMS[task]
    with learn.isolated(1):
        _, learner = runner.restore_run(folder, like=made)
        criterion = replace(made.criterion, metric="symbol_accuracy")
        evaluator = learn.Evaluator(made.task, criterion, seed, "certificate/beyond")
        return {
            length: evaluator.test_sample(learner, problem.stage(length), 0, problem.examples)[
                0
            ].value
            for length in lengths
        }


if __name__ == "__main__":
    main()
