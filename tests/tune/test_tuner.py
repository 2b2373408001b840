"""The search as a whole, on a small stage."""

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
import torch

from curriculum import (
    SGD,
    Adam,
    Backtracking,
    Budget,
    Cost,
    Evaluation,
    Experiment,
    Explicit,
    RunFailed,
    Scheduler,
    Score,
    Shape,
    Training,
    Tuning,
    UsageError,
    load_experiment,
)
from curriculum.learn import (
    HIDDEN_SIZE,
    LEARNING_RATE,
    CostMeter,
    Learner,
    Trainer,
    weights_sha256,
)
from curriculum.models import Recurrent
from curriculum.processes import WorkerNotStarted
from curriculum.record import (
    CompletedTrial,
    Event,
    Record,
    RoundProposed,
    TrialCompleted,
    TrialEvaluated,
    TrialSelected,
)
from curriculum.record.events import Clock
from curriculum.tasks import FirstBit
from curriculum.tune import InProcessExecutor, RunSetup, TrialExecutor, Tuner, open_executor
from curriculum.tune.race import ROUND

CPU = torch.device("cpu")

E = TypeVar("E", bound=Event)


@pytest.fixture
def searched(tiny: Experiment) -> Experiment:
    """One that the carried settings can't master within its budget, and others can."""
    return tiny.replace(
        growth=Explicit(lengths=(6,)),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=60),
        tuning=Tuning(mode="each", learning_rate=(1e-3, 1e-1), hidden_size=(8, 16)),
    )


class Bench:
    """A tuner beside a run that has not started, and the journal of its searches."""

    def __init__(
        self,
        experiment: Experiment,
        seed: int = 0,
        executor: TrialExecutor | None = None,
    ) -> None:
        self.experiment = experiment
        self.events: list[Event] = []
        self.meter = CostMeter()
        self.scheduler: Scheduler = experiment.scheduler()
        self.parent = Learner.start(
            experiment.shape, experiment.recipe, seed=seed, device=CPU
        ).snapshot()
        setup = RunSetup(experiment=experiment, seed=seed, device=CPU)
        executor = executor or InProcessExecutor(setup)
        self.tuner = Tuner(setup, meter=self.meter, executor=executor, journal=self)

    def write(self, event: Event, seconds: float | None = None) -> Record:
        assert seconds is not None
        assert seconds > 0
        self.events.append(event)
        return Record(event, Clock(time=0.0, seconds=seconds))

    def replay_rounds(self) -> list[Event]:
        return []

    def search(self) -> Learner:
        searching = self.tuner.search(self.parent, self.scheduler)
        while True:
            try:
                next(searching)
            except StopIteration as found:
                return cast(Learner, found.value)

    def events_of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def trials(self) -> list[CompletedTrial]:
        return [event.trial for event in self.events_of(TrialCompleted)]

    @property
    def selection(self) -> TrialSelected:
        [found] = self.events_of(TrialSelected)
        return found


def test_a_search_finds_settings_that_master_where_the_carried_ones_do_not(
    searched: Experiment,
) -> None:
    bench = Bench(searched)
    learner = bench.search()
    selection = bench.selection
    assert selection.ending == f"trial {selection.trial} mastered the stage"
    assert learner.recipe.learning_rate == selection.learning_rate > 1e-3
    trials = bench.trials
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert trials[0].settings == {LEARNING_RATE: 1e-5, HIDDEN_SIZE: 8}
    outcomes: dict[int | None, str] = {trial.number: trial.outcome for trial in trials}
    assert outcomes.pop(selection.trial) == "mastered"
    assert set(outcomes.values()) <= {"exhausted", "overtaken"}
    assert outcomes[0] != "mastered"


def test_all_trials_are_charged_and_the_discarded_ones_apart(searched: Experiment) -> None:
    bench = Bench(searched)
    bench.search()
    selection = bench.selection
    reports = [event.report for event in bench.events_of(TrialEvaluated)]
    costs: dict[int | None, Cost] = {report.trial: report.cost for report in reports}
    selected = costs.pop(selection.trial)
    for charged in (bench.meter.cost.without_clock(), selection.cost):
        assert charged == replace(selected, evaluation=charged.evaluation)
        assert charged.evaluation == pytest.approx(selected.evaluation)  # added up in another order
    assert selection.discarded_cost.steps == sum(cost.steps for cost in costs.values())
    assert selection.discarded_cost.tokens == sum(cost.tokens for cost in costs.values())
    discarded = bench.meter.discarded_cost
    assert discarded.compute == pytest.approx(sum(cost.compute for cost in costs.values()))
    assert discarded.steps == selection.discarded_cost.steps


def test_the_selected_learner_is_what_training_with_its_settings_gives(
    searched: Experiment,
) -> None:
    bench = Bench(searched)
    learner = bench.search()
    number = bench.selection.trial
    assert number is not None
    executor = InProcessExecutor(RunSetup(experiment=searched, seed=0, device=CPU))
    settings = dict(bench.trials[number].settings)
    executor.start_round({number: settings}, bench.parent, bench.scheduler)
    while not executor.advance(number).mastered:
        pass
    alone = executor.learner(number)
    assert weights_sha256(alone.model) == weights_sha256(learner.model)


def test_the_same_seed_gives_the_same_search_and_another_seed_another(
    searched: Experiment,
) -> None:
    one, again, other = Bench(searched), Bench(searched), Bench(searched, seed=1)
    assert weights_sha256(one.search().model) == weights_sha256(again.search().model)
    other.search()
    assert one.events == again.events != other.events


@pytest.mark.exhaustive  # of whole runs, `test_loop` has the same
@pytest.mark.parametrize("jobs", [2, 3])
def test_processes_change_nothing(searched: Experiment, jobs: int) -> None:
    alone = Bench(searched)
    expected = weights_sha256(alone.search().model)
    setup = RunSetup(experiment=searched, seed=0, device=CPU)
    with open_executor(setup, jobs=jobs, source=None) as executor:
        several = Bench(searched, executor=executor)
        assert weights_sha256(several.search().model) == expected
    assert several.events == alone.events
    assert several.meter.discarded_cost == alone.meter.discarded_cost


def ends_of(events: Sequence[Event], kind: type[Event]) -> list[int]:
    """How many events there are up to each of that kind."""
    return [number for number, event in enumerate(events, 1) if isinstance(event, kind)]


@pytest.mark.parametrize("kind", [TrialCompleted, RoundProposed])
def test_a_search_stopped_between_two_trials_is_resumed_as_if_it_had_not_been(
    searched: Experiment, kind: type[Event]
) -> None:
    whole = Bench(searched)
    expected = weights_sha256(whole.search().model)
    for end in ends_of(whole.events, kind):
        again = Bench(searched)
        again.tuner.resume(whole.events[:end])
        assert weights_sha256(again.search().model) == expected
        kept = [e.trial for e in whole.events[:end] if isinstance(e, TrialCompleted)]
        kept = kept[: len(kept) - len(kept) % ROUND]
        assert kept + again.trials == whole.trials
        assert again.selection == whole.selection
        assert again.meter.discarded_cost == whole.meter.discarded_cost


def test_a_search_in_which_no_trial_masters_selects_the_one_that_scored_best(
    searched: Experiment,
) -> None:
    hopeless = searched.replace(
        budget=Budget(steps_per_stage=20), tuning=replace(searched.tuning, trials=8)
    )
    whole = Bench(hopeless)
    learner = whole.search()
    scores: dict[int | None, float] = {
        trial.number: trial.score for trial in whole.trials if trial.score is not None
    }
    assert len(scores) == 8
    assert scores[whole.selection.trial] == max(scores.values())
    assert whole.meter.cost.steps == 20
    # Its learner may be of a round before the stop.
    for end in ends_of(whole.events, TrialCompleted):
        again = Bench(hopeless)
        again.tuner.resume(whole.events[:end])
        assert weights_sha256(again.search().model) == weights_sha256(learner.model)
        assert again.selection == whole.selection


def test_a_diverged_trial_fails_with_its_reason_and_the_race_continues(tiny: Experiment) -> None:
    wild = tiny.replace(
        growth=Explicit(lengths=(3,)),
        optimizer=SGD(learning_rate=1e38, momentum=0.0),
        training=Training(clip_norm=None),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1.0), hidden_size=(8, 8)),
    )
    bench = Bench(wild)
    learner = bench.search()
    trials = bench.trials
    assert trials[0].outcome == "diverged"
    assert trials[0].score is None
    assert trials[0].reason == "the loss is no longer a finite number"
    assert any(trial.outcome != "diverged" for trial in trials)
    assert learner.recipe.learning_rate <= 1.0


def test_where_all_trials_diverge_the_parent_is_kept(tiny: Experiment) -> None:
    wild = tiny.replace(
        optimizer=SGD(learning_rate=1e38, momentum=0.0),
        training=Training(clip_norm=None),
        tuning=Tuning(mode="each", learning_rate=(1e38, 1e38), hidden_size=(8, 8), trials=4),
    )
    bench = Bench(wild)
    learner = bench.search()
    assert weights_sha256(learner.model) == weights_sha256(Learner.of(bench.parent, CPU).model)
    assert bench.selection.trial is None
    assert bench.meter.cost.steps == 0
    assert bench.meter.discarded_cost.steps > 0


@dataclass(frozen=True)
class Rigid:
    """A model that can't be widened."""

    hidden_size: int = 8

    def check(self, shape: Shape) -> None: ...

    def build(self, shape: Shape) -> torch.nn.Module:
        return Recurrent(cell="gru", hidden_size=self.hidden_size).build(shape)


def test_a_model_that_cannot_be_widened_starts_from_scratch_where_that_is_allowed(
    searched: Experiment,
) -> None:
    bounds = replace(searched.tuning, hidden_size=None)
    cold = Bench(searched.replace(model=Rigid(), tuning=replace(bounds, cold_start=True)))
    cold.search()
    assert {trial.settings[HIDDEN_SIZE] for trial in cold.trials} > {8}
    plain = Bench(searched.replace(model=Rigid(), tuning=bounds))
    plain.search()
    assert all(HIDDEN_SIZE not in trial.settings for trial in plain.trials)


def test_memory_running_out_fails_the_trial_alone(
    searched: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_steps = Trainer.take_steps

    def scarce(self: Trainer, learner: Learner, *rest: Any, **more: Any) -> Any:
        if learner.recipe.hidden_size > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.\nand more")
        return take_steps(self, learner, *rest, **more)

    monkeypatch.setattr(Trainer, "take_steps", scarce)
    bench = Bench(searched)
    bench.search()
    wide = [trial for trial in bench.trials if trial.settings[HIDDEN_SIZE] > 8]
    assert wide
    assert {trial.outcome for trial in wide} == {"diverged"}
    assert wide[0].reason == "memory ran out: CUDA out of memory."


def limited(**limits: Any) -> Callable[[Experiment], Experiment]:
    """What gives an experiment such a budget besides."""
    return lambda experiment: experiment.replace(budget=replace(experiment.budget, **limits))


def shared(experiment: Experiment) -> Experiment:
    """One whose discarded trials may take 60% of the compute."""
    return experiment.replace(tuning=replace(experiment.tuning, share=0.6))


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (limited(steps=50), "the run's budget of 50 steps is used up"),
        (limited(compute=1e8), "the run's compute budget of 1e+08 is used up"),
        (limited(seconds=1e-9), "the run's budget of 1e-09 seconds is used up"),
        (limited(seconds_per_stage=1e-9), "the stage's budget of 1e-09 seconds is used up"),
        (shared, "discarded trials have taken 60% of the run's compute"),
    ],
)
def test_a_limit_ends_the_search_and_the_best_trial_so_far_is_selected(
    change: Callable[[Experiment], Experiment], ending: str, searched: Experiment
) -> None:
    bench = Bench(change(searched))
    bench.search()
    assert bench.selection.ending == ending
    assert bench.selection.trial is not None
    outcomes = {trial.outcome for trial in bench.trials}
    assert "stopped" in outcomes
    assert "mastered" not in outcomes
    again = Bench(bench.experiment)
    again.tuner.resume(bench.events[:-1])  # the limit is recorded, and a repetition obeys it
    again.search()
    assert again.events == [bench.selection]


def test_discarded_trials_keep_to_their_share(searched: Experiment) -> None:
    bench = Bench(shared(searched))
    bench.search()
    discarded = bench.meter.discarded_cost.compute
    total = (bench.meter.cost + bench.meter.discarded_cost).compute
    assert discarded <= 0.75 * total  # it is noticed at the evaluation after


@pytest.mark.parametrize(("fresh_starts", "trials"), [(0, 16), (1, ROUND)])
def test_a_search_ends_once_fresh_weights_are_cheaper_and_each_trial_was_evaluated(
    searched: Experiment, fresh_starts: int, trials: int
) -> None:
    """On the second stage of a path whose first was mastered at once."""
    bench = Bench(
        searched.replace(
            growth=Explicit(lengths=(2, 40)),
            budget=Budget(steps_per_stage=20),
            backtracking=Backtracking(fresh_starts=fresh_starts),
        )
    )
    every = Score(value=1.0, examples=3, source="every input")
    bench.scheduler.update(Evaluation(full_test=every, cost=Cost(compute=1.0)))
    bench.search()
    reports = [event.report.trial for event in bench.events_of(TrialEvaluated)]
    assert len(bench.trials) == trials
    assert set(reports) == set(range(trials))
    if fresh_starts:
        assert reports == list(range(ROUND))
        assert bench.selection.ending == "fresh weights are the cheaper way to try others"


@pytest.mark.parametrize(
    ("mode", "retuning", "due"),
    [
        ("each", False, True),
        ("each", True, True),
        ("exhausted", False, False),
        ("exhausted", True, True),
        ("off", False, False),
    ],
)
def test_when_a_visit_is_searched(
    searched: Experiment, mode: Any, retuning: bool, due: bool
) -> None:
    bench = Bench(searched.replace(tuning=Tuning(mode=mode)))
    bench.scheduler.retuning = retuning
    assert bench.tuner.is_due(bench.scheduler) == due


def test_a_retune_continues_the_study(searched: Experiment) -> None:
    hopeless = searched.replace(
        budget=Budget(steps_per_stage=20), tuning=replace(searched.tuning, trials=4)
    )
    bench = Bench(hopeless)
    bench.search()
    cost, discarded_cost = bench.meter.cost, bench.meter.discarded_cost
    bench.scheduler.update(Evaluation(cost=cost, discarded_cost=discarded_cost))
    assert bench.scheduler.retuning
    bench.search()
    assert [trial.number for trial in bench.trials] == list(range(8))
    assert {event.study for event in bench.events_of(TrialCompleted)} == {0}
    assert len({str(trial.settings) for trial in bench.trials}) == 8


def test_another_stage_gets_a_study_of_its_own(searched: Experiment) -> None:
    exhausted = searched.replace(
        budget=Budget(steps_per_stage=20),
        tuning=replace(searched.tuning, mode="exhausted", trials=4, hidden_size=(8, 11)),
    )
    bench = Bench(exhausted)
    for visit in (1, 3):  # each the retune of the visit before
        bench.scheduler.visit, bench.scheduler.retuning = visit, True
        bench.parent = bench.search().snapshot()
    rounds = bench.events_of(RoundProposed)
    assert [(event.visit, event.study) for event in rounds] == [(1, 1), (3, 3)]
    assert [trial.number for trial in bench.trials] == [0, 1, 2, 3] * 2


def test_memory_running_out_as_a_trial_starts_fails_it_alone(
    searched: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Recurrent.build

    def scarce(self: Recurrent, *rest: Any) -> torch.nn.Module:
        if self.hidden_size > 8:
            raise torch.OutOfMemoryError("no memory left")
        return build(self, *rest)

    monkeypatch.setattr(Recurrent, "build", scarce)
    bench = Bench(searched)
    bench.search()
    wide = {trial.outcome for trial in bench.trials if trial.settings[HIDDEN_SIZE] > 8}
    assert wide == {"diverged"}


USERS_FILE = """\
from dataclasses import dataclass

from curriculum import Adam, Budget, Experiment, Explicit, Mastery, Tuning
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

print("a word of the user")


@dataclass(frozen=True)
class Mine(FirstBit):
    pass


experiment = Experiment(
    task=Mine(),
    model=Recurrent(cell="gru", hidden_size=8),
    growth=Explicit(lengths=(6,)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=1e-5),
    budget=Budget(steps_per_stage=10),
    tuning=Tuning(mode="each", learning_rate=(1e-3, 1e-1), hidden_size=(8, 16), trials=6),
)
"""


@pytest.mark.slow
def test_processes_find_a_users_file_and_agree_on_a_search_in_which_no_trial_masters(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(USERS_FILE)
    experiment, source = load_experiment(str(path))
    alone = Bench(experiment)
    expected = weights_sha256(alone.search().model)
    setup = RunSetup(experiment=experiment, seed=0, device=CPU)
    with open_executor(setup, jobs=2, source=source) as executor:
        several = Bench(experiment, executor=executor)
        assert weights_sha256(several.search().model) == expected
    assert several.events == alone.events
    assert alone.selection.ending == "all trials were tried"


def test_processes_that_could_not_find_the_users_code_are_not_started(
    searched: Experiment,
) -> None:
    @dataclass(frozen=True)
    class Local(FirstBit):
        pass

    setup = RunSetup(experiment=searched.replace(task=Local()), seed=0, device=CPU)
    with (
        pytest.raises(UsageError, match="give its path as `source`"),
        open_executor(setup, jobs=2, source=None),
    ):
        pass


def test_processes_train_on_the_runs_own_device(
    searched: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    class Worker:
        def request(self, name: str, content: Mapping[str, Any]) -> None:
            opened.append((name, content["device"]))

        def kill(self) -> None:
            pass

    monkeypatch.setattr("curriculum.tune.process_executor._TrialWorker", Worker)
    setup = RunSetup(experiment=searched, seed=0, device=torch.device("cuda", 1))
    with open_executor(setup, jobs=2, source=None):
        pass
    assert opened == [("open", "cuda:1")] * 2


def test_a_process_that_the_system_does_not_start_ends_those_before_it(
    searched: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Worker:
        def __init__(self) -> None:
            made.append(self)
            self.killed = False
            if len(made) == 2:
                raise WorkerNotStarted(OSError(errno.ENOMEM, "Cannot allocate memory"))

        def kill(self) -> None:
            self.killed = True

    made: list[Worker] = []
    monkeypatch.setattr("curriculum.tune.process_executor._TrialWorker", Worker)
    setup = RunSetup(experiment=searched, seed=0, device=CPU)
    with (
        pytest.raises(RunFailed, match=r"can't be started .Cannot allocate memory.; .*--jobs"),
        open_executor(setup, jobs=2, source=None),
    ):
        pass
    assert [each.killed for each in made] == [True, False]
