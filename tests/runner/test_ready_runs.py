"""Runs whose stages are found ready, by a loss or a plateau; none of them says that any is mastered."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from documents import Documents, Drawn
from interrupted_runs import (
    interrupted_at,
)
from matplotlib.text import Text
from recorded_events import of_kind, recorded

import curriculum
from curriculum import (
    Adam,
    Budget,
    CheckpointPolicy,
    Criterion,
    Evaluation,
    Experiment,
    Geometric,
    LossBelow,
    Plateau,
    RunResult,
    Stage,
    Tuning,
)
from curriculum.learn import Evaluator
from curriculum.models import Recurrent
from curriculum.plan import certify_whole
from curriculum.record import (
    Evaluated,
    FinalEvaluated,
    History,
    Record,
    RetentionMeasured,
    Store,
    TargetEvaluated,
    TrialCompleted,
    VisitEnded,
)
from curriculum.report import explain_run, run_figures, run_lines
from curriculum.runner import restore_run

LOSS = LossBelow(threshold=0.4)
CRITERIA = {
    "loss": LOSS,
    "perplexity": LossBelow(threshold=1.5, unit="perplexity"),
    "bits": LossBelow(threshold=0.62, unit="bits_per_byte", per_stage={4: 0.7}),
    "plateau": Plateau(min_improvement=0.02, evaluations=2),
}


def documents(criterion: Criterion) -> Experiment:
    return Experiment(
        task=Documents(),
        model=Recurrent(cell="gru", hidden_size=16, embedding_size=8),
        growth=Geometric(start=Stage(4, 4), end=Stage(9, 4)),
        criterion=criterion,
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=600),
        name="documents",
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that is over, and its store."""

    criterion: Criterion
    result: RunResult
    store: Path

    @property
    def history(self) -> History:
        return History.of(Store(self.store).find("last"))


@pytest.fixture(scope="module", params=CRITERIA)
def ready(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    root = tmp_path_factory.mktemp("ready") / "store"
    criterion = CRITERIA[request.param]
    result = curriculum.run(documents(criterion), store=root, mirror=False)
    return Ready(criterion, result, root)


def test_every_stage_is_ready_and_none_is_called_mastered(ready: Ready) -> None:
    result, history = ready.result, ready.history
    assert (result.status, result.reach, result.reach_verdict) == ("reached", Stage(9, 4), "ready")
    assert {stage.verdict for stage in result.stages} == {"ready"}
    (line,) = run_lines(Store(ready.store))
    texts = [
        repr(result),
        *explain_run(history),
        json.dumps(result.as_json()),
        line.reach_words,
        json.dumps(line.as_json()),
    ]
    assert not [text for text in texts if "master" in text]
    assert "every stage up to length 9 ready" in texts[0]
    assert line.reach_words == "length 9 (ready)"


def test_the_record_says_ready_too(ready: Ready) -> None:
    folder = Store(ready.store).find("last")
    events = recorded(ready.store)
    assert {event.verdict for event in of_kind(VisitEnded, events)} == {"ready"}
    decisions = [event.decision for event in of_kind(Evaluated, events)]
    assert any(decision.ready for decision in decisions)
    assert not any(decision.mastered for decision in decisions)
    for path in folder.checkpoint_folders():
        state = json.loads((path / "state.json").read_text())["state"]
        assert state["mastered"] is None
    assert any(
        json.loads((path / "state.json").read_text())["state"].get("ready")
        for path in folder.checkpoint_folders()
    )


def test_figures_have_an_axis_of_the_metric_and_no_word_of_mastery(ready: Ready) -> None:
    figures = run_figures(ready.history)
    words = {
        text.get_text()
        for figure in figures.values()
        for text in figure.findobj(match=Text)
        if isinstance(text, Text)
    }
    assert not [word for word in words if "master" in word]
    name = ready.history.description.metric.replace("_", " ")
    assert figures["score_by_stage"].axes[0].get_ylabel() == f"{name} of the evaluations"
    low, high = figures["score_by_stage"].axes[0].get_ylim()
    scores = [e.decision.score or 0 for v in ready.history.visits for e in v.evaluations]
    assert low < min(scores) < max(scores) < high


def test_the_bound_of_each_stage_that_is_ready_is_below_its_threshold(ready: Ready) -> None:
    for visit in ready.history.visits:
        decision = visit.evaluations[-1].decision
        if decision.threshold is None:
            continue
        assert decision.upper_bound is not None
        assert decision.score is not None
        assert decision.score < decision.upper_bound < decision.threshold
        assert isinstance(ready.criterion, LossBelow)
        assert decision.threshold == ready.criterion.at(visit.stage, target=False).threshold


def test_a_documents_loss_is_the_mean_over_all_of_its_windows(ready: Ready) -> None:
    found = [evaluation for visit in ready.history.visits for evaluation in visit.evaluations]
    test = next(each.full_test for each in found if each.full_test is not None)
    if ready.criterion.has_screen:  # on other documents, so that few tests share the error
        assert found[0].full_test is None
        assert all(each.screen is not None for each in found)
    assert test.spread is not None
    assert (test.examples, test.spread.units) == (240, 120)
    assert test.basis == "120 held-out documents (240 examples)"


def test_a_run_that_is_stopped_within_a_visit_goes_on_to_the_same_weights(
    ready: Ready, store: Path
) -> None:
    experiment = documents(ready.criterion)

    def moment(record: Record) -> bool:
        return isinstance(record.event, Evaluated) and record.event.cost.steps >= 20

    cut = interrupted_at(experiment, store, moment, checkpoints=CheckpointPolicy(every=0))
    assert cut.status == "interrupted"
    resumed = curriculum.resume("last", store=store, experiment=experiment, mirror=False)
    assert resumed.weights_sha256 == ready.result.weights_sha256
    assert recorded(store) == recorded(ready.store)


def test_the_final_model_is_tested_on_the_bound_or_against_what_it_was(ready: Ready) -> None:
    found = of_kind(FinalEvaluated, recorded(ready.store))
    on_path = [event for event in found if not event.beyond]
    assert {event.answer for event in on_path} <= {"passes", "not shown"}
    assert len(on_path) == len(documents(LOSS).growth.path())
    retained = of_kind(RetentionMeasured, recorded(ready.store))
    assert all(score > 0 for event in retained for score in event.scores.values())


def test_documents_that_are_kept_for_the_final_model_are_tested_for_the_first_time(
    store: Path,
) -> None:
    experiment, stage = documents(LOSS), Stage(4, 4)
    curriculum.run(experiment, store=store, mirror=False)
    _, learner = restore_run(Store(store).find("last"), like=experiment)
    kept = Evaluator(experiment.task.for_stream("certificate"), LOSS, 0, "certificate")
    score, _ = kept.full_test(learner, stage, 0, LOSS.examples)
    expected = certify_whole(LOSS, Evaluation(full_test=score), test_number=1)
    final = of_kind(FinalEvaluated, recorded(store))
    assert final[0].reason == expected.reason
    assert len([e for e in of_kind(Evaluated, recorded(store)) if e.stage == stage]) > 1


def test_fresh_examples_are_screened_before_a_full_test(store: Path) -> None:
    experiment = documents(LOSS).replace(task=Drawn())
    assert curriculum.run(experiment, store=store, mirror=False).status == "reached"
    evaluations = of_kind(Evaluated, recorded(store))
    assert any(each.full_test is None for each in evaluations)
    assert all(each.screen is not None and each.screen.spread is not None for each in evaluations)
    passed = [each for each in evaluations if each.full_test is not None]
    assert all(each.screen.value < 0.4 for each in passed if each.screen is not None)


def test_direct_training_finds_the_target_ready_ahead(store: Path) -> None:
    direct = documents(LOSS).with_strategy("direct").replace(budget=Budget(steps=80))
    result = curriculum.run(direct, store=store, mirror=False)
    tests = of_kind(TargetEvaluated, recorded(store))
    assert any(test.ready for test in tests)
    assert not any(test.mastered for test in tests)
    assert (result.status, result.reach) == ("reached", Stage(9, 4))
    assert "ready" in result.ending


def test_a_plateau_ahead_of_its_turn_is_found_and_compared_with_at_the_end(store: Path) -> None:
    criterion = Plateau(min_improvement=0.02, evaluations=2)
    direct = documents(criterion).with_strategy("direct").replace(budget=Budget(steps=120))
    curriculum.run(direct, store=store, mirror=False)
    (ahead,) = [test for test in of_kind(TargetEvaluated, recorded(store)) if test.ready]
    assert ahead.full_test is not None
    final = [e for e in of_kind(FinalEvaluated, recorded(store)) if e.stage == Stage(9, 4)]
    assert "when the stage was ready" in final[0].reason


def test_a_search_ends_with_the_first_trial_that_makes_the_stage_ready(store: Path) -> None:
    tuned = documents(LOSS).replace(tuning=Tuning(mode="each", trials=4))
    result = curriculum.run(tuned, store=store, mirror=False)
    assert result.status == "reached"
    trials = [event.trial for event in of_kind(TrialCompleted, recorded(store))]
    assert {trial.outcome for trial in trials} == {"ready", "overtaken"}
    scored = [trial for trial in trials if trial.score is not None]
    assert all(trial.value == pytest.approx(np.exp(-(trial.score or 0))) for trial in scored)
    explained = explain_run(History.of(Store(store).find("last")))
    assert not [line for line in explained if "master" in line]
