"""The search over curricula from Python."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from curriculum import comparison, record, report, sweeps
from curriculum.api.curriculum_search import CurriculumSearch
from curriculum.api.optimization_plan import (
    OptimizationPlan,
    OptimizationSettings,
    plan_optimization,
)
from curriculum.api.optimization_result import OptimizationResult
from curriculum.config import Experiment, Given, load_experiment, override
from curriculum.errors import UsageError
from curriculum.learn import StopRequest
from curriculum.processes import ERRORS

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
        progress: whether to show how far the search is; by default in a notebook and on a terminal.

    Raises:
        UsageError: for a range outside what a setting allows, or any mistake; nothing is run then.
        RunFailed: where a run can't continue.
        KeyboardInterrupt: where it was interrupted.
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
            elsewhere=engine is not None,
        ),
    )
    shown = report.shows_progress() if progress is None else progress
    console = report.literal_console(stderr=True, quiet=not shown)
    if isinstance(engine, str):
        count = None if engine == "ray" and jobs == 1 else jobs
        with sweeps.open_engine(engine, plan.settings.store, jobs=count) as opened:
            found = search(plan, console, opened)
    else:
        found = search(plan, console, engine)
    if found is None:
        raise KeyboardInterrupt("the search was interrupted; the same call continues it")
    return found


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


def search(
    plan: OptimizationPlan,
    console: Console,
    engine: sweeps.Engine | None = None,
    stop: StopRequest | None = None,
) -> OptimizationResult | None:
    """Carry out a search, with progress; None where it was interrupted."""
    stop = stop or StopRequest(signal.SIGINT, signal.SIGTERM)
    name, jobs = plan.experiment.name, plan.settings.jobs
    with report.OptimizationProgress(name, console, trials=plan.settings.trials) as progress:
        made = CurriculumSearch(plan, progress)
        stream = sweeps.JobStream(made.batches())
        taker = _Taker(stream, progress, stop)
        if engine is None:
            engine = _engine(jobs, stop, taker, made)
        try:
            ended = sweeps.SweepDriver(stream, engine, taker, stop).run()
        except KeyboardInterrupt:
            return None
    if taker.failure is not None:
        raise ERRORS[taker.failure.kind](taker.failure.sentence)
    if ended == "interrupted":
        return None
    found = stream.result
    return OptimizationResult(found, plan.command(found.best), plan.storage)


def _engine(jobs: int, stop: StopRequest, taker: _Taker, made: CurriculumSearch) -> sweeps.Engine:
    """This process for one job at a time; it takes a user's own classes without their file."""
    if jobs > 1:
        return sweeps.LocalEngine(jobs)
    known = made.experiments
    return sweeps.InProcessEngine(stop, taker.on_any_progress, lambda job: known[job.run_id])


@dataclass
class _Taker:
    """Tells the stream what is over, and has the first failure stop the rest; tells a listener of all."""

    stream: sweeps.JobStream[comparison.Optimization]
    listener: report.OptimizationProgress
    stop: StopRequest
    failure: sweeps.JobFailed | None = None
    _job: sweeps.Job | None = None

    def on_any_progress(self, progress: sweeps.JobProgress) -> None:
        """Progress of the run that was started last, where there is one at a time."""
        assert self._job is not None
        self.on_progress(self._job, progress)

    def on_start(self, job: sweeps.Job) -> None:
        self._job = job
        self.listener.on_start(job, self.stream.given)

    def on_progress(self, job: sweeps.Job, progress: sweeps.JobProgress) -> None:
        self.listener.on_progress(job, progress)

    def on_end(self, job: sweeps.Job, ended: sweeps.JobEnded) -> None:
        self.stream.end(job)
        self.listener.on_end(job, ended)

    def on_failure(self, job: sweeps.Job, failed: sweeps.JobFailed) -> None:
        self.failure = self.failure or failed
        self.listener.on_failure(job, failed)
        self.stop.request()

    def on_loss(self, job: sweeps.Job, reason: str) -> None:
        self.listener.on_loss(job, reason)
