"""Experiments as JSON and back, without running code that a file on disk names."""

from __future__ import annotations

import importlib
import platform
import subprocess
from dataclasses import fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from curriculum.errors import UsageError
from curriculum.experiment import Experiment

__all__ = ["describe", "environment", "git_commit", "rebuild"]

OURS = ("curriculum", "tasks")
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
PACKAGES = ("torch", "numpy", "scipy", "safetensors", "mlflow", "optuna", "transformers")


def describe(value: Any) -> Any:
    """Nested settings as JSON; a dataclass becomes `{"type": "module:Class", field: …}`."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        described = {"type": f"{kind.__module__}:{kind.__qualname__}"}
        return described | {
            part.name: describe(getattr(value, part.name)) for part in fields(value)
        }
    if isinstance(value, tuple | list):
        return [describe(part) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UsageError(
        f"an experiment's settings are dataclasses, numbers, strings and tuples of these, "
        f"got {type(value).__name__}"
    )


def rebuild(described: Any, source: ModuleType | None = None) -> Experiment:
    """The experiment that `describe` described.

    Classes are looked up in this package, in `tasks`, and in the module `source`, which
    only the caller can name.

    Raises:
        UsageError: for a class of any other module, or where none was described.
    """
    try:
        experiment = _rebuild(described, source)
    except UsageError:
        raise
    except MALFORMED as error:
        raise UsageError(
            f"what is described is no experiment ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(experiment, Experiment):
        raise UsageError(f"what is described is no Experiment but {type(experiment).__name__}")
    return experiment


def _rebuild(described: Any, source: ModuleType | None) -> Any:
    if isinstance(described, list):
        return tuple(_rebuild(part, source) for part in described)
    if not isinstance(described, dict):
        return described
    kind = _class(described["type"], source)
    values = {name: _rebuild(part, source) for name, part in described.items() if name != "type"}
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"{kind.__name__} has changed since the run: {error}") from error


def _class(name: str, source: ModuleType | None) -> Any:
    module, _, qualified = name.partition(":")
    if module.split(".")[0] in OURS:
        try:
            found: Any = getattr(importlib.import_module(module), qualified, None)
        except ImportError:
            found = None
    elif source is not None:
        found = getattr(source, qualified, None)
    else:
        raise UsageError(
            f"{qualified} is defined in a user's own file, and code is only run from a file "
            f"that you name: give its path as `source` (on the command line --source PATH)"
        )
    if not (isinstance(found, type) and is_dataclass(found)):
        raise UsageError(f"there is no settings class {qualified} in {module}")
    return found


def environment() -> dict[str, str]:
    """The versions of Python, of this package and of the libraries that results depend on."""
    found = {"python": platform.python_version()}
    for name in ("curriculum", *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit(folder: Path) -> str | None:
    """The commit checked out where the code lies, with `+changes` where it was edited."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+changes" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=5,
    )
    return result.stdout.strip()
