"""Where runs lie: `STORE/runs/<id>/`, beside MLflow's database and artifacts."""

import os
import re
import secrets
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.record.description import RunDescription
from curriculum.record.disk import fsync
from curriculum.record.run_folder import RunFolder

DEFAULT_STORE = Path("mlruns")
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A run's id is its folder's name: eight hex digits, or what a copy of the folder was called."""

MIRROR_FILES = ("json", "lock", "log")
"""What a mirror keeps of a run: what it has copied, its lock, its log."""


class Store:
    """A folder of runs.

    Attributes:
        runs_folder: where they lie.
        mirrors: what mirrors keep for themselves: locks, logs, and what they have copied.
    """

    def __init__(self, root: Path) -> None:
        """The store in that folder, which need not be there yet.

        Raises:
            UsageError: where MLflow's database could have no address in it.
        """
        self.root = root.absolute()
        if "?" in str(self.root):
            raise UsageError(
                f"the store {self.root} has a '?' in its path, after which the address of "
                f"MLflow's database would end; choose another with --store"
            )
        self.runs_folder = self.root / "runs"
        self.mirrors = self.root / "mirrors"

    def mirror_file(self, folder: RunFolder, ending: str) -> Path:
        """A file of a run's mirror, by one of `MIRROR_FILES`."""
        self.mirrors.mkdir(parents=True, exist_ok=True)
        return self.mirrors / f"{folder.id}.{ending}"

    def create(self, description: RunDescription) -> RunFolder:
        """A new run's folder with its `run.json`. Its name, eight hex digits, is the run's id.

        It is on the disk itself once it is given back.

        Raises:
            UsageError: where the store can't be written.
        """
        try:
            place = (self.runs_folder, *self.runs_folder.parents)
            new = [path for path in place if not path.exists()]
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            for path in new:
                fsync(path.parent)
            while True:
                folder = RunFolder(self.runs_folder / secrets.token_hex(4))
                aside = folder.path.with_name(f".{folder.id}.new")
                if not folder.path.exists():
                    break
            (aside / "checkpoints").mkdir(parents=True)
            RunFolder(aside).describe(description)
            os.rename(aside, folder.path)
            fsync(self.runs_folder)
        except OSError as error:
            raise UsageError(
                f"the store {self.root} can't be written ({error.strerror}); "
                f"choose another with --store"
            ) from error
        return folder

    def runs(self) -> list[RunFolder]:
        """All runs, oldest first, by what they recorded; those that don't say when are before them."""
        found: list[RunFolder] = []
        if self.runs_folder.is_dir():
            found = [
                RunFolder(path)
                for path in self.runs_folder.iterdir()
                if RUN_ID.fullmatch(path.name) and os.path.lexists(path / "run.json")
            ]
        return sorted(found, key=lambda folder: (folder.created, folder.id))

    def nonempty_runs(self) -> list[RunFolder]:
        """All runs, oldest first, of a store that has any.

        Raises:
            UsageError: where there is none.
        """
        found = self.runs()
        if not found:
            raise UsageError(f"the store {self.root} holds no runs yet; start one with 'run'")
        return found

    def find(self, name: str) -> RunFolder:
        """The run of that id, of an unambiguous beginning of one, or the `last`.

        Raises:
            UsageError: where there is none, or several.
        """
        if RUN_ID.fullmatch(name) and name != "last":
            exact = RunFolder(self.runs_folder / name)
            if os.path.lexists(exact.path / "run.json"):
                return exact
        runs = self.nonempty_runs()
        if name == "last":
            return runs[-1]
        found = [folder for folder in runs if name and folder.id.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(folder.id for folder in found)
            raise UsageError(
                f"{name!r} is the beginning of {len(found)} run ids: {ids}; type more of it"
            )
        raise UsageError(
            f"there is no run {name!r} in {self.root}; the latest are "
            f"{', '.join(folder.id for folder in runs[-3:])}; 'last' is the latest"
        )
