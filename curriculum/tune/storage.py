"""Copies a run's studies into an Optuna storage, for its dashboard and its tools."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalRedisBackend

from curriculum import record
from curriculum.config import Choices, Range
from curriculum.errors import UsageError
from curriculum.plan import Stage, Verdict
from curriculum.tune.study import frozen_trial


def open_storage(url: str) -> BaseStorage:
    """The storage of that URL; a plain path is a journal file's.

    Raises:
        UsageError: where it can't be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if "://" not in url:
            lock: Any = JournalLock(url)  # the class that it would be has no public name
            return JournalStorage(JournalFileBackend(url, lock))
        if url.startswith("redis"):
            return JournalStorage(JournalRedisBackend(url))
        return RDBStorage(url)
    except Exception as error:
        raise UsageError(
            f"Optuna's storage {record.redacted(url)} can't be reached ({record.first_line(error)}); give a "
            f"file's path, or a URL such as sqlite:///studies.db"
        ) from error


class JournalLock:
    """Keeps our other processes from a journal file while it is written; freed by the death of its holder.

    Optuna's own lock would be left behind by it, and then be waited for. Programs that take that one are
    not kept out; what is appended is one write.
    """

    def __init__(self, path: str) -> None:
        self._lock = record.Lock(Path(f"{path}.flock"))

    def acquire(self) -> bool:
        """Wait for the lock, and take it."""
        return self._lock.acquire(seconds=math.inf)

    def release(self) -> None:
        """Free the lock."""
        self._lock.release()


def check_storage(url: str) -> None:
    """Check that a storage can be reached.

    Raises:
        UsageError: where it can't.
    """
    if "://" not in url and not Path(url).absolute().parent.is_dir():
        raise UsageError(
            f"Optuna's storage {url} can't be written: there is no folder {Path(url).parent}"
        )
    close_storage(open_storage(url))


def close_storage(storage: BaseStorage) -> None:
    """Close a storage's session, and its connections to a database."""
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def study_name(description: record.RunDescription, study: int, stage: Stage) -> str:
    """A study's name, different for each run, visit and stage."""
    run = f"{description.experiment} seed {description.seed} ({description.id})"
    return f"{run} visit {study}, {description.axis_names.words(stage)}"


class StudiesCopy:
    """One run's studies in a storage. What is there already is not copied again."""

    def __init__(self, folder: record.RunFolder, url: str) -> None:
        self.folder = folder
        self._url = url
        self._description = folder.description()
        self._offset = 0
        self._stages: dict[int, Stage] = {}  # of each visit
        self._parameters: dict[int, Mapping[str, Range | Choices]] = {}  # of each study
        self._began: dict[int, float] = {}  # the time of each study's round of trials
        self._reports: dict[tuple[int, int], list[record.TrialReport]] = {}  # by study and trial
        self._studies: dict[int, optuna.Study] = {}
        self._known: dict[int, int] = {}  # trials that each has already
        self._storage: BaseStorage | None = None

    def copy(self) -> None:
        """Copy what the journal has gained."""
        if not self.folder.journal.exists():
            return
        for entry, offset in record.read_journal(self.folder.journal, self._offset):
            match event := entry.event:
                case record.VisitStarted():
                    self._stages[event.visit] = event.stage
                case record.RoundProposed():
                    self._parameters[event.study] = event.parameters
                    self._began[event.study] = entry.clock.time
                case record.TrialEvaluated():
                    key = event.study, event.report.trial
                    self._reports.setdefault(key, []).append(event.report)
                case record.TrialCompleted():
                    self._add(event, entry.clock.time)
                case _:  # no part of a study
                    pass
            self._offset = offset

    def close(self, status: str) -> None:
        """Close the storage's session; how the run ended makes no difference."""
        if self._storage is not None:
            close_storage(self._storage)

    def _add(self, event: record.TrialCompleted, time: float) -> None:
        number, trial = event.study, event.trial
        reports = self._reports.pop((number, trial.number), [])
        if number not in self._studies:
            self._open_study(number)
        if trial.number >= self._known[number]:
            frozen = frozen_trial(trial, self._parameters[number], reports)
            frozen.datetime_start = datetime.fromtimestamp(self._began[number])
            frozen.datetime_complete = datetime.fromtimestamp(time)
            self._studies[number].add_trial(frozen)
            self._known[number] = trial.number + 1

    def _open_study(self, number: int) -> None:
        if self._storage is None:
            self._storage = open_storage(self._url)
        stage = self._stages[number]
        study = optuna.create_study(
            storage=self._storage,
            study_name=study_name(self._description, number, stage),
            direction="maximize",
            load_if_exists=True,
        )
        if not study.user_attrs:
            study.set_user_attr("run", self._description.id)
            study.set_user_attr("visit", number)
            study.set_user_attr("stage", stage.key)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                verdict, metric = self._description.verdict, self._description.metric
                value = metric if verdict is Verdict.MASTERED else f"likelihood by {metric}"
                study.set_metric_names([f"{value} (above 1: {verdict}, at less cost)"])
        self._studies[number] = study
        self._known[number] = len(study.get_trials(deepcopy=False))
