"""Arguments that several commands take: a command's request inherits those that it has."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curriculum import record
from curriculum.cli.parser import argument, option
from curriculum.cli.values import number

RUN = "a run's id, the beginning of one, or 'last'"


@dataclass(frozen=True, kw_only=True)
class RunArgument:
    """The run that a command is about."""

    run: str = argument("RUN", RUN)


@dataclass(frozen=True, kw_only=True)
class SourceOption:
    """The file of a user's own classes."""

    source: Path | None = option(
        "the Python file that defines the run's own task or model, if it has one (default: the "
        "one that you have named for this store before)",
        Path,
    )


@dataclass(frozen=True, kw_only=True)
class StoreOption:
    """The folder of runs."""

    store: Path = option(
        "the folder that runs are recorded in", Path, "DIR", default=record.DEFAULT_STORE
    )


@dataclass(frozen=True, kw_only=True)
class TrackingOption:
    """Where MLflow's copies are."""

    tracking_uri: str | None = option(
        "MLflow's tracking URI (default: MLFLOW_TRACKING_URI, or a database in the store)",
        metavar="URI",
    )


@dataclass(frozen=True, kw_only=True)
class OptunaOption:
    """Where studies are copied."""

    optuna_storage: str | None = option(
        "Optuna's storage, a URL or a file (default: CURRICULUM_OPTUNA_STORAGE, or a file in the "
        "store)",
        metavar="URL",
    )


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Where the engine of Ray makes runs, and what it sets aside for each."""

    address: str | None = option(
        "with --engine ray: the cluster's (default: Ray is started on this machine)",
        metavar="HOST:PORT|auto",
    )
    cpus: float | None = option(
        "with --engine ray: CPUs of each run (default: 1)", number, metavar="N"
    )
    gpus: float | None = option(
        "with --engine ray: GPUs of each run, such as 0.25 (default: 0)", number, metavar="N"
    )


def command_line(words: Sequence[str]) -> str:
    """The command as typed, to be shown to anybody: without secrets."""
    return shlex.join(["python", "-m", "curriculum", *map(record.redacted, words)])
