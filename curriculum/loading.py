"""Gives back what a run learned."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from curriculum.catalogue import load_module
from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, resolve_device
from curriculum.record.checkpoint import load_learner, newest_checkpoint
from curriculum.record.description import rebuild
from curriculum.record.store import DEFAULT_STORE, RunFolder, Store

__all__ = ["load", "load_run"]


def load(
    run_id: str,
    *,
    store: Path | str = DEFAULT_STORE,
    source: Path | str | None = None,
    device: str = "cpu",
) -> nn.Module:
    """The final model of a run, in evaluation mode.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        store: the folder that it is recorded in.
        source: the file that defines its task and model, where they are a user's own:
            no other code than this package's is run unless you name it.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: where there is no such run, no whole checkpoint, or `source` is needed.
    """
    folder = Store(Path(store)).find(run_id)
    return load_run(folder, source=source, device=device)[1].model.eval()


def load_run(
    folder: RunFolder, *, source: Path | str | None = None, device: str = "cpu"
) -> tuple[Experiment, Learner]:
    """A run's experiment, and its learner as the newest checkpoint has it."""
    description = folder.description()
    module = None if source is None else load_module(Path(source))
    experiment = rebuild(description["config"], module)
    checkpoint = newest_checkpoint(folder)
    return experiment, load_learner(checkpoint, experiment.recipe, resolve_device(device))
