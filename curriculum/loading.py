"""Gives back what a run learned."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from curriculum.catalogue import load_module
from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, resolve_device, weights_sha256
from curriculum.record.checkpoint import load_learner, standing_checkpoint
from curriculum.record.description import rebuild
from curriculum.record.history import History
from curriculum.record.store import DEFAULT_STORE, RunFolder, Store

__all__ = ["load", "load_run", "rebuilt"]

log = logging.getLogger(__name__)


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
        RunFailed: where the system keeps something of it from being read.
    """
    folder = Store(Path(store)).find(run_id)
    return load_run(folder, source=source, device=device)[1].model.eval()


def rebuilt(described: Mapping[str, Any], source: Path | str | None = None) -> Experiment:
    """The experiment of a run, its classes taken from `source` where they are a user's own.

    Raises:
        UsageError: where they are, and no source is given; or where they have changed.
    """
    module = None if source is None else load_module(Path(source))
    try:
        return rebuild(described["config"], module)
    except UsageError as error:
        if source is None and described["source"] is not None and "--source" in str(error):
            raise UsageError(f"{error}; the run was begun from {described['source']}") from error
        raise


def load_run(
    folder: RunFolder, *, source: Path | str | None = None, device: str = "cpu"
) -> tuple[Experiment, Learner]:
    """A run's experiment, and its learner as it stands; see `standing_checkpoint`."""
    experiment = rebuilt(folder.description(), source)
    checkpoint = standing_checkpoint(folder)
    learner = load_learner(checkpoint, experiment, resolve_device(device))
    history = History.of(folder)
    end = history.end
    if history.damaged and end is None:
        log.warning(
            "the journal of run %s is damaged; 'resume %s' computes what came after again",
            *2 * [folder.id],
        )
    if end is not None and end["weights_sha256"] != weights_sha256(learner.model):
        raise UsageError(
            f"the final checkpoint of run {folder.id} is damaged; 'resume {folder.id}' makes it anew"
        )
    return experiment, learner
