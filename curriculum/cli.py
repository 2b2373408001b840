"""The command line: one subcommand, one function."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curriculum.arguments import build_parser
from curriculum.errors import RunFailed, UsageError, did_you_mean

if TYPE_CHECKING:
    from curriculum.experiment import Experiment
    from curriculum.learn.stop import Stop
    from curriculum.record.history import Result
    from curriculum.record.store import Store
    from curriculum.report.progress import Progress
    from curriculum.report.runs import RunLine

__all__ = ["main"]


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
        if rest and not (options.command == "run" or getattr(options, "run", None) is True):
            raise UsageError(
                f"{options.command} takes no {rest[0]!r}; see {options.command} --help"
            )
        options.overrides = rest
        return COMMANDS[options.command](options)
    except UsageError as error:
        print(f"curriculum: {error}", file=sys.stderr)
        return 2
    except RunFailed as error:
        print(f"curriculum: {error}", file=sys.stderr)
        return 1
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


def resume(options: argparse.Namespace) -> int:
    """Go on with a run that stopped before its end."""
    from curriculum.learn.process import configure
    from curriculum.loading import rebuilt
    from curriculum.running import resume
    from curriculum.watching import watched

    folder = _store(options).find(options.run)
    described = folder.description()
    with redirect_stdout(sys.stderr):  # a user's file may print
        experiment = rebuilt(described, options.source)

    def go_on(progress: Progress, stop: Stop) -> Result:
        return resume(
            folder.id, listener=progress, stop=stop, source=options.source, **_around(options)
        )

    configure(options.threads or described["threads"], flush_denormal=described["flush_denormal"])
    return watched(experiment, described["seed"], go_on, options)


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

    from curriculum.learn.process import configure
    from curriculum.learn.showing import (
        answered,
        answered_examples,
        shape_of_typed,
        typed_example,
    )
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
    configure(1)  # of few examples: threads would wait for each other at every place
    if options.input is None:
        seed, training = folder.description()["seed"], learner.recipe.training
        if stage not in experiment.growth.path():  # none of its examples was trained on
            training = replace(training, distinct_examples=None)
        count = options.examples
        found = answered_examples(learner, task, stage, seed=seed, count=count, training=training)
    else:
        batch = typed_example(task, stage, options.input)
        experiment.model.check(shape_of_typed(task, stage, batch))
        found = answered(learner, task, batch, [""])
    spell = task.text if isinstance(task, Worded) else numbers
    about = stage if options.input is None else f"vocabulary {stage.vocab_size}"
    console = Console()
    console.print(f"run {folder.id}, {experiment.name}, {about}", highlight=False)
    console.print(example_table(found.batch, found.predictions, found.notes, spell, found.left_out))
    return 0


def certify(options: argparse.Namespace) -> int:
    """Test a run's final model again, on its path or on longer inputs."""
    from curriculum.certifying import certify

    return certify(options)


def compare(options: argparse.Namespace) -> int:
    """Compare strategies, as they are in the store or after running what is missing."""
    from curriculum.comparing import compare

    return compare(options)


def runs(options: argparse.Namespace) -> int:
    """List the store's runs."""
    import json

    from curriculum.report.runs import print_runs, run_line

    lines = [run_line(folder) for folder in _store(options).some_runs()]
    if options.json:
        print(json.dumps([line.as_json() for line in lines]))
    else:
        print_runs(lines, sys.stdout)
    return 0


def rm(options: argparse.Namespace) -> int:
    """Delete runs."""
    from curriculum.report.runs import run_line

    store = _store(options)
    folders = {folder.id: folder for folder in map(store.find, options.runs)}
    lines = [run_line(folder) for folder in folders.values()]
    for line in lines:
        if line.state == "running":
            raise UsageError(f"run {line.run_id} is running; stop it first, then delete it")
    return _delete(store, lines, options)


def prune(options: argparse.Namespace) -> int:
    """Delete all runs that fulfil what is asked."""
    import time

    from curriculum.report.runs import chosen, run_line

    filters = {
        "states": options.state or (),
        "older_than": options.older_than,
        "experiment": options.experiment,
    }
    if options.all == any(given not in ((), None) for given in filters.values()):
        raise UsageError(
            "prune takes --state, --older-than, --experiment, or several of them; or else --all"
        )
    store = _store(options)
    if not store.runs_folder.is_dir():
        store.some_runs()  # an emptied store is no mistake, but one that isn't there is
    lines = [run_line(folder) for folder in store.runs()]
    found = chosen(lines, time.time(), **filters)
    if found:
        return _delete(store, found, options)
    names = {line.experiment for line in lines if line.experiment is not None}
    reason = "no run that has stopped fulfils all that is asked"
    if options.experiment is not None and options.experiment not in names:
        reason = f"no run is of {options.experiment!r}; {did_you_mean(options.experiment, names)}"
    print(f"nothing is deleted: {reason}")
    return 0


def sync(options: argparse.Namespace) -> int:
    """Bring MLflow and Optuna's storage up to date with a run."""
    import logging

    from curriculum.mirroring import destinations
    from curriculum.record.sync import follow, sync
    from curriculum.record.tracking import displayed

    store = _store(options)
    folder = store.find(options.run)
    begun = {} if options.follow else folder.description()  # who follows was told where to
    copies = destinations(
        store,
        options.tracking_uri or begun.get("tracking_uri"),
        options.studies or begun.get("studies"),
    )
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
    "resume": resume,
    "explain": explain,
    "certify": certify,
    "compare": compare,
    "show": show,
    "runs": runs,
    "rm": rm,
    "prune": prune,
    "sync": sync,
    "ui": ui,
}


def _run(experiment: Experiment, source: Path, options: argparse.Namespace) -> int:
    from curriculum.learn.process import configure, threads_for
    from curriculum.running import run
    from curriculum.watching import watched

    def begin(progress: Progress, stop: Stop) -> Result:
        return run(
            experiment,
            options.seed,
            listener=progress,
            stop=stop,
            source=source,
            resume=options.resume,
            overrides=options.overrides,
            **_around(options),
        )

    configure(options.threads or threads_for(experiment.model.hidden_size))
    return watched(experiment, options.seed, begin, options)


def _delete(store: Store, lines: Sequence[RunLine], options: argparse.Namespace) -> int:
    from curriculum.deleting import delete_runs

    return delete_runs(
        store,
        lines,
        yes=options.yes,
        tracking_uri=options.tracking_uri,
        studies=options.studies,
    )


def _around(options: argparse.Namespace) -> dict[str, Any]:
    """What `run` and `resume` take alike."""
    from curriculum.record.saving import Saving

    names = ("store", "device", "tracking_uri", "studies", "wait", "jobs", "force")
    saving = Saving(every=options.checkpoint_every, keep=options.keep)
    return {name: getattr(options, name) for name in names} | {"saving": saving}


def _store(options: argparse.Namespace) -> Store:
    from curriculum.record.store import Store

    return Store(options.store)
