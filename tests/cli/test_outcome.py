"""What a run prints: its result once training is over, and then what its final model passes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from curriculum.record import FinalEvaluated, History, Store
from curriculum.runner.final_evaluation import FinalEvaluator

Before = Callable[[], None]


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)


@pytest.fixture
def before_final_evaluation(monkeypatch: pytest.MonkeyPatch) -> Callable[[Before], None]:
    """Has something done before the final evaluation begins."""

    evaluate = FinalEvaluator.evaluate

    def arrange(action: Before) -> None:
        def patched(self: FinalEvaluator, *arguments: Any) -> Iterator[FinalEvaluated]:
            action()
            yield from evaluate(self, *arguments)

        monkeypatch.setattr(FinalEvaluator, "evaluate", patched)

    return arrange


def test_the_result_is_printed_once_and_before_the_final_evaluation(
    file: Path,
    store: Path,
    before_final_evaluation: Callable[[Before], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before: list[str] = []
    before_final_evaluation(lambda: before.append(capsys.readouterr().out))
    assert call("run", file, "--store", store) == 0
    after = capsys.readouterr().out
    assert before[0].count("mastered") == 4  # a row for each stage, and the sentence
    assert before[0].endswith(" s.\n")
    assert "Target reached: " not in after
    assert after.startswith("The final model still passes ")


def test_with_json_it_is_printed_beside_the_output(
    file: Path,
    store: Path,
    before_final_evaluation: Callable[[Before], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before: list[tuple[str, str]] = []
    before_final_evaluation(lambda: before.append(capsys.readouterr()))
    assert call("run", file, "--store", store, "--json") == 0
    (printed,) = before
    assert printed[0] == ""
    assert "Target reached: " in printed[1]


def test_an_interrupt_after_it_leaves_a_run_to_resume(
    file: Path,
    store: Path,
    before_final_evaluation: Callable[[Before], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before_final_evaluation(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert call("run", file, "--store", store) == 130
    out = capsys.readouterr().out
    assert out.count("Target reached: ") == 1
    assert "The final evaluation is not over (interrupted).\nRun " in out
    assert " can be resumed: python -m curriculum resume " in out
    before_final_evaluation(lambda: None)
    assert call("resume", "last", "--store", store, "--source", file) == 0
    out = capsys.readouterr().out
    assert out.count("Target reached: ") == 1
    assert out.count("The final model still passes ") == 1
    assert call("resume", "last", "--store", store, "--source", file) == 0
    assert capsys.readouterr().out.count("Target reached: ") == 1  # of a run that is over


def test_a_run_goes_on_though_nobody_reads_its_result(file: Path, store: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "curriculum", "run", str(file), "--store", str(store)]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 141
    history = History.of(Store(store).find("last"))
    assert history.end is not None
    assert history.held


UNSTATED = """
from dataclasses import dataclass
from curriculum import Adam, Experiment, Explicit, Mastery
from curriculum.tasks import FirstBit

@dataclass(frozen=True)
class Own:
    hidden_size: int = 4

    def check(self, shape):
        pass

    def build(self, shape):
        from torch import nn
        return nn.Sequential(nn.Embedding(2, 1), nn.Flatten(), nn.Linear(2, 1), nn.Flatten(0))

experiment = Experiment(
    task=FirstBit(), model=Own(), growth=Explicit(lengths=(2,)), criterion=Mastery(threshold=0.9),
    optimizer=Adam(learning_rate=3e-2),
)
"""


@pytest.mark.parametrize(("limit", "noted"), [("steps", False), ("compute", True)])
def test_an_estimate_of_compute_is_named_where_it_matters(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str], *, limit: str, noted: bool
) -> None:
    file = tmp_path / "own.py"
    file.write_text(UNSTATED)
    call("run", file, "--store", store, f"--budget.{limit}", 10)
    assert ("Sequential doesn't state its arithmetic" in capsys.readouterr().err) == noted
