"""Engines by their names."""

from curriculum.errors import UsageError, did_you_mean
from curriculum.sweeps.engine import Engine
from curriculum.sweeps.local_engine import LocalEngine

ENGINES = ("local",)


def open_engine(name: str, *, jobs: int | None = None, isolate: bool = False) -> Engine:
    """The engine of that name.

    Args:
        name: one of `ENGINES`.
        jobs: how many runs at a time; by default as many as there are cores for.
        isolate: whether each run has a fresh process.

    Raises:
        UsageError: where there is none, or fewer jobs than 1.
    """
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; {did_you_mean(name, ENGINES)}")
    return LocalEngine(jobs, isolate=isolate)
