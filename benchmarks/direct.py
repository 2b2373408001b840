"""Does the curriculum help? Each experiment beside training on its last stage from the start.

python benchmarks/direct.py bert_reverse human_numbers_gru --seeds 0 3

`NAME:direct` gets the compute that the curriculum took, evaluations included; where a schedule needs a
horizon, as many steps as it took on batches of the same size.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import curriculum
from curriculum import Budget, Experiment, Result
from curriculum.config import load_experiment
from curriculum.learn import configure_threads, default_threads
from curriculum.record import History, Store


def main() -> None:
    """Print, seed by seed, how both end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 3], metavar=("FROM", "BELOW"))
    parser.add_argument("--threads", type=int, help="default: by the model's size")
    options = parser.parse_args()
    for name in options.experiments:
        experiment, _ = load_experiment(name)
        configure_threads(options.threads or default_threads(experiment.model.hidden_size))
        for seed in range(*options.seeds):
            found = run_and_print(name, experiment, seed)
            direct, _ = load_experiment(f"{name}:direct")
            run_and_print(f"{name}:direct", at_equal_cost(direct, found), seed)


def at_equal_cost(direct: Experiment, found: Result) -> Experiment:
    """Direct training with what the curriculum took, to its end."""
    if direct.training.schedule == "constant":
        return direct.replace(budget=Budget(compute=found.compute))
    last = replace(direct.criterion, min_steps=found.steps)
    return direct.replace(budget=Budget(steps=found.steps), criterion=last)


def run_and_print(name: str, experiment: Experiment, seed: int) -> Result:
    """Run, and print how it ended and what it cost."""
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run(experiment, seed, store=store, mirror=False)
        history = History.of(Store(Path(store)).find(result.run_id))
    last = [evaluation for visit in history.visits for evaluation in visit.evaluations][-1]
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in last.metrics.items())
    print(
        f"{name} seed {seed}: {result.status}, reach {result.reach}; on {last.stage} "
        f"{last.decision.metric} {last.decision.score or 0.0:.3f} ({metrics}); "
        f"{result.steps:,} steps, {result.tokens:,} tokens, compute {result.compute:.3g}, "
        f"{result.seconds:.0f} s",
        flush=True,
    )
    for stage in result.stages:
        print(
            f"    {stage.length}x{stage.vocab_size} {stage.verdict}: {stage.steps} steps, "
            f"{stage.trials} trials, {stage.seconds:.0f} s"
        )
    return result


if __name__ == "__main__":
    main()
