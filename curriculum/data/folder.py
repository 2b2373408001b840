"""Where the package keeps what it can make again."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path | None:
    """`$CURRICULUM_CACHE_DIR`, or where the system has caches, if it has."""
    given = os.environ.get("CURRICULUM_CACHE_DIR")
    try:
        return Path(given) if given else platformdirs.user_cache_path("curriculum")
    except (RuntimeError, KeyError):  # nobody's home
        return None
