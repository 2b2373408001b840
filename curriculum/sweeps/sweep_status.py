"""How far the sweeps of a store are, as any process can see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import Any

from curriculum.record import RunOverview, Store
from curriculum.sweeps.sweep_files import SweepFiles, SweepRecord


@dataclass(kw_only=True, slots=True)
class VariantStatus:
    """How far the runs of a sweep are that differ in their seed alone.

    Attributes:
        runs: how many there are.
        done: how many are over; of these, `reached` their target.
        failed: how many can't be made, or can't continue.
        compute: that they cost so far.
        reaches: how many of those that are over came how far.
    """

    runs: int = 0
    done: int = 0
    reached: int = 0
    failed: int = 0
    compute: float = 0.0
    reaches: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepStatus:
    """How far a sweep is.

    Attributes:
        state: `running` while a process drives it; `over` once all runs are, and no more follow; else
            `stopped`.
        waiting: how many runs are not begun, or were interrupted.
        running: how many are being made.
        done: how many are over; of these, `reached` their target.
        failed: how many can't be made, or can't continue.
        compute: that all runs cost so far.
        seconds_left: about how long the rest takes; None where nothing tells, as of a search.
        variants: by experiment, strategy and the settings that vary, how far the runs are.
        failures: by run, why it can't be made.
    """

    record: SweepRecord
    state: str
    waiting: int
    running: int
    done: int
    reached: int
    failed: int
    compute: float
    seconds_left: float | None
    variants: Mapping[str, VariantStatus] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Of the sweep."""
        return self.record.id

    def as_json(self) -> dict[str, Any]:
        """The status as `sweeps --json` prints it."""
        content = asdict(self)
        record = content.pop("record")
        return {
            "sweep": self.id,
            "kind": record["kind"],
            "experiments": record["experiments"],
            "command": record["command"],
            "created": record["created"],
            "runs": len(self.record.runs),
            "grows": record["grows"],
            **content,
        }


def sweep_statuses(store: Store, sweeps: list[SweepFiles]) -> list[SweepStatus]:
    """The status of each of the sweeps whose record can be read; oldest first.

    The runs of the store are looked at once.
    """
    overviews = {
        run_id: found for run_id, found in store.overviews() if isinstance(found, RunOverview)
    }
    known = ((files, files.record()) for files in sweeps)
    found = [_status(files, record, overviews) for files, record in known if record is not None]
    return sorted(found, key=lambda status: (status.record.created, status.id))


def _status(
    files: SweepFiles, record: SweepRecord, overviews: Mapping[str, RunOverview]
) -> SweepStatus:
    driven, failures = files.is_driven, files.failures()
    found = [overviews[run_id] for run_id in record.runs if run_id in overviews]
    over = [each for each in found if each.totals.ended is not None]
    running = sum(each.status == "running" for each in found)
    done_ids = {each.description.id for each in over}
    stopped = {each.description.id for each in found if each.status == "failed"}
    failed = ({*failures} | stopped) - done_ids
    waiting = len(record.runs) - len(over) - running - len(failed)
    return SweepStatus(
        record=record,
        state="running" if driven else "stopped" if waiting + running or record.grows else "over",
        waiting=max(0, waiting),
        running=running,
        done=len(over),
        reached=sum(each.totals.ended == "reached" for each in over),
        failed=len(failed),
        compute=sum(each.totals.cost.compute for each in found),
        seconds_left=_seconds_left(over, running, waiting) if driven and not record.grows else None,
        variants=_variants(record, overviews, failed),
        failures={run_id: why for run_id, why in failures.items() if run_id in failed},
    )


def _variants(
    record: SweepRecord, overviews: Mapping[str, RunOverview], failed: Collection[str]
) -> dict[str, VariantStatus]:
    """Of a search, by experiment and strategy, those of the runs that were begun."""
    found = {name: VariantStatus() for name in record.variants}
    named = [record.variants[place] for place in record.variant_of]
    for run_id, name in zip_longest(record.runs, named):
        overview = overviews.get(run_id)
        if name is None and overview is None:
            continue
        status = found.setdefault(name or _group(overview), VariantStatus())
        status.runs += 1
        status.failed += run_id in failed
        if overview is None:
            continue
        status.compute += overview.totals.cost.compute
        if overview.totals.ended is not None:
            status.done += 1
            status.reached += overview.totals.ended == "reached"
            reach = _reach(overview)
            status.reaches[reach] = status.reaches.get(reach, 0) + 1
    return found


def _group(overview: RunOverview | None) -> str:
    assert overview is not None, "it has no other name"
    return f"{overview.description.experiment}, {overview.description.strategy}"


def _reach(overview: RunOverview) -> str:
    reach, described = overview.totals.reach, overview.description
    if reach is None:
        return "no stage"
    return described.axis_names.brief(reach, described.path)


def _seconds_left(over: list[RunOverview], running: int, waiting: int) -> float | None:
    """At the pace of the runs that are over, of which so many are made at a time."""
    if not over or not running:
        return None
    each = sum(found.totals.cost.seconds for found in over) / len(over)
    return each * (waiting + running / 2) / running
