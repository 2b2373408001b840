"""A run of a task with names of its own for length and level shows them everywhere."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from journals_by_hand import describe
from rich.console import Console
from runs_by_hand import of, six

import curriculum
from curriculum import Batch, Experiment, Explicit, Mastery, Stage, Task, UsageError
from curriculum.config import load_experiment, override
from curriculum.plan import AxisNames
from curriculum.record import FinalEvaluated, History, RetentionMeasured, RunDescription, Store
from curriculum.report import (
    Progress,
    as_text,
    describe_dry_run,
    explain_run,
    final_evaluation_table,
    markdown_note,
    run_figures,
    run_lines,
    stage_table,
)
from curriculum.report.comparison import conditions, html_report
from curriculum.report.comparison.plots import cost_by_stage, reach_by_strategy
from curriculum.report.figures.extrapolation import extrapolation_curve
from curriculum.report.figures.retention import retention_map
from curriculum.report.figures.settings import settings_map
from curriculum.sweeps import RunSummary
from curriculum.tracking.run_fields import experiment_note, path_datasets, stage_datasets

DIGITS = AxisNames(length="digits", level="pluses")
TINY = (
    "--growth.lengths 1 2 2 --growth.vocab-sizes 10 --growth.levels 1 1 2 --model.hidden-size 4 "
    "--budget.steps-per-stage 4 --training.eval-every 2 --criterion.threshold 0.01 "
    "--criterion.examples 64"
)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return override(load_experiment("gru_addition:operands")[0], TINY.split())


@pytest.fixture(scope="module")
def ran(
    experiment: Experiment, tmp_path_factory: pytest.TempPathFactory
) -> tuple[History, Store, str]:
    """A tiny run, where it is, and what it printed of its progress."""
    store, printed = tmp_path_factory.mktemp("store"), io.StringIO()
    with Progress(experiment, 0, Console(file=printed, width=100)) as listener:
        result = curriculum.run(experiment, store=store, mirror=False, listener=listener)
    return result.history, Store(store), printed.getvalue()


def test_a_runs_record_holds_the_names(ran: tuple[History, Store, str]) -> None:
    history, store, _ = ran
    text = (store.folder(history.description.id).path / "run.json").read_text()
    assert json.loads(text)["axis_names"] == {"length": "digits", "level": "pluses"}
    assert RunDescription.from_json(text).axis_names == DIGITS


def test_the_list_of_runs_names_what_grows(experiment: Experiment, tmp_path: Path) -> None:
    growth = Explicit(lengths=(1, 2), vocab_sizes=(10,))
    curriculum.run(experiment.replace(growth=growth), store=tmp_path, mirror=False)
    curriculum.run(experiment, store=tmp_path, mirror=False)
    along_one, along_two = run_lines(Store(tmp_path))
    assert along_one.reach is not None
    assert along_one.reach_words == f"digits {along_one.reach.length}"
    assert along_two.reach is not None
    assert along_two.reach_words == along_two.reach.short


def test_names_on_disk_that_are_none_are_damage() -> None:
    text = describe(axis_names=DIGITS).to_json().replace("digits", "di\\u0007gits")
    with pytest.raises(ValueError, match="its check does not match"):
        RunDescription.from_json(text)


def test_keys_of_records_and_of_json_stay_what_they_are(ran: tuple[History, Store, str]) -> None:
    history, *_ = ran
    content = history.result().as_json()
    assert "axis_names" not in content
    assert set(content["stages"][0]) >= {"length", "vocab_size", "level"}


def test_the_terminal_shows_the_names(
    experiment: Experiment, ran: tuple[History, Store, str]
) -> None:
    history, _, progress = ran
    texts = {
        "progress": progress,
        "plan": "\n".join(describe_dry_run(experiment)),
        "experiment": repr(experiment).splitlines()[0],
        "sentences": "\n".join(explain_run(history)),
        "note": markdown_note(history),
        "table": as_text(stage_table(history.result())),
    }
    for name, text in texts.items():
        assert "digits" in text, name
        assert "length" not in text, name
    assert "digits 1, vocabulary 10" in texts["sentences"]
    head = texts["table"].splitlines()[1]
    assert head.split()[:3] == ["digits", "vocab", "verdict"]


def evaluated(stage: Stage, *, beyond: bool = False) -> FinalEvaluated:
    return FinalEvaluated(
        stage=stage, beyond=beyond, score=1.0, examples=64, answer="passes", reason="all"
    )


def test_the_final_evaluation_shows_the_names() -> None:
    events = [evaluated(Stage(2, 10)), evaluated(Stage(3, 10, 2), beyond=True)]
    head = as_text(final_evaluation_table("run", events, DIGITS)).splitlines()[1]
    assert head.split()[:3] == ["digits", "vocab", "pluses"]
    axes = extrapolation_curve(events, "gated", 2, "run", names=DIGITS).axes[0]
    assert axes.get_xlabel() == "digits"
    assert axes.get_title(loc="left") == "run: the final model by digits"


def test_figures_show_the_names(ran: tuple[History, Store, str]) -> None:
    history, *_ = ran
    label = run_figures(history)["reach"].axes[0].get_ylabel()
    assert label == "digits x pluses"
    measured = [RetentionMeasured(visit=0, stage=Stage(1), scores={Stage(1): 1.0, Stage(2): 0.5})]
    assert retention_map(measured, "run", DIGITS).axes[0].get_ylabel() == "stage: digits"


def test_a_comparison_shows_the_names_that_its_runs_share() -> None:
    named: dict[str, Any] = {"axis_names": DIGITS}
    compared = of(six("gated", (10, 20, 30), **named), six("direct", (10, 30, 60), **named))
    assert compared.axis_names == DIGITS
    assert "the cost to reach digits 8, vocabulary 2" in "\n".join(conditions(compared))
    page = html_report([compared])
    assert "from digits 2, vocabulary 2 to digits 8, vocabulary 2" in page
    assert "sequence length" not in page
    assert cost_by_stage(compared).axes[0].get_xlabel() == "digits"
    assert reach_by_strategy(compared).axes[0].get_ylabel() == "hardest stage mastered: digits"
    assert settings_map(compared).axes[-1].get_xlabel() == "stage: digits"


def test_a_summary_of_a_run_has_its_names(ran: tuple[History, Store, str]) -> None:
    _, store, _ = ran
    ((_, overview),) = store.overviews()
    assert not isinstance(overview, UsageError | RuntimeError)
    assert RunSummary.of(overview).axis_names == DIGITS


def test_mlflow_shows_the_names_and_keeps_its_keys() -> None:
    description = describe(axis_names=DIGITS, settings={"training.batch_size": 4})
    assert "from digits 2, vocabulary 2 to digits 4, vocabulary 2" in experiment_note(description)
    names = {
        each.dataset.name
        for each in (*path_datasets(description), *stage_datasets(description, Stage(4)))
    }
    assert names == {
        "FirstBit, digits 2, vocabulary 2 to digits 4, vocabulary 2",
        "FirstBit, digits 4, vocabulary 2",
    }


@dataclass(frozen=True)
class Failing(Task):
    output = "bit"
    length_name = "digits"

    def sample(self, rng: Any, stage: Stage, batch_size: int) -> Batch:
        raise KeyError("nothing")


def test_errors_about_a_stage_show_the_names(tiny: Experiment) -> None:
    failing = tiny.replace(task=Failing(), criterion=Mastery(threshold=0.9))
    with pytest.raises(UsageError, match="Failing fails at digits 2, vocabulary 2 "):
        failing.check_first_batch()
    with pytest.raises(
        UsageError, match="Failing has no levels, got digits 2, vocabulary 2, level 2"
    ):
        failing.check_stage(Stage(2, level=2))
