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
from curriculum.learn.task import shape_of
from curriculum.learn.training import Trainer
from curriculum.plan import Look, Scheduler, Verdict
from curriculum.record.description import describe, environment, git_commit
from curriculum.record.history import Result
from curriculum.record.mirror_process import start_mirror
from curriculum.record.recorder import Listener, Recorder
from curriculum.record.store import DEFAULT_STORE, Store
from curriculum.record.tracking import default_studies, studies_url_of
from curriculum.tune.field import Field
from curriculum.tune.tuner import Tuner
from curriculum.tune.workers import open_field

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
    studies: str | None = None,
    source: Path | None = None,
    jobs: int = 1,
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
        studies: the URL or path of an Optuna storage for the studies; by default what
            `CURRICULUM_STUDIES` says, or else a file in the store.
        source: the user's file that defines the experiment, for the record and for jobs.
        jobs: how many processes train the trials of a round; the result is the same.

    Raises:
        UsageError: for a device that isn't there, a store that can't be written, an Optuna
            storage that can't be reached, a seed below 0 or fewer jobs than 1.
    """
    if seed < 0:
        raise UsageError(f"seed must be a whole number from 0 up, got {seed}")
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    target, place = resolve_device(device), Store(Path(store))
    if experiment.tuning.is_on:
        _check_studies(place, studies)
    scheduler = experiment.scheduler()
    shape = experiment.shape
    if experiment.grows_with_stages:
        shape = shape_of(experiment.task, scheduler.largest)
    learner = Learner.start(shape, experiment.recipe, seed=seed, device=target)
    with open_field(experiment, seed=seed, device=target, jobs=jobs, source=source) as field:
        folder = place.create(_description(experiment, seed, target, source))
        with Recorder(folder, experiment.recipe, listener) as recorder:
            copying = (
                start_mirror(Path(store), folder.id, tracking_uri, studies) if mirror else None
            )
            result = _walk(experiment, scheduler, learner, recorder, field, seed=seed)
    if wait and copying is not None and copying.wait() != 0:
        log.warning("MLflow does not have all of run %s; 'sync %s' completes it", *2 * [folder.id])
    return result


def _check_studies(store: Store, given: str | None) -> None:
    """Check that an Optuna storage can be reached, where it is not the store's own file."""
    url = studies_url_of(store, given)
    if url != default_studies(store):
        from curriculum.tune.storage import check_storage  # Optuna, which few runs need here

        check_storage(url)


def _walk(
    experiment: Experiment,
    scheduler: Scheduler,
    learner: Learner,
    recorder: Recorder,
    field: Field,
    *,
    seed: int,
) -> Result:
    """The core loop, and how it ends."""
    device, meter = learner.device, Meter()
    examiner = Examiner(experiment.task, experiment.criterion, seed)
    trainer = Trainer(experiment.task, seed=seed, examiner=examiner, meter=meter)
    tuner = Tuner(
        experiment, seed=seed, device=device, meter=meter, field=field, write=recorder.tuning
    )

    def judge(look: Look, loss: float | None = None) -> Verdict:
        visit, stage = scheduler.visit, scheduler.stage
        verdict = scheduler.update(look)
        recorder.look(visit, stage, look, loss, scheduler)
        return verdict

    parent = learner.snapshot()
    try:
        while not scheduler.finished:
            visit, stage = scheduler.visit, scheduler.stage
            if experiment.grows_with_stages:
                shape = shape_of(experiment.task, scheduler.largest)
                learner = learner.grown(shape, seed=seed, visit=visit)
            recorder.visit(scheduler, learner)
            verdict = Verdict.LEARNING
            if not scheduler.retuning:  # mastered without training?
                verdict = judge(trainer.look(learner, scheduler))
            if verdict is Verdict.LEARNING and tuner.is_due(scheduler):
                learner = tuner.best(learner.snapshot(), scheduler)
                verdict = judge(trainer.look(learner, scheduler))
            looks = trainer.train(learner, scheduler)
            while verdict is Verdict.LEARNING:
                if not scheduler.pacing.listens:
                    parent = learner.snapshot()  # what it has learned stays, whatever a look says
                verdict = judge(*next(looks))
            kept = verdict is Verdict.MASTERED or not (
                scheduler.pacing.listens or scheduler.diverged
            )
            if not kept:
                learner = Learner.of(parent, device)
            parent = learner.snapshot()  # what an interrupt goes back to, from here on
            recorder.verdict(visit, stage, verdict, scheduler, learner, kept=kept)
    except KeyboardInterrupt:
        learner = Learner.of(parent, device)
        return recorder.end("interrupted", "the user interrupted the run", scheduler, learner)
    except Exception as error:
        learner = Learner.of(parent, device)
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
