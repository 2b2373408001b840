"""Compares strategies in front of a user: runs what is missing, then tells what came of it."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from curriculum.attempts import Planned, amount_of, default_amount, planned, rates_of
from curriculum.campaign import Campaign, Terms, experiment_of
from curriculum.errors import UsageError, did_you_mean
from curriculum.learn.process import configure, threads_for
from curriculum.plan import strategy_of
from curriculum.record.history import History, Result
from curriculum.record.store import Store
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import Comparison, compared

__all__ = ["compare", "numbers_of", "seeds_of"]

DEFAULT_STRATEGIES = ("gated", "direct")
DEFAULT_SEEDS = "0..5"
MOST_SEEDS = 10_000


def compare(options: argparse.Namespace) -> int:
    """Compare strategies on each of the experiments; the exit code."""
    strategies = _strategies(options.strategies)
    found = []
    for name in options.experiments:
        if options.run:
            comparison = _after_running(name, strategies or DEFAULT_STRATEGIES, options)
            if comparison is None:
                return 130
        else:
            comparison = _from_store(name, strategies, options)
        found.append(comparison)
    _show(found, options)
    return 0


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds that were typed: `0..5`, `0,2,7`, or both.

    >>> seeds_of("0..2,7")
    (0, 1, 2, 7)

    Raises:
        UsageError: where it is no such list.
    """
    found: list[int] = []
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d{1,9})(?:\.\.(\d{1,9}))?\s*", part, re.ASCII)
        first, last = (0, -1) if span is None else (int(span[1]), int(span[2] or span[1]))
        if not first <= last < first + MOST_SEEDS:
            raise UsageError(
                f"--seeds must be a list such as 0..5 or 0,2,7, of whole numbers that rise, got {text!r}"
            )
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def numbers_of(text: str) -> tuple[float, ...]:
    """The learning rates that were typed, in rising order.

    Raises:
        UsageError: where it is no list of numbers above 0.
    """
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(0 < number < 1e300 for number in found):
        raise UsageError(
            f"--learning-rates must be numbers above 0, such as 1e-3,3e-3,1e-2, got {text!r}"
        )
    return tuple(found)


def _strategies(text: str | None) -> tuple[str, ...]:
    names = () if text is None else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        strategy_of(name)
    return names


def _from_store(name: str, strategies: Sequence[str], options: argparse.Namespace) -> Comparison:
    """The comparison of the runs that the store has."""
    store = Store(options.store)
    title = experiment_of(name, ())[0].name if name.endswith(".py") else name
    described = [(folder, folder.description()) for folder in store.some_runs()]
    names = {str(begun["experiment"]) for _, begun in described}
    if title not in names:
        raise UsageError(
            f"no run in {options.store} is of {title!r}; {did_you_mean(title, names)}, or run them "
            f"with 'compare {shlex.quote(name)} --run'"
        )
    attempts = [
        Attempt.of(History.of(folder))
        for folder, begun in described
        if begun["experiment"] == title
    ]
    return compared(
        title, [a for a in attempts if _is_asked_for(a, strategies, options)], strategies
    )


def _is_asked_for(attempt: Attempt, strategies: Sequence[str], options: argparse.Namespace) -> bool:
    """Whether a run is one of those that the command line names, as far as it does."""
    if strategies and attempt.strategy not in strategies:
        return False
    if options.seeds is not None and attempt.seed not in seeds_of(options.seeds):
        return False
    if options.learning_rates is not None:
        rates = numbers_of(options.learning_rates)
        if attempt.learning_rate not in rates:
            return False
    return True


def _after_running(
    name: str, strategies: Sequence[str], options: argparse.Namespace
) -> Comparison | None:
    """The comparison, after what it lacks was run; None where that was interrupted."""
    overrides = tuple(options.overrides)
    experiment, _ = experiment_of(name, overrides)
    rates = rates_of(experiment)
    if options.learning_rates is not None:
        rates = numbers_of(options.learning_rates)
    amount = default_amount(experiment, len(rates))
    if options.budget is not None:
        amount = amount_of(options.budget)
    seeds = seeds_of(options.seeds or DEFAULT_SEEDS)
    plans = list(planned(experiment, strategies, seeds, amount, rates))
    threads = options.threads or (
        1 if options.jobs > 1 else threads_for(experiment.model.hidden_size)
    )
    configure(threads)  # what is there must have been run by as many
    terms = Terms(
        name, overrides, amount, len(rates), options.store.absolute(), options.device, threads
    )
    campaign = Campaign(terms, plans)
    with _told(experiment.name, campaign) as tell:
        whole = campaign.run(options.jobs, tell)
    if not whole:
        done = f"{len(campaign.there)} of {len(plans)} runs are over"
        print(f"curriculum: interrupted; {done}, and the same command goes on", file=sys.stderr)
        return None
    store = Store(options.store)
    histories = (History.of(store.find(campaign.there[plan])) for plan in plans)
    return compared(experiment.name, list(map(Attempt.of, histories)), strategies)


class _Teller:
    """Tells of each run that is over: a line, and on a terminal a bar below the lines."""

    def __init__(self, progress: Progress, *, whole: int, missing: int) -> None:
        self._progress = progress
        self._whole, self._done = whole, whole - missing
        self._task = progress.add_task("runs", total=whole, completed=self._done)

    def __call__(self, plan: Planned, result: Result) -> None:
        self._done += 1
        reach = "no stage" if result.reach is None else str(result.reach)
        self._progress.console.print(
            f"{self._done:>{len(str(self._whole))}}/{self._whole}  {plan.strategy}, seed {plan.seed}, "
            f"learning rate {plan.learning_rate:g}: {reach}, {result.seconds:.1f} s",
            highlight=False,
            soft_wrap=True,
        )
        self._progress.update(self._task, completed=self._done)


@contextmanager
def _told(name: str, campaign: Campaign) -> Iterator[_Teller]:
    console = Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)
    missing, there = len(campaign.missing), len(campaign.there)
    amount = campaign.terms.amount
    console.print(
        f"{name}: {missing} runs to do, {there} are there; each strategy gets {amount.value:.3g} "
        f"{amount.unit} a seed",
        highlight=False,
        soft_wrap=True,
    )
    columns = (TextColumn(name), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield _Teller(progress, whole=missing + there, missing=missing)


def _show(found: Sequence[Comparison], options: argparse.Namespace) -> None:
    """Print the comparisons, and write what was asked for."""
    for each in found:
        print(
            each.experiment,
            {n: (o.reach, o.ratio) for n, o in each.outcomes.items()},
            each.left_out,
            each.stage,
            each.budget,
            each.unit,
        )
