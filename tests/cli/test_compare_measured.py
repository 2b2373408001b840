"""`compare --measure`: final models of a tiny language model, on the same documents, at equal budgets."""

import contextlib
import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import call
from compared_runs import Swept

from curriculum.record import History, Store

TINY = """
from pathlib import Path

from curriculum import AdamW, Budget, Experiment, Geometric, Plateau, Stage, Training
from curriculum.data import BYTES, Corpus
from curriculum.models import LanguageModel
from curriculum.tasks import LanguageModelling

experiment = Experiment(
    task=LanguageModelling(
        corpus=Corpus(
            files="*.txt", root=str(Path(__file__).parent / "texts"), held_out=0.5, by="line"
        )
    ),
    model=LanguageModel(net="gru", hidden_size=8),
    growth=Geometric(start=Stage(4, BYTES), end=Stage(16, BYTES), factor=2),
    criterion=Plateau(min_improvement=9.0, evaluations=1),
    optimizer=AdamW(learning_rate=3e-2),
    training=Training(tokens_per_step=64, eval_every=4),
    budget=Budget(steps_per_stage=50),
)
"""
TOKENS = 1280
"""Twenty steps of 64 tokens."""

RUN = ("--seeds", "0..1", "--learning-rates", "3e-2", "--run", "--threads", 1)
EQUAL = ("--equal", "tokens", "--budget", f"{TOKENS}tokens")
STRATEGIES = ("--strategies", "direct,linear_warmup,gated")
MEASURE = ("--measure", "loss@16")


def compare(file: Path, store: Path, *more: object) -> int:
    return call("compare", file, "--store", store, *more)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    (root / "texts").mkdir()
    lines = [f"{n} is twice {n / 2:.1f} and half of {2 * n}" for n in range(300)]
    (root / "texts" / "numbers.txt").write_text("\n".join(lines))
    path = root / "little.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def made(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    store = tmp_path_factory.mktemp("swept") / "store"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert compare(file, store, *RUN, *EQUAL, *STRATEGIES, *MEASURE, "--json") == 0
    return Swept(file, store, out.getvalue(), err.getvalue())


@pytest.fixture
def swept(made: Swept, store: Path) -> Swept:
    """The same in a store that may be changed."""
    shutil.copytree(made.store, store)
    return replace(made, store=store)


def test_all_train_until_the_same_tokens_are_used_up_and_are_measured_on_the_same_documents(
    made: Swept,
) -> None:
    found = made.comparison
    assert found["measure"] == {
        "name": "loss@16",
        "metric": "loss",
        "unit": "nats",
        "lower_is_better": True,
        "stage": {"length": 16, "vocab_size": 257, "level": 1},
        "examples": found["measure"]["examples"],
        "baseline": "direct",
    }
    assert found["measure"]["examples"].endswith("held-out examples")
    assert set(found["strategies"]) == {"direct", "linear_warmup", "gated"}
    for outcome in found["strategies"].values():
        assert outcome["ratio"] is None
        for seed in outcome["measured"]["seeds"].values():
            assert seed["total"]["tokens"] == TOKENS
            assert seed["used_up"]
            assert 0 < seed["total"]["evaluation"] < seed["total"]["compute"]
            assert 1 < seed["value"] < 6
    gated = found["strategies"]["gated"]["measured"]
    direct = found["strategies"]["direct"]["measured"]
    pairs = [gated["seeds"][s]["value"] - direct["seeds"][s]["value"] for s in ("0", "1")]
    assert gated["difference"]["value"] == pytest.approx(sum(pairs) / 2)
    assert gated["difference"]["low"] is None
    assert (
        "verdicts on 2 strategies against direct need at least 7 seeds, and there are 2" in made.err
    )


def test_the_gated_runs_passed_the_last_stage_and_went_on(made: Swept) -> None:
    histories = [History.of(run) for run in Store(made.store).runs()]
    gated = [each for each in histories if each.description.strategy == "gated"]
    for history in gated:
        assert history.end is not None
        assert history.end.status == "reached"
        assert history.ending == f"the run's budget of {TOKENS:,} tokens is used up"
        assert history.visits[-1].visit_reason == "continuation"
        assert history.visits[-1].kept


def test_what_was_measured_is_not_measured_again(
    made: Swept, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was measured again")

    monkeypatch.setattr("curriculum.learn.Evaluator.full_test", refuse)
    assert compare(made.file, made.store, *MEASURE, "--json") == 0
    assert json.loads(capsys.readouterr().out) == [made.comparison]
    with pytest.raises(AssertionError, match="measured again"):
        compare(made.file, made.store, "--measure", "loss@8")


def test_the_table_says_what_was_measured_and_what_evaluations_took(
    made: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(made.file, made.store, *MEASURE, *STRATEGIES) == 0
    out = " ".join(capsys.readouterr().out.split())
    for part in (
        "loss@16",
        "vs direct",
        "By loss@16 (nats), compared with direct, no verdict: linear_warmup, gated (fewer than 6 seeds).",
        "All train until the budget is used up",
        "(the stream 'certificate'), the same for all; it is not charged",
        "below 0 is better",
        "their part of the compute, which is left out of the budget",
        "loss@16 of gated, seed by seed:",
        "No run was left out.",
    ):
        assert part in out, part


def test_files_hold_every_seed(made: Swept, tmp_path: Path) -> None:
    table, page = tmp_path / "found.csv", tmp_path / "found.html"
    assert compare(made.file, made.store, *MEASURE, "--csv", table, "--report", page) == 0
    rows = [*csv.DictReader(io.StringIO(table.read_text()))]
    assert [(row["strategy"], row["seed"]) for row in rows] == [
        (name, seed) for name in ("direct", "gated", "linear_warmup") for seed in "01"
    ]
    assert {row["metric"] for row in rows} == {"loss"}
    assert {row["difference"] == "" for row in rows if row["strategy"] == "direct"} == {True}
    assert all(float(row["evaluation_compute"]) > 0 for row in rows)
    html = page.read_text()
    assert "What the final models score by loss@16" in html
    assert "a dot for each seed" in html


def test_another_metric_is_measured_of_the_same_runs(
    made: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(made.file, made.store, "--measure", "symbol_accuracy@8", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["measure"]["unit"], found["measure"]["lower_is_better"]) == ("", False)
    values = [
        seed["value"]
        for outcome in found["strategies"].values()
        for seed in outcome["measured"]["seeds"].values()
    ]
    assert all(0 <= value <= 1 for value in values)
    assert compare(made.file, made.store, "--measure", "bits_per_byte@16", "--json") == 0
    (bits,) = json.loads(capsys.readouterr().out)
    assert bits["measure"]["unit"] == "bits per byte"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("--measure", "los@16", *EQUAL),
            "LanguageModelling reports no 'los' to measure; did you mean loss?",
        ),
        (("--measure", "loss16"), "got 'loss16'; did you mean loss@16?"),
        (("--measure", "loss@17"), "has bytes 16, got the measure loss@17; take at most loss@16"),
        (("--measure", "top5@16"), "reports no 'top5' to measure"),
        (("--measure", "loss@16", "--equal", "tokenz"), "got 'tokenz'; did you mean tokens?"),
        (
            ("--measure", "loss@16", "--equal", "time"),
            "budgets are equal in tokens or cost, got 'time'",
        ),
        (
            ("--measure", "loss@16", "--equal", "tokens", "--budget", "3e9"),
            "budgets that are equal in tokens are of tokens, got one of 3e+09 compute; give one such as 2e6tokens",
        ),
        (
            ("--measure", "loss@16", "--equal", "cost", "--budget", "640tokens"),
            "budgets that are equal in cost are of compute, got one of 640 tokens",
        ),
        (
            ("--measure", "loss@16", "--strategies", "gated,guess"),
            "strategy guess trains no model that loss@16 could be measured of",
        ),
        (
            ("--measure", "loss@16", "--training.schedule", "cosine"),
            "give --training.schedule-over run too",
        ),
        (("--training.schedule", "cosine"), "--training.schedule can't be given to compare"),
        (("--measure", "loss@16", "--budget.until", "target"), "--budget.until can't be given"),
    ],
)
def test_a_mistake_is_a_sentence_before_anything_is_run(
    file: Path,
    store: Path,
    more: tuple[object, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert compare(file, store, *RUN, *more) == 2
    err = capsys.readouterr().err
    assert message in " ".join(err.split())
    assert "Traceback" not in err
    assert not store.exists() or not Store(store).runs()


def test_runs_that_did_not_train_to_the_end_of_their_budgets_are_not_measured(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store, *RUN, *EQUAL, "--strategies", "direct,gated", "--seeds", "0") == 0
    capsys.readouterr()
    assert compare(file, store, *MEASURE) == 2
    assert "was trained until its budget was used up, as a measure takes" in " ".join(
        capsys.readouterr().err.split()
    )
    assert compare(file, store, "--equal", "cost") == 2
    assert "at a budget equal in cost" in " ".join(capsys.readouterr().err.split())


def test_a_schedule_over_the_run_is_the_same_for_all(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = ("--training.schedule", "cosine", "--training.schedule-over", "run")
    more = (*EQUAL, *MEASURE, "--strategies", "direct,gated", "--seeds", "0", *schedule)
    assert compare(file, store, *RUN, *more) == 0
    assert "follows the schedule cosine over the budget" in " ".join(
        capsys.readouterr().out.split()
    )


def test_of_several_learning_rates_one_is_chosen_on_other_documents(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (*EQUAL, *MEASURE, "--strategies", "direct,gated", "--seeds", "0")
    assert compare(file, store, *RUN, *more, "--learning-rates", "1e-5,3e-2", "--json") == 0
    out, err = capsys.readouterr()
    (found,) = json.loads(out)
    for outcome in found["strategies"].values():
        (seed,) = outcome["measured"]["seeds"].values()
        assert seed["learning_rate"] == 3e-2
        assert seed["total"]["tokens"] == TOKENS
    assert "loss@16 of 4 final models is evaluated" in " ".join(err.split())


def test_data_that_has_changed_is_not_measured_on(
    swept: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = swept.file.parent / "texts" / "more.txt"
    texts.write_text("something else\n" * 3)
    try:
        assert compare(swept.file, swept.store, "--measure", "exact_match@16") == 2
        assert "has changed since run" in " ".join(capsys.readouterr().err.split())
    finally:
        texts.unlink()
