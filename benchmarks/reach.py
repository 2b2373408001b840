"""How far the shipped experiments get, seed by seed.

python benchmarks/reach.py lstm_firstbit gru_firstbit rnn_firstbit --seeds 0 10
"""

from __future__ import annotations

import argparse
import statistics
import tempfile

import curriculum
from curriculum.config import load_experiment
from curriculum.learn import configure_threads, default_threads


def main() -> None:
    """Print, for each experiment, how many seeds reach the target and at what cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--seeds", type=int, nargs=2, default=[0, 10], metavar=("FROM", "BELOW"))
    options = parser.parse_args()
    for name in options.experiments:
        experiment, _ = load_experiment(name)
        configure_threads(default_threads(experiment.model.hidden_size))
        results = []
        for seed in range(*options.seeds):
            with tempfile.TemporaryDirectory() as store:
                results.append(curriculum.run(experiment, seed, store=store, mirror=False))
        reached = [result for result in results if result.status == "reached"]
        short = {
            result.seed: result.reach and result.reach.length
            for result in results
            if result.status != "reached"
        }
        print(
            f"{name}: {len(reached)} of {len(results)} seeds reach the target; medians "
            f"{statistics.median(result.seconds for result in results):.1f} s, "
            f"{statistics.median(result.steps for result in results):,.0f} steps, "
            f"{statistics.median(result.tokens for result in results):,.0f} tokens"
            + (f"; short of it (seed: length) {short}" if short else ""),
            flush=True,
        )


if __name__ == "__main__":
    main()
