"""What a sweep would do: its runs, their cost, and the hours that they take."""

from collections.abc import Iterator

from curriculum.errors import counted
from curriculum.report.units import short
from curriculum.sweeps import SearchEstimate, SweepEstimate, SweepPlan

MOST_GROUPS = 20
"""That are named; more are counted."""


def describe_estimate(plan: SweepPlan, estimate: SweepEstimate, cores: int) -> Iterator[str]:
    """A heading, a line for each variant, and what all of it costs on so many cores."""
    variants, seeds = counted(len(plan.variants), "variant"), counted(len(plan.seeds), "seed")
    yield f"{plan.title}: {counted(estimate.runs, 'run')} ({variants}, {seeds}); {estimate.done:,} done"
    for variant in plan.variants[:MOST_GROUPS]:
        yield f"  {variant.group}"
    more = len(plan.variants) - MOST_GROUPS
    if more > 0:
        yield f"  and {counted(more, 'more variant')}"
    if estimate.done == estimate.runs:
        yield "nothing is missing"
        return
    bound = "at most " if estimate.is_limit else "about "
    seconds = estimate.core_seconds / max(1, cores)
    yield (
        f"cost of what is missing: {bound}{short(estimate.compute, 'compute')}; "
        f"{bound}{short(seconds, 'seconds')} on {counted(cores, 'core')}"
    )
    if estimate.is_limit:
        yield (
            "by the budgets, with 7e10 in a second of one core; runs that reach their target early "
            "cost less"
        )


def describe_search_estimate(
    title: str, always: str, estimate: SearchEstimate, cores: int
) -> Iterator[str]:
    """A heading, a line for the runs at each budget, and what all of it costs on so many cores.

    Args:
        title: of the search.
        always: the curricula that are always tried, in words.
        estimate: of it.
        cores: that make its runs.
    """
    trials, rounds = counted(estimate.trials, "trial"), counted(estimate.rounds, "round")
    yield (
        f"{title}: {trials} in {rounds}, {always} among them; at most "
        f"{counted(estimate.runs, 'run')}; {estimate.done:,} done"
    )
    for part in estimate.parts:
        fresh = "" if part.name.startswith("rung") else "fresh "
        budget = f"{short(part.budget, estimate.unit)} {estimate.unit}"
        curricula = counted(part.curricula, "curriculum", "curricula")
        yield (
            f"  {part.name}: {'' if part.name == 'rung 1' or fresh else 'at most '}{curricula} with "
            f"{counted(part.seeds, f'{fresh}seed')}, up to {budget} each: {counted(part.runs, 'run')}"
        )
    if not estimate.missing:
        yield "nothing is missing"
        return
    seconds = estimate.core_seconds / max(1, cores)
    yield (
        f"cost of what is missing: at most {short(estimate.compute, 'compute')} compute, which takes about "
        f"{short(seconds, 'seconds')} on {counted(cores, 'core')}"
    )
    yield "runs that reach the target early cost less, and are not made again at a larger budget"
