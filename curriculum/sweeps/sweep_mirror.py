"""Has one process copy all runs of a sweep into MLflow as they go."""

from __future__ import annotations

from collections.abc import Collection

from curriculum.sweeps.sweep_files import SweepFiles
from curriculum.sweeps.sweep_plan import SweepPlan


class SweepMirror:
    """The one place where a sweep's mirror is started, told of runs, and waited for."""

    def __init__(self, plan: SweepPlan, files: SweepFiles) -> None:
        self._plan, self._files = plan, files

    def start(self, done: Collection[str]) -> None:
        """Start it; what was done before is copied where that is missing."""

    def add(self, run_id: str) -> None:
        """Have a run copied that was begun, or is over."""

    def end(self, *, wait: bool) -> None:
        """No more runs come; it ends by itself once all is copied."""
