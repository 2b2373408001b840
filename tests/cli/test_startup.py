"""Commands that need no heavy library start quickly, since they load none."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

HEAVY = {"torch", "mlflow", "optuna", "transformers", "matplotlib", "numpy", "scipy"}

PROGRAM = """
import json, sys
from curriculum.cli.main import main

def modules():
    return sorted({name.partition(".")[0] for name in sys.modules})

print()
for command in json.loads(sys.argv[1]):
    try:
        code = main(command)
    except SystemExit as stopped:
        code = stopped.code
    print("\\n=", json.dumps([code, modules()]))
"""


def test_commands_that_train_nothing_load_no_heavy_libraries(
    recorded: Path, tmp_path: Path
) -> None:
    """One process carries out all of them, one after another."""
    store = ["--store", str(tmp_path)]
    runs = [tmp_path / "runs" / name for name in ("1a2b3c4d", "5e6f7a8b")]
    for run in runs:
        shutil.copytree(recorded, run)
    commands = [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["compare", "--help"],
        ["runs", *store],
        ["runs", "--json", *store],
        ["rm", "1a2b", "--yes", *store],
        ["prune", "--all", "--yes", *store],
        ["list"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("= ")]
    loaded = [json.loads(line.removeprefix("= ")) for line in lines]
    assert len(loaded) == len(commands)
    for command, (code, modules) in zip(commands, loaded, strict=True):
        assert code == 0, command
        assert not HEAVY & set(modules), command
    assert not any(run.exists() for run in runs)
