"""The shipped experiments, as a user runs them."""

from pathlib import Path

import pytest

import curriculum
from curriculum import SGD, Stage, Tuning
from curriculum.catalogue import load_experiment
from curriculum.learn.examiner import Examiner
from curriculum.learn.process import configure
from curriculum.loading import load_run
from curriculum.overrides import override
from curriculum.plan import Mastery
from curriculum.record.store import Store


@pytest.fixture(autouse=True)
def _as_the_command_line() -> None:
    configure(threads=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm_firstbit", "gru_firstbit", "rnn_firstbit"])
@pytest.mark.parametrize("seeds", [range(10), range(10, 20)])
def test_all_seeds_reach_length_1000(name: str, seeds: range, store: Path) -> None:
    experiment, _ = load_experiment(name)
    assert experiment.tuning.mode == "each"
    results = [curriculum.run(experiment, seed, store=store, mirror=False) for seed in seeds]
    assert [result.seed for result in results if result.reach != Stage(1000)] == []


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(5), range(5, 10)])
def test_tuning_makes_up_for_settings_that_lead_nowhere(seeds: range, store: Path) -> None:
    shipped, _ = load_experiment("lstm_firstbit")
    sabotaged = override(shipped, ["--optimizer.learning-rate", "1e-5", "--model.hidden-size", "4"])
    untuned = sabotaged.but(tuning=Tuning(mode="off"))
    for seed in seeds:
        assert curriculum.run(sabotaged, seed, store=store, mirror=False).reach == Stage(1000)
        reach = curriculum.run(untuned, seed, store=store, mirror=False).reach
        assert reach is None or reach.length < 20


@pytest.mark.slow
def test_the_main_job_ends_with_every_input_of_length_1000_right(store: Path) -> None:
    experiment, _ = load_experiment("lstm_firstbit")
    result = curriculum.run(experiment, store=store, mirror=False)
    assert result.status == "reached"
    _, learner = load_run(Store(store).find(result.run_id))
    examiner = Examiner(experiment.task, Mastery(threshold=1.0), seed=99)
    found = examiner.look(learner, Stage(1000), looks=0, tests=0)
    assert found.test is not None
    assert (found.test.score, found.test.examples) == (1.0, 1001)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "rnn", "gru"])
def test_the_hard_pair_alone_is_trained_directly_on_one_stage(cell: str, store: Path) -> None:
    experiment, _ = load_experiment(f"{cell}_firstbit:hard")
    assert experiment.growth.path() == (Stage(10),)
    assert experiment.optimizer == SGD(learning_rate=0.01, momentum=0.99)
    assert curriculum.run(experiment, store=store, mirror=False).reach == Stage(10)


SHORTENED = {
    "bert_reverse": ["--growth.until.length", "11", "--growth.until.vocab-size", "20"],
    "gru_subsequence": ["--growth.until", "6"],
    "gru_subsequence_attention": ["--growth.until", "6"],
    "human_numbers_loop": [],
    "human_numbers_every_word": [],
    "human_numbers_gru": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORTENED)
def test_the_other_systems_learn(name: str, store: Path) -> None:
    shipped, _ = load_experiment(name)
    result = curriculum.run(override(shipped, SHORTENED[name]), 0, store=store, mirror=False)
    assert result.status == "reached"
