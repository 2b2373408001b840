import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from curriculum.cli import main
from curriculum.record.store import Store

ROOT = Path(__file__).parents[1]
TINY = """\
'''A tiny one.'''
from dataclasses import dataclass
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage
from curriculum.models import Recurrent
from tasks import FirstBit

@dataclass(frozen=True)
class Mine(FirstBit):
    pass

experiment = Experiment(
    task=Mine(), model=Recurrent(cell='gru', hidden_size=8),
    growth=Geometric(start=Stage(2), until=Stage(5)), criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-2), budget=Budget(steps_per_stage=400),
)
"""


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.running.start_mirror", lambda *_: None)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(TINY)
    return str(path)


def call(*arguments: str | Path | int) -> int:
    return main([str(argument) for argument in arguments])


def test_a_run_explained_and_shown(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", file, "--store", store, "--seed", 0) == 0
    out, err = capsys.readouterr()
    assert "Reached, since the last stage of the path is mastered" in out
    assert "mastered  length 5" in err
    assert call("explain", "last", "--store", store) == 0
    assert capsys.readouterr().out.count("Visit ") == 3
    assert call("show", "last", "--store", store, "--source", file, "--length", 30) == 0
    assert "(hard)" in capsys.readouterr().out


def test_a_resume_of_a_users_run_asks_for_the_file(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", file, "--store", store) == 0
    capsys.readouterr()
    assert call("resume", "last", "--store", store) == 2
    said = capsys.readouterr().err
    assert f"--source PATH); the run was begun from {Path(file).absolute()}" in said
    assert call("resume", "last", "--store", store, "--source", file) == 0
    assert "Reached, since" in capsys.readouterr().out


def test_a_resume_under_other_circumstances_says_what_changed(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(TINY.replace("steps_per_stage=400", "steps=20"))
    assert call("run", file, "--store", store, "--budget.steps", 10) == 3
    capsys.readouterr()
    folder = Store(store).find("last")
    end = folder.journal.read_bytes().splitlines(keepends=True)[-1]
    folder.journal.write_bytes(folder.journal.read_bytes().removesuffix(end))
    assert call("resume", "last", "--store", store, "--source", file, "--threads", 3) == 2
    said = capsys.readouterr().err
    assert "threads was 1, and is 3" in said
    assert "--force" in said
    Path(file).write_text(TINY.replace("steps_per_stage=400", "steps=20") + "# another line\n")
    assert call("run", file, "--store", store, "--budget.steps", 10, "--resume") == 2
    assert "source_sha256 was" in capsys.readouterr().err
    assert call("run", file, "--store", store, "--budget.steps", 10, "--resume", "--force") == 3
    assert len(Store(store).runs()) == 1
    assert call("explain", "last", "--store", store) == 0
    assert (
        "It was made to go on under other circumstances: source_sha256" in capsys.readouterr().out
    )


def test_a_run_begun_with_more_threads_than_may_be_asked_for_here_goes_on(
    file: str, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    short = ("--budget.steps-per-stage", 1, "--threads", 5)
    assert call("run", file, "--store", store, *short) == 3
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert call("run", file, "--store", store, *short) == 2
    folder = Store(store).find("last")
    assert folder.description()["threads"] == 5
    end = folder.journal.read_bytes().splitlines(keepends=True)[-1]
    folder.journal.write_bytes(folder.journal.read_bytes().removesuffix(end))
    assert "must be from 1 to 4 here, got 5" in capsys.readouterr().err
    assert call("resume", "last", "--store", store, "--source", file) == 3


def test_json_is_one_object_on_stdout(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(TINY + "print('a word of the user')\n")
    assert call("run", file, "--store", store, "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
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
        "lost_share",
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
        "lost_steps",
        "lost_tokens",
        "lost_share",
    }
    assert "Reached" in err


def test_stopping_short_is_exit_code_three(file: str, store: Path) -> None:
    assert call("run", file, "--store", store, "--budget.steps-per-stage", 1, "--json") == 3


def test_a_dry_run_tells_what_a_document_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "human_numbers_gru", "--dry-run") == 0
    out = capsys.readouterr().out
    assert "vocabulary 19: a look takes the document that is trained on, in 1 window\n" in out
    assert "vocabulary 39: a look takes a held-out document, in 704 windows\n" in out
    assert "0.83 on the last stage" in out
    assert call("run", "bert_reverse:direct", "--dry-run") == 0
    assert "1 stage, direct\n" in capsys.readouterr().out


def test_a_dry_run_tells_path_looks_and_budget(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", "lstm_firstbit", "--dry-run", "--store", store) == 0
    out = capsys.readouterr().out
    assert "16 stages" in out
    assert "length 1000, vocabulary 2: a look takes a screen of 64, then 1,001 examples" in out
    assert "steps_per_stage" in out
    assert "tuning: each, at most 8 trials a search; learning_rate 0.01 to 0.05" in out
    assert "hidden_size 20, 28, 40, 57, 80" in out
    assert not store.exists()


MOST_THREADS = 4 * (os.cpu_count() or 1)

MISTAKES = [
    (["run", "lstm_fristbit"], "did you mean lstm_firstbit"),
    (["run"], "needs the name of an experiment"),
    (["rnu", "lstm_firstbit"], "did you mean run"),
    ([], "required: COMMAND"),
    (["run", "lstm_firstbit:hadr"], "did you mean hard"),
    (["run", "lstm_firstbit", "--growth.factr", "2"], "did you mean --growth.factor"),
    (["run", "lstm_firstbit", "--seed", "one"], "invalid int value: 'one'"),
    (["run", "lstm_firstbit", "--seed", "-1"], "seed must be a whole number from 0 up"),
    (["run", "lstm_firstbit", "--threads", "0"], "must be a whole number, at least 1, got '0'"),
    (
        ["run", "lstm_firstbit", "--threads", "9999"],
        f"--threads: must be from 1 to {MOST_THREADS} here, got 9999",
    ),
    (["resume", "last", "--threads", "9999"], f"from 1 to {MOST_THREADS} here, got 9999"),
    (["certify", "last", "--threads", "9999"], f"from 1 to {MOST_THREADS} here, got 9999"),
    (
        ["compare", "lstm_firstbit", "--run", "--threads", str(MOST_THREADS + 1)],
        f"from 1 to {MOST_THREADS} here, got {MOST_THREADS + 1}",
    ),
    (
        ["run", "lstm_firstbit", "--strategy", "thompson", "--sampling.epsilon", "0.2"],
        "have no effect with sampling.choice thompson, got 0.2 and 1.0",
    ),
    (["run", "lstm_firstbit", "--growth.start", "1"], "length of at least 2, got 1"),
    (["run", "lstm_firstbit", "--growth.until", "1"], "at or above its start"),
    (["run", "lstm_firstbit", "--growth.factor", "1"], "the end is never reached"),
    (["run", "lstm_firstbit", "--criterion.threshold", "1.5"], "must be in (0, 1], got 1.5"),
    (["run", "lstm_firstbit", "--device", "tpu"], "auto, cpu or cuda, got 'tpu'"),
    (["run", "lstm_firstbit", "--device", "cuda"], "cuda isn't there"),
    (["run", "--growth.factor", "2", "lstm_firstbit"], "the experiment comes first"),
    (["run", "lstm_firstbit", "--optimizer.betas", "2", "3"], "optimizer.betas must be in"),
    (["run", "lstm_firstbit", "--criterion.metric", "luck"], "one that the task reports"),
    (["run", "lstm_firstbit", "--dry-run", "--json"], "leave one out"),
    (["run", "nowhere.py"], "there is no file nowhere.py"),
    (["run", "../../etc/passwd"], "there is no file"),
    (["run", "lstm_firstbit", "--tuning.trials", "0"], "tuning.trials must be at least 1, got 0"),
    (["run", "lstm_firstbit", "--tuning.sampler", "tpee"], "did you mean tpe?"),
    (["run", "lstm_firstbit", "--tuning.mode", "always"], "'always'"),
    (["run", "lstm_firstbit", "--tuning.learning-rate", "1", "0.1"], "give the lower bound first"),
    (
        ["run", "lstm_firstbit", "--tuning.learning-rate"],
        "no type matching {None}|{FLOAT FLOAT} could be instantiated from [].\n",
    ),
    (["run", "lstm_firstbit", "--tuning.hidden-size", "4", "40"], "below the model's 20: a larger"),
    (["run", "lstm_firstbit", "--tuning.share", "2"], "must be in (0, 1], got 2.0"),
    (["run", "lstm_firstbit", "--tuning.also", "x"], "given in Python alone"),
    (["run", "lstm_firstbit", "--jobs", "0"], "must be a whole number, at least 1, got '0'"),
    (["run", "lstm_firstbit", "--jobs", "two"], "must be a whole number, at least 1, got 'two'"),
    (["run", "lstm_firstbit", "--studies", "no/where.journal"], "there is no folder no"),
    (["run", "lstm_firstbit", "--studies", "postgresql://x@127.0.0.1:9/y"], "can't be reached"),
    (["run", "gru_subsequence", "--growth.start", "2"], "a length of at least 4"),
    (["run", "bert_reverse", "--model.hidden-size", "100"], "a multiple of model.head_size 64"),
    (["run", "human_numbers_gru", "--growth.vocab-sizes", "50"], "39 (to 9,999), got 50"),
    (["run", "human_numbers_unrolled", "--growth.lengths", "4"], "a length of 3, got 4"),
    (["run", "gru_subsequence", "--model", "bert"], "4 places ask for 2 symbols"),
    (["run", "human_numbers_gru", "--model", "bert"], "it would copy the answer"),
    (["run", "human_numbers_loop", "--training.batch-size", "1"], "at least 2 examples a step"),
    (["run", "lstm_firstbit", "--model", "transformer"], "there is no model 'transformer'"),
    (["run", "lstm_firstbit", "--pacing", "direct"], "the whole run needs a limit"),
    (
        ["run", "lstm_firstbit", "--pacing", "slow"],
        "there is no pacing 'slow'; known: direct, gated",
    ),
    (["explain", "last"], "holds no runs yet"),
    (["explain", "last", "extra"], "takes no 'extra'"),
    (["show", "../.."], "holds no runs yet"),
    (["sync", "abc"], "holds no runs yet"),
    (["resume", "last"], "holds no runs yet"),
    (["resume"], "the following arguments are required: RUN"),
    (["resume", "last", "--keep", "0"], "must be a whole number, at least 1, got '0'"),
    (["resume", "last", "--checkpoint-every", "soon"], "number of seconds, from 0 up, got 'soon'"),
    (["resume", "last", "--checkpoint-every", "-1"], "number of seconds, from 0 up, got '-1'"),
    (["resume", "last", "--forc"], "resume takes no '--forc'"),
    (["resum", "last"], "did you mean resume"),
    (["run", "lstm_firstbit", "--resum"], "lstm_firstbit has no setting --resum"),
    (["ui", "--port", "70000"], "a port is a number"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_a_mistake_is_one_sentence_and_exit_code_two(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not out
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_a_store_that_cannot_be_written_is_a_mistake(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert call("run", file, "--store", tmp_path / "taken") == 2
    assert "choose another with --store" in capsys.readouterr().err


def test_a_run_of_a_users_own_file_is_only_shown_from_a_path_that_is_named(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("run", file, "--store", store)
    capsys.readouterr()
    assert call("show", "last", "--store", store) == 2
    assert "--source PATH" in capsys.readouterr().err


def test_a_port_in_use_is_a_mistake(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert call("ui", "--store", store, "--port", port) == 2
    assert f"port {port} can't be used" in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "python -m curriculum run lstm_firstbit" in capsys.readouterr().out


def test_help_after_an_experiment_lists_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "lstm_firstbit", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--seed" in out
    assert "--optimizer.learning-rate" in out
    assert "galloping" in out


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


def test_what_is_typed_is_answered(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("run", file, "--store", store)
    capsys.readouterr()
    assert call("show", "last", "--input", "0 1 1", "--store", store, "--source", file) == 0
    first, _, row = capsys.readouterr().out.splitlines()
    assert first.endswith("mine, vocabulary 2")
    assert row.split() == ["0", "1", "1", "0", "0", "right"]
    for text, said in (("0 7", "symbols run from 0 to 1, got 7"), ("zero", "whole numbers")):
        assert call("show", "last", "--input", text, "--store", store, "--source", file) == 2
        out, err = capsys.readouterr()
        assert said in err
        assert not out


def test_lengths_over_memory_are_read_in_pieces_or_refused(
    file: str, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call("run", file, "--store", store)
    both_ways = ["--model.bidirectional", "--budget.steps", "1"]
    assert call("run", file, "--store", store, *both_ways) == 3
    first, second = Store(store).runs()
    monkeypatch.setattr("curriculum.learn.showing.MOST_NUMBERS", 2**16)
    asked = ["--store", str(store), "--source", file, "--length", "50000", "--examples", "2"]
    capsys.readouterr()
    assert call("show", first.id, *asked) == 0
    said, _, *rows = capsys.readouterr().out.splitlines()
    assert said.endswith("length 50000, vocabulary 2")
    assert len(rows) == 2
    assert all("…49984 more…" in row for row in rows)
    assert call("show", second.id, *asked) == 2
    out, err = capsys.readouterr()
    assert "8192 places together, got 2 of length 50000; ask for fewer or shorter ones" in err
    assert err.count("\n") == 1
    assert not out


def test_human_numbers_are_shown_as_words(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = ["--growth.vocab-sizes", "19", "--criterion.target-threshold", "0.9"]
    assert call("run", "human_numbers_gru", *tiny, "--store", store) == 0
    capsys.readouterr()
    assert call("show", "last", "--input", "one, two", "--store", store) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "one , two" in shown
    assert ". , two ," in shown  # what comes after the last word isn't known
    assert call("show", "last", "--input", "twelve", "--store", store) == 2
    assert "'twelve' is not a word of the numbers to 9" in capsys.readouterr().err
    assert call("show", "last", "--input", "one, 2", "--store", store) == 2
    assert "'2' is not a word" in capsys.readouterr().err
    assert call("explain", "last", "--store", store) == 0
    assert "(memorised) (perplexity" in capsys.readouterr().out


def test_a_length_over_the_models_positions_is_a_mistake(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--model.hidden-size", "8", "--model.head-size", "4", "--budget.steps", "2"]
    path = ["--growth.start.length", "2", "--growth.until.length", "3"]
    assert call("run", "bert_reverse", *size, *path, "--store", store) == 3
    capsys.readouterr()
    assert call("show", "last", "--length", "9", "--store", store) == 2
    out, err = capsys.readouterr()
    assert "the model has 2 positions, got a length of 9" in err
    assert not out
    assert call("show", "last", "--vocab-size", "50", "--store", store) == 2
    assert "the model knows 10 symbols, and the stage has 50" in capsys.readouterr().err


def test_a_typed_input_has_to_be_of_a_length_that_the_model_takes(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ["--growth.vocab-sizes", "19", "--criterion.target-threshold", "0.3"]
    assert call("run", "human_numbers_unrolled", *tiny, "--store", store) == 0
    for text, said in (("one", "got 1"), ("one , two , three", "got 5")):
        assert call("show", "last", "--input", text, "--store", store) == 2
        assert f"a length of 3, {said}" in capsys.readouterr().err
