"""What a search over curricula came to: its trials, the best of them, and that one's confirmation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from curriculum.comparison.medians import CONFIDENCE, Ratio, holm
from curriculum.comparison.paired_ratio import paired_target_ratio
from curriculum.comparison.target_cost import TargetCost
from curriculum.config import Choices, Range


@dataclass(frozen=True, kw_only=True, slots=True)
class CurriculumTrial:
    """One curriculum of a search.

    Attributes:
        number: in the order of the search.
        name: of a curriculum that is always tried, such as `direct`; empty for what was proposed.
        settings: what was proposed, by dotted name; some may have no effect beside others.
        words: what would be typed to have it.
        costs: rung by rung, as far as it came.
        values: of these, what the search goes by: their means, ties broken by how far the seeds came.
        complete: whether it was given all seeds and the whole budget.
        problem: why it can't be run; None where it can.
    """

    number: int
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    costs: tuple[TargetCost, ...] = ()
    values: tuple[float, ...] = ()
    complete: bool = False
    problem: str | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or f"trial {self.number}"

    @property
    def brief(self) -> str:
        """Its settings in few characters: `sampling combined, growth.factor 3.42`."""
        shown: list[str] = []
        for word in self.words:
            if word.startswith("--"):
                shown.append(word.removeprefix("--"))
            else:
                shown[-1] += f" {_short(word)}"
        return ", ".join(shown) or "as given"


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """The best curriculum of a search beside others, on seeds that the search did not see.

    It was chosen for its costs on other seeds, so what luck it had there is no part of these: they need
    no further correction for its having been chosen.

    Attributes:
        best: its costs.
        others: the costs of what is always tried, by name.
        ratios: what each of the others costs as a multiple of the best, seed by seed.
        adjusted_p_values: of the ratios, adjusted for their number; see `holm`.
    """

    best: TargetCost
    others: Mapping[str, TargetCost]
    ratios: Mapping[str, Ratio]
    adjusted_p_values: Mapping[str, float]

    @classmethod
    def of(cls, best: TargetCost, others: Mapping[str, TargetCost]) -> "Confirmation":
        """The confirmation from costs on the same seeds."""
        ours = [*best.results.values()]
        ratios = {
            name: paired_target_ratio(
                ours, [other.results[seed] for seed in best.results], best.unit
            )
            for name, other in others.items()
        }
        adjusted = holm([ratio.p_value for ratio in ratios.values()])
        return cls(
            best=best,
            others=others,
            ratios=ratios,
            adjusted_p_values=dict(zip(ratios, adjusted, strict=True)),
        )

    def verdict(self, name: str) -> str:
        """`better` or `worse` than that other one, where it is shown; else `inconclusive`."""
        if self.adjusted_p_values[name] > 1 - CONFIDENCE:
            return "inconclusive"
        return {"helped": "better", "hurt": "worse"}.get(self.ratios[name].verdict, "inconclusive")


@dataclass(frozen=True, kw_only=True, slots=True)
class Optimization:
    """A search over curricula that is over.

    Attributes:
        experiment: its name.
        unit: of the budget.
        budget: of each curriculum with each seed, over all learning rates.
        learning_rates: that share it.
        seeds: of the search.
        parameters: what was searched, by dotted name.
        trials: all, in order.
        best: the one of least cost that was given all seeds and the whole budget; what is always tried
            is only where nothing else was.
        importances: of the parameters, summing to 1; empty for too few trials.
        confirmation: None where the best is what is always tried.
    """

    experiment: str
    unit: str
    budget: float
    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    parameters: Mapping[str, Range | Choices]
    trials: tuple[CurriculumTrial, ...]
    best: CurriculumTrial
    importances: Mapping[str, float]
    confirmation: Confirmation | None

    @property
    def ranking(self) -> tuple[CurriculumTrial, ...]:
        """All trials that could be run, best first: those that came further before the others."""
        run = [trial for trial in self.trials if trial.values]
        return tuple(sorted(run, key=lambda trial: (-len(trial.values), trial.values[-1])))


def _short(word: str) -> str:
    """A word as it was typed; of a number three digits."""
    try:
        return f"{float(word):.3g}"
    except ValueError:
        return word
