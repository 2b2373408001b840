"""Copies the studies of runs into an Optuna storage, for its dashboard and its tools."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from datetime import datetime

import optuna
from optuna.storages import BaseStorage

from curriculum import record
from curriculum.config import Choices, Range
from curriculum.plan import Stage, Verdict
from curriculum.tune.storage import close_storage, open_storage
from curriculum.tune.study import frozen_trial


def study_name(description: record.RunDescription, study: int, stage: Stage) -> str:
    """A study's name, different for each run, visit and stage."""
    run = f"{description.experiment} seed {description.seed} ({description.id})"
    return f"{run} visit {study}, {description.axis_names.words(stage)}"


class OptunaDestination:
    """A storage that the studies of any number of runs are copied to; it is opened once."""

    def __init__(self, url: str) -> None:
        """Name it; it is not opened before there is a study.

        Args:
            url: the storage's, or the path of a journal file.
        """
        self.name = f"Optuna's storage {record.redacted(url)}"
        self._url = url
        self._storage: BaseStorage | None = None

    def open(self, folder: record.RunFolder) -> StudiesCopy:
        """Start or find a run's copy there."""
        return StudiesCopy(folder, self._connect)

    def check(self) -> None:
        """Open it anew.

        Raises:
            UsageError: where it can't be reached.
        """
        self.reset()
        self._connect()

    def reset(self) -> None:
        """Open it anew, when next something is copied."""
        self._storage = None

    def _connect(self) -> BaseStorage:
        self._storage = self._storage or open_storage(self._url)
        return self._storage


class StudiesCopy:
    """One run's studies in a storage. What is there already is not copied again."""

    def __init__(self, folder: record.RunFolder, connect: Callable[[], BaseStorage]) -> None:
        """Copy nothing yet.

        Args:
            folder: the run.
            connect: gives the storage; it is not asked before there is a study.
        """
        self.folder = folder
        self._connect = connect
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
        """Free the storage; how the run ended makes no difference."""
        self.release()

    def release(self) -> None:
        """Close the storage's session, and its connections, which others may open again."""
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
            self._storage = self._connect()
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
