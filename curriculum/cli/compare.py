"""The command `compare`: runs what is missing of a sweep, and compares its strategies."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curriculum import comparison, config, learn, plan, record, report, sweep
from curriculum.cli.compare_output import Compared, OutputRequest, write_outputs
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_error, print_note, stderr_console
from curriculum.cli.values import learning_rates, natural, seeds, thread_count, usage_checked
from curriculum.errors import RunFailed, UsageError, did_you_mean

DEFAULT_STRATEGIES = ("gated", "direct")
DEFAULT_SEEDS = tuple(range(6))

SET_BY_COMPARE = {
    "strategy": "--strategies names those that are compared",
    "pacing": "--strategies names those that are compared",
    "sampling": "--strategies names those that are compared",
    "budget": "--budget says what each strategy gets, such as 3e10, 2e6tokens or 500steps",
    "backtracking": "a stage that is exhausted isn't tried again",
    "tuning": "nothing is tuned; each strategy gets the same --learning-rates",
    "training.schedule": "the learning rate is constant",
}
"""What a comparison sets by itself, and how to have a say in it."""

USAGE = "python -m curriculum compare EXPERIMENT ... [options] [--part.setting VALUE ...]"
EXAMPLES = """\
examples:
  python -m curriculum compare lstm_firstbit --run
  python -m curriculum compare lstm_firstbit --strategies gated,direct,bandit
  python -m curriculum compare lstm_firstbit --run --seeds 0..9 --jobs 2
  python -m curriculum compare lstm_firstbit --run --budget 2000steps
  python -m curriculum compare lstm_firstbit bert_reverse --report report.html
  python -m curriculum compare lstm_firstbit --json
"""


def _strategies(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise UsageError("must be names such as gated,direct,bandit, got none")
    for name in names:
        plan.get_strategy(name)
    return names


def _amount(text: str) -> sweep.Amount:
    return sweep.parse_amount(text)  # looked up late: torch is loaded with it


@dataclass(frozen=True, kw_only=True)
class CompareRequest(OutputRequest):
    """What to compare, and how to run what is missing."""

    experiments: list[str] = argument("EXPERIMENT", "names from 'list', or Python files", nargs="+")
    strategies: tuple[str, ...] | None = option(
        "the strategies to compare (default: all in the store; with --run, gated,direct)",
        usage_checked(_strategies),
        "A,B",
    )
    seeds: tuple[int, ...] | None = option(
        "the seeds, such as 0..5 or 0,2,7 (default: all in the store; with --run, 0..5)", seeds
    )
    learning_rates: tuple[float, ...] | None = option(
        "the learning rates that share the budget (default: those in the store; with --run, the "
        "experiment's times 1/30, 1/10, 1/3, 1 and 3)",
        learning_rates,
    )
    run: bool = option("first make the runs that are missing", bool)
    budget: sweep.Amount | None = option(
        "with --run: the budget of each strategy with each seed, in compute, or N followed by "
        "tokens, steps or s (default: 500 steps on the last stage for each learning rate)",
        usage_checked(_amount),
        "N",
    )
    jobs: int | None = option("with --run: how many runs at a time (default: 1)", natural)
    threads: int | None = option(
        "with --run: threads of torch (default: by the model's size; 1 with several --jobs)",
        thread_count,
    )
    device: str | None = option("with --run: auto, cpu or cuda (default: auto)", metavar="DEVICE")
    overrides: tuple[str, ...]


def compare(request: CompareRequest) -> int:
    """Compare strategies on each of the experiments; the exit code."""
    for path in (request.csv, request.report):
        if path is not None:
            _check_can_be_written(path)
    _check_settings(request.overrides)
    names = list(dict.fromkeys(request.experiments))
    if not request.run:
        _check_no_run_options(request)
        found = [_from_store(name, request) for name in names]
    else:
        sweeps = [_sweep(name, request) for name in names]  # mistakes are found before any is run
        found = []
        for each in sweeps:
            if not _run_missing(each, request.jobs or 1):
                return 130
            found.append(_after_running(each, request))
    write_outputs(found, request)
    return 0


def _check_no_run_options(request: CompareRequest) -> None:
    """Check that nothing is given that would have no effect without `--run`."""
    names = ("budget", "jobs", "threads", "device")
    given = [f"--{name}" for name in names if getattr(request, name) is not None]
    given += request.overrides
    if given:
        raise UsageError(f"{given[0]} is for the runs that --run makes; give --run too")


def _check_settings(overrides: Sequence[str]) -> None:
    """Check that no setting is given that a comparison sets, and would pass over."""
    for word in overrides:
        flag = word.partition("=")[0]
        name = flag.removeprefix("--").replace("-", "_")
        for part, way_out in SET_BY_COMPARE.items():
            if word.startswith("--") and (name == part or name.startswith(f"{part}.")):
                raise UsageError(
                    f"{flag} can't be given to compare, which sets it itself: {way_out}"
                )


def _check_can_be_written(path: Path) -> None:
    """Check, before anything is run, that a file may be written there."""
    if path.is_dir():
        raise UsageError(f"{path} can't be written: it is a folder")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise UsageError(f"{path} can't be written: it is read-only")
        return
    above = next((folder for folder in path.absolute().parents if folder.exists()), Path("/"))
    if not above.is_dir():
        raise UsageError(f"{path} can't be written: {above} is a file")
    if not os.access(above, os.W_OK):
        raise UsageError(f"{path} can't be written: {above} is read-only")


def _from_store(name: str, request: CompareRequest) -> Compared:
    """The comparison of the runs that the store has."""
    title = config.experiment_name(name)
    names, histories, unreadable = set[str](), [], []
    for folder in record.Store(request.store).nonempty_runs():
        try:
            description = folder.description()
            names.add(description.experiment)
            if description.experiment == title and _is_wanted(description, request):
                histories.append(record.History.of(folder))
        except (UsageError, RunFailed):
            unreadable.append(folder.id)
    if title not in names:
        raise UsageError(
            f"no run in {request.store} is of {title!r}; {did_you_mean(title, names)} "
            f"('compare {shlex.quote(name)} --run' runs what is missing)"
        )
    return _compared(title, histories, request.strategies or (), unreadable)


def _is_wanted(description: record.RunDescription, request: CompareRequest) -> bool:
    """Whether a run is one of those that the command line names, as far as it does."""
    rate = description.settings["optimizer.learning_rate"]
    return (
        (request.strategies is None or description.strategy in request.strategies)
        and (request.seeds is None or description.seed in request.seeds)
        and (request.learning_rates is None or rate in request.learning_rates)
    )


def _compared(
    title: str,
    histories: Sequence[record.History],
    strategies: Sequence[str],
    unreadable: Sequence[str] = (),
) -> Compared:
    summaries = [sweep.RunSummary.of(history) for history in histories]
    found = comparison.compare_runs(title, summaries, strategies, unreadable)
    return Compared(found, {history.description.id: history for history in histories})


def _sweep(name: str, request: CompareRequest) -> sweep.Sweep:
    """All runs of a comparison, and which of them are done."""
    experiment, _ = sweep.sweep_experiment(name, request.overrides)
    rates = request.learning_rates or sweep.default_rates(experiment)
    amount = request.budget or sweep.default_amount(experiment, len(rates))
    strategies = request.strategies or DEFAULT_STRATEGIES
    runs = sweep.plan_runs(experiment, strategies, request.seeds or DEFAULT_SEEDS, amount, rates)
    alone = learn.default_threads(experiment.model.hidden_size) if (request.jobs or 1) == 1 else 1
    threads = request.threads or alone
    learn.configure_threads(threads)  # runs that are done must have been made with as many
    settings = sweep.SweepSettings(
        name=name,
        overrides=request.overrides,
        amount=amount,
        rate_count=len(rates),
        store=request.store.absolute(),
        device=request.device or "auto",
        threads=threads,
    )
    return sweep.Sweep(settings, list(runs))


def _run_missing(each: sweep.Sweep, jobs: int) -> bool:
    """Run what is missing, with progress, and return whether all of it was run."""
    name, amount = each.runs[0].experiment.name, each.settings.amount
    missing, total = len(each.missing), len(each.runs)
    print_note(
        f"{name}: {report.counted(missing, 'run')} to do, {len(each.done)} already done; budget of "
        f"each strategy with each seed: {amount.value:.3g} {amount.unit}"
    )
    few = comparison.too_few_seeds(
        {run.strategy for run in each.runs}, {run.seed for run in each.runs}
    )
    if few is not None:
        print_note(few)
    experiment = each.runs[0].experiment
    estimated = learn.estimated_work(experiment.model, experiment.shape)
    if estimated is not None:
        print_note(estimated)
    with report.SweepProgress(name, stderr_console(), total=total, missing=missing) as progress:
        complete = each.run(jobs, progress)
    if not complete:
        print_error(
            f"interrupted; {len(each.done)} of {total} runs are over, and the same command "
            f"continues with the rest"
        )
    return complete


def _after_running(each: sweep.Sweep, request: CompareRequest) -> Compared:
    store = record.Store(each.settings.store)
    histories = [record.History.of(store.find(each.done[run])) for run in each.runs]
    strategies = request.strategies or DEFAULT_STRATEGIES
    return _compared(each.runs[0].experiment.name, histories, strategies)
