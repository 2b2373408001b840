"""Comparisons of strategies from Python: plans a sweep, makes what is missing of it, compares."""

from __future__ import annotations

import io
import json
import logging
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from curriculum import comparison, learn, record, report, sweep
from curriculum.config import (
    Experiment,
    experiment_name,
    is_own,
    load_experiment,
    override,
    serialize,
)
from curriculum.errors import UsageError, did_you_mean
from curriculum.report import comparison as comparison_report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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


@dataclass(frozen=True, slots=True, repr=False)
class StrategyComparison:
    """A comparison, and the histories that it was made from, by the runs' ids.

    A terminal shows it as its table, and a notebook with a figure.
    """

    comparison: comparison.Comparison
    histories: Mapping[str, record.History]

    @property
    def headline(self) -> str:
        """What it comes to, in a sentence or two."""
        return comparison_report.headline(self.comparison)

    @property
    def figures(self) -> dict[str, Figure]:
        """Matplotlib's figures of the comparison, by name."""
        report.show_figures_inline()
        return comparison_report.comparison_figures(self.comparison, self.histories)

    def to_frame(self) -> pd.DataFrame:
        """A row for each strategy and stage: how many seeds got there, and at what cost.

        A cost that most seeds never came to is `inf`; an interval of too few seeds is NaN.
        """
        import pandas as pd

        return pd.read_csv(io.StringIO(comparison_report.as_csv(self.comparison)))

    def __repr__(self) -> str:
        printed = io.StringIO()
        comparison_report.print_comparison(self.comparison, printed)
        return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return comparison_report.html_summary(self.comparison)


def compare(
    experiment: Experiment | str,
    strategies: Sequence[str] = DEFAULT_STRATEGIES,
    *,
    seeds: Sequence[int] = DEFAULT_SEEDS,
    learning_rates: Sequence[float] | None = None,
    budget: str | float | None = None,
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
    check_settings(overrides)
    planned = plan_sweep(
        experiment,
        names,
        seeds=seeds,
        learning_rates=learning_rates,
        amount=None if budget is None else sweep.parse_amount(str(budget)),
        overrides=overrides,
        store=Path(store),
        source=None if source is None else Path(source),
        device=device,
        jobs=jobs,
        threads=threads,
    )
    if few := comparison.too_few_seeds(names, seeds):
        log.warning(few)
    shown = report.shows_progress() if progress is None else progress
    console = report.literal_console(stderr=True, quiet=not shown)
    if not run_missing(planned, jobs, console):
        raise KeyboardInterrupt(
            f"{len(planned.done)} of {len(planned.runs)} runs are over; the same call continues "
            f"with the rest"
        )
    return compare_sweep(planned, names)


def compare_recorded(
    experiment: Experiment | str,
    strategies: Sequence[str] | None = None,
    *,
    seeds: Sequence[int] | None = None,
    learning_rates: Sequence[float] | None = None,
    store: Path | str = record.DEFAULT_STORE,
) -> StrategyComparison:
    """Compare strategies by the runs that a store has; nothing is run.

    Args:
        experiment: that they are of; or its name, or the path of its file, which need not exist.
        strategies: the names of those to compare; by default all in the store, as of the others.
        seeds: of the runs.
        learning_rates: of the runs.
        store: the folder that the runs are recorded in.

    Raises:
        UsageError: where there are no such runs, or not of two strategies.
    """
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
    return _compared(title, found, chosen, wanted or (), _in_words(problems))


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
        runs = report.counted(len(foreign), "run")
        found.append(f"{runs} of another version of this package can't be read")
    return found


def _names(strategies: Sequence[str]) -> tuple[str, ...]:
    """The names of strategies, which may be given in one string, as on the command line."""
    return tuple(strategies.split(",") if isinstance(strategies, str) else strategies)


def check_settings(overrides: Sequence[str]) -> None:
    """Check that no setting is given that a comparison sets, and would pass over."""
    for word in overrides:
        flag = word.partition("=")[0]
        name = flag.removeprefix("--").replace("-", "_")
        for part, way_out in SET_BY_COMPARE.items():
            if word.startswith("--") and (name == part or name.startswith(f"{part}.")):
                raise UsageError(
                    f"{flag} can't be given to compare, which sets it itself: {way_out}"
                )


def plan_sweep(
    experiment: Experiment | str,
    strategies: Sequence[str],
    *,
    seeds: Sequence[int],
    learning_rates: Sequence[float] | None,
    amount: sweep.Amount | None,
    overrides: Sequence[str],
    store: Path,
    device: str,
    jobs: int,
    threads: int | None,
    source: Path | None = None,
) -> sweep.Sweep:
    """All runs of a comparison, and which of them are done; nothing is run."""
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    if isinstance(experiment, str):
        with redirect_stdout(sys.stderr):  # a user's file may print
            experiment, source = load_experiment(experiment)
    base = override(experiment, overrides)
    if jobs > 1 and source is None and is_own(base):
        raise UsageError(
            f"{jobs} jobs are processes that make the experiment anew, and its task or model is "
            f"not the package's: give the path of its file as `source`, or leave jobs at 1"
        )
    rates = (
        sweep.default_rates(base) if learning_rates is None else tuple(map(float, learning_rates))
    )
    count = threads or (learn.default_threads(base.model.hidden_size) if jobs == 1 else 1)
    with learn.isolated(count):
        amount = amount or sweep.default_amount(base, len(rates))
    runs = sweep.plan_runs(base, strategies, seeds, amount, rates)
    settings = sweep.SweepSettings(
        experiment=json.dumps(serialize(base)),
        source=None if source is None else str(source.absolute()),
        overrides=tuple(overrides),
        amount=amount,
        rate_count=len(rates),
        store=store.absolute(),
        device=device,
        threads=count,
    )
    return sweep.Sweep(settings, base, list(runs))


def run_missing(planned: sweep.Sweep, jobs: int, console: Console) -> bool:
    """Make what is missing, with progress, and return whether all of it was made."""
    name, total, missing = planned.base.name, len(planned.runs), len(planned.missing)
    with report.SweepProgress(name, console, total=total, missing=missing) as progress:
        return planned.run(jobs, progress)


def compare_sweep(planned: sweep.Sweep, strategies: Sequence[str]) -> StrategyComparison:
    """The comparison of a sweep's runs, all of which are done."""
    store, wanted = record.Store(planned.settings.store), {*planned.done.values()}
    overviews, _ = _parted(store.overviews(planned.base.name))
    chosen = [each for each in overviews if each.description.id in wanted]
    lost = sorted(wanted - {each.description.id for each in chosen})
    left_out = [f"run {run_id} can't be read" for run_id in lost]
    return _compared(planned.base.name, store, chosen, strategies, left_out)


def _compared(
    title: str,
    store: record.Store,
    overviews: Sequence[record.RunOverview],
    strategies: Sequence[str],
    left_out: Sequence[str],
) -> StrategyComparison:
    summaries = [sweep.RunSummary.of(each) for each in overviews]
    found = comparison.compare_runs(title, summaries, strategies, left_out)
    return StrategyComparison(found, Histories(store, [each.run_id for each in summaries]))


class Histories(Mapping[str, record.History]):
    """The histories of a store's runs by their ids; each is read when it is asked for."""

    def __init__(self, store: record.Store, run_ids: Iterable[str]) -> None:
        self._store = store
        self._found: dict[str, record.History | None] = dict.fromkeys(run_ids)

    def __getitem__(self, run_id: str) -> record.History:
        found = self._found[run_id]
        if found is None:
            found = self._found[run_id] = record.History.of(self._store.folder(run_id))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
