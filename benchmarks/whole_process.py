"""The main job beside a bare script of the same training, as whole processes.

Runs `bare_firstbit.py` and `python -m curriculum run lstm_firstbit` in turn, checks that both
end in the same weights, and prints the ratio of their times pair by pair, and how long
after its end MLflow has all of a run. The first run of a store makes its database. Neither evaluates the
final model again.

    python benchmarks/whole_process.py
    python benchmarks/whole_process.py --new-store
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from curriculum.cli.sync import destinations
from curriculum.record import Store
from curriculum.tracking import is_synced, local_tracking_uri

ROOT = Path(__file__).resolve().parents[1]


def timed(*arguments: str) -> tuple[float, str]:
    """Seconds that a Python process takes, and what it printed."""
    started = time.perf_counter()
    result = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - started, result.stdout


def seconds_until_mirrored(root: Path, run_id: str) -> float:
    """How long it takes from now until MLflow has all of the run."""
    started = time.perf_counter()
    store = Store(root)
    while not is_synced(store, store.find(run_id), destinations(store, local_tracking_uri(store))):
        time.sleep(0.05)
        if time.perf_counter() - started > 120:
            raise TimeoutError("the mirror takes more than two minutes")
    return time.perf_counter() - started


def pair(root: Path, seed: int) -> tuple[float, float, float]:
    """Seconds of the bare script, of ours, and from our end until MLflow is complete."""
    bare, printed = timed("benchmarks/bare_firstbit.py", "--seed", str(seed))
    command = ["run", "lstm_firstbit", "--tuning.mode", "off", "--final-evaluation.mode", "off"]
    command += ["--seed", str(seed), "--store", str(root), "--json"]
    ours, output = timed("-m", "curriculum", *command)
    result = json.loads(output)
    assert result["weights_sha256"] in printed, "not the same training"
    return bare, ours, seconds_until_mirrored(root, result["run_id"])


def main() -> None:
    """Print medians over a few pairs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--new-store", action="store_true", help="a new store for each pair")
    parser.add_argument("--json", type=Path, help="write the seconds of all pairs to this file")
    options = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        pair(Path(folder) / "first", options.seed)  # warms the disk's cache
        for number in range(options.pairs):
            name = f"store{number}" if options.new_store else "first"
            found.append(pair(Path(folder) / name, options.seed))
    bare, ours, mirrored = zip(*found, strict=True)
    ratio = [b / a for a, b in zip(bare, ours, strict=True)]
    print(f"bare script {statistics.median(bare):.2f} s, ours {statistics.median(ours):.2f} s")
    print(f"ratio {statistics.median(ratio):.2f}, from {min(ratio):.2f} to {max(ratio):.2f}")
    print(
        f"MLflow complete {statistics.median(mirrored):.1f} s later, at most {max(mirrored):.1f} s"
    )
    if options.json is not None:
        row = {"bare": bare, "ours": ours, "mirrored": mirrored}
        options.json.write_text(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
