"""Comparisons of strategies from Python: plans a sweep, makes what is missing of it, compares."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console

from curriculum import comparison, learn, plan, record, report, sweeps
from curriculum.api.histories import Histories
from curriculum.api.measured import (
    check_measured,
    for_measuring,
    trained_to_limit,
    with_measure,
)
from curriculum.api.strategy_comparison import StrategyComparison
from curriculum.config import (
    Experiment,
    experiment_name,
    is_own,
    load_experiment,
    override,
)
from curriculum.errors import UsageError, counted, did_you_mean

log = logging.getLogger(__name__)

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


def compare(
    experiment: Experiment | str,
    strategies: Sequence[str] = DEFAULT_STRATEGIES,
    *,
    seeds: Sequence[int] = DEFAULT_SEEDS,
    learning_rates: Sequence[float] | None = None,
    budget: str | float | None = None,
    equal: str | None = None,
    measure: str | None = None,
    overrides: Sequence[str] = (),
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    device: str = "auto",
    jobs: int = 1,
    threads: int | None = None,
    progress: bool | None = None,
) -> StrategyComparison:
    """Compare strategies on an experiment, seed by seed, at an equal budget.

    Runs that the store has are not made again, and after an interrupt the same call continues.

    Args:
        experiment: what to run; or its name, or the path of its file, as on the command line.
        strategies: the names of those to compare.
        seeds: of the runs; a verdict needs at least six.
        learning_rates: that share the budget; by default the experiment's times 1/30, 1/10, 1/3,
            1 and 3.
        budget: of each strategy with each seed: compute, or a text such as `"500steps"`, as on the
            command line; by default 500 steps on the last stage for each learning rate.
        equal: what budgets are equal in: `tokens`, or `cost`, which is compute with evaluations.
        measure: what final models are compared by once their budgets are used up, such as
            `loss@512`; by default what stages cost is compared.
        overrides: of the experiment's settings, as the command line takes them.
        store: the folder that the runs are recorded in.
        source: the file of its own classes, where it is given as an object; several jobs need it.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        jobs: how many runs at a time; several are in processes of their own.
        threads: of torch, in each; by default by the model's size, or 1 with several jobs.
        progress: whether to show how far the runs are; by default in a notebook and on a terminal.

    Raises:
        UsageError: for an unknown strategy, or fewer than two of them; for a mistake in a setting.
        RunFailed: where a run can't continue.
        KeyboardInterrupt: where it was interrupted.
    """
    names = _names(strategies)
    check_settings(overrides, measured=measure is not None)
    planned = plan_comparison(
        experiment,
        names,
        seeds=seeds,
        learning_rates=learning_rates,
        amount=None if budget is None else sweeps.parse_amount(str(budget)),
        equal=equal,
        measure=measure,
        overrides=overrides,
        store=Path(store),
        source=None if source is None else Path(source),
        device=device,
        jobs=jobs,
        threads=threads,
    )
    if few := comparison.too_few_seeds(names, seeds, measured=measure is not None):
        log.warning(few)
    shown = report.shows_progress() if progress is None else progress
    console = report.literal_console(stderr=True, quiet=not shown)
    if not run_missing(planned, jobs, console):
        raise KeyboardInterrupt(
            f"{len(planned.done)} of {len(planned.runs)} runs are over; the same call continues "
            f"with the rest"
        )
    return compare_planned(planned, names, measure)


def compare_recorded(
    experiment: Experiment | str,
    strategies: Sequence[str] | None = None,
    *,
    seeds: Sequence[int] | None = None,
    learning_rates: Sequence[float] | None = None,
    equal: str | None = None,
    measure: str | None = None,
    store: Path | str = record.DEFAULT_STORE,
) -> StrategyComparison:
    """Compare strategies by the runs that a store has; nothing is run.

    Args:
        experiment: that they are of; or its name, or the path of its file, which need not exist.
        strategies: the names of those to compare; by default all in the store, as of the others.
        seeds: of the runs.
        learning_rates: of the runs.
        equal: what their budgets are equal in: `tokens` or `cost`.
        measure: what final models are compared by, of runs that trained until their budgets were
            used up.
        store: the folder that the runs are recorded in.

    Raises:
        UsageError: where there are no such runs, or not of two strategies.
    """
    if measure is not None:
        plan.Measure.parse(measure)
    typed = experiment if isinstance(experiment, str) else experiment.name
    title = experiment_name(typed)
    wanted = None if strategies is None else _names(strategies)
    found = record.Store(Path(store))
    found.check_not_empty()
    overviews, problems = _parted(found.overviews(title))
    if not overviews:
        known = [each for _, each in found.descriptions()]
        names = {each.experiment for each in known if isinstance(each, record.RunDescription)}
        what = f"no run in {store} is of {title!r}; {did_you_mean(title, names)}"
        if title in names:
            what = f"no run of {title!r} in {store} can be read"
        some = next(iter(problems.values()), None)
        why = "" if some is None else f"; {len(problems):,} can't be read, such as: {some}"
        raise UsageError(f"{what} ('compare {shlex.quote(typed)} --run' runs what is missing){why}")
    chosen = [
        each
        for each in overviews
        if (wanted is None or each.description.strategy in wanted)
        and (seeds is None or each.description.seed in seeds)
        and (
            learning_rates is None
            or each.description.settings["optimizer.learning_rate"] in learning_rates
        )
    ]
    fitting = trained_to_limit(chosen, equal, measured=measure is not None)
    if chosen and not fitting:
        how = f" at a budget equal in {equal}" if equal else ""
        to = " until its budget was used up, as a measure takes" if measure else ""
        flags = (
            f"{f' --equal {equal}' if equal else ''}{f' --measure {measure}' if measure else ''}"
        )
        raise UsageError(
            f"no run of {title} in {store} was trained{to}{how} ('compare {shlex.quote(typed)} "
            f"--run{flags}' runs what is missing)"
        )
    like = None if isinstance(experiment, str) else experiment
    return _compared(
        title, found, fitting, wanted or (), _in_words(problems), measure=measure, like=like
    )


def _parted(
    found: Iterable[tuple[str, record.RunOverview | record.Problem]],
) -> tuple[list[record.RunOverview], dict[str, record.Problem]]:
    """The runs that can be read, and why others can't be, by their ids."""
    overviews: list[record.RunOverview] = []
    problems: dict[str, record.Problem] = {}
    for run_id, each in found:
        if isinstance(each, record.RunOverview):
            overviews.append(each)
        else:
            problems[run_id] = each
    return overviews, problems


def _in_words(problems: Mapping[str, record.Problem]) -> list[str]:
    """Which runs can't be read; those of other versions of this package in one sentence."""
    foreign = [run_id for run_id, each in problems.items() if isinstance(each, record.OtherFormat)]
    found = [f"run {run_id} can't be read" for run_id in sorted({*problems} - {*foreign})]
    if foreign:
        runs = counted(len(foreign), "run")
        found.append(f"{runs} of another version of this package can't be read")
    return found


def _names(strategies: Sequence[str]) -> tuple[str, ...]:
    """The names of strategies, which may be given in one string, as on the command line."""
    return tuple(strategies.split(",") if isinstance(strategies, str) else strategies)


def check_settings(overrides: Sequence[str], *, measured: bool = False) -> None:
    """Check that no setting is given that a comparison sets, and would pass over.

    Where final models are `measured`, a schedule of the learning rate is not.
    """
    for word in overrides:
        flag = word.partition("=")[0]
        name = flag.removeprefix("--").replace("-", "_")
        for part, way_out in SET_BY_COMPARE.items():
            if measured and part == "training.schedule":
                continue
            if word.startswith("--") and (name == part or name.startswith(f"{part}.")):
                raise UsageError(
                    f"{flag} can't be given to compare, which sets it itself: {way_out}"
                )


def plan_comparison(
    experiment: Experiment | str,
    strategies: Sequence[str],
    *,
    seeds: Sequence[int],
    learning_rates: Sequence[float] | None,
    amount: sweeps.Amount | None,
    overrides: Sequence[str],
    store: Path,
    device: str,
    jobs: int,
    threads: int | None,
    source: Path | None = None,
    equal: str | None = None,
    measure: str | None = None,
) -> sweeps.ComparisonRuns:
    """All runs of a comparison, and which of them are done; nothing is run."""
    unit = None if equal is None else sweeps.unit_of(equal)
    if amount is not None and unit not in (None, amount.unit):
        raise UsageError(
            f"budgets that are equal in {equal} are of {unit}, got one of {amount.value:.3g} "
            f"{amount.unit}; give one such as {'2e6tokens' if unit == 'tokens' else '3e10'}"
        )
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    if isinstance(experiment, str):
        with redirect_stdout(sys.stderr):  # a user's file may print
            experiment, source = load_experiment(experiment)
    base = override(experiment if measure is None else for_measuring(experiment), overrides)
    if jobs > 1 and source is None and is_own(base):
        raise UsageError(
            f"{jobs} jobs are processes that make the experiment anew, and its task or model is "
            f"not the package's: give the path of its file as `source`, or leave jobs at 1"
        )
    rates = (
        sweeps.default_rates(base) if learning_rates is None else tuple(map(float, learning_rates))
    )
    count = threads or (learn.default_threads(base.model.hidden_size) if jobs == 1 else 1)
    with learn.isolated(count):
        if measure is not None:
            check_measured(measure, base, strategies, overrides)
        amount = amount or sweeps.default_amount(base, len(rates), unit or "compute")
    until: sweeps.Until = "target" if measure is None else "limit"
    runs = sweeps.plan_runs(base, strategies, seeds, amount, rates, until=until)
    settings = sweeps.ComparisonSettings(
        source=None if source is None else source.absolute(),
        overrides=tuple(overrides),
        amount=amount,
        store=record.Store(store).root,
        device=device,
        threads=count,
        until=until,
    )
    return sweeps.ComparisonRuns(settings, base, list(runs))


def run_missing(planned: sweeps.ComparisonRuns, jobs: int, console: Console) -> bool:
    """Make what is missing, with progress, and return whether all of it was made."""
    name, total, missing = planned.base.name, len(planned.runs), len(planned.missing)
    with report.SweepProgress(name, console, total=total, missing=missing) as progress:
        return planned.run(jobs, progress)


def compare_planned(
    planned: sweeps.ComparisonRuns, strategies: Sequence[str], measure: str | None = None
) -> StrategyComparison:
    """The comparison of a sweep's runs, all of which are done."""
    store, wanted = record.Store(planned.settings.store), {*planned.done.values()}
    overviews, _ = _parted(store.overviews(planned.base.name))
    chosen = [each for each in overviews if each.description.id in wanted]
    lost = sorted(wanted - {each.description.id for each in chosen})
    left_out = [f"run {run_id} can't be read" for run_id in lost]
    name = planned.base.name
    return _compared(name, store, chosen, strategies, left_out, measure=measure, like=planned.base)


def _compared(
    title: str,
    store: record.Store,
    overviews: Sequence[record.RunOverview],
    strategies: Sequence[str],
    left_out: Sequence[str],
    *,
    measure: str | None,
    like: Experiment | None,
) -> StrategyComparison:
    summaries = [sweeps.RunSummary.of(each) for each in overviews]
    by_cost = measure is None
    found = comparison.compare_runs(title, summaries, strategies, left_out, by_cost=by_cost)
    histories = Histories(store, [each.run_id for each in summaries])
    if measure is not None:
        found = with_measure(found, measure, store, histories, like)
    return StrategyComparison(found, histories)
