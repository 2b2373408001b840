"""The nodes of a Ray cluster that runs can be made on: probed, with their kind, and the room that they have."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curriculum.errors import RunFailed, UsageError
from curriculum.processes import usable_cores
from curriculum.record import Store, installed_versions, remove_store_token, write_store_token
from curriculum.sweeps.ray.connection import import_ray
from curriculum.sweeps.ray.node import NodeReport, report_node

log = logging.getLogger(__name__)

PROBE_SECONDS = 120.0
"""That all nodes have to report in, when a sweep starts: a process there has to load torch first."""

LOOK_SECONDS = 2.0
"""How often it is seen which nodes are there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineKind:
    """What of a machine the weights of a run depend on; None of what doesn't matter."""

    cpu_capability: str
    gpu: str | None = None

    def __str__(self) -> str:
        return self.cpu_capability + (f" with {self.gpu}" if self.gpu else "")


@dataclass(kw_only=True, slots=True)
class Node:
    """A node that runs can be made on.

    Attributes:
        id: Ray's.
        name: for people.
        slots: how many runs have room on it at a time.
        kind: of machine.
        used: how many runs it was given that are not over.
    """

    id: str
    name: str
    slots: int
    kind: MachineKind
    used: int = 0


class RayCluster:
    """The nodes of the cluster that this process is connected to.

    Args:
        store: the folder that runs are recorded in, which all nodes have to see.
        cpus: of a run.
        gpus: of a run; a part of one below 1.
    """

    def __init__(self, store: Path, cpus: float, gpus: float) -> None:
        self._ray, self._store = import_ray(), Store(store)
        self._cpus, self._gpus = cpus, gpus
        self._token, self._is_new = "", False
        self._nodes: dict[str, Node] = {}
        self._doubtful: dict[str, Node] = {}
        self._refused: set[str] = set()
        self._probes: dict[Any, str] = {}
        self._there: set[str] = set()
        self._looked = 0.0

    def start(self) -> None:
        """See which nodes there are, and probe them.

        Raises:
            UsageError: where none can ever make a run; or where one that could has other versions than
                this process, or does not see the store.
        """
        alive = self._alive()
        self._check_feasible(alive)
        self._is_new = not self._store.root.exists()
        self._token = write_store_token(self._store)
        self._probe(alive)
        pending, end = [*self._probes], time.monotonic() + PROBE_SECONDS
        while pending and time.monotonic() < end:
            ready, pending = self._ray.wait(pending, timeout=1.0)
            for ref in ready:
                self._take_report(ref, alive)
        if not self._nodes:
            raise UsageError(
                f"no node of the Ray cluster has started a process within {PROBE_SECONDS:.0f} s; see what "
                f"it does with 'ray status'"
            )

    def close(self) -> None:
        """Take what was left in the store away."""
        if self._token:
            remove_store_token(self._store, self._token)
        if self._is_new:  # and nothing was run
            with suppress(OSError):
                self._store.root.rmdir()

    @property
    def slots(self) -> int:
        """How many runs have room at a time, on all nodes together."""
        return sum(node.slots for node in self._nodes.values())

    def has(self, kind: MachineKind) -> bool:
        """Whether a node of that kind is there."""
        return any(_is_like(node.kind, kind) for node in self._nodes.values())

    def node_with_room(self, kind: MachineKind | None) -> Node | None:
        """The node with most room; None for none.

        Args:
            kind: of the node; None for any.
        """
        fit = [
            node
            for node in self._nodes.values()
            if node.used < node.slots and (kind is None or _is_like(node.kind, kind))
        ]
        return max(fit, key=lambda node: node.slots - node.used, default=None)

    def doubt(self, node: Node) -> None:
        """Give a node no more runs until it has reported once more: one was lost on it."""
        if self._nodes.pop(node.id, None) is not None:
            self._doubtful[node.id] = node

    def has_left(self, node: Node) -> bool:
        """Whether a node was gone when that was last seen."""
        return node.id not in self._there

    def look(self) -> bool:
        """See which nodes have come and gone; those that came are probed, and one that doesn't fit is left out.

        Returns whether it was time for that.

        Raises:
            RunFailed: where the cluster doesn't answer any more.
        """
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return False
        alive = self._alive()
        for gone in self._nodes.keys() - alive.keys():
            log.warning("node %s has left the cluster", self._nodes.pop(gone).name)
        ready, _ = (
            self._ray.wait([*self._probes], num_returns=len(self._probes), timeout=0)
            if (self._probes)
            else ([], [])
        )
        for ref in ready:
            node_id = self._probes[ref]
            try:
                self._take_report(ref, alive)
            except UsageError as error:
                self._refused.add(node_id)
                log.warning("a node is not used: %s", error)
        self._probe(alive)
        return True

    def _alive(self) -> dict[str, Mapping[str, Any]]:
        """The nodes that are there, by id."""
        self._looked = time.monotonic()
        try:
            found = {node["NodeID"]: node for node in self._ray.nodes() if node["Alive"]}
        except self._ray.exceptions.RayError as error:
            raise RunFailed(
                f"the Ray cluster doesn't answer any more: {error}; the same command continues what is "
                f"left, once it does"
            ) from error
        self._there = {*found}
        return found

    def _check_feasible(self, alive: Mapping[str, Mapping[str, Any]]) -> None:
        if any(map(self._slots_of, alive.values())):
            return
        largest = max(alive.values(), key=lambda node: (_has(node, "GPU"), _has(node, "CPU")))
        raise _infeasible(self._cpus, self._gpus, largest)

    def _slots_of(self, node: Mapping[str, Any]) -> int:
        """How many runs have room on a node."""
        return _slots(self._cpus, self._gpus, node)

    def _probe(self, alive: Mapping[str, Mapping[str, Any]]) -> None:
        """Have the nodes report that could make runs, and have not been asked yet."""
        known = {*self._nodes, *self._refused, *self._probes.values()}
        for node_id, node in alive.items():
            if node_id not in known and self._slots_of(node):
                remote = self._ray.remote(
                    num_cpus=0,
                    max_retries=0,
                    max_calls=1 if self._gpus else 0,  # it has seen GPUs that are not its own
                    scheduling_strategy=on_node(node_id),
                )(report_node)
                with_gpu = self._gpus > 0
                ref = remote.remote(self._store.root.absolute(), self._token, with_gpu=with_gpu)
                self._probes[ref] = node_id

    def _take_report(self, ref: Any, alive: Mapping[str, Mapping[str, Any]]) -> None:
        """Take a node's report. One that is gone by now is forgotten.

        Raises:
            UsageError: where the node doesn't fit.
        """
        node_id = self._probes.pop(ref)
        node = alive.get(node_id)
        try:
            report: NodeReport = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            why = str(error).strip().splitlines()[-1]
            name = node_id if node is None else _name(node)
            raise UsageError(
                f"node {name} can't load this package: {why}; install it there"
            ) from error
        except self._ray.exceptions.RayError:
            return
        if node is None:
            return
        _check_same_versions(report, _name(node))
        if report.refusal is not None:
            raise UsageError(report.refusal)
        kind = MachineKind(cpu_capability=report.cpu_capability, gpu=report.gpu)
        found = Node(id=node_id, name=_name(node), slots=self._slots_of(node), kind=kind)
        self._nodes[node_id] = self._doubtful.pop(node_id, found)


def slots_here(cpus: float, gpus: float) -> int:
    """How many runs Ray would make at a time, were it started on this machine.

    Raises:
        UsageError: where Ray is not installed, or this machine has too little for a run.
    """
    import torch  # whoever drives a sweep on a cluster does without

    import_ray()
    resources = {"CPU": usable_cores(), "GPU": torch.cuda.device_count()}
    here = {"NodeManagerHostname": os.uname().nodename, "Resources": resources}
    found = _slots(cpus, gpus, here)
    if not found:
        raise _infeasible(cpus, gpus, here)
    return found


def _slots(cpus: float, gpus: float, node: Mapping[str, Any]) -> int:
    wanted = {"CPU": cpus, "GPU": gpus}
    room = [_has(node, name) / amount for name, amount in wanted.items() if amount]
    return math.floor(min(room) + 1e-9)


def _infeasible(cpus: float, gpus: float, largest: Mapping[str, Any]) -> UsageError:
    return UsageError(
        f"no node has the {cpus:g} CPUs and {gpus:g} GPUs of a run; the largest, {_name(largest)}, has "
        f"{_has(largest, 'CPU'):g} and {_has(largest, 'GPU'):g}: ask for less with --cpus and --gpus"
    )


def on_node(node_id: str) -> Any:
    """Ray's strategy of scheduling a task on that node, and on no other."""
    import_ray()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _is_like(has: MachineKind, wanted: MachineKind) -> bool:
    same_gpu = wanted.gpu is None or has.gpu == wanted.gpu
    return has.cpu_capability == wanted.cpu_capability and same_gpu


def _check_same_versions(report: NodeReport, name: str) -> None:
    here = installed_versions()
    for package, version in here.items():
        there = report.versions.get(package)
        if there != version and not (package == "git_commit" and there is None):
            what = "the checkout of curriculum" if package == "git_commit" else package
            raise UsageError(
                f"{what} is {version[:12]} here and {'missing' if there is None else there[:12]} on node "
                f"{name}: results would depend on where a run is made; install the same on both"
            )


def _name(node: Mapping[str, Any]) -> str:
    return str(node["NodeManagerHostname"] or node["NodeManagerAddress"])


def _has(node: Mapping[str, Any], resource: str) -> float:
    return float(node["Resources"].get(resource, 0.0))
