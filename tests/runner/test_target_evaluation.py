"""Evaluations of the target ahead of the stages below it, which may be mastered by none of them."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from recorded_events import of_kind, recorded

import curriculum
from curriculum import (
    Backtracking,
    Batch,
    Budget,
    Experiment,
    FinalEvaluation,
    Geometric,
    LookBackAndAhead,
    Mastery,
    RunResult,
    Stage,
    StopRequest,
)
from curriculum.learn import OutputKind, Task
from curriculum.record import (
    Evaluated,
    Record,
    RunOverview,
    Store,
    TargetEvaluated,
    TargetScreened,
    VisitEnded,
)
from curriculum.sweeps import RunSummary
from curriculum.tasks import FirstBit


@dataclass(frozen=True, kw_only=True, slots=True)
class Odd(Task):
    """First bit, but below length 5 the targets are the opposite, or drawn at random."""

    below: Literal["opposite", "random"] = "opposite"
    as_usual: int = 0  # up to this length, targets are as usual too
    output: OutputKind = "bit"

    def check(self, stage: Stage) -> None:
        FirstBit().check(stage)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        batch = FirstBit(zeros="hard").sample(rng, stage, batch_size)
        if stage.length >= 5 or stage.length <= self.as_usual:
            return batch
        opposite = 1 - batch.targets
        targets = opposite if self.below == "opposite" else rng.permutation(opposite)
        return replace(batch, targets=targets)


@pytest.fixture
def odd(tiny: Experiment) -> Experiment:
    return tiny.replace(
        task=Odd(),
        criterion=Mastery(threshold=0.9, examples=128),
        budget=Budget(steps=100),
        final_evaluation=FinalEvaluation(examples=100),
    )


def run(experiment: Experiment, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def target_evaluations(store: Path) -> list[TargetEvaluated]:
    return of_kind(TargetEvaluated, recorded(store))


def gate_evaluations_before(store: Path, *, mastered: bool) -> list[Evaluated]:
    """The evaluations at the gate that were followed by one of the target, all or of its mastery."""
    found = []
    events = [each for each in recorded(store) if not isinstance(each, TargetScreened)]
    for before, after in itertools.pairwise(events):
        if isinstance(after, TargetEvaluated) and (after.mastered or not mastered):
            assert isinstance(before, Evaluated)
            found.append(before)
    return found


def test_a_target_that_is_mastered_without_the_stages_below_is_reached(
    odd: Experiment, store: Path
) -> None:
    result = run(odd.with_strategy("direct"), store)
    assert result.reach == Stage(5)
    assert result.status == "reached"
    assert (
        "is mastered before the stages below it, and the run's budget of 100 steps is used up"
        in result.ending
    )
    assert result.held == (Stage(5),)
    (end,) = of_kind(VisitEnded, recorded(store))
    assert (end.stage, end.reach) == (Stage(2), None)  # it was not mastered in order
    *failed, last = target_evaluations(store)
    assert last.mastered
    assert not any(event.mastered for event in failed)
    summary = RunSummary.of(RunOverview.of(Store(store).find("last")))
    (evaluated,) = gate_evaluations_before(store, mastered=True)
    assert list(summary.mastered) == [2]
    assert summary.mastered[2].without_clock() == evaluated.cost
    assert summary.mastered[2].steps < 100


def test_it_is_not_charged_to_the_run(odd: Experiment, store: Path) -> None:
    on = run(odd.with_strategy("direct"), store / "on")
    off = run(
        odd.replace(final_evaluation=FinalEvaluation(mode="off")).with_strategy("direct"),
        store / "off",
    )
    assert (on.compute, on.weights_sha256) == (off.compute, off.weights_sha256)
    assert target_evaluations(store / "on")
    assert target_evaluations(store / "off") == []
    assert (off.reach, off.status) == (None, "stopped")


def test_it_takes_as_many_consecutive_passes_as_the_gate(odd: Experiment, store: Path) -> None:
    criterion = odd.criterion.replace(consecutive_passes=3)
    run(odd.replace(criterion=criterion).with_strategy("direct"), store)
    found = target_evaluations(store)
    last = found[-1]
    assert last.mastered
    assert [event.cleared for event in found[-3:]] == [True] * 3
    assert not any(event.mastered for event in found[:-1])
    assert [event.evaluation - last.evaluation for event in found[-3:]] == [-2, -1, 0]


def test_a_target_that_is_not_trained_on_is_not_evaluated(tiny: Experiment, store: Path) -> None:
    run(tiny, store)
    assert target_evaluations(store) == []


@pytest.mark.parametrize("after", [3, 8, 14])
def test_an_interrupted_run_evaluates_the_target_as_it_would_have(
    after: int, odd: Experiment, store: Path
) -> None:
    experiment = odd.with_strategy("uniform")
    whole = run(experiment, store / "whole")
    stop, seen = StopRequest(), 0

    def listener(_: Record) -> None:
        nonlocal seen
        seen += 1
        if seen == after:
            stop.request()

    cut = run(experiment, store / "cut", stop=stop, listener=listener)
    assert cut.status == "interrupted"
    again = run(experiment, store / "cut", resume=True)
    assert again.weights_sha256 == whole.weights_sha256
    assert again.reach == whole.reach
    assert recorded(store / "cut") == recorded(store / "whole")


def test_a_path_that_was_lengthened_has_another_target(
    odd: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.record.provenance.git_commit", lambda _: None)
    stop = StopRequest()

    def listener(record: Record) -> None:
        if isinstance(record.event, TargetEvaluated) and record.event.mastered:
            stop.request()

    experiment = odd.with_strategy("direct")
    cut = run(experiment, store, stop=stop, listener=listener, source=Path(__file__))
    assert (cut.status, cut.reach) == ("interrupted", Stage(5))
    farther = experiment.replace(growth=Geometric(start=Stage(2), end=Stage(12)))
    result = run(farther, store, resume=True, force=True, source=Path(__file__))
    assert (result.status, result.reach) == ("reached", Stage(12))
    mastered = {event.stage for event in target_evaluations(store) if event.mastered}
    assert mastered == {Stage(5), Stage(12)}


@pytest.mark.parametrize(
    ("as_usual", "others", "visited"), [(0, 0.9, [2]), (2, 0.9, [2, 3]), (2, 0.2, [2, 3])]
)
def test_a_gated_run_that_ends_short_of_it_keeps_the_model_that_mastered_the_target(
    odd: Experiment, store: Path, *, as_usual: int, others: float, visited: list[int]
) -> None:
    experiment = odd.replace(
        task=Odd(below="random", as_usual=as_usual),
        sampling=LookBackAndAhead(others=others),
        backtracking=Backtracking(retunes=0, half_steps=0, demotions=0, fresh_starts=0),
    )
    result = run(experiment, store, seed=3)
    assert (result.status, result.reach) == ("reached", Stage(5))
    assert [visit.length for visit in result.stages] == visited
    assert Stage(5) in result.held
    assert of_kind(VisitEnded, recorded(store))[-1].restored is None


def unlearning(odd: Experiment) -> Experiment:
    """One that masters the target ahead of a stage that nothing can master, and trains on."""
    return odd.replace(
        task=Odd(below="random"),
        sampling=LookBackAndAhead(others=0.2),
        budget=Budget(steps_per_stage=200),
        backtracking=Backtracking(retunes=0, half_steps=0, demotions=0, fresh_starts=0),
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_that_loses_the_target_again_goes_back_to_the_model_that_mastered_it(
    odd: Experiment, store: Path, seed: int
) -> None:
    experiment = unlearning(odd)
    result = run(experiment, store, seed=seed)
    assert (result.status, result.reach) == ("reached", Stage(5))
    assert Stage(5) in result.held
    last = of_kind(VisitEnded, recorded(store))[-1]
    (mastered,) = (event for event in target_evaluations(store) if event.mastered)
    assert last.restored in (None, mastered.visit)


def test_a_run_whose_checkpoint_of_the_target_is_damaged_comes_to_it_again(
    odd: Experiment, store: Path, tmp_path: Path
) -> None:
    experiment = unlearning(odd)
    whole = run(experiment, tmp_path / "whole", seed=1)
    stop = StopRequest()

    def listener(record: Record) -> None:
        if isinstance(record.event, TargetEvaluated) and record.event.mastered:
            stop.request()

    run(experiment, store, seed=1, stop=stop, listener=listener)
    folder = Store(store).find("last")
    (folder.checkpoints / "target" / "model.safetensors").unlink()
    result = curriculum.resume("last", store=store, mirror=False, source=Path(__file__))
    assert (result.status, result.weights_sha256) == (whole.status, whole.weights_sha256)


def test_tests_of_the_target_ahead_and_at_its_stage_share_one_error(
    odd: Experiment, store: Path
) -> None:
    """Each of them has a number of its own, so that their errors add up to what is allowed."""
    criterion = Mastery(threshold=0.95, examples=128, screen=8, consecutive_passes=2)
    experiment = odd.replace(
        task=Odd(below="random", as_usual=3),
        criterion=criterion,
        sampling=LookBackAndAhead(others=0.9),
        budget=Budget(steps_per_stage=200),
    )
    run(experiment, store)
    ahead = target_evaluations(store)
    gate = [
        event.decision.test_number
        for event in of_kind(Evaluated, recorded(store))
        if event.stage == Stage(5) and event.full_test is not None
    ]
    assert ahead
    assert gate == [len(ahead) + number for number in range(1, len(gate) + 1)]


def test_no_test_is_taken_before_the_least_number_of_steps(odd: Experiment, store: Path) -> None:
    criterion = odd.criterion.replace(min_steps=60)
    run(odd.replace(criterion=criterion).with_strategy("direct"), store)
    steps = [event.cost.steps for event in gate_evaluations_before(store, mastered=False)]
    assert steps == [60]
