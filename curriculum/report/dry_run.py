"""What a run would do: its path, its evaluations, what it may search, and its budget."""

from collections.abc import Iterator

from curriculum.config import (
    Choices,
    Experiment,
    arms_left_out,
    arms_of,
    is_portfolio,
    search_space_of,
    widest_size,
)
from curriculum.errors import counted
from curriculum.plan import Stage


def describe_dry_run(experiment: Experiment) -> Iterator[str]:
    """A heading, the criterion, a line for each stage, the search, and the budget."""
    path, criterion = experiment.growth.path(), experiment.criterion
    yield f"{experiment.name}: {counted(len(path), 'stage')}, strategy {experiment.strategy}"
    if is_portfolio(experiment):
        yield f"race: {', '.join(arms_of(experiment))}, the first of them to the target ends it"
        for name, why in arms_left_out(experiment).items():
            yield f"left out: {name}, as {why}"
    for note in experiment.task.notes:
        yield f"data: {note}"
    yield f"criterion: {criterion.description()}"
    for stage in path:
        yield f"  {experiment.axis_names.words(stage)}: evaluated on {_evaluation(experiment, stage)}"
    if experiment.tuning.is_on:
        yield _tuning(experiment)
    limits = {name: value for name, value in experiment.flat().items() if name[:7] == "budget."}
    until = limits.pop("budget.until")
    used_up = "; trained until that of the run is used up" if until == "limit" else ""
    amounts = ", ".join(f"{k[7:]} {v:,}" for k, v in limits.items() if v is not None)
    yield f"budget: {amounts}{used_up}"


def _evaluation(experiment: Experiment, stage: Stage) -> str:
    """How many examples an evaluation takes, and of what kind."""
    task, criterion = experiment.task, experiment.criterion
    whole = task.evaluation_set(stage)
    screen = f"a screen of {criterion.screen}, then " if criterion.has_screen else ""
    if whole is None:
        parts = len(task.slices)
        slices = f", and as many on each of {counted(parts, 'slice')}" if parts else ""
        return f"{screen}{criterion.examples:,} fresh examples{slices}"
    if whole.rows is not None:
        kind = "the document that is trained on" if whole.memorised else "a held-out document"
        return f"{kind}, in {counted(whole.examples, 'window')}"
    if whole.units is not None:
        return f"{whole.units:,} held-out documents ({whole.examples:,} examples)"
    if whole.examples <= criterion.screen or whole.source == "held_out":
        screen = ""
    return f"{screen}{whole.examples:,} examples ({whole.source})"


def _tuning(experiment: Experiment) -> str:
    """What a search may try, in words."""
    tuning = experiment.tuning
    space = search_space_of(tuning, experiment.recipe, widest_size(tuning, experiment.model))
    parts = [
        f"{name.rpartition('.')[2]} "
        + (
            ", ".join(map(str, parameter.values))
            if isinstance(parameter, Choices)
            else f"{parameter.low:g} to {parameter.high:g}"
        )
        for name, parameter in space.parameters.items()
    ]
    return f"tuning: {tuning.mode}, at most {tuning.trials} trials a search; {'; '.join(parts)}"
