"""What a run's numbers depend on: as it was started, as it would be resumed, and what differs."""

import getpass
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import torch

from curriculum.config import Experiment, is_shipped, own_classes, serialize
from curriculum.errors import UsageError
from curriculum.learn import Task, flushes_denormal, pretrained_digest
from curriculum.record.class_digest import classes_sha256
from curriculum.record.codec import decode, encode
from curriculum.record.description import MACHINE, PACKAGES, MlflowSettings, RunDescription
from curriculum.record.disk import Unreadable
from curriculum.record.environment import PACKAGE, WITHOUT_EFFECT, environment, git_commit
from curriculum.record.overview import RunOverview
from curriculum.record.redaction import redacted
from curriculum.record.run_folder import RunFolder
from curriculum.record.store import Store
from curriculum.record.user_source import source_sha256

REMEDIES = {
    "threads": "--threads {was} gives it as many",
    "device": "--device {was} names it, where it is there",
    "cpu_capability": "ATEN_CPU_CAPABILITY={lower} in the environment has torch use it, where the CPU has it",
    "gpu": "resume it on a machine with that GPU",
    "git_commit": "check that commit of this package out",
    "source_sha256": "put the file, and what it imports from its folder, back as it was",
    "classes_sha256": "put the classes back as they were",
    "data_digest": "put the task's files back as they were",
    "weights_digest": "put the files in model.pretrained back as they were",
} | {name: f"pip install {name}=={{was}}" for name in PACKAGES}
"""What makes each agree again."""


def describe_run(
    experiment: Experiment,
    seed: int,
    device: torch.device,
    *,
    source: Path | None = None,
    overrides: Sequence[str] = (),
    tracking_uri: str | None = None,
    optuna_storage: str | None = None,
    mlflow: MlflowSettings | None = None,
) -> RunDescription:
    """What a run is that is started now. A URL that holds a secret is left out."""
    urls = {"tracking_uri": tracking_uri, "optuna_storage": optuna_storage}
    kept = {name: url for name, url in urls.items() if url is None or redacted(url) == url}
    described = RunDescription(
        experiment=experiment.name,
        seed=seed,
        created=round(time.time(), 3),
        task=_task_name(experiment.task),
        model=type(experiment.model).__name__,
        strategy=experiment.strategy,
        path=experiment.growth.path(),
        axis_names=experiment.axis_names,
        settings=experiment.flat(),
        config=serialize(experiment),
        overrides=tuple(overrides),
        source=None if source is None else str(source.absolute()),
        source_sha256=None if source is None else source_sha256(source),
        classes_sha256=classes_sha256(own_classes(experiment)),
        tracking_uri=kept.get("tracking_uri"),
        optuna_storage=kept.get("optuna_storage"),
        withheld=tuple(name for name in urls if name not in kept),
        device=device.type,  # its number changes nothing in what is computed
        threads=torch.get_num_threads(),
        flush_denormal=flushes_denormal(),
        dtype=str(torch.get_default_dtype()).removeprefix("torch."),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        environment=environment(experiment.task.libraries),
        data_digest=experiment.task.data_digest,
        weights_digest=pretrained_digest(experiment.model),
        git_commit=git_commit(PACKAGE),
        user=_user(),
        user_git_commit=git_commit(_users_folder(source)),
        mlflow=mlflow or MlflowSettings(),
    )
    # As it is read again, so that the two compare: JSON has no tuples.
    return decode(RunDescription, json.loads(json.dumps(encode(described))))


def _task_name(task: Task) -> str:
    """The name of its class, and of the task within one that wraps another."""
    parts = (getattr(task, part.name) for part in fields(cast("Any", task)))
    inner = ", ".join(_task_name(part) for part in parts if isinstance(part, Task))
    return type(task).__name__ + (f"({inner})" if inner else "")


def changes_between(original: RunDescription, now: RunDescription) -> dict[str, tuple[Any, Any]]:
    """By name, what was and what is, of all that a run's numbers depend on.

    Of the package's commit, and of the user's file and classes that define the experiment, only
    what both know is compared.
    """
    found = _differing(original.settings, now.settings)
    if original.config != now.config and not found:
        found["config"] = ("of other classes", "of those named now")
    found |= _differing(_libraries(original), _libraries(now))
    for name in ("seed", *MACHINE):
        found |= _differing({name: getattr(original, name)}, {name: getattr(now, name)})
    found |= _differing(_digests(original), _digests(now))
    for name in ("git_commit", "source_sha256", "classes_sha256"):
        before, after = getattr(original, name), getattr(now, name)
        if None not in (before, after) and before != after:
            found[name] = (_short(before), _short(after))
    return found


def check_unchanged(folder: RunFolder, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Check that a run would be resumed under what it was started with.

    Raises:
        UsageError: where it would not; says what changed.
    """
    if changes:
        text = "; ".join(
            f"{name} was {old} and is {new}{_remedy(name, old)}"
            for name, (old, new) in changes.items()
        )
        raise UsageError(
            f"run {folder.id} can't be resumed to the same result, as what it depends on has "
            f"changed: {text}; --force resumes it all the same, from its last checkpoint"
        )


def _remedy(name: str, was: Any) -> str:
    """What makes a changed dependency agree again, in parentheses; empty where it is a setting."""
    found = REMEDIES.get(name)
    return f" ({found.format(was=was, lower=str(was).lower())})" if found else ""


def earlier_run(store: Store, now: RunDescription) -> RunFolder | None:
    """The run that such a run would resume, or repeat; None where there is none.

    That is the newest of the same experiment, seed and settings, or else the newest
    unfinished one with the same overrides: what these mean has changed then.

    Raises:
        Unreadable: where the system keeps one from being read: it may be that run.
    """
    found = []
    for _, each in reversed(store.descriptions(now.experiment, now.seed)):
        if isinstance(each, RunDescription):
            found.append(each)
        elif isinstance(each, Unreadable):
            raise each
    for original in found:
        if original.config == now.config:
            return store.folder(original.id)
    same = (store.folder(each.id) for each in found if each.overrides == now.overrides)
    return next((folder for folder in same if RunOverview.of(folder).totals.ended is None), None)


def continued(original: RunDescription, now: RunDescription) -> RunDescription:
    """What a run is that was started as `original` and is resumed, by force, as `now`."""
    return replace(now, id=original.id, created=original.created, mlflow=original.mlflow)


def _users_folder(source: Path | None) -> Path:
    """Where the user's own code is: beside the file that was run, or else the current folder."""
    if source is None or is_shipped(source):
        return Path.cwd()
    return source.absolute().parent


def _user() -> str:
    """Who runs this process, as MLflow names its users; empty where the system doesn't know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def _libraries(description: RunDescription) -> dict[str, str]:
    return {k: v for k, v in description.environment.items() if k not in WITHOUT_EFFECT}


def _digests(description: RunDescription) -> dict[str, str]:
    """Of what the user's files hold that a run begins with; `none` where there are none."""
    names = ("data_digest", "weights_digest")
    return {name: _short(getattr(description, name) or "none") for name in names}


def _differing(original: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (original.get(name), now.get(name))
        for name in {**original, **now}
        if original.get(name) != now.get(name)
    }


def _short(digest: str) -> str:
    """Enough of a digest or commit to know it by, and whether that was edited."""
    name, plus, edited = digest.partition("+")
    return name[:10] + plus + edited
