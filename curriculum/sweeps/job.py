"""One run of a sweep as a message: all that a process on any machine needs to make it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum import runner
from curriculum.config import Experiment, deserialize, load_module
from curriculum.learn import StopRequest
from curriculum.record import MlflowSettings, RunExists, Store

if TYPE_CHECKING:  # a process that only hands jobs on does without torch
    from curriculum.record import Listener, Result

KEPT_EXPERIMENTS = 8
"""Of a process that makes many runs: more would fill its memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run to make, or to resume. `record.encode` makes JSON of it, and `record.decode` reads that.

    Attributes:
        run_id: of the run in the store, settled before it is started: whoever makes the job again
            makes the same run.
        experiment: the final one as JSON: strategy, budget and learning rate are in it.
        seed: of all randomness.
        store: the folder that the run is recorded in, seen from where it is made.
        label: what people call the run among those of its sweep.
        group: what they call those that differ from it in their seed alone.
        overrides: of the experiment's settings, as typed, for the record.
        source: the user's file that defines the task or the model; None for none.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        threads: of torch.
        tracking_uri: MLflow's, for the record; whoever started the sweep copies the run.
        optuna_storage: likewise.
        mlflow: what of the run is copied.
        wait_for_writer: see `RunOptions`: where the process that made the run was lost.
    """

    run_id: str
    experiment: str
    seed: int
    store: Path
    label: str = ""
    group: str = ""
    overrides: tuple[str, ...] = ()
    source: Path | None = None
    device: str = "auto"
    threads: int = 1
    tracking_uri: str | None = None
    optuna_storage: str | None = None
    mlflow: MlflowSettings = field(default_factory=MlflowSettings)
    wait_for_writer: float = 0.0


def make_run(
    job: Job, listener: Listener, stop: StopRequest, experiment: Experiment | None = None
) -> Result:
    """Make the run of a job: start it; or resume it, where its store has it; or give its result.

    The result says whether it was interrupted.

    Args:
        job: says which.
        listener: called with each record.
        stop: asks it to save itself, and to end.
        experiment: the job's; by default it is made of what the job holds.

    Raises:
        UsageError: where another process makes the same run, or its provenance has changed; see
            `curriculum.run` and `curriculum.resume`.
        RunFailed: where it can't continue.
    """
    made = experiment or restore_job(job)
    options: runner.RunOptions = {
        "store": job.store,
        "device": job.device,
        "threads": job.threads,
        "source": job.source,
        "mirror": False,
        "tracking_uri": job.tracking_uri,
        "optuna_storage": job.optuna_storage,
        "listener": listener,
        "stop": stop,
        "wait_for_writer": job.wait_for_writer,
    }
    folder = Store(job.store).folder(job.run_id)
    if not os.path.lexists(folder.path):
        try:
            options["mlflow"] = job.mlflow
            return runner.run(made, job.seed, run_id=job.run_id, overrides=job.overrides, **options)
        except RunExists:  # another process was faster, and may have left it since
            del options["mlflow"]  # that was settled there
    return runner.resume(job.run_id, experiment=made, **options)


def restore_job(job: Job) -> Experiment:
    """The experiment of a job.

    Raises:
        UsageError: where the user's file that it takes can't be imported, or has changed.
    """
    return _experiment(job.experiment, job.source)


@lru_cache(KEPT_EXPERIMENTS)
def _experiment(serialized: str, source: Path | None) -> Experiment:
    with redirect_stdout(sys.stderr):  # a user's file may print
        module = None if source is None else load_module(source)
    return deserialize(json.loads(serialized), module)
