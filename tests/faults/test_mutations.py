"""Whatever a file of a store becomes: a sentence, no traceback, nothing lost outside, no other weights."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    StoppedRun,
)

HERE = Path(__file__).parent
CODES = {0, 1, 2, 3}


@pytest.fixture(scope="module")
def template(
    stopped_run: StoppedRun,
    new_database: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> StoppedRun:
    """The stopped run, in a store that has a database of MLflow's already."""
    found = stopped_run.copied(tmp_path_factory.mktemp("template") / "store")
    new_database(found.root)
    return found


def outcomes(template: StoppedRun, seeds: Sequence[int], folder: Path) -> Iterator[dict[str, Any]]:
    """What came of each mutation."""
    command = [sys.executable, str(HERE / "mutating.py"), str(template.root), str(folder)]
    paths = [str(HERE.parents[1]), str(HERE.parent)]
    done = subprocess.run(
        command,
        input="".join(f"{seed}\n" for seed in seeds),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(seeds)
    yield from map(json.loads, lines)


def check(template: StoppedRun, seeds: Sequence[int], folder: Path) -> None:
    as_without = 0
    for found in outcomes(template, seeds, folder):
        said = f"{found['seed']}: {found['mutation']}"
        for each in found["calls"]:
            assert each["code"] in CODES, (said, each)
            assert "Traceback" not in each["output"], (said, each)
        assert found["canary"], said
        if found["kind"] == "raw" and found["weights"] not in (None, template.weights_sha256):
            [resumed] = [each for each in found["calls"] if each["command"] == "resume"]
            words = ("damaged", "not whole", "can't be")
            assert any(word in resumed["output"] for word in words), (said, resumed)
        as_without += found["weights"] == template.weights_sha256
    assert as_without > len(seeds) / 10  # most are resumed to the end that they would have had


@pytest.mark.slow
@pytest.mark.parametrize("start", [0, 20])
def test_no_mutation_of_a_store_is_more_than_a_sentence(
    template: StoppedRun, tmp_path: Path, start: int
) -> None:
    check(template, range(start, start + 20), tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_none_of_two_thousand_mutations_is_more_than_a_sentence(
    template: StoppedRun, tmp_path: Path, start: int
) -> None:
    check(template, range(start, start + 100), tmp_path)
