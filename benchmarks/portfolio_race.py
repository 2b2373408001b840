"""Races a portfolio offline, over traces of its arms, by the rule that is used and by others.

python benchmarks/portfolio_race.py traces.jsonl --seeds 100..105

Arms do not depend on one another, so a race costs what it makes each of them cost. A ratio is that over what
the cheapest arm took alone; the mean over seeds is geometric. A trace that was cut off goes on as it ended.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

from portfolio_pairs import ARMS, PAIRS
from portfolio_policies import POLICIES, SuccessiveHalving
from recorded_rows import Row, stored_rows
from run_tables import table

from curriculum import LossBelow, Mastery
from curriculum.plan import ArmReport, Race

MOST = 14.0
"""Times the cheapest arm: a race that has cost so much is given up, and counts as that."""


@dataclass(frozen=True)
class Case:
    """The arms of a pair with one seed.

    Attributes:
        pair: its name.
        names: of the arms, in order.
        rows: of each its trace.
    """

    pair: str
    names: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def best(self) -> int:
        """The arm that took least to the target."""
        return min(range(len(self.rows)), key=self.alone)

    def alone(self, arm: int) -> float:
        """What an arm took alone; infinite where it did not get there."""
        row = self.rows[arm]
        cost: float = row["points"][-1]["compute"] if row["reached"] else math.inf
        return cost

    def relative(self, arm: int) -> float:
        """The same, in times of the best."""
        return self.alone(arm) / self.alone(self.best)

    @property
    def evaluations(self) -> int:
        """How many the best arm took."""
        return len(self.rows[self.best]["points"])

    def report(self, arm: int, number: int) -> ArmReport:
        """What an arm reports at an evaluation; the last goes on where it was cut off by its cap."""
        row = self.rows[arm]
        points = row["points"]
        point = points[min(number, len(points) - 1)]
        beyond = max(0, number - len(points) + 1)
        interval = points[-1]["compute"] / len(points)
        over = number >= len(points) - 1 and not row["reached"] and "compute" not in row["ending"]
        return ArmReport(
            compute=point["compute"] + beyond * interval,
            mastered=point["mastered"],
            ending=row["ending"] if over else None,
            stages=point["stages"],
            score=point["score"],
            target_score=point["target_score"],
            target_loss=point["target_loss"],
        )


def raced(case: Case, policy: type[Race]) -> list[float]:
    """What a race made each arm cost, in times of the best alone."""
    best, last = case.alone(case.best), PAIRS[case.pair].growth.path()[-1]
    criterion = PAIRS[case.pair].criterion.at(last, target=True)
    assert isinstance(criterion, Mastery | LossBelow)
    if issubclass(policy, SuccessiveHalving):
        policy = type(policy.__name__, (policy,), {"path_length": case.rows[0]["path"]})
    race = policy(
        [next(p["compute"] for p in row["points"] if p["steps"]) for row in case.rows],
        waits=[name != "direct" for name in case.names],
        stages=case.rows[0]["path"],
        threshold=criterion.threshold,
    )
    given = [0] * len(case.rows)
    while race.next is not None and race.compute < MOST * best:
        arm = race.next
        given[arm] += 1
        race.observe(arm, case.report(arm, given[arm] - 1))
    return [race.compute_of(arm) / best for arm in range(len(case.rows))]


def cases(rows: Iterable[Row], seeds: Sequence[int]) -> list[Case]:
    """Those in which an arm got there, pair by pair."""
    found = dict[tuple[str, int], dict[str, Row]]()
    for row in rows:
        if row["seed"] in seeds and row["arm"] in ARMS:
            found.setdefault((row["pair"], row["seed"]), {})[row["arm"]] = row
    made = []
    for (pair, _), arms in sorted(found.items()):
        names = tuple(name for name in ARMS if name in arms)
        made.append(Case(pair, names, tuple(arms[name] for name in names)))
    return [case for case in made if case.alone(case.best) < math.inf]


def pairs_table(found: Sequence[Case], policies: Sequence[str]) -> str:
    """A line for each pair: what races cost, and what each arm took alone, in times of the best."""
    ratios = {
        name: {
            pair: geometric_mean(sum(raced(case, POLICIES[name])) for case in group)
            for pair, group in grouped(found)
        }
        for name in policies
    }
    lines = [
        [
            f"`{pair}`",
            f"{min(case.evaluations for case in group)}",
            *(f"{ratios[name][pair]:.2f}" for name in policies),
            *(alone(group, arm) for arm in ARMS),
        ]
        for pair, group in grouped(found)
    ]
    for word, of in (("geometric mean", geometric_mean), ("worst", max)):
        figures = [f"**{of([*ratios[name].values()]):.2f}**" for name in policies]
        lines.append([word, "", *figures, *("" for _ in ARMS)])
    heads = (f"`{arm}` alone" for arm in ARMS)
    return table(("pair", "evaluations", *policies, *heads), iter(lines))


def alone(group: Sequence[Case], arm: str) -> str:
    """What an arm took with each seed, in times of the best; – where it did not get there."""
    costs = [case.relative(case.names.index(arm)) for case in group if arm in case.names]
    return " ".join("–" if math.isinf(cost) else f"{cost:.1f}" for cost in costs)


def pair_rows(found: Sequence[Case], policies: Sequence[str], traces: Sequence[Row]) -> list[Row]:
    """A row for each pair: what races cost by each rule, and what each strategy took alone.

    Costs are in times of the cheapest arm with the same seed, a list over seeds; None where a
    strategy did not get there within what was given to it.
    """
    made = []
    for pair, group in grouped(found):
        others = dict[str, list[float | None]]()
        for row in traces:
            case = next((c for c in group if c.rows[0]["seed"] == row["seed"]), None)
            if row["pair"] == pair and case is not None:
                cost = row["points"][-1]["compute"] / case.alone(case.best)
                others.setdefault(row["arm"], []).append(round(cost, 4) if row["reached"] else None)
        made.append(
            {
                "pair": pair,
                "seeds": [case.rows[0]["seed"] for case in group],
                "evaluations": [case.evaluations for case in group],
                "seconds": [round(case.rows[case.best]["seconds"], 1) for case in group],
                "races": {
                    name: [round(sum(raced(case, POLICIES[name])), 4) for case in group]
                    for name in policies
                },
                "alone": others,
            }
        )
    return made


def grouped(found: Sequence[Case]) -> list[tuple[str, list[Case]]]:
    """The cases of each pair."""
    names = dict.fromkeys(case.pair for case in found)
    return [(name, [case for case in found if case.pair == name]) for name in names]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="of traces, as portfolio.py writes them")
    parser.add_argument("--seeds", default="100..105")
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES))
    parser.add_argument("--json", type=Path, help="write a line for each pair to this file")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("..")
    seeds = range(int(first), int(last or first) + 1)
    traces = stored_rows(options.file)
    found = cases(traces, seeds)
    print(pairs_table(found, options.policies))
    if options.json is not None:
        lines = map(json.dumps, pair_rows(found, options.policies, traces))
        options.json.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
