"""The command line: one subcommand, one function."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum.arguments import build_parser
from curriculum.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from curriculum.experiment import Experiment
    from curriculum.record.history import Result
    from curriculum.record.store import Store

__all__ = ["main"]

EXIT_CODES = {"reached": 0, "stopped": 3, "interrupted": 130}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and not given[0].startswith("-") and given[0] not in COMMANDS:
            raise UsageError(
                f"there is no command {given[0]!r}; {did_you_mean(given[0], COMMANDS)}"
            )
        if given[:1] == ["run"] and re.match(r"--\w[\w-]*\.", " ".join(given[1:2])):
            raise UsageError("the experiment comes first: run EXPERIMENT --part.setting VALUE")
        options, rest = build_parser().parse_known_args(given)
        if rest and options.command != "run":
            raise UsageError(
                f"{options.command} takes no {rest[0]!r}; see {options.command} --help"
            )
        options.overrides = rest
        return COMMANDS[options.command](options)
    except UsageError as error:
        print(f"curriculum: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def list_experiments(options: argparse.Namespace) -> int:
    """Print the experiments, a line each."""
    from curriculum.catalogue import listings

    found = listings()
    width = max((len(listing.name) for listing in found), default=0)
    for listing in found:
        print(f"{listing.name:<{width}}  {listing.line}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Run an experiment, or with --dry-run tell what would be run."""
    from curriculum.catalogue import load_experiment
    from curriculum.overrides import override, print_settings
    from curriculum.report.outline import outline

    if options.experiment is None:
        if options.help:
            options.print_help()
            return 0
        raise UsageError("run needs the name of an experiment, or a file; 'list' shows the names")
    if options.json and options.dry_run:
        raise UsageError("--json prints a run's result, and --dry-run has none; leave one out")
    with redirect_stdout(sys.stderr):  # a user's file may print
        experiment, source = load_experiment(options.experiment)
    if options.help:
        options.print_help()
        print_settings(experiment, options.overrides)
        return 0
    experiment = override(experiment, options.overrides)
    if options.dry_run:
        for line in outline(experiment):
            print(line)
        return 0
    return _run(experiment, source, options)


def explain(options: argparse.Namespace) -> int:
    """Say why each visit of a run advanced, or did not."""
    from curriculum.record.history import History
    from curriculum.report.explain import explain

    folder = _store(options).find(options.run)
    for sentence in explain(History.of(folder), running=folder.is_running):
        print(sentence)
    return 0


def show(options: argparse.Namespace) -> int:
    """Show inputs, targets and predictions of a run's final model."""
    from dataclasses import replace

    from rich.console import Console

    from curriculum.learn.examiner import predictions_of
    from curriculum.learn.showing import examples_to_show, shape_of_typed, typed_example
    from curriculum.learn.task import Worded, shape_of
    from curriculum.loading import load_run
    from curriculum.plan import Stage
    from curriculum.record.history import History
    from curriculum.report.examples import example_table, numbers

    folder = _store(options).find(options.run)
    experiment, learner = load_run(folder, source=options.source)
    stage = History.of(folder).reach or experiment.growth.path()[0]
    stage = Stage(
        stage.length if options.length is None else options.length,
        stage.vocab_size if options.vocab_size is None else options.vocab_size,
    )
    experiment.check_stage(stage)
    task = experiment.task
    learner.check_covers(shape_of(task, stage))
    if options.input is None:
        seed, training = folder.description()["seed"], learner.recipe.training
        if stage not in experiment.growth.path():  # none of its examples was trained on
            training = replace(training, distinct_examples=None)
        batch, notes = examples_to_show(task, stage, seed, options.examples, training)
    else:
        batch, notes = typed_example(task, stage, options.input), [""]
        experiment.model.check(shape_of_typed(task, stage, batch))
    learner.check_takes(batch.inputs)
    predictions = predictions_of(learner, task, batch)
    spell = task.text if isinstance(task, Worded) else numbers
    about = stage if options.input is None else f"vocabulary {stage.vocab_size}"
    console = Console()
    console.print(f"run {folder.id}, {experiment.name}, {about}", highlight=False)
    console.print(example_table(batch, predictions, notes, spell))
    return 0


def sync(options: argparse.Namespace) -> int:
    """Bring MLflow and Optuna's storage up to date with a run."""
    import logging

    from curriculum.mirroring import destinations
    from curriculum.record.sync import follow, sync
    from curriculum.record.tracking import displayed

    store = _store(options)
    folder = store.find(options.run)
    copies = destinations(store, options.tracking_uri, options.studies)
    if options.follow:
        log = store.mirrors / f"{folder.id}.log"
        log.parent.mkdir(exist_ok=True)
        logging.basicConfig(handlers=[logging.FileHandler(log, delay=True)], level=logging.WARNING)
        try:
            return 0 if follow(store, folder, copies) else 1
        except Exception:
            logging.getLogger(__name__).exception("the mirror stopped")
            raise
    sync(store, folder, copies)
    print(f"run {folder.id} is in MLflow at {displayed(copies.tracking_uri)}")
    return 0


def ui(options: argparse.Namespace) -> int:
    """Start MLflow's UI on the store, and Optuna's dashboard beside it, bound to loopback."""
    from curriculum.mirroring import destinations
    from curriculum.record.sync import is_synced, sync
    from curriculum.record.tracking import default_studies
    from curriculum.record.ui import mlflow_server, port_from, serve
    from curriculum.tune.dashboard import dashboard_server, has_studies, is_installed

    store = _store(options)
    copies = destinations(store, None, options.studies)
    servers = [mlflow_server(store, copies.tracking_uri, options.port)]
    if copies.studies != default_studies(store):
        from curriculum.tune.storage import check_storage

        check_storage(copies.studies)
    runs = [folder for folder in store.runs() if not folder.is_running]
    for folder in runs:
        if not is_synced(store, folder, copies):
            print(f"copying run {folder.id} into MLflow …", file=sys.stderr)
            try:
                sync(store, folder, copies)
            except UsageError as error:  # one run's trouble does not keep the rest from view
                print(f"curriculum: {error}", file=sys.stderr)
    if has_studies(copies.studies):
        if is_installed():
            servers.append(dashboard_server(copies.studies, port_from(options.port + 1)))
        else:
            print(
                "Optuna's dashboard would show the studies: pip install optuna-dashboard",
                file=sys.stderr,
            )
    return serve(servers)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": list_experiments,
    "run": run,
    "explain": explain,
    "show": show,
    "sync": sync,
    "ui": ui,
}


def _run(experiment: Experiment, source: Path, options: argparse.Namespace) -> int:
    from rich.console import Console

    from curriculum.learn.process import configure, threads_for
    from curriculum.loop import run
    from curriculum.report.progress import Progress

    configure(options.threads or threads_for(experiment.model.hidden_size))
    errors = Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)
    with Progress(experiment, options.seed, errors) as progress, redirect_stdout(sys.stderr):
        result = run(
            experiment,
            options.seed,
            store=options.store,
            device=options.device,
            listener=progress,
            tracking_uri=options.tracking_uri,
            studies=options.studies,
            source=source,
            wait=options.wait,
            jobs=options.jobs,
        )
    _print_result(result, options)
    return EXIT_CODES[result.status]


def _print_result(result: Result, options: argparse.Namespace) -> None:
    import json

    from rich.console import Console

    from curriculum.record.history import History
    from curriculum.report.explain import closing
    from curriculum.report.table import stage_table

    history = History.of(_store(options).find(result.run_id))
    console = Console(stderr=options.json)
    console.print(stage_table(result))
    whole = not console.is_terminal  # in a pipe, lines are left as they are
    console.print(closing(history), highlight=False, soft_wrap=whole)
    console.print(
        f"Run {result.run_id}: 'explain {result.run_id}' says why, 'show {result.run_id}' shows "
        f"examples, 'ui' opens MLflow.",
        highlight=False,
        soft_wrap=whole,
    )
    if options.json:
        print(json.dumps(result.as_json()))


def _store(options: argparse.Namespace) -> Store:
    from curriculum.record.store import Store

    return Store(options.store)
