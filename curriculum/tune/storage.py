"""Copies a run's studies into an Optuna storage, for its dashboard and its tools."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalRedisBackend

from curriculum.errors import UsageError
from curriculum.record.journal import Record, read_journal
from curriculum.record.store import RunFolder
from curriculum.record.tracking import displayed, first_line
from curriculum.tune.space import Space
from curriculum.tune.study import frozen
from curriculum.tune.told import Told

__all__ = ["StudiesCopy", "check_storage", "name_of", "open_storage"]


def open_storage(url: str) -> BaseStorage:
    """The storage of that URL; a plain path is a journal file's.

    Raises:
        UsageError: where it can't be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if "://" not in url:
            return JournalStorage(JournalFileBackend(url))
        if url.startswith("redis"):
            return JournalStorage(JournalRedisBackend(url))
        return RDBStorage(url)
    except Exception as error:
        raise UsageError(
            f"Optuna's storage {displayed(url)} can't be reached ({first_line(error)}); give a "
            f"file's path, or a URL such as sqlite:///studies.db"
        ) from error


def check_storage(url: str) -> None:
    """Check that a storage can be reached.

    Raises:
        UsageError: where it can't.
    """
    if "://" not in url and not Path(url).absolute().parent.is_dir():
        raise UsageError(
            f"Optuna's storage {url} can't be written: there is no folder {Path(url).parent}"
        )
    storage = open_storage(url)
    if isinstance(storage, RDBStorage):
        storage.remove_session()


def name_of(described: dict[str, Any], study: int, stage: str) -> str:
    """A study's name: one run's can be told from another's, and so can stages and visits."""
    return f"{described['experiment']} seed {described['seed']} ({described['id']}) visit {study} {stage}"


class StudiesCopy:
    """One run's studies in a storage. What is there already is not copied again."""

    def __init__(self, folder: RunFolder, url: str) -> None:
        self.folder = folder
        self._url = url
        self._described = folder.description()
        self._offset = 0
        self._stages: dict[int, str] = {}  # of each visit
        self._spaces: dict[int, Space] = {}  # of each study
        self._studies: dict[int, optuna.Study] = {}
        self._known: dict[int, int] = {}  # trials that each has already
        self._storage: BaseStorage | None = None

    def copy(self) -> None:
        """Copy what the journal has gained."""
        if not self.folder.journal.exists():
            return
        kinds: dict[str, Callable[[Record], None]] = {
            "visit": self._visit,
            "round": self._round,
            "trial": self._trial,
        }
        for record, offset in read_journal(self.folder.journal, self._offset):
            if record["kind"] in kinds:
                kinds[record["kind"]](record)
            self._offset = offset

    def close(self, status: str) -> None:
        """Let go of the storage; how the run ended is not its affair."""
        if isinstance(self._storage, RDBStorage):
            self._storage.remove_session()

    def _visit(self, record: Record) -> None:
        self._stages[record["visit"]] = record["stage"]

    def _round(self, record: Record) -> None:
        self._spaces[record["study"]] = Space.of_record(record["axes"])

    def _trial(self, record: Record) -> None:
        number = record["study"]
        if number not in self._studies:
            self._begin(number)
        if record["number"] >= self._known[number]:
            trial = frozen(Told.of_record(record), self._spaces[number])
            moment = datetime.fromtimestamp(record["clock"]["time"])
            trial.datetime_start = trial.datetime_complete = moment
            self._studies[number].add_trial(trial)
            self._known[number] = record["number"] + 1

    def _begin(self, number: int) -> None:
        if self._storage is None:
            self._storage = open_storage(self._url)
        study = optuna.create_study(
            storage=self._storage,
            study_name=name_of(self._described, number, self._stages[number]),
            direction="maximize",
            load_if_exists=True,
        )
        if not study.user_attrs:
            study.set_user_attr("run", self._described["id"])
            study.set_user_attr("visit", number)
            study.set_user_attr("stage", self._stages[number])
        self._studies[number] = study
        self._known[number] = len(study.get_trials(deepcopy=False))
