"""What a race of arms takes besides training them: reading, recording and switching between arms.

python benchmarks/racing_overhead.py
python benchmarks/racing_overhead.py --pairs bert_reverse --seeds 0..2
"""

from __future__ import annotations

import argparse
import shlex
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Self
from unittest.mock import patch

from recorded_rows import Row, rows_of

import curriculum
from curriculum.config import load_experiment, override
from curriculum.record import History, Store
from curriculum.runner.arm_evaluations import ArmEvaluations
from curriculum.runner.arm_run import ArmRun
from curriculum.runner.portfolio_race import PortfolioRace

PAIRS = {
    "lstm_firstbit": "--tuning.mode off --growth.end 300 --training.eval-every 10",
    "bert_reverse": "--tuning.mode off --growth.end.length 12 --growth.end.vocab-size 20 --training.eval-every 10",
    "gru_subsequence": "--tuning.mode off --growth.end 6 --training.eval-every 20",
}
"""Experiments, and how they are cut to some ten seconds; all arms are trained alike, so that all switch often."""


def main() -> None:
    """A row for each pair and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    keys = ({"pair": pair, "seed": seed} for pair in options.pairs for seed in options.seeds)
    rows_of(keys, measured, file=options.json)


def measured(key: Row) -> Row:
    """The seconds of a race from its first arm's start to its winner, and what its arms took of them alone."""
    experiment, _ = load_experiment(key["pair"])
    words = [*shlex.split(PAIRS[key["pair"]]), "--strategy", "auto", "--pacing.least-share", "1"]
    made = override(experiment, words)
    with _Clock() as clock, tempfile.TemporaryDirectory() as root:
        curriculum.run(made, key["seed"], store=root, mirror=False, progress=False, threads=1)
        history = History.of(Store(Path(root)).find("last"))
    return {
        "arms": len(history.arms.last),
        "evaluations": len(history.arms.evaluations),
        "seconds": round(clock.race, 3),
        "overhead": round(1 - clock.arms / clock.race, 4),
    }


class _Clock:
    """Adds up what races take, and what is done in them that an arm alone would do as well.

    That is the making of its learner, and the core loop; what listens to its records is not of it.
    """

    def __init__(self) -> None:
        self.race = self.arms = 0.0

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        for kind, name, attribute, sign in (
            (PortfolioRace, "run", "race", 1),
            (ArmRun, "_open", "arms", 1),
            (ArmRun, "_train", "arms", 1),
            (ArmEvaluations, "__call__", "arms", -1),
        ):
            timed = self._timed(getattr(kind, name), attribute, sign)
            self._stack.enter_context(patch.object(kind, name, timed))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _timed(self, call: Callable[..., Any], attribute: str, sign: int) -> Callable[..., Any]:
        def timed(*arguments: Any, **more: Any) -> Any:
            started = perf_counter()
            try:
                return call(*arguments, **more)
            finally:
                took = perf_counter() - started
                setattr(self, attribute, getattr(self, attribute) + sign * took)

        return timed


if __name__ == "__main__":
    main()
