"""How an LSTM that was trained on short inputs does on inputs far longer, and what testing it takes.

python benchmarks/far_lengths.py --lengths 10000 100000 1000000

Trains `lstm_firstbit`, and tests the final model on each length with `curriculum certify`, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from recorded_rows import Row, rows_of

import curriculum
from curriculum.record import History, Store


def run_one(key: Row) -> Row:
    """Train, and certify that length: what `certify` says, and the most memory that it takes, in MB."""
    with tempfile.TemporaryDirectory() as store:
        result = curriculum.run("lstm_firstbit", key["seed"], store=store, mirror=False, threads=1)
        visits = History.of(Store(Path(store)).find(result.run_id)).visits
        command = [sys.executable, "-m", "curriculum", "certify", result.run_id, "--json"]
        process = subprocess.Popen(
            [*command, "--length", str(key["length"]), "--store", store],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        printed = process.stdout.read()
        _, _, usage = os.wait4(process.pid, 0)
    [found] = json.loads(printed)["evaluations"]
    return {
        **{name: found[name] for name in ("score", "examples", "answer", "seconds")},
        "megabytes": round(usage.ru_maxrss / 1024),
        "trained": max(visit.stage.length for visit in visits if visit.cost.steps),
    }


def main() -> None:
    """Print a line for each length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="append a line for each length to this file")
    options = parser.parse_args()
    keys = ({"seed": options.seed, "length": length} for length in options.lengths)
    rows_of(keys, run_one, file=options.json)


if __name__ == "__main__":
    main()
