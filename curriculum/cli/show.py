"""The commands `explain`, `show` and `runs`, which read what is recorded."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from curriculum import learn, plan, record, report, runner
from curriculum.cli.arguments import RunArgument, SourceOption, StoreOption
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_line, users_output_on_stderr
from curriculum.cli.values import natural

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(RunArgument, StoreOption):
    """Which run to explain."""


@dataclass(frozen=True, kw_only=True)
class ShowRequest(RunArgument, SourceOption, StoreOption):
    """Which examples of which run to show."""

    length: int | None = option(
        "the inputs' length (default: that of the hardest stage mastered)", natural
    )
    vocab_size: int | None = option(
        "the inputs' vocabulary (default: that of the hardest stage mastered)", natural, "V"
    )
    input: str | None = option(
        "show this input, such as '0 1 1', in place of examples", metavar="TEXT"
    )
    examples: int = option("how many to show", natural, default=10)


@dataclass(frozen=True, kw_only=True)
class RunsRequest(StoreOption):
    """Which store's runs to list."""

    json: bool = option("print the runs as one JSON list", bool)


def explain(request: ExplainRequest) -> int:
    """Explain why each visit of a run advanced, or did not."""
    folder = record.Store(request.store).find(request.run)
    running = folder.is_running
    for sentence in report.explain_run(record.History.of(folder), running=running):
        print_line(sentence, hanging=2)
    return 0


def show(request: ShowRequest) -> int:
    """Show inputs, targets and predictions of a run's final model."""
    from rich.console import Console

    with users_output_on_stderr():
        title, table = _examples(request)
    print_line(title)
    Console().print(table)
    return 0


def _examples(request: ShowRequest) -> tuple[str, Table]:
    """The table of examples, and its title."""
    folder = record.Store(request.store).find(request.run)
    experiment, learner = runner.restore_run(folder, source=request.source)
    stage = record.History.of(folder).reach or experiment.growth.path()[0]
    stage = plan.Stage(request.length or stage.length, request.vocab_size or stage.vocab_size)
    experiment.check_stage(stage)
    task = experiment.task
    learner.check_vocabulary(learn.shape_of(task, stage))
    learn.configure_threads(1)  # for few examples: more would wait for each other all the time
    if request.input is None:
        training = learner.recipe.training
        if stage not in experiment.growth.path():  # it has no examples that were trained on
            training = replace(training, distinct_examples=None)
        found = learn.predict_selected_examples(
            learner,
            task,
            stage,
            seed=folder.description().seed,
            count=request.examples,
            training=training,
        )
    else:
        batch = learn.typed_example(task, stage, request.input)
        experiment.model.check(learn.shape_of_typed(task, stage, batch))
        found = learn.predict_examples(learner, task, batch, [""])
    decode = task.decode if isinstance(task, learn.HasText) else report.numbers
    of = stage if request.input is None else f"vocabulary {stage.vocab_size}"
    table = report.example_table(
        found.batch, found.predictions, found.notes, decode, found.left_out
    )
    return f"run {folder.id}, {experiment.name}, {of}", table


def runs(request: RunsRequest) -> int:
    """List a store's runs."""
    folders = record.Store(request.store).nonempty_runs()
    lines = [report.run_line(folder) for folder in folders]
    if request.json:
        print(json.dumps([line.as_json() for line in lines]))
    else:
        report.print_runs(lines, sys.stdout)
    return 0
