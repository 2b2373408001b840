"""What a stage still costs a model that has mastered the one before: how far its skill carries over.

python benchmarks/relearning.py --seeds 0..2                          # all pairs
python benchmarks/relearning.py --seeds 0..2 --only reversal --json rows.jsonl

For each stage of a path: what the model of the stage before scores on it, untrained; how many steps and
how much compute it then takes to master it; and what a fresh model takes that is trained on this stage alone.
Where the two are equal nothing is carried over, and each stage on the way costs as much as it does alone.
Prints a line for each run. With `--json FILE` a run that the file has is not made again.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from recorded_rows import Row, rows_of

import curriculum
from curriculum import Backtracking, Experiment, Explicit, RunFailed, Stage
from curriculum.config import load_experiment, override
from curriculum.plan import FinalEvaluation, Gated, Verdict
from curriculum.record import History, Store
from curriculum.record.visit import Visit

CUT = "--growth.end.length 23 --growth.end.vocab-size 100"
SMALL = "--model.hidden-size 64 --training.batch-size 64"
HUMAN = "human_numbers_gru --training.schedule constant --training.eval-every 10"
PAIRS = {
    "reversal": (f"bert_reverse {CUT}", 4e12),
    "reversal, both axes together": (f"bert_reverse:together {CUT}", 4e12),
    "human numbers": (HUMAN, 1e12),
    "human numbers, moments reset": (f"{HUMAN} --training.optimizer-state reset", 1e12),
    "odds first": (f"lstm_odds_first {SMALL} --growth.end 10", 2e12),
    "bucket sort": (f"lstm_bucket_sort {SMALL} --growth.end 16", 2e12),
}
"""An experiment and its settings, and the compute that a run may cost at most."""

ALL = "path"
"""In place of a stage: the whole path, by a curriculum."""


def main() -> None:
    """Make the runs that are missing, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0..2")
    parser.add_argument("--only", nargs="+", metavar="PAIR", choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("..")
    keys = [
        {"pair": pair, "seed": seed, "trained": trained}
        for pair in options.only
        for seed in range(int(first), int(last or first) + 1)
        for trained in (ALL, *(stage.key for stage in of(pair).growth.path()))
    ]
    rows_of(keys, run_one, file=options.json, jobs=options.jobs)


def of(pair: str) -> Experiment:
    """A pair's experiment, with nothing that tries again, so that a cost is of one attempt."""
    (name, *settings), most = PAIRS[pair][0].split(), PAIRS[pair][1]
    experiment = override(load_experiment(name)[0], settings)
    return experiment.replace(
        pacing=Gated(),
        budget=replace(experiment.budget, compute=most, steps_per_stage=20_000),
        backtracking=Backtracking(retunes=0, half_steps=0, demotions=0, fresh_starts=0),
        final_evaluation=FinalEvaluation(mode="off"),
    )


def run_one(key: Row) -> Row:
    """A run along the path, or on one of its stages alone: its visits, one by one."""
    experiment = of(key["pair"])
    if key["trained"] != ALL:
        experiment = alone(experiment, Stage.from_key(key["trained"]))
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = curriculum.run(
                experiment, key["seed"], store=folder, mirror=False, progress=False, threads=1
            )
        except RunFailed as failure:
            return {"status": "failed", "ending": str(failure), "visits": []}
        history = History.of(Store(Path(folder)).find(result.run_id))
        visits = [of_visit(visit) for visit in history.visits]
        return {"status": result.status, "ending": result.ending, "visits": visits}


def alone(experiment: Experiment, stage: Stage) -> Experiment:
    """The same on one stage of its path, by the same criterion."""
    target = stage == experiment.growth.path()[-1]
    return experiment.replace(
        growth=Explicit(
            lengths=(stage.length,), vocab_sizes=(stage.vocab_size,), levels=(stage.level,)
        ),
        criterion=experiment.criterion.at(stage, target=target),
    )


def of_visit(visit: Visit) -> Row:
    """What the model scored when it came to a stage, and what it took it to master it."""
    entry = visit.evaluations[0]
    score = entry.screen or entry.full_test
    return {
        "stage": visit.stage.key,
        "entry_score": None if score is None else round(score.value, 4),
        "entry_loss": entry.metrics.get("loss"),
        "steps": visit.cost.steps,
        "compute": visit.cost.compute,
        "evaluations": len(visit.evaluations),
        "mastered": visit.verdict is Verdict.MASTERED,
    }


if __name__ == "__main__":
    main()
