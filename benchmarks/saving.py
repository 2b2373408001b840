"""How much of a run's time the journal and checkpoints take.

    python benchmarks/saving.py bert_reverse --seconds 120

Prints the seconds that went into each, and their part of the whole.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import curriculum
from curriculum.config import load_experiment
from curriculum.record import Recorder

SECONDS: dict[str, float] = defaultdict(float)
CALLS: dict[str, int] = defaultdict(int)


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its time added up."""

    def call(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            SECONDS[name] += time.perf_counter() - began
            CALLS[name] += 1

    return call


def main() -> None:
    """Run an experiment, and print what its record took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("experiment", nargs="?", default="bert_reverse")
    parser.add_argument("--seconds", type=float, help="stop after these; default: run to the end")
    options = parser.parse_args()
    experiment, _ = load_experiment(options.experiment)
    if options.seconds is not None:
        budget = type(experiment.budget)(
            steps_per_stage=experiment.budget.steps_per_stage, seconds=options.seconds
        )
        experiment = experiment.replace(budget=budget)
    for name in ("visit_started", "write", "visit_ended", "save_within_visit", "run_ended"):
        setattr(Recorder, name, timed(name, getattr(Recorder, name)))
    result = curriculum.run(experiment, store=tempfile.mkdtemp(), mirror=False)
    print(f"{result.status}, {result.reach}, {result.seconds:.1f} s")
    for name, seconds in SECONDS.items():
        print(f"{name:<18} {CALLS[name]:>6} calls {seconds:8.3f} s")
    print(f"in all {sum(SECONDS.values()) / result.seconds:.2%} of the run's time")


if __name__ == "__main__":
    main()
