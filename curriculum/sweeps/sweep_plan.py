"""The plan of a sweep: its variants and seeds, and the runs and jobs that follow from them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from curriculum import tune
from curriculum.record import MlflowSettings, Store
from curriculum.sweeps.job import Job
from curriculum.sweeps.run_identity import planned_run_id
from curriculum.sweeps.sweep_files import SweepRecord
from curriculum.sweeps.variants import RunVariant

VISITS_AS_TABLE = MlflowSettings(visits_as_table=True)
"""In MLflow, a sweep's runs have their visits as a table: child runs of thousands are a burden."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepPlan:
    """Which runs a sweep has. Of each variant it holds one text, and of each run its id.

    Attributes:
        variants: what is run.
        seeds: with which each is.
        store: the folder that the runs are recorded in.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        tracking_uri: MLflow's, where one is given.
        optuna_storage: Optuna's, likewise.
        mlflow: what of the runs is copied.
        command: that starts the sweep, and continues it; without secrets.
        run_ids: of all runs, in order: seed by seed, so that what is there early can be compared.
        id: of the sweep, a function of these.
    """

    variants: tuple[RunVariant, ...]
    seeds: tuple[int, ...]
    store: Path
    device: str = "auto"
    tracking_uri: str | None = None
    optuna_storage: str | None = None
    mlflow: MlflowSettings = VISITS_AS_TABLE
    command: str = ""
    run_ids: tuple[str, ...] = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        runs = dict.fromkeys(
            planned_run_id(variant.settled, seed)
            for seed in self.seeds
            for variant in self.variants
        )
        object.__setattr__(self, "run_ids", tuple(runs))
        digest = hashlib.sha256("\n".join(sorted(runs)).encode()).hexdigest()
        object.__setattr__(self, "id", digest[:8])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the experiments."""
        return tuple(dict.fromkeys(variant.name for variant in self.variants))

    @property
    def title(self) -> str:
        """What people call the sweep."""
        names = self.names
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"sweep {self.id} of {names[0]}{more}"

    @property
    def record(self) -> SweepRecord:
        """What a store keeps of the sweep that begins now."""
        variants = dict[str, str]()
        for seed in self.seeds:
            for variant in self.variants:
                variants.setdefault(planned_run_id(variant.settled, seed), variant.group)
        return SweepRecord.begun_now(self.id, self.names, self.command, variants=variants)

    def check_storage(self) -> None:
        """Check, where runs tune, that the Optuna storage that they write into can be reached, as each of them does.

        Raises:
            UsageError: where it can't.
        """
        store = Store(self.store)
        url = tune.resolve_storage(store, self.optuna_storage)
        if any(variant.tunes for variant in self.variants) and url != tune.local_storage(store):
            tune.check_storage(url)  # loads Optuna

    def missing(self, variant: RunVariant, done: Container[str]) -> int:
        """How many of a variant's runs are not among those that are done."""
        return sum(planned_run_id(variant.settled, seed) not in done for seed in self.seeds)

    def jobs(self, without: Container[str] = ()) -> Iterator[Job]:
        """The jobs of the runs, one by one as they are asked for, but for those ids."""
        seen = set[str]()
        for seed in self.seeds:
            for variant in self.variants:
                run_id = planned_run_id(variant.settled, seed)
                if run_id not in without and run_id not in seen:
                    seen.add(run_id)
                    yield self._job(run_id, variant, seed)

    def _job(self, run_id: str, variant: RunVariant, seed: int) -> Job:
        return Job(
            run_id=run_id,
            experiment=variant.experiment,
            seed=seed,
            store=self.store,
            label=f"{variant.group}, seed {seed}",
            group=variant.group,
            overrides=variant.overrides,
            source=variant.source,
            device=self.device,
            threads=variant.threads,
            tracking_uri=self.tracking_uri,
            optuna_storage=self.optuna_storage,
            mlflow=self.mlflow,
        )
