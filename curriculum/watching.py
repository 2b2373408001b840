"""Runs in front of a user: progress on the terminal, and at the end what came of it."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

from rich.console import Console

from curriculum.experiment import Experiment
from curriculum.learn.stop import Stop
from curriculum.record.history import History, Result
from curriculum.record.store import Store
from curriculum.report.explain import closing
from curriculum.report.progress import Progress
from curriculum.report.table import stage_table

__all__ = ["watched"]

EXIT_CODES = {"reached": 0, "stopped": 3}


def watched(
    experiment: Experiment,
    seed: int,
    go: Callable[[Progress, Stop], Result],
    options: argparse.Namespace,
) -> int:
    """Run with progress on the terminal, tell what came of it, and give the exit code.

    Args:
        experiment: what is run.
        seed: the run's.
        go: runs it, given who listens and who asks it to stop.
        options: the command line's.
    """
    stop = Stop(signal.SIGINT, signal.SIGTERM)
    errors = Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)
    with Progress(experiment, seed, errors) as progress, redirect_stdout(sys.stderr):
        result = go(progress, stop)
    _print_result(result, options)
    if result.status == "interrupted":
        return 128 + (stop.signal or signal.SIGINT)
    return EXIT_CODES[result.status]


def _print_result(result: Result, options: argparse.Namespace) -> None:
    history = History.of(Store(options.store).find(result.run_id))
    console = Console(stderr=options.json)
    console.print(stage_table(result))
    whole = not console.is_terminal  # in a pipe, lines are left as they are
    console.print(closing(history), highlight=False, soft_wrap=whole)
    more = (
        f"'explain {result.run_id}' says why, 'show {result.run_id}' shows examples, "
        f"'ui' opens MLflow"
    )
    if history.end is None:
        more = f"to go on, {_resuming(history, options)}"
    whole = whole or history.end is None  # so is a command
    console.print(f"Run {result.run_id}: {more}", highlight=False, soft_wrap=whole)
    if options.json:
        print(json.dumps(result.as_json()))


def _resuming(history: History, options: argparse.Namespace) -> str:
    """The command that goes on with a run."""
    words = ["python", "-m", "curriculum", "resume", history.description["id"]]
    if str(options.store) != "mlruns":
        words += ["--store", str(options.store)]
    if "curriculum_file_" in str(history.description["config"]):
        words += ["--source", history.description["source"]]
    return shlex.join(words)
