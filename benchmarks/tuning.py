"""What racing saves, and what Optuna costs.

python benchmarks/tuning.py

Over a fixed list of 16 settings, on three stages of first bit with an LSTM, looked at every 10
steps, and for a few seeds, the race is set against running each of them by itself, to mastery or
to twice what the carried settings cost. Both start from the same parent, the carried settings'
learner of the stage before, and shall name the same winner.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

import torch

from curriculum import Experiment, Explicit, Stage, Training
from curriculum.catalogue import load_experiment
from curriculum.learn.learner import Learner, Snapshot
from curriculum.learn.process import configure
from curriculum.learn.recipe import HIDDEN_SIZE, LEARNING_RATE
from curriculum.plan import Scheduler
from curriculum.tune.field import Here
from curriculum.tune.race import ROUND, Advance, race
from curriculum.tune.space import Settings, space_of, widest_of
from curriculum.tune.study import ask
from curriculum.tune.told import Told

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
        self.experiment = experiment.but(growth=Explicit(lengths=(stage.length,)))
        self.parent = parent or self._fresh(seed)
        self.seed = seed

    def _fresh(self, seed: int) -> Snapshot:
        one = self.experiment
        return Learner.start(one.shape, one.recipe, seed=seed, device=CPU).snapshot()

    def child(self) -> Snapshot:
        """What the carried settings make of the parent."""
        field = self.enter({CARRIED: settings()[CARRIED]})
        while not field.advance(CARRIED).mastered:
            pass
        return field.learner(CARRIED).snapshot()

    def enter(self, entrants: dict[int, Settings]) -> Here:
        """These trials at their start."""
        field = Here(self.experiment, seed=self.seed, device=CPU)
        scheduler: Scheduler = self.experiment.scheduler()
        field.enter(entrants, self.parent, scheduler)
        return field

    def alone(self, number: int, most: float = float("inf")) -> Advance:
        """A setting run by itself, to mastery, to the stage's budget, or to so much compute."""
        field = self.enter({number: settings()[number]})
        while True:
            look = field.advance(number)
            if look.mastered or look.over is not None or look.spent.compute >= most:
                return look

    def raced(self, entrants: dict[int, Settings]) -> tuple[int | None, float]:
        """The race's winner and cost."""
        field = self.enter(entrants)
        last = {look.trial: look for look in race(entrants, field.advance)}
        winner = next((look.trial for look in last.values() if look.mastered), None)
        return winner, sum(look.spent.compute for look in last.values())


def compare(bench: Bench) -> tuple[float, float, float, int | None, int | None]:
    """Compute of each alone, of the race, and of rounds of four; the winners of the first two."""
    carried = bench.alone(CARRIED)
    looks = [carried] + [
        bench.alone(number, 2 * carried.spent.compute) for number in settings() if number
    ]
    total = sum(look.spent.compute for look in looks)
    best = min(
        (look for look in looks if look.mastered),
        key=lambda look: (look.spent.compute, look.trial),
        default=None,
    )
    winner, cost = bench.raced(settings())
    rounds = 0.0
    for begin in range(0, len(settings()), ROUND):
        entrants = {number: settings()[number] for number in range(begin, begin + ROUND)}
        found, spent = bench.raced(entrants)
        rounds += spent
        if found is not None:
            break
    return total, cost, rounds, None if best is None else best.trial, winner


def milliseconds_of_optuna(shipped: Experiment) -> Iterator[float]:
    """What a trial of a search of 16 costs to ask, round by round."""
    space = space_of(shipped.tuning, shipped.recipe, widest_of(shipped.tuning, shipped.model))
    told: list[Told] = []
    while len(told) < 16:
        started = time.perf_counter()
        asked = ask(space, told, ROUND, sampler="tpe", seed=len(told))
        yield (time.perf_counter() - started) / ROUND * 1000
        for tried in asked:
            told.append(
                Told(
                    number=len(told),
                    settings=tried,
                    score=len(told) / 16,
                    compute=1.0,
                    outcome="cut",
                )
            )


def main() -> None:
    """Print ratios of compute, whether the winners agree, and Optuna's overhead."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 5], metavar=("FROM", "BELOW"))
    options = parser.parse_args()
    configure(1)
    shipped, _ = load_experiment("lstm_firstbit")
    looked = shipped.but(training=Training(look_every=10))
    parents: dict[int, Snapshot | None] = dict.fromkeys(range(*options.seeds))
    costs: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    for stage in STAGES:
        benches = [Bench(looked, stage, parent, seed) for seed, parent in parents.items()]
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
