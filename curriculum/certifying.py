"""Tests a run's final model again, in front of a user, on as long inputs as they like."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.certifying import Certifier
from curriculum.learn.learner import Learner
from curriculum.learn.process import configure
from curriculum.loading import load_run
from curriculum.plan import Stage
from curriculum.record.history import History
from curriculum.record.store import Store
from curriculum.report.findings import findings_table
from curriculum.retesting import Retest

__all__ = ["certify"]


def certify(options: argparse.Namespace) -> int:
    """Retest, print what was found, and give the exit code: 0 where all is mastered, else 3."""
    if not options.length and (options.examples or options.vocab_size):
        raise UsageError("--examples and --vocab-size go with --length, the length to be tested")
    configure(options.threads)  # one thread reads a long input fastest
    folder = Store(options.store).find(options.run)
    history = History.of(folder)
    experiment, learner = load_run(folder, source=options.source)
    errors = Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)
    found = []
    for content in _findings(experiment, learner, history, options):
        found.append(content)
        stage = Stage.from_key(content["stage"])
        errors.print(f"{stage}: {content['score']:.4g}", highlight=False)
    if options.json:
        print(json.dumps({"run_id": folder.id, "findings": found}))
    else:
        Console().print(findings_table(f"run {folder.id}, {experiment.name}", found))
    return 0 if found and all(content["cleared"] for content in found) else 3


def _findings(
    experiment: Experiment, learner: Learner, history: History, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    seed = history.description["seed"]
    if not options.length:
        yield from Retest(experiment, seed=seed).of_final(learner, history)
        return
    certifier = Certifier(experiment.task, experiment.criterion, seed)
    sizes = history.reach or experiment.growth.path()[0]
    examples = options.examples or experiment.certificate.examples
    for length in dict.fromkeys(options.length):
        stage = Stage(length, options.vocab_size or sizes.vocab_size)
        experiment.check_stage(stage)
        if not certifier.takes(learner, stage):
            raise UsageError(
                f"the model can't be asked about {stage}: it was built for inputs up to length "
                f"{learner.shape.length} and {learner.shape.symbols} symbols"
            )
        began = time.perf_counter()
        with _reading(stage, length * examples) as heard:
            finding = certifier.test_beyond(learner, stage, examples, heard).as_json()
        seconds = round(time.perf_counter() - began, 2)
        yield {"stage": stage.key, "beyond": True, **finding, "seconds": seconds}


@contextmanager
def _reading(stage: Stage, tokens: int) -> Iterator[Callable[[int], None]]:
    """On a terminal, a bar of how much is read of inputs that are read in pieces."""
    columns = (TextColumn(str(stage)), BarColumn(24), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    shown = sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=tokens, visible=False)
        yield lambda read: progress.update(task, advance=read, visible=True)
