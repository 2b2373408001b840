"""Races trials in compute: who has spent least goes on, and the first to master wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from curriculum.plan import Spending

__all__ = ["ROUND", "Advance", "race"]

ROUND = 4
"""Trials of a round, whatever the number of processes: one spends at most four times its winner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advance:
    """A trial's next look: how it stands, and what it has spent so far.

    Attributes:
        trial: its number.
        spent: since the trial began, looks included.
        loss: the mean training loss since its last look, in nats.
        score: at this look, in [0, 1].
        mastered: whether it meets the criterion, on the tuning stream.
        over: why it can't go on, in words; None while it can.
        diverged: whether it is over because its loss is no longer finite, or memory ran out.
        reason: what the look found, in words.
    """

    trial: int
    spent: Spending
    loss: float | None
    score: float | None
    mastered: bool = False
    over: str | None = None
    diverged: bool = False
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """The look as the journal keeps it."""
        return asdict(self) | {"spent": self.spent.exact()}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """The look that a record of the journal, or another process, tells of."""
        values = {name: record[name] for name in cls.__slots__}
        loss = values["loss"]  # the journal has names for what JSON has no numbers for
        changed = {"spent": Spending(**record["spent"]), "loss": loss and float(loss)}
        return cls(**values | changed)


def race(trials: Iterable[int], advance: Callable[[int], Advance]) -> Iterator[Advance]:
    """Advance the trial that has spent least compute, time and again; yield each look.

    Ends with the first that masters, or when none can go on. So the order, the winner
    and the cost follow from the trials alone, however many are computed at once; and a
    race costs at most the number of trials times its winner's compute, up to a look of each.
    """
    spent = dict.fromkeys(trials, 0.0)
    while spent:
        number = min(spent, key=lambda trial: (spent[trial], trial))
        look = advance(number)
        yield look
        if look.mastered:
            return
        if look.over is None:
            spent[number] = look.spent.compute
        else:
            del spent[number]
