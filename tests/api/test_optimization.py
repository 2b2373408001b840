"""Searches over curricula from Python: what is tried, what goes on, what is confirmed, what is made twice."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from last_bit import LastBit

import curriculum
from curriculum import Experiment, OptimizationResult, UsageError
from curriculum.config import CurriculumSpace, override
from curriculum.record import Store
from curriculum.report import OptimizationProgress
from curriculum.sweeps import Job, JobEnded
from curriculum.tune.storage import open_storage

OVER = {"growth.factor": "1.2..4", "sampling": "current,look_back", "sampling.back": (0.1, 0.5)}


def optimize(experiment: Experiment, store: Path, **more: Any) -> OptimizationResult:
    settings: dict[str, Any] = {
        "over": OVER,
        "seeds": (0, 1),
        "trials": 11,
        "confirm_seeds": range(100, 102),
        "budget": "80steps",
        "threads": 1,
        "store": store,
        "mirror": False,
        "progress": False,
    }
    return curriculum.optimize(experiment, **(settings | more))


@dataclass(frozen=True)
class Searched:
    store: Path
    result: OptimizationResult


@pytest.fixture(scope="module")
def searched(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    store = tmp_path_factory.mktemp("searched")
    return Searched(store, optimize(tiny, store))


def in_numbers(found: OptimizationResult) -> dict[str, Any]:
    """All of it, whatever it took by the clock, and wherever."""
    content = found.to_json()
    assert content.pop("best")["command"]
    return content


def test_the_experiments_own_curriculum_and_direct_training_are_always_tried_to_the_end(
    searched: Searched,
) -> None:
    own, direct, *others = searched.result.trials
    assert (own.name, own.words, direct.name) == ("gated", (), "direct")
    assert direct.words == ("--strategy", "direct")
    assert own.complete
    assert direct.complete
    assert len(own.costs) == len(direct.costs) == 3
    assert {each.name for each in others} == {""}
    assert len(searched.result.trials) == 11


def test_the_best_third_of_a_round_goes_on_to_more_seeds_and_budget(searched: Searched) -> None:
    trials = searched.result.trials
    rungs = [len(trial.costs) for trial in trials[2:9]]  # of the first round, what was proposed
    assert sorted(rungs) == [1, 1, 1, 1, 2, 2, 3]
    assert sorted(len(trial.costs) for trial in trials[9:]) == [1, 3]
    for trial in trials:
        budgets = [(cost.budget, [*cost.results]) for cost in trial.costs]
        assert budgets == [(20.0, [0]), (40.0, [0, 1]), (80.0, [0, 1])][: len(budgets)]
    first = {trial.number: trial.values[0] for trial in trials[2:9]}
    went_on = {trial.number for trial in trials[2:9] if len(trial.costs) > 1}
    assert max(first[n] for n in went_on) <= min(v for n, v in first.items() if n not in went_on)


def test_a_seed_that_reached_the_target_is_not_run_again_at_a_larger_budget(
    searched: Searched,
) -> None:
    kept = 0
    for trial in searched.result.trials:
        for smaller, larger in zip(trial.costs, trial.costs[1:], strict=False):
            for seed, result in smaller.results.items():
                if result.target_cost is not None:
                    assert larger.results[seed] == result
                    kept += 1
                else:
                    assert larger.results[seed].runs[0].budget == larger.budget
    assert kept > 3


def test_a_run_within_a_larger_budget_costs_the_same_to_the_target(
    tiny: Experiment, tmp_path: Path
) -> None:
    """What the halving rests on."""
    from curriculum.sweeps import Amount, RunSummary, comparable_experiment

    costs = []
    for steps in (200, 400):
        made = comparable_experiment(tiny, None, Amount(steps, "steps"), 3e-2, 1)
        result = curriculum.run(made, 1, store=tmp_path, mirror=False)
        overview = dict(Store(tmp_path).overviews())[result.run_id]
        summary = RunSummary.of(overview)  # type: ignore[arg-type]
        last = summary.mastered[len(summary.path) - 1]
        costs.append((last.steps, last.tokens, last.compute))
    assert costs[0] == costs[1]


def test_what_goes_by_the_clock_of_its_budget_is_run_at_each(
    tiny: Experiment, tmp_path: Path
) -> None:
    found = optimize(
        tiny,
        tmp_path,
        over={"strategy": "linear,root"},
        trials=3,
        seeds=(0,),
        budget="400steps",
        confirm_seeds=(9,),
    )
    trial = found.trials[2]
    budgets = [cost.results[0].runs[0].budget for cost in trial.costs]
    assert budgets == [100, 200, 400]


def test_the_best_is_confirmed_on_seeds_that_the_search_has_not_seen(searched: Searched) -> None:
    found = searched.result
    assert found.confirmation is not None
    assert [*found.confirmation.others] == ["gated", "direct"]
    for cost in (found.confirmation.best, *found.confirmation.others.values()):
        assert [*cost.results] == [100, 101]
        assert cost.budget == 80
    proposed = [trial for trial in found.trials if trial.complete and not trial.name]
    assert found.best in proposed
    assert found.best.values[-1] == min(trial.values[-1] for trial in proposed)
    ran = {each.seed for _, each in Store(searched.store).descriptions()}  # type: ignore[union-attr]
    assert ran == {0, 1, 100, 101}


def test_the_command_to_paste_is_the_best_curriculum(searched: Searched, tiny: Experiment) -> None:
    words = searched.result.command.split()
    assert words[:5] == ["python", "-m", "curriculum", "run", "tiny"]
    pasted = override(tiny, words[5:])
    best = searched.result.best
    assert pasted.flat()["growth.factor"] == best.settings["growth.factor"]
    assert pasted.budget.steps == 80


def test_started_again_nothing_is_run_and_all_is_the_same(
    searched: Searched, tiny: Experiment
) -> None:
    before = sorted(path.name for path in (searched.store / "runs").iterdir())
    again = optimize(tiny, searched.store)
    assert in_numbers(again) == in_numbers(searched.result)
    assert sorted(path.name for path in (searched.store / "runs").iterdir()) == before


def test_two_processes_find_what_one_does(
    searched: Searched, tiny: Experiment, tmp_path: Path
) -> None:
    found = optimize(tiny, tmp_path, jobs=2)
    assert in_numbers(found) == in_numbers(searched.result)


def test_an_interrupted_search_continues_where_it_was(
    searched: Searched, tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[str] = []
    whole = OptimizationProgress.on_end

    def interrupt(self: OptimizationProgress, job: Job, ended: JobEnded) -> None:
        whole(self, job, ended)
        ends.append(job.run_id)
        if len(ends) == 12:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(OptimizationProgress, "on_end", interrupt)
    with pytest.raises(KeyboardInterrupt, match="the same call continues it"):
        optimize(tiny, tmp_path)
    assert len(ends) == 12
    found = optimize(tiny, tmp_path)
    assert in_numbers(found) == in_numbers(searched.result)
    assert len(ends) == len(set(ends))


def test_the_trials_are_a_study_of_the_stores_storage(searched: Searched) -> None:
    storage = open_storage(searched.result.storage)
    (study,) = storage.get_all_studies()
    assert study.study_name.startswith("tiny curricula (")
    stored = storage.get_all_trials(study._study_id)
    assert [trial.number for trial in stored] == [t.number for t in searched.result.trials]
    assert stored[1].user_attrs["curriculum"] == "direct"
    assert stored[1].user_attrs["reached"] == f"{searched.result.trials[1].costs[-1].reached} of 2"
    complete = [trial.number for trial in searched.result.trials if trial.complete]
    assert [trial.number for trial in stored if trial.state.name == "COMPLETE"] == complete


def test_a_storage_that_is_lost_does_not_cost_the_search(
    searched: Searched, tiny: Experiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "studies.journal").mkdir()
    found = optimize(tiny, tmp_path)
    assert in_numbers(found) == in_numbers(searched.result)
    assert "the trials are not in Optuna's storage" in caplog.text


def test_settings_that_do_not_fit_together_are_a_trial_that_is_told(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each end fits by itself."""
    whole = CurriculumSpace.experiment

    def experiment(self: CurriculumSpace, values: Mapping[str, Any]) -> Experiment:
        if 1.2 < values.get("growth.factor", 0) < 4 and values["sampling"] == "current":
            raise UsageError("these don't fit together")
        return whole(self, values)

    monkeypatch.setattr(CurriculumSpace, "experiment", experiment)
    found = optimize(tiny, tmp_path, trials=8, seeds=(0,), confirm_seeds=(9,))
    refused = [trial for trial in found.trials if trial.problem is not None]
    assert refused
    for trial in refused:
        assert (trial.settings["sampling"], trial.problem) == (
            "current",
            "these don't fit together",
        )
        assert not trial.costs
    assert found.best not in refused
    assert f"{len(refused)} could not be run" in repr(found).replace("\n", " ")
    storage = open_storage(found.storage)
    (study,) = storage.get_all_studies()
    states = [trial.state.name for trial in storage.get_all_trials(study._study_id)]
    assert states.count("FAIL") == len(refused)


def test_where_all_that_is_proposed_is_what_is_always_tried_nothing_is_confirmed(
    tiny: Experiment, tmp_path: Path
) -> None:
    found = optimize(
        tiny, tmp_path, over={"strategy": "gated,direct"}, trials=4, seeds=(0,), budget="400steps"
    )
    assert found.confirmation is None
    assert found.best.name
    assert "all that were proposed are the same" in repr(found).replace("\n", " ")


def test_it_is_shown_as_tables_a_page_and_a_frame(searched: Searched) -> None:
    found, text = searched.result, repr(searched.result)
    assert "tiny: the best of 11 trials" in text
    assert "On 2 fresh seeds" in text
    assert "An interval needs at least 6 fresh seeds, and a verdict 7; there are 2." in text
    assert "\x1b" not in text
    for page in (found.to_html(), found._repr_html_()):
        assert "The trials, best first" in page
        assert "--growth.factor" in page
    assert found.to_html() == found.to_html()
    frame = found.to_frame()
    assert list(frame["trial"]) == list(range(11))
    assert list(frame["name"][:2]) == ["gated", "direct"]
    assert frame["growth.factor"][2:].between(1.2, 4).all()


def test_a_users_own_class_is_searched_in_this_process(tiny: Experiment, tmp_path: Path) -> None:
    own = tiny.replace(task=LastBit(), name="own")
    with pytest.raises(UsageError, match="give the path of its file as `source`"):
        optimize(own, tmp_path, jobs=2)
    found = optimize(own, tmp_path, trials=3, seeds=(0,), confirm_seeds=(9,))
    assert found.optimization.experiment == "own"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": {}}, "there is nothing to search"),
        ({"over": {"growth.factor": "1..4"}}, "growth.factor=1.0 is refused"),
        ({"over": {"growth.facto": "1..4"}}, "no setting growth.facto"),
        ({"confirm_seeds": (1, 5)}, "seed 1 is one of the search"),
        ({"seeds": ()}, "at least one seed"),
        ({"trials": 2}, "trials must be at least 3, got 2: gated and direct are always among them"),
        ({"budget": "60s"}, "not of seconds"),
        ({"budget": "many"}, "must be a number above 0"),
        ({"jobs": 0}, "jobs must be at least 1, got 0"),
        ({"threads": -1}, "threads must be at least 1, got -1"),
        ({"engine": "locl"}, "there is no engine 'locl'; did you mean local"),
        ({"seed": -1}, "seed must be a whole number, at least 0, got -1"),
        ({"overrides": ["--budget.steps", "3"]}, "--budget.steps can't be given to optimize"),
        ({"overrides": ["--tuning.mode", "each"]}, "--tuning.mode can't be given to optimize"),
        ({"optuna_storage": "/nowhere/at/all"}, "there is no folder"),
    ],
)
def test_mistakes_are_a_sentence_before_anything_is_run(
    tiny: Experiment, tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        optimize(tiny, tmp_path, **wrong)
    assert not Store(tmp_path).runs()


def test_a_run_that_cannot_be_made_ends_the_search_with_its_reason(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, *_: Sequence[object]) -> None:
        raise UsageError("the task has a mistake; mend it")

    monkeypatch.setattr(Experiment, "check_first_batch", broken)
    with pytest.raises(UsageError, match="the task has a mistake; mend it"):
        optimize(tiny, tmp_path)
