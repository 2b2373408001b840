"""One search as it stands: its study's trials, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from curriculum.plan import Spending
from curriculum.tune.race import Advance
from curriculum.tune.space import Settings
from curriculum.tune.told import Told

__all__ = ["Search", "mastered_by"]


class Search:
    """What has been asked, looked at and told.

    Attributes:
        visit: the visit that it is made on.
        study: the visit that its study was begun on; a retune goes on with the study.
        told: the study's trials that are over, in the order of their numbers.
        first: the number of this search's first trial.
        looks: the last look of each trial of this search.
        ending: why the search is over, in words; None while it goes on.
        chosen: whether its choice is made.
    """

    def __init__(self, visit: int, study: int, told: Iterable[Told] = ()) -> None:
        self.visit = visit
        self.study = study
        self.told = list(told)
        self.first = len(self.told)
        self.looks: dict[int, Advance] = {}
        self.ending: str | None = None
        self.chosen = False

    @classmethod
    def none(cls) -> Self:
        """What stands before any search was made."""
        found = cls(-1, -1)
        found.chosen = True
        return found

    def next(self, visit: int, *, retuning: bool) -> Self:
        """The search of another visit: in this one's study, if it tries the same stage again."""
        if retuning and visit == self.visit + 1:
            return type(self)(visit, self.study, self.told)
        return type(self)(visit, visit)

    @classmethod
    def of_records(cls, records: Iterable[Mapping[str, Any]]) -> Self:
        """The last search that the journal's records of a visit, or of visits, tell of.

        Rounds that were over stand as they were; one in flight is as if never asked.
        """
        found = cls.none()
        asked: list[int] = []
        for record in records:
            kind = record["kind"]
            if kind == "round":
                if found.chosen:
                    continued = record["study"] == found.study
                    told = found.told if continued else ()
                    found = cls(record["visit"], record["study"], told)
                asked = [int(number) for number in record["trials"]]
            elif kind == "choice":
                found.chosen = True
            else:
                found._take(record)
        if not found.chosen:
            found._forget_round(asked)
            found._find_ending()
        return found

    def recall(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take over whole rounds of this search from the journal's records."""
        for record in records:
            self._take(record)
        self._find_ending()

    @property
    def tried(self) -> int:
        """How many trials of this search are over."""
        return len(self.told) - self.first

    @property
    def best(self) -> int | None:
        """The trial that mastered, or else scored best; of equals the one with less loss."""
        standing = [look for look in self.looks.values() if not look.diverged]
        return max(standing, key=_standing).trial if standing else None

    @property
    def spent(self) -> Spending:
        """What all trials of this search have spent."""
        return sum((look.spent for look in self.looks.values()), Spending())

    @property
    def lost(self) -> Spending:
        """What all but the best have spent."""
        best = self.best
        return self.spent if best is None else self.spent - self.looks[best].spent

    def tell(self, number: int, settings: Settings, *, won: bool) -> Told:
        """A trial is over, for its round is: either one of them `won`, or none could go on."""
        look = self.looks.get(number)
        outcome = _outcome(look, won=won)
        told = Told(
            number=number,
            settings=settings,
            score=None if look is None else look.score,
            compute=0.0 if look is None else look.spent.compute,
            outcome=outcome,
            attributes={
                "steps": 0 if look is None else look.spent.steps,
                "tokens": 0 if look is None else look.spent.tokens,
                "reason": self._reason(look, outcome),
            },
        )
        self.told.append(told)
        return told

    def _reason(self, look: Advance | None, outcome: str) -> str:
        """Why the trial ended as it did, in words."""
        if outcome == "cut":
            return self.ending or "no trial could go on"
        if look is None:
            return "the race was over before its first look"
        return look.over or look.reason

    def _take(self, record: Mapping[str, Any]) -> None:
        if record["kind"] == "advance":
            self.looks[record["trial"]] = Advance.of_record(record)
        elif record["kind"] == "trial":
            self.told.append(Told.of_record(record))

    def _find_ending(self) -> None:
        """How the search has ended, if it has, is seen in the trials that are told."""
        for trial in self.told[self.first :]:
            if trial.outcome == "mastered":
                self.ending = mastered_by(trial.number)
            elif trial.outcome == "cut":
                self.ending = trial.attributes["reason"]

    def _forget_round(self, asked: list[int]) -> None:
        """Drop a round of which not all trials are told."""
        if asked and len(self.told) <= asked[-1]:
            del self.told[asked[0] :]
            self.looks = {n: look for n, look in self.looks.items() if n < asked[0]}


def mastered_by(trial: int) -> str:
    """How a search ends that a trial has won, in words."""
    return f"trial {trial} mastered the stage"


def _standing(look: Advance) -> tuple[bool, float, float, int]:
    score = -1.0 if look.score is None else look.score
    loss = float("inf") if look.loss is None else look.loss
    return look.mastered, score, -loss, -look.trial


def _outcome(look: Advance | None, *, won: bool) -> str:
    if look is not None and look.mastered:
        return "mastered"
    if look is not None and look.diverged:
        return "diverged"
    if look is not None and look.over is not None:
        return "exhausted"
    return "lost" if won else "cut"
