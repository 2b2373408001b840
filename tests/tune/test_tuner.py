"""The search as a whole, on a small stage."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from curriculum import SGD, Adam, Budget, Experiment, Explicit, Look, Scheduler, Training, Tuning
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.meter import Meter
from curriculum.learn.recipe import HIDDEN_SIZE, LEARNING_RATE
from curriculum.models import Recurrent
from curriculum.tune.field import Here
from curriculum.tune.tuner import Tuner
from curriculum.tune.workers import open_field

Records = list[dict[str, Any]]
CPU = torch.device("cpu")


@pytest.fixture
def searched(tiny: Experiment) -> Experiment:
    """One that the carried settings can't master within its budget, and others can."""
    return tiny.but(
        growth=Explicit(lengths=(6,)),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=60),
        tuning=Tuning(mode="each", learning_rate=(1e-3, 1e-1), hidden_size=(8, 16)),
    )


class Bench:
    """A tuner beside a run that has not begun."""

    def __init__(self, experiment: Experiment, seed: int = 0, field: Any = None) -> None:
        self.experiment = experiment
        self.records: Records = []
        self.meter = Meter()
        self.scheduler: Scheduler = experiment.scheduler()
        self.parent = Learner.start(
            experiment.shape,
            experiment.recipe,
            seed=seed,
            device=CPU,
        ).snapshot()
        self.tuner = Tuner(
            experiment,
            seed=seed,
            device=CPU,
            meter=self.meter,
            field=field or Here(experiment, seed=seed, device=CPU),
            write=self.write,
        )

    def write(self, kind: str, content: dict[str, Any], seconds: float) -> dict[str, Any]:
        assert seconds > 0
        self.records.append({"kind": kind, **content})
        return self.records[-1] | {"clock": {"seconds": seconds}}

    def search(self) -> Learner:
        return self.tuner.best(self.parent, self.scheduler)

    def of(self, kind: str) -> Records:
        return [record for record in self.records if record["kind"] == kind]


def test_a_search_finds_settings_that_master_where_the_carried_ones_do_not(
    searched: Experiment,
) -> None:
    bench = Bench(searched)
    learner = bench.search()
    [choice] = bench.of("choice")
    assert choice["ending"] == f"trial {choice['trial']} mastered the stage"
    assert learner.recipe.learning_rate == choice["learning_rate"] > 1e-3
    told = bench.of("trial")
    assert [trial["number"] for trial in told] == list(range(len(told)))
    assert told[0]["settings"] == {LEARNING_RATE: 1e-5, HIDDEN_SIZE: 8}
    outcomes = {trial["number"]: trial["outcome"] for trial in told}
    assert outcomes.pop(choice["trial"]) == "mastered"
    assert set(outcomes.values()) <= {"exhausted", "lost"}
    assert outcomes[0] != "mastered"


def test_all_trials_are_charged_and_the_losers_apart(searched: Experiment) -> None:
    bench = Bench(searched)
    bench.search()
    [choice] = bench.of("choice")
    spent = {look["trial"]: look["spent"] for look in bench.of("advance")}
    won = spent.pop(choice["trial"])
    assert bench.meter.spent.exact() == won == choice["won"]
    for part in ("steps", "tokens"):
        assert choice["lost"][part] == sum(trial[part] for trial in spent.values())
    lost = sum(trial["compute"] for trial in spent.values())
    assert bench.meter.lost.compute == pytest.approx(lost)
    assert bench.meter.lost.steps == choice["lost"]["steps"]


def test_the_winner_is_what_training_with_its_settings_gives(searched: Experiment) -> None:
    bench = Bench(searched)
    learner = bench.search()
    [choice] = bench.of("choice")
    field = Here(searched, seed=0, device=CPU)
    settings = bench.of("trial")[choice["trial"]]["settings"]
    field.enter({choice["trial"]: settings}, bench.parent, bench.scheduler)
    while not field.advance(choice["trial"]).mastered:
        pass
    alone = field.learner(choice["trial"])
    assert weights_sha256(alone.model) == weights_sha256(learner.model)


def test_the_same_seed_gives_the_same_search_and_another_seed_another(
    searched: Experiment,
) -> None:
    one, again, other = Bench(searched), Bench(searched), Bench(searched, seed=1)
    assert weights_sha256(one.search().model) == weights_sha256(again.search().model)
    other.search()
    assert one.records == again.records != other.records


@pytest.mark.slow
def test_processes_change_nothing(searched: Experiment) -> None:
    alone = Bench(searched)
    expected = weights_sha256(alone.search().model)
    for jobs in (2, 3):
        with open_field(searched, seed=0, device=CPU, jobs=jobs, source=None) as field:
            several = Bench(searched, field=field)
            assert weights_sha256(several.search().model) == expected
        assert several.records == alone.records
        assert several.meter.lost == alone.meter.lost


@pytest.mark.slow
def test_processes_agree_on_a_search_that_none_masters(searched: Experiment) -> None:
    hopeless = searched.but(
        budget=Budget(steps_per_stage=10), tuning=replace(searched.tuning, trials=6)
    )
    alone = Bench(hopeless)
    expected = weights_sha256(alone.search().model)
    with open_field(hopeless, seed=0, device=CPU, jobs=2, source=None) as field:
        several = Bench(hopeless, field=field)
        assert weights_sha256(several.search().model) == expected
    assert several.records == alone.records
    assert alone.of("choice")[0]["ending"] == "its trials are used up"


def cuts(records: Records, kind: str) -> list[int]:
    return [place + 1 for place, record in enumerate(records) if record["kind"] == kind]


@pytest.mark.parametrize("kind", ["trial", "round"])
def test_a_search_stopped_between_two_trials_goes_on_as_if_it_had_not(
    searched: Experiment, kind: str
) -> None:
    whole = Bench(searched)
    expected = weights_sha256(whole.search().model)
    for cut in cuts(whole.records, kind):
        again = Bench(searched)
        again.tuner.remember(whole.records[:cut])
        assert weights_sha256(again.search().model) == expected
        kept = [r for r in whole.records[:cut] if r["kind"] == "trial"]
        kept = kept[: len(kept) - len(kept) % 4]
        told = kept + again.of("trial")
        assert told == whole.of("trial")
        assert again.of("choice") == whole.of("choice")
        assert again.meter.lost == whole.meter.lost


def test_a_search_that_none_mastered_goes_on_with_the_trial_that_scored_best(
    searched: Experiment,
) -> None:
    hopeless = searched.but(
        budget=Budget(steps_per_stage=20), tuning=replace(searched.tuning, trials=8)
    )
    whole = Bench(hopeless)
    learner = whole.search()
    [choice] = whole.of("choice")
    scores = {trial["number"]: trial["score"] for trial in whole.of("trial")}
    assert len(scores) == 8
    assert scores[choice["trial"]] == max(scores.values())
    assert whole.meter.spent.steps == 20
    for cut in cuts(whole.records, "trial"):  # its learner may be of a round before the stop
        again = Bench(hopeless)
        again.tuner.remember(whole.records[:cut])
        assert weights_sha256(again.search().model) == weights_sha256(learner.model)
        assert again.of("choice") == whole.of("choice")


def test_a_diverged_trial_fails_with_its_reason_and_the_race_goes_on(tiny: Experiment) -> None:
    wild = tiny.but(
        growth=Explicit(lengths=(3,)),
        optimizer=SGD(learning_rate=1e38, momentum=0.0),
        training=Training(clip_norm=None),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1.0), hidden_size=(8, 8)),
    )
    bench = Bench(wild)
    learner = bench.search()
    told = bench.of("trial")
    assert told[0]["outcome"] == "diverged"
    assert told[0]["score"] is None
    assert told[0]["attributes"]["reason"] == "the loss is no longer a finite number"
    assert any(trial["outcome"] != "diverged" for trial in told)
    assert learner.recipe.learning_rate <= 1.0


def test_where_all_diverge_the_parent_goes_on(tiny: Experiment) -> None:
    wild = tiny.but(
        optimizer=SGD(learning_rate=1e38, momentum=0.0),
        training=Training(clip_norm=None),
        tuning=Tuning(mode="each", learning_rate=(1e38, 1e38), hidden_size=(8, 8), trials=4),
    )
    bench = Bench(wild)
    learner = bench.search()
    assert weights_sha256(learner.model) == weights_sha256(Learner.of(bench.parent, CPU).model)
    assert bench.of("choice")[0]["trial"] is None
    assert bench.meter.spent.steps == 0
    assert bench.meter.lost.steps > 0


def test_a_model_that_cannot_be_widened_starts_cold_if_told_to(searched: Experiment) -> None:
    from dataclasses import dataclass

    from curriculum import Shape

    @dataclass(frozen=True)
    class Rigid:
        hidden_size: int = 8

        def check(self, shape: Shape) -> None: ...

        def build(self, shape: Shape) -> torch.nn.Module:
            return Recurrent(cell="gru", hidden_size=self.hidden_size).build(shape)

    bounds = replace(searched.tuning, hidden_size=None)
    told = Bench(searched.but(model=Rigid(), tuning=replace(bounds, cold_start=True)))
    told.search()
    assert {trial["settings"][HIDDEN_SIZE] for trial in told.of("trial")} > {8}
    plain = Bench(searched.but(model=Rigid(), tuning=bounds))
    plain.search()
    assert all(HIDDEN_SIZE not in trial["settings"] for trial in plain.of("trial"))


def test_memory_running_out_fails_the_trial_alone(
    searched: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curriculum.learn.training import Trainer

    take_steps = Trainer.take_steps

    def scarce(self: Trainer, learner: Learner, *rest: Any, **more: Any) -> Any:
        if learner.recipe.hidden_size > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.\nand more")
        return take_steps(self, learner, *rest, **more)

    monkeypatch.setattr(Trainer, "take_steps", scarce)
    bench = Bench(searched)
    bench.search()
    wide = [t for t in bench.of("trial") if t["settings"][HIDDEN_SIZE] > 8]
    assert wide
    assert {trial["outcome"] for trial in wide} == {"diverged"}
    assert wide[0]["attributes"]["reason"] == "memory ran out: CUDA out of memory."


def limited(change: Callable[[Experiment], Experiment], searched: Experiment) -> Bench:
    bench = Bench(change(searched))
    bench.search()
    return bench


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (lambda e: e.but(budget=Budget(steps_per_stage=60, steps=50)), "the run's 50 steps"),
        (lambda e: e.but(budget=Budget(steps_per_stage=60, compute=1e8)), "of compute are used up"),
        (lambda e: e.but(budget=Budget(steps_per_stage=60, seconds=1e-9)), "the run's 1e-09 s"),
        (
            lambda e: e.but(budget=Budget(steps_per_stage=60, seconds_per_stage=1e-9)),
            "the stage's 1e-09 seconds",
        ),
        (
            lambda e: e.but(tuning=replace(e.tuning, share=0.6)),
            "losing trials have taken 60% of the run's compute",
        ),
    ],
)
def test_a_limit_cuts_the_search_and_the_best_so_far_goes_on(
    change: Callable[[Experiment], Experiment], ending: str, searched: Experiment
) -> None:
    bench = limited(change, searched)
    [choice] = bench.of("choice")
    assert ending in choice["ending"]
    assert choice["trial"] is not None
    outcomes = {trial["outcome"] for trial in bench.of("trial")}
    assert "cut" in outcomes
    assert "mastered" not in outcomes
    again = Bench(bench.experiment)
    again.tuner.remember(bench.records[:-1])  # the cut is a record, and a replay obeys it
    again.search()
    assert again.records == [choice]


def test_the_share_of_losers_is_kept_to(searched: Experiment) -> None:
    bench = limited(lambda e: e.but(tuning=replace(e.tuning, share=0.6)), searched)
    lost, total = bench.meter.lost.compute, (bench.meter.spent + bench.meter.lost).compute
    assert lost <= 0.75 * total  # it is noticed at the look after


@pytest.mark.parametrize(
    ("mode", "retuning", "due"),
    [
        ("each", False, True),
        ("each", True, True),
        ("stuck", False, False),
        ("stuck", True, True),
        ("off", False, False),
    ],
)
def test_when_a_visit_is_searched(
    searched: Experiment, mode: Any, retuning: bool, due: bool
) -> None:
    bench = Bench(searched.but(tuning=Tuning(mode=mode)))
    bench.scheduler.retuning = retuning
    assert bench.tuner.is_due(bench.scheduler) == due


def test_a_retune_goes_on_with_the_study(searched: Experiment) -> None:
    hopeless = searched.but(
        budget=Budget(steps_per_stage=20), tuning=replace(searched.tuning, trials=4)
    )
    bench = Bench(hopeless)
    bench.search()
    spent = bench.meter.spent
    bench.scheduler.update(Look(spent=spent, lost=bench.meter.lost))
    assert bench.scheduler.retuning
    bench.search()
    told = bench.of("trial")
    assert [trial["number"] for trial in told] == list(range(8))
    assert {trial["study"] for trial in told} == {0}
    assert len({str(trial["settings"]) for trial in told}) == 8


def test_another_stage_gets_a_study_of_its_own(searched: Experiment) -> None:
    stuck = searched.but(
        budget=Budget(steps_per_stage=20),
        tuning=replace(searched.tuning, mode="stuck", trials=4, hidden_size=(8, 11)),
    )
    bench = Bench(stuck)
    for visit in (1, 3):  # each the retune of the visit before
        bench.scheduler.visit, bench.scheduler.retuning = visit, True
        bench.parent = bench.search().snapshot()
    assert [(r["visit"], r["study"]) for r in bench.of("round")] == [(1, 1), (3, 3)]
    assert [trial["number"] for trial in bench.of("trial")] == [0, 1, 2, 3] * 2


def test_memory_running_out_as_a_trial_begins_fails_it_alone(
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
    wide = {t["outcome"] for t in bench.of("trial") if t["settings"][HIDDEN_SIZE] > 8}
    assert wide == {"diverged"}


@pytest.mark.slow
def test_a_user_file_is_found_by_the_processes(tmp_path: Path) -> None:
    from curriculum.catalogue import load_experiment

    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from curriculum import Adam, Experiment, Explicit, Mastery, Tuning\n"
        "from curriculum.models import Recurrent\n"
        "from tasks import FirstBit\n"
        "print('a word of the user')\n"
        "@dataclass(frozen=True)\n"
        "class Mine(FirstBit):\n    pass\n"
        "experiment = Experiment(task=Mine(), model=Recurrent(hidden_size=8),\n"
        "    growth=Explicit(lengths=(3,)), criterion=Mastery(threshold=1.0),\n"
        "    optimizer=Adam(learning_rate=3e-2), tuning=Tuning(mode='each'))\n"
    )
    experiment, source = load_experiment(str(path))
    with open_field(experiment, seed=0, device=CPU, jobs=2, source=source) as field:
        bench = Bench(experiment, field=field)
        bench.search()
    assert bench.of("choice")


def test_processes_that_could_not_find_the_users_code_are_not_started(
    searched: Experiment,
) -> None:
    from dataclasses import dataclass

    from curriculum import UsageError
    from tasks import FirstBit

    @dataclass(frozen=True)
    class Local(FirstBit):
        pass

    with (
        pytest.raises(UsageError, match="give its path as `source`"),
        open_field(searched.but(task=Local()), seed=0, device=CPU, jobs=2, source=None),
    ):
        pass
