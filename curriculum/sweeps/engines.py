"""Engines by their names."""

from dataclasses import dataclass
from pathlib import Path

from curriculum import learn
from curriculum.errors import UsageError, did_you_mean
from curriculum.sweeps.engine import Engine
from curriculum.sweeps.local_engine import LocalEngine
from curriculum.sweeps.ray.cluster import slots_here
from curriculum.sweeps.ray.engine import RayEngine
from curriculum.sweeps.ray.run_request import check_amounts, device_on_nodes

ENGINES = ("local", "ray")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """What is to make runs, and what is given to each.

    Attributes:
        name: of the engine, `local` or `ray`.
        jobs: of the local engine, how many runs at a time; by default as many as there are cores for.
        isolate: whether each run has a fresh process.
        address: of a Ray cluster; by default Ray is started on this machine.
        cpus: that Ray gives a run; by default 1.
        gpus: likewise; by default none.
        device: that the runs are trained on.

    Raises:
        UsageError: where there is no engine of that name, or it does not take what is given.
    """

    name: str = "local"
    jobs: int | None = None
    isolate: bool = False
    address: str | None = None
    cpus: float | None = None
    gpus: float | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UsageError(
                f"there is no engine {self.name!r}; {did_you_mean(self.name, ENGINES)}"
            )
        if self.name == "ray":
            if self.jobs is not None:
                raise UsageError(
                    f"Ray makes as many runs at a time as its nodes have room for, got jobs={self.jobs}; "
                    f"leave it out, and say with cpus and gpus what each run takes"
                )
            check_amounts(self._cpus, self._gpus)
            device_on_nodes(self.device, self._gpus)
            return
        given = [("address", self.address), ("cpus", self.cpus), ("gpus", self.gpus)]
        found = [f"{setting}={value}" for setting, value in given if value is not None]
        if found:
            raise UsageError(
                f"only the engine ray takes {' and '.join(found)}, and the engine is {self.name}; give "
                f"--engine ray, or leave it out"
            )

    def open(self, store: Path) -> Engine:
        """The engine, for runs of a store.

        Raises:
            UsageError: for fewer jobs than 1, or a device that is not available; or as `RayEngine` says.
        """
        if self.name == "ray":
            return RayEngine(
                store,
                address=self.address,
                cpus=self._cpus,
                gpus=self._gpus,
                isolate=self.isolate,
            )
        learn.resolve_device(self.device)  # loaded here: with Ray, this process needs no torch
        return LocalEngine(self.jobs, isolate=self.isolate)

    def runs_at_a_time(self, store: Path) -> int:
        """How many runs the engine would make at a time. A Ray of its own is not started for that.

        Raises:
            UsageError: where the engine could not be opened.
        """
        if self.name == "ray" and self.address is None:
            return slots_here(self._cpus, self._gpus)
        with self.open(store) as engine:
            return engine.capacity

    @property
    def _cpus(self) -> float:
        return 1.0 if self.cpus is None else self.cpus

    @property
    def _gpus(self) -> float:
        return self.gpus or 0.0
