"""Every shipped experiment, end to end at a tiny size."""

from pathlib import Path

import pytest

import curriculum
from curriculum import Direct, Experiment, Stage
from curriculum.config import list_experiments, load_experiment, override

TINY = (
    {
        "lstm_firstbit": "--growth.end 3 --model.hidden-size 4",
        "gru_firstbit": "--growth.end 3 --model.hidden-size 4",
        "rnn_firstbit": "--growth.end 3 --model.hidden-size 4",
        "bert_reverse": "--growth.start.length 2 --growth.start.vocab-size 3 --growth.end.length 3 "
        "--growth.end.vocab-size 4 --model.hidden-size 8 --model.head-size 4",
        "lstm_adding": "--growth.start 6 --growth.end 8 --model.hidden-size 4",
        "lstm_adding_500": "--growth.start 6 --growth.end 8 --model.hidden-size 4",
        "lstm_latch": "--growth.start 4 --growth.end 6 --model.hidden-size 4",
        "gru_subsequence": "--growth.start 4 --growth.end 6 --model.hidden-size 4",
        "gru_subsequence_attention": "--growth.start 4 --growth.end 6 --model.hidden-size 4",
        "bert_associative_recall": "--growth.lengths 4 8 --growth.vocab-sizes 6 "
        "--growth.levels 1 2 --model.hidden-size 8 --model.head-size 4",
        "bert_pointer_chasing": "--growth.start.length 3 --growth.end.length 3 --growth.end.level 2 "
        "--model.hidden-size 8 --model.head-size 4",
        "decoder_arithmetic": "--growth.end.level 1 --model.hidden-size 4 --model.head-size 4",
        "gru_addition": "--growth.end 2 --model.hidden-size 4",
        "lstm_addition": "--growth.end 2 --model.hidden-size 4",
        "lstm_anbn": "--growth.end 3 --model.hidden-size 4",
        "lstm_anbncn": "--growth.end 3 --model.hidden-size 4",
        "lstm_copy_memory": "--growth.end 2 --task.remembered 2 --model.hidden-size 4",
        "lstm_dyck_allowed": "--growth.end.length 4 --model.hidden-size 4",
        "lstm_dyck_closing": "--growth.start.length 4 --growth.end.length 6 --growth.end.level 2 "
        "--growth.step 2 --model.hidden-size 4",
        "lstm_dyck_membership": "--growth.end 4 --model.hidden-size 4",
        "stdlib_lm": "--growth.start 4 --growth.end 8 --model.hidden-size 8 --criterion.per-stage "
        "--task.evaluation-documents 100",
        "digits_series": "--model.hidden-size 4 --growth.end.level 2 --task.evaluation-examples 16",
        "text_labels": "--growth.start 128 --growth.end 200 --model.hidden-size 8 "
        "--criterion.per-stage 128 0.01 --task.evaluation-examples 16",
        "stack_rnn_reverse": "--growth.end 3 --model.hidden-size 4",
        "lstm_temporal_order": "--growth.end 12 --model.hidden-size 4",
        "lstm_temporal_order_3": "--growth.end 12 --model.hidden-size 4",
    }
    | {
        f"{cell}_{task}": f"--growth.end {end} --model.hidden-size 4"
        for cell, tasks, end in (
            ("rnn", ("parity", "even_pairs", "cycle_navigation"), 3),
            ("lstm", ("modular_arithmetic", "bracketed_arithmetic", "reverse", "duplicate"), 3),
            ("lstm", ("stack_manipulation", "odds_first", "missing_duplicate", "bucket_sort"), 3),
            ("lstm", ("solve_equation",), 4),
            ("gru", ("binary_addition", "binary_multiplication", "square_root"), 4),
        )
        for task in tasks
    }
    | {
        f"human_numbers_{net}": "--growth.vocab-sizes 19 29 --model.hidden-size 4"
        for net in ("unrolled", "loop", "every_word", "stateful", "rnn", "gru")
    }
)
QUICK = (
    "--budget.steps-per-stage 4 --budget.steps 8 --training.eval-every 2 "
    "--criterion.threshold 0.01 --criterion.min-steps 2"
)
RECIPES = {
    "bert_reverse:seed_100_1000": "--model.hidden-size 8 --model.head-size 4 --model.layers 2 "
    "--growth.lengths 5 --growth.vocab-sizes 10",
    "gru_subsequence:seed": "--model.hidden-size 4 --growth.lengths 6",
} | {f"human_numbers_{net}:seed": "--model.hidden-size 4" for net in
     ("unrolled", "loop", "every_word", "stateful", "rnn", "gru")}  # fmt: skip


def tiny(name: str, settings: str) -> Experiment:
    return override(load_experiment(name)[0], f"{settings} {QUICK}".split())


def test_no_shipped_experiment_is_missing() -> None:
    listed = [listing.name for listing in list_experiments()]
    assert sorted(TINY) == sorted(name for name in listed if ":" not in name)


@pytest.mark.parametrize("name", TINY)
def test_it_runs_to_an_end(name: str, store: Path) -> None:
    if name == "decoder_arithmetic":
        pytest.importorskip("reasoning_gym", reason="an extra that isn't installed")
    result = curriculum.run(tiny(name, TINY[name]), 0, store=store, mirror=False)
    assert result.status in ("reached", "stopped")
    assert result.steps > 0
    curriculum.load(result.run_id, store=store)


@pytest.mark.parametrize("name", RECIPES)
def test_the_notebooks_recipe_trains_on_its_last_stage_for_its_whole_budget(
    name: str, store: Path
) -> None:
    experiment = tiny(name, RECIPES[name])
    assert experiment.pacing == Direct()
    changes = ["--criterion.min-steps", "8", "--final-evaluation.mode", "off"]
    experiment = override(experiment, changes)
    result = curriculum.run(experiment, 0, store=store, mirror=False)
    assert result.steps == 8
    assert len(result.stages) == 1


PAIRS = {
    "BERT on first bit": "lstm_firstbit --model bert --model.hidden-size 8 --model.head-size 4 "
    "--growth.end 3",
    "a tagger on reversal": "bert_reverse --model recurrent --model.bidirectional "
    "--model.embedding-size 4 --model.hidden-size 8 --growth.start.length 2 "
    "--growth.end.length 3 --growth.end.vocab-size 10",
    "padded reversal": "bert_reverse --task.end-marker --task.shorter --model.hidden-size 8 "
    "--model.head-size 4 --growth.start.length 2 --growth.end.length 3 "
    "--growth.end.vocab-size 20",
    "an LSTM language model": "human_numbers_gru --model.net lstm --growth.vocab-sizes 19 "
    "--model.hidden-size 4",
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_other_pairs_are_made_by_overrides(pair: str, store: Path) -> None:
    name, _, settings = pair.partition(" ")
    result = curriculum.run(tiny(name, settings), 0, store=store, mirror=False)
    assert result.steps > 0


def test_the_notebooks_budgets_are_whole_epochs() -> None:
    for name in RECIPES:
        experiment, _ = load_experiment(name)
        steps, every = experiment.budget.steps, experiment.training.eval_every
        assert steps is not None
        assert steps % every == 0
        assert experiment.criterion.min_steps == steps
    words, _ = load_experiment("human_numbers_gru:seed")
    assert Stage.covering(words.growth.path()) == Stage(20, 39)
