"""Runs that `compare` has made, and what it printed of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Swept:
    """The runs of a file's experiment in a store, and what `compare --json` printed."""

    file: Path
    store: Path
    out: str
    err: str

    @property
    def comparison(self) -> Any:
        """Of the one experiment."""
        (found,) = json.loads(self.out)
        return found
