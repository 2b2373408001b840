"""A run as its journal tells it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from curriculum.plan import Spending, Stage
from curriculum.record.journal import Record, whole_records
from curriculum.record.store import RunFolder

__all__ = ["History", "Result", "StageResult", "Visit", "perplexity"]

LARGEST_LOSS = 700.0
"""Of more the exponential would overflow."""


@dataclass(slots=True)
class Visit:
    """One stay on a stage.

    Attributes:
        spent: by the learner that went on, looks included.
        lost: by trials that did not win, or have not won yet.
        kept: whether the model stayed as it was at the end of the visit.
        learning_rate: the one carried, and once a trial is chosen, its.
        hidden_size: likewise.
        axes: what the search varied, by dotted name; empty where there was none.
        advances: the looks at the trials, in the order of the race.
        trials: the trials that are over.
        choice: which trial won, and how the search ended.
        looks: on the stream `gate`.
    """

    number: int
    stage: Stage
    entry: str
    retuning: bool
    learning_rate: float
    hidden_size: int
    started: float
    verdict: str = "learning"
    kept: bool = False
    reason: str = ""
    overrun: str | None = None
    spent: Spending = field(default_factory=Spending)
    lost: Spending = field(default_factory=Spending)
    seconds: float = 0.0
    ended: float | None = None
    looks: list[Record] = field(default_factory=list)
    axes: Record = field(default_factory=dict)
    advances: list[Record] = field(default_factory=list)
    trials: list[Record] = field(default_factory=list)
    choice: Record | None = None

    @property
    def longest(self) -> int:
        """The longest length that was trained on; 0 for none."""
        keys = {key for look in self.looks for key in look.get("drawn", {})}
        found = max((Stage.from_key(key).length for key in keys), default=0)
        if self.choice is not None and self.choice["won"]["steps"]:
            found = max(found, self.stage.length)
        return found

    @property
    def lost_share(self) -> float:
        """The part of the visit's compute that went on trials that did not win."""
        total = self.spent.compute + self.lost.compute
        return self.lost.compute / total if total else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """What a visit came to.

    Steps and tokens are those trained on, by the learner that went on; what its losing
    trials took besides is `lost_…`, and the share of it in the visit's compute
    `lost_share`. Seconds include looks and trials.
    """

    length: int
    vocab_size: int
    verdict: str
    steps: int
    tokens: int
    seconds: float
    learning_rate: float
    hidden_size: int
    trials: int
    lost_steps: int
    lost_tokens: int
    lost_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        status: `reached` the target or `stopped` short of it, once the run is over; before,
            `running`, `interrupted`, `failed` or `killed`, and it can go on.
        ending: why it is over, or has stopped, in words.
        steps: optimizer steps, trials included; so are tokens and compute.
        lost_share: the part of the compute that went on trials that did not win.
        reach: the hardest stage of the path that was mastered; None where none was.
        held: the stages of the path that the final model still masters, retested.
        retained: the last stage up to which it masters all; None where not the first.
        extrapolated: the longest length beyond those trained on that it masters, if any.
        weights_sha256: digest of the final model's tensors.
    """

    run_id: str
    experiment: str
    seed: int
    status: str
    ending: str
    reach: Stage | None
    held: tuple[Stage, ...]
    retained: Stage | None
    extrapolated: int | None
    weights_sha256: str | None
    steps: int
    tokens: int
    compute: float
    lost_share: float
    seconds: float
    stages: tuple[StageResult, ...]

    def as_json(self) -> dict[str, Any]:
        """The result as the command line's `--json` prints it."""
        content = asdict(self)
        content["held"] = [asdict(stage) for stage in self.held]
        content["stages"] = [asdict(stage) for stage in self.stages]
        return content


class History:
    """A run's visits, and how it ended, added up from its records in order.

    Attributes:
        visits: all visits so far.
        end: the last record, once the run is over.
        stop: how it stopped before its end, if it said so.
        damaged: whether the journal could be read in part alone.
        changes: each time that it went on under other circumstances, what they were.
        retests: of the final model, in the order of the path and beyond it.
        retention: what the model, as it was after each visit, made of the path's stages.
        tests_ahead: of the path's last stage, while the walk stood on lower ones.
        ahead: what the run had spent when it mastered a stage so, by the stage's key.
        drawn: the stages that training batches were drawn from, by their keys.
        climbed: the hardest stage of the path mastered so far by the walk.
        spent: over all visits, by the learners that went on.
        lost: by trials that did not win, or have not won yet.
        seconds: since the run's start, up to the end of its last visit.
        clock: since then up to the last record, with what was retested at the end.
        last_written: the time of day of the last record; of the run's start before any.
    """

    def __init__(self, description: dict[str, Any], records: Iterable[Record] = ()) -> None:
        self.description = description
        self.visits: list[Visit] = []
        self.end: Record | None = None
        self.stop: Record | None = None
        self.damaged = False
        self.changes: list[Record] = []
        self.retests: list[Record] = []
        self.retention: list[Record] = []
        self.tests_ahead: list[Record] = []
        self.ahead: dict[str, Spending] = {}
        self.drawn: set[str] = set()
        self.climbed: Stage | None = None
        self.spent = Spending()
        self.lost = Spending()
        self.seconds = self.clock = 0.0
        self.last_written = float(description.get("created", 0.0))
        for record in records:
            self.add(record)

    @classmethod
    def of(cls, folder: RunFolder) -> History:
        """The history of a run on disk, up to any damage of its journal."""
        records, damaged = whole_records(folder.journal)
        found = cls(folder.description(), (record for record, _ in records))
        found.damaged = damaged
        found.stop = folder.stopped()
        return found

    @property
    def total(self) -> Spending:
        """All that was spent: what the run cost."""
        return self.spent + self.lost

    @property
    def lost_share(self) -> float:
        """The part of the compute that went on trials that did not win."""
        return self.lost.compute / self.total.compute if self.total.compute else 0.0

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        self.last_written = record["clock"]["time"]
        self.clock = record["clock"]["seconds"]
        kind = record["kind"]
        if kind in ("retest", "retention", "ahead", "end"):
            self._add_finding(kind, record)
            return
        self.seconds = self.clock
        if kind == "visit":
            self.visits.append(
                Visit(
                    number=record["visit"],
                    stage=Stage.from_key(record["stage"]),
                    entry=record["entry"],
                    retuning=record["retuning"],
                    learning_rate=record["learning_rate"],
                    hidden_size=record["hidden_size"],
                    started=self.seconds,
                )
            )
        elif kind == "look":
            self._add_look(record)
        elif kind == "round":
            self.visits[-1].axes = record["axes"]
        elif kind == "advance":
            self._add_advance(record)
        elif kind == "trial":
            self.visits[-1].trials.append(record)
        elif kind == "choice":
            self._add_choice(record)
        elif kind == "verdict":
            visit = self.visits[-1]
            visit.verdict = record["verdict"]
            visit.kept = record.get("kept", False)
            visit.overrun = record["overrun"]
            visit.ended = self.seconds
            if record["reach"] is not None:
                self.climbed = Stage.from_key(record["reach"])
        elif kind == "change":
            self.changes.append(record)

    def _add_finding(self, kind: str, record: Record) -> None:
        if kind == "retest":
            self.retests.append(record)
        elif kind == "retention":
            self.retention.append(record)
        elif kind == "ahead":
            self.tests_ahead.append(record)
            if record["mastered"]:
                self.ahead[record["stage"]] = replace(self.total, seconds=self.seconds)
        else:
            self.end = record

    @property
    def reach(self) -> Stage | None:
        """The hardest stage of the path mastered so far, by the walk or ahead of it."""
        if not self.ahead:
            return self.climbed
        places = {key: place for place, key in enumerate(self.description["path"])}
        found = [key for key in self.ahead if key in places]  # the path may have been changed
        if self.climbed is not None:
            found.append(self.climbed.key)
        key = max(found, key=lambda key: places.get(key, -1), default=None)
        return None if key is None else Stage.from_key(key)

    @property
    def look_count(self) -> int:
        """How many looks on the stream `gate` there were."""
        return sum(len(visit.looks) for visit in self.visits)

    @property
    def held(self) -> tuple[Stage, ...]:
        """The stages of the path that the final model masters."""
        return tuple(
            Stage.from_key(record["stage"])
            for record in self.retests
            if record["cleared"] and not record["beyond"]
        )

    @property
    def retained(self) -> Stage | None:
        """The last stage up to which the final model masters all; None for none."""
        found = None
        for record in self.retests:
            if record["beyond"] or not record["cleared"]:
                break
            found = Stage.from_key(record["stage"])
        return found

    @property
    def trained(self) -> int:
        """The longest length that the model was trained on; 0 for none."""
        found = 0
        for visit in self.visits:
            if visit.kept or visit.ended is None:
                found = max(found, visit.longest)
        return found

    @property
    def extrapolated(self) -> int | None:
        """The longest length beyond those trained on that the final model masters; or None."""
        lengths = (
            Stage.from_key(record["stage"]).length for record in self.retests if record["cleared"]
        )
        return max((length for length in lengths if length > self.trained), default=None)

    def status(self, *, running: bool = False) -> str:
        """How the run stands; `running` says whether a living process holds it."""
        if self.end is not None:
            return str(self.end["status"])
        if running:
            return "running"
        return "killed" if self.stop is None else str(self.stop["status"])

    @property
    def ending(self) -> str:
        """Why the run is over, or has stopped, in words; empty where nothing says."""
        if self.end is not None:
            return str(self.end["ending"])
        return "" if self.stop is None else str(self.stop["reason"])

    def result(self, *, running: bool = False) -> Result:
        """What the run came to, so far."""
        return Result(
            run_id=self.description["id"],
            experiment=self.description["experiment"],
            seed=self.description["seed"],
            status=self.status(running=running),
            ending=self.ending,
            reach=self.reach,
            held=self.held,
            retained=self.retained,
            extrapolated=self.extrapolated,
            weights_sha256=None if self.end is None else self.end["weights_sha256"],
            steps=self.total.steps,
            tokens=self.total.tokens,
            compute=self.total.compute,
            lost_share=round(self.lost_share, 4),
            seconds=round(self.seconds, 3),
            stages=tuple(map(_stage_result, self.visits)),
        )

    def _add_look(self, record: Record) -> None:
        visit = self.visits[-1]
        visit.looks.append(record)
        self.drawn |= record.get("drawn", {}).keys()
        visit.reason = record["decision"]["reason"]
        visit.seconds = self.seconds - visit.started
        self._spend(Spending(**record["spent"]), Spending(**record["lost"]))

    def _add_advance(self, record: Record) -> None:
        """A trial's spending counts as lost until it is chosen."""
        visit = self.visits[-1]
        trial = record["trial"]
        earlier = (look["spent"] for look in reversed(visit.advances) if look["trial"] == trial)
        before: Record = next(earlier, {})
        visit.advances.append(record)
        visit.seconds = self.seconds - visit.started
        self._spend(self.spent, self.lost + (Spending(**record["spent"]) - Spending(**before)))

    def _add_choice(self, record: Record) -> None:
        visit = self.visits[-1]
        visit.choice = record
        visit.learning_rate = record["learning_rate"]
        visit.hidden_size = record["hidden_size"]
        won = Spending(**record["won"])
        self._spend(self.spent + won, self.lost - won)

    def _spend(self, spent: Spending, lost: Spending) -> None:
        """The run's spending is now this; what is new is the last visit's."""
        visit = self.visits[-1]
        visit.spent = visit.spent + (spent - self.spent)
        visit.lost = visit.lost + (lost - self.lost)
        self.spent, self.lost = spent, lost


def perplexity(loss: float) -> float:
    """Of a mean loss in nats."""
    return math.exp(min(loss, LARGEST_LOSS))


def _stage_result(visit: Visit) -> StageResult:
    return StageResult(
        length=visit.stage.length,
        vocab_size=visit.stage.vocab_size,
        verdict=visit.verdict,
        steps=visit.spent.steps,
        tokens=visit.spent.tokens,
        seconds=round(visit.seconds, 3),
        learning_rate=visit.learning_rate,
        hidden_size=visit.hidden_size,
        trials=len({look["trial"] for look in visit.advances}),
        lost_steps=visit.lost.steps,
        lost_tokens=visit.lost.tokens,
        lost_share=round(visit.lost_share, 4),
    )
