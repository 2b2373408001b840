"""Examples of a run's final model: inputs, targets and predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum import learn, plan, record, report, runner
from curriculum.config import Experiment

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True, repr=False)
class Examples:
    """Inputs, targets and predictions side by side.

    Attributes:
        title: which run and stage they are of.
        table: a row for each example.
    """

    title: str
    table: Table

    def __repr__(self) -> str:
        return f"{self.title}\n{report.as_text(self.table)}"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return report.as_html(self.table)


def show(
    run_id: str,
    *,
    length: int | None = None,
    vocab_size: int | None = None,
    level: int | None = None,
    input: str | None = None,  # noqa: A002  # as on the command line
    examples: int = 10,
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    experiment: Experiment | None = None,
    threads: int | None = None,
) -> Examples:
    """Inputs, targets and predictions of a run's final model.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        length: the inputs'; by default that of the hardest stage passed.
        vocab_size: the inputs'; by default that of the hardest stage passed.
        level: the inputs'; by default that of the hardest stage passed.
        input: show this input, such as `"0 1 1"`, in place of examples.
        examples: how many to show.
        store: the folder that the run is recorded in.
        source: the file that defines its task and model, where they are a user's own; by
            default the one that you have named for this store before.
        experiment: the one that was run, where they are defined in a notebook.
        threads: of torch; by default one, since for few examples more would wait for each other.

    Raises:
        UsageError: where there is no such run, or the task or model can't take such inputs.
    """
    folder = record.Store(Path(store)).find(run_id)
    with learn.isolated(threads or 1):
        restored, learner = runner.restore_run(folder, source=source, like=experiment)
        reach = record.History.of(folder).reach or restored.growth.path()[0]
        given = {"length": length, "vocab_size": vocab_size, "level": level}
        stage = replace(
            reach, **{axis: number for axis, number in given.items() if number is not None}
        )
        restored.check_stage(stage)
        task = restored.task
        learner.check_vocabulary(task.shape(stage))
        if input is None:
            seed = folder.description().seed
            found = _selected(restored, learner, stage, seed=seed, count=examples)
        else:
            batch = task.encode(input, stage)
            restored.model.check(learn.shape_of_typed(task, stage, batch))
            found = learn.predict_examples(learner, task, batch, [""])
    of = restored.axis_names.words(stage)
    if input is not None:
        of = of.partition(", ")[2]  # its length is its own
    table = report.example_table(
        found,
        task.decode,
        task.decode_output,
        tolerance=task.tolerance if task.output == "values" else None,
    )
    return Examples(f"run {folder.id}, {restored.name}, {of}", table)


def _selected(
    experiment: Experiment, learner: learn.Learner, stage: plan.Stage, *, seed: int, count: int
) -> learn.ExamplePredictions:
    training = learner.recipe.training
    if stage not in experiment.growth.path():  # it has no examples that were trained on
        training = replace(training, distinct_examples=None)
    return learn.predict_selected_examples(
        learner, experiment.task, stage, seed=seed, count=count, training=training
    )
