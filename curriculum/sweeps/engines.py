"""Engines by their names."""

from pathlib import Path
from typing import Any

from curriculum import learn
from curriculum.errors import UsageError, did_you_mean
from curriculum.sweeps.engine import Engine
from curriculum.sweeps.local_engine import LocalEngine
from curriculum.sweeps.ray.cluster import slots_here
from curriculum.sweeps.ray.engine import RayEngine
from curriculum.sweeps.ray.run_request import check_amounts, device_on_nodes

ENGINES = ("local", "ray")


def check_engine_name(name: str) -> None:
    """Raise a UsageError where there is no engine of that name."""
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; {did_you_mean(name, ENGINES)}")


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
        device: that the runs are trained on.

    Raises:
        UsageError: where there is none; for fewer jobs than 1, or a device that is not available; for what the engine doesn't take; or as
            `RayEngine` says.
    """
    check_engine_name(name)
    if name == "ray":
        if jobs is not None:
            raise UsageError(
                f"Ray makes as many runs at a time as its nodes have room for, got jobs={jobs}; "
                f"leave it out, and say with cpus and gpus what each run takes"
            )
        device_on_nodes(device, gpus or 0)
        each = 1 if cpus is None else cpus
        return RayEngine(store, address=address, cpus=each, gpus=gpus or 0, isolate=isolate)
    given = [("address", address), ("cpus", cpus), ("gpus", gpus)]
    found = [f"{setting}={value}" for setting, value in given if value is not None]
    if found:
        raise UsageError(
            f"only the engine ray takes {' and '.join(found)}, and the engine is {name}; give --engine ray, "
            f"or leave it out"
        )
    learn.resolve_device(device)  # loaded here: with Ray, this process needs no torch
    return LocalEngine(jobs, isolate=isolate)


def runs_at_a_time(
    name: str,
    store: Path,
    *,
    address: str | None = None,
    cpus: float | None = None,
    gpus: float | None = None,
    device: str = "auto",
    **settings: Any,
) -> int:
    """How many runs the engine would make at a time; see `open_engine`. A Ray of its own is not started for that.

    Raises:
        UsageError: where the engine would be refused.
    """
    if name == "ray" and address is None and settings.get("jobs") is None:
        device_on_nodes(device, gpus or 0)
        check_amounts(1 if cpus is None else cpus, gpus or 0)
        return slots_here(1 if cpus is None else cpus, gpus or 0)
    settings |= {"address": address, "cpus": cpus, "gpus": gpus, "device": device}
    with open_engine(name, store, **settings) as engine:
        return engine.capacity
