"""What a run and a sweep print of their progress, on a terminal and elsewhere."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import curriculum
from curriculum import Adam, Experiment, Tuning
from curriculum.record import History, Store
from curriculum.report import Progress, SweepProgress, progress, sweep_progress
from curriculum.sweeps import Job, JobEnded, JobFailed, JobProgress


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


def test_what_changes_nothing_that_is_printed_has_no_line(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an evaluation of the target after a stage."""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    lines = [line.rpartition(",")[0] for line in shown(tiny, store, terminal=False).splitlines()]
    assert len(lines) > 4
    assert len(set(lines)) == len(lines)


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


JOB = Job(
    run_id="0123456789ab",
    experiment="{}",
    seed=3,
    store=Path("mlruns"),
    label="gated, seed 3, learning rate 0.02",
    group="gated",
)
QUARTER = JobProgress(run_id=JOB.run_id, stage="length 5", part=0.25, seconds=1.0)
ENDED = JobEnded(
    run_id=JOB.run_id, status="reached", reach="length 5", compute=3e9, steps=9, seconds=2.04
)


def test_a_sweep_shows_what_waits_runs_and_is_done_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep_progress, "REDRAW_SECONDS", 0.0)
    printed = io.StringIO()
    with SweepProgress("tiny", console_for(printed, terminal=True), total=8, missing=6) as sweep:
        sweep.on_start(JOB)
        sweep.on_progress(JOB, QUARTER)
        during = printed.getvalue()
        sweep.on_end(JOB, ENDED)
    assert "2 of 8 runs done, 1 running, 5 waiting, 0 failed" in during
    assert "gated, seed 3, learning rate 0.02  at length 5" in during
    assert "3 of 8 runs done, 0 running, 5 waiting, 0 failed" in printed.getvalue()
    assert "cost 3.0e9" in printed.getvalue()
    assert "1 done  length 5" in printed.getvalue()
    assert max(map(len, without_control_codes(printed.getvalue()))) <= 80


def test_a_run_that_waits_for_cores_is_not_shown_as_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep_progress, "REDRAW_SECONDS", 0.0)
    printed = io.StringIO()
    with SweepProgress("tiny", console_for(printed, terminal=True), total=8, missing=6) as sweep:
        sweep.on_start(JOB)
        sweep.on_progress(JOB, JobProgress(run_id=JOB.run_id, waits_for="free cores"))
        during = without_control_codes(printed.getvalue())
        sweep.on_progress(JOB, JobProgress(run_id=JOB.run_id))
        then = without_control_codes(printed.getvalue())[len(during) :]
    assert during[-1] == "2 of 8 runs done, 0 running, 6 waiting, 0 failed"
    assert "2 of 8 runs done, 1 running, 5 waiting, 0 failed" in then
    assert any(line.startswith(JOB.label) and "begins" in line for line in then)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_of_many_long_variants_is_never_wrapped(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tells them apart stays in sight."""
    monkeypatch.setattr(sweep_progress, "REDRAW_SECONDS", 0.0)
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=True, width=width, height=60, color_system=None)
    name = "sweep 3fa9c1d2 of lstm_firstbit_with_a_long_name and 3 more"
    ends = [f"optimizer.learning-rate 0.00{number}" for number in range(10)]
    with SweepProgress(name, console, total=10_000, missing=10_000) as sweep:
        for end in ends:
            group = f"lstm_firstbit_with_a_long_name, look_back_and_ahead, growth.factor 1.5, {end}"
            job = replace(JOB, run_id=end, group=group, label=f"{group}, seed 3")
            sweep.on_start(job)
            sweep.on_end(job, replace(ENDED, run_id=end))
            sweep.on_start(job)
            sweep.on_progress(job, replace(QUARTER, run_id=end))
        printed.truncate(0)
        sweep.on_progress(job, replace(QUARTER, run_id=end))
        lines = without_control_codes(printed.getvalue().replace("\0", ""))
    assert max(map(len, lines)) <= width
    for number in range(10):
        assert sum(f"g-rate 0.00{number}" in line for line in lines) >= 1
    assert sum("1 done" in line for line in lines) == 10
    assert sum("length 5" in line and "seed 3" in line for line in lines) == 10


def test_a_sweep_prints_a_line_for_each_run_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_progress, "QUIET_SECONDS", 0.0)
    printed = io.StringIO()
    with SweepProgress("tiny", console_for(printed, terminal=False), total=12, missing=6) as sweep:
        sweep.on_progress(JOB, QUARTER)
        monkeypatch.setattr(sweep_progress, "QUIET_SECONDS", 60.0)
        sweep.on_end(JOB, ENDED)
        sweep.on_loss(JOB, "its process is gone")
        sweep.on_failure(JOB, JobFailed(run_id=JOB.run_id, sentence="no room", kind="failed"))
    during, end, lost, failed = printed.getvalue().splitlines()
    assert during.startswith("tiny: 6 of 12 runs done, 0 running, 6 waiting, 0 failed")
    assert end == " 7/12  gated, seed 3, learning rate 0.02: passed length 5, 2.0 s"
    assert lost.endswith("is tried again: its process is gone")
    assert failed == "failed: gated, seed 3, learning rate 0.02: no room"


def test_a_sweep_of_very_many_runs_prints_no_line_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed = io.StringIO()
    console = console_for(printed, terminal=False)
    with SweepProgress("tiny", console, total=10_000, missing=10_000) as sweep:
        sweep.on_end(JOB, ENDED)
        assert printed.getvalue() == ""
        monkeypatch.setattr(sweep_progress, "QUIET_SECONDS", 0.0)
        sweep.on_end(JOB, ENDED)
    assert printed.getvalue().startswith("tiny: 2 of 10,000 runs done")
