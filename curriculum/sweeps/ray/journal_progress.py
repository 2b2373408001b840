"""The progress of a run that another machine makes, as its journal in the shared store has it."""

from contextlib import suppress

from curriculum.errors import RunFailed, UsageError
from curriculum.record import Evaluated, Store, read_journal
from curriculum.sweeps.engine import JobProgress
from curriculum.sweeps.job import Job, restore_job


class JournalProgress:
    """Follows the journal of a job's run. The run itself is not slowed, and need not know.

    Args:
        job: as it was submitted, whose experiment this process can make.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._folder = Store(job.store).folder(job.run_id)
        self._offset = 0
        with suppress(OSError, UsageError):
            self._offset = self._folder.journal_bytes

    def newest(self) -> JobProgress | None:
        """The newest evaluation since the last call; None where there is none."""
        found = None
        with suppress(OSError, UsageError, RunFailed):
            size = self._folder.journal_bytes
            if size == self._offset:
                return None
            if size < self._offset:  # the run was resumed from an earlier state
                self._offset = 0
            try:
                for record, end in read_journal(self._folder.journal, self._offset):
                    self._offset = end
                    if isinstance(record.event, Evaluated):
                        found = record, record.event
            except UsageError:  # another process has written it anew meanwhile
                self._offset = 0
            if found is not None:
                return JobProgress.of(self._job.run_id, restore_job(self._job), *found)
        return None
