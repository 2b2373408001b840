"""What a run would do: its path, the looks that it takes, what it may search and spend."""

from __future__ import annotations

from collections.abc import Iterator

from curriculum.experiment import Experiment
from curriculum.learn.task import Sliced, exam_of
from curriculum.plan import Stage
from curriculum.report.explain import spelled
from curriculum.tune.settings import Choices
from curriculum.tune.space import space_of, widest_of

__all__ = ["outline"]


def outline(experiment: Experiment) -> Iterator[str]:
    """A heading, the criterion, a line for each stage, the search, and the budget."""
    path, criterion = experiment.growth.path(), experiment.criterion
    yield f"{experiment.name}: {spelled(len(path), 'stage')}, {experiment.strategy}"
    target = criterion.target_threshold
    last = "" if target is None else f", and {target:g} on the last stage"
    yield f"criterion: {criterion.metric} at least {criterion.threshold:g}{last}"
    for stage in path:
        yield f"  {stage}: a look takes {_look(experiment, stage)}"
    if experiment.tuning.is_on:
        yield _tuning(experiment)
    limits = {name: value for name, value in experiment.flat().items() if name[:7] == "budget."}
    yield "budget: " + ", ".join(f"{k[7:]} {v:,}" for k, v in limits.items() if v is not None)


def _look(experiment: Experiment, stage: Stage) -> str:
    """How many examples a look takes, and of what kind."""
    task, criterion = experiment.task, experiment.criterion
    exam = exam_of(task, stage)
    screen = f"a screen of {criterion.screen}, then "
    if exam is None:
        parts = len(task.slices) if isinstance(task, Sliced) else 0
        apart = f", and as many on each of {parts} slices" if parts else ""
        return f"{screen}{criterion.examples:,} fresh examples{apart}"
    if exam.rows is not None:
        kind = "the document that is trained on" if exam.memorised else "a held-out document"
        return f"{kind}, in {spelled(exam.examples, 'window')}"
    if exam.examples <= criterion.screen:
        screen = ""
    return f"{screen}{exam.examples:,} examples ({exam.source})"


def _tuning(experiment: Experiment) -> str:
    """What a search may try, in words."""
    tuning = experiment.tuning
    space = space_of(tuning, experiment.recipe, widest_of(tuning, experiment.model))
    parts = [
        f"{name.rpartition('.')[2]} "
        + (
            ", ".join(map(str, axis.values))
            if isinstance(axis, Choices)
            else f"{axis.low:g} to {axis.high:g}"
        )
        for name, axis in space.axes.items()
    ]
    return f"tuning: {tuning.mode}, at most {tuning.trials} trials a search; {'; '.join(parts)}"
