"""What a search over curricula would cost at most: by what the store has, and by the budgets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from curriculum import sweeps
from curriculum.api.curriculum_search import CurriculumSearch
from curriculum.api.optimization_plan import ROUND, OptimizationPlan
from curriculum.comparison import CurriculumTrial
from curriculum.learn import OPERATIONS_A_SECOND

CONFIRMATION = "confirmation"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rung:
    """One rung of one round, or the confirmation.

    Attributes:
        proposed: how many of the curricula were proposed, at most; the others are always tried.
    """

    name: str
    rung: sweeps.Rung
    proposed: int
    curricula: int


def estimate_search(plan: OptimizationPlan) -> sweeps.SearchEstimate:
    """The estimate; nothing is run, and nothing written.

    What the store has of the search is gone through as a call would, up to the first runs that are missing.
    """
    known, rungs, rates = sweeps.KnownCosts(plan.settings.store), [*_rungs(plan)], len(plan.rates)
    begun = _Begun()
    search = CurriculumSearch(plan, begun)
    batch = next(search.batches(), None)
    missing = {} if batch is None else {job.run_id: search.experiments[job.run_id] for job in batch}
    costs = [(1, known.of(experiment, plan.threads)) for experiment in missing.values()]
    # What comes after is as large as it may be.
    for each in [] if batch is None else rungs[begun.rungs :]:
        costs += _most(plan, each, known)
    pace = known.compute_a_second(plan.experiment.name) or OPERATIONS_A_SECOND
    return sweeps.SearchEstimate(
        trials=plan.settings.trials,
        rounds=-(-plan.settings.trials // ROUND),
        unit=plan.amount.unit,
        parts=tuple(_parts(rungs, rates)),
        runs=sum(each.curricula * len(each.rung.seeds) * rates for each in rungs),
        done=len(begun.done),
        missing=sum(count for count, _ in costs),
        compute=sum(count * cost.compute for count, cost in costs),
        core_seconds=sum(
            count * (cost.compute / pace if cost.is_limit else cost.core_seconds)
            for count, cost in costs
        ),
    )


def _rungs(plan: OptimizationPlan) -> Iterator[_Rung]:
    """All that a search evaluates, in order, with as many curricula as may get there."""
    trials, always = plan.settings.trials, len(plan.always)
    for begun in range(0, trials, ROUND):
        named = 0 if begun else always
        proposed = min(ROUND, trials - begun) - named
        for number, rung in enumerate(plan.rungs, start=1):
            count = named + proposed
            yield _Rung(name=f"rung {number}", rung=rung, proposed=proposed, curricula=count)
            proposed = sweeps.third_of(proposed)
    fresh = sweeps.Rung(plan.settings.confirm_seeds, plan.amount)
    yield _Rung(name=CONFIRMATION, rung=fresh, proposed=1, curricula=1 + always)


def _most(
    plan: OptimizationPlan, each: _Rung, known: sweeps.KnownCosts
) -> Iterator[tuple[int, sweeps.RunCost]]:
    """How many runs of a rung cost how much: the most, but for what the store has seen the like of."""
    seeds, amount = len(each.rung.seeds), each.rung.amount
    always = [experiment for experiment, _ in plan.always.values()]
    for rate in plan.rates:
        if each.curricula > each.proposed:
            for experiment in always:
                yield seeds, known.of(plan.comparable(experiment, amount, rate), plan.threads)
        compute = sweeps.most_compute(plan.comparable(plan.space.base, amount, rate))
        most = sweeps.RunCost(
            compute=compute, core_seconds=compute / OPERATIONS_A_SECOND, is_limit=True
        )
        yield seeds * each.proposed, most


def _parts(rungs: Sequence[_Rung], rates: int) -> Iterator[sweeps.SearchPart]:
    """The rungs of all rounds together."""
    for name in dict.fromkeys(each.name for each in rungs):
        alike = [each for each in rungs if each.name == name]
        curricula, seeds = sum(each.curricula for each in alike), len(alike[0].rung.seeds)
        yield sweeps.SearchPart(
            name=name,
            curricula=curricula,
            seeds=seeds,
            budget=alike[0].rung.amount.value,
            runs=curricula * seeds * rates,
        )


@dataclass(slots=True)
class _Begun:
    """Counts the rungs of a search that the store has, or that begin now, and what of them is done."""

    rungs: int = 0
    done: set[str] = field(default_factory=set)

    def on_runs(self, run_ids: Sequence[str], done: Collection[str]) -> None:
        self.rungs += 1
        self.done.update(done)

    def on_rung(self, number: int, racing: int, trials: int) -> None: ...

    def on_round(self, trials: Sequence[CurriculumTrial]) -> None: ...

    def on_confirmation(self, best: CurriculumTrial) -> None: ...
