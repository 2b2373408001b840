"""Every strategy through a whole run: what it draws is on record, and its state survives."""

from pathlib import Path
from typing import Any

import pytest

import curriculum
from curriculum import (
    STRATEGIES,
    Adam,
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Result,
    Saving,
    Stage,
    Stop,
    Training,
    UsageError,
)
from curriculum.models import Bert, Seq2Seq
from curriculum.record.journal import Record, content_of, read_journal
from curriculum.record.store import Store
from tasks import Reverse

NAMES = list(STRATEGIES)


def run(experiment: Experiment, store: Path, **more: Any) -> Result:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def told(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


@pytest.fixture
def limited(tiny: Experiment) -> Experiment:
    """Lengths 2 to 8, for at most 90 steps, of a model too small to get far in them."""
    return tiny.but(
        growth=Geometric(start=Stage(2), until=Stage(8)),
        budget=Budget(steps=90, steps_per_stage=400),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(batch_size=8, look_every=15),
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    name: str, limited: Experiment, store: Path
) -> None:
    experiment = limited.under(name)
    whole = run(experiment, store / "whole")
    assert whole.steps > 30
    # Stopped twice: at a look, and at a step between two.
    for looks in (2, 4):
        stop, seen = Stop(), 0

        def impatient(record: Record, stop: Stop = stop, looks: int = looks) -> None:
            nonlocal seen
            seen += record["kind"] == "look"
            if seen == looks:
                stop.request()

        run(experiment, store / "cut", listener=impatient, stop=stop, resume=looks > 2)
    gone_on = run(experiment, store / "cut", resume=True, saving=Saving(every=0.0))
    assert gone_on.weights_sha256 == whole.weights_sha256
    assert gone_on.reach == whole.reach
    assert list(map(content_of, told(store / "cut"))) == list(
        map(content_of, told(store / "whole"))
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_state_saved_between_two_looks_is_all_of_it(
    name: str, limited: Experiment, store: Path
) -> None:
    experiment = limited.under(name)
    whole = run(experiment, store / "whole", saving=Saving(every=0.0, keep=100))
    folder = Store(store / "whole").find("last")
    amid = [path for path in folder.saved if "-" in path.name]
    assert amid
    cut = store / "whole" / "runs" / folder.id
    for path in folder.saved:  # but one of those amid training, all later states are lost
        if path.name > amid[len(amid) // 2].name:
            folder.remove_checkpoint(path.name)
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:-1]))  # else it is over
    assert cut.is_dir()
    assert curriculum.resume(folder.id, store=store / "whole", mirror=False).weights_sha256 == (
        whole.weights_sha256
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "guess"])
def test_what_was_drawn_is_on_record(name: str, limited: Experiment, store: Path) -> None:
    run(limited.under(name), store)
    looks = [record for record in told(store) if record["kind"] == "look"]
    drawn = [look["drawn"] for look in looks if "drawn" in look]
    assert sum(sum(stages.values()) for stages in drawn) == 8 * looks[-1]["spent"]["steps"]
    lengths = {int(key.split("x")[0]) for stages in drawn for key in stages}
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
    name: str, model: Any, store: Path
) -> None:
    experiment = Experiment(
        task=Reverse(),
        model=model,
        growth=Explicit(lengths=(3, 5, 5), vocab_sizes=(4, 4, 6)),
        criterion=Mastery(threshold=0.9),
        budget=Budget(steps=20),
        training=Training(batch_size=8, look_every=10),
    )
    result = run(experiment.under(name), store)
    assert result.steps == 20
    drawn = {key for record in told(store) for key in record.get("drawn", {})}
    assert len(drawn) >= 3
    assert name == "bandit" or "3x6" in drawn  # which is not on the path


def test_a_limit_in_compute_ends_within_a_step(limited: Experiment, store: Path) -> None:
    """The last interval of steps is cut short, so that budgets are matched."""
    for name in ("direct", "uniform", "bandit"):
        experiment = limited.under(name).but(
            budget=Budget(compute=1.5e8, steps_per_stage=400),
            training=Training(batch_size=8, look_every=1000),
        )
        result = run(experiment, store / name)
        looks = [record for record in told(store / name) if record["kind"] == "look"]
        one_look = looks[0]["spent"]["compute"]
        a_step = 8 * 8 * 51_000
        assert 1.5e8 <= result.compute < 1.5e8 + 2 * a_step + 9 * one_look


def test_a_limit_in_tokens_ends_a_run(limited: Experiment, store: Path) -> None:
    experiment = limited.under("direct").but(budget=Budget(tokens=2_000, steps_per_stage=400))
    result = run(experiment, store)
    assert result.tokens == 2_048  # 64 a step
    assert result.ending.endswith("the run's 2,000 tokens are used up")


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("linear", {"budget": Budget(seconds=9.0)}, "give it budget.steps, budget.tokens or"),
        ("bandit", {"budget": Budget()}, "the whole run needs a limit"),
        ("bandit", {"tuning": curriculum.Tuning(mode="each")}, "set tuning.mode off"),
    ],
)
def test_what_a_strategy_can_not_do_is_said(
    name: str, changes: Any, said: str, limited: Experiment
) -> None:
    with pytest.raises(UsageError, match=said):
        limited.under(name).but(**changes)


def test_a_task_without_a_stage_that_may_be_drawn_is_an_error(limited: Experiment) -> None:
    class Odd(Reverse):
        def check(self, stage: Stage) -> None:
            if stage.length * stage.vocab_size > 20:
                raise UsageError("too much")

    experiment = Experiment(
        task=Odd(), model=Bert(), growth=Explicit(lengths=(2, 5), vocab_sizes=(10, 4))
    )
    with pytest.raises(UsageError, match="Odd or the model has no length 5, vocabulary 10"):
        experiment.under("mixed")


def test_a_strategy_brings_the_limit_that_it_needs(tiny: Experiment) -> None:
    assert tiny.under("bandit").budget.steps == 400 * 3
    assert tiny.under("gated").budget == tiny.budget
    assert tiny.but(budget=Budget(seconds=5.0)).under("bandit").budget == Budget(seconds=5.0)
    assert tiny.but(budget=Budget(seconds=5.0)).under("root").budget.steps == 2000 * 3
    tuned = tiny.but(tuning=curriculum.Tuning(mode="each"))
    assert not tuned.under("uniform").tuning.is_on
    assert tuned.under("look_back").tuning.is_on
