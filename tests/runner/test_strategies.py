"""Every strategy through a whole run: what it draws is on record, and its state survives."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recorded_events import of_kind, recorded

import curriculum
from curriculum import (
    Adam,
    Budget,
    CheckpointPolicy,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    RunResult,
    Stage,
    StopRequest,
    Training,
    Tuning,
    UsageError,
)
from curriculum.learn import Learner, Model, batch_of
from curriculum.models import Bert, Seq2Seq
from curriculum.plan import STRATEGIES
from curriculum.record import Evaluated, Record, Store
from curriculum.tasks import Reverse

NAMES = list(STRATEGIES)
WITHOUT_STATE = {"uniform", "combined", "look_back", "look_back_and_ahead", "root"}
"""Strategies that keep nothing from draw to draw; by default `mixed` and `linear` are tried for them."""

RESUMED = [
    pytest.param(name, marks=pytest.mark.exhaustive) if name in WITHOUT_STATE else name
    for name in NAMES
]


def run(experiment: Experiment, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, store=store, mirror=False, **more)


@pytest.fixture
def limited(tiny: Experiment) -> Experiment:
    """Lengths 2 to 8, for at most 60 steps, of a model too small to get far in them."""
    return tiny.replace(
        growth=Geometric(start=Stage(2), end=Stage(8)),
        budget=Budget(steps=60, steps_per_stage=400),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(batch_size=8, eval_every=10),
    )


WholeRuns = Callable[[str, Experiment], tuple[Path, RunResult]]


@pytest.fixture(scope="module")
def whole_runs(tmp_path_factory: pytest.TempPathFactory) -> WholeRuns:
    """The run of a strategy without an interrupt, with a checkpoint of each step; not to change."""
    found: dict[str, tuple[Path, RunResult]] = {}

    def whole_run(name: str, experiment: Experiment) -> tuple[Path, RunResult]:
        if name not in found:
            store = tmp_path_factory.mktemp("whole")
            policy = CheckpointPolicy(every=0.0, keep=100)
            found[name] = store, run(experiment, store, checkpoints=policy)
        return found[name]

    return whole_run


@pytest.mark.parametrize("name", RESUMED)
def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been(
    name: str, limited: Experiment, store: Path, whole_runs: WholeRuns
) -> None:
    experiment = limited.with_strategy(name)
    whole_store, whole = whole_runs(name, experiment)
    assert whole.steps > 30
    # Interrupted twice: before the first step after an evaluation, and once more further on.
    for evaluations in (2, 4):
        stop, seen = StopRequest(), 0

        def listener(
            record: Record, stop: StopRequest = stop, evaluations: int = evaluations
        ) -> None:
            nonlocal seen
            seen += isinstance(record.event, Evaluated)
            if seen == evaluations:
                stop.request()

        cut = run(experiment, store, listener=listener, stop=stop, resume=evaluations > 2)
        assert cut.status == "interrupted"
    resumed = run(experiment, store, resume=True, checkpoints=CheckpointPolicy(every=0.0))
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.reach == whole.reach
    assert recorded(store) == recorded(whole_store)


@pytest.mark.parametrize("name", [name for name in RESUMED if name != "auto"])
def test_a_state_saved_between_two_evaluations_is_complete(
    name: str, limited: Experiment, store: Path, whole_runs: WholeRuns
) -> None:
    whole_store, whole = whole_runs(name, limited.with_strategy(name))
    shutil.copytree(whole_store, store)
    folder = Store(store).find("last")
    within = [path.name for path in folder.checkpoint_folders() if "-" in path.name]
    assert within
    for path in folder.checkpoint_folders():  # all states after one within training are lost
        if path.name > within[len(within) // 2]:
            folder.remove_checkpoint(path.name)
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:-1]))  # else it is over
    resumed = curriculum.resume(folder.id, store=store, mirror=False)
    assert resumed.weights_sha256 == whole.weights_sha256


@pytest.mark.parametrize("name", [name for name in NAMES if name != "guess"])
def test_what_was_drawn_is_on_record(name: str, limited: Experiment, whole_runs: WholeRuns) -> None:
    store, _ = whole_runs(name, limited.with_strategy(name))
    evaluations = of_kind(Evaluated, recorded(store))
    drawn = [event.examples_by_stage for event in evaluations]
    assert sum(sum(examples.values()) for examples in drawn) == 8 * evaluations[-1].cost.steps
    lengths = {stage.length for examples in drawn for stage in examples}
    assert lengths <= {2, 3, 5, 8}
    assert (len(lengths) > 1) == (name != "direct")


@pytest.mark.parametrize(
    "model",
    [
        Bert(hidden_size=16, layers=1, head_size=8),
        Bert(hidden_size=16, layers=1, head_size=8, positions="sinusoidal"),
        Seq2Seq(hidden_size=8, embedding_size=4),
        Seq2Seq(hidden_size=8, embedding_size=4, attention="dot"),
    ],
)
@pytest.mark.parametrize("name", ["mixed", "combined", "bandit"])
def test_several_lengths_and_vocabularies_train_other_models_too(
    name: str, model: Model, store: Path
) -> None:
    experiment = Experiment(
        task=Reverse(),
        model=model,
        growth=Explicit(lengths=(3, 5, 5), vocab_sizes=(4, 4, 6)),
        criterion=Mastery(threshold=0.9),
        budget=Budget(steps=20),
        training=Training(batch_size=8, eval_every=10),
    )
    result = run(experiment.with_strategy(name), store)
    assert result.steps == 20
    evaluations = of_kind(Evaluated, recorded(store))
    drawn = {stage for event in evaluations for stage in event.examples_by_stage}
    assert len(drawn) >= 3
    assert name == "bandit" or Stage(3, 6) in drawn  # which is not on the path


def longest_step(experiment: Experiment) -> float:
    """What a step on the last stage is charged."""
    device = torch.device("cpu")
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=device)
    size, last = experiment.training.batch_size, experiment.growth.path()[-1]
    batch = batch_of(experiment.task, last, size, seed=0, stream="train", index=0)
    return learner.step_compute(batch)


def test_a_limit_in_compute_ends_within_a_step(limited: Experiment, store: Path) -> None:
    """The last interval of steps is cut short, so that budgets are matched."""
    for name in ("direct", "uniform", "bandit"):
        experiment = limited.with_strategy(name).replace(
            budget=Budget(compute=1e10, steps_per_stage=400),
            training=Training(batch_size=8, eval_every=1000),
        )
        result = run(experiment, store / name)
        an_evaluation = of_kind(Evaluated, recorded(store / name))[0].cost.compute
        a_step = longest_step(experiment)
        assert 1e10 <= result.compute < 1e10 + 2 * a_step + 9 * an_evaluation


def test_a_limit_in_tokens_ends_a_run(limited: Experiment, store: Path) -> None:
    experiment = limited.with_strategy("direct").replace(
        budget=Budget(tokens=2_000, steps_per_stage=400)
    )
    result = run(experiment, store)
    assert result.tokens == 2_048  # 64 a step
    assert result.ending.endswith("the run's budget of 2,000 tokens is used up")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("linear", {"budget": Budget(seconds=9.0)}, "give it budget.steps, budget.tokens or"),
        ("bandit", {"budget": Budget()}, "the whole run needs a limit"),
        ("bandit", {"tuning": Tuning(mode="each")}, "set tuning.mode off"),
    ],
)
def test_what_a_strategy_can_not_do_is_refused(
    name: str, changes: dict[str, Any], message: str, limited: Experiment
) -> None:
    with pytest.raises(UsageError, match=message):
        limited.with_strategy(name).replace(**changes)


def test_a_task_without_a_stage_that_may_be_drawn_is_an_error() -> None:
    class Odd(Reverse):
        def check(self, stage: Stage) -> None:
            if stage.length * stage.vocab_size > 20:
                raise UsageError("too much")

    experiment = Experiment(
        task=Odd(), model=Bert(), growth=Explicit(lengths=(2, 5), vocab_sizes=(10, 4))
    )
    with pytest.raises(UsageError, match="Odd or the model has no length 5, vocabulary 10"):
        experiment.with_strategy("mixed")


def test_a_strategy_brings_the_limit_that_it_needs(tiny: Experiment) -> None:
    assert tiny.with_strategy("bandit").budget.steps == 400 * 3
    assert tiny.with_strategy("gated").budget == tiny.budget
    in_seconds = tiny.replace(budget=Budget(seconds=5.0))
    assert in_seconds.with_strategy("bandit").budget == Budget(seconds=5.0)
    assert in_seconds.with_strategy("root").budget.steps == 2000 * 3
    tuned = tiny.replace(tuning=Tuning(mode="each"))
    assert not tuned.with_strategy("uniform").tuning.is_on
    assert tuned.with_strategy("look_back").tuning.is_on
