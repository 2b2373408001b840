"""What is evaluated once training is over, and what counts as held, retained, extrapolated."""

from pathlib import Path
from typing import Any

import pytest
import torch
from recorded_events import kinds, of_kind, recorded

import curriculum
from curriculum import (
    Adam,
    Budget,
    Experiment,
    Explicit,
    FinalEvaluation,
    Mastery,
    RunResult,
    Stage,
    StopRequest,
    Training,
    UsageError,
)
from curriculum.cli.main import main
from curriculum.learn import Evaluator, Learner, batch_of
from curriculum.models import Bert, Recurrent
from curriculum.record import (
    FinalEvaluated,
    History,
    Record,
    RetentionMeasured,
    RunEnded,
    Store,
    TrainingEnded,
    VisitEnded,
    describe_run,
)
from curriculum.report import closing, outcome
from curriculum.runner import FinalEvaluator
from curriculum.tasks import Reverse

CPU = torch.device("cpu")


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
    assert FinalEvaluation(beyond=beyond).lengths(longest) == lengths


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "maybe"}, "final_evaluation.mode must be on or off, got 'maybe'"),
        ({"beyond": 0.5}, "final_evaluation.beyond must be at least 1, got 0.5"),
        ({"examples": 0}, "final_evaluation.examples must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FinalEvaluation(**settings)


class Minimum(torch.nn.Module):
    """Solves first bit for inputs up to some length, and gives 1 for longer ones."""

    def __init__(self, upto: int) -> None:
        super().__init__()
        self.upto = upto
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output = inputs.min(dim=1).values.float() - 0.5
        return output if inputs.shape[1] <= self.upto else torch.ones(len(inputs))


def correct_up_to(length: int, experiment: Experiment) -> Learner:
    return Learner(Minimum(length), experiment.recipe, CPU, shape=experiment.shape)


def evaluated_on_path(learner: Learner, experiment: Experiment) -> dict[Stage, FinalEvaluated]:
    """By stage, the final evaluation of a run that has mastered nothing."""
    history = History(describe_run(experiment, 0, CPU))
    found = list(FinalEvaluator(experiment, seed=0).evaluate(learner, history))
    assert not any(event.beyond for event in found)
    return {event.stage: event for event in found}


def test_a_stage_of_few_inputs_is_tested_on_all_and_a_long_one_on_a_sample(
    tiny: Experiment,
) -> None:
    evaluator = FinalEvaluator(tiny, seed=0)
    on_path = evaluated_on_path(correct_up_to(10**6, tiny), tiny)
    assert [*on_path] == [Stage(2), Stage(3), Stage(5)]
    found = on_path[Stage(5)]
    assert (found.passes, found.examples, found.score) == (True, 6, 1.0)
    found = evaluator.beyond(correct_up_to(10**6, tiny), Stage(7), 300)
    assert (found.passes, found.examples, found.score, found.beyond) == (True, 8, 1.0, True)
    found = evaluator.beyond(correct_up_to(10**6, tiny), Stage(3000), 300)
    assert (found.passes, found.examples, found.beyond) == (True, 300, True)
    assert "on 300 fresh examples (78 distinct), lower bound 0.99" in found.reason
    assert not evaluator.beyond(correct_up_to(2999, tiny), Stage(3000), 300).passes
    assert not evaluated_on_path(correct_up_to(4, tiny), tiny)[Stage(5)].passes


def test_no_screen_decides_beforehand(tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many inputs, too: an unlucky screen would fail a model that passes."""
    monkeypatch.setattr(Evaluator, "_screen_batch", pytest.fail)
    longer = tiny.replace(growth=Explicit(lengths=(200,)), criterion=Mastery(threshold=0.9))
    for experiment in (
        tiny,
        longer,
        longer.replace(task=Reverse(), model=Bert(hidden_size=8, head_size=4)),
    ):
        learner = Learner.start(
            experiment.shape, experiment.recipe, seed=0, device=torch.device("cpu")
        )
        assert evaluated_on_path(learner, experiment)


def test_too_few_examples_to_show_anything_are_an_error(tiny: Experiment) -> None:
    evaluator = FinalEvaluator(tiny, seed=0)
    with pytest.raises(
        UsageError, match=r"9 examples, all correct, would show a score of 0\.72 at most"
    ):
        evaluator.beyond(correct_up_to(10**6, tiny), Stage(3000), 9)
    with pytest.raises(
        UsageError, match=r"final_evaluation\.examples 9 .* all are correct, it takes 69"
    ):
        tiny.replace(final_evaluation=FinalEvaluation(examples=9))
    assert tiny.replace(final_evaluation=FinalEvaluation(examples=9, mode="off"))
    assert tiny.replace(
        final_evaluation=FinalEvaluation(examples=9), criterion=Mastery(threshold=0.5)
    )


def test_its_examples_are_not_those_of_the_gate(tiny: Experiment) -> None:
    gate = batch_of(tiny.task, Stage(30), 64, seed=0, stream="gate/screen", index=0)
    own = batch_of(tiny.task, Stage(30), 64, seed=0, stream="certificate/screen", index=0)
    assert (gate.inputs != own.inputs).any()


def run(experiment: Experiment, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def test_a_run_ends_with_what_its_final_model_holds(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    events = recorded(store)
    in_order = kinds(events)
    first = in_order.index(FinalEvaluated)
    assert set(in_order[first:-1]) == {FinalEvaluated}
    assert in_order[-1] is RunEnded
    assert all(
        in_order[place + 1] is VisitEnded
        for place, kind in enumerate(in_order)
        if kind is RetentionMeasured
    )
    path = [*tiny.growth.path()]
    found = of_kind(FinalEvaluated, events)
    assert [event.stage for event in found if not event.beyond] == path
    assert [event.stage.key for event in found if event.beyond] == ["7x2", "10x2", "14x2", "20x2"]
    held = tuple(event.stage for event in found if event.passes and not event.beyond)
    assert result.held == held
    assert of_kind(RunEnded, events)[0].held == held
    retention = of_kind(RetentionMeasured, events)
    assert [event.stage for event in retention] == path  # each was mastered once
    assert all([*event.scores] == path for event in retention)
    assert retention[-1].scores[path[-1]] == 1.0
    assert retention[0].scores[path[0]] == 1.0
    assert "The final model still passes" in closing(History.of(Store(store).find("last")))


def test_what_training_came_to_is_told_before_it(tiny: Experiment, store: Path) -> None:
    told: list[str] = []

    def listener(record: Record) -> None:
        if isinstance(record.event, FinalEvaluated):
            told.append("evaluated")

    def on_trained(history: History) -> None:
        told.append(closing(history, running=True))

    run(tiny, store, listener=listener, on_trained=on_trained)
    assert told[0].startswith("Target reached: every stage up to length 5 mastered; ")
    assert told[0].endswith("s. The final evaluation is not over (running).")
    assert set(told[1:]) == {"evaluated"}
    assert kinds(recorded(store)).index(TrainingEnded) < kinds(recorded(store)).index(
        FinalEvaluated
    )


def test_a_run_that_is_stopped_within_it_tells_what_training_came_to(
    tiny: Experiment, store: Path
) -> None:
    stop, told = StopRequest(), list[str]()

    def on_trained(history: History) -> None:
        told.append(outcome(history))
        stop.request()

    result = run(tiny, store, stop=stop, on_trained=on_trained)
    assert result.status == "interrupted"
    history = History.of(Store(store).find("last"))
    assert closing(history) == f"{told[0]} The final evaluation is not over (interrupted)."
    resumed = curriculum.resume("last", store=store, mirror=False, on_trained=on_trained)
    assert resumed.status == "reached"
    assert told[1] == told[0]


def test_it_is_not_charged_to_the_budget(tiny: Experiment, store: Path) -> None:
    with_it = run(tiny, store / "on")
    without = run(tiny.replace(final_evaluation=FinalEvaluation(mode="off")), store / "off")
    assert with_it.compute == without.compute
    assert with_it.weights_sha256 == without.weights_sha256
    assert without.held == ()
    assert not of_kind(FinalEvaluated, recorded(store / "off"))
    assert of_kind(FinalEvaluated, recorded(store / "on"))


def test_a_run_that_is_interrupted_within_it_can_be_resumed(tiny: Experiment, store: Path) -> None:
    whole = run(tiny, store / "whole")
    stop, seen = StopRequest(), 0

    def listener(record: Record) -> None:
        nonlocal seen
        seen += isinstance(record.event, FinalEvaluated | RetentionMeasured)
        if seen == 6:
            stop.request()

    cut = run(tiny, store / "cut", stop=stop, listener=listener)
    assert cut.status == "interrupted"
    assert run(tiny, store / "cut", resume=True).held == whole.held
    assert recorded(store / "cut") == recorded(store / "whole")


def test_where_nothing_was_mastered_nothing_is_evaluated_beyond(
    tiny: Experiment, store: Path
) -> None:
    result = run(tiny.replace(budget=Budget(steps_per_stage=1)), store)
    assert (result.reach, result.retained, result.extrapolated) == (None, None, None)
    found = of_kind(FinalEvaluated, recorded(store))
    assert found
    assert not any(event.beyond for event in found)


def test_a_model_with_positions_of_its_own_is_not_evaluated_on_longer_inputs(store: Path) -> None:
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
    found = of_kind(FinalEvaluated, recorded(store))
    assert [event.stage.key for event in found] == ["1x2", "2x2"]
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=CPU)
    evaluator = FinalEvaluator(experiment, seed=0)
    assert not evaluator.accepts(learner, Stage(3, 2))
    assert evaluator.accepts(learner, Stage(1, 2))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(
    ("length", "hidden_size"),
    [
        pytest.param(3_000, 4, id="read whole"),
        pytest.param(10_000, 64, id="read in pieces"),
        pytest.param(100_000, 4, id="very long", marks=pytest.mark.exhaustive),
    ],
)
def test_a_recurrent_model_is_evaluated_on_any_length(
    cell: Any, length: int, hidden_size: int, tiny: Experiment
) -> None:
    experiment = tiny.replace(model=Recurrent(cell=cell, hidden_size=hidden_size))
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=CPU)
    evaluator = FinalEvaluator(experiment, seed=0)
    assert evaluator.accepts(learner, Stage(10**6))
    read: list[int] = []
    assert evaluator.beyond(learner, Stage(length), 80, read.append).examples == 80
    in_pieces = length * hidden_size > 2**19
    assert sum(read) == (80 * length if in_pieces else 0)


def test_certify_evaluates_the_path_again_or_a_length(
    tiny: Experiment, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(tiny, store)
    arguments = ["certify", "last", "--store", str(store)]
    code = main(arguments)
    assert code == (0 if result.extrapolated == 20 and len(result.held) == 3 else 3)
    assert "all 4 inputs" in " ".join(capsys.readouterr().out.split())
    assert main([*arguments, "--length", "3000", "--examples", "99", "--json"]) in (0, 3)
    assert '"examples": 99' in capsys.readouterr().out
    assert main([*arguments, "--length", "1"]) == 2
    assert "first bit needs a length of at least 2" in capsys.readouterr().err
    assert main([*arguments, "--length", "many"]) == 2
    assert main([*arguments, "--length", "5", "--vocab-size", "9"]) == 2
