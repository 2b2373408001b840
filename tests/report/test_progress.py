"""What a run and a sweep print of their progress, on a terminal and elsewhere."""

import io
import re
from pathlib import Path

import pytest
from journals_by_hand import evaluated
from rich.console import Console

import curriculum
from curriculum import Adam, Budget, Cost, Experiment, Stage, Tuning
from curriculum.record import History, Result, Store
from curriculum.report import Progress, SweepProgress, progress, sweep_progress
from curriculum.sweeps import PlannedRun


def console_for(stream: io.StringIO, *, terminal: bool) -> Console:
    return Console(file=stream, force_terminal=terminal, width=80, color_system=None)


def shown(experiment: Experiment, store: Path, *, terminal: bool) -> str:
    printed = io.StringIO()
    with Progress(experiment, 0, console_for(printed, terminal=terminal)) as listener:
        curriculum.run(experiment, store=store, mirror=False, listener=listener)
    return printed.getvalue()


def without_control_codes(text: str) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    return [line.rstrip() for line in re.split(r"[\r\n]+", plain)]


def test_elsewhere_than_on_a_terminal_there_are_plain_lines(tiny: Experiment, store: Path) -> None:
    lines = shown(tiny, store, terminal=False).splitlines()
    assert lines[0] == "tiny, seed 0: 3 stages to length 5, vocabulary 2"
    assert len(lines) == 4
    assert lines[-1].startswith("mastered  length 5, vocabulary 2: ")
    assert "exact_match 1.000 (threshold 1)" in lines[-1]
    assert "\x1b" not in "".join(lines)


def test_long_stages_get_a_line_now_and_then(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    assert "learning  length 2" in shown(tiny, store, terminal=False)


def searching(tiny: Experiment) -> Experiment:
    return tiny.replace(
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=8),
    )


def test_a_search_shows_its_trial_and_its_best_score(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    text = shown(searching(tiny), store, terminal=False)
    found = re.findall(r"searching length 2, vocabulary 2: trial (\d) of at most 8", text)
    assert [int(number) for number in found] == sorted(map(int, found))
    assert found[0] == "1"
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)
    text = shown(searching(tiny), store, terminal=True)
    assert "search  trial 2 of at most 8, best score" in text


def test_the_last_line_counts_all_trials(tiny: Experiment, store: Path) -> None:
    text = shown(searching(tiny), store, terminal=False)
    history = History.of(Store(store).find("last"))
    assert history.discarded_cost.tokens > 0
    assert f"{history.total_cost.tokens:,} tokens" in text.splitlines()[-1]


def test_the_speed_is_that_of_training_whatever_the_final_evaluation_takes(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)
    text = shown(tiny, store, terminal=True)
    panel = text[: text.index("final evaluation: ")]
    history = History.of(Store(store).find("last"))
    speed = f"{history.total_cost.steps / history.seconds:,.0f} steps/s"
    assert re.findall(r"[\d,]+ steps/s", panel)[-1] == speed


def test_the_panel_of_training_stays_and_the_final_evaluation_goes(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)
    text = shown(tiny, store, terminal=True)
    training, _, final = text.partition("final evaluation: ")
    assert "3 of 3 stages" in training
    assert "3 of 3 stages" not in final
    assert "steps of the stage" not in without_control_codes(training)[-3]
    assert final.count("final evaluation: ") >= 6  # of the path, and beyond it
    assert final.rstrip().endswith("\x1b[2K")  # the line is erased


def test_a_terminal_shows_path_score_reach_speed_and_what_is_left(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)
    text = shown(tiny, store, terminal=True)
    for word in ("3 of 3 stages", "score", "reach", "steps/s", "tokens", "steps of the stage"):
        assert word in text
    assert max(map(len, without_control_codes(text))) <= 80


@pytest.fixture
def planned(tiny: Experiment) -> PlannedRun:
    return PlannedRun("gated", 3, 0.02, tiny.replace(budget=Budget(tokens=1000)))


QUARTER = evaluated(0, Stage(5), Cost(steps=9, tokens=250, compute=1.0))


def test_a_sweep_shows_all_of_its_runs_and_those_in_progress_on_a_terminal(
    planned: PlannedRun,
) -> None:
    printed = io.StringIO()
    console = console_for(printed, terminal=True)
    with SweepProgress("tiny", console, total=8, missing=6) as listener:
        listener.on_evaluation(planned, QUARTER, seconds=1.0)
        (total, one) = listener.bars
        assert (total.description, total.completed) == ("tiny, 2 of 8 runs", 2)
        assert one.description == "gated, seed 3, learning rate 0.02: at length 5"
        assert one.completed == 0.25
    assert max(map(len, without_control_codes(printed.getvalue()))) <= 80


def test_a_sweep_prints_a_line_for_each_run_that_is_over(
    planned: PlannedRun, tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_progress, "QUIET_SECONDS", 0.0)
    result: Result = curriculum.run(tiny, store=store, mirror=False)
    printed = io.StringIO()
    with SweepProgress("tiny", console_for(printed, terminal=False), total=12, missing=6) as sweep:
        sweep.on_evaluation(planned, QUARTER, seconds=1.0)
        sweep.on_run_end(planned, result)
    during, end = printed.getvalue().splitlines()
    assert (
        during == "in progress: gated, seed 3, learning rate 0.02: at length 5, 25% of its budget"
    )
    assert end == (
        f" 7/12  gated, seed 3, learning rate 0.02: length 5, vocabulary 2, {result.seconds:.1f} s"
    )
