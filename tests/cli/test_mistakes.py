"""Mistakes on the command line: one sentence, and exit code 2."""

import socket
from pathlib import Path

import pytest
from command_line import call, check_mistake

from curriculum.processes import usable_cores

MOST_THREADS = 4 * usable_cores()

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
    (["run", "lstm_firstbit", "--device", "tpu"], "auto, cpu, cuda, cuda:N or mps, got 'tpu'"),
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
        "tuning.learning_rate must be two numbers or None",
    ),
    (["run", "lstm_firstbit", "--tuning.hidden-size", "4", "40"], "below the model's 20: a larger"),
    (["run", "lstm_firstbit", "--tuning.share", "2"], "must be in (0, 1], got 2.0"),
    (["run", "lstm_firstbit", "--tuning.also", "x"], "given in Python alone"),
    (["run", "lstm_firstbit", "--jobs", "0"], "must be a whole number, at least 1, got '0'"),
    (["run", "lstm_firstbit", "--jobs", "two"], "must be a whole number, at least 1, got 'two'"),
    (
        ["run", "lstm_firstbit", "--optuna-storage", "no/where.journal"],
        "can't be written: there is no folder /",
    ),
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
    (["sync"], "give one of them"),
    (["sync", "abc", "--runs-file", "ids"], "give one of them"),
    (["sync", "--runs-file", "ids"], "there is no file of runs ids"),
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
        "no option --jobs; it is an option of run, resume, compare",
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
    (["certify", "last", "--examples", "5"], "--examples, --vocab-size and --level need --length"),
    (["ui", "--port", "x"], "--port: must be from 1 to 65535, got 'x'"),
    (["ui", "--port", "70000"], "--port: must be from 1 to 65535, got '70000'"),
    (["runs"], "holds no runs yet; start one with 'run'"),
    (["runs", "--json"], "holds no runs yet"),
    (["runs", "last"], "runs takes no argument 'last'"),
    (["rm"], "required: RUN"),
    (["rm", "last"], "holds no runs yet"),
    (["rm", "last", "--yse"], "rm has no option --yse; did you mean --yes?"),
    (["prune"], "prune takes --state, --older-than, --experiment, or several of them; or else"),
    (["prune", "--all", "--state", "killed"], "or else --all"),
    (["prune", "--all"], "holds no runs yet"),
    (["prune", "--state", "kiled"], "invalid choice: 'kiled'"),
    (["prune", "--state", "running"], "invalid choice: 'running'"),
    (["prune", "--older-than", "7"], "a number with m, h, d or w, such as 30m"),
    (["prune", "1a2b3c4d", "--all"], "prune takes no argument '1a2b3c4d'"),
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


@pytest.mark.parametrize(
    "command",
    [
        "run lstm_firstbit --dry-run",
        "compare lstm_firstbit --run",
        "sweep lstm_firstbit --dry-run",
        "optimize lstm_firstbit --over growth.factor=1.5..2",
    ],
)
def test_a_store_is_a_folder_for_every_command(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = (
        "a store is a folder of a file system that can lock, rename and sync, got s3://bucket/runs"
    )
    arguments = [*command.split(), "--store", "s3://bucket/runs"]
    check_mistake(arguments, expected, tmp_path, capsys)


def test_a_store_that_can_not_be_written_is_a_mistake(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert call("run", file, "--store", tmp_path / "taken") == 2
    assert "choose another with --store" in capsys.readouterr().err


def test_a_port_in_use_is_a_mistake(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert call("ui", "--store", store, "--port", port) == 2
    assert f"port {port} can't be used" in capsys.readouterr().err
