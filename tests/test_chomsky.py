"""The table of the Chomsky hierarchy: its plan, its runs, and what it shows of them."""

from pathlib import Path

import chomsky
import pytest
from chomsky_plan import FIRST, LENGTHS, NETWORKS, PROBLEMS, SEEDS, cells, experiment
from chomsky_table import chomsky as chomsky_table
from recorded_rows import Row

import curriculum
from curriculum import Budget
from curriculum.record import Store


def test_there_are_the_fifteen_tasks_of_the_paper_and_every_20th_of_its_lengths() -> None:
    assert len(PROBLEMS) == 15
    assert (LENGTHS[0], LENGTHS[-1], len(LENGTHS)) == (41, 481, 23)
    first = [*cells(every=False)]
    assert len(first) == len(set(first)) == 5 * 3 + 2 * 2
    assert {task for task, _ in first} == set(FIRST)
    assert {*cells(every=True)} == {(task, name) for task in PROBLEMS for name in NETWORKS}


@pytest.mark.parametrize("task", PROBLEMS)
def test_both_ways_have_one_path_and_one_budget(task: str) -> None:
    made = [
        experiment(task, "lstm", with_curriculum=way, learning_rate=0.01) for way in (True, False)
    ]
    assert [each.strategy for each in made] == ["gated", "uniform"]
    assert made[0].growth == made[1].growth
    assert made[0].budget == made[1].budget
    path = made[0].growth.path()
    assert 39 <= path[-1].length <= 40
    assert path[0].length <= 3
    assert all(made[0].allows(PROBLEMS[task].stage(length)) for length in LENGTHS)


@pytest.mark.parametrize(("task", "network"), [("parity", "transformer"), ("reverse", "stack_rnn")])
def test_a_run_is_scored_on_lengths_that_its_model_was_not_trained_on(
    task: str, network: str, tmp_path: Path
) -> None:
    made = experiment(task, network, with_curriculum=True, learning_rate=0.01)
    made = made.replace(budget=Budget(steps=2))
    result = curriculum.run(made, 0, store=tmp_path, mirror=False, threads=1)
    folder = Store(tmp_path).find(result.run_id)
    scores = chomsky.scores_of(folder, made, task, 0, lengths=(41, 61))
    assert list(scores) == [41, 61]
    assert all(0.2 < score < 0.8 for score in scores.values())  # two symbols, nothing learned
    assert chomsky.scores_of(folder, made, task, 0, lengths=(61,)) == {61: scores[61]}


def row(rate: float, *, seed: int = 0, score: float = 0.5, curriculum: bool = True) -> Row:
    return {
        "task": "parity",
        "network": "rnn",
        "curriculum": curriculum,
        "seed": seed,
        "learning_rate": rate,
        "status": "reached" if score == 1 else "stopped",
        "reach": 40 if score == 1 else None,
        "compute": 1e12,
        "score": score,
    }


def test_the_rate_is_that_of_the_best_score_and_then_of_the_least_cost() -> None:
    assert chomsky.best_rate([row(1e-3), row(1e-2, score=0.9), row(3e-2, score=0.8)]) == 1e-2
    cheaper = row(3e-2) | {"compute": 1e11}
    assert chomsky.best_rate([row(1e-3), cheaper]) == 3e-2


def test_the_estimate_counts_what_is_not_made_yet() -> None:
    rows = [row(rate) for rate in NETWORKS["rnn"].rates]
    cell = [("parity", "rnn")]
    assert chomsky.estimate(cell, []).startswith("0 of 12 runs")
    rows += [row(1e-3, seed=seed) for seed in SEEDS]
    assert chomsky.estimate(cell, rows).startswith("6 of 12 runs")
    rows += [each | {"curriculum": False} for each in rows]
    assert chomsky.estimate(cell, rows) == (
        "12 of 12 runs are made; the others take 0.0 h of a core at most"
    )


def test_a_cell_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "rows.json", []

    def rows_of(keys: list[Row], measure: object, *, file: Path, jobs: int) -> list[Row]:
        asked.append([(key["learning_rate"], key["seed"]) for key in keys])
        return [row(key["learning_rate"], score=key["learning_rate"]) | key for key in keys]

    monkeypatch.setattr(chomsky, "rows_of", rows_of)
    chomsky.make_cell("parity", "rnn", True, file=file, jobs=1)
    rates = NETWORKS["rnn"].rates
    assert asked == [[(rate, 0) for rate in rates], [(max(rates), seed) for seed in SEEDS]]


def test_the_table_shows_what_is_made_and_how_much_is_missing() -> None:
    rows = [row(1e-3), *(row(1e-3, seed=seed, score=1) for seed in SEEDS)]
    rows.append(row(3e-3, seed=1, score=0.5, curriculum=False))
    made = chomsky_table([rows])
    lines = made.splitlines()
    assert lines[2].startswith(
        "| `parity` | `rnn` | **100.0** (100.0–100.0) | **50.0** (50.0–50.0), 1 of 3 seeds "
        "| 3 of 3 (median 40) | 0 of 1 (median 0) |"
    )
    assert "`reverse`" not in made
    assert lines[-1] == "4 of 114 runs were made."
    assert len({line.count(" | ") for line in lines[:3]}) == 1


def test_an_empty_table_says_so() -> None:
    assert chomsky_table([[]]).endswith("0 of 114 runs were made.")
