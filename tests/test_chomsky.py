"""The table of the Chomsky hierarchy: its plan, its runs, and what it shows of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chomsky
import chomsky_plan
import pytest
import recorded_rows
from chomsky_map import heat_map
from chomsky_plan import FIRST, LEADING, LENGTHS, NETWORKS, PROBLEMS, SEEDS, Cell, cells, experiment
from chomsky_table import chomsky as chomsky_table
from recorded_rows import Row

import curriculum
from curriculum import Budget, Experiment
from curriculum.record import Store

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


class Threads(ThreadPoolExecutor):
    """In place of processes, which would not see what a test has replaced."""

    def __init__(self, jobs: int, **_: object) -> None:
        super().__init__(jobs)


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


def test_rates_are_tried_on_one_seed_by_a_sweep_and_the_best_runs_on_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "rows.json", []

    def sweep(experiments: Sequence[Experiment], *, seeds: Sequence[int], **_: object) -> None:
        asked.append(([each.optimizer.learning_rate for each in experiments], [*seeds]))

    def scored(key: Row, store: Path) -> Row:
        return {"score": key["learning_rate"], "compute": 1.0}

    monkeypatch.setattr(curriculum, "sweep", sweep)
    monkeypatch.setattr(chomsky, "scored", scored)
    monkeypatch.setattr(recorded_rows, "ProcessPoolExecutor", Threads)
    for name in ("lstm", "rnn"):
        asked.clear()
        group = [Cell(task="parity", network=name, curriculum=way) for way in (True, False)]
        for _ in range(2):  # the second time all rows are there
            rows = chomsky.make(group, file=file, store=tmp_path, jobs=1)
        rates = NETWORKS[name].rates
        choosing = [([*rates, *rates], [0])] if len(rates) > 1 else []
        assert asked == [*choosing, ([max(rates)] * 2, [*NETWORKS[name].seeds])]
        assert [row["seed"] for row in rows] == [*NETWORKS[name].seeds] * 2


def test_what_a_sweep_made_is_scored_and_not_made_again(tmp_path: Path) -> None:
    key = GATED.shown(0.01)[0]
    made = experiment(GATED, 0.01).replace(budget=Budget(steps=2))
    source = chomsky_plan.__file__
    (run_id,) = curriculum.sweep(
        [made], seeds=[key["seed"]], store=tmp_path, source=source, mirror=False, threads=1
    ).run_ids
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chomsky, "experiment", lambda cell, rate: made)
        row = chomsky.scored(key, tmp_path)
    assert (row["steps"], row["status"]) == (2, "stopped")
    assert row["scores"].keys() == {str(length) for length in LENGTHS}
    assert [folder.path.name for folder in Store(tmp_path).runs()] == [run_id]


def test_the_heat_map_shows_each_mean_and_leaves_out_what_was_not_made() -> None:
    rows = [row(GATED, 1e-3, seed=seed, score=1) for seed in GATED.seeds]
    rows += [row(UNIFORM, 1e-3, seed=UNIFORM.seeds[0], score=0.53)]
    gated, uniform, difference = heat_map(rows).axes[:3]
    assert [text.get_text() for text in gated.texts] == ["100"]
    assert [text.get_text() for text in uniform.texts] == ["53"]
    assert [text.get_text() for text in difference.texts] == ["47"]
    assert gated.texts[0].get_position() == (0, 0)  # parity, by the first network


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
    assert lines[-1] == "4 of 450 runs were made."
    assert len({line.count(" | ") for line in lines[:3]}) == 1


def test_an_empty_table_says_so() -> None:
    assert chomsky_table([[]]).endswith("0 of 450 runs were made.")
