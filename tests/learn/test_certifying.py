"""What is retested once training is over, and what counts as held, retained, extrapolated."""

from pathlib import Path
from typing import Any

import pytest
import torch

import curriculum
from curriculum import (
    Adam,
    Budget,
    Certificate,
    Experiment,
    Explicit,
    Mastery,
    Stage,
    Stop,
    Training,
    UsageError,
)
from curriculum.cli import main
from curriculum.learn.certifying import Certifier
from curriculum.learn.learner import Learner
from curriculum.learn.randomness import batch_of
from curriculum.models import Bert, Recurrent
from curriculum.record.history import History
from curriculum.record.journal import Record, content_of, read_journal
from curriculum.record.store import Store
from curriculum.report.explain import closing
from tasks import FirstBit, Reverse


@pytest.mark.parametrize(
    ("beyond", "longest", "lengths"),
    [
        (4.0, 100, [141, 200, 283, 400]),
        (4.0, 2, [3, 4, 6, 8]),
        (1.0, 100, []),
        (2.5, 10, [14, 20, 25]),
        (4.0, 1, [2, 3, 4]),
    ],
)
def test_lengths_beyond(beyond: float, longest: int, lengths: list[int]) -> None:
    assert Certificate(beyond=beyond).lengths(longest) == lengths


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mode": "maybe"}, "certificate.mode must be on or off, got 'maybe'"),
        ({"beyond": 0.5}, "certificate.beyond must be at least 1, got 0.5"),
        ({"examples": 0}, "certificate.examples must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Certificate(**settings)


class Minimum(torch.nn.Module):
    """Knows first bit for inputs up to some length, and answers 1 for longer ones."""

    def __init__(self, upto: int) -> None:
        super().__init__()
        self.upto = upto
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        answer = inputs.min(dim=1).values.float() - 0.5
        return answer if inputs.shape[1] <= self.upto else torch.ones(len(inputs))


def knowing(upto: int, experiment: Experiment) -> Learner:
    return Learner(Minimum(upto), experiment.recipe, torch.device("cpu"), shape=experiment.shape)


def test_a_stage_of_few_inputs_is_tested_on_all_and_a_long_one_on_a_sample(
    tiny: Experiment,
) -> None:
    certifier = Certifier(tiny.task, tiny.criterion, 0)
    found = certifier.test(knowing(10**6, tiny), Stage(5), target=True)
    assert (found.cleared, found.examples, found.score) == (True, 6, 1.0)
    found = certifier.test_beyond(knowing(10**6, tiny), Stage(3000), 300)
    assert (found.cleared, found.examples) == (True, 300)
    assert "of 300 fresh examples, lower bound 0.98" in found.reason
    assert not certifier.test_beyond(knowing(2999, tiny), Stage(3000), 300).cleared
    assert not certifier.test(knowing(4, tiny), Stage(5)).cleared


def test_too_few_examples_to_show_anything_are_an_error(tiny: Experiment) -> None:
    certifier = Certifier(tiny.task, tiny.criterion, 0)
    with pytest.raises(UsageError, match=r"9 examples, all right, would show 0\.68 at most"):
        certifier.test_beyond(knowing(10**6, tiny), Stage(3000), 9)
    with pytest.raises(UsageError, match=r"certificate\.examples 9 .* all right would need 69"):
        tiny.but(certificate=Certificate(examples=9))
    assert tiny.but(certificate=Certificate(examples=9, mode="off"))
    assert tiny.but(certificate=Certificate(examples=9), criterion=Mastery(threshold=0.5))


def test_its_examples_are_not_those_of_a_look(tiny: Experiment) -> None:
    gate = batch_of(tiny.task, Stage(30), 64, seed=0, stream="gate/screen", index=0)
    own = batch_of(tiny.task, Stage(30), 64, seed=0, stream="certificate/screen", index=0)
    assert (gate.inputs != own.inputs).any()


def told(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


def run(experiment: Experiment, store: Path, **more: Any) -> curriculum.Result:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def test_a_run_ends_with_what_its_final_model_holds(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    records = told(store)
    kinds = [record["kind"] for record in records]
    first = kinds.index("retest")
    assert set(kinds[first:]) == {"retest", "end"}
    assert all(kinds[n + 1] == "verdict" for n, kind in enumerate(kinds) if kind == "retention")
    path = [stage.key for stage in tiny.growth.path()]
    retests = [record for record in records if record["kind"] == "retest"]
    assert [r["stage"] for r in retests if not r["beyond"]] == path
    assert [r["stage"] for r in retests if r["beyond"]] == ["7x2", "10x2", "14x2", "20x2"]
    held = [r["stage"] for r in retests if r["cleared"] and not r["beyond"]]
    assert [stage.key for stage in result.held] == held
    assert records[-1]["held"] == held
    rows = [record for record in records if record["kind"] == "retention"]
    assert [row["stage"] for row in rows] == path  # each was mastered once
    assert all(list(row["scores"]) == path for row in rows)
    assert rows[-1]["scores"][path[-1]] == 1.0
    assert rows[0]["scores"][path[0]] == 1.0
    assert "Tested again" in closing(History.of(Store(store).find("last")))


def test_the_budget_pays_for_none_of_it(tiny: Experiment, store: Path) -> None:
    with_it = run(tiny, store / "on")
    without = run(tiny.but(certificate=Certificate(mode="off")), store / "off")
    assert with_it.compute == without.compute
    assert with_it.weights_sha256 == without.weights_sha256
    assert without.held == ()
    assert "retest" not in {record["kind"] for record in told(store / "off")}


def test_a_run_that_is_stopped_amid_it_goes_on(tiny: Experiment, store: Path) -> None:
    whole = run(tiny, store / "whole")
    stop, seen = Stop(), 0

    def impatient(record: Record) -> None:
        nonlocal seen
        seen += record["kind"] in ("retest", "retention")
        if seen == 6:
            stop.request()

    cut = run(tiny, store / "cut", stop=stop, listener=impatient)
    assert cut.status == "interrupted"
    assert run(tiny, store / "cut", resume=True).held == whole.held
    assert [content_of(r) for r in told(store / "cut")] == [
        content_of(r) for r in told(store / "whole")
    ]


def test_where_nothing_was_mastered_nothing_lies_beyond(tiny: Experiment, store: Path) -> None:
    result = run(tiny.but(budget=Budget(steps_per_stage=1)), store)
    assert (result.reach, result.retained, result.extrapolated) == (None, None, None)
    assert all(not record["beyond"] for record in told(store) if record["kind"] == "retest")


def test_a_model_with_places_of_its_own_is_not_asked_about_longer_inputs(store: Path) -> None:
    experiment = Experiment(
        task=Reverse(),
        model=Bert(hidden_size=16, head_size=8, layers=1),
        growth=Explicit(lengths=(1, 2), vocab_sizes=(2,)),
        criterion=Mastery(threshold=0.5, screen=16, examples=64),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(batch_size=16),
        budget=Budget(steps_per_stage=200),
    )
    run(experiment, store)
    stages = [record["stage"] for record in told(store) if record["kind"] == "retest"]
    assert stages == ["1x2", "2x2"]
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=torch.device("cpu"))
    certifier = Certifier(experiment.task, experiment.criterion, 0)
    assert not certifier.takes(learner, Stage(3, 2))
    assert certifier.takes(learner, Stage(1, 2))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_recurrent_model_is_asked_about_any_length(cell: Any, tiny: Experiment) -> None:
    experiment = tiny.but(model=Recurrent(cell=cell, hidden_size=4))
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=torch.device("cpu"))
    assert Certifier(FirstBit(), tiny.criterion, 0).takes(learner, Stage(10**6))
    found = Certifier(FirstBit(), tiny.criterion, 0).test_beyond(learner, Stage(100_000), 80)
    assert found.examples == 80


def test_certify_tests_the_path_again_or_a_length(
    tiny: Experiment, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(tiny, store)
    arguments = ["certify", "last", "--store", str(store)]
    code = main(arguments)
    assert code == (0 if result.extrapolated == 20 and len(result.held) == 3 else 3)
    assert "every one of 4 inputs" in " ".join(capsys.readouterr().out.split())
    assert main([*arguments, "--length", "3000", "--examples", "99", "--json"]) in (0, 3)
    assert '"examples": 99' in capsys.readouterr().out
    assert main([*arguments, "--length", "1"]) == 2
    assert "first bit needs a length of at least 2" in capsys.readouterr().err
    assert main([*arguments, "--length", "many"]) == 2
    assert main([*arguments, "--length", "5", "--vocab-size", "9"]) == 2
