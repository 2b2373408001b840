"""How far sweeps are, as lines of text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from curriculum.errors import counted
from curriculum.report.sweep_counts import reaches_in_words
from curriculum.report.units import short
from curriculum.sweeps import SweepStatus, VariantStatus

MOST_VARIANTS = 60
MOST_FAILURES = 5
"""That are told of a sweep; `runs` tells of all."""


def sweep_list(statuses: Sequence[SweepStatus]) -> Iterator[str]:
    """A line for each sweep."""
    for status in statuses:
        names = ", ".join(status.record.experiments[:3])
        more = len(status.record.experiments) - 3
        names += f" and {more} more" if more > 0 else ""
        search = "search: " if status.record.kind == "search" else ""
        yield f"{status.id}  {status.state:<7}  {_counts(status)}  ({search}{names})"


def describe_sweep(status: SweepStatus) -> Iterator[str]:
    """A sweep's state, how far its runs came, and what failed."""
    yield f"{status.record.kind.capitalize()} {status.id}: {status.state}; {_counts(status)}"
    spent = f"cost so far {short(status.compute, 'compute')}"
    if status.seconds_left:
        spent += f"; about {short(status.seconds_left, 'seconds')} left"
    yield spent
    for name, variant in [*status.variants.items()][:MOST_VARIANTS]:
        yield f"  {name}: {_variant(variant)}"
    more = len(status.variants) - MOST_VARIANTS
    if more > 0:
        yield f"  and {counted(more, 'more variant')}; --json tells of all"
    for run_id, why in [*status.failures.items()][:MOST_FAILURES]:
        yield f"  run {run_id} failed: {_in_a_line(why)}"
    more = status.failed - min(len(status.failures), MOST_FAILURES)
    if more > 0:
        yield f"  {counted(more, 'run')} more failed; 'runs' lists them"


def _variant(variant: VariantStatus) -> str:
    """What came of the runs that differ in their seed alone."""
    done = f"{variant.done:,} of {counted(variant.runs, 'run')} done"
    failed = f", {variant.failed:,} failed" if variant.failed else ""
    reach = f"; {reaches_in_words(Counter(variant.reaches))}" if variant.reaches else ""
    cost = f"; cost {short(variant.compute, 'compute')}" if variant.compute else ""
    return f"{done}{failed}{reach}{cost}"


def _in_a_line(why: str) -> str:
    """Why a run failed; of a traceback the end, which says what was raised."""
    lines = [line.strip() for line in why.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def _counts(status: SweepStatus) -> str:
    total = counted(len(status.record.runs), "run") + " so far" * status.record.grows
    reached = f" ({status.reached:,} reached the target)" if status.done else ""
    return (
        f"{total}: {status.done:,} done{reached}, {status.running:,} running, "
        f"{status.waiting:,} waiting, {status.failed:,} failed"
    )
