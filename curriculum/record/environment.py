"""The versions of what a run's numbers depend on, as they are installed where this process is."""

import platform
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from curriculum.record.description import PACKAGES

PACKAGE = Path(__file__).resolve().parents[1]
WITHOUT_EFFECT = ("mlflow", "safetensors")
"""Of the libraries, these change nothing in what is computed."""


def environment(libraries: Sequence[str] = ()) -> dict[str, str]:
    """The versions of Python, of this package and of the libraries that results depend on.

    Args:
        libraries: further ones, that the task depends on.
    """
    found = {name: _version(name) for name in ("curriculum", *PACKAGES, *libraries)}
    installed = {name: number for name, number in found.items() if number is not None}
    return {"python": platform.python_version(), **installed}


def installed_versions() -> dict[str, str]:
    """What must be the same on all machines that make the runs of a sweep: versions by package.

    The commit of this package is among them where it is a checkout.
    """
    versions = {k: v for k, v in environment().items() if k not in WITHOUT_EFFECT}
    commit = git_commit(PACKAGE)
    return versions if commit is None else {**versions, "git_commit": commit}


def git_commit(folder: Path) -> str | None:
    """The commit checked out where the code lies, with `+changes` where it was edited."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+changes" if changed else commit


@cache
def _version(package: str) -> str | None:
    """The version that is installed; None where there is none. Looking it up takes a while."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=5,
    )
    return result.stdout.strip()
