"""What a search over curricula would cost at most, before anything of it is run."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPart:
    """Runs of a search at one budget.

    Attributes:
        name: `rung 1` and so on, or `confirmation`.
        curricula: how many get so far at most; over all rounds.
        seeds: with which each is run.
        budget: of each with each seed, shared by the learning rates.
        runs: at most.
    """

    name: str
    curricula: int
    seeds: int
    budget: float
    runs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchEstimate:
    """What the missing runs of a search would cost.

    Attributes:
        trials: that it has.
        rounds: in which they are proposed.
        unit: of the budgets.
        parts: of the whole search.
        runs: that it has at most.
        done: those that are over.
        missing: those that are to be made, at most.
        compute: of these, at most.
        core_seconds: of one core each, likewise.
    """

    trials: int
    rounds: int
    unit: str
    parts: tuple[SearchPart, ...]
    runs: int
    done: int
    missing: int
    compute: float
    core_seconds: float
