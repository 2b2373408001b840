"""Traces of strategies, each trained alone, that races between them are simulated from.

python benchmarks/portfolio.py --json traces.jsonl --seeds 0..2                   # all pairs, three arms
python benchmarks/portfolio.py --json traces.jsonl --seeds 0 --only parity_rnn    # one of them
python benchmarks/portfolio.py --json traces.jsonl --seeds 100..105 --further     # further strategies, too

A row is one run of a strategy with a seed: what it had cost at each evaluation, how far it was on its path,
and what a screen of the target said. Rows that the file has are not made again. A strategy is given so
much compute as another took to the target, times a factor: more is not spent on it in any race.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from portfolio_pairs import ARMS, FURTHER, PAIRS
from recorded_rows import Row, known_row, stored_rows

import curriculum
from curriculum import (
    Criterion,
    Experiment,
    LossBelow,
    Mastery,
    RunFailed,
    StopRequest,
    UsageError,
)
from curriculum.plan import FinalEvaluation, Stage
from curriculum.record import Record
from curriculum.record.events import (
    Evaluated,
    TargetEvaluated,
    TargetScreened,
    TrainingEnded,
    VisitEnded,
    VisitStarted,
)

MOST = 1e12
"""Of compute, where no other strategy got there: some 20 s of one core."""

TRIED_FIRST = ("gated", "direct", "combined")

FACTOR = 3.6
"""Times what the cheapest took."""


def main() -> None:
    """Make the rows that are missing, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, help="append a line for each run")
    parser.add_argument("--seeds", default="0..2")
    parser.add_argument("--only", nargs="+", metavar="PAIR", choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--further", action="store_true", help="further strategies, too")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("..")
    for seed in range(int(first), int(last or first) + 1):
        for name in options.only:
            make_rows(name, seed, options.json, further=options.further)


def make_rows(name: str, seed: int, file: Path, *, further: bool) -> None:
    """The rows of a pair and a seed: what was cheapest on other seeds comes first, and sets the cap."""
    known = stored_rows(file)
    pair, best = PAIRS[name], math.inf
    arms = arms_of(pair, ARMS)
    arms.sort(key=lambda arm: usual_cost(name, arm, known))
    for arm in [*arms, *(arms_of(pair, FURTHER[name]) if further else ())]:
        key = {"pair": name, "seed": seed, "arm": arm}
        row = known_row(key, known)
        if row is None:
            made = experiment(pair, arm, arms=len(arms), most=min(MOST, FACTOR * best))
            row = key | trace(made, seed)
            with file.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
            print(f"{name} {seed} {arm}: {described(row)}", flush=True)
        if row["reached"]:
            best = min(best, row["points"][-1]["compute"])


def arms_of(pair: Experiment, names: Sequence[str]) -> list[str]:
    """Those strategies that the task allows."""
    found = []
    for name in names:
        try:
            pair.with_strategy(name)
        except UsageError:
            continue
        found.append(name)
    return found


def usual_cost(name: str, arm: str, rows: Sequence[Row]) -> float:
    """What an arm took on the seeds that are known."""
    found = [row for row in rows if row["pair"] == name and row["arm"] == arm]
    costs = [row["points"][-1]["compute"] * (1 if row["reached"] else 10) for row in found]
    return sum(costs) / len(costs) if costs else TRIED_FIRST.index(arm)


def experiment(pair: Experiment, arm: str, *, arms: int, most: float) -> Experiment:
    """The pair under a strategy, within a budget, with its share of the error."""
    found = pair.with_strategy(arm)
    return found.replace(
        criterion=sharing(pair.criterion, arms),
        budget=replace(found.budget, compute=most),
        final_evaluation=FinalEvaluation(mode="on", beyond=1.0),
    )


def sharing(criterion: Criterion, arms: int) -> Criterion:
    """The same criterion with an equal share of its error."""
    assert isinstance(criterion, Mastery | LossBelow)
    return replace(criterion, confidence=1 - (1 - criterion.confidence) / arms)


def trace(made: Experiment, seed: int) -> Row:
    """What a run came to, evaluation by evaluation; it ends once the target is mastered."""
    points, stop, started = _Points(made), StopRequest(), perf_counter()

    def listen(record: Record) -> None:
        points.add(record)
        if points.reached:
            stop.request()

    with tempfile.TemporaryDirectory() as store:
        try:
            curriculum.run(
                made,
                seed,
                store=store,
                listener=listen,
                on_trained=lambda _: stop.request(),
                stop=stop,
                on_interrupt="return",
                mirror=False,
                progress=False,
                threads=1,
            )
        except RunFailed as failure:
            points.ending = str(failure)
    return {
        "reached": points.reached,
        "ending": points.ending,
        "path": len(made.growth.path()),
        "budget": made.budget.compute,
        "seconds": round(perf_counter() - started, 2),
        "points": points.points,
    }


class _Points:
    """The points of a trace, taken from the records of a run."""

    def __init__(self, made: Experiment) -> None:
        self.path: Sequence[Stage] = made.growth.path()
        self.points: list[dict[str, Any]] = []
        self.ending: str | None = None
        self.reason = ""
        self.stages = 0

    @property
    def reached(self) -> bool:
        """Whether the target is mastered."""
        return bool(self.points) and self.points[-1]["mastered"]

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        match record.event:
            case VisitStarted() as event:
                self.reason = event.reason.value
            case Evaluated() as event:
                self._evaluate(event, record.clock.seconds)
            case TargetScreened() as event:
                self.points[-1] |= {"target_score": event.score, "target_loss": event.loss}
            case TargetEvaluated() as event:
                self.points[-1]["mastered"] |= event.passed
                if self.points[-1]["target_score"] is None:  # where there is no screen
                    self.points[-1]["target_score"] = event.score
            case TrainingEnded() as event:
                self.ending = self.ending or event.ending
            case VisitEnded() as event if event.limit_reached:
                self.points[-1]["limit"] = event.limit_reached

    def _evaluate(self, event: Evaluated, seconds: float) -> None:
        place = self.path.index(event.stage) if event.stage in self.path else None
        if event.decision.passed and place is not None:
            self.stages = max(self.stages, place + 1)
        is_target = event.stage == self.path[-1]
        screen = event.screen or event.full_test
        score = None if screen is None else screen.value
        loss = event.metrics.get("loss")
        total = event.cost + event.discarded_cost
        self.points.append(
            {
                "compute": total.compute,
                "steps": total.steps,
                "seconds": round(seconds, 3),
                "stages": self.stages,
                "visit": event.visit,
                "reason": self.reason,
                "stage": place,
                "score": score,
                "loss": loss,
                "train_loss": event.train_loss,
                "target_score": score if is_target else None,
                "target_loss": loss if is_target else None,
                "mastered": is_target and event.decision.passed,
            }
        )


def described(row: Row) -> str:
    """A row in a line."""
    points = row["points"]
    last = points[-1]
    word = "reached" if row["reached"] else f"stopped at {last['stages']} of {row['path']}"
    return (
        f"{word}, compute {last['compute']:.3g}, {len(points)} evaluations, {last['steps']} steps, "
        f"{row['seconds']:.1f} s, target {last['target_score']}"
    )


if __name__ == "__main__":
    main()
