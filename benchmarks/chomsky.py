"""Scores on lengths 41 to 500 of networks trained on lengths to 40, with a curriculum and without.

python benchmarks/chomsky.py --dry-run           # how many runs, and about how many hours
python benchmarks/chomsky.py --json rows.json    # five tasks
python benchmarks/chomsky.py --json rows.json --all --jobs 2    # all fifteen tasks, each by all networks
python benchmarks/chomsky.py --json rows.json --only parity reverse --networks stack_rnn
python -m curriculum sweeps    # from another terminal: how far it is

Each network's runs are a sweep, and those that its learning rate is chosen by another one before it. Stop
it at any time: the same command goes on, and leaves out the runs that the file has. For each task, network
and way of training a learning rate is chosen on seed 0, by the score, where there are several; the table
is of seeds 1 to 3, or 4 to 6 where settings were changed after runs on those.
Tasks, networks and budgets are in benchmarks/chomsky_plan.py.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import chomsky_plan
from chomsky_plan import LENGTHS, NETWORKS, PROBLEMS, Cell, cells, experiment
from recorded_rows import Row, known_row, rows_of, stored_rows

import curriculum
from curriculum import Experiment

COMPUTE_A_SECOND = 7e10
"""Of one core of a server with AVX-512; see docs/compute.md."""

EXAMPLES = {"bit": 512, "symbol": 512, "symbols": 64}
"""Of each length that is evaluated: in an output of several symbols, each of them counts."""

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
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="of the runs")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is to be done, and its hours"
    )
    options = parser.parse_args()
    chosen = [
        cell
        for cell in cells(every=options.all or options.only is not None)
        if cell.task in (options.only or PROBLEMS)
        and cell.network in (options.networks or NETWORKS)
    ]
    print(estimate(chosen, known(options.json)), flush=True)
    if options.dry_run:
        return
    first = set(cells(every=False))
    groups = defaultdict[tuple[bool, str], list[Cell]](list)
    for cell in chosen:
        groups[cell not in first, cell.network].append(cell)
    for group in groups.values():
        make(group, file=options.json, store=options.store, jobs=options.jobs)
        print(estimate(chosen, known(options.json)), flush=True)


def known(file: Path | None) -> list[Row]:
    """The runs that are made."""
    return [] if file is None else stored_rows(file)


def make(group: Sequence[Cell], *, file: Path | None, store: Path, jobs: int) -> list[Row]:
    """The runs of some cells: on one seed at each rate, then at the best one on the others."""
    tried = swept([key for cell in group for key in cell.choosing()], file, store, jobs)
    shown = list[Row]()
    for cell in group:
        rate, *others = NETWORKS[cell.network].rates
        if others:
            rate = best_rate([row for row in tried if cell_of(row) == cell])
        shown += cell.shown(rate)
    return swept(shown, file, store, jobs)


def swept(keys: Sequence[Row], file: Path | None, store: Path, jobs: int) -> list[Row]:
    """A row for each key; runs that have none yet are made by a sweep, and then scored."""
    rows = known(file)
    missing = defaultdict[tuple[int, ...], list[Experiment]](list)
    for made, seeds in seeds_of(key for key in keys if known_row(key, rows) is None):
        missing[seeds].append(made)
    for seeds, experiments in missing.items():
        curriculum.sweep(
            experiments,
            seeds=seeds,
            store=store,
            source=chomsky_plan.__file__,
            mirror=False,
            jobs=jobs,
            threads=1,
            progress=True,
        )
    return rows_of(keys, partial(scored, store=store), file=file, jobs=jobs)


def seeds_of(keys: Iterable[Row]) -> list[tuple[Experiment, tuple[int, ...]]]:
    """The experiments of some keys, each with its seeds."""
    found = defaultdict[tuple[Cell, float], list[int]](list)
    for key in keys:
        found[cell_of(key), key["learning_rate"]].append(key["seed"])
    return [(experiment(cell, rate), tuple(seeds)) for (cell, rate), seeds in found.items()]


def cell_of(key: Row) -> Cell:
    """What a run is of."""
    return Cell(task=key["task"], network=key["network"], curriculum=key["curriculum"])


def best_rate(tried: Sequence[Row]) -> float:
    """The learning rate of the highest score; of several, the one that came to it at less cost."""
    best = max(tried, key=lambda row: (row["score"], -row["compute"]))
    rate: float = best["learning_rate"]
    return rate


def estimate(chosen: Iterable[Cell], rows: Sequence[Row]) -> str:
    """How many runs are made, and how many hours the others take at most on one quiet core."""
    made = total = 0
    seconds = 0.0
    for cell in chosen:
        tried = cell.choosing()
        done = sum(known_row(key, rows) is not None for key in tried) + len(cell.of(rows))
        left = len(tried) + len(cell.seeds) - done
        made, total = made + done, total + done + left
        seconds += left * (NETWORKS[cell.network].compute / COMPUTE_A_SECOND + EVALUATION)
    return (
        f"{made} of {total} runs are made; the others take {seconds / 3600:.1f} h of a core at most"
    )


def scored(key: Row, store: Path) -> Row:
    """What a run of the store came to, and its scores on lengths that it was not trained on."""
    made = experiment(cell_of(key), key["learning_rate"])
    result = curriculum.run(
        made,
        key["seed"],
        resume=True,
        store=store,
        source=Path(chomsky_plan.__file__),
        mirror=False,
        threads=1,
        progress=False,
    )
    scores = scores_of(result.run_id, store, made)
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
    run_id: str, store: Path, made: Experiment, lengths: Iterable[int] = LENGTHS
) -> dict[int, float]:
    """The share of correct symbols of a run's final model, place by place, on each of the lengths."""
    found = curriculum.certify(
        run_id,
        lengths,
        metric="symbol_accuracy",
        examples=EXAMPLES[made.task.output],
        store=store,
        experiment=made,
        threads=1,
        progress=False,
    )
    return {each.stage.length: each.score for each in found.evaluations}


if __name__ == "__main__":
    main()
