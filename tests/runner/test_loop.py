"""A run from its start to its end: what it trains, records, keeps and reports."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from recorded_events import kinds, of_kind, recorded
from safetensors.torch import load_file

import curriculum
from curriculum import (
    SGD,
    Adam,
    AdamW,
    Backtracking,
    Batch,
    Budget,
    Choices,
    Experiment,
    Explicit,
    Mastery,
    Range,
    Result,
    Rollback,
    Shape,
    Stage,
    StopRequest,
    Training,
    Tuning,
    UsageError,
    Verdict,
)
from curriculum.learn import OutputKind, weights_sha256
from curriculum.models import LanguageModel, Recurrent
from curriculum.models.language_model import Net
from curriculum.record import (
    Evaluated,
    History,
    Record,
    RunEnded,
    Store,
    TrialCompleted,
    TrialEvaluated,
    VisitEnded,
    VisitStarted,
    read_journal,
)
from curriculum.tasks import FirstBit, HumanNumbers
from curriculum.tune import STORAGE_VARIABLE, StudiesCopy, importances


@dataclass(frozen=True)
class Impossible(FirstBit):
    """First bit, whose evaluation set wants the opposite from length 3 on."""

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        batch = FirstBit.evaluation_batch(self, stage, start, stop)
        return replace(batch, targets=1 - batch.targets) if stage.length > 2 else batch


def run(experiment: Experiment, store: Path, seed: int = 0, **more: Any) -> Result:
    return curriculum.run(experiment, seed, store=store, mirror=False, **more)


def records(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


def interrupted(
    experiment: Experiment, store: Path, moment: Callable[[Record], bool], **more: Any
) -> Result:
    """A run that is asked to stop at the first such record."""

    def listener(record: Record) -> None:
        if moment(record):
            stop.request()

    stop = StopRequest()
    result = run(experiment, store, listener=listener, stop=stop, **more)
    assert stop.requested
    return result


def first_visit_ended(store: Path) -> VisitEnded:
    return of_kind(VisitEnded, recorded(store))[0]


def test_a_run_advances_to_its_target(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    assert result.status == "reached"
    assert result.reach == Stage(5)
    assert [stage.length for stage in result.stages] == [2, 3, 5]
    assert sum(stage.steps for stage in result.stages) == result.steps > 0
    assert sum(stage.tokens for stage in result.stages) == result.tokens
    assert result.tokens == sum(stage.steps * 32 * stage.length for stage in result.stages)


def test_the_same_seed_gives_the_same_run(tiny: Experiment, tmp_path: Path) -> None:
    runs = [run(tiny, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))]
    assert runs[0].weights_sha256 == runs[1].weights_sha256 != runs[2].weights_sha256
    assert recorded(tmp_path / "a") == recorded(tmp_path / "b")


def test_the_final_model_can_be_loaded(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    model = curriculum.load(result.run_id, store=store)
    assert weights_sha256(model) == result.weights_sha256
    assert not model.training


def test_a_listener_gets_each_record_after_it_is_on_disk(tiny: Experiment, store: Path) -> None:
    def listener(record: Record) -> None:
        assert records(store)[-1] == record
        received.append(record)

    received: list[Record] = []
    run(tiny, store, listener=listener)
    in_order = kinds(record.event for record in received)
    assert in_order[0] is VisitStarted
    assert in_order[-1] is RunEnded
    assert in_order.count(VisitEnded) == 3
    assert received == records(store)


def test_a_run_that_ends_short_of_its_target_says_so_and_keeps_the_last_good_model(
    tiny: Experiment, store: Path
) -> None:
    hopeless = tiny.replace(task=Impossible(), budget=Budget(steps_per_stage=150))
    result = run(hopeless, store)
    assert result.status == "stopped"
    assert result.reach == Stage(2)
    visits = of_kind(VisitEnded, recorded(store))
    assert [visit.verdict for visit in visits[:2]] == [Verdict.MASTERED, Verdict.EXHAUSTED]
    assert visits[1].weights_sha256 == visits[0].weights_sha256
    assert "steps is used up" in result.ending


def test_an_exhausted_visit_is_undone(tiny: Experiment, store: Path) -> None:
    hopeless = tiny.replace(growth=Explicit(lengths=(400,)), budget=Budget(steps_per_stage=3))
    untrained = run(hopeless, store).weights_sha256
    longer = hopeless.replace(budget=Budget(steps_per_stage=5))
    assert run(longer, store).weights_sha256 == untrained


def test_an_interrupted_run_is_saved_and_can_be_resumed(tiny: Experiment, store: Path) -> None:
    def moment(record: Record) -> bool:
        return isinstance(record.event, Evaluated) and record.event.cost.steps >= 20

    result = interrupted(tiny, store, moment)
    assert result.status == "interrupted"
    assert result.ending == "stop requested"
    assert result.weights_sha256 is None  # nothing is final yet
    folder = Store(store).find("last")
    assert not folder.is_running
    note = folder.stop_note()
    assert note is not None
    assert note.status == "interrupted"
    assert RunEnded not in kinds(recorded(store))
    whole = run(tiny, store / "whole")
    resumed = curriculum.resume("last", store=store, mirror=False)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert folder.stop_note() is None
    assert kinds(recorded(store)).count(RunEnded) == 1


def ends_a_visit(record: Record) -> bool:
    return isinstance(record.event, VisitEnded)


def starts_the_next_visit(record: Record) -> bool:
    return isinstance(record.event, VisitStarted) and record.event.visit == 1


def evaluates_in_the_next_visit(record: Record) -> bool:
    return isinstance(record.event, Evaluated) and record.event.visit == 1


@pytest.mark.parametrize(
    "moment", [ends_a_visit, starts_the_next_visit, evaluates_in_the_next_visit]
)
def test_an_interrupt_after_mastery_keeps_the_mastered_model(
    tiny: Experiment, store: Path, moment: Callable[[Record], bool]
) -> None:
    result = interrupted(tiny, store, moment)
    assert result.reach == Stage(2)
    run(tiny, store / "whole")
    kept = weights_sha256(curriculum.load("last", store=store))
    assert kept == first_visit_ended(store / "whole").weights_sha256


def test_a_model_that_cannot_be_built_leaves_nothing_behind(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("curriculum.models.recurrent_network.RecurrentNetwork.__init__", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        run(tiny, store)
    assert not store.exists()


def test_a_failure_is_recorded_and_raised(tiny: Experiment, store: Path) -> None:
    def broken(record: Record) -> None:
        if isinstance(record.event, Evaluated):
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        run(tiny, store, listener=broken)
    folder = Store(store).find("last")
    assert not folder.is_running
    history = History.of(folder)
    assert history.status() == "failed"
    assert history.ending == "RuntimeError: out of luck"
    assert kinds(recorded(store)) == [VisitStarted, Evaluated]
    resumed = curriculum.resume("last", store=store, mirror=False)
    assert resumed.weights_sha256 == run(tiny, store / "whole").weights_sha256


def test_a_diverged_run_stops(tiny: Experiment, store: Path) -> None:
    wild = tiny.replace(
        optimizer=SGD(learning_rate=1e38, momentum=0.0),
        training=Training(clip_norm=None),
        backtracking=Backtracking(fresh_starts=0),
        rollback=Rollback(times=0),
    )
    result = run(wild, store)
    assert result.status == "stopped"
    assert "no longer a finite number" in result.ending
    assert of_kind(RunEnded, recorded(store))[-1].ending == result.ending


def test_the_record_holds_what_was_run(tiny: Experiment, store: Path) -> None:
    run(tiny, store, seed=7)
    description = Store(store).find("last").description()
    assert description.seed == 7
    assert description.experiment == "tiny"
    assert description.strategy == "gated"
    assert description.path == (Stage(2), Stage(3), Stage(5))
    assert description.settings["optimizer.learning_rate"] == 0.03
    assert description.settings["model.cell"] == "gru"
    assert description.environment["torch"]


def test_clock_readings_are_kept_apart(tiny: Experiment, store: Path) -> None:
    run(tiny, store)
    folder = Store(store).find("last")
    for line in folder.journal.read_text().splitlines():
        content = json.loads(line)
        assert set(content.pop("clock")) == {"time", "seconds"}
        assert '"seconds"' not in json.dumps(content)
    assert History.of(folder).seconds > 0


def test_every_decision_records_its_numbers(tiny: Experiment, store: Path) -> None:
    run(tiny, store)
    decisions = [event.decision for event in of_kind(Evaluated, recorded(store))]
    assert decisions
    for decision in decisions:
        assert decision.reason
        assert decision.metric == "exact_match"
        assert decision.threshold == 1.0
        assert decision.examples is not None
        assert decision.examples >= 2


@pytest.mark.parametrize(("seed", "device", "message"), [(-1, "cpu", "seed"), (0, "tpu", "device")])
def test_bad_arguments_leave_nothing_behind(
    tiny: Experiment, store: Path, seed: int, device: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        curriculum.run(tiny, seed, store=store, device=device, mirror=False)
    assert not store.exists()


def tuned(tiny: Experiment, **settings: Any) -> Experiment:
    """One whose carried learning rate is hopeless."""
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8)
    return tiny.replace(
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=100),
        tuning=replace(tuning, **settings),
    )


def test_tuning_reaches_what_the_carried_settings_do_not(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    assert result.reach == Stage(5)
    assert result.stages[0].learning_rate > 1e-3
    # Fresh networks would be tried with other learning rates too.
    untuned = tuned(tiny).replace(
        tuning=Tuning(mode="off"), backtracking=Backtracking(fresh_starts=0)
    )
    assert run(untuned, store / "off").reach is None


def test_trials_are_part_of_the_reported_cost(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    assert 0 < result.discarded_share < 1
    stages = result.stages
    assert sum(stage.steps + stage.discarded_steps for stage in stages) == result.steps
    assert sum(stage.tokens + stage.discarded_tokens for stage in stages) == result.tokens
    last_reports = {
        (event.visit, event.report.trial): event.report
        for event in of_kind(TrialEvaluated, recorded(store))
    }
    tried = sum(report.cost.steps for report in last_reports.values())
    assert result.steps >= tried > sum(stage.steps for stage in stages) / 2


def test_the_selected_settings_are_carried_on(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    visits = of_kind(VisitStarted, recorded(store))
    carried = [(visit.learning_rate, visit.hidden_size) for visit in visits]
    selected = [(stage.learning_rate, stage.hidden_size) for stage in result.stages]
    assert carried[0] == (1e-5, 8)
    assert carried[1:] == selected[:-1]


def test_a_tuned_model_can_be_loaded(tiny: Experiment, store: Path) -> None:
    wide = run(tuned(tiny, hidden_size=(16, 16)), store, seed=5)
    assert wide.stages[-1].hidden_size == 16
    model = curriculum.load("last", store=store)
    assert weights_sha256(model) == wide.weights_sha256


def test_an_exhausted_stage_is_retuned_from_the_same_parent(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny, mode="exhausted"), store)
    first, second = of_kind(VisitStarted, recorded(store))[:2]
    assert (first.retuning, second.retuning) == (False, True)
    assert first.stage == second.stage
    assert [stage.verdict for stage in result.stages[:2]] == ["exhausted", "mastered"]
    assert [stage.trials for stage in result.stages[:2]] == [0, result.stages[1].trials]
    assert result.reach == Stage(5)


def test_tuning_that_needs_one_trial_is_training(tiny: Experiment, store: Path) -> None:
    plain = run(tiny, store / "plain")
    one = run(tiny.replace(tuning=Tuning(mode="each", trials=1)), store / "one")
    assert one.weights_sha256 == plain.weights_sha256
    assert (one.steps, one.discarded_share) == (plain.steps, 0)


@pytest.mark.parametrize(
    ("jobs", "jobs_after"),
    [
        (1, 1),
        # Processes start slowly, and `test_resume` stops and resumes a search with several.
        pytest.param(2, 1, marks=pytest.mark.exhaustive),
        pytest.param(2, 2, marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupt_within_a_search_leaves_the_parent_as_it_was(
    tiny: Experiment, store: Path, jobs: int, jobs_after: int
) -> None:
    def moment(record: Record) -> bool:
        event = record.event
        return isinstance(event, TrialEvaluated) and (event.visit, event.report.trial) == (1, 2)

    hard = tuned(tiny).replace(
        growth=Explicit(lengths=(2, 3)), criterion=Mastery(threshold=1.0, min_steps=40)
    )
    result = interrupted(hard, store, moment, jobs=jobs)
    assert result.status == "interrupted"
    assert result.discarded_share > 0
    assert kinds(recorded(store))[-1] is TrialEvaluated
    assert result.steps > 0
    kept = weights_sha256(curriculum.load("last", store=store))
    assert kept == first_visit_ended(store).weights_sha256
    whole = run(hard, store / "whole")
    resumed = curriculum.resume("last", store=store, mirror=False, jobs=jobs_after)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.steps == whole.steps


@dataclass(frozen=True)
class Echo:
    """Repeats the sequence; any vocabulary."""

    output: ClassVar[OutputKind] = "symbols"

    def check(self, stage: Stage) -> None: ...

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(stage.vocab_size, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs)


def test_a_model_can_grow_with_its_stages(store: Path) -> None:
    experiment = Experiment(
        task=Echo(),
        model=Recurrent(cell="gru", hidden_size=16, embedding_size=8),
        growth=Explicit(lengths=(3, 3), vocab_sizes=(3, 6)),
        optimizer=Adam(learning_rate=2e-2),
        model_size="stage",
    )
    assert run(experiment, store).reach == Stage(3, 6)
    saved = Store(store).find("last").checkpoint_folders()
    sizes = [len(load_file(path / "model.safetensors")["head.bias"]) for path in saved]
    assert (sizes[0], sizes[-1]) == (3, 6)


def test_a_model_that_cannot_grow_is_refused(tiny: Experiment) -> None:
    @dataclass(frozen=True)
    class Rigid:
        hidden_size: int = 4

        def check(self, shape: Shape) -> None: ...

        def build(self, shape: Shape) -> Any: ...

    with pytest.raises(UsageError, match="Rigid has no `placements`; leave it at 'path'"):
        tiny.replace(model=Rigid(), model_size="stage")


SearchedRuns = dict[int, tuple[Path, Result]]


@pytest.fixture(scope="module")
def searched_runs(tmp_path_factory: pytest.TempPathFactory) -> SearchedRuns:
    """The same run of a search of several settings, by the number of processes."""
    also = (
        Range(setting="optimizer.weight_decay", low=1e-4, high=1e-1, log=True),
        Choices(setting="training.batch_size", values=(16, 64)),
        Choices(setting="training.clip_norm", values=(None, 0.5)),
    )
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(2, 3, 5)),
        criterion=Mastery(threshold=1.0),
        optimizer=AdamW(learning_rate=1e-5),
        budget=Budget(steps_per_stage=100),
        tuning=Tuning(
            mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8, also=also
        ),
        name="searched",
    )
    stores = {jobs: tmp_path_factory.mktemp("searched") for jobs in (1, 2)}
    return {jobs: (store, run(experiment, store, jobs=jobs)) for jobs, store in stores.items()}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_other_settings_can_be_tuned(searched_runs: SearchedRuns, jobs: int) -> None:
    store, result = searched_runs[jobs]
    tried = [event.trial.settings for event in of_kind(TrialCompleted, recorded(store))]
    assert {settings["training.batch_size"] for settings in tried} > {32}
    assert len({settings["optimizer.weight_decay"] for settings in tried}) > 1
    assert len({settings["training.clip_norm"] for settings in tried}) > 1
    model = curriculum.load("last", store=store)
    assert weights_sha256(model) == result.weights_sha256
    folder = Store(store).find("last")
    StudiesCopy(folder, str(store / "studies.journal")).copy()
    assert any(importances(visit) for visit in History.of(folder).visits)


@pytest.mark.slow
def test_jobs_change_nothing(searched_runs: SearchedRuns) -> None:
    (store, one), (other_store, other) = searched_runs[1], searched_runs[2]
    assert len({stage.hidden_size for stage in one.stages} | {8}) > 1
    assert one.weights_sha256 == other.weights_sha256
    assert one.steps == other.steps
    assert recorded(store) == recorded(other_store)


def test_the_clock_advances_within_a_search(tiny: Experiment, store: Path) -> None:
    run(tuned(tiny), store)
    found = records(store)
    seconds = [record.clock.seconds for record in found]
    assert seconds == sorted(seconds)
    of_trials = [r.clock.seconds for r in found if isinstance(r.event, TrialEvaluated)]
    assert len(set(of_trials)) > 5


def test_a_storage_that_cannot_be_reached_is_reported_before_anything_is_run(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORAGE_VARIABLE, "sqlite:////nowhere/at/all.db")
    with pytest.raises(UsageError, match="can't be reached"):
        run(tuned(tiny), store)
    assert not store.exists()
    assert run(tiny, store).status == "reached"  # without trials there is nothing to store


@pytest.mark.exhaustive
@pytest.mark.parametrize("net", ["lstm", "gru"])
def test_a_carried_state_is_kept_by_trials_in_other_processes(net: Net, store: Path) -> None:
    experiment = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net=net, hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(20,), vocab_sizes=(38,)),
        criterion=Mastery(threshold=0.2, metric="symbol_accuracy"),
        optimizer=Adam(learning_rate=3e-3),
        training=Training(batch_size=16, eval_every=8),
        budget=Budget(steps_per_stage=24),
        tuning=Tuning(mode="each", trials=4, learning_rate=(1e-3, 1e-1), hidden_size=(4, 8)),
        name="words",
    )
    one, two = (run(experiment, store, jobs=jobs) for jobs in (1, 2))
    assert one.weights_sha256 == two.weights_sha256
    assert one.compute == two.compute
