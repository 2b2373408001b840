"""The machine's load while a run is running, as MLflow's system metrics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlflow.tracking import MlflowClient

from curriculum.record import RunFolder

log = logging.getLogger(__name__)


class SystemLoad:
    """Has MLflow measure CPU, memory, disk, network and GPU, ten seconds apart, where it is wanted."""

    def __init__(self, client: MlflowClient, run: str, *, wanted: bool) -> None:
        self._uri, self._run, self._wanted = client.tracking_uri, run, wanted
        self._monitor: Any = None

    @contextmanager
    def measured(self, folder: RunFolder) -> Iterator[None]:
        """Measure from now on, while the run is running; stop where copying fails in the block."""
        if self._wanted and self._monitor is None and folder.is_running:
            self._start()
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Measure no more."""
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None

    def _start(self) -> None:
        try:
            from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

            # It goes on where an earlier one of the same run has stopped.
            monitor = SystemMetricsMonitor(self._run, resume_logging=True, tracking_uri=self._uri)
            monitor.start()
        except Exception as error:  # a run's copy doesn't fail for want of these
            log.warning("no system metrics of run %s: %s", self._run, error)
            self._wanted = False
        else:
            self._monitor = monitor
