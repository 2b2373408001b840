"""The search over curricula from Python."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from curriculum import record, report, sweeps
from curriculum.api.optimization_plan import (
    OptimizationPlan,
    OptimizationSettings,
    plan_optimization,
)
from curriculum.api.optimization_result import OptimizationResult
from curriculum.api.optimization_run import search
from curriculum.config import Experiment, Given, load_experiment, override
from curriculum.errors import UsageError

DEFAULT_SEARCH_SEEDS = (0, 1, 2)
DEFAULT_CONFIRM_SEEDS = tuple(range(100, 110))
DEFAULT_TRIALS = 40

SET_BY_OPTIMIZE = {
    "budget": "--budget says what each curriculum gets with each seed, such as 3e10 or 500steps",
    "backtracking": "a stage that is exhausted isn't tried again",
    "tuning": "what is searched is the curriculum, at the same --learning-rates for all",
    "training.schedule": "the learning rate is constant",
}
"""What a search sets by itself, and how to have a say in it."""


def optimize(
    experiment: Experiment | str,
    over: Mapping[str, Given],
    *,
    seeds: Sequence[int] = DEFAULT_SEARCH_SEEDS,
    trials: int = DEFAULT_TRIALS,
    confirm_seeds: Sequence[int] = DEFAULT_CONFIRM_SEEDS,
    learning_rates: Sequence[float] | None = None,
    budget: str | float | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    optuna_storage: str | None = None,
    device: str = "auto",
    engine: sweeps.Engine | str | None = None,
    jobs: int = 1,
    threads: int | None = None,
    mirror: bool = True,
    wait: bool = False,
    tracking_uri: str | None = None,
    progress: bool | None = None,
) -> OptimizationResult:
    """Search for the curriculum that reaches the target at the least cost, and confirm it.

    Optuna proposes curricula, nine at a time; the best third of them goes on to more seeds and more
    budget. The experiment's own curriculum and direct training are always among the trials. The best is
    then run beside these on fresh seeds. Runs that the store has are not made again, and after an
    interrupt the same call continues.

    Args:
        experiment: what to run; or its name, or the path of its file, as on the command line.
        over: what to search, by setting: a range or choices as on the command line, `"1.2..4"` or
            `"current,combined"`; or a tuple of two numbers, a list, a `Range` or `Choices`.
        seeds: of the search.
        trials: how many curricula are tried, those that always are included.
        confirm_seeds: that the best is confirmed on; none of the search's. An interval needs six, a
            verdict beside two others seven.
        learning_rates: that share the budget; by default the experiment's alone.
        budget: of each curriculum with each seed, as `compare` takes it.
        seed: of the proposals.
        overrides: of the experiment's settings, as the command line takes them.
        store: the folder that the runs are recorded in.
        source: the file of its own classes, where it is given as an object; several jobs need it.
        optuna_storage: the URL or path of the storage that the trials are kept in for its dashboard.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        engine: what makes the runs: `local`, `ray`, or an object that is an `Engine`; by default this
            process, and `local` with several jobs.
        jobs: how many runs at a time. The result is the same.
        threads: of torch, in each; by default by the model's size, or 1 with several jobs.
        mirror: whether one process copies all runs into MLflow as they go.
        wait: whether to wait, at the end, until it has done so.
        tracking_uri: see `run`.
        progress: whether to show how far the search is; by default in a notebook and on a terminal.

    Raises:
        UsageError: for a range outside what a setting allows, or any mistake; where another process carries
            out the same search. Nothing is run then.
        RunFailed: where a run can't continue.
        KeyboardInterrupt: where it was interrupted, or cancelled from another process.
    """
    plan = planned(
        experiment,
        over,
        OptimizationSettings(
            seeds=tuple(seeds),
            confirm_seeds=tuple(confirm_seeds),
            trials=trials,
            learning_rates=None if learning_rates is None else tuple(learning_rates),
            budget=None if budget is None else sweeps.parse_amount(str(budget)),
            seed=seed,
            overrides=tuple(overrides),
            store=Path(store),
            source=None if source is None else Path(source),
            device=device,
            jobs=jobs,
            threads=threads,
            optuna_storage=optuna_storage,
            tracking_uri=tracking_uri,
            elsewhere=engine is not None,
        ),
    )
    return _carried_out(plan, engine, progress, mirror=mirror, wait=wait)


def planned(
    experiment: Experiment | str, over: Mapping[str, Given], settings: OptimizationSettings
) -> OptimizationPlan:
    """The plan of a search; nothing is run."""
    for word in settings.overrides:
        flag = word.partition("=")[0]
        name = flag.removeprefix("--").replace("-", "_")
        for part, way_out in SET_BY_OPTIMIZE.items():
            if word.startswith("--") and (name == part or name.startswith(f"{part}.")):
                raise UsageError(
                    f"{flag} can't be given to optimize, which sets it itself: {way_out}"
                )
    typed, source = experiment if isinstance(experiment, str) else experiment.name, settings.source
    if isinstance(experiment, str):
        with redirect_stdout(sys.stderr):  # a user's file may print
            experiment, source = load_experiment(experiment)
    chosen = override(experiment, settings.overrides)
    return plan_optimization(typed, chosen, over, settings.at(source))


def _carried_out(
    plan: OptimizationPlan,
    engine: sweeps.Engine | str | None,
    progress: bool | None,
    *,
    mirror: bool,
    wait: bool,
) -> OptimizationResult:
    """What the search finds with an engine, or one of that name."""
    shown = report.shows_progress() if progress is None else progress
    console, jobs = report.literal_console(stderr=True, quiet=not shown), plan.settings.jobs
    if isinstance(engine, str):
        count = None if engine == "ray" and jobs == 1 else jobs
        chosen = sweeps.EngineSettings(name=engine, jobs=count, device=plan.settings.device)
        with chosen.open(plan.settings.store) as opened:
            outcome = search(plan, console, opened, mirror=mirror, wait=wait)
    else:
        outcome = search(plan, console, engine, mirror=mirror, wait=wait)
    if outcome.result is None:
        raise KeyboardInterrupt(f"the search was {outcome.status}; the same call continues it")
    return outcome.result
