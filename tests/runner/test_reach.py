"""The shipped experiments, as a user runs them.

By default, the main job is run whole, for one seed, and what is unique about each other experiment
at a size that takes seconds. The exhaustive tests run first bit whole, for many seeds, and the
other experiments farther.
"""

from dataclasses import replace
from pathlib import Path

import pytest

import curriculum
from curriculum import SGD, Mastery, RunResult, Stage, Tuning
from curriculum.config import load_experiment, override
from curriculum.learn import Evaluator, configure_threads
from curriculum.plan import EvaluationCounts
from curriculum.record import Store
from curriculum.runner import restore_run

MAIN_JOB = "lstm_firstbit"


@pytest.fixture(autouse=True)
def _as_the_command_line() -> None:
    configure_threads(1)


def run(name: str, store: Path, overrides: str = "", seed: int = 0) -> RunResult:
    experiment = override(load_experiment(name)[0], overrides.split())
    return curriculum.run(experiment, seed, store=store, mirror=False)


@pytest.mark.slow
def test_the_main_job_masters_every_input_of_length_1000(store: Path) -> None:
    shipped, _ = load_experiment(MAIN_JOB)
    experiment = override(shipped, ["--final-evaluation.beyond", "1"])  # longer takes longer
    result = curriculum.run(experiment, store=store, mirror=False)
    assert (result.status, result.reach) == ("reached", Stage(1000))
    _, learner = restore_run(Store(store).find(result.run_id))
    evaluator = Evaluator(experiment.task, Mastery(threshold=1.0), seed=99)
    found, _ = evaluator.evaluate(learner, Stage(1000), EvaluationCounts())
    assert found.full_test is not None
    assert (found.full_test.value, found.full_test.examples) == (1.0, 1001)


FIRST_BIT = (MAIN_JOB, "gru_firstbit", "rnn_firstbit")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", FIRST_BIT)
@pytest.mark.parametrize("seeds", [range(10), range(10, 20)])
def test_all_seeds_reach_length_1000(name: str, seeds: range, store: Path) -> None:
    results = [run(name, store, seed=seed) for seed in seeds]
    assert [result.seed for result in results if result.reach != Stage(1000)] == []


@pytest.mark.parametrize(("name", "length"), [("gru_firstbit", 60), ("rnn_firstbit", 20)])
def test_other_cells_solve_first_bit(name: str, length: int, store: Path) -> None:
    result = run(name, store, f"--growth.end {length}")
    assert (result.status, result.reach) == ("reached", Stage(length))


@pytest.mark.parametrize("name", FIRST_BIT)
def test_first_bit_is_tuned_on_each_stage(name: str) -> None:
    assert load_experiment(name)[0].tuning.mode == "each"


@pytest.mark.parametrize(
    ("seeds", "length"),
    [
        (range(1), 30),
        pytest.param(range(5), 1000, marks=pytest.mark.exhaustive),
        pytest.param(range(5, 10), 1000, marks=pytest.mark.exhaustive),
    ],
)
def test_tuning_makes_up_for_settings_that_lead_nowhere(
    seeds: range, length: int, store: Path
) -> None:
    shipped, _ = load_experiment(MAIN_JOB)
    sabotaged = override(
        shipped,
        f"--optimizer.learning-rate 1e-5 --model.hidden-size 4 --growth.end {length}".split(),
    )
    # Fresh networks would be tried with other learning rates too.
    once = replace(sabotaged.backtracking, fresh_starts=0)
    untuned = sabotaged.replace(tuning=Tuning(mode="off"), backtracking=once)
    for seed in seeds:
        assert curriculum.run(sabotaged, seed, store=store, mirror=False).reach == Stage(length)
        reach = curriculum.run(untuned, seed, store=store, mirror=False).reach
        assert reach is None or reach.length < 20


@pytest.mark.parametrize("cell", ["lstm", "rnn", pytest.param("gru", marks=pytest.mark.exhaustive)])
def test_the_hard_pair_alone_is_trained_directly_on_one_stage(cell: str, store: Path) -> None:
    experiment, _ = load_experiment(f"{cell}_firstbit:hard")
    assert experiment.growth.path() == (Stage(10),)
    assert experiment.optimizer == SGD(learning_rate=0.01, momentum=0.99)
    assert curriculum.run(experiment, store=store, mirror=False).reach == Stage(10)


SMALL = {
    "bert_reverse": "--growth.start.length 2 --growth.start.vocab-size 4 --growth.end.length 3 "
    "--growth.end.vocab-size 6 --model.hidden-size 32 --model.head-size 16",
    "gru_subsequence": "--growth.end 4",
    "gru_subsequence_attention": "--growth.end 4",
    "human_numbers_loop": "--growth.vocab-sizes 19 29",
    "human_numbers_every_word": "--growth.vocab-sizes 19 29",
    "human_numbers_gru": "--growth.vocab-sizes 19 29",
}


TAKES_LONG = ("gru_subsequence_attention", "human_numbers_gru")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.exhaustive if name in TAKES_LONG else ())
        for name in SMALL
    ],
)
def test_the_other_experiments_learn(name: str, store: Path) -> None:
    assert run(name, store, SMALL[name]).status == "reached"


LARGER = {
    "bert_reverse": "--growth.end.length 11 --growth.end.vocab-size 20",
    "gru_subsequence": "--growth.end 6",
    "gru_subsequence_attention": "--growth.end 6",
    "human_numbers_loop": "",
    "human_numbers_every_word": "",
    "human_numbers_gru": "",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LARGER)
def test_the_other_experiments_learn_larger_stages(name: str, store: Path) -> None:
    assert run(name, store, LARGER[name]).status == "reached"
