"""Runs are killed amid a race of arms, and as its winner is taken over, and end as if nothing had happened."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    same,
)
from run_killer import Killer

from curriculum.record import Store

PHASES: dict[str, dict[str, Any]] = {
    "before the first arm is described": {"write": [1, "os.rename */arms/*/.run.json.new"]},
    "before an arm's first record": {"write": [1, "open */arms/gated/journal.jsonl"]},
    "after an arm's evaluation": {"record": ["arm_evaluation", 9]},
    "within an arm's checkpoint": {"write": [1, "open */arms/*/checkpoints/*.new/state.json"]},
    "once the race is over": {"record": ["arm_selection", 1]},
    "as the winner's record is taken over": {"record": ["visit_started", 1]},
    "as its checkpoints are": {"write": [1, "os.rename */runs/????????/checkpoints/.00*.new"]},
    "before the final evaluation": {"record": ["training_ended", 1]},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raced", "raced_in_vain"])
def test_a_race_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    name: str, killer: Killer, unbroken: Callable[[str], Store], tmp_path: Path
) -> None:
    root = tmp_path / "store"
    for how in PHASES.values():
        assert killer(root, name, **how) == -9, how
    assert killer(root, name) == 0
    assert same(root, unbroken(name).root)


@pytest.mark.slow
def test_workers_of_a_run_that_was_killed_are_waited_for(
    killer: Killer, unbroken: Callable[[str], Store], tmp_path: Path
) -> None:
    root = tmp_path / "store"
    assert killer(root, "raced", record=["arm_evaluation", 9], jobs=3) == -9
    assert killer(root, "raced", record=["arm_evaluation", 20], jobs=2) == -9
    assert killer(root, "raced") == 0
    assert same(root, unbroken("raced").root)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["raced", "raced_in_vain"])
def test_a_race_that_is_killed_before_any_write_ends_as_if_nothing_had_happened(
    name: str, killer: Killer, unbroken: Callable[[str], Store], tmp_path: Path
) -> None:
    whole, root = unbroken(name).root, tmp_path / "store"
    for number in count(1):
        killed = killer(root, name, write=[number]) == -9
        if not killed:
            break
        assert killer(root, name) == 0
        assert same(root, whole), number
        shutil.rmtree(root)
    assert number > 100
