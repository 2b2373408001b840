"""What racing saves, and what Optuna costs.

python benchmarks/tuning.py

Over a fixed list of 16 settings, on three stages of first bit with an LSTM, evaluated every 10
steps, and for a few seeds, the race is compared with running each of them by itself, to mastery or to
twice what the carried settings cost. Both start from the same parent, the carried settings' learner of
the stage before, and should select the same trial.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

import torch

from curriculum import Experiment, Explicit, Stage, Training
from curriculum.config import Settings, load_experiment, search_space_of, widest_size
from curriculum.learn import HIDDEN_SIZE, LEARNING_RATE, Learner, Snapshot, configure_threads
from curriculum.record import CompletedTrial, TrialReport
from curriculum.tune import InProcessExecutor, RunSetup
from curriculum.tune.race import ROUND, race
from curriculum.tune.study import propose

STAGES = (Stage(2), Stage(4), Stage(8))
RATES = (2e-2, 7e-3, 6e-2, 2e-3)
WIDTHS = (20, 28, 40, 80)
CARRIED = 0
CPU = torch.device("cpu")


def settings() -> dict[int, Settings]:
    """The 16 settings; number 0 are those that the experiment ships with."""
    pairs = [(rate, width) for width in WIDTHS for rate in RATES]
    return {
        number: {LEARNING_RATE: rate, HIDDEN_SIZE: width}
        for number, (rate, width) in enumerate(pairs)
    }


class Bench:
    """One stage with one seed."""

    def __init__(
        self, experiment: Experiment, stage: Stage, parent: Snapshot | None, seed: int
    ) -> None:
        self.experiment = experiment.replace(growth=Explicit(lengths=(stage.length,)))
        self.parent = parent or self._fresh(seed)
        self.seed = seed

    def _fresh(self, seed: int) -> Snapshot:
        one = self.experiment
        return Learner.start(one.shape, one.recipe, seed=seed, device=CPU).snapshot()

    def child(self) -> Snapshot:
        """What the carried settings make of the parent."""
        executor = self.start({CARRIED: settings()[CARRIED]})
        while not executor.advance(CARRIED).mastered:
            pass
        return executor.learner(CARRIED).snapshot()

    def start(self, trials: dict[int, Settings]) -> InProcessExecutor:
        """These trials at their start."""
        setup = RunSetup(experiment=self.experiment, seed=self.seed, device=CPU)
        executor = InProcessExecutor(setup)
        executor.start_round(trials, self.parent, self.experiment.scheduler())
        return executor

    def alone(self, number: int, most: float = float("inf")) -> TrialReport:
        """A setting run by itself, to mastery, to the stage's budget, or to so much compute."""
        executor = self.start({number: settings()[number]})
        while True:
            report = executor.advance(number)
            if report.mastered or report.ending is not None or report.cost.compute >= most:
                return report

    def raced(self, trials: dict[int, Settings]) -> tuple[int | None, float]:
        """The race's winner and cost."""
        executor = self.start(trials)
        last = {report.trial: report for report in race(trials, executor.advance)}
        winner = next((report.trial for report in last.values() if report.mastered), None)
        return winner, sum(report.cost.compute for report in last.values())


def compare(bench: Bench) -> tuple[float, float, float, int | None, int | None]:
    """Compute of each alone, of the race, and of rounds of four; the winners of the first two."""
    carried = bench.alone(CARRIED)
    reports = [carried] + [
        bench.alone(number, 2 * carried.cost.compute) for number in settings() if number
    ]
    total = sum(report.cost.compute for report in reports)
    best = min(
        (report for report in reports if report.mastered),
        key=lambda report: (report.cost.compute, report.trial),
        default=None,
    )
    winner, cost = bench.raced(settings())
    rounds = 0.0
    for begin in range(0, len(settings()), ROUND):
        trials = {number: settings()[number] for number in range(begin, begin + ROUND)}
        found, cost_of_round = bench.raced(trials)
        rounds += cost_of_round
        if found is not None:
            break
    return total, cost, rounds, None if best is None else best.trial, winner


def milliseconds_of_optuna(shipped: Experiment) -> Iterator[float]:
    """What it costs to have Optuna propose a trial of a search of 16, round by round."""
    space = search_space_of(
        shipped.tuning, shipped.recipe, widest_size(shipped.tuning, shipped.model)
    )
    completed: list[CompletedTrial] = []
    while len(completed) < 16:
        started = time.perf_counter()
        proposed = propose(space, completed, ROUND, sampler="tpe", seed=len(completed))
        yield (time.perf_counter() - started) / ROUND * 1000
        for tried in proposed:
            completed.append(
                CompletedTrial(
                    number=len(completed),
                    settings=tried,
                    score=len(completed) / 16,
                    compute=1.0,
                    outcome="stopped",
                )
            )


def main() -> None:
    """Print ratios of compute, whether the winners agree, and Optuna's overhead."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    options = parser.parse_args()
    configure_threads(1)
    shipped, _ = load_experiment("lstm_firstbit")
    experiment = shipped.replace(training=Training(eval_every=10))
    parents: dict[int, Snapshot | None] = dict.fromkeys(range(*options.seeds))
    costs: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    for stage in STAGES:
        benches = [Bench(experiment, stage, parent, seed) for seed, parent in parents.items()]
        found = [compare(bench) for bench in benches]
        parents = {bench.seed: bench.child() for bench in benches}
        alone, raced, rounds, theirs, ours = zip(*found, strict=True)
        races = [cost / total for cost, total in zip(raced, alone, strict=True)]
        agree = sum(one == other for one, other in zip(ours, theirs, strict=True))
        print(
            f"{stage}: the race takes {statistics.median(races):.2f} of the compute (from "
            f"{min(races):.2f} to {max(races):.2f}), with the same winner on {agree} of "
            f"{len(found)} seeds ({', '.join(map(str, ours))}); all seeds together "
            f"{sum(raced) / sum(alone):.2f}, in rounds of four {sum(rounds) / sum(alone):.2f}",
            flush=True,
        )
        costs.append((alone, raced))
    by_seed = [
        sum(raced[place] for _, raced in costs) / sum(alone[place] for alone, _ in costs)
        for place in range(len(parents))
    ]
    print(
        f"three stages together: {statistics.median(by_seed):.2f} (from {min(by_seed):.2f} to "
        f"{max(by_seed):.2f})"
    )
    times = [cost for _ in range(5) for cost in milliseconds_of_optuna(shipped)]
    print(f"Optuna: {statistics.median(times):.1f} ms a trial, at most {max(times):.1f} ms")


if __name__ == "__main__":
    main()
