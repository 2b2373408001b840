"""Runs from Python: how they are shown, interrupted, and made again from a notebook's classes."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from command_line import TINY
from last_bit import LastBit

import curriculum
from curriculum import Batch, Experiment, RunResult, Stage, StopRequest, UsageError
from curriculum.learn import weights_sha256
from curriculum.models import Recurrent
from curriculum.record import Evaluated, Record, Store
from curriculum.tasks import FirstBit


@pytest.fixture
def own(tiny: Experiment) -> Experiment:
    return tiny.replace(task=LastBit(), name="own")


def interrupt(entry: Record) -> None:
    """As the stop button of a notebook does it."""
    if isinstance(entry.event, Evaluated) and entry.event.visit == 1:
        os.kill(os.getpid(), signal.SIGINT)


def run(experiment: Experiment | str, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def test_a_result_is_a_few_lines_of_a_terminal(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    lines = repr(result).splitlines()
    assert lines[0] == "tiny, seed 0"
    assert lines[1].split() == [
        "length",
        "vocab",
        "verdict",
        "steps",
        "tokens",
        "seconds",
        "rate",
        "hidden",
    ]
    assert lines[-2].startswith("Target reached: every stage up to length 5 mastered; ")
    assert lines[-1] == f"Run {result.run_id}"
    assert max(map(len, lines[:-2])) <= 80
    assert len(lines) == 9
    assert result.explain().splitlines()[1].startswith("Visit 0, length 2, vocabulary 2: ")


def test_a_notebook_shows_a_result_with_its_table_and_its_curve(
    tiny: Experiment, store: Path
) -> None:
    result = run(tiny.replace(name="a.b"), store)
    html = result._repr_html_()
    assert "<b>a.b, seed 0</b>" in html
    assert html.count("<tr>") == 4
    assert '<svg role="img" aria-label="a.b, seed 0: reach against tokens"' in html
    assert "Target reached: every stage" in html
    assert list(result.figures) == ["reach", "score_by_stage", "retention", "extrapolation"]


def test_an_experiment_shows_its_parts(tiny: Experiment) -> None:
    lines = repr(tiny).splitlines()
    assert lines[0].startswith("tiny: 3 stages, length 2, vocabulary 2 to length 5")
    assert "  model: Recurrent (cell gru, hidden-size 8, " in repr(tiny)
    assert len(lines) == 1 + len(tiny.parts())
    assert max(map(len, lines)) < 240
    html = tiny.replace(name="x")._repr_html_()
    assert html.count("<tr>") == len(tiny.parts())
    assert "Recurrent (cell gru" in html


def test_as_json_is_that_of_the_record(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store)
    assert result.as_json() == result.history.result().as_json()
    assert "history" not in result.as_json()


def test_an_interrupt_is_raised_once_the_run_is_saved(tiny: Experiment, store: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        run(tiny, store, listener=interrupt)
    run_id = Store(store).find("last").id
    assert f"curriculum.resume('{run_id}', store='{store}')" in str(caught.value)
    resumed = curriculum.resume(run_id, store=store, mirror=False)
    assert resumed.status == "reached"
    whole = run(tiny, store / "whole")
    assert resumed.weights_sha256 == whole.weights_sha256


def test_an_interrupt_may_return_what_there_is(tiny: Experiment, store: Path) -> None:
    result = run(tiny, store, listener=interrupt, on_interrupt="return")
    assert result.status == "interrupted"
    assert "can be resumed" not in repr(result)
    with pytest.raises(KeyboardInterrupt):
        curriculum.resume("last", store=store, mirror=False, listener=interrupt)


def test_a_stop_that_a_program_requests_is_no_interrupt(tiny: Experiment, store: Path) -> None:
    stop = StopRequest()
    assert run(tiny, store, stop=stop, listener=lambda _: stop.request()).status == "interrupted"


def test_an_unknown_way_to_be_interrupted_is_a_mistake(tiny: Experiment, store: Path) -> None:
    with pytest.raises(UsageError, match="on_interrupt must be 'raise' or 'return', got 'ignore'"):
        run(tiny, store, on_interrupt="ignore")
    assert not store.exists()


def test_a_run_by_name_takes_overrides_as_the_command_line_does(store: Path) -> None:
    result = run("rnn_firstbit", store, overrides=["--growth.end", "3", "--budget.steps", "10"])
    description = result.history.description
    assert description.path[-1] == Stage(3)
    assert description.overrides == ("--growth.end", "3", "--budget.steps", "10")
    assert description.source is not None


def test_what_a_notebook_defines_is_resumed_loaded_and_shown_with_its_experiment(
    own: Experiment, store: Path
) -> None:
    with pytest.raises(KeyboardInterrupt, match="experiment=…"):
        run(own, store, listener=interrupt)
    for call in (curriculum.resume, curriculum.load, curriculum.show):
        with pytest.raises(UsageError, match="the experiment as `experiment`"):
            call("last", store=store)
    result = curriculum.resume("last", store=store, mirror=False, experiment=own)
    assert result.status == "reached"
    model = curriculum.load("last", store=store, experiment=own)
    assert weights_sha256(model) == result.weights_sha256
    assert "correct" in repr(curriculum.show("last", store=store, experiment=own, examples=2))


def test_the_call_that_an_interrupt_names_resumes_the_run(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
    path = tmp_path / "mine.py"
    path.write_text(TINY)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(str(path), store, listener=interrupt)
    call = str(caught.value).partition("can be resumed: ")[2]
    assert f"source='{path}'" in call
    assert eval(call, {"curriculum": curriculum}).status == "reached"


def test_other_settings_than_the_runs_are_refused_unless_forced(
    own: Experiment, store: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(own, store, listener=interrupt)
    other = own.replace(training=replace(own.training, batch_size=64))
    options: Any = {"store": store, "mirror": False, "experiment": other}
    with pytest.raises(UsageError, match=r"training\.batch_size was 32 and is 64"):
        curriculum.resume("last", **options)
    result = curriculum.resume("last", **options, force=True)
    assert result.history.changes[0].changes["training.batch_size"] == (32, 64)


def test_a_class_that_was_edited_since_is_refused(own: Experiment, store: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(own, store, listener=interrupt)

    def sample(self: LastBit, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return FirstBit.sample(self, rng, stage, batch_size)

    # A cell that was edited and run again defines a class of the same name.
    edited: Any = dataclass(frozen=True)(
        type(
            "LastBit",
            (FirstBit,),
            {"sample": sample, "__module__": __name__, "__qualname__": "LastBit"},
        )
    )
    changed = own.replace(task=edited())
    with pytest.raises(UsageError, match="classes_sha256 was"):
        curriculum.resume("last", store=store, mirror=False, experiment=changed)


@pytest.mark.parametrize("where", ["no_grad", "inference_mode", "float64", "device"])
def test_the_same_weights_whatever_surrounds_the_call(
    tiny: Experiment,
    store: Path,
    where: Literal["no_grad", "inference_mode", "float64", "device"],
) -> None:
    wanted = run(tiny, store / "plain").weights_sha256
    if where == "float64":
        torch.set_default_dtype(torch.float64)
        try:
            found = run(tiny, store)
        finally:
            torch.set_default_dtype(torch.float32)
    else:
        with torch.device("meta") if where == "device" else getattr(torch, where)():
            found = run(tiny, store)
    assert found.weights_sha256 == wanted


def test_threads_are_the_command_lines_and_restored(tiny: Experiment, store: Path) -> None:
    before = torch.get_num_threads()
    wide = tiny.replace(model=Recurrent(cell="gru", hidden_size=64))
    short = ["--budget.steps", "10"]
    counts = [
        run(experiment, store, overrides=short, threads=threads).history.description.threads
        for experiment, threads in ((tiny, None), (tiny, 2), (wide, None))
    ]
    assert counts == [1, 2, len(os.sched_getaffinity(0))]
    assert torch.get_num_threads() == before
    for threads in (0, -1):
        with pytest.raises(UsageError, match=f"threads must be at least 1, got {threads}"):
            run(tiny, store, threads=threads)
