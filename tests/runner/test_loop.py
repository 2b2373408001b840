"""A run from its start to its end: what it trains, records, keeps and reports."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interrupted_runs import (
    interrupted_at,
)
from recorded_events import kinds, of_kind, recorded
from safetensors.torch import load_file
from stopped_experiments import (
    per_stage,
)

import curriculum
from curriculum import (
    SGD,
    Adam,
    Backtracking,
    Batch,
    Budget,
    Experiment,
    Explicit,
    Rollback,
    RunResult,
    Shape,
    Stage,
    Training,
    UsageError,
    Verdict,
)
from curriculum.learn import Task, weights_sha256
from curriculum.models import Recurrent
from curriculum.record import (
    Evaluated,
    History,
    Record,
    RunEnded,
    Store,
    VisitEnded,
    VisitStarted,
    read_journal,
)
from curriculum.report import describe_dry_run, explain_run
from curriculum.tasks import FirstBit


@dataclass(frozen=True)
class Impossible(FirstBit):
    """First bit, whose evaluation set wants the opposite from length 3 on."""

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        batch = FirstBit.evaluation_batch(self, stage, start, stop)
        return replace(batch, targets=1 - batch.targets) if stage.length > 2 else batch


def run(experiment: Experiment, store: Path, seed: int = 0, **more: Any) -> RunResult:
    return curriculum.run(experiment, seed, store=store, mirror=False, **more)


def records(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


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

    result = interrupted_at(tiny, store, moment)
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
    result = interrupted_at(tiny, store, moment)
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
    with pytest.raises(UsageError, match=r"Recurrent fails at .*: RuntimeError: out of memory"):
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


@dataclass(frozen=True)
class Echo(Task):
    """Repeats the sequence; any vocabulary."""

    output = "symbols"

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

    with pytest.raises(
        UsageError, match="Rigid can't be widened, as it has no `placements`; leave"
    ):
        tiny.replace(model=Rigid(), model_size="stage")


def test_a_stage_with_a_threshold_of_its_own_is_decided_on_it_and_says_so(
    tiny: Experiment, store: Path
) -> None:
    experiment = per_stage(tiny)
    assert run(experiment, store).status == "reached"
    assert "(0.6 on 2, 0.7 on 3x2)" in "\n".join(describe_dry_run(experiment))
    evaluations = of_kind(Evaluated, recorded(store))
    thresholds = {each.stage.length: each.decision.threshold for each in evaluations}
    assert thresholds == {2: 0.6, 3: 0.7, 5: 0.99}
    lines = [line for line in explain_run(History.of(Store(store).find("last"))) if "Visit" in line]
    for line, threshold in zip(lines, ("0.6", "0.7", "0.99"), strict=True):
        assert f"threshold {threshold}" in line
