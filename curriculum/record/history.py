"""A run's visits, and how it ended, added up from its journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from curriculum.plan import Cost, Score, Stage, VisitReason
from curriculum.record import events
from curriculum.record.arms import ArmsHistory
from curriculum.record.description import RunDescription
from curriculum.record.events import Event, Record
from curriculum.record.journal import intact_records
from curriculum.record.race_events import (
    ArmEvaluated,
    ArmSelected,
    FavouritesChanged,
    RaceStarted,
)
from curriculum.record.result import Result
from curriculum.record.run_folder import RunFolder, StopNote
from curriculum.record.trial_record import TrialReport
from curriculum.record.visit import Visit, discarded_share


class History:
    """A run's visits, and how it ended, added up from its records in order.

    Attributes:
        description: what the run was started with.
        arms: the race of a portfolio's arms; empty where there is none.
        visits: all visits so far; of a portfolio, those of the arm that was selected.
        training_end: once all training is over; None before.
        end: the last event, once the run is over.
        stop: how it was stopped before its end, if it said so.
        damaged: whether the journal could be read in part alone.
        changes: of its provenance, by forced resumes.
        final_evaluations: in the order of the path and beyond it.
        retention: how the model, as it was after each visit, did on the path's stages.
        target_screens: screens of the target ahead of the stages below it.
        target_evaluations: full tests of the target ahead of the stages below it.
        mastered_ahead: what the run had cost when it passed a stage before those below it.
        stages_trained_on: that batches were drawn from, since the last fresh start.
        mastered_in_order: the hardest stage of the path passed so far by a visit to it.
        cost: over all visits, without discarded trials.
        discarded_cost: of trials that were not selected, or have not been yet.
        seconds: since the run's start, up to the end of its last visit.
        clock: since then up to the last record, the final evaluation included.
        last_written: the time of day of the last record; of the run's start before any.
    """

    def __init__(self, description: RunDescription, records: Iterable[Record] = ()) -> None:
        self.description = description
        self.arms = ArmsHistory()
        self.visits: list[Visit] = []
        self.training_end: events.TrainingEnded | None = None
        self.end: events.RunEnded | None = None
        self.stop: StopNote | None = None
        self.damaged = False
        self.changes: list[events.ProvenanceChanged] = []
        self.final_evaluations: list[events.FinalEvaluated] = []
        self.retention: list[events.RetentionMeasured] = []
        self.target_screens: list[events.TargetScreened] = []
        self.target_evaluations: list[events.TargetEvaluated] = []
        self.mastered_ahead: dict[Stage, Cost] = {}
        self.stages_trained_on: set[Stage] = set()
        self.mastered_in_order: Stage | None = None
        self.cost = Cost()
        self.discarded_cost = Cost()
        self.seconds = self.clock = 0.0
        self.last_written = description.created
        for record in records:
            self.add(record)

    @classmethod
    def of(cls, folder: RunFolder) -> History:
        """The history of a run on disk, up to any damage of its journal.

        It is damaged, too, where it is shorter than a checkpoint knows it.
        """
        saved = (
            folder.journal_bytes_saved
        )  # read first: a run in progress writes its journal before
        records, damaged = intact_records(folder.journal)
        found = cls(folder.description(), (record for record, _ in records))
        end = records[-1][1] if records else 0
        found.damaged = damaged or (found.end is None and end < saved)
        found.stop = folder.stop_note()
        return found

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        event = record.event
        self.last_written = record.clock.time
        self.clock = record.clock.seconds
        if not isinstance(
            event,
            events.TrainingEnded
            | events.FinalEvaluated
            | events.RetentionMeasured
            | events.TargetScreened
            | events.TargetEvaluated
            | events.RunEnded,
        ):
            self.seconds = self.clock
        self._apply(event)

    @property
    def total_cost(self) -> Cost:
        """All that the run cost, discarded trials and the other arms of a portfolio included."""
        return self.cost + self.discarded_cost + self.arms.cost

    @property
    def discarded_share(self) -> float:
        """The part of the compute that discarded trials took."""
        return discarded_share(self.cost, self.discarded_cost)

    @property
    def reach(self) -> Stage | None:
        """The hardest stage of the path mastered, or ready, so far; in order or ahead."""
        if not self.mastered_ahead:
            return self.mastered_in_order
        path = self.description.path  # which may have been changed since
        found = [stage for stage in self.mastered_ahead if stage in path]
        if self.mastered_in_order is not None:
            found.append(self.mastered_in_order)
        return max(found, key=lambda s: path.index(s) if s in path else -1, default=None)

    @property
    def evaluation_count(self) -> int:
        """How many evaluations on the stream `gate` there were."""
        return sum(len(visit.evaluations) for visit in self.visits)

    def last_mastered_in(self, stage: Stage) -> int | None:
        """The number of the last visit that passed a stage; None where a damaged journal has none."""
        found = (v.number for v in self.visits if v.stage == stage and v.verdict.passed)
        return max(found, default=None)

    def full_tests_of(self, stage: Stage) -> int:
        """How many full tests of a stage there were, ahead of its turn or in it."""
        evaluations = (each for visit in self.visits for each in visit.evaluations)
        tested = sum(e.stage == stage and e.full_test is not None for e in evaluations)
        return tested + sum(test.stage == stage for test in self.target_evaluations)

    def passed_with(self, stage: Stage) -> Score | None:
        """The score that a stage was passed with last, in its turn or ahead; None for none."""
        found = [
            (each.visit, each.full_test)
            for visit in self.visits
            for each in visit.evaluations
            if each.stage == stage and each.decision.passed
        ]
        tests = self.target_evaluations
        found += [(t.visit, t.full_test) for t in tests if t.stage == stage and t.passed]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    @property
    def held(self) -> tuple[Stage, ...]:
        """The stages of the path that the final model passes."""
        return tuple(e.stage for e in self.final_evaluations if e.passes and not e.beyond)

    @property
    def retained(self) -> Stage | None:
        """The last stage up to which the final model passes all; None for none."""
        found = None
        for event in self.final_evaluations:
            if event.beyond or not event.passes:
                break
            found = event.stage
        return found

    @property
    def longest_trained(self) -> int:
        """The longest length that the model was trained on; 0 for none."""
        kept = [v.longest for v in self._visits_of_network() if v.kept or v.ended is None]
        return max(kept, default=0)

    @property
    def extrapolated(self) -> int | None:
        """The longest length beyond those trained on that the final model passes; or None."""
        trained = self.longest_trained
        lengths = (event.stage.length for event in self.final_evaluations if event.passes)
        return max((length for length in lengths if length > trained), default=None)

    def status(self, *, running: bool = False) -> str:
        """The run's status; `running` says whether a living process holds it."""
        ended = None if self.end is None else self.end.status
        return run_status(ended, None if self.stop is None else self.stop.status, running=running)

    @property
    def ending(self) -> str:
        """Why the run is over, or was stopped, in words; empty where nothing says."""
        if self.end is not None:
            return self.end.ending
        return "" if self.stop is None else self.stop.reason

    def result(self, *, running: bool = False) -> Result:
        """What the run came to, so far."""
        total = self.total_cost
        return Result(
            run_id=self.description.id,
            experiment=self.description.experiment,
            seed=self.description.seed,
            status=self.status(running=running),
            ending=self.ending,
            reach=self.reach,
            reach_verdict=self.description.verdict.value,
            held=self.held,
            retained=self.retained,
            extrapolated=self.extrapolated,
            weights_sha256=None if self.end is None else self.end.weights_sha256,
            steps=total.steps,
            tokens=total.tokens,
            compute=total.compute,
            discarded_share=round(self.discarded_share, 4),
            seconds=round(self.seconds, 3),
            stages=tuple(visit.result() for visit in self.visits),
            axis_names=self.description.axis_names,
            arms=self.arms.results(),
        )

    def _visits_of_network(self) -> list[Visit]:
        """The visits that the model, as it is now, has gone through."""
        restored = self.visits[-1].restored if self.visits else None
        found: list[Visit] = []
        for visit in self.visits if restored is None else self.visits[: restored + 1]:
            if visit.visit_reason is VisitReason.FRESH_START:
                found = []
            found.append(visit)
        return found

    def _apply(self, event: Event) -> None:  # noqa: PLR0912 - a dispatch on types
        match event:
            case events.VisitStarted():
                self._start_visit(event)
            case events.Evaluated():
                self._evaluate(event)
            case events.RolledBack():
                self.visits[-1].rollbacks.append((self.total_cost.steps, event))
            case events.RoundProposed():
                self.visits[-1].parameters = event.parameters
            case events.TrialEvaluated():
                self._report(event.report)
            case events.TrialCompleted():
                self.visits[-1].trials.append(event.trial)
            case events.TrialSelected():
                self._select(event)
            case events.VisitEnded():
                self._end_visit(event)
            case events.ProvenanceChanged():
                self.changes.append(event)
            case events.TrainingEnded():
                self.training_end = event
            case events.FinalEvaluated():
                self.final_evaluations.append(event)
            case events.RetentionMeasured():
                self.retention.append(event)
            case events.TargetScreened():
                self.target_screens.append(event)
            case events.TargetEvaluated():
                self.target_evaluations.append(event)
                if event.passed:
                    own = self.cost + self.discarded_cost
                    whole = own + self.arms.cost_of_others(own.compute)
                    self.mastered_ahead[event.stage] = replace(whole, seconds=self.seconds)
            case events.RunEnded():
                self.end = event
            case RaceStarted() | ArmEvaluated() | FavouritesChanged() | ArmSelected():
                self.arms.add(event, self.last_written)
            case _:
                assert_never(event)

    def _start_visit(self, event: events.VisitStarted) -> None:
        if event.reason is VisitReason.FRESH_START:
            self.stages_trained_on.clear()
        self.visits.append(
            Visit(
                number=event.visit,
                stage=event.stage,
                visit_reason=event.reason,
                retuning=event.retuning,
                learning_rate=event.learning_rate,
                hidden_size=event.hidden_size,
                started=self.seconds,
            )
        )

    def _evaluate(self, event: events.Evaluated) -> None:
        visit = self.visits[-1]
        visit.evaluations.append(event)
        visit.reason = event.decision.reason
        visit.seconds = self.seconds - visit.started
        self.stages_trained_on |= event.examples_by_stage.keys()
        self._charge(event.cost, event.discarded_cost)

    def _report(self, report: TrialReport) -> None:
        """A trial's cost counts as discarded until it is selected."""
        visit = self.visits[-1]
        earlier = (each.cost for each in reversed(visit.reports) if each.trial == report.trial)
        before = next(earlier, Cost())
        visit.reports.append(report)
        visit.report_times.append(self.last_written)
        visit.seconds = self.seconds - visit.started
        self._charge(self.cost, self.discarded_cost + (report.cost - before))

    def _select(self, event: events.TrialSelected) -> None:
        visit = self.visits[-1]
        visit.selection = event
        visit.learning_rate = event.learning_rate
        visit.hidden_size = event.hidden_size
        self._charge(self.cost + event.cost, self.discarded_cost - event.cost)

    def _end_visit(self, event: events.VisitEnded) -> None:
        visit = self.visits[-1]
        visit.verdict = event.verdict
        visit.kept = event.kept
        visit.restored = event.restored
        visit.limit_reached = event.limit_reached
        visit.next_stage = event.next_stage
        visit.ended = self.seconds
        if event.reach is not None:
            self.mastered_in_order = event.reach

    def _charge(self, cost: Cost, discarded_cost: Cost) -> None:
        """The run's cost is now this; what is new is the last visit's."""
        visit = self.visits[-1]
        visit.cost = visit.cost + (cost - self.cost)
        visit.discarded_cost = visit.discarded_cost + (discarded_cost - self.discarded_cost)
        self.cost, self.discarded_cost = cost, discarded_cost


def run_status(ended: str | None, stop: str | None, *, running: bool) -> str:
    """A run's status: how it ended, or else that it is running, how it stopped, or that it was killed."""
    return ended or ("running" if running else stop or "killed")
