"""The curricula of the literature by name, each a pacing and a sampling; baselines are too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from curriculum.errors import UsageError, did_you_mean
from curriculum.plan.pacing import Direct, Gated, Linear, Pacing, Root
from curriculum.plan.sampling import (
    Bandit,
    Combined,
    Current,
    Hardest,
    LookBack,
    LookBackAndAhead,
    MasteringRate,
    Mixed,
    Sampling,
    Teacher,
    Uniform,
)

__all__ = ["STRATEGIES", "Strategy", "name_of", "strategy_of"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """When the frontier moves, and which stages are trained on; `line` says it in words.

    A strategy that `guesses` is a control: it draws weights at random in place of training.
    """

    pacing: Pacing
    sampling: Sampling
    line: str
    guesses: bool = False

    @property
    def can_be_tuned(self) -> bool:
        """Whether a search can race trials on one stage after another."""
        return self.pacing.listens and self.sampling.signal is None and not self.guesses


STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "direct": Strategy(Direct(), Current(), "the last stage from the start: no curriculum"),
        "uniform": Strategy(Direct(), Uniform(), "all stages alike from the start"),
        "gated": Strategy(Gated(), Current(), "the lowest unmastered stage alone"),
        "mixed": Strategy(Direct(), Mixed(), "any length with any vocabulary, example by example"),
        "combined": Strategy(
            Gated(), Combined(), "the lowest unmastered stage, one example in five mixed"
        ),
        "look_back": Strategy(
            Gated(), LookBack(), "the lowest unmastered stage, and now and then one before it"
        ),
        "look_back_and_ahead": Strategy(
            Gated(), LookBackAndAhead(), "the lowest unmastered stage, and now and then any other"
        ),
        "linear": Strategy(Linear(), Uniform(), "stages opened evenly by the clock"),
        "root": Strategy(Root(), Uniform(), "stages opened by the clock, the later the slower"),
        "bandit": Strategy(Direct(), Bandit(), "Exp3.S on prediction gain"),
        "teacher": Strategy(
            Direct(), Teacher(), "the steepest learning curve, epsilon-greedily chosen"
        ),
        "thompson": Strategy(
            Direct(),
            Teacher(choice="thompson"),
            "the steepest learning curve, by Thompson sampling",
        ),
        "mastering_rate": Strategy(
            Direct(), MasteringRate(), "what is learnable and not mastered yet"
        ),
        "wrong_order": Strategy(Linear(), Hardest(), "a control: opened from the hard end"),
        "guess": Strategy(Gated(), Current(), "a control: weights drawn at random", guesses=True),
    }
)


def strategy_of(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        UsageError: where there is none.
    """
    found = STRATEGIES.get(name)
    if found is None:
        raise UsageError(f"there is no strategy {name!r}; {did_you_mean(name, STRATEGIES)}")
    return found


def name_of(pacing: Pacing, sampling: Sampling) -> str:
    """The name of a pair, whatever its settings; its two parts where it has none."""
    pairs = {name: each for name, each in STRATEGIES.items() if not each.guesses}
    exact = (n for n, s in pairs.items() if (s.pacing, s.sampling) == (pacing, sampling))
    kinds = (type(pacing), type(sampling))
    alike = (n for n, s in pairs.items() if (type(s.pacing), type(s.sampling)) == kinds)
    return next(exact, None) or next(alike, None) or " x ".join(k.__name__ for k in kinds).lower()
