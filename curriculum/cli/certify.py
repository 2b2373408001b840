"""The command `certify`: evaluates a run's final model again, on inputs of any length."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from curriculum import config, learn, plan, record, report, runner
from curriculum.cli.arguments import RunArgument, SourceOption, StoreOption
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_note, stderr_console, users_output_on_stderr
from curriculum.cli.values import natural, thread_count
from curriculum.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class CertifyRequest(RunArgument, SourceOption, StoreOption):
    """Which model to evaluate, and on what."""

    length: list[int] = option(
        "evaluate on this length alone; may be repeated (default: all stages, and beyond)",
        natural,
        action="append",
        default=[],
    )
    vocab_size: int | None = option(
        "with --length: the vocabulary (default: that of the hardest stage mastered)", natural, "V"
    )
    level: int | None = option(
        "with --length: the level (default: that of the hardest stage mastered)", natural
    )
    examples: int | None = option(
        "with --length: how many examples, where there are too many inputs to evaluate on all "
        "(default: final_evaluation.examples)",
        natural,
    )
    threads: int = option(
        "threads of torch; on long inputs one is fastest", thread_count, default=1
    )
    json: bool = option("print the results as one JSON object", bool)


def certify(request: CertifyRequest) -> int:
    """Evaluate, print the results, and give the exit code: 0 where all pass, else 3."""
    if not request.length and (request.examples or request.vocab_size or request.level):
        raise UsageError("--examples, --vocab-size and --level need --length; give it too")
    folder = record.Store(request.store).find(request.run)
    history = record.History.of(folder)
    found, contents = [], []
    with learn.isolated(request.threads), users_output_on_stderr():
        experiment, learner = runner.restore_run(folder, source=request.source)
        for event, seconds in _evaluations(experiment, learner, history, request):
            found.append(event)
            contents.append(_as_json(event, seconds))
            print_note(f"{experiment.axis_names.words(event.stage)}: score {event.score:.4g}")
    if request.json:
        print(json.dumps({"run_id": folder.id, "evaluations": contents}))
    else:
        title = f"run {folder.id}, {experiment.name}"
        table = report.final_evaluation_table(title, found, experiment.axis_names)
        report.literal_console().print(table)
    return 0 if found and all(event.passes for event in found) else 3


def _evaluations(
    experiment: config.Experiment,
    learner: learn.Learner,
    history: record.History,
    request: CertifyRequest,
) -> Iterator[tuple[record.FinalEvaluated, float]]:
    """Each evaluation, and its seconds."""
    evaluator = runner.FinalEvaluator(experiment, seed=history.description.seed)
    began = time.perf_counter()
    if not request.length:
        for event in evaluator.evaluate(learner, history):
            yield event, time.perf_counter() - began
            began = time.perf_counter()
        return
    reach = history.reach or experiment.growth.path()[0]
    examples = request.examples or experiment.final_evaluation.examples
    for length in dict.fromkeys(request.length):
        sizes = (request.vocab_size or reach.vocab_size, request.level or reach.level)
        stage = plan.Stage(length, *sizes)
        words = experiment.axis_names.words(stage)
        experiment.check_stage(stage)
        if not evaluator.accepts(learner, stage):
            shape = learner.shape
            raise UsageError(
                f"the model can't be evaluated on {words}: it was built for inputs up to length "
                f"{shape.length} and a vocabulary of {shape.input_vocab_size}"
            )
        began = time.perf_counter()
        with _progress_bar(words, length * examples) as advance:
            event = evaluator.beyond(learner, stage, examples, advance)
        yield event, time.perf_counter() - began


def _as_json(event: record.FinalEvaluated, seconds: float) -> dict[str, Any]:
    return {
        "stage": event.stage.key,
        "beyond": event.beyond,
        "score": event.score,
        "examples": event.examples,
        "answer": event.answer,
        "reason": event.reason,
        "seconds": round(seconds, 2),
    }


@contextmanager
def _progress_bar(title: str, tokens: int) -> Iterator[Callable[[int], None]]:
    """On a terminal, a bar of how much is read of inputs that are read in pieces."""
    from rich import progress

    columns = (
        progress.TextColumn(title, markup=False),
        progress.BarColumn(24),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    disabled = not sys.stderr.isatty()
    with progress.Progress(
        *columns, console=stderr_console(), transient=True, disable=disabled
    ) as bars:
        task = bars.add_task("", total=tokens, visible=False)
        yield lambda read: bars.update(task, advance=read, visible=True)
