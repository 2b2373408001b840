"""Where runs lie: `STORE/runs/<id>/`, beside MLflow's database and artifacts."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curriculum.errors import UsageError
from curriculum.record.lock import is_held

__all__ = ["DEFAULT_STORE", "RunFolder", "Store"]

DEFAULT_STORE = Path("mlruns")
RUN_ID = re.compile(r"[0-9a-f]{1,8}")


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def writer(self) -> Path:
        """The lock that the process that runs it holds."""
        return self.path / "writer.lock"

    @property
    def journal_bytes(self) -> int:
        """How long the journal is; 0 before it begins."""
        return self.journal.stat().st_size if self.journal.exists() else 0

    @property
    def is_running(self) -> bool:
        return is_held(self.writer)

    def description(self) -> dict[str, Any]:
        """What `run.json` says: the experiment, the seed and the circumstances."""
        described: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return described


class Store:
    """A folder of runs."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def runs_folder(self) -> Path:
        return self.root / "runs"

    @property
    def mirrors(self) -> Path:
        """What the mirror keeps for itself: locks, and how far it has come."""
        return self.root / "mirrors"

    def create(self, description: Mapping[str, Any]) -> RunFolder:
        """A new run's folder with its `run.json`. Its name, eight hex digits, is the run's id.

        Raises:
            UsageError: where the store can't be written.
        """
        try:
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            while True:
                folder = RunFolder(self.runs_folder / secrets.token_hex(4))
                aside = folder.path.with_name(f".{folder.id}.new")
                if not folder.path.exists():
                    break
            (aside / "checkpoints").mkdir(parents=True)
            content = json.dumps({"id": folder.id, **description}, indent=1)
            (aside / "run.json").write_text(content + "\n")
            os.rename(aside, folder.path)
        except OSError as error:
            raise UsageError(
                f"the store {self.root} can't be written ({error.strerror}); "
                f"choose another with --store"
            ) from error
        return folder

    def runs(self) -> list[RunFolder]:
        """All runs, oldest first."""
        if not self.runs_folder.is_dir():
            return []
        folders = [
            RunFolder(path)
            for path in self.runs_folder.iterdir()
            if RUN_ID.fullmatch(path.name) and (path / "run.json").exists()
        ]
        return sorted(folders, key=lambda folder: (folder.path / "run.json").stat().st_mtime_ns)

    def find(self, name: str) -> RunFolder:
        """The run of that id, of an unambiguous beginning of one, or the `last`.

        Raises:
            UsageError: where there is none, or several.
        """
        runs = self.runs()
        if not runs:
            raise UsageError(f"the store {self.root} holds no runs yet; start one with 'run'")
        if name == "last":
            return runs[-1]
        found = [folder for folder in runs if name and folder.id.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(folder.id for folder in found)
            raise UsageError(
                f"{name!r} is the beginning of {len(found)} runs: {ids}; give more of it"
            )
        raise UsageError(
            f"there is no run {name!r} in {self.root}; the latest are "
            f"{', '.join(folder.id for folder in runs[-3:])}, or say last"
        )
