"""A run as its journal tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from curriculum.plan import Stage
from curriculum.record.journal import Record, read_journal
from curriculum.record.store import RunFolder

__all__ = ["History", "Result", "StageResult", "Visit"]


@dataclass(slots=True)
class Visit:
    """One stay on a stage."""

    number: int
    stage: Stage
    entry: str
    learning_rate: float
    hidden_size: int
    started: float
    verdict: str = "learning"
    reason: str = ""
    overrun: str | None = None
    steps: int = 0
    tokens: int = 0
    compute: float = 0.0
    seconds: float = 0.0
    ended: float | None = None
    looks: list[Record] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """What a visit came to. Tokens are those trained on; seconds include its looks."""

    length: int
    vocab_size: int
    verdict: str
    steps: int
    tokens: int
    seconds: float
    learning_rate: float
    hidden_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        status: `reached` the target, `stopped` short of it, `interrupted`, `failed`;
            `running` or `killed` while there is no last record.
        reach: the hardest stage of the path that was mastered; None where none was.
        weights_sha256: digest of the final model's tensors.
    """

    run_id: str
    experiment: str
    seed: int
    status: str
    reach: Stage | None
    weights_sha256: str | None
    steps: int
    tokens: int
    seconds: float
    stages: tuple[StageResult, ...]

    def as_json(self) -> dict[str, Any]:
        """The result as the command line's `--json` prints it."""
        content = asdict(self)
        content["stages"] = [asdict(stage) for stage in self.stages]
        return content


class History:
    """A run's visits, and how it ended, added up from its records in order.

    Attributes:
        visits: all visits so far.
        end: the last record, once the run is over.
        reach: the hardest stage mastered so far.
        steps: optimizer steps so far, over all visits.
        tokens: trained on so far.
        seconds: since the run's start.
    """

    def __init__(self, description: dict[str, Any], records: Iterable[Record] = ()) -> None:
        self.description = description
        self.visits: list[Visit] = []
        self.end: Record | None = None
        self.reach: Stage | None = None
        self.steps = 0
        self.tokens = 0
        self.seconds = 0.0
        for record in records:
            self.add(record)

    @classmethod
    def of(cls, folder: RunFolder) -> History:
        """The history of a run on disk."""
        records: Iterator[Record] = iter(())
        if folder.journal.exists():
            records = (record for record, _ in read_journal(folder.journal))
        return cls(folder.description(), records)

    def add(self, record: Record) -> None:
        """Take one more record into account."""
        self.seconds = record["clock"]["seconds"]
        kind = record["kind"]
        if kind == "visit":
            self.visits.append(
                Visit(
                    number=record["visit"],
                    stage=Stage.from_key(record["stage"]),
                    entry=record["entry"],
                    learning_rate=record["learning_rate"],
                    hidden_size=record["hidden_size"],
                    started=self.seconds,
                )
            )
        elif kind == "look":
            self._add_look(record)
        elif kind == "verdict":
            visit = self.visits[-1]
            visit.verdict = record["verdict"]
            visit.overrun = record["overrun"]
            visit.ended = self.seconds
            if record["reach"] is not None:
                self.reach = Stage.from_key(record["reach"])
        elif kind == "end":
            self.end = record

    def status(self, *, running: bool = False) -> str:
        """How the run stands; `running` says whether a living process holds it."""
        if self.end is not None:
            return str(self.end["status"])
        return "running" if running else "killed"

    def result(self, *, running: bool = False) -> Result:
        """What the run came to, so far."""
        return Result(
            run_id=self.description["id"],
            experiment=self.description["experiment"],
            seed=self.description["seed"],
            status=self.status(running=running),
            reach=self.reach,
            weights_sha256=None if self.end is None else self.end["weights_sha256"],
            steps=self.steps,
            tokens=self.tokens,
            seconds=round(self.seconds, 3),
            stages=tuple(map(_stage_result, self.visits)),
        )

    def _add_look(self, record: Record) -> None:
        visit = self.visits[-1]
        visit.looks.append(record)
        visit.reason = record["decision"]["reason"]
        visit.seconds = self.seconds - visit.started
        before = self.visits[-2].looks[-1]["spent"] if len(self.visits) > 1 else {}
        spent = record["spent"]
        visit.steps = spent["steps"] - before.get("steps", 0)
        visit.tokens = spent["tokens"] - before.get("tokens", 0)
        visit.compute = spent["compute"] - before.get("compute", 0)
        self.steps, self.tokens = spent["steps"], spent["tokens"]


def _stage_result(visit: Visit) -> StageResult:
    return StageResult(
        length=visit.stage.length,
        vocab_size=visit.stage.vocab_size,
        verdict=visit.verdict,
        steps=visit.steps,
        tokens=visit.tokens,
        seconds=round(visit.seconds, 3),
        learning_rate=visit.learning_rate,
        hidden_size=visit.hidden_size,
    )
