"""Sweeps from Python: many runs of many experiments, which any call of the same continues."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from curriculum import record, report, sweeps
from curriculum.api.comparison import check_settings
from curriculum.config import Experiment, load_experiment
from curriculum.errors import UsageError

Named = Experiment | str


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepResult:
    """What a call of a sweep came to.

    Attributes:
        id: of the sweep.
        status: `over` where nothing is left to do, apart from what failed; `interrupted`; or `cancelled`,
            by somebody in another process.
        run_ids: of all its runs, whether they are over or not.
        done: how many of them are over.
        failed: how many can't be made.
        failures: of some of these, by run, why.
        signal: the number of the one that interrupted it.
    """

    id: str
    status: str
    run_ids: tuple[str, ...]
    done: int
    failed: int
    failures: Mapping[str, str]
    signal: int | None = None


def sweep(
    experiments: Named | Sequence[Named],
    strategies: Sequence[str] = (),
    *,
    seeds: Sequence[int] = (0,),
    grid: Mapping[str, Sequence[object]] | None = None,
    overrides: Sequence[str] = (),
    budget: str | float | None = None,
    learning_rates: Sequence[float] | None = None,
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    device: str = "auto",
    engine: sweeps.Engine | str = "local",
    jobs: int | None = None,
    threads: int | None = None,
    isolate: bool = False,
    mirror: bool = True,
    wait: bool = False,
    mlflow_children: bool = False,
    tracking_uri: str | None = None,
    optuna_storage: str | None = None,
    progress: bool | None = None,
) -> SweepResult:
    """Run each experiment under each strategy, with each seed and each combination of settings.

    The ids of the runs are functions of what they are: called twice it is one sweep. What the store has is
    not made again, and what was begun is resumed. A run that fails, or whose process dies, stops no other.
    An interrupt (Ctrl-C) lets the runs save themselves; the same call continues.

    Args:
        experiments: what to run: experiments, their names, or the paths of their files.
        strategies: the names of strategies; by default the experiment's own.
        seeds: of the runs.
        grid: settings that take several values, such as `{"growth.factor": [1.5, 2]}`.
        overrides: of settings of all runs, as the command line takes them.
        budget: of each strategy with each seed, as `compare` takes it; the runs are then made as it makes
            them, so that it reads them. By default they are what `run` makes.
        learning_rates: that share the budget; by default the experiment's times 1/30 to 3.
        store: the folder that the runs are recorded in.
        source: the file of the classes of experiments that are given as objects.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        engine: what makes the runs: `local`, which is processes of this machine; `ray`, which is Ray on
            this machine; or an `Engine`, such as `RayEngine(store, address="auto", gpus=1)` of a cluster.
        jobs: of the local engine, how many runs at a time; by default as many as there are cores for.
        threads: of torch, for each run; by default as many as `run` takes.
        isolate: whether each run has a fresh process.
        mirror: whether one process copies all runs into MLflow as they go.
        wait: whether to wait, at the end, until it has done so.
        mlflow_children: whether visits are child runs in MLflow, rather than a table of each run.
        tracking_uri: see `run`.
        optuna_storage: see `run`.
        progress: whether to show how far the sweep is; by default in a notebook and on a terminal.

    Raises:
        UsageError: for no experiment, seed or strategy that there is; for a mistake in a setting; where
            another process drives the same sweep. Nothing is started then.
        RunFailed: where the engine can't continue.
        KeyboardInterrupt: at a second Ctrl-C, which does not wait for runs to save themselves.
    """
    planned = plan_sweep(
        experiments,
        strategies,
        seeds=seeds,
        grid={name: _values(name, values) for name, values in (grid or {}).items()},
        overrides=overrides,
        budget=None if budget is None else sweeps.parse_amount(str(budget)),
        learning_rates=learning_rates,
        store=Path(store),
        source=None if source is None else Path(source),
        device=device,
        threads=threads,
        mlflow_children=mlflow_children,
        tracking_uri=tracking_uri,
        optuna_storage=optuna_storage,
    )
    shown = report.shows_progress() if progress is None else progress
    console = report.literal_console(stderr=True, quiet=not shown)
    if not isinstance(engine, str):
        return make_sweep(planned, engine, console, mirror=mirror, wait=wait)
    settings = sweeps.EngineSettings(name=engine, jobs=jobs, isolate=isolate, device=device)
    with settings.open(planned.store) as opened:
        return make_sweep(planned, opened, console, mirror=mirror, wait=wait)


def plan_sweep(
    experiments: Named | Sequence[Named],
    strategies: Sequence[str] = (),
    *,
    seeds: Sequence[int],
    grid: sweeps.Grid,
    overrides: Sequence[str],
    budget: sweeps.Amount | None,
    learning_rates: Sequence[float] | None,
    store: Path,
    device: str,
    threads: int | None,
    source: Path | None = None,
    mlflow_children: bool = False,
    tracking_uri: str | None = None,
    optuna_storage: str | None = None,
    command: str = "",
) -> sweeps.SweepPlan:
    """The plan of a sweep; nothing is run. See `sweep`."""
    named = [experiments] if isinstance(experiments, Experiment | str) else [*experiments]
    whole = _checked(named, seeds)
    if budget is not None:
        settings = [f"--{name}" for name in grid]
        check_settings([*overrides, *settings])
    strategies = strategies.split(",") if isinstance(strategies, str) else strategies
    request = sweeps.VariantRequest(
        strategies=tuple(strategies),
        overrides=tuple(overrides),
        grid=grid,
        budget=budget,
        learning_rates=None if learning_rates is None else tuple(map(float, learning_rates)),
        threads=threads,
    )
    variants: list[sweeps.RunVariant] = []
    for each in named:
        experiment, file = _loaded(each, source)
        variants += sweeps.run_variants(experiment, file, request)
    return sweeps.SweepPlan(
        variants=tuple(variants),
        seeds=whole,
        store=record.Store(store).root,
        device=device,
        tracking_uri=None if tracking_uri is None else record.absolute_address(tracking_uri),
        optuna_storage=None if optuna_storage is None else record.absolute_address(optuna_storage),
        mlflow=record.MlflowSettings(visits_as_table=not mlflow_children),
        command=command,
    )


def make_sweep(
    planned: sweeps.SweepPlan,
    engine: sweeps.Engine,
    console: Console,
    *,
    mirror: bool = True,
    wait: bool = False,
    begin: Callable[[], object] = lambda: None,
    transient: bool = False,
) -> SweepResult:
    """Make what is missing of a sweep, with progress.

    Args:
        planned: the sweep.
        engine: makes the runs.
        console: for the progress.
        mirror: see `sweep`.
        wait: see `sweep`.
        begin: called once nothing refuses the sweep, before its first run.
        transient: whether what is drawn of the progress goes at the end.
    """
    total = len(planned.run_ids)
    with ExitStack() as stack:

        def progress_of(done: int) -> sweeps.SweepListener:
            begin()
            shown = report.SweepProgress(
                planned.title, console, total=total, missing=total - done, transient=transient
            )
            return stack.enter_context(shown)

        outcome = sweeps.run_sweep(planned, engine, progress_of, mirror=mirror, wait=wait)
    return SweepResult(
        id=planned.id,
        status=outcome.status,
        run_ids=planned.run_ids,
        done=outcome.done,
        failed=outcome.failed,
        failures=outcome.failures,
        signal=outcome.signal,
    )


def _values(name: str, values: object) -> list[str]:
    """The values of a setting, as they would be typed."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise UsageError(f"grid has a list of values for each setting, got {name!r}: {values!r}")
    return [str(value) for value in values]


def _checked(named: Sequence[Named], seeds: object) -> tuple[int, ...]:
    """The seeds, also those of NumPy."""
    if not named:
        raise UsageError("a sweep needs at least one experiment")
    try:
        found = tuple(map(operator.index, seeds))  # type: ignore[call-overload]  # as given
    except TypeError:
        found = ()
    if not found or min(found) < 0:
        raise UsageError(
            f"seeds must be whole numbers, at least 0, such as range(3), got {seeds!r}"
        )
    return found


def _loaded(experiment: Named, source: Path | None) -> tuple[Experiment, Path | None]:
    """An experiment, and the file that defines it."""
    if not isinstance(experiment, str):
        return experiment, None if source is None else source.absolute()
    with redirect_stdout(sys.stderr):  # a user's file may print
        found, file = load_experiment(experiment)
    return found, file.absolute()
