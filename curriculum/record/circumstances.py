"""What a run was begun under, what it would go on under, and how these differ."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.process import flushes_denormal
from curriculum.record.description import describe, environment, git_commit
from curriculum.record.history import History
from curriculum.record.store import RunFolder, Store
from curriculum.record.tracking import STUDIES_VARIABLE, displayed

__all__ = ["changes_between", "check_addresses", "check_unchanged", "circumstances", "earlier_run"]

PACKAGE = Path(__file__).resolve().parents[1]
WITHOUT_EFFECT = ("mlflow", "safetensors")
"""Of the libraries, these change nothing in what is computed."""


def circumstances(
    experiment: Experiment,
    seed: int,
    device: torch.device,
    *,
    source: Path | None = None,
    overrides: Sequence[str] = (),
    tracking_uri: str | None = None,
    studies: str | None = None,
) -> dict[str, Any]:
    """What `run.json` says besides the run's id. A URI that holds a secret is left out."""
    found = {
        "experiment": experiment.name,
        "seed": seed,
        "created": round(time.time(), 3),
        "task": type(experiment.task).__name__,
        "model": type(experiment.model).__name__,
        "strategy": experiment.strategy,
        "path": [stage.key for stage in experiment.growth.path()],
        "settings": experiment.flat(),
        "config": describe(experiment),
        "overrides": list(overrides),
        "source": None if source is None else str(source.absolute()),
        "source_sha256": None if source is None else _sha256(source),
        "tracking_uri": _without_secret(tracking_uri),
        "studies": _without_secret(studies),
        "withheld": [
            name
            for name, url in (("tracking_uri", tracking_uri), ("studies", studies))
            if url is not None and _without_secret(url) is None
        ],
        "device": str(device),
        "threads": torch.get_num_threads(),
        "flush_denormal": flushes_denormal(),
        "environment": environment(),
        "git_commit": git_commit(PACKAGE),
    }
    return dict(json.loads(json.dumps(found)))  # as it is read again


def changes_between(begun: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """By name, what was and what is, of all that a run's numbers depend on.

    Of the package's commit, and of the file that defines the experiment, only what both
    know is compared.
    """
    found = _differing(begun["settings"], now["settings"])
    if begun["config"] != now["config"] and not found:
        found["config"] = ["of other classes", "of those named now"]
    found |= _differing(
        {k: v for k, v in begun["environment"].items() if k not in WITHOUT_EFFECT},
        {k: v for k, v in now["environment"].items() if k not in WITHOUT_EFFECT},
    )
    for name in ("seed", "device", "threads", "flush_denormal"):
        found |= _differing({name: begun[name]}, {name: now[name]})
    for name in ("git_commit", "source_sha256"):
        was, now_is = begun[name], now[name]
        if None not in (was, now_is) and was != now_is:
            found[name] = [_short(was), _short(now_is)]
    return found


def check_unchanged(folder: RunFolder, changes: Mapping[str, Sequence[Any]]) -> None:
    """Check that a run would go on under what it was begun under.

    Raises:
        UsageError: where it would not; says what changed.
    """
    if changes:
        said = "; ".join(f"{name} was {was}, and is {now}" for name, (was, now) in changes.items())
        raise UsageError(
            f"run {folder.id} was begun under other circumstances: {said}; with --force it goes on "
            f"from its last checkpoint under what is there now"
        )


def check_addresses(
    begun: Mapping[str, Any], *, tracking_uri: str | None, studies: str | None
) -> None:
    """Check that a run would be copied whereto it was copied before.

    Raises:
        UsageError: where that address held a secret, and is not given again.
    """
    given = {
        "tracking_uri": tracking_uri or os.environ.get("MLFLOW_TRACKING_URI"),
        "studies": studies or os.environ.get(STUDIES_VARIABLE),
    }
    for name in begun["withheld"]:
        if not given[name]:
            raise UsageError(
                f"the {name} that run {begun['id']} was begun with held a secret, which isn't "
                f"kept; give it again with --{name.replace('_', '-')}"
            )


def earlier_run(store: Store, now: Mapping[str, Any]) -> RunFolder | None:
    """The run that such a run would continue, or repeat; None where there is none.

    That is the newest of the same experiment, seed and settings, or else the newest
    unfinished one that was asked for in the same words: what it means has changed then.
    """
    same = []
    for folder in reversed(store.runs()):
        try:
            begun = folder.description()
        except UsageError:
            continue
        if (begun["experiment"], begun["seed"]) == (now["experiment"], now["seed"]):
            if begun["config"] == now["config"]:
                return folder
            if begun["overrides"] == now["overrides"]:
                same.append(folder)
    return next((folder for folder in same if History.of(folder).end is None), None)


def _differing(begun: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [begun.get(name), now.get(name)]
        for name in {**begun, **now}
        if begun.get(name) != now.get(name)
    }


def _short(digest: str) -> str:
    """Enough of a digest or commit to know it by, and whether that was edited."""
    name, plus, edited = digest.partition("+")
    return name[:10] + plus + edited


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _without_secret(url: str | None) -> str | None:
    return url if url is not None and displayed(url) == url else None
