"""What MLflow shows of a run besides its metrics: name, params, tags, data sets, descriptions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag

from curriculum import record
from curriculum.plan import Stage, verb_of
from curriculum.tracking.addresses import RUN_TAG

PLAIN = "gated"
"""The strategy that a run's name doesn't mention."""

MOST_CHARACTERS = 6_000
"""MLflow cuts a param there, and servers of older versions earlier."""

MOST_OF_SOURCE = 2_000
"""Characters of each thing that a data set is drawn by; its digest is of all of them."""

LEAST_CHARACTERS = 250
"""No version cuts a param to fewer."""

TEST = "certificate"
"""The stream that the final model is evaluated on."""

CONTEXTS = {"train": "training", "gate": "validation", TEST: "test"}
"""Our streams, and what MLflow calls the use of a data set."""


def run_name(description: record.RunDescription) -> str:
    """What tells a run from its neighbours; a plain gated one is named by the experiment."""
    parts = [description.experiment, description.strategy, f"seed {description.seed}"]
    return " ".join(part for part in parts if part != PLAIN)


def run_params(description: record.RunDescription) -> dict[str, str]:
    """All settings, flat, and what runs are told apart by: the UI's plots know no tags."""
    found = {**description.settings, "strategy": description.strategy, "seed": description.seed}
    return {name: _spelled(value)[:MOST_CHARACTERS] for name, value in found.items()}


def is_kept(value: str, kept: str) -> bool:
    """Whether a param that was logged with that value is kept as that, cut or whole."""
    return kept == value or (len(kept) >= LEAST_CHARACTERS and value.startswith(kept))


def run_tags(description: record.RunDescription) -> dict[str, str]:
    """What runs are searched by: by MLflow's own names where it has one."""
    names = ("seed", "strategy", "task", "model", "device")
    tags = {name: str(getattr(description, name)) for name in names}
    tags |= {f"version.{name}": value for name, value in description.environment.items()}
    git = {
        "mlflow.source.git.commit": description.user_git_commit,
        "curriculum.git_commit": description.git_commit,
    }
    tags |= {name: commit.partition("+")[0] for name, commit in git.items() if commit is not None}
    if description.user:
        tags["mlflow.user"] = description.user
    arms = description.settings.get("pacing.arms")
    if arms is not None:
        tags["arms"] = _spelled(arms)
    return tags | {
        RUN_TAG: description.id,
        "mlflow.source.name": description.source or description.experiment,
        "mlflow.source.type": "LOCAL",
    }


def experiment_note(description: record.RunDescription) -> str:
    """The description of an experiment, in markdown."""
    path, words = description.path, description.axis_names.words
    return (
        f"**{description.task} × {description.model}**, from {words(path[0])} to {words(path[-1])}: how "
        f"far does the model get, and does a curriculum help it? Each run is a seed and a strategy; "
        f"`by_step/reach_…` is the hardest stage that it {verb_of(description.verdict)}, `progress/…` what it cost, and "
        f"`test/…` what the final model still passes."
    )


def note_digest(note: str) -> str:
    """Of a description, to know it again by, as far as MLflow keeps it."""
    return hashlib.sha256(note[:MOST_CHARACTERS].encode()).hexdigest()[:12]


def path_datasets(description: record.RunDescription) -> list[DatasetInput]:
    """What a run is trained and evaluated on: all stages of its path."""
    path, words = description.path, description.axis_names.words
    return _inputs(
        description, f"{words(path[0])} to {words(path[-1])}", [stage.key for stage in path]
    )


def final_dataset(description: record.RunDescription) -> Dataset:
    """What the final model is evaluated on."""
    found: Dataset = path_datasets(description)[[*CONTEXTS].index(TEST)].dataset
    return found


def stage_datasets(description: record.RunDescription, stage: Stage) -> list[DatasetInput]:
    """What a visit is trained and evaluated on: one stage."""
    return _inputs(description, description.axis_names.words(stage), [stage.key])


def _inputs(description: record.RunDescription, what: str, stages: list[str]) -> list[DatasetInput]:
    """The examples of stages, by stream.

    Examples are a function of the task, the seed, the stream and the stage, which the digest is of.
    """
    settings = {k: v for k, v in description.settings.items() if k.split(".")[0] == "task"}
    found = []
    for stream, context in CONTEXTS.items():
        drawn: dict[str, Any] = {
            "task": settings,
            "seed": description.seed,
            "stream": stream,
            "stages": stages,
            "source_sha256": description.source_sha256,
            "classes_sha256": description.classes_sha256,
        }
        if description.data_digest is not None:
            drawn["data_digest"] = description.data_digest
        digest = hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()[:12]
        profile = {"stages": len(stages), "batch_size": description.settings["training.batch_size"]}
        dataset = Dataset(
            name=f"{description.task}, {what}",
            digest=digest,
            source_type="code",
            source=json.dumps({"tags": {k: _shortened(_spelled(v)) for k, v in drawn.items()}}),
            profile=json.dumps(profile),
        )
        found.append(DatasetInput(dataset, [InputTag("mlflow.data.context", context)]))
    return found


def _shortened(text: str) -> str:
    """A text that is cut where MLflow would refuse it, as the list of a long path's stages is."""
    return text if len(text) <= MOST_OF_SOURCE else f"{text[:MOST_OF_SOURCE]} …"


def _spelled(value: Any) -> str:
    """A value on one line; the UI would break a list in brackets into many.

    >>> _spelled([0.9, 0.999])
    '0.9, 0.999'
    """
    if isinstance(value, Mapping):
        return json.dumps(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
