"""Restores what a run learned, and what it was made from."""

import logging
from pathlib import Path

from torch import nn

from curriculum import record
from curriculum.config import Experiment, classes_of, deserialize, load_module, names_own_classes
from curriculum.errors import UsageError
from curriculum.learn import Learner, isolated, resolve_device, weights_sha256

log = logging.getLogger(__name__)


def load(
    run_id: str,
    *,
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    experiment: Experiment | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> nn.Module:
    """The final model of a run, in evaluation mode.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        store: the folder that it is recorded in.
        source: the file that defines its task and model, where they are a user's own: no
            other code than this package's is run unless you name it. By default the one that
            you have named for this store before.
        experiment: the one that was run, where they are defined in a notebook rather than in
            a file.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        threads: of torch, while the model is read; by default as many as the run had.

    Raises:
        UsageError: where there is no such run, no whole checkpoint, or `source` is needed.
        RunFailed: where the system keeps something of it from being read.
    """
    folder = record.Store(Path(store)).find(run_id)
    with isolated(threads or folder.description().threads):
        return restore_run(folder, source=source, like=experiment, device=device)[1].model.eval()


def restore_experiment(
    description: record.RunDescription,
    source: Path | str | None = None,
    like: Experiment | None = None,
) -> Experiment:
    """The experiment of a run, with the settings that are recorded.

    Its classes are taken from `source`, or are those of the experiment `like`, where they are a
    user's own.

    Raises:
        UsageError: where they are, and neither is given; or where they have changed.
    """
    own = None if like is None else classes_of(like)
    module = own if source is None else load_module(Path(source))
    try:
        return deserialize(description.config, module)
    except UsageError as error:
        if source is None and description.source is not None and "--source" in str(error):
            raise UsageError(f"{error}; the run was started from {description.source}") from error
        raise


def source_of(
    folder: record.RunFolder, source: Path | str | None, like: Experiment | None = None
) -> Path | None:
    """The file of a run's own classes: the one given, or named for the store before; None for none.

    Raises:
        UsageError: where one was named before, and is gone or has changed.
    """
    if source is not None:
        return Path(source)
    description = folder.description()
    if like is not None or not names_own_classes(description.config):
        return None
    found = record.NamedSources(folder.path.parent).find(description)
    if found is not None:
        log.warning("task or model are those of %s, which was named for this store", found)
    return found


def remember_source(folder: record.RunFolder, source: Path | str | None) -> None:
    """Keep, outside the store, that the user has named that file for such runs of it."""
    if source is not None:
        description = folder.description()
        if names_own_classes(description.config):
            record.NamedSources(folder.path.parent).remember(description, Path(source))


def restore_run(
    folder: record.RunFolder,
    *,
    source: Path | str | None = None,
    like: Experiment | None = None,
    device: str = "cpu",
) -> tuple[Experiment, Learner]:
    """A run's experiment, and its learner; see `latest_settled_checkpoint`."""
    source = source_of(folder, source, like)
    experiment = restore_experiment(folder.description(), source, like)
    remember_source(folder, source)
    checkpoint = record.latest_settled_checkpoint(folder)
    learner = record.load_learner(checkpoint, experiment, resolve_device(device))
    history = record.History.of(folder)
    end = history.end
    if history.damaged and end is None:
        log.warning(
            "the journal of run %s is damaged; 'resume %s' computes what came after again",
            *2 * [folder.id],
        )
    if end is not None and end.weights_sha256 != weights_sha256(learner.model):
        raise UsageError(
            f"the final checkpoint of run {folder.id} is damaged; 'resume {folder.id}' makes it "
            f"again"
        )
    return experiment, learner
