"""Which files a user has named as the source of a store's runs, on this machine.

It is kept in the user's cache folder, and not in the store: a store that was copied from elsewhere can't
make a file run that nobody has named for it here. If it is lost, a file has to be named again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from curriculum.data import cache_folder
from curriculum.errors import UsageError
from curriculum.record.description import RunDescription
from curriculum.record.disk import write_atomically
from curriculum.record.files import read_bytes
from curriculum.record.user_source import source_sha256

MOST_BYTES = 10_000_000
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH

UNFIT = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What comes of a file that can't be read, or was written by somebody else."""

Known = dict[str, dict[str, str]]
"""By what the runs say that they were started from: the path and the digest of the file named."""


@dataclass(frozen=True, slots=True)
class NamedSources:
    """What was named for the runs in a folder.

    Attributes:
        runs_folder: the store's.
    """

    runs_folder: Path

    def remember(self, description: RunDescription, source: Path) -> None:
        """Keep that the user has named a file for such a run, if that can be kept."""
        path = self._path
        if path is None:
            return
        with suppress(OSError):
            named = {"path": str(source.absolute()), "sha256": source_sha256(source)}
            known = self._known()
            if known.get(_key(description)) != named:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                content = {"store": os.path.realpath(self.runs_folder.parent)}
                sources = {**known, _key(description): named}
                write_atomically(path, json.dumps({**content, "sources": sources}, indent=1))

    def find(self, description: RunDescription) -> Path | None:
        """The file that was named for such a run; None where none was.

        Raises:
            UsageError: where it is gone, or has changed since.
        """
        named = self._known().get(_key(description))
        if named is None:
            return None
        path = Path(named["path"])
        try:
            found = source_sha256(path)
        except (OSError, UsageError):
            raise UsageError(
                f"{path}, which was named for this store, can't be read any more; name the file that "
                f"defines the run's task or model with --source PATH"
            ) from None
        if found != named["sha256"]:
            raise UsageError(
                f"{path} has changed since it was named for this store; if it is to be run as it is now, "
                f"name it again: --source {path}"
            )
        return path

    @property
    def _path(self) -> Path | None:
        folder = cache_folder()
        name = hashlib.sha256(os.fsencode(os.path.realpath(self.runs_folder))).hexdigest()[:24]
        return None if folder is None else folder / "sources" / f"{name}.json"

    def _known(self) -> Known:
        """What is kept, if nobody else can have written it."""
        path = self._path
        with suppress(*UNFIT):
            if path is not None:
                status = path.lstat()
                if status.st_uid == os.getuid() and not status.st_mode & OTHERS_MAY_WRITE:
                    content = json.loads(read_bytes(path, MOST_BYTES))["sources"]
                    return {key: _checked(named) for key, named in content.items()}
        return {}


def _key(description: RunDescription) -> str:
    return description.source or f"run {description.id}"


def _checked(named: Mapping[str, object]) -> dict[str, str]:
    return {name: str(named[name]) for name in ("path", "sha256")}
