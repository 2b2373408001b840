"""`curriculum.certify`: a final model on many lengths, under a metric of choice, some of them refused."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import curriculum
from curriculum import (
    Adam,
    Batch,
    Budget,
    Experiment,
    Explicit,
    Mastery,
    Stage,
    Training,
    UsageError,
)
from curriculum.cli.main import main
from curriculum.models import Recurrent
from curriculum.runner import FinalEvaluator
from curriculum.tasks import FirstBit


@dataclass(frozen=True, kw_only=True, slots=True)
class OddFirstBit(FirstBit):
    """First bit, of odd lengths alone, with a metric of its own; and length 33 fails when drawn."""

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("half",)

    def metric_values(self, outputs: NDArray[np.float32], batch: Batch) -> dict[str, NDArray[Any]]:
        return {"half": np.full(len(outputs), 0.5)}

    def check(self, stage: Stage) -> None:
        if stage.length % 2 == 0:
            raise UsageError(f"odd lengths only, got {stage.length}")

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        if stage.length == 33:
            raise ValueError("no such file")
        return FirstBit.evaluation_batch(self, stage, start, stop)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return Experiment(
        task=OddFirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(3, 5)),
        criterion=Mastery(threshold=0.9),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(batch_size=16),
        budget=Budget(steps=20),
        name="odd",
    )


@pytest.fixture(scope="module")
def store(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certified")
    curriculum.run(experiment, store=folder, mirror=False)
    return folder


def test_a_refused_length_takes_none_of_the_rest(store: Path, experiment: Experiment) -> None:
    found = curriculum.certify("last", range(7, 12), store=store, experiment=experiment)
    assert [event.stage.length for event in found.evaluations] == [7, 9, 11]
    assert found.refused == {Stage(n): f"odd lengths only, got {n}" for n in (8, 10)}
    assert found.mean == pytest.approx(np.mean([event.score for event in found.evaluations]))
    assert not found.passes
    assert repr(found).endswith(
        "Not evaluated: length 8, vocabulary 2: odd lengths only, got 8, and 1 stage more likewise"
    )
    assert "odd lengths only" in found._repr_html_()
    (line,) = [line for line in found.figure.axes[0].lines if line.get_label() == "gated"]
    assert list(line.get_xdata()) == [7, 9, 11]  # type: ignore[arg-type]


def test_an_error_of_the_task_at_one_length_takes_none_of_the_rest(
    store: Path, experiment: Experiment
) -> None:
    found = curriculum.certify("last", (31, 33, 35), store=store, experiment=experiment)
    assert [event.stage.length for event in found.evaluations] == [31, 35]
    assert "OddFirstBit fails at length 33" in found.refused[Stage(33)]
    assert "no such file" in found.refused[Stage(33)]


def test_a_lack_of_memory_at_one_length_takes_none_of_the_rest(
    store: Path, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FinalEvaluator.beyond

    def beyond(self: FinalEvaluator, learner: Any, stage: Stage, *more: Any) -> Any:
        if stage.length == 9:
            raise MemoryError
        return whole(self, learner, stage, *more)

    monkeypatch.setattr(FinalEvaluator, "beyond", beyond)
    found = curriculum.certify("last", (7, 9, 11), store=store, experiment=experiment)
    assert [event.stage.length for event in found.evaluations] == [7, 11]
    assert found.refused == {Stage(9): "there is too little memory for length 9, vocabulary 2"}


@pytest.mark.parametrize(
    ("metric", "score"), [("half", 0.5), ("symbol_accuracy", None), ("exact_match", None)]
)
def test_a_metric_other_than_the_criterions(
    metric: str, score: float | None, store: Path, experiment: Experiment
) -> None:
    """With lengths and without; of one output symbol all metrics but the task's own are the same."""
    as_trained = curriculum.certify("last", (7, 9), store=store, experiment=experiment)
    for lengths in ((7, 9), None):
        found = curriculum.certify(
            "last", lengths, metric=metric, store=store, experiment=experiment
        )
        assert found.metric == metric
        assert all(event.reason.startswith(metric) for event in found.evaluations)
        scores = [event.score for event in found.evaluations if event.stage.length in (7, 9)]
        if lengths:
            expected = [event.score for event in as_trained.evaluations]
            assert scores == ([score] * 2 if score else expected)


def test_the_examples_of_a_length_depend_on_no_other(store: Path, experiment: Experiment) -> None:
    options: dict[str, Any] = {"store": store, "experiment": experiment, "examples": 64}
    alone = curriculum.certify("last", [3001], **options)
    among = curriculum.certify("last", (7, 3001, 9), **options)
    assert among.evaluations[1] == alone.evaluations[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lengths": []}, "there must be a length to evaluate on, got none"),
        ({"lengths": range(1, 10_002)}, "at most 10,000 lengths are evaluated at a time"),
        ({"lengths": (8, 10)}, "none of the 2 stages can be evaluated; length 8"),
        ({"lengths": (8,)}, "^odd lengths only, got 8$"),
        ({"lengths": (0,)}, "a stage's length must be a whole number, at least 1, got 0"),
        ({"lengths": (7,), "metric": "halve"}, "no metric 'halve'; did you mean half?"),
        (
            {"lengths": (7,), "metric": "loss"},
            "no metric 'loss'; known: exact_match, half, symbol_accuracy",
        ),
        ({"examples": 5}, "examples, vocab_size and level need lengths"),
        ({"on_interrupt": "stop"}, "on_interrupt must be 'raise' or 'return'"),
    ],
)
def test_mistakes(
    options: dict[str, Any], message: str, store: Path, experiment: Experiment
) -> None:
    with pytest.raises(UsageError, match=message):
        curriculum.certify("last", store=store, experiment=experiment, **options)


@pytest.fixture
def _interrupted_at_nine(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FinalEvaluator.beyond

    def beyond(self: FinalEvaluator, learner: Any, stage: Stage, *more: Any) -> Any:
        if stage.length == 9:
            raise KeyboardInterrupt
        return whole(self, learner, stage, *more)

    monkeypatch.setattr(FinalEvaluator, "beyond", beyond)


@pytest.mark.usefixtures("_interrupted_at_nine")
def test_an_interrupt_is_raised_or_returns_what_is_done(
    store: Path, experiment: Experiment
) -> None:
    options: dict[str, Any] = {"store": store, "experiment": experiment}
    with pytest.raises(KeyboardInterrupt):
        curriculum.certify("last", (7, 9, 11), **options)
    found = curriculum.certify("last", (7, 9, 11), on_interrupt="return", **options)
    assert [event.stage.length for event in found.evaluations] == [7]
    assert found.interrupted
    assert not found.passes
    assert "Interrupted: " in repr(found)


SHORT = ("--growth.end", "3", "--budget.steps", "5", "--final-evaluation.mode", "off")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run of an experiment that comes with the package."""
    folder = tmp_path_factory.mktemp("shipped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
        main(["run", "gru_firstbit", "--store", str(folder), *SHORT])
    return folder


def test_the_command_prints_and_writes_them(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A length below 2 is none of the task's: it is shown with its reason, and the code is 3."""
    table, figure = tmp_path / "new" / "curve.csv", tmp_path / "curve.svg"
    command = ["certify", "last", "--store", str(shipped), "--metric", "symbol_accuracy"]
    given = [*command, "--length", "1..7..3", "--length", "20,4"]
    assert main([*given, "--csv", str(table), "--figure", str(figure)]) == 3
    out, err = capsys.readouterr()
    assert "Mean symbol_accuracy " in out
    assert " over 3 stages, lengths 4 to 20: " in out
    assert "Not evaluated: " in out
    assert "first bit needs a length of at least 2" in " ".join(out.split())
    assert f"Wrote {table}\nWrote {figure}\n" in err
    rows = [*csv.DictReader(io.StringIO(table.read_text()))]
    assert [row["length"] for row in rows] == ["4", "7", "20", "1"]
    assert [row["score"] == "" for row in rows] == [False, False, False, True]
    assert rows[-1]["answer"] == "refused"
    assert "symbol_accuracy" in figure.read_text()


def test_of_many_stages_some_are_printed_and_all_are_counted(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["certify", "last", "--store", str(shipped), "--length", "2..101"])
    out, err = capsys.readouterr()
    assert "; 20 of 100 stages" in out
    assert len([line for line in out.splitlines() if line.split()[1:2] == ["2"]]) == 20
    assert " over 100 stages, lengths 2 to 101: " in out
    assert err.count("\n") == 10  # one for each tenth
    assert "10 of 100 stages; length 11, vocabulary 2: score " in err


@pytest.mark.usefixtures("_interrupted_at_nine")
def test_an_interrupted_command_prints_what_is_done(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certify", "last", "--store", str(shipped), "--length", "7..11"]) == 130
    out, _ = capsys.readouterr()
    assert " over 2 stages, lengths 7 to 8: " in out
    assert "Interrupted: the stages after these were not evaluated" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--length", "500..41"], "must rise, got '500..41'; did you mean 41..500?"),
        (["--length", "41.."], "must be lengths such as 40, 41..500 or 41..500..20"),
        (["--length", "a..b"], "must be lengths such as 40, 41..500 or 41..500..20"),
        (["--length", "4,,5"], "must be lengths such as 40, 41..500 or 41..500..20"),
        (["--length", "-5"], "must be lengths such as 40"),
        (["--length", "0..5"], "must be whole numbers, at least 1, got '0..5'"),
        (["--length", "1..5..0"], "must be whole numbers, at least 1, got '1..5..0'"),
        (["--length", "1..20000"], "at most 10,000 lengths in a row, got '1..20000'; 1..20000..2"),
        (["--figure", "curve.gif"], "--figure takes a name that ends in .png, .svg, .pdf"),
        (["--figure", "."], "it is a folder"),
        (["--csv", "."], "it is a folder"),
    ],
)
def test_what_the_command_refuses(
    options: list[str],
    message: str,
    shipped: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(shipped)
    assert main(["certify", "last", "--store", str(shipped), *options]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert not out
