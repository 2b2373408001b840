"""Examples of a run's final model: inputs, targets and predictions, and what it writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum import learn, plan, record, report, runner
from curriculum.config import Experiment

if TYPE_CHECKING:
    from rich.table import Table

MOST_GIVEN = 64
"""Symbols of what is held out that a language model is given to write on, at most."""

MOST_WRITTEN = 256
"""Symbols that it writes, at most."""


@dataclass(frozen=True, slots=True, repr=False)
class Examples:
    """Inputs, targets and predictions side by side.

    Attributes:
        title: which run and stage they are of.
        table: a row for each example.
        sample: of a language model, a prompt and the text that it writes after it, a line each.
    """

    title: str
    table: Table
    sample: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join((self.title, report.as_text(self.table), *self.sample))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        written = "".join(f"<p>{escape(line)}</p>" for line in self.sample)
        return report.as_html(self.table) + written


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
        stage = _with_axes(reach, length=length, vocab_size=vocab_size, level=level)
        restored.check_stage(stage)
        task, seed = restored.task, folder.description().seed
        learner.check_vocabulary(task.shape(stage))
        if input is None:
            found = _selected(restored, learner, stage, seed=seed, count=examples)
        else:
            batch = task.encode(input, stage)
            restored.model.check(learn.shape_of_typed(task, stage, batch))
            found = learn.predict_examples(learner, task, batch, [""])
        typed = None if input is None else found.batch
        sample = _sample(learner, task, stage, typed, seed=seed)
    of = restored.axis_names.words(stage)
    if input is not None:
        of = of.partition(", ")[2]  # its length is its own
    table = report.example_table(
        found,
        task.decode,
        task.decode_output,
        tolerance=task.tolerance if task.output == "values" else None,
    )
    return Examples(f"run {folder.id}, {restored.name}, {of}", table, sample)


def _with_axes(stage: plan.Stage, **axes: int | None) -> plan.Stage:
    """The stage with those of its numbers replaced that are given."""
    return replace(stage, **{axis: number for axis, number in axes.items() if number is not None})


def _sample(
    learner: learn.Learner,
    task: learn.Task,
    stage: plan.Stage,
    typed: learn.Batch | None,
    *,
    seed: int,
) -> tuple[str, ...]:
    """Of a language model, what was typed or held out, and what it writes after it."""
    if not task.is_language_model or learner.forward_mode == "autoregressive":
        return ()
    batch = task.evaluation_batch(stage, 0, 1) if typed is None else typed
    prompt, most = batch.inputs[0][batch.present[0]], learner.shape.length
    if typed is None:
        prompt, most = prompt[: min(MOST_GIVEN, -(-stage.length // 2))], stage.length
    count = min(MOST_WRITTEN, most - len(prompt))
    if count < 1:
        return ()
    rng = learn.generator(seed, "show", "text", stage.key)
    written = learn.write_on(learner, prompt, count, rng)
    return (
        f"prompt: {task.decode_text(prompt)}",
        f"written ({count} symbols): {task.decode_text(written)}",
    )


def _selected(
    experiment: Experiment, learner: learn.Learner, stage: plan.Stage, *, seed: int, count: int
) -> learn.ExamplePredictions:
    training = learner.recipe.training
    if stage not in experiment.growth.path():  # it has no examples that were trained on
        training = replace(training, distinct_examples=None)
    return learn.predict_selected_examples(
        learner, experiment.task, stage, seed=seed, count=count, training=training
    )
