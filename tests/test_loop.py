from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

import curriculum
from curriculum import (
    Adam,
    Batch,
    Budget,
    Choices,
    Experiment,
    Explicit,
    Mastery,
    Range,
    Result,
    Stage,
    Stop,
    Training,
    Tuning,
    UsageError,
)
from curriculum.learn.learner import weights_sha256
from curriculum.models import LanguageModel, Recurrent
from curriculum.models.language_model import Net
from curriculum.record.history import History
from curriculum.record.journal import Record, read_journal
from curriculum.record.store import Store
from curriculum.tune.importance import importances
from curriculum.tune.storage import StudiesCopy
from tasks import FirstBit, HumanNumbers


@dataclass(frozen=True)
class Impossible(FirstBit):
    """First bit, whose exam wants the opposite from length 3 on."""

    def exam_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        batch = FirstBit.exam_batch(self, stage, start, stop)
        return replace(batch, targets=1 - batch.targets) if stage.length > 2 else batch


def run(experiment: Experiment, store: Path, seed: int = 0, **more: Any) -> Result:
    return curriculum.run(experiment, seed, store=store, mirror=False, **more)


def records(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


def interrupted(
    experiment: Experiment, store: Path, moment: Callable[[Record], bool], **more: Any
) -> Result:
    """A run that is asked to stop at the first such record."""

    def impatient(record: Record) -> None:
        if moment(record):
            stop.request()

    stop = Stop()
    result = run(experiment, store, listener=impatient, stop=stop, **more)
    assert stop.requested
    return result


def test_a_run_climbs_to_its_target(tiny: Experiment, store: Path) -> None:
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

    def told(name: str) -> list[Record]:
        return [
            {key: value for key, value in record.items() if key != "clock"}
            for record in records(tmp_path / name)
        ]

    assert told("a") == told("b")


def test_the_final_model_can_be_loaded(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    model = curriculum.load(result.run_id, store=store)
    assert weights_sha256(model) == result.weights_sha256
    assert not model.training


def test_a_listener_gets_each_record_after_it_is_on_disk(tiny: Experiment, store: Path) -> None:
    def listener(record: Record) -> None:
        assert records(store)[-1] == record
        heard.append(record["kind"])

    heard: list[str] = []
    run(tiny, store, listener=listener)
    assert heard[0] == "visit"
    assert heard[-1] == "end"
    assert heard.count("verdict") == 3
    assert heard == [record["kind"] for record in records(store)]


def test_a_run_that_stops_short_says_so_and_keeps_the_last_good_model(
    tiny: Experiment, store: Path
) -> None:
    hopeless = tiny.but(task=Impossible(), budget=curriculum.Budget(steps_per_stage=150))
    result = run(hopeless, store)
    assert result.status == "stopped"
    assert result.reach == Stage(2)
    told = records(store)
    masters = [record["verdict"] for record in told if record["kind"] == "verdict"]
    assert masters[:2] == ["mastered", "exhausted"]
    assert "steps are used up" in told[-1]["ending"]


def test_an_exhausted_visit_is_undone(tiny: Experiment, store: Path) -> None:
    hopeless = tiny.but(
        growth=Explicit(lengths=(400,)), budget=curriculum.Budget(steps_per_stage=3)
    )
    untrained = run(hopeless, store).weights_sha256
    longer = hopeless.but(budget=curriculum.Budget(steps_per_stage=5))
    assert run(longer, store).weights_sha256 == untrained


def test_an_interrupt_stops_the_run_in_order(tiny: Experiment, store: Path) -> None:
    result = interrupted(
        tiny, store, lambda record: record["kind"] == "look" and record["spent"]["steps"] >= 20
    )
    assert result.status == "interrupted"
    assert result.ending == "it was asked to"
    assert result.weights_sha256 is None  # nothing is final yet
    folder = Store(store).find("last")
    assert not folder.is_running
    said = folder.stopped()
    assert said is not None
    assert said["status"] == "interrupted"
    kinds = [record["kind"] for record in records(store)]
    assert "end" not in kinds
    whole = run(tiny, store / "whole")
    gone_on = curriculum.resume("last", store=store, mirror=False)
    assert gone_on.weights_sha256 == whole.weights_sha256
    assert folder.stopped() is None
    assert [record["kind"] for record in records(store)].count("end") == 1


@pytest.mark.parametrize(
    "moment",
    [
        lambda record: record["kind"] == "verdict",
        lambda record: record["kind"] == "visit" and record["visit"] == 1,
        lambda record: record["kind"] == "look" and record["visit"] == 1,
    ],
    ids=["verdict", "next visit", "next look"],
)
def test_an_interrupt_after_mastery_keeps_the_mastered_model(
    tiny: Experiment, store: Path, moment: Callable[[Record], bool]
) -> None:
    result = interrupted(tiny, store, moment)
    assert result.reach == Stage(2)
    run(tiny, store / "whole")
    first = next(r for r in records(store / "whole") if r["kind"] == "verdict")
    assert weights_sha256(curriculum.load("last", store=store)) == first["weights_sha256"]


def test_a_model_that_cannot_be_built_leaves_nothing_behind(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("curriculum.models.recurrent_network.RecurrentNetwork.__init__", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        run(tiny, store)
    assert not store.exists()


def test_a_failure_is_recorded_and_raised(tiny: Experiment, store: Path) -> None:
    def broken(record: Record) -> None:
        if record["kind"] == "look":
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        run(tiny, store, listener=broken)
    folder = Store(store).find("last")
    assert not folder.is_running
    history = History.of(folder)
    assert history.status() == "failed"
    assert history.ending == "RuntimeError: out of luck"
    assert [record["kind"] for record in records(store)] == ["visit", "look"]
    gone_on = curriculum.resume("last", store=store, mirror=False)
    assert gone_on.weights_sha256 == run(tiny, store / "whole").weights_sha256


def test_a_diverged_run_stops(tiny: Experiment, store: Path) -> None:
    wild = tiny.but(
        optimizer=curriculum.SGD(learning_rate=1e38, momentum=0.0),
        training=curriculum.Training(clip_norm=None),
    )
    assert run(wild, store).status == "stopped"
    assert "no longer a finite number" in records(store)[-1]["ending"]


def test_the_record_holds_what_was_run(tiny: Experiment, store: Path) -> None:
    run(tiny, store, seed=7)
    described = Store(store).find("last").description()
    assert described["seed"] == 7
    assert described["experiment"] == "tiny"
    assert described["strategy"] == "gated"
    assert described["path"] == ["2x2", "3x2", "5x2"]
    assert described["settings"]["optimizer.learning_rate"] == 0.03
    assert described["settings"]["model.cell"] == "gru"
    assert described["environment"]["torch"]


def test_clock_readings_lie_apart(tiny: Experiment, store: Path) -> None:
    run(tiny, store)
    for record in records(store):
        assert set(record["clock"]) == {"time", "seconds"}
        assert "seconds" not in record.get("spent", {})
    history = History.of(Store(store).find("last"))
    assert history.seconds > 0


def test_every_decision_records_its_numbers(tiny: Experiment, store: Path) -> None:
    run(tiny, store)
    looks = [record for record in records(store) if record["kind"] == "look"]
    for look in looks:
        decision = look["decision"]
        assert look["stream"] == "gate"
        assert decision["reason"]
        assert decision["metric"] == "exact_match"
        assert decision["threshold"] == 1.0
        assert decision["examples"] >= 2


@pytest.mark.parametrize(("seed", "device", "said"), [(-1, "cpu", "seed"), (0, "tpu", "device")])
def test_bad_arguments_leave_nothing_behind(
    tiny: Experiment, store: Path, seed: int, device: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        curriculum.run(tiny, seed, store=store, device=device, mirror=False)
    assert not store.exists()


def tuned(tiny: Experiment, **settings: Any) -> Experiment:
    """One whose carried learning rate is hopeless."""
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8)
    return tiny.but(
        optimizer=curriculum.Adam(learning_rate=1e-5),
        budget=curriculum.Budget(steps_per_stage=100),
        tuning=replace(tuning, **settings),
    )


def test_tuning_reaches_what_the_carried_settings_do_not(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    assert result.reach == Stage(5)
    assert result.stages[0].learning_rate > 1e-3
    assert run(tuned(tiny).but(tuning=Tuning(mode="off")), store / "off").reach is None


def test_trials_are_part_of_the_reported_cost(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    assert 0 < result.lost_share < 1
    for part in ("steps", "tokens"):
        by_visit = [getattr(s, part) + getattr(s, f"lost_{part}") for s in result.stages]
        assert sum(by_visit) == getattr(result, part)
    told = records(store)
    looks = {(r["visit"], r["trial"]): r["spent"] for r in told if r["kind"] == "advance"}
    tried = sum(spent["steps"] for spent in looks.values())
    assert result.steps >= tried > sum(stage.steps for stage in result.stages) / 2


@pytest.mark.slow
def test_jobs_change_nothing(tiny: Experiment, store: Path) -> None:
    one = run(tuned(tiny), store / "one")
    several = run(tuned(tiny), store / "several", jobs=2)
    assert one.weights_sha256 == several.weights_sha256
    assert one.steps == several.steps

    def told(name: str) -> list[Record]:
        return [
            {key: value for key, value in record.items() if key != "clock"}
            for record in records(store / name)
        ]

    assert told("one") == told("several")


def test_the_chosen_settings_are_carried_on(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    told = records(store)
    carried = [(r["learning_rate"], r["hidden_size"]) for r in told if r["kind"] == "visit"]
    chosen = [(stage.learning_rate, stage.hidden_size) for stage in result.stages]
    assert carried[0] == (1e-5, 8)
    assert carried[1:] == chosen[:-1]


def test_a_tuned_model_can_be_loaded(tiny: Experiment, store: Path) -> None:
    wide = run(tuned(tiny, hidden_size=(16, 16)), store, seed=5)
    assert wide.stages[-1].hidden_size == 16


def test_a_stuck_stage_is_retuned_from_the_same_parent(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny, mode="stuck"), store)
    visits = [r for r in records(store) if r["kind"] == "visit"]
    assert [visit["retuning"] for visit in visits[:2]] == [False, True]
    assert visits[0]["stage"] == visits[1]["stage"]
    assert [stage.verdict for stage in result.stages[:2]] == ["exhausted", "mastered"]
    assert [stage.trials for stage in result.stages[:2]] == [0, result.stages[1].trials]
    assert result.reach == Stage(5)


def test_tuning_that_needs_one_trial_is_training(tiny: Experiment, store: Path) -> None:
    plain = run(tiny, store / "plain")
    one = run(tiny.but(tuning=Tuning(mode="each", trials=1)), store / "one")
    assert one.weights_sha256 == plain.weights_sha256
    assert (one.steps, one.lost_share) == (plain.steps, 0)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupt_amid_a_search_leaves_the_parent_standing(
    tiny: Experiment, store: Path, jobs: int
) -> None:
    hard = tuned(tiny).but(criterion=Mastery(threshold=1.0, least_steps=60))
    result = interrupted(
        hard,
        store,
        lambda record: record["kind"] == "advance" and (record["visit"], record["trial"]) == (1, 2),
        jobs=jobs,
    )
    assert result.status == "interrupted"
    assert result.lost_share > 0
    told = records(store)
    assert told[-1]["kind"] == "advance"
    assert result.steps > 0
    first = next(record for record in told if record["kind"] == "verdict")
    assert weights_sha256(curriculum.load("last", store=store)) == first["weights_sha256"]
    whole = run(hard, store / "whole")
    gone_on = curriculum.resume("last", store=store, mirror=False, jobs=jobs)
    assert gone_on.weights_sha256 == whole.weights_sha256
    assert gone_on.steps == whole.steps


def test_a_model_can_grow_with_its_stages(store: Path) -> None:
    @dataclass(frozen=True)
    class Echo:
        """Says the sequence again; any vocabulary."""

        answer = "symbols"

        def check(self, stage: Stage) -> None: ...

        def sample(self, rng: Any, stage: Stage, batch_size: int) -> Batch:
            inputs = rng.integers(stage.vocab_size, size=(batch_size, stage.length))
            return Batch(inputs=inputs, targets=inputs)

    experiment = Experiment(
        task=Echo(),  # type: ignore[arg-type]
        model=Recurrent(cell="gru", hidden_size=16, embedding_size=8),
        growth=Explicit(lengths=(3, 3), vocab_sizes=(3, 6)),
        optimizer=curriculum.Adam(learning_rate=2e-2),
        training=curriculum.Training(sized_for="stage"),
    )
    assert run(experiment, store).reach == Stage(3, 6)
    folder = Store(store).find("last")
    saved = sorted(folder.checkpoints.iterdir())
    sizes = [len(load_file(path / "model.safetensors")["head.bias"]) for path in saved]
    assert (sizes[0], sizes[-1]) == (3, 6)


def test_a_model_that_cannot_grow_is_not_asked_to(tiny: Experiment) -> None:
    @dataclass(frozen=True)
    class Rigid:
        hidden_size: int = 4

        def check(self, stage: Stage) -> None: ...

        def build(self, answer: str, last: Stage) -> Any: ...

    with pytest.raises(UsageError, match="Rigid has no `placements`; leave it at 'path'"):
        tiny.but(model=Rigid(), training=curriculum.Training(sized_for="stage"))


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_other_settings_can_be_tuned(tiny: Experiment, store: Path, jobs: int) -> None:
    also = (
        Range(setting="optimizer.weight_decay", low=1e-4, high=1e-1, log=True),
        Choices(setting="training.batch_size", values=(16, 64)),
        Choices(setting="training.clip_norm", values=(None, 0.5)),
    )
    plain = tuned(tiny)
    searched = plain.but(
        optimizer=curriculum.AdamW(learning_rate=1e-5), tuning=replace(plain.tuning, also=also)
    )
    result = run(searched, store, jobs=jobs)
    told = [r for r in records(store) if r["kind"] == "trial"]
    assert {trial["settings"]["training.batch_size"] for trial in told} > {32}
    assert len({trial["settings"]["optimizer.weight_decay"] for trial in told}) > 1
    model = curriculum.load("last", store=store)
    assert weights_sha256(model) == result.weights_sha256
    copy = StudiesCopy(Store(store).find("last"), str(store / "studies.journal"))
    copy.copy()
    figures = [importances(visit) for visit in History.of(Store(store).find("last")).visits]
    assert any(figures)


def test_the_clock_goes_on_amid_a_search(tiny: Experiment, store: Path) -> None:
    run(tuned(tiny), store)
    told = records(store)
    seconds = [r["clock"]["seconds"] for r in told]
    assert seconds == sorted(seconds)
    assert len({r["clock"]["seconds"] for r in told if r["kind"] == "advance"}) > 5


def test_a_storage_that_cannot_be_reached_is_said_before_anything_is_run(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURRICULUM_STUDIES", "sqlite:////nowhere/at/all.db")
    with pytest.raises(UsageError, match="can't be reached"):
        run(tuned(tiny), store)
    assert not store.exists()
    assert run(tiny, store).status == "reached"  # without trials there is nothing to store


@pytest.mark.parametrize("net", ["lstm", "gru"])
def test_a_carried_state_goes_through_trials_in_other_processes(net: Net, store: Path) -> None:
    experiment = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net=net, hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(20,), vocab_sizes=(38,)),
        criterion=Mastery(threshold=0.2, metric="symbol_accuracy"),
        optimizer=Adam(learning_rate=3e-3),
        training=Training(batch_size=16, look_every=8),
        budget=Budget(steps_per_stage=24),
        tuning=Tuning(mode="each", trials=4, learning_rate=(1e-3, 1e-1), hidden_size=(4, 8)),
        name="words",
    )
    one, two = (run(experiment, store, jobs=jobs) for jobs in (1, 2))
    assert one.weights_sha256 == two.weights_sha256
    assert one.compute == two.compute
