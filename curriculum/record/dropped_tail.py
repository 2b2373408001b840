"""Drops what a run came to after a record of its journal, so that it goes on from there."""

from curriculum.record.checkpoint import load_state
from curriculum.record.journal import Journal
from curriculum.record.run_folder import RunFolder


def drop_after(folder: RunFolder, end: int) -> None:
    """Cut a journal off at a byte, and delete the checkpoints that tell of more.

    Only the process that holds the run's lock may call this.

    Raises:
        RunFailed: where the disk refuses it.
        DamagedCheckpoint: where a checkpoint isn't whole.
    """
    for path in folder.checkpoint_folders():
        if load_state(path).state.journal > end:
            folder.remove_checkpoint(path.name)
    with folder.writing():
        journal = Journal(folder.journal, end=end)
        try:
            journal.sync()
        finally:
            journal.close()
