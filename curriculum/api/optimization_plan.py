"""What a search over curricula is to do: its space, its seeds and budget, and the run of each trial."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from curriculum import learn, record, sweeps
from curriculum.comparison import CurriculumTrial
from curriculum.config import CurriculumSpace, Experiment, is_own, serialize
from curriculum.errors import UsageError
from curriculum.tune import check_storage, local_storage, resolve_storage

ROUND = 9
"""Trials that are proposed, and raced, together. A fixed number, so that results don't hang on `jobs`."""

DIRECT = "direct"


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimizationSettings:
    """What is asked of a search; `curriculum.optimize` documents it.

    `elsewhere` is whether an engine makes the runs in other processes, whatever `jobs` is, and `command`
    what was typed, without secrets.
    """

    seeds: tuple[int, ...]
    confirm_seeds: tuple[int, ...]
    trials: int
    learning_rates: tuple[float, ...] | None = None
    budget: sweeps.Amount | None = None
    seed: int = 0
    overrides: tuple[str, ...] = ()
    store: Path = record.DEFAULT_STORE
    source: Path | None = None
    device: str = "auto"
    jobs: int = 1
    threads: int | None = None
    optuna_storage: str | None = None
    tracking_uri: str | None = None
    elsewhere: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError(f"jobs must be at least 1, got {self.jobs}")
        if not self.seeds:
            raise UsageError("a search needs at least one seed, such as seeds 0..2")
        if self.seed < 0:
            raise UsageError(f"seed must be a whole number, at least 0, got {self.seed}")
        shared = sorted({*self.seeds} & {*self.confirm_seeds})
        if shared:
            raise UsageError(
                f"the best curriculum is confirmed on fresh seeds, and seed {shared[0]} is one of the "
                f"search; give other --confirm-seeds, such as 100..109"
            )
        if self.budget is not None and self.budget.unit == "seconds":
            raise UsageError(
                "a search goes by costs that are the same whenever a run is repeated: give a budget of "
                "compute, tokens or steps, such as 3e10, 2e6tokens or 500steps, not of seconds"
            )

    @property
    def in_this_process(self) -> bool:
        """Whether the runs are made in this process, one after another."""
        return self.jobs == 1 and not self.elsewhere

    def at(self, source: Path | None) -> OptimizationSettings:
        """The same for a user's file, wherever processes stand."""
        uri, storage = self.tracking_uri, self.optuna_storage
        return replace(
            self,
            source=None if source is None else source.absolute(),
            store=record.Store(self.store).root,
            tracking_uri=None if uri is None else record.absolute_address(uri),
            optuna_storage=None if storage is None else record.absolute_address(storage),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimizationPlan:
    """A search over curricula.

    Attributes:
        typed: how the experiment was named.
        settings: what is asked of it.
        experiment: as it was given, its overrides included.
        space: what is searched.
        amount: the whole budget of each curriculum with each seed.
        rates: the learning rates that share it.
        threads: of each run.
        provenance: what the numbers of runs that are made now depend on, besides settings and seed.
    """

    typed: str
    settings: OptimizationSettings
    experiment: Experiment
    space: CurriculumSpace
    amount: sweeps.Amount
    rates: tuple[float, ...]
    threads: int
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def rungs(self) -> tuple[sweeps.Rung, ...]:
        """What the trials of a round are given, one after another."""
        return sweeps.rungs_of(self.settings.seeds, self.amount)

    @property
    def always(self) -> dict[str, tuple[Experiment, tuple[str, ...]]]:
        """What is always tried, by name, with what would be typed: the experiment's own, and direct training."""
        base = self.space.base
        direct = base.with_strategy(DIRECT), ("--strategy", DIRECT)
        return {base.strategy: (base, ()), DIRECT: direct}

    @property
    def storage(self) -> str:
        """Where the study is kept for Optuna's dashboard."""
        return resolve_storage(record.Store(self.settings.store), self.settings.optuna_storage)

    @property
    def id(self) -> str:
        """Of the search among the sweeps of its store: a function of what it finds, however that is made."""
        settings = self.settings
        asked = settings.seeds, settings.confirm_seeds, settings.trials, settings.seed
        parts = [asked, self.amount, self.rates, dict(self.space.parameters), self.provenance]
        content = f"{sweeps.settled_part(self.experiment, settings.source)} {parts}"
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    @property
    def title(self) -> str:
        """What people call it."""
        return f"search {self.id} over curricula of {self.experiment.name}"

    @property
    def study_name(self) -> str:
        """The name of its study in Optuna's storage."""
        return f"{self.experiment.name} curricula ({self.id})"

    @property
    def record(self) -> sweeps.SweepRecord:
        """What the store keeps of the search that begins now."""
        names = (self.experiment.name,)
        return sweeps.SweepRecord.begun_now(self.id, names, self.settings.command, kind="search")

    def command(self, trial: CurriculumTrial) -> str:
        """The command line that runs a trial's curriculum by itself, to paste."""
        words = ["python", "-m", "curriculum", "run", self.typed]
        words += [*self.settings.overrides, *trial.words]
        if self.experiment.tuning.is_on:
            words += [
                "--tuning.mode",
                "off",
            ]  # as in the search; and not every curriculum can be tuned
        limit = getattr(
            self.comparable(self.space.base, self.amount, self.rates[0]).budget, self.amount.unit
        )
        words += [f"--budget.{self.amount.unit}", repr(limit)]
        if len(self.rates) == 1 and self.rates[0] != self.experiment.optimizer.learning_rate:
            words += ["--optimizer.learning-rate", f"{self.rates[0]:g}"]
        return shlex.join(words)

    def comparable(self, experiment: Experiment, amount: sweeps.Amount, rate: float) -> Experiment:
        """An experiment as it is run at that budget, which all learning rates share."""
        return sweeps.comparable_experiment(experiment, None, amount, rate, len(self.rates))

    def job(
        self, run_id: str, experiment: Experiment, seed: int, label: str, words: tuple[str, ...]
    ) -> sweeps.Job:
        """The run of an experiment as it is run, under an id."""
        settings, unit = self.settings, self.amount.unit
        limit = getattr(experiment.budget, unit)
        rate = experiment.optimizer.learning_rate
        more = ("--optimizer.learning-rate", repr(rate), f"--budget.{unit}", repr(limit))
        several = f", learning rate {rate:g}" if len(self.rates) > 1 else ""
        return sweeps.Job(
            run_id=run_id,
            experiment=json.dumps(serialize(experiment)),
            seed=seed,
            store=settings.store,
            label=f"{label}, seed {seed}{several}",
            group=label,
            overrides=(*settings.overrides, *words, *more),
            source=settings.source,
            device=settings.device,
            threads=self.threads,
            tracking_uri=settings.tracking_uri,
            optuna_storage=settings.optuna_storage,
            mlflow=sweeps.VISITS_AS_TABLE,
        )


def plan_optimization(
    typed: str, experiment: Experiment, over: Mapping[str, Any], settings: OptimizationSettings
) -> OptimizationPlan:
    """The plan of a search; nothing is run.

    Raises:
        UsageError: for a range or choices that the experiment refuses, and whatever else is wrong.
    """
    source = settings.source
    if not settings.in_this_process and source is None and is_own(experiment):
        raise UsageError(
            "several jobs, and engines, are processes that make the experiment anew, and its task or "
            "model is not the package's: give the path of its file as `source`, or leave jobs at 1"
        )
    space = CurriculumSpace.of(experiment, over)
    given = settings.learning_rates
    rates = (experiment.optimizer.learning_rate,) if given is None else tuple(map(float, given))
    threads = settings.threads or (
        learn.default_threads(experiment.model.hidden_size) if settings.in_this_process else 1
    )
    if threads < 1:
        raise UsageError(f"threads must be at least 1, got {threads}")
    device = learn.resolve_device(settings.device)
    with learn.isolated(threads):  # as the runs will be
        amount = settings.budget or sweeps.default_amount(experiment, len(rates))
        described = record.describe_run(space.base, settings.seeds[0], device, source=source)
    plan = OptimizationPlan(
        typed=typed,
        settings=settings,
        experiment=experiment,
        space=space,
        amount=amount,
        rates=rates,
        threads=threads,
        provenance=sweeps.provenance(described),
    )
    _check(plan)
    return plan


def _check(plan: OptimizationPlan) -> None:
    """Check what would be refused later, before anything is run."""
    least, settings = len(plan.always) + 1, plan.settings
    if settings.trials < least:
        raise UsageError(
            f"trials must be at least {least}, got {settings.trials}: {' and '.join(plan.always)} are "
            f"always among them"
        )
    first = plan.rungs[0].amount
    for experiment, _ in plan.always.values():
        plan.comparable(experiment, first, plan.rates[0])
    plan.space.check(lambda experiment: plan.comparable(experiment, first, plan.rates[0]))
    if plan.storage != local_storage(record.Store(settings.store)):
        check_storage(plan.storage)
