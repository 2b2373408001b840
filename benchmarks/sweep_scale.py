"""What a sweep of very many runs costs beside them: time a run, the driver's memory, its status, a comparison.

python benchmarks/sweep_scale.py --runs 10000
python benchmarks/sweep_scale.py --runs 10000 --engine ray
python benchmarks/sweep_scale.py --runs 1000 --engine ray --isolate

The runs do nothing, in processes that load no torch: two of the local engine's; or Ray's, in blocks, in turn
with bare tasks of Ray's that do the same, as many at a time. Then as many copies of small runs of two strategies
are a sweep's, and `sweeps` and `compare` look at them: each a process of its own, timed when the store's index
is there already, as it is beside a sweep.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from many_runs import multiply, small_runs, use
from ray_scale import sweep_by_ray

from curriculum.record import Store
from curriculum.sweeps import (
    Job,
    JobEnded,
    JobFailed,
    JobProgress,
    LocalEngine,
    SweepFiles,
    SweepPlan,
    SweepRecord,
    VariantRequest,
    run_sweep,
    run_variants,
)

EXPERIMENT = "lstm_firstbit"
MOST_MIB = 300
SAMPLES = 10
"""Of the memory."""


class Watching:
    """Keeps the driver's memory as the runs end.

    Args:
        every: so many runs.
        then: called with each that has ended.
    """

    def __init__(self, every: int, then: Callable[[Job], None] = lambda job: None) -> None:
        self.count, self.every, self.then = 0, every, then
        self.first = 0.0
        self.mib: list[float] = []

    def on_start(self, job: Job) -> None:
        self.first = self.first or time.perf_counter()

    def on_progress(self, job: Job, progress: JobProgress) -> None: ...

    def on_end(self, job: Job, ended: JobEnded) -> None:
        self.count += 1
        if self.count % self.every == 0:
            self.mib.append(resident_mib())
        self.then(job)

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        raise AssertionError(failed.sentence)

    def on_loss(self, job: Job, reason: str) -> None:
        raise AssertionError(reason)


def resident_mib() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def plan_of(store: Path, runs: int) -> SweepPlan:
    """Two strategies, with as many seeds as it takes."""
    from curriculum import load_experiment

    experiment, source = load_experiment(EXPERIMENT)
    request = VariantRequest(grid={}, strategies=("gated", "direct"))
    variants = tuple(run_variants(experiment, source, request))
    return SweepPlan(variants=variants, seeds=tuple(range(runs // 2)), store=store)


@contextmanager
def importable() -> Iterator[None]:
    """The workers of this folder can be imported by the processes that are started."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    yield
    del os.environ["PYTHONPATH"]


def drive(store: Path, runs: int, engine: str, *, isolate: bool) -> dict[str, object]:
    """A sweep of runs that do nothing."""
    began = time.perf_counter()
    plan = plan_of(store, runs)
    planned = time.perf_counter() - began
    watched: list[Watching] = []

    def watching(then: Callable[[Job], None] = lambda job: None) -> Watching:
        watched.append(Watching(runs // SAMPLES, then))
        return watched[0]

    with importable():
        if engine == "ray":
            figures = sweep_by_ray(plan, isolate=isolate, listener_of=watching)
        else:
            local = LocalEngine(2, isolate=isolate, module="idle_worker")
            outcome = run_sweep(plan, local, lambda done: watching(), mirror=False)
            assert (outcome.status, outcome.done) == ("over", runs)
            seconds = time.perf_counter() - watched[0].first
            figures = {"each ms": round(1000 * seconds / runs, 2)}
    assert watched[0].count == runs
    mib = [round(mib) for mib in watched[0].mib]
    return {"plan s": round(planned, 2), **figures, "MiB": mib}


def look(root: Path, runs: int) -> dict[str, object]:
    """`sweeps` and `compare` on a sweep's runs."""
    originals = small_runs(root / "small")
    store = root / "store"
    multiply(originals, store, runs)
    record_sweep(store)
    cache = root / "cache"
    cache.mkdir()
    identity = next((store / "sweeps").glob("*.json")).stem
    found: dict[str, object] = {}
    for words in (("sweeps",), ("sweeps", identity), ("compare", EXPERIMENT)):
        use(*words, store=store, cache=cache, times=1)  # the index is made
        seconds, mib = use(*words, store=store, cache=cache)
        name = f"{words[0]} ID" if words[1:] == (identity,) else words[0]
        found[name] = {"s": seconds, "MiB": mib}
    return found


def record_sweep(root: Path) -> None:
    """A sweep's record of all runs of a store, as if it had made them."""
    store = Store(root)
    plan = plan_of(root, 2)
    record = SweepRecord.begun_now(
        plan.id,
        plan.names,
        plan.command,
        variants={run.id: f"{EXPERIMENT}, {run.description().strategy}" for run in store.runs()},
    )
    files = SweepFiles(store, plan.id)
    with files.driven(record):
        assert files.record() == record


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--isolate", action="store_true", help="a fresh process for each run")
    options = parser.parse_args()
    runs: int = options.runs
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        driven = drive(root / "driven", runs, options.engine, isolate=options.isolate)
        print(json.dumps({"runs": runs, **driven}, ensure_ascii=False), flush=True)
        print(json.dumps(look(root, runs)))
    mib = driven["MiB"]
    assert isinstance(mib, list)
    print(f"memory median {statistics.median(mib)} MiB, most {max(mib)} MiB (allowed {MOST_MIB})")


if __name__ == "__main__":
    main()
