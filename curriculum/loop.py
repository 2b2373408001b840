"""Runs an experiment: the core loop."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import torch

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner, resolve_device
from curriculum.learn.meter import Meter
from curriculum.learn.training import Trainer
from curriculum.plan import Scheduler, Verdict
from curriculum.record.description import describe, environment, git_commit
from curriculum.record.history import Result
from curriculum.record.mirror_process import start_mirror
from curriculum.record.recorder import Listener, Recorder
from curriculum.record.store import DEFAULT_STORE, Store

__all__ = ["run"]

log = logging.getLogger(__name__)


def run(
    experiment: Experiment,
    seed: int = 0,
    *,
    store: Path | str = DEFAULT_STORE,
    device: str = "auto",
    listener: Listener | None = None,
    mirror: bool = True,
    wait: bool = False,
    tracking_uri: str | None = None,
    source: Path | None = None,
) -> Result:
    """Walk a fresh model up the experiment's path, and give what it came to.

    An interrupt (Ctrl-C, or the stop button of a notebook) ends the run with the status
    `interrupted`; the model is then the one that entered the last visit.

    Args:
        experiment: what to run.
        seed: all randomness follows from it; from 0 up.
        store: the folder that runs are recorded in.
        device: `auto`, `cpu` or `cuda`.
        listener: called with each record of the journal, once it is on disk.
        mirror: whether a process beside this one copies the record into MLflow.
        wait: whether to wait, at the end, until it has done so.
        tracking_uri: MLflow's; by default what `MLFLOW_TRACKING_URI` says, or else a
            database in the store.
        source: the user's file that defines the experiment, for the record.

    Raises:
        UsageError: for a device that isn't there, a store that can't be written, or a
            seed below 0.
    """
    if seed < 0:
        raise UsageError(f"seed must be a whole number from 0 up, got {seed}")
    target = resolve_device(device)
    scheduler = experiment.scheduler()
    learner = Learner.start(
        experiment.task,
        experiment.model,
        experiment.optimizer,
        last=experiment.largest,
        seed=seed,
        device=target,
    )
    folder = Store(Path(store)).create(_description(experiment, seed, target, source))
    with Recorder(folder, listener) as recorder:
        copying = start_mirror(Path(store), folder.id, tracking_uri) if mirror else None
        result = _walk(experiment, scheduler, learner, recorder, seed)
    if wait and copying is not None and copying.wait() != 0:
        log.warning("MLflow does not have all of run %s; 'sync %s' completes it", *2 * [folder.id])
    return result


def _walk(
    experiment: Experiment, scheduler: Scheduler, learner: Learner, recorder: Recorder, seed: int
) -> Result:
    """The core loop, and how it ends."""
    trainer = Trainer(
        experiment.task,
        experiment.training,
        seed=seed,
        examiner=Examiner(experiment.task, experiment.criterion, seed),
        meter=Meter(learner.parameters),
    )
    parent = learner.snapshot()
    try:
        while not scheduler.finished:
            visit, stage = scheduler.visit, scheduler.stage
            recorder.visit(
                scheduler,
                learning_rate=experiment.optimizer.learning_rate,
                hidden_size=experiment.model.hidden_size,
            )
            for look, loss in trainer.train(learner, scheduler):
                verdict = scheduler.update(look)
                recorder.look(visit, stage, look, loss, scheduler)
                if verdict is not Verdict.LEARNING:
                    break
            if verdict is Verdict.EXHAUSTED:
                learner.restore(parent)
            parent = learner.snapshot()  # what an interrupt goes back to, from here on
            recorder.verdict(visit, stage, verdict, scheduler, learner)
    except KeyboardInterrupt:
        learner.restore(parent)
        return recorder.end("interrupted", "the user interrupted the run", scheduler, learner)
    except Exception as error:
        learner.restore(parent)
        recorder.end("failed", f"{type(error).__name__}: {error}", scheduler, learner)
        raise
    status = "reached" if scheduler.reached_target else "stopped"
    return recorder.end(status, scheduler.ending or "", scheduler, learner)


def _description(
    experiment: Experiment, seed: int, device: torch.device, source: Path | None
) -> dict[str, Any]:
    """What `run.json` says besides the run's id."""
    return {
        "experiment": experiment.name,
        "seed": seed,
        "created": round(time.time(), 3),
        "task": type(experiment.task).__name__,
        "model": type(experiment.model).__name__,
        "strategy": experiment.strategy,
        "path": [stage.key for stage in experiment.growth.path()],
        "settings": experiment.flat(),
        "config": describe(experiment),
        "source": None if source is None else str(source.absolute()),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "environment": environment(),
        "git_commit": git_commit(Path(__file__).parent),
    }
