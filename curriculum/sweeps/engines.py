"""Engines by their names."""

from pathlib import Path

from curriculum import learn
from curriculum.errors import UsageError, did_you_mean
from curriculum.sweeps.engine import Engine
from curriculum.sweeps.local_engine import LocalEngine
from curriculum.sweeps.ray.engine import RayEngine

ENGINES = ("local", "ray")


def open_engine(
    name: str,
    store: Path,
    *,
    jobs: int | None = None,
    isolate: bool = False,
    address: str | None = None,
    cpus: float | None = None,
    gpus: float | None = None,
    device: str = "auto",
) -> Engine:
    """The engine of that name, to be used in a `with`.

    Args:
        name: one of `ENGINES`.
        store: the folder that runs are recorded in.
        jobs: of the local engine, how many runs at a time; by default as many as there are cores for.
        isolate: whether each run has a fresh process.
        address: of a Ray cluster; by default Ray is started on this machine.
        cpus: that Ray gives a run, by default 1.
        gpus: likewise, by default none.
        device: that the runs are trained on: of the local engine it is checked.

    Raises:
        UsageError: where there is none; for fewer jobs than 1, or a device that is not available; for what the engine doesn't take; or as
            `RayEngine` says.
    """
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; {did_you_mean(name, ENGINES)}")
    if name == "ray":
        if jobs is not None:
            raise UsageError(
                f"Ray makes as many runs at a time as its nodes have room for, got jobs={jobs}; "
                f"leave it out, and say with cpus and gpus what each run takes"
            )
        return RayEngine(
            store,
            address=address,
            cpus=1 if cpus is None else cpus,
            gpus=gpus or 0,
            isolate=isolate,
        )
    given = [("address", address), ("cpus", cpus), ("gpus", gpus)]
    found = [f"{setting}={value}" for setting, value in given if value is not None]
    if found:
        raise UsageError(
            f"only the engine ray takes {' and '.join(found)}, and the engine is {name}; give --engine ray, "
            f"or leave it out"
        )
    learn.resolve_device(device)  # loaded here: with Ray, this process needs no torch
    return LocalEngine(jobs, isolate=isolate)
