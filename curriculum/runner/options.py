"""The options of a run: its store, device, copies, checkpoints and how it is stopped."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import TypedDict

import torch

from curriculum import record, tracking, tune
from curriculum.config import Experiment
from curriculum.errors import UsageError
from curriculum.learn import StopRequest, resolve_device

log = logging.getLogger(__name__)


class RunOptions(TypedDict, total=False):
    """Keyword arguments of `run` and `resume`.

    Attributes:
        store: the folder that runs are recorded in; by default `mlruns`.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; by default `auto`, or the one that the run was
            started on.
        threads: of torch; by default one for a small model and all cores for others, or as
            many as the run was started with.
        listener: called with each record of the journal, once it is on disk. Where a run
            is resumed, it is first called with the records that are there already.
        on_trained: called with the run's history once training is over, before the final
            evaluation of its model.
        mirror: whether a process beside this one copies the record into MLflow; by default
            it does.
        wait: whether to wait, at the end, until it has done so; by default not.
        tracking_uri: MLflow's; by default the one that the run was started with, what
            `MLFLOW_TRACKING_URI` says, or else a database in the store.
        mlflow: what of the run is copied into it, besides what always is; where it is resumed, that
            is settled.
        optuna_storage: the URL or path of an Optuna storage for the studies; by default the
            one that the run was started with, what `CURRICULUM_OPTUNA_STORAGE` says, or else
            a file in the store.
        source: the user's file that defines the task or the model. No other code than this
            package's is run unless you name it. For a run that is resumed, by default the one
            that you have named for this store before.
        jobs: how many processes train the trials of a round, by default 1; the result is the
            same.
        checkpoints: how often its state is saved.
        stop: asks it to stop; by default SIGINT does.
        force: whether to resume even under a changed provenance.
        wait_for_writer: seconds to wait for another process that writes the run, by default none: that is an
            error. With `record.LEASE_SECONDS` or more the run is taken over from one that was stopped or cut off.
    """

    store: Path | str
    device: str | None
    threads: int | None
    listener: record.Listener | None
    on_trained: Callable[[record.History], None] | None
    mirror: bool
    wait: bool
    tracking_uri: str | None
    mlflow: record.MlflowSettings | None
    optuna_storage: str | None
    source: Path | str | None
    jobs: int
    checkpoints: record.CheckpointPolicy
    stop: StopRequest
    force: bool
    wait_for_writer: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """The same with defaults; its fields are documented there."""

    store: Path | str = record.DEFAULT_STORE
    device: str | None = None
    threads: int | None = None
    listener: record.Listener | None = None
    on_trained: Callable[[record.History], None] | None = None
    mirror: bool = True
    wait: bool = False
    tracking_uri: str | None = None
    mlflow: record.MlflowSettings | None = None
    optuna_storage: str | None = None
    source: Path | str | None = None
    jobs: int = 1
    checkpoints: record.CheckpointPolicy = field(default_factory=record.CheckpointPolicy)
    stop: StopRequest = field(default_factory=lambda: StopRequest(signal.SIGINT))
    force: bool = False
    wait_for_writer: float = 0.0

    def __post_init__(self) -> None:
        # The mirror, a resume or another shell may stand in another folder.
        for name in ("tracking_uri", "optuna_storage"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, record.absolute_address(given))

    @property
    def source_file(self) -> Path | None:
        """The user's file."""
        return None if self.source is None else Path(self.source)

    @property
    def run_store(self) -> record.Store:
        """The store that the run is recorded in."""
        return record.Store(Path(self.store))

    @property
    def torch_device(self) -> torch.device:
        """The device.

        Raises:
            UsageError: where it is not available.
        """
        return resolve_device(self.device or "auto")

    def check(self, experiment: Experiment) -> None:
        """Check what a run would fail on later.

        Raises:
            UsageError: for fewer jobs or threads than 1, or an Optuna storage that can't be
                reached.
        """
        for name, count in (("jobs", self.jobs), ("threads", self.threads)):
            if count is not None and count < 1:
                raise UsageError(f"{name} must be at least 1, got {count}")
        url = tune.resolve_storage(self.run_store, self.optuna_storage)
        if experiment.tuning.is_on and url != tune.local_storage(self.run_store):
            tune.check_storage(url)

    def describe(
        self, experiment: Experiment, seed: int, overrides: Sequence[str]
    ) -> record.RunDescription:
        """What such a run is, started now."""
        return record.describe_run(
            experiment,
            seed,
            self.torch_device,
            source=self.source_file,
            overrides=overrides,
            tracking_uri=self.tracking_uri,
            optuna_storage=self.optuna_storage,
            mlflow=self.mlflow,
        )

    def start_mirror(self, folder: record.RunFolder) -> Popen[bytes] | None:
        """Start the process that copies the run, if that was requested."""
        if not self.mirror:
            return None
        urls = {
            tracking.TRACKING_URI_VARIABLE: self.tracking_uri,
            tune.STORAGE_VARIABLE: self.optuna_storage,
        }
        environment = {name: url for name, url in urls.items() if url is not None}
        try:
            return tracking.start_mirror(self.run_store.root, folder.id, environment)
        except OSError as error:  # no memory for a process, say: the run goes on without it
            log.warning(
                "the process that copies run %s into MLflow can't be started (%s); 'sync %s' copies it",
                folder.id,
                error.strerror,
                folder.id,
            )
            return None

    def wait_for_mirror(self, mirror: Popen[bytes] | None, run_id: str) -> None:
        """Wait until MLflow has all of the run, if that was requested."""
        if self.wait and mirror is not None and mirror.wait() != 0:
            log.warning(
                "MLflow does not have all of run %s; 'sync %s' completes it", run_id, run_id
            )


def check_withheld(original: record.RunDescription, context: RunContext) -> None:
    """Check that a run would be copied whereto it was copied before.

    Raises:
        UsageError: where that address held a secret, and is not given again.
    """
    given = {
        "tracking_uri": context.tracking_uri or os.environ.get(tracking.TRACKING_URI_VARIABLE),
        "optuna_storage": context.optuna_storage or os.environ.get(tune.STORAGE_VARIABLE),
    }
    for name in original.withheld:
        if context.mirror and not given[name]:
            raise UsageError(
                f"the {name} that run {original.id} was started with held a secret, which isn't "
                f"kept; give it again with --{name.replace('_', '-')}"
            )


def check_settled(original: record.RunDescription, context: RunContext) -> None:
    """Check that a run would be copied as it was until now.

    Raises:
        UsageError: where other settings are given.
    """
    if context.mlflow not in (None, original.mlflow):
        raise UsageError(
            f"what of run {original.id} is copied into MLflow was settled when it was started: "
            f"{original.mlflow}"
        )
