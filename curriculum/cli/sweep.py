"""The commands `sweep` and `sweeps`: many runs, and how far they are."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from argparse import ArgumentTypeError
from dataclasses import asdict, dataclass
from typing import TextIO

from curriculum import api, learn, record, report, sweeps
from curriculum.cli.arguments import (
    OptunaOption,
    RayOptions,
    StoreOption,
    TrackingOption,
    command_line,
)
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_error, print_line, print_note, stderr_console
from curriculum.cli.values import (
    amount,
    learning_rates,
    natural,
    seeds,
    strategies,
    thread_count,
    usage_checked,
)
from curriculum.errors import UsageError, counted

USAGE = "python -m curriculum sweep EXPERIMENT ... [options] [--part.setting VALUE ...]"
EXAMPLES = """\
examples:
  python -m curriculum sweep lstm_firstbit --strategies gated,direct --seeds 0..7
  python -m curriculum sweep lstm_firstbit gru_firstbit --seeds 0..19 --set growth.factor=1.5,2,3
  python -m curriculum sweep my_task.py --seeds 0..4 --set optimizer.learning-rate=1e-3,1e-2 --dry-run
  python -m curriculum sweep lstm_firstbit --strategies gated,direct --seeds 0..9 --budget 2000steps
  python -m curriculum sweep lstm_firstbit --seeds 0..99 --engine ray --address auto --cpus 1
  python -m curriculum sweeps
  python -m curriculum sweeps 3fa9 --cancel

exit codes:
  0    every run is over
  1    some runs failed; the same command tries them again
  2    a mistake on the command line or in a user's file
  130  interrupted or cancelled (143: terminated); the same command continues
"""


def _setting(text: str) -> tuple[str, tuple[str, ...]]:
    """A setting with its values, such as `growth.factor=1.5,2`."""
    key, _, values = text.partition("=")
    key = key.strip().removeprefix("--")
    found = tuple(dict.fromkeys(part.strip() for part in values.split(",")))
    if not key or "" in found:
        raise ArgumentTypeError(
            f"must be a setting with its values, such as growth.factor=1.5,2, got {text!r}"
        )
    return key, found


@dataclass(frozen=True, kw_only=True)
class SweepRequest(RayOptions, StoreOption, TrackingOption, OptunaOption):
    """What to run, and where; `words` is the command as typed."""

    experiments: list[str] = argument("EXPERIMENT", "names from 'list', or Python files", nargs="+")
    strategies: tuple[str, ...] | None = option(
        "the strategies to run each under (default: the experiment's own)",
        usage_checked(strategies),
        "A,B",
    )
    seeds: tuple[int, ...] | None = option("the seeds, such as 0..19 or 0,2,7 (default: 0)", seeds)
    set: list[tuple[str, tuple[str, ...]]] | None = option(
        "a setting that takes several values, such as growth.factor=1.5,2; several are combined",
        _setting,
        "KEY=A,B",
        action="append",
    )
    budget: sweeps.Amount | None = option(
        "make the runs as compare does, with this budget of each strategy with each seed: compute, or "
        "N followed by tokens, steps or s (default: make them as run does)",
        usage_checked(amount),
        "N",
    )
    learning_rates: tuple[float, ...] | None = option(
        "with --budget: the learning rates that share it (default: the experiment's times 1/30, 1/10, "
        "1/3, 1 and 3)",
        learning_rates,
    )
    engine: str = option("what makes the runs: local, or ray", metavar="NAME", default="local")
    jobs: int | None = option(
        "with --engine local: how many runs at a time (default: as many as there are cores for)",
        natural,
    )
    threads: int | None = option(
        "threads of torch, for each run (default: by the model's size)", thread_count
    )
    isolate: bool = option("give each run a fresh process", bool)
    device: str = option("auto, cpu, cuda, cuda:N or mps", metavar="DEVICE", default="auto")
    mlflow_children: str = option(
        "on: the visits are child runs in MLflow, not a table of each run",
        metavar="on|off",
        choices=("on", "off"),
        default="off",
    )
    wait: bool = option("at the end, wait until MLflow has all runs", bool)
    dry_run: bool = option("tell runs, cost and hours, and run nothing", bool)
    json: bool = option("print what came of it as one JSON object", bool)
    overrides: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SweepsRequest(StoreOption):
    """Of which sweep to tell, or which to cancel."""

    sweep: str | None = argument("SWEEP", "a sweep's id, or the beginning of one", nargs="?")
    cancel: bool = option("ask whoever runs the sweep to end it in order", bool)
    remove: bool = option("remove the sweep's record; its runs stay", bool)
    json: bool = option("print the sweeps as one JSON list", bool)


def sweep(request: SweepRequest) -> int:
    """Make what is missing of a sweep; the exit code."""
    planned = _plan(request)
    if request.dry_run:
        return _dry_run(planned, request)
    files = sweeps.SweepFiles(record.Store(planned.store), planned.id)
    runs = counted(len(planned.run_ids), "run")
    note = f"{planned.title}: {runs}; '{files.shown_by}' shows it in another terminal"
    with _engine(request).open(planned.store) as engine:
        result = api.make_sweep(
            planned,
            engine,
            stderr_console(),
            wait=request.wait,
            begin=lambda: print_note(note),
            transient=True,  # what came of it is printed below
        )
    found = sweeps.sweep_statuses(record.Store(planned.store), [files])
    _print_status(found, sys.stderr if request.json else sys.stdout)
    _close(planned, result, request)
    if request.json:
        print(json.dumps(asdict(result)))
    if result.status != "over":
        return 128 + (result.signal or signal.SIGINT)
    return 1 if result.failed else 0


def show_sweeps(request: SweepsRequest) -> int:
    """Tell how far the store's sweeps are, or cancel one; the exit code."""
    store = record.Store(request.store)
    if request.sweep is None:
        for name in ("cancel", "remove"):
            if getattr(request, name):
                raise UsageError(f"--{name} needs the id of a sweep; 'sweeps' lists them")
        chosen = [sweeps.SweepFiles(store, each) for each in sweeps.sweep_ids(store)]
    else:
        chosen = [sweeps.find_sweep(store, request.sweep)]
    if request.cancel and request.remove:
        raise UsageError(
            "--cancel has a sweep end, and --remove is for one that has; give one of them"
        )
    if request.cancel:
        return _cancel(chosen[0])
    if request.remove:
        return _remove(chosen[0])
    found = sweeps.sweep_statuses(store, chosen)
    if request.json:
        print(json.dumps([each.as_json() for each in found]))
        return 0
    if request.sweep is not None:
        return _describe(found, chosen[0])
    for line in report.sweep_list(found):
        print_line(line, hanging=4)
    if not found:
        print_note(f"the store {store.root} has no sweeps yet; start one with 'sweep'")
    return 0


def _describe(found: list[sweeps.SweepStatus], files: sweeps.SweepFiles) -> int:
    """Tell of one sweep."""
    if not found:
        raise UsageError(f"{files.path} can't be read; the command that began the sweep mends it")
    (status,) = found
    _print_status(found, sys.stdout)
    if status.state == "running":
        print_line(f"'{files.shown_by} --cancel' ends it in order")
    elif (status.state == "stopped" or status.failed) and status.record.command:
        print(f"Continue it with: {status.record.command}")  # on one line, to be copied
    return 0


def _print_status(found: list[sweeps.SweepStatus], stream: TextIO) -> None:
    for status in found:
        for line in report.describe_sweep(status):
            print_line(line, stream, hanging=4)


def _plan(request: SweepRequest) -> sweeps.SweepPlan:
    grid = dict[str, tuple[str, ...]]()
    for key, values in request.set or ():
        if key in grid:
            raise UsageError(f"--set {key} is given twice; give all its values at once")
        grid[key] = values
    return api.plan_sweep(
        list(dict.fromkeys(request.experiments)),
        request.strategies or (),
        seeds=request.seeds or (0,),
        grid=grid,
        overrides=request.overrides,
        budget=request.budget,
        learning_rates=request.learning_rates,
        store=request.store,
        device=request.device,
        threads=request.threads,
        mlflow_children=request.mlflow_children == "on",
        tracking_uri=request.tracking_uri,
        optuna_storage=request.optuna_storage,
        command=command_line(request.words),
    )


def _engine(request: SweepRequest) -> sweeps.EngineSettings:
    return sweeps.EngineSettings(
        name=request.engine,
        jobs=request.jobs,
        isolate=request.isolate,
        address=request.address,
        cpus=request.cpus,
        gpus=request.gpus,
        device=request.device,
    )


def _dry_run(planned: sweeps.SweepPlan, request: SweepRequest) -> int:
    """Tell what a sweep would do, unless a start would be refused."""
    record.check_shared_store(planned.store)
    planned.check_storage()
    at_a_time = _engine(request).runs_at_a_time(planned.store)
    with learn.isolated(1):
        estimate = sweeps.estimate_sweep(planned)
    missing = max(1, estimate.runs - estimate.done)
    each = 1.0 if request.cpus is None else request.cpus
    cores = max(1, round(min(at_a_time, missing) * each))
    if request.json:
        print(json.dumps({"sweep": planned.id, **asdict(estimate), "cores": cores}))
        return 0
    for line in report.describe_estimate(planned, estimate, cores):
        print_line(line, hanging=4)
    return 0


def _close(planned: sweeps.SweepPlan, result: api.SweepResult, request: SweepRequest) -> None:
    """Say what to do next."""
    total = len(result.run_ids)
    if result.status != "over":
        print_error(
            f"{result.status}; {result.done} of {total} runs are over, and the same command continues "
            f"with the rest"
        )
        return
    store = f" --store {shlex.quote(str(request.store))}" * (request.store != record.DEFAULT_STORE)
    if result.failed:
        print_error(
            f"{counted(result.failed, 'run')} of {total} failed; 'sweeps {result.id}{store}' says "
            f"why, and the same command tries them again"
        )
    if request.budget is not None:
        names = shlex.join(dict.fromkeys(request.experiments))
        print_note(f"Compare the strategies with: python -m curriculum compare {names}{store}")
    verb = "is" if result.done == 1 else "are"
    print_note(
        f"{counted(result.done, 'run')} of {total} {verb} over; 'sweeps {result.id}{store}' tells how "
        f"far they came, 'runs{store}' lists them, 'ui{store}' opens MLflow"
    )


def _cancel(files: sweeps.SweepFiles) -> int:
    """Ask for a sweep's end."""
    if not files.is_driven:
        raise UsageError(f"sweep {files.id} is not running")
    try:
        files.request_cancel()
    except OSError as error:
        raise UsageError(f"{files.path.parent} can't be written ({error.strerror})") from error
    print_line(f"Asked sweep {files.id} to end; its runs save themselves first")
    return 0


def _remove(files: sweeps.SweepFiles) -> int:
    """Take a sweep's record away."""
    files.remove()
    print_line(
        f"Removed the record of sweep {files.id}; its runs stay: 'runs' lists them, and 'rm' and 'prune' "
        f"delete them"
    )
    return 0
