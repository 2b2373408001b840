"""Which curricula Optuna proposes, and how it keeps what came of them."""

from pathlib import Path

import pytest
from optuna.trial import TrialState

from curriculum import Choices, Range
from curriculum.tune import (
    CurriculumStudy,
    StudiedCurriculum,
    curriculum_importances,
    propose_curricula,
)
from curriculum.tune.storage import open_storage

PARAMETERS: dict[str, Range | Choices] = {
    "sampling": Choices(setting="sampling", values=("current", "combined")),
    "growth.factor": Range(setting="growth.factor", low=1.2, high=4.0),
}


def trials(count: int) -> list[StudiedCurriculum]:
    """Trials whose cost grows with the factor; one in three was given the last rung."""
    found = [StudiedCurriculum(settings={}, values=(3.0, 3.0, 3.0), complete=True)]
    for number in range(1, count):
        factor = 1.2 + 2.8 * (number * 7 % count) / count
        settings = {"sampling": "current", "growth.factor": factor}
        values = (factor, factor)[: 1 + number % 2]
        complete = number % 3 == 0
        if complete:
            values = (factor, factor, factor)
        found.append(StudiedCurriculum(settings=settings, values=values, complete=complete))
    return found


def test_proposals_are_a_function_of_what_is_over_and_of_the_seed() -> None:
    first = propose_curricula(PARAMETERS, trials(18), 5, seed=1)
    assert first == propose_curricula(PARAMETERS, trials(18), 5, seed=1)
    assert first != propose_curricula(PARAMETERS, trials(18), 5, seed=2)
    assert first[:3] == propose_curricula(PARAMETERS, trials(18), 3, seed=1)
    for each in first:
        assert each["sampling"] in ("current", "combined")
        assert 1.2 <= each["growth.factor"] <= 4


def test_proposals_follow_what_did_well() -> None:
    proposed = propose_curricula(PARAMETERS, trials(40), 8, seed=0)
    assert sum(each["growth.factor"] for each in proposed) / 8 < 2.2


def test_a_storage_has_each_trial_once_with_its_rungs(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.journal")
    problem = StudiedCurriculum(
        settings={"sampling": "current", "growth.factor": 2.0},
        values=(),
        complete=False,
        attributes={"refused": "why"},
    )
    known = [*trials(6), problem]
    for count in (3, 7, 5):  # a search that is continued adds what is missing
        study = CurriculumStudy(url, "tiny curricula", "steps to the target")
        study.add(known[:count], PARAMETERS)
        study.close()
    storage = open_storage(url)
    (found,) = storage.get_all_studies()
    assert found.study_name == "tiny curricula"
    stored = storage.get_all_trials(found._study_id)
    states = [trial.state for trial in stored]
    complete, pruned = TrialState.COMPLETE, TrialState.PRUNED
    assert states == [complete, pruned, pruned, complete, pruned, pruned, TrialState.FAIL]
    assert stored[0].params == {}
    assert stored[3].value == stored[3].params["growth.factor"]
    assert [len(trial.intermediate_values) for trial in stored] == [3, 2, 1, 3, 1, 2, 0]
    assert stored[6].user_attrs == {"refused": "why"}


def test_importances_are_of_the_rung_that_all_had() -> None:
    found = curriculum_importances(PARAMETERS, trials(40))
    assert found["growth.factor"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)
    assert curriculum_importances(PARAMETERS, trials(4)) == {}
