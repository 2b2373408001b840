"""What lists and comparisons tell of a run: its description, and what its journal adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from curriculum.plan import Cost, Stage, VisitReason
from curriculum.record.description import RunDescription
from curriculum.record.history import History, run_status
from curriculum.record.result import ArmResult
from curriculum.record.run_folder import RunFolder
from curriculum.record.thinned_journal import ThinnedJournal


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTotals:
    """What a run's journal, and the note of its stop, add up to.

    Attributes:
        ended: how it ended; None while it is not over.
        stop: how it stopped before its end, if it said so.
        damaged: whether the journal could be read in part alone.
        reach: the hardest stage of the path passed so far, in order or ahead.
        cost: of the whole run, discarded trials included.
        last_written: the time of day of the last record; of the run's start before any.
        mastered: what the run had cost when it first passed each stage of the path, in order or ahead.
        took_half_steps: whether it visited stages between those of the path.
        arms: of a portfolio, by name what each came to.
        changed_provenance: whether it was resumed, by force, under another than it was started with.
    """

    ended: Literal["reached", "stopped"] | None = None
    stop: Literal["interrupted", "failed"] | None = None
    damaged: bool = False
    reach: Stage | None = None
    cost: Cost
    last_written: float
    mastered: Mapping[Stage, Cost] = field(default_factory=dict)
    took_half_steps: bool = False
    arms: Mapping[str, ArmResult] = field(default_factory=dict)
    changed_provenance: bool = False

    @classmethod
    def of(cls, history: History) -> RunTotals:
        """The same of a run whose history was read."""
        return cls(
            ended=None if history.end is None else history.end.status,
            stop=None if history.stop is None else history.stop.status,
            damaged=history.damaged,
            reach=history.reach,
            cost=replace(history.total_cost, seconds=history.seconds),
            last_written=history.last_written,
            mastered=_mastered(history),
            took_half_steps=any(v.visit_reason is VisitReason.HALF_STEP for v in history.visits),
            arms=history.arms.results(),
            changed_provenance=bool(history.changes),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOverview:
    """What lists and comparisons tell of a run.

    Attributes:
        running: whether a living process holds it.
    """

    description: RunDescription
    totals: RunTotals
    running: bool = False

    @property
    def status(self) -> str:
        """`reached`, `stopped`, `running`, `interrupted`, `failed` or `killed`."""
        return run_status(self.totals.ended, self.totals.stop, running=self.running)

    @classmethod
    def of(cls, folder: RunFolder) -> RunOverview:
        """The overview of a run on disk, up to any damage of its journal.

        Raises:
            UsageError: where its description is not what was written.
            UnexpectedFileType: where in the place of one of its files is what no run writes.
            Unreadable: where the system keeps it from being read.
        """
        running = folder.is_running  # read first: what comes before is then all there
        description = folder.description()
        return cls(
            description=description,
            totals=read_totals(folder, description, ThinnedJournal()),
            running=running,
        )


def read_totals(
    folder: RunFolder, description: RunDescription, journal: ThinnedJournal
) -> RunTotals:
    """What a run's journal adds up to; `journal` is what was read of it before, and is read on.

    Raises:
        UnexpectedFileType: where in the place of one of its files is what no run writes.
        Unreadable: where the system keeps it from being read.
    """
    saved = folder.journal_bytes_saved  # read first: a run in progress writes its journal before
    journal.read_on(folder.journal)
    history = History(description, journal.records())
    history.damaged = journal.is_damaged or (history.end is None and journal.end < saved)
    history.stop = folder.stop_note()
    return RunTotals.of(history)


def _mastered(history: History) -> dict[Stage, Cost]:
    """When each stage of the path was passed for the first time."""
    path, found, cost = set(history.description.path), dict[Stage, Cost](), Cost()
    for visit in history.visits:
        cost = cost + visit.cost + visit.discarded_cost
        if visit.verdict.passed and visit.stage in path and visit.ended is not None:
            whole = cost + history.arms.cost_of_others(cost.compute)
            found.setdefault(visit.stage, replace(whole, seconds=visit.ended))
    found |= {stage: ahead for stage, ahead in history.mastered_ahead.items() if stage in path}
    return found
