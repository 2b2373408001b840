"""Races trials in compute: the one that has cost least is trained next, and the first to master wins."""

from collections.abc import Callable, Iterable, Iterator

from curriculum.record import TrialReport

ROUND = 4
"""Trials of a round, whatever the number of processes: one costs at most four times its winner."""


def race(trials: Iterable[int], advance: Callable[[int], TrialReport]) -> Iterator[TrialReport]:
    """Advance the trial that has cost least compute, time and again; yield each report.

    Ends with the first that masters, or when none can be trained further. So the order, the winner
    and the cost follow from the trials alone, however many are computed at once; and a
    race costs at most the number of trials times its winner's compute, up to an evaluation
    of each.
    """
    compute = dict.fromkeys(trials, 0.0)
    while compute:
        # Of equals the lowest number: so a tie goes to the carried settings, which come first.
        number = min(compute, key=lambda trial: (compute[trial], trial))
        report = advance(number)
        yield report
        if report.passed:
            return
        if report.ending is None:
            compute[number] = report.cost.compute
        else:
            del compute[number]
