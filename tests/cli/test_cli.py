"""The commands `list`, `run`, `resume`, `explain`, `show` and `certify`; and mistakes in any."""

import contextlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import TINY, call, check_mistake

from curriculum.config import list_experiments
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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TINY)
    return path


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


def test_resuming_a_run_of_a_users_file_needs_the_file(
    reached: Reached, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("resume", "last", "--store", reached.store) == 2
    err = capsys.readouterr().err
    assert f"--source PATH); the run was started from {reached.file.absolute()}" in err
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
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    short = ("--budget.steps-per-stage", 1, "--threads", 5)
    assert call("run", file, "--store", store, *short) == 3
    monkeypatch.setattr("os.cpu_count", lambda: 1)
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
        "run_id",
        "experiment",
        "seed",
        "status",
        "ending",
        "reach",
        "weights_sha256",
        "steps",
        "tokens",
        "compute",
        "discarded_share",
        "seconds",
        "stages",
    }
    assert found["reach"] == {"length": 5, "vocab_size": 2}
    assert found["status"] == "reached"
    assert set(found["stages"][0]) == {
        "length",
        "vocab_size",
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


def test_experiments_are_listed_with_their_descriptions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("list") == 0
    lines = capsys.readouterr().out.splitlines()
    found = list_experiments()
    assert len(lines) == len(found) > 20
    for line, listing in zip(lines, found, strict=True):
        assert line.split("  ", 1)[0] == listing.name
        assert line.endswith(listing.description)


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


MOST_THREADS = 4 * (os.cpu_count() or 1)

MISTAKES = [
    (["run", "lstm_fristbit"], "did you mean lstm_firstbit"),
    (["run"], "needs the name of an experiment"),
    (["rnu", "lstm_firstbit"], "did you mean run"),
    ([], "required: COMMAND"),
    (["run", "lstm_firstbit:hadr"], "did you mean lstm_firstbit:hard"),
    (["run", "lstm_firstbit", "--growth.factr", "2"], "did you mean --growth.factor"),
    (
        ["run", "lstm_firstbit", "--seed", "one"],
        "--seed: must be a whole number, at least 0, got 'one'",
    ),
    (
        ["run", "lstm_firstbit", "--seed", "-1"],
        "--seed: must be a whole number, at least 0, got '-1'",
    ),
    (["run", "lstm_firstbit", "--threads", "0"], "must be a whole number, at least 1, got '0'"),
    (
        ["run", "lstm_firstbit", "--threads", "9999"],
        f"--threads: must be from 1 to {MOST_THREADS} on this machine, got 9999",
    ),
    (
        ["resume", "last", "--threads", "9999"],
        f"from 1 to {MOST_THREADS} on this machine, got 9999",
    ),
    (
        ["certify", "last", "--threads", "9999"],
        f"from 1 to {MOST_THREADS} on this machine, got 9999",
    ),
    (
        ["compare", "lstm_firstbit", "--run", "--threads", str(MOST_THREADS + 1)],
        f"from 1 to {MOST_THREADS} on this machine, got {MOST_THREADS + 1}",
    ),
    (
        ["run", "lstm_firstbit", "--strategy", "thompson", "--sampling.epsilon", "0.2"],
        "have no effect with sampling.choice thompson, got 0.2 and 1.0",
    ),
    (["run", "lstm_firstbit", "--growth.start", "1"], "length of at least 2, got 1"),
    (["run", "lstm_firstbit", "--growth.end", "1"], "growth.end must not be below growth.start"),
    (["run", "lstm_firstbit", "--growth.factor", "1"], "growth.factor must be above 1, got 1.0"),
    (["run", "lstm_firstbit", "--criterion.threshold", "1.5"], "must be in (0, 1], got 1.5"),
    (["run", "lstm_firstbit", "--rollback.factor", "1"], "rollback.factor must be in (0, 1)"),
    (["run", "lstm_firstbit", "--rollback.times", "-1"], "rollback.times must be at least 0"),
    (["run", "lstm_firstbit", "--rollback.significance", "0"], "significance must be in (0, 1)"),
    (["run", "lstm_firstbit", "--rollback.tmes", "1"], "did you mean --rollback.times"),
    (["run", "lstm_firstbit", "--backtracking.patience", "-1"], "patience must be at least 0"),
    (["run", "lstm_firstbit", "--backtracking.fresh-starts", "-1"], "must be at least 0, got -1"),
    (["run", "lstm_firstbit", "--device", "tpu"], "auto, cpu or cuda, got 'tpu'"),
    (["run", "lstm_firstbit", "--device", "cuda"], "cuda is not available"),
    (["run", "--growth.factor", "2", "lstm_firstbit"], "the experiment comes first"),
    (["run", "lstm_firstbit", "--optimizer.betas", "2", "3"], "optimizer.betas must be in"),
    (["run", "lstm_firstbit", "--criterion.metric", "luck"], "one that the task reports"),
    (["run", "lstm_firstbit", "--dry-run", "--json"], "leave one out"),
    (["run", "nowhere.py"], "there is no file nowhere.py"),
    (["run", "../nowhere/else"], "there is no file"),
    (["run", "lstm_firstbit", "--tuning.trials", "0"], "tuning.trials must be at least 1, got 0"),
    (["run", "lstm_firstbit", "--tuning.sampler", "tpee"], "did you mean tpe?"),
    (["run", "lstm_firstbit", "--tuning.mode", "always"], "'always'"),
    (["run", "lstm_firstbit", "--tuning.learning-rate", "1", "0.1"], "give the lower bound first"),
    (
        ["run", "lstm_firstbit", "--tuning.learning-rate"],
        "--tuning.learning-rate must be None or FLOAT FLOAT, got nothing\n",
    ),
    (["run", "lstm_firstbit", "--tuning.hidden-size", "4", "40"], "below the model's 20: a larger"),
    (["run", "lstm_firstbit", "--tuning.share", "2"], "must be in (0, 1], got 2.0"),
    (["run", "lstm_firstbit", "--tuning.also", "x"], "given in Python alone"),
    (["run", "lstm_firstbit", "--jobs", "0"], "must be a whole number, at least 1, got '0'"),
    (["run", "lstm_firstbit", "--jobs", "two"], "must be a whole number, at least 1, got 'two'"),
    (["run", "lstm_firstbit", "--optuna-storage", "no/where.journal"], "there is no folder no"),
    (
        ["run", "lstm_firstbit", "--optuna-storage", "postgresql://x@127.0.0.1:9/y"],
        "can't be reached",
    ),
    (["run", "gru_subsequence", "--growth.start", "2"], "a length of at least 4"),
    (["run", "bert_reverse", "--model.hidden-size", "100"], "a multiple of model.head_size 64"),
    (["run", "human_numbers_gru", "--growth.vocab-sizes", "50"], "39 (to 9,999), got 50"),
    (["run", "human_numbers_unrolled", "--growth.lengths", "4"], "a length of 3, got 4"),
    (["run", "gru_subsequence", "--model", "bert"], "the task has 4 input and 2 output symbols"),
    (["run", "human_numbers_gru", "--model", "bert"], "what comes next, so that it would copy it"),
    (["run", "human_numbers_loop", "--training.batch-size", "1"], "at least 2 examples a step"),
    (["run", "lstm_firstbit", "--model", "transformer"], "there is no model 'transformer'"),
    (["run", "lstm_firstbit", "--pacing", "direct"], "the whole run needs a limit"),
    (
        ["run", "lstm_firstbit", "--pacing", "slow"],
        "there is no pacing 'slow'; known: direct, gated",
    ),
    (["explain", "last"], "holds no runs yet"),
    (["explain", "last", "extra"], "explain takes no argument 'extra'"),
    (["show", "../.."], "holds no runs yet"),
    (["sync", "abc"], "holds no runs yet"),
    (["resume", "last"], "holds no runs yet"),
    (["resume"], "the following arguments are required: RUN"),
    (["resume", "last", "--keep-checkpoints", "0"], "must be a whole number, at least 1, got '0'"),
    (["resume", "last", "--checkpoint-every", "soon"], "number of seconds, at least 0, got 'soon'"),
    (["resume", "last", "--checkpoint-every", "-1"], "number of seconds, at least 0, got '-1'"),
    (["resume", "last", "--forc"], "resume has no option --forc; did you mean --force?"),
    (["resum", "last"], "did you mean resume"),
    (["run", "lstm_firstbit", "--resum"], "run has no option --resum; did you mean --resume?"),
    (["compare", "lstm_firstbit", "--strategy", "x"], "--strategies names those that are compared"),
    (
        ["show", "last", "--jobs", "3"],
        "no option --jobs; it is an option of run, resume and compare",
    ),
    (["run", "lstm_firstbit", "--seeds", "3"], "run has no option --seeds; did you mean --seed?"),
    (["list", "--port", "3"], "list has no option --port; it is an option of ui"),
    (["list", "--prt", "3"], "list has no option --prt; see list --help"),
    (["explain", "last", "--growth.factor", "2"], "explain has no option --growth.factor; see"),
    (
        ["--seed", "3", "run"],
        "there is no option --seed before the command; did you mean --help?",
    ),
    (["--verson"], "did you mean --version?"),
    (["certify", "last", "--examples", "5"], "--examples and --vocab-size need --length"),
    (["ui", "--port", "x"], "--port: must be from 1 to 65535, got 'x'"),
    (["ui", "--port", "70000"], "--port: must be from 1 to 65535, got '70000'"),
]


@pytest.mark.parametrize(("arguments", "expected"), MISTAKES)
def test_a_mistake_is_one_sentence_and_exit_code_two(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    check_mistake(arguments, expected, tmp_path, capsys)


def test_a_store_that_can_not_be_written_is_a_mistake(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert call("run", file, "--store", tmp_path / "taken") == 2
    assert "choose another with --store" in capsys.readouterr().err


def test_a_run_of_a_users_file_is_shown_only_with_a_path_to_the_file(
    reached: Reached, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("show", "last", "--store", reached.store) == 2
    assert "--source PATH" in capsys.readouterr().err


def test_a_port_in_use_is_a_mistake(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert call("ui", "--store", store, "--port", port) == 2
    assert f"port {port} can't be used" in capsys.readouterr().err


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
    row = re.search(r"one , two , two \. \S+ \S+ (\S+) (correct|WRONG)$", shown)
    assert row is not None  # what comes after the last word isn't known
    assert "[" not in row[1]
    assert call("show", "last", "--input", "twelve", "--store", store) == 2
    assert "'twelve' is not a word of the numbers to 9" in capsys.readouterr().err
    assert call("show", "last", "--input", "one, 2", "--store", store) == 2
    assert "'2' is not a word" in capsys.readouterr().err
    assert call("explain", "last", "--store", store) == 0
    assert re.search(r" memorised examples.* \(perplexity ", capsys.readouterr().out)


def test_a_typed_input_must_have_a_length_that_the_model_accepts(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", "human_numbers_unrolled", *ONE_STEP, "--store", store) == 3
    for text, expected in (("one", "got 1"), ("one , two , three", "got 5")):
        assert call("show", "last", "--input", text, "--store", store) == 2
        assert f"a length of 3, {expected}" in capsys.readouterr().err
