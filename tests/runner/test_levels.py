"""A run along levels, from its first stage to what is shown of it everywhere."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import curriculum
from curriculum import (
    Adam,
    Arithmetic,
    Batch,
    Experiment,
    Explicit,
    Mastery,
    Stage,
    Task,
    UsageError,
)
from curriculum.cli.main import main
from curriculum.config import override
from curriculum.learn import batch_of
from curriculum.learn.randomness import generator
from curriculum.models import Recurrent
from curriculum.record import History, Record, Store, VisitEnded
from curriculum.report import explain_run
from curriculum.report.tables import stage_table, stage_table_markdown
from curriculum.tasks import FirstBit
from curriculum.tracking.metric_points import stage_numbers

DEEPEST = 3


@dataclass(frozen=True)
class Depth(Task):
    """Is the symbol at the depth of the level a one? The level counts from the end."""

    output = "bit"
    level_name = "depth"

    def check(self, stage: Stage) -> None:
        if stage.level > min(DEEPEST, stage.length):
            raise UsageError(f"the level is at most {DEEPEST}, got {stage.level}")

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs[:, -stage.level])


EXPERIMENT = Experiment(
    task=Depth(),
    model=Recurrent(cell="gru", hidden_size=12),
    growth=Arithmetic(start=Stage(4), end=Stage(4, level=DEEPEST)),
    criterion=Mastery(threshold=0.9),
    optimizer=Adam(learning_rate=3e-2),
    name="depth",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("levels") / "store"
    result = curriculum.run(EXPERIMENT, 0, store=store, mirror=False)
    assert result.reach == Stage(4, level=DEEPEST)
    return store


def test_a_task_without_levels_refuses_them() -> None:
    with pytest.raises(UsageError, match="FirstBit has no levels, got length 4, vocabulary 2, le"):
        EXPERIMENT.replace(task=FirstBit())


def test_batches_of_level_one_are_drawn_as_if_there_were_no_levels() -> None:
    rng = generator(7, "train", 4, 2, 16, 5)
    expected = Depth().sample(rng, Stage(4), 16).inputs
    found = batch_of(Depth(), Stage(4), 16, seed=7, stream="train", index=5)
    deeper = batch_of(Depth(), Stage(4, level=2), 16, seed=7, stream="train", index=5)
    assert np.array_equal(found.inputs, expected)
    assert not np.array_equal(deeper.inputs, expected)


def test_each_level_is_mastered_in_turn_and_recorded(finished: Path) -> None:
    history = History.of(Store(finished).find("last"))
    assert [visit.stage.level for visit in history.visits] == [1, 2, 3]
    assert [stage.key for stage in history.description.path] == ["4x2", "4x2x2", "4x2x3"]
    assert history.reach == Stage(4, 2, DEEPEST)
    assert stage_numbers(history, history.reach) == {"level": 3}


def test_tables_have_a_column_for_levels_where_there_are_any(finished: Path) -> None:
    result = History.of(Store(finished).find("last")).result()
    printed = io.StringIO()
    Console(file=printed, width=120).print(stage_table(result))
    assert printed.getvalue().splitlines()[1].split()[:4] == ["length", "vocab", "depth", "verdict"]
    rows = [line.split("|") for line in stage_table_markdown(result).splitlines()[2:]]
    assert [row[3].removeprefix(" &nbsp;&nbsp;").strip() for row in rows] == ["1", "2", "3"]


def test_a_level_is_certified_and_shown(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment = ("last", "--store", str(finished))
    with pytest.raises(UsageError, match="the level is at most 3, got 4"):
        curriculum.show("last", store=finished, experiment=EXPERIMENT, level=4)
    shown = curriculum.show("last", store=finished, experiment=EXPERIMENT, level=2, examples=3)
    assert shown.title.endswith("length 4, vocabulary 2, depth 2")
    assert main(["explain", *experiment]) == 0
    assert "every stage up to depth 3 mastered" in capsys.readouterr().out
    assert main(["runs", "--store", str(finished)]) == 0
    assert "depth 3" in capsys.readouterr().out
    assert main(["certify", *experiment, "--level", "2"]) == 2
    assert "--level need --length" in capsys.readouterr().err


def test_a_run_along_levels_is_resumed_as_if_it_had_not_stopped(
    finished: Path, tmp_path: Path
) -> None:
    stop = curriculum.StopRequest()

    def stop_once_one_is_mastered(record: Record) -> None:
        if isinstance(record.event, VisitEnded):
            stop.request()

    stopped = curriculum.run(
        EXPERIMENT, 0, listener=stop_once_one_is_mastered, stop=stop, store=tmp_path, mirror=False
    )
    assert stopped.status == "interrupted"
    assert stopped.reach == Stage(4)
    resumed = curriculum.resume("last", experiment=EXPERIMENT, store=tmp_path, mirror=False)
    whole = History.of(Store(finished).find("last")).result()
    assert resumed.weights_sha256 == whole.weights_sha256


def test_a_path_of_levels_is_listed_by_levels_alone() -> None:
    listed = override(EXPERIMENT, ["--growth", "explicit", "--growth.levels", "1", "3"])
    assert [stage.key for stage in listed.growth.path()] == ["4x2", "4x2x3"]


def test_a_level_is_named_where_nothing_grows(tmp_path: Path) -> None:
    deep = EXPERIMENT.replace(growth=Explicit(lengths=(4,), levels=(2,)))
    curriculum.run(deep, 0, store=tmp_path, mirror=False)
    explained = " ".join(explain_run(History.of(Store(tmp_path).find("last"))))
    assert "the stage of length 4, vocabulary 2, depth 2 mastered" in explained
