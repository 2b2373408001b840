"""The table of the Chomsky hierarchy: its plan, its runs, and what it shows of them."""

from collections.abc import Sequence
from pathlib import Path

import chomsky
import pytest
from chomsky_plan import FIRST, LEADING, LENGTHS, NETWORKS, PROBLEMS, SEEDS, Cell, cells, experiment
from chomsky_table import chomsky as chomsky_table
from recorded_rows import Row

import curriculum
from curriculum import Budget

GATED = Cell(task="parity", network="rnn", curriculum=True)
UNIFORM = Cell(task="parity", network="rnn", curriculum=False)


def test_there_are_the_fifteen_tasks_of_the_paper_and_every_20th_of_its_lengths() -> None:
    assert len(PROBLEMS) == 15
    assert (LENGTHS[0], LENGTHS[-1], len(LENGTHS)) == (41, 481, 23)
    first = cells(every=False)
    assert len(first) == len(set(first)) == 2 * (5 * 3 + 2 * 2)
    assert {cell.task for cell in first} == set(FIRST)
    assert [(cell.task, cell.network, cell.curriculum) for cell in first[:3]] == [*LEADING]
    everything = cells(every=True)
    assert everything[: len(first)] == first
    assert len(everything) == len(set(everything)) == 2 * len(PROBLEMS) * len(NETWORKS)


@pytest.mark.parametrize("task", PROBLEMS)
def test_both_ways_have_one_path_and_one_budget(task: str) -> None:
    made = [
        experiment(Cell(task=task, network="lstm", curriculum=way), 0.01) for way in (True, False)
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
    made = experiment(Cell(task=task, network=network, curriculum=True), 0.01)
    made = made.replace(budget=Budget(steps=2))
    result = curriculum.run(made, 0, store=tmp_path, mirror=False, threads=1)
    scores = chomsky.scores_of(result.run_id, tmp_path, made, (41, 61))
    assert list(scores) == [41, 61]
    assert all(0.2 < score < 0.8 for score in scores.values())  # two symbols, nothing learned
    assert chomsky.scores_of(result.run_id, tmp_path, made, (61,)) == {61: scores[61]}


def row(cell: Cell, rate: float, *, seed: int = 0, score: float = 0.5) -> Row:
    return {
        "task": cell.task,
        "network": cell.network,
        "curriculum": cell.curriculum,
        "seed": seed,
        "learning_rate": rate,
        "status": "reached" if score == 1 else "stopped",
        "reach": 40 if score == 1 else None,
        "compute": 1e12,
        "score": score,
    }


def test_the_rate_is_that_of_the_best_score_and_then_of_the_least_cost() -> None:
    tried = [row(GATED, 1e-3), row(GATED, 1e-2, score=0.9), row(GATED, 3e-2, score=0.8)]
    assert chomsky.best_rate(tried) == 1e-2
    cheaper = row(GATED, 3e-2) | {"compute": 1e11}
    assert chomsky.best_rate([row(GATED, 1e-3), cheaper]) == 3e-2


def test_the_estimate_counts_what_is_not_made_yet() -> None:
    rates = NETWORKS["lstm"].rates
    ours, theirs = (
        Cell(task="parity", network="lstm", curriculum=True),
        Cell(task="parity", network="lstm", curriculum=False),
    )
    whole = len(rates) + len(SEEDS)
    rows = [row(ours, rate) for rate in rates]
    assert chomsky.estimate([ours, theirs], []).startswith(f"0 of {2 * whole} runs")
    rows += [row(ours, 1e-3, seed=seed) for seed in SEEDS]
    assert chomsky.estimate([ours, theirs], rows).startswith(f"{whole} of {2 * whole} runs")
    assert chomsky.estimate([ours], rows) == (
        f"{whole} of {whole} runs are made; the others take 0.0 h of a core at most"
    )


def test_a_cell_is_made_on_one_seed_at_each_rate_and_then_on_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def rows_of(keys: Sequence[Row], measure: object, *, file: None, jobs: int) -> list[Row]:
        asked.append([(key["learning_rate"], key["seed"]) for key in keys])
        return [key | {"score": key["learning_rate"], "compute": 1.0} for key in keys]

    monkeypatch.setattr(chomsky, "rows_of", rows_of)
    for name in ("lstm", "rnn"):
        asked.clear()
        chomsky.make(Cell(task="parity", network=name, curriculum=True), file=None, jobs=1)
        rates = NETWORKS[name].rates
        choosing = [[(rate, 0) for rate in rates]] if len(rates) > 1 else []
        assert asked == [*choosing, [(max(rates), seed) for seed in NETWORKS[name].seeds]]


def test_the_table_shows_what_is_made_and_how_much_is_missing() -> None:
    rows = [row(GATED, 1e-3), *(row(GATED, 1e-3, seed=seed, score=1) for seed in GATED.seeds)]
    rows += [row(GATED, 1e-3, seed=1), row(UNIFORM, 3e-3, seed=4)]  # the first was looked at before
    made = chomsky_table([rows])
    lines = made.splitlines()
    assert lines[2].startswith(
        "| `parity` | `rnn` | **100.0** (100.0–100.0) | **50.0** (50.0–50.0), 1 of 3 seeds "
        "| 3 of 3 (40) | 0 of 1 (0) |"
    )
    assert "`reverse`" not in made
    assert lines[-1] == "4 of 114 runs were made."
    assert len({line.count(" | ") for line in lines[:3]}) == 1


def test_an_empty_table_says_so() -> None:
    assert chomsky_table([[]]).endswith("0 of 114 runs were made.")
