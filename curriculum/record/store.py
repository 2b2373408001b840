"""Where runs lie: `STORE/runs/<id>/`, beside MLflow's database and artifacts."""

import errno
import os
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.plan import Score
from curriculum.record.description import RunDescription
from curriculum.record.disk import fsync
from curriculum.record.files import remove
from curriculum.record.index import Index, Listing
from curriculum.record.overview import RunOverview
from curriculum.record.run_folder import RUN_ID, RunFolder

ADDRESS = re.compile(r"(s3[an]?|gs|gcs|hdfs|https?|abfss?|wasbs?|az|dbfs|ftp|file):/+(.*)")
"""What is no folder, as `Path` has it, with one slash."""

DEFAULT_STORE = Path("mlruns")
MOST_NAMED = 10
"""Runs in an error."""

LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.new")
LEFTOVER_SECONDS = 3600.0
"""How old the folder of a run that is being created is once its process must be gone."""

MIRROR_FILES = ("json", "lock", "log")
"""What a mirror keeps of a run: what it has copied, its lock, its log."""


class RunExists(UsageError):
    """A run of that id is in the store already."""


class Store:
    """A folder of runs.

    Attributes:
        runs_folder: where they lie.
        mirrors: what mirrors keep for themselves: locks, logs, and what they have copied.
    """

    def __init__(self, root: Path) -> None:
        """The store in that folder, which need not be there yet.

        Raises:
            UsageError: where it is the address of another kind of storage; or where MLflow's database could
                have no address in it.
        """
        _check_is_no_address(root)
        self.root = root.absolute()
        if "?" in str(self.root):
            raise UsageError(
                f"the store {self.root} has a '?' in its path, after which the address of "
                f"MLflow's database would end; choose another with --store"
            )
        self.runs_folder = self.root / "runs"
        self.mirrors = self.root / "mirrors"
        self._index = Index(self.runs_folder)

    def mirror_file(self, folder: RunFolder, ending: str) -> Path:
        """A file of a run's mirror, by one of `MIRROR_FILES`."""
        self.mirrors.mkdir(parents=True, exist_ok=True)
        return self.mirrors / f"{folder.id}.{ending}"

    def create(self, description: RunDescription, run_id: str | None = None) -> RunFolder:
        """A new run's folder with its `run.json`. Its name is the run's id: by default eight hex digits.

        It is on the disk itself once it is given back. Of several processes, on whatever machines, that
        make one of the same id at the same time, one gets it.

        Raises:
            UsageError: where the store can't be written, or the id is none.
            RunExists: where the store has a run of that id.
        """
        if run_id is not None and (run_id == "last" or not RUN_ID.fullmatch(run_id)):
            raise UsageError(
                f"a run's id is up to 64 letters, digits, '.', '_' and '-', begins with a letter or a "
                f"digit, and is not 'last', got {run_id!r}"
            )
        try:
            place = (self.runs_folder, *self.runs_folder.parents)
            new = [path for path in place if not path.exists()]
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            for path in new:
                fsync(path.parent)
            aside = self.runs_folder / f".{secrets.token_hex(8)}.new"
            (aside / "checkpoints").mkdir(parents=True)
            RunFolder(aside).describe(description)
            while True:
                folder = self.folder(run_id or secrets.token_hex(4))
                with suppress(FileExistsError):
                    _rename_folder(aside, folder.path)
                    break
                if run_id is not None:
                    remove(aside)
                    raise RunExists(
                        f"there is a run {run_id} in {self.root} already; 'resume {run_id}' continues it"
                    )
            fsync(self.runs_folder)
        except OSError as error:
            raise UsageError(
                f"the store {self.root} can't be written ({error.strerror}); "
                f"choose another with --store"
            ) from error
        return folder

    def remove_leftovers(self) -> None:
        """Delete what processes that were killed as they created a run have left, an hour after that."""
        with suppress(OSError):
            for path in self.runs_folder.glob(".*.new"):
                age = time.time() - path.lstat().st_mtime
                if LEFTOVER.fullmatch(path.name) and age > LEFTOVER_SECONDS:
                    remove(path)

    def runs(self) -> list[RunFolder]:
        """All runs, oldest first, by what they recorded; those that don't say when are before them."""
        return [self.folder(run_id) for run_id in self._index.ids()]

    def descriptions(
        self, experiment: str | None = None, seed: int | None = None
    ) -> Listing[RunDescription]:
        """The descriptions of runs, in the order of `runs`, or why they can't be read; see `Index`."""
        return self._index.descriptions(experiment, seed)

    def overviews(self, experiment: str | None = None) -> Listing[RunOverview]:
        """The overviews of runs, in the order of `runs`, or why they can't be read; see `Index`."""
        return self._index.overviews(experiment)

    def scores(self) -> dict[str, Score]:
        """What is kept of the scores of final models, by keys that begin with a run's id and a slash."""
        return self._index.scores()

    def keep_scores(self, scores: Mapping[str, Score]) -> None:
        """Keep these too, outside the store, where that can be."""
        self._index.keep_scores(scores)

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a run that there is."""
        return RunFolder(self.runs_folder / run_id)

    def check_not_empty(self) -> None:
        """Check that there are runs.

        Raises:
            UsageError: where there is none.
        """
        if not self._index.names():
            raise self._empty()

    def find(self, name: str) -> RunFolder:
        """The run of that id, of an unambiguous beginning of one, or the `last`.

        Raises:
            UsageError: where there is none, or several.
        """
        if RUN_ID.fullmatch(name) and name != "last":
            exact = self.folder(name)
            if os.path.lexists(exact.path / "run.json"):
                return exact
        ids = self._index.ids() if name == "last" else self._index.names()
        if not ids:
            raise self._empty()
        if name == "last":
            return self.folder(ids[-1])
        found = [run_id for run_id in ids if name and run_id.startswith(name)]
        if len(found) == 1:
            return self.folder(found[0])
        if found:
            more = len(found) - MOST_NAMED
            raise UsageError(
                f"{name!r} is the beginning of {len(found)} run ids: "
                f"{', '.join(found[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''}; type "
                f"more of it"
            )
        raise UsageError(
            f"there is no run {name!r} in {self.root}; the latest are "
            f"{', '.join(self._index.ids()[-3:])}; 'last' is the latest"
        )

    def _empty(self) -> UsageError:
        return UsageError(f"the store {self.root} holds no runs yet; start one with 'run'")


def _check_is_no_address(root: Path) -> None:
    """Check that a store is a folder.

    Raises:
        UsageError: where it is an address.
    """
    match = ADDRESS.fullmatch(str(root))
    if match is None:
        return
    scheme, rest = match[1], match[2]
    if scheme == "file":
        raise UsageError(f"a store is given by its path, got file:///{rest}; take --store /{rest}")
    raise UsageError(
        f"a store is a folder of a file system that can lock, rename and sync, got {scheme}://{rest}; "
        f"record runs in a folder, with --store, and have MLflow keep their artifacts there: 'mlflow "
        f"server --artifacts-destination {scheme}://{rest}', and --tracking-uri with its address"
    )


def _rename_folder(path: Path, new: Path) -> None:
    """Give a folder its name, at once and whole, unless that is taken.

    Raises:
        FileExistsError: where it is, by a folder that is not empty, or a file.
    """
    try:
        os.rename(path, new)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new)) from error
        raise
