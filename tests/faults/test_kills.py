"""Runs are killed in every phase and at random instants, and end as if nothing had happened."""

import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    events,
    same,
)
from mlflow_copies import NewDatabase, check_in_mlflow, in_mlflow
from run_killer import Killer

from curriculum.record import RunFolder, Store, read_journal
from curriculum.tracking import was_copied

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SEEDS = 100

Kill = dict[str, Any]
"""How a run is killed; see `Killer`."""


def seconds(folder: RunFolder) -> float:
    """How long a run took."""
    return [record.clock.seconds for record, _ in read_journal(folder.journal)][-1]


NEW_CHECKPOINT = "*/.000001.*.new"
PHASES: dict[str, dict[str, Kill]] = {
    "the start": {
        "before the run is described": {"write": [1, "os.rename */.run.json.new"]},
        "before the run is in the store": {"write": [1, "os.rename */runs/.*.new"]},
        "before its lease is in place": {"write": [1, "os.link */.lease-*.new"]},
        "before the first record": {"write": [1, "open */journal.jsonl"]},
        "before the lease before is taken away": {"write": [1, "os.remove */lease-0*.json"]},
        "after the first record": {"record": ["visit_started", 1]},
    },
    "a visit": {
        "within it": {"record": ["evaluation", 4]},
        "within its checkpoint": {"write": [1, f"open {NEW_CHECKPOINT}/state.json"]},
        "before its checkpoint is in place": {"write": [1, f"os.rename {NEW_CHECKPOINT}"]},
        "as a checkpoint is deleted": {"write": [1, "os.rename */checkpoints/00*"]},
    },
    "a search": {
        "within its first round": {"record": ["trial_evaluation", 5]},
        "between its rounds": {"record": ["round", 2]},
        "within its second round": {"record": ["trial_evaluation", 22]},
        "once a trial is selected": {"record": ["selection", 1]},
    },
    "the end": {
        "before the last visit": {"record": ["visit_started", 4]},
        "within the final evaluation": {"record": ["final_evaluation", 2]},
        "after the last record": {"record": ["run_ended", 1]},
    },
}


def check_killed(
    hows: Iterable[Kill], killer: Killer, unbroken: Callable[[str], Store], root: Path
) -> None:
    """Kill a run, resume and kill it as often as given, and resume it to its end."""
    for how in hows:
        assert killer(root, "quick", **how) == -9
    assert killer(root, "quick") == 0
    assert len(Store(root).runs()) == 1
    assert same(root, unbroken("quick").root)


@pytest.mark.slow
@pytest.mark.parametrize("part", PHASES)
def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    part: str, killer: Killer, unbroken: Callable[[str], Store], tmp_path: Path
) -> None:
    check_killed(PHASES[part].values(), killer, unbroken, tmp_path / "store")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("part", "phase"), [(p, phase) for p in PHASES for phase in PHASES[p]])
def test_a_run_that_is_killed_in_any_phase_ends_as_if_nothing_had_happened(
    part: str, phase: str, killer: Killer, unbroken: Callable[[str], Store], tmp_path: Path
) -> None:
    check_killed([PHASES[part][phase]], killer, unbroken, tmp_path / "store")


@pytest.mark.slow
def test_a_mirror_that_is_killed_at_work_is_completed_as_if_nothing_had_happened(
    killer: Killer, unbroken: Callable[[str], Store], new_database: NewDatabase, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    uri = f"sqlite:///{new_database(root)}"
    how = {"mirror": True, "mirror_at_work": True, "record": ["visit_ended", 2]}
    assert killer(root, "untuned", **how) == -9
    folder = Store(root).find("last")
    assert not was_copied(Store(root), folder)
    points = [each[2] for each in in_mlflow(Store(root), folder, uri).values()]
    assert any(points)
    assert killer(root, "untuned", mirror=True, wait=True, drain=True) == 0
    assert same(root, unbroken("untuned").root)
    check_in_mlflow(root, new_database)


def kills(seed: int, length: float) -> list[Kill]:
    """What happens to the run, drawn by the seed."""
    rng = random.Random(seed)
    found = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind = rng.choice(["time", "time", "write", "mirror"])
        mirrored = kind == "mirror" or rng.random() < 0.3
        how: Kill = {"mirror": mirrored}
        if kind == "write":
            how["write"] = [rng.randint(1, 250)]
        else:
            how["after"] = rng.uniform(0, 1.1 * length)
        if kind == "mirror":
            how["after"] = rng.uniform(2, 2 + length)
            how["mirror_after"] = rng.uniform(0, how["after"])
        found.append(how)
    return found


def check(
    seed: int,
    killer: Killer,
    unbroken: Callable[[str], Store],
    new_database: NewDatabase,
    path: Path,
) -> int:
    """Run, kill and resume as the seed says; how often the run was killed."""
    name = ("first_bit", "numbers")[seed % 2]
    root, killed = path / f"store{seed}", 0
    new_database(root)
    whole = unbroken(name).find("last")
    for how in kills(seed, seconds(whole)):
        killed += killer(root, name, **how) == -9
    assert killer(root, name, mirror=True, wait=True, drain=True) == 0
    assert events(Store(root).find("last")) == events(whole)
    assert len(Store(root).runs()) == 1
    check_in_mlflow(root, new_database)
    shutil.rmtree(root)
    return killed


@pytest.mark.exhaustive
def test_a_hundred_killed_runs_end_as_if_nothing_had_happened(
    killer: Killer, unbroken: Callable[[str], Store], new_database: NewDatabase, tmp_path: Path
) -> None:
    intact = deaths = 0
    for seed in range(SEEDS):
        try:
            deaths += check(seed, killer, unbroken, new_database, tmp_path)
            intact += 1
        except AssertionError as error:
            print(f"seed {seed}: {error}")
    print(f"{intact} of {SEEDS} runs ended as if nothing had happened, after {deaths} kills")
    assert intact == SEEDS
