"""What commands print of a run that races arms."""

import json
from pathlib import Path

import pytest
from command_line import call

import curriculum
from curriculum.record import History, RunOverview, Store

RACE = ("--strategy", "auto", "--training.eval-every", "5")


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)


def test_a_run_ends_with_what_its_race_says_and_a_command_to_copy(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", file, *RACE, "--store", store, "--threads", 1) == 0
    out, err = capsys.readouterr()
    history = History.of(Store(store).find("last"))
    assert history.arms.selected is not None
    winner = history.arms.selected.arm
    assert f"\n{winner} mastered the target first, at a compute of " in out
    (command,) = (line for line in out.splitlines() if line.startswith("python -m curriculum com"))
    assert str(file) in command
    assert command.endswith("--seeds 1..6 --training.eval-every 5")
    assert err.count("selected  ") == 1
    assert call("explain", "last", "--store", store) == 0
    out = capsys.readouterr().out
    assert "\nRace of 3 arms: direct, gated, combined.\n" in out
    assert f"\nArm {winner}: reach length 5" in out


def test_json_and_notebooks_have_what_each_arm_came_to(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", file, *RACE, "--json", "--store", store, "--threads", 1) == 0
    out, err = capsys.readouterr()
    arms = json.loads(out)["arms"]
    assert [*arms] == ["direct", "gated", "combined"]
    assert sum(arm["selected"] for arm in arms.values()) == 1
    assert "the race cost ×" in err.lower()
    result = curriculum.resume("last", store=store, mirror=False, source=file)
    assert "This is one seed's word" in repr(result)
    assert "This is one seed" in result._repr_html_()
    assert {name: arm.mastered for name, arm in result.arms.items()} == {
        name: arm["mastered"] for name, arm in arms.items()
    }


def test_the_arms_of_a_race_and_those_left_out_are_said_before_it(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("human_numbers_rnn", "--strategy", "auto", "--store", store)
    assert call("run", *words, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "race: direct, gated, the first of them to the target ends it\n" in out
    assert "left out: combined, as " in out
    assert call("run", *words, "--budget.steps", "1") == 2  # too few for a race
    assert "combined is left out of the race, as " in capsys.readouterr().err


def test_what_a_comparison_says_that_a_race_costs_is_all_that_it_cost(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--seeds", "0..1", "--learning-rates", "3e-2", "--budget", "900steps")
    command = ("compare", file, "--run", "--json", "--strategies", "auto,gated", *options)
    assert call(*command, "--threads", 1, "--store", store) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert [*found["strategies"]] == ["auto", "gated"]
    last = len(found["path"]) - 1
    costs = {
        run["run_id"]: run["mastered"][str(last)]["compute"]
        for seed in found["strategies"]["auto"]["seeds"]
        for run in seed["runs"]
    }
    assert len(costs) == 2
    for run_id, compute in costs.items():
        folder = Store(store).folder(run_id)
        assert compute == History.of(folder).total_cost.compute
        assert compute == RunOverview.of(folder).totals.cost.compute
