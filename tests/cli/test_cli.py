"""The commands `run`, `resume`, `explain`, `show` and `certify`."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import TINY, call

from curriculum.record import Store

ROOT = Path(__file__).parents[2]
ONE_STEP = ("--growth.vocab-sizes", "19", "--model.hidden-size", "8", "--budget.steps", "1")


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)


@dataclass(frozen=True)
class Reached:
    """A run of a user's file that reached its target, and what it printed with `--json`."""

    file: Path
    store: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Reached:
    root = tmp_path_factory.mktemp("reached")
    file, store = root / "mine.py", root / "store"
    file.write_text(TINY + "print('printed by the user')\n")
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
        assert call("run", file, "--store", store, "--json") == 0
    return Reached(file, store, out.getvalue(), err.getvalue())


@pytest.fixture
def reached(recorded: Reached, store: Path) -> Reached:
    """The same in a store that may be changed."""
    shutil.copytree(recorded.store, store)
    return Reached(recorded.file, store, recorded.out, recorded.err)


def cut_last_record(store: Path) -> None:
    """As if the last run had been killed before its end."""
    journal = Store(store).find("last").journal
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))


def test_a_run_is_explained_and_its_predictions_are_shown(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", file, "--store", store, "--seed", 0) == 0
    out, err = capsys.readouterr()
    assert "Target reached: every stage up to length 5 mastered; " in out
    assert "mastered  length 5" in err
    assert call("explain", "last", "--store", store) == 0
    assert capsys.readouterr().out.count("Visit ") == 3
    assert call("show", "last", "--store", store, "--source", file, "--length", 30) == 0
    assert "(hard)" in capsys.readouterr().out


def test_a_run_of_a_users_file_is_shown_only_with_a_path_to_the_file(
    reached: Reached, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("show", "last", "--store", reached.store) == 2
    assert "--source PATH" in capsys.readouterr().err


def test_resuming_a_run_of_a_users_file_needs_the_file(
    reached: Reached, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("resume", "last", "--store", reached.store) == 2
    err = capsys.readouterr().err
    assert f"; the run was started from {reached.file.absolute()}" in err
    assert call("resume", "last", "--store", reached.store, "--source", reached.file) == 0
    assert "Target reached: " in capsys.readouterr().out


def test_resuming_under_a_changed_provenance_reports_the_changes(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = TINY.replace("steps_per_stage=400", "steps=20")
    file.write_text(short)
    run = ("run", file, "--store", store, "--budget.steps", 10)
    assert call(*run) == 3
    capsys.readouterr()
    cut_last_record(store)
    assert call("resume", "last", "--store", store, "--source", file, "--threads", 3) == 2
    err = capsys.readouterr().err
    assert "threads was 1 and is 3" in err
    assert "--force" in err
    file.write_text(short + "# another line\n")
    assert call(*run, "--resume") == 2
    assert "source_sha256 was" in capsys.readouterr().err
    assert call(*run, "--resume", "--force") == 3
    assert len(Store(store).runs()) == 1
    assert call("explain", "last", "--store", store) == 0
    out = capsys.readouterr().out
    assert "Resumed by force under a changed provenance: source_sha256 was " in out


def test_a_run_started_with_more_threads_than_are_allowed_now_can_be_resumed(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.cli.values.usable_cores", lambda: 2)
    short = ("--budget.steps-per-stage", 1, "--threads", 5)
    assert call("run", file, "--store", store, *short) == 3
    monkeypatch.setattr("curriculum.cli.values.usable_cores", lambda: 1)
    assert call("run", file, "--store", store, *short) == 2
    assert Store(store).find("last").description().threads == 5
    cut_last_record(store)
    assert "must be from 1 to 4 on this machine, got 5" in capsys.readouterr().err
    assert call("resume", "last", "--store", store, "--source", file) == 3


def test_json_is_one_object_on_stdout(recorded: Reached) -> None:
    found = json.loads(recorded.out)
    assert set(found) == {
        "held",
        "retained",
        "extrapolated",
        "arms",
        "run_id",
        "experiment",
        "seed",
        "status",
        "ending",
        "reach",
        "reach_verdict",
        "weights_sha256",
        "steps",
        "tokens",
        "compute",
        "discarded_share",
        "seconds",
        "stages",
    }
    assert found["reach"] == {"length": 5, "vocab_size": 2, "level": 1}
    assert found["status"] == "reached"
    assert set(found["stages"][0]) == {
        "length",
        "vocab_size",
        "level",
        "verdict",
        "steps",
        "tokens",
        "seconds",
        "learning_rate",
        "hidden_size",
        "trials",
        "discarded_steps",
        "discarded_tokens",
        "discarded_share",
    }
    assert "Target reached: " in recorded.err
    assert "printed by the user\n" in recorded.err


def test_ending_before_the_target_is_exit_code_three(file: Path, store: Path) -> None:
    assert call("run", file, "--store", store, "--budget.steps-per-stage", 1, "--json") == 3


def test_a_dry_run_names_the_documents_that_stages_are_evaluated_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("run", "human_numbers_gru", "--dry-run") == 0
    out = capsys.readouterr().out
    training, held_out = "the document that is trained on", "a held-out document"
    assert f"vocabulary 19: evaluated on {training}, in 1 window\n" in out
    assert f"vocabulary 39: evaluated on {held_out}, in 704 windows\n" in out
    assert "0.83 on the last stage" in out
    assert call("run", "bert_reverse:direct", "--dry-run") == 0
    assert "1 stage, strategy direct\n" in capsys.readouterr().out


def test_a_dry_run_describes_path_evaluations_and_budget(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", "lstm_firstbit", "--dry-run", "--store", store) == 0
    out = capsys.readouterr().out
    assert "16 stages" in out
    hardest = "length 1000, vocabulary 2: evaluated on a screen of 64, then 1,001 examples (every"
    assert hardest in out
    assert "steps_per_stage" in out
    assert "tuning: each, at most 8 trials a search; learning_rate 0.01 to 0.05" in out
    assert "hidden_size 20, 28, 40, 57, 80" in out
    assert not store.exists()


@pytest.mark.parametrize("lengths", [(), (40, 3)])
def test_a_final_model_is_evaluated_again(
    reached: Reached, lengths: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    options = [word for length in lengths for word in ("--length", length)]
    command = ("certify", "last", "--store", reached.store, "--source", reached.file, *options)
    code = call(*command, "--json")
    out, err = capsys.readouterr()
    found = json.loads(out)["evaluations"]
    assert code == (0 if all(each["answer"] == "passes" for each in found) else 3)
    stages = [each["stage"] for each in found]
    assert stages == [f"{n}x2" for n in lengths or (2, 3, 5, 7, 10, 14, 20)]
    assert {each["stage"] for each in found if each["beyond"]} == {
        stage for stage in stages if lengths or stage not in ("2x2", "3x2", "5x2")
    }
    assert "printed by the user" in err
    for line, each in zip(
        [line for line in err.splitlines() if "score" in line], found, strict=True
    ):
        assert line.endswith(f"score {each['score']:.4g}")
    assert call(*command) == code
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].strip().endswith(", mine")
    assert rows[1].split() == ["length", "vocab", "score", "examples", "answer", "why"]


def test_a_stage_beyond_the_model_is_neither_shown_nor_evaluated(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--model.hidden-size", "8", "--model.head-size", "4", "--budget.steps", "2"]
    path = ["--growth.start.length", "2", "--growth.end.length", "3"]
    assert call("run", "bert_reverse", *size, *path, "--store", store) == 3
    capsys.readouterr()
    assert call("show", "last", "--length", "9", "--store", store) == 2
    out, err = capsys.readouterr()
    assert "the model has 2 positions, got a length of 9" in err
    assert not out
    assert call("show", "last", "--vocab-size", "50", "--store", store) == 2
    assert "the model knows 10 symbols, and the stage has 50" in capsys.readouterr().err
    assert call("certify", "last", "--length", "9", "--store", store) == 2
    out, err = capsys.readouterr()
    assert "the model can't be evaluated on length 9, vocabulary 10: it was built for inputs" in err
    assert not out


def test_a_reader_that_goes_away_gets_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, "-m", "curriculum", "list"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        os.close(writer)
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_an_input_that_is_typed_is_predicted(
    reached: Reached, capsys: pytest.CaptureFixture[str]
) -> None:
    show = ("show", "last", "--store", reached.store, "--source", reached.file)
    assert call(*show, "--input", "0 1 1") == 0
    first, _, row = capsys.readouterr().out.splitlines()
    assert first.endswith("mine, vocabulary 2")
    assert row.split() == ["0", "1", "1", "0", "0", "correct"]
    for text, expected in (("0 7", "symbols are 0 to 1, got 7"), ("zero", "whole numbers")):
        assert call(*show, "--input", text) == 2
        out, err = capsys.readouterr()
        assert expected in err
        assert not out


def test_lengths_beyond_memory_are_read_in_pieces_or_refused(
    reached: Reached, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, store = reached.file, reached.store
    both_ways = ["--model.bidirectional", "--budget.steps", "1"]
    assert call("run", file, "--store", store, *both_ways) == 3
    first, second = Store(store).runs()
    monkeypatch.setattr("curriculum.learn.examples.MOST_NUMBERS", 2**16)
    options = ["--store", store, "--source", file, "--length", "10000", "--examples", "2"]
    capsys.readouterr()
    assert call("show", first.id, *options) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.endswith("length 10000, vocabulary 2")
    assert len(rows) == 2
    assert all("…9984 more…" in row for row in rows)
    assert call("show", second.id, *options) == 2
    out, err = capsys.readouterr()
    assert "8192 symbols together, got 2 of length 10000; ask for fewer or shorter ones" in err
    assert "Traceback" not in err
    assert not out


def test_human_numbers_are_shown_as_words(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "human_numbers_gru", *ONE_STEP, "--store", store) == 3
    capsys.readouterr()
    assert call("show", "last", "--input", "one, two", "--store", store) == 0
    shown = " ".join(capsys.readouterr().out.split())
    row = re.search(r"one , two , two \. \S+ \S+ (\S+) (correct|WRONG) prompt: one , two", shown)
    assert row is not None  # what comes after the last word isn't known
    assert "[" not in row[1]
    assert re.search(r"written \(17 symbols\):( [a-z,]+){17}$", shown)
    assert call("show", "last", "--input", "twelve", "--store", store) == 2
    assert "'twelve' is not a word of the numbers to 9" in capsys.readouterr().err
    assert call("show", "last", "--input", "one, 2", "--store", store) == 2
    assert "'2' is not a word" in capsys.readouterr().err
    assert call("explain", "last", "--store", store) == 0
    assert re.search(r" memorised examples?,.* \(perplexity ", capsys.readouterr().out)


def test_a_typed_input_must_have_a_length_that_the_model_accepts(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", "human_numbers_unrolled", *ONE_STEP, "--store", store) == 3
    for text, expected in (("one", "got 1"), ("one , two , three", "got 5")):
        assert call("show", "last", "--input", text, "--store", store) == 2
        assert f"a length of 3, {expected}" in capsys.readouterr().err
