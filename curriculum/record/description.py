"""What a run is: its experiment, seed and provenance, as `run.json` holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from curriculum.errors import UsageError
from curriculum.plan import EXACT_MATCH, AxisNames, LossBelow, Mastery, Stage, Verdict
from curriculum.record.codec import Json, Malformed, decode, encode

FORMAT = 3
"""Of a run's record on disk: raised by every change after which an older or a newer record can't be read.

Whatever else changes, `run.json` stays an object with a `format` and a `check`, made as here.
"""

PACKAGES = ("torch", "numpy", "scipy", "safetensors", "mlflow", "optuna", "transformers")
"""Whose versions are recorded."""

MACHINE = ("device", "threads", "flush_denormal", "dtype", "cpu_capability", "gpu")
"""What numbers depend on, besides settings, seed, libraries and code: where they are computed."""

MOST_CHARACTERS = 1000
"""Of a name."""


class OtherFormat(UsageError):
    """A record is whole, and was written by another version of this package, which this one can't read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MlflowSettings:
    """What of a run is copied into MLflow besides its settings, metrics, plots and model.

    Attributes:
        visits_as_table: whether the visits are a table of the run; else each is a child run.
        log_code: whether the user's file that defines the experiment goes with the model, so
            that it can be loaded elsewhere.
        system_metrics: whether the machine's load is logged while the run is running.
    """

    visits_as_table: bool = False
    log_code: bool = False
    system_metrics: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RunDescription:
    """What a run was started with; all but its id, if it is not in a store yet.

    Attributes:
        id: of the run, in its store.
        experiment: its name.
        created: the time of day when the run was started.
        task: the class of its task.
        model: the class of its model's settings.
        strategy: the name of its curriculum.
        path: the nominal stages.
        axis_names: what the task calls their axes.
        settings: all settings by dotted name.
        config: the experiment as `config.serialize` describes it.
        overrides: of the settings, as typed on the command line.
        source: the user's file that defines the experiment.
        source_sha256: its digest.
        classes_sha256: the digest of what the user's classes do; None where there are none.
        tracking_uri: MLflow's, where one was given.
        optuna_storage: likewise.
        withheld: which of these two held a secret, and so are not kept.
        device: that it is trained on.
        threads: of the process.
        flush_denormal: whether denormal numbers are treated as zero.
        dtype: of new tensors.
        cpu_capability: which instructions of the CPU torch uses.
        gpu: the model of the GPU; None where it is trained on none.
        environment: versions of Python and of the libraries that results depend on.
        data_digest: of the user's data that the task's examples are drawn from; None for none.
        weights_digest: of the pretrained weights that the model starts from; None from scratch.
        git_commit: of this package, where it is a checkout.
        user: who started it.
        user_git_commit: of the folder that the user's file is in, or that it was started from,
            where that is a checkout.
        mlflow: how it is copied.
    """

    id: str = ""
    experiment: str
    seed: int
    created: float
    task: str
    model: str
    strategy: str
    path: tuple[Stage, ...]
    axis_names: AxisNames = field(default_factory=AxisNames)
    settings: Mapping[str, Json]
    config: Json
    overrides: tuple[str, ...]
    source: str | None
    source_sha256: str | None
    classes_sha256: str | None
    tracking_uri: str | None
    optuna_storage: str | None
    withheld: tuple[str, ...]
    device: str
    threads: int
    flush_denormal: bool
    dtype: str
    cpu_capability: str
    gpu: str | None
    environment: Mapping[str, str]
    data_digest: str | None = None
    weights_digest: str | None = None
    git_commit: str | None
    user: str
    user_git_commit: str | None
    mlflow: MlflowSettings

    @property
    def verdict(self) -> Verdict:
        """What a stage is that passes the criterion: mastered, or ready."""
        return verdict_of(self.settings)

    @property
    def metric(self) -> str:
        """The name of the metric that the criterion decides on."""
        unit = self.settings.get("criterion.unit")
        named = self.settings.get("criterion.metric", EXACT_MATCH)
        return str(named) if unit is None else LossBelow(threshold=2.0, unit=unit).measured

    @property
    def score_name(self) -> str:
        """What the axis of a figure calls scores: those of a criterion that shows no mastery by their metric.

        With the direction that the criterion says.
        """
        if self.verdict is Verdict.MASTERED:
            return "score"
        mode = self.settings.get("criterion.mode")
        direction = {"min": " (lower is better)", "max": " (higher is better)"}.get(str(mode), "")
        return self.metric.replace("_", " ") + direction

    @property
    def in_nats(self) -> bool:
        """Whether a loss that the criterion decides on is one of symbols, in nats."""
        return bool(self.settings.get("criterion.unit", "nats") == "nats")

    def to_json(self) -> str:
        """The text of `run.json`, with the format's number and a check of what it says."""
        content = {"format": FORMAT, **encode(self)}
        return json.dumps({**content, "check": _check(content)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RunDescription:
        """What a `run.json` says.

        Raises:
            OtherFormat: where another version has written it.
            ValueError: where it is not what was written.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.pop("check", None) != _check(content):
            raise Malformed("its check does not match")
        number = content.pop("format", None)
        if number != FORMAT:
            other = "a format without a number" if number is None else f"format {number}"
            raise OtherFormat(
                f"is recorded in {other}, as another version of this package writes it, and this "
                f"version reads format {FORMAT}"
            )
        found = decode(RunDescription, content)
        for name in (found.experiment, found.task, found.model, found.strategy):
            if not name.isprintable() or len(name) > MOST_CHARACTERS:
                raise Malformed(f"{name[:100]!r} is no name")
        return found


def verdict_of(settings: Mapping[str, Json]) -> Verdict:
    """What a stage is that passes the criterion of an experiment with these settings."""
    kind = settings.get("criterion", Mastery.__name__)
    return Verdict.MASTERED if kind == Mastery.__name__ else Verdict.READY


def _check(content: Mapping[str, Any]) -> str:
    """A digest of what a description says."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
