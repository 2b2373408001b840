"""Tells pretrained weights apart, without loading them."""

import hashlib
from functools import lru_cache
from pathlib import Path

from curriculum.errors import UsageError

PATTERNS = ("*.safetensors", "*.safetensors.index.json", "adapter_config.json")
"""What `from_pretrained` reads of a folder, but for the configuration, which is a setting."""


def weights_digest(folder: str) -> str | None:
    """A digest of the names and contents of a folder's weight files; None where it has none.

    Raises:
        UsageError: where one can't be read.
    """
    paths = sorted({path for pattern in PATTERNS for path in Path(folder).glob(pattern)})
    if not paths:
        return None
    whole = hashlib.sha256()
    for path in paths:
        try:
            found = path.stat()
            digest = _digest(path.resolve(), found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        except OSError as error:
            raise UsageError(
                f"model.pretrained {folder} can't be read: {path.name}: {error.strerror}; give a "
                f"folder whose files can be"
            ) from error
        whole.update(f"{path.name} {digest}\n".encode())
    return whole.hexdigest()


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, changed_ns: int, created_ns: int) -> str:
    """Of a file that is as it was then; a sweep describes many runs of the same weights."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
