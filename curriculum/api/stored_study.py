"""The trials of a search over curricula as Optuna's dashboard shows them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from curriculum import record, tune
from curriculum.api.optimization_plan import OptimizationPlan
from curriculum.comparison import CurriculumTrial

log = logging.getLogger(__name__)


def studied(trial: CurriculumTrial) -> tune.StudiedCurriculum:
    """The trial, for a study."""
    attributes = {"curriculum": trial.label, "command line": " ".join(trial.words)}
    if trial.problem is not None:
        attributes["refused"] = trial.problem
    if trial.costs:
        last = trial.costs[-1]
        runs = [run.run_id for result in last.results.values() for run in result.runs]
        attributes |= {
            "reached": f"{last.reached} of {len(last.results)}",
            "censored": str(last.censored),
            "runs": " ".join(runs),
        }
    return tune.StudiedCurriculum(
        settings=dict(trial.settings),
        values=trial.values,
        complete=trial.complete,
        attributes=attributes,
    )


class StoredStudy:
    """A plan's study in its storage. Where that fails, the search goes on without it.

    Args:
        plan: of the search.
    """

    def __init__(self, plan: OptimizationPlan) -> None:
        self._plan = plan
        self._study: tune.CurriculumStudy | None = None
        self._failed = False

    def add(self, trials: Sequence[CurriculumTrial]) -> None:
        """Add those of the trials so far that the study lacks."""
        if self._failed:
            return
        url = self._plan.storage
        try:
            if self._study is None:  # the store is there once a run is
                metric = f"{self._plan.amount.unit} to the target"
                self._study = tune.CurriculumStudy(url, self._plan.study_name, metric)
            self._study.add([studied(trial) for trial in trials], self._plan.space.parameters)
        except Exception as error:  # Optuna's trouble must not cost the search
            self._failed = True
            log.warning(
                "the trials are not in Optuna's storage %s: %s; once it answers, the same command adds them",
                record.redacted(url),
                record.first_line(error),
            )

    def close(self) -> None:
        """Close the storage."""
        if self._study is not None:
            self._study.close()
