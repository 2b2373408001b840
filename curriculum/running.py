"""Runs experiments, and goes on with runs that stopped before their end."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, resolve_device
from curriculum.learn.stop import Stop
from curriculum.learn.task import shape_of
from curriculum.loading import rebuilt
from curriculum.loop import Walk
from curriculum.record.circumstances import (
    changes_between,
    check_addresses,
    check_unchanged,
    circumstances,
    earlier_run,
)
from curriculum.record.forcing import force as stand_for
from curriculum.record.history import History, Result
from curriculum.record.lock import held
from curriculum.record.mirror_process import start_mirror
from curriculum.record.recorder import Listener, Recorder
from curriculum.record.saving import Saving
from curriculum.record.standing import Standing, find_standing
from curriculum.record.store import DEFAULT_STORE, RunFolder, Store
from curriculum.record.sync import was_copied
from curriculum.record.tracking import default_studies, studies_url_of
from curriculum.tune.workers import open_field

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["resume", "run"]

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
    saving: Saving | None = None,
    stop: Stop | None = None,
    resume: bool = False,
    force: bool = False,
    overrides: Sequence[str] = (),
) -> Result:
    """Walk a fresh model up the experiment's path, and give what it came to.

    An interrupt (Ctrl-C, or the stop button of a notebook) lets the run finish its step
    and save itself; the result's status is `interrupted` then, and `resume` goes on.

    Args:
        experiment: what to run.
        seed: all randomness follows from it; from 0 up.
        store: the folder that runs are recorded in.
        device: `auto`, `cpu` or `cuda`.
        listener: called with each record of the journal, once it is on disk. Where a run
            goes on, it is first called with the records that are there already.
        mirror: whether a process beside this one copies the record into MLflow.
        wait: whether to wait, at the end, until it has done so.
        tracking_uri: MLflow's; by default what `MLFLOW_TRACKING_URI` says, or else a
            database in the store.
        studies: the URL or path of an Optuna storage for the studies; by default what
            `CURRICULUM_STUDIES` says, or else a file in the store.
        source: the user's file that defines the experiment, for the record and for jobs.
        jobs: how many processes train the trials of a round; the result is the same.
        saving: how often its state is saved.
        stop: asks it to stop; by default SIGINT does.
        resume: whether to go on with the newest run of the same experiment and seed, or
            give its result if it is over.
        force: whether to go on even under other circumstances than it was begun under.
        overrides: how the experiment was changed on the command line, for the record.

    Raises:
        UsageError: for a device that isn't there, a store that can't be written, an Optuna
            storage that can't be reached, a seed below 0 or fewer jobs than 1, or a run to
            go on with that another process holds, or that was begun under other circumstances.
        RunFailed: for what a run can't go on without: memory, room on the disk, or a record
            that the system keeps from being read.
    """
    if seed < 0:
        raise UsageError(f"seed must be a whole number from 0 up, got {seed}")
    around = _Around(
        store=Store(Path(store)),
        listener=listener,
        mirror=mirror,
        wait=wait,
        tracking_uri=tracking_uri,
        studies=studies,
        source=source,
        jobs=jobs,
        saving=saving or Saving(),
        stop=stop or Stop(signal.SIGINT),
    )
    around.check(experiment)
    target = resolve_device(device)
    described = around.describe(experiment, seed, target, overrides)
    if resume:
        earlier = earlier_run(around.store, described)
        if earlier is not None:
            return _go_on(earlier, described, experiment, around, force=force)
    fresh = _fresh(experiment, seed, target)
    folder = around.store.create(described)
    with held(folder):
        result, copying = _walk(folder, experiment, fresh, Standing(), around, seed=seed)
    return around.awaited(result, copying)


def resume(
    run_id: str,
    *,
    store: Path | str = DEFAULT_STORE,
    device: str | None = None,
    listener: Listener | None = None,
    mirror: bool = True,
    wait: bool = False,
    tracking_uri: str | None = None,
    studies: str | None = None,
    source: Path | None = None,
    jobs: int = 1,
    saving: Saving | None = None,
    stop: Stop | None = None,
    force: bool = False,
) -> Result:
    """Go on with a run that stopped before its end; of one that is over, give the result.

    It ends as it would have without the stop: the same weights, bit for bit, and the same
    journal but for its clock, on the same machine with as many threads.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        store: the folder that it is recorded in.
        device: `auto`, `cpu` or `cuda`; by default the one it was begun on.
        listener: as for `run`.
        mirror: as for `run`.
        wait: as for `run`.
        tracking_uri: as for `run`; by default the one that it was begun with.
        studies: likewise.
        source: the file that defines its task and model, where they are a user's own:
            no other code than this package's is run unless you name it.
        jobs: as for `run`.
        saving: as for `run`.
        stop: as for `run`.
        force: whether to go on even under other circumstances than it was begun under.

    Raises:
        UsageError: where there is no such run, another process holds it, its experiment
            can't be made again, or circumstances have changed.
        RunFailed: for what a run can't go on without.
    """
    place = Store(Path(store))
    folder = place.find(run_id)
    begun = folder.description()
    if mirror:
        check_addresses(begun, tracking_uri=tracking_uri, studies=studies)
    around = _Around(
        store=place,
        listener=listener,
        mirror=mirror,
        wait=wait,
        tracking_uri=tracking_uri or begun["tracking_uri"],
        studies=studies or begun["studies"],
        source=source,
        jobs=jobs,
        saving=saving or Saving(),
        stop=stop or Stop(signal.SIGINT),
    )
    experiment = rebuilt(begun, source)
    around.check(experiment)
    target = resolve_device(device or begun["device"].split(":")[0])
    described = around.describe(experiment, begun["seed"], target, begun["overrides"])
    described |= {"config": begun["config"]}  # as it was made from; a file may have moved
    return _go_on(folder, described, experiment, around, force=force)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Around:
    """What surrounds a run, and doesn't change what it computes."""

    store: Store
    listener: Listener | None
    mirror: bool
    wait: bool
    tracking_uri: str | None
    studies: str | None
    source: Path | None
    jobs: int
    saving: Saving
    stop: Stop

    def check(self, experiment: Experiment) -> None:
        """Check what a run would fail on later."""
        if self.jobs < 1:
            raise UsageError(f"jobs must be at least 1, got {self.jobs}")
        url = studies_url_of(self.store, self.studies)
        if experiment.tuning.is_on and url != default_studies(self.store):
            from curriculum.tune.storage import check_storage  # Optuna, which few runs need here

            check_storage(url)

    def describe(
        self, experiment: Experiment, seed: int, device: torch.device, overrides: Sequence[str]
    ) -> dict[str, Any]:
        return circumstances(
            experiment,
            seed,
            device,
            source=self.source,
            overrides=overrides,
            tracking_uri=self.tracking_uri,
            studies=self.studies,
        )

    def mirrored(self, folder: RunFolder) -> Popen[bytes] | None:
        """Start the process that copies the run, if that was asked for."""
        if not self.mirror:
            return None
        return start_mirror(self.store.root, folder.id, self.tracking_uri, self.studies)

    def awaited(self, result: Result, copying: Popen[bytes] | None) -> Result:
        """The result, once MLflow has all of the run, if that was asked for."""
        if self.wait and copying is not None and copying.wait() != 0:
            log.warning(
                "MLflow does not have all of run %s; 'sync %s' completes it",
                *2 * [result.run_id],
            )
        return result


def _fresh(experiment: Experiment, seed: int, device: torch.device) -> Learner:
    """The learner that every run of that seed begins with."""
    shape = experiment.shape
    if experiment.grows_with_stages:
        shape = shape_of(experiment.task, experiment.scheduler().largest)
    return Learner.start(shape, experiment.recipe, seed=seed, device=device)


def _go_on(
    folder: RunFolder,
    now: dict[str, Any],
    experiment: Experiment,
    around: _Around,
    *,
    force: bool,
) -> Result:
    """Go on with a run where it stands, or give its result if it is over."""
    with held(folder):
        begun, device = folder.description(), torch.device(now["device"])
        seed = int(begun["seed"])
        changes = changes_between(begun, now)
        if History.of(folder).end is None and not force:
            check_unchanged(folder, changes)
        same = begun["config"] == now["config"]
        before = experiment if same else rebuilt(begun, around.source)
        standing = find_standing(folder, before, device)
        if standing.over:
            result = History.of(folder).result()
            copying = None if was_copied(around.store, folder) else around.mirrored(folder)
        else:
            if force:
                standing = stand_for(
                    folder,
                    standing,
                    before,
                    experiment,
                    changes=changes,
                    device=device,
                    seed=seed,
                )
                with folder.writing():
                    folder.describe({**begun, **now, "id": folder.id, "created": begun["created"]})
            folder.forget_stop()
            fresh = _fresh(experiment, seed, device)
            result, copying = _walk(folder, experiment, fresh, standing, around, seed=seed)
    return around.awaited(result, copying)


def _walk(
    folder: RunFolder,
    experiment: Experiment,
    fresh: Learner,
    standing: Standing,
    around: _Around,
    *,
    seed: int,
) -> tuple[Result, Popen[bytes] | None]:
    """Walk, with all that it takes around it; the result, and the mirror's process."""
    with (
        around.stop.listening(),
        open_field(
            experiment,
            seed=seed,
            device=fresh.device,
            jobs=around.jobs,
            source=around.source,
            stop=around.stop,
        ) as field,
        Recorder(
            folder, experiment.recipe, around.listener, standing=standing, saving=around.saving
        ) as recorder,
    ):
        copying = around.mirrored(folder)
        walk = Walk(experiment, fresh, standing, recorder, field, seed=seed, stop=around.stop)
        result = walk.to_its_end()
    return result, copying
