"""Compares strategies in front of a user: runs what is missing, then tells what came of it."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from curriculum.errors import RunFailed, UsageError, did_you_mean
from curriculum.plan import strategy_of
from curriculum.record.history import History
from curriculum.record.store import Store
from curriculum.record.tracking import displayed, first_line, tracking_uri_of
from curriculum.report.attempt import Attempt
from curriculum.report.campaign_progress import CampaignProgress
from curriculum.report.comparison import Comparison, compared
from curriculum.report.comparison_export import as_csv, as_json
from curriculum.report.comparison_pictures import pictures_of
from curriculum.report.comparison_table import print_comparison
from curriculum.report.comparison_words import headline, terms
from curriculum.report.explain import spelled
from curriculum.report.html import html_report

if TYPE_CHECKING:
    from curriculum.campaign import Campaign

__all__ = ["compare", "numbers_of", "seeds_of"]

NO_METRIC = re.compile(r"[^\w\-. :/]", re.ASCII)
"""What MLflow takes in no metric's name."""

DEFAULT_STRATEGIES = ("gated", "direct")
DEFAULT_SEEDS = "0..5"
MOST_SEEDS = 10_000

SET_HERE = {
    "strategy": "--strategies names those that are compared",
    "pacing": "--strategies names those that are compared",
    "sampling": "--strategies names those that are compared",
    "budget": "--budget says what each strategy gets, such as 3e10, 2e6tokens or 500steps",
    "stuck": "no stage is tried again before the budget is used up",
    "tuning": "nothing is searched, each strategy gets the same --learning-rates",
    "training.schedule": "the learning rate is constant",
}
"""What a comparison sets by itself, and how to have a say in it."""


def compare(options: argparse.Namespace) -> int:
    """Compare strategies on each of the experiments; the exit code."""
    strategies = _strategies(options.strategies)
    for text, read in ((options.seeds, seeds_of), (options.learning_rates, numbers_of)):
        if text is not None:
            read(text)  # before anything else, so that a mistake is said at once
    for path in (options.csv, options.report):
        if path is not None:
            _check_can_be_written(path)
    _check_settings(options.overrides)
    names = list(dict.fromkeys(options.experiments))
    if options.run:
        made = [_campaign(name, strategies or DEFAULT_STRATEGIES, options) for name in names]
        found = []
        for campaign in made:
            if not _run(campaign, options.jobs):
                return 130
            found.append(_after_running(campaign, strategies or DEFAULT_STRATEGIES))
    else:
        for name in ("budget", "jobs", "threads", "device"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} says how runs are run, and so goes with --run")
        found = [_from_store(name, strategies, options) for name in names]
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
                f"--seeds must be a list such as 0..5 or 0,2,7, of whole numbers that rise, at most "
                f"{MOST_SEEDS:,} in a row, got {text!r}"
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


def _check_settings(overrides: Sequence[str]) -> None:
    """Check that nothing is asked for that a comparison sets, and would pass over."""
    for word in overrides:
        name = word.partition("=")[0].removeprefix("--").replace("-", "_")
        for part, way in SET_HERE.items():
            if word.startswith("--") and (name == part or name.startswith(f"{part}.")):
                raise UsageError(
                    f"{word.partition('=')[0]} can't be given here, since a comparison sets it: {way}"
                )


def _check_can_be_written(path: Path) -> None:
    """Check, before anything is run, that a file may be written there."""
    if path.is_dir():
        raise UsageError(f"{path} can't be written: it is a folder")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise UsageError(f"{path} can't be written: it may only be read")
        return
    above = next((folder for folder in path.absolute().parents if folder.exists()), Path("/"))
    if not above.is_dir():
        raise UsageError(f"{path} can't be written: {above} is a file")
    if not os.access(above, os.W_OK):
        raise UsageError(f"{path} can't be written: {above} may only be read")


def _strategies(text: str | None) -> tuple[str, ...]:
    parts = [] if text is None else [part.strip() for part in text.split(",")]
    names = tuple(dict.fromkeys(part for part in parts if part))
    if text is not None and not names:
        raise UsageError("--strategies names none; such as gated,direct,bandit")
    for name in names:
        strategy_of(name)
    return names


@dataclass(frozen=True, slots=True)
class _Found:
    """A comparison, and the histories that it was made from, by the runs' ids."""

    comparison: Comparison
    histories: dict[str, History]


def _of_histories(
    title: str,
    histories: Sequence[History],
    strategies: Sequence[str],
    unread: Sequence[str] = (),
) -> _Found:
    by_id = {str(history.description["id"]): history for history in histories}
    return _Found(compared(title, list(map(Attempt.of, histories)), strategies, unread), by_id)


def _from_store(name: str, strategies: Sequence[str], options: argparse.Namespace) -> _Found:
    """The comparison of the runs that the store has."""
    store = Store(options.store)
    title = _title(name)
    names, histories, unread = set[str](), [], []
    for folder in store.some_runs():
        try:
            begun = folder.description()
            names.add(str(begun["experiment"]))
            if begun["experiment"] == title and _is_asked_for(begun, strategies, options):
                histories.append(History.of(folder))
        except (UsageError, RunFailed):
            unread.append(folder.id)
    if title not in names:
        raise UsageError(
            f"no run in {options.store} is of {title!r}; {did_you_mean(title, names)} "
            f"('compare {shlex.quote(name)} --run' runs what is missing)"
        )
    return _of_histories(title, histories, strategies, unread)


def _title(name: str) -> str:
    """An experiment's name in the store; of a file, what it is called in it."""
    where, _, variable = name.partition(":")
    stem = Path(where).stem if where.endswith(".py") else where
    return f"{stem}:{variable}" if variable and variable != "experiment" else stem


def _is_asked_for(
    begun: Mapping[str, Any], strategies: Sequence[str], options: argparse.Namespace
) -> bool:
    """Whether a run is one of those that the command line names, as far as it does."""
    if strategies and begun["strategy"] not in strategies:
        return False
    if options.seeds is not None and begun["seed"] not in seeds_of(options.seeds):
        return False
    rate = begun["settings"]["optimizer.learning_rate"]
    return options.learning_rates is None or rate in numbers_of(options.learning_rates)


def _campaign(name: str, strategies: Sequence[str], options: argparse.Namespace) -> Campaign:
    """What a comparison takes, and of it what is there already."""
    from curriculum.attempting import Terms, experiment_of
    from curriculum.attempts import amount_of, default_amount, planned, rates_of
    from curriculum.campaign import Campaign
    from curriculum.learn.process import configure, threads_for

    overrides = tuple(options.overrides)
    experiment, _ = experiment_of(name, overrides)
    rates = rates_of(experiment)
    if options.learning_rates is not None:
        rates = numbers_of(options.learning_rates)
    if options.budget is not None:
        amount = amount_of(options.budget)
    else:
        amount = default_amount(experiment, len(rates))
    seeds = seeds_of(options.seeds or DEFAULT_SEEDS)
    plans = list(planned(experiment, strategies, seeds, amount, rates))
    alone = threads_for(experiment.model.hidden_size) if (options.jobs or 1) == 1 else 1
    threads = options.threads or alone
    configure(threads)  # what is there must have been run by as many
    store, device = options.store.absolute(), options.device or "auto"
    return Campaign(Terms(name, overrides, amount, len(rates), store, device, threads), plans)


def _run(campaign: Campaign, jobs: int | None) -> bool:
    """Run what is missing, and say whether all of it was."""
    with _told(campaign) as progress:
        whole = campaign.run(jobs or 1, progress)
    if not whole:
        done, count = len(campaign.there), len(campaign.plans)
        print(
            f"curriculum: interrupted; {done} of {count} runs are over, and the same command goes on",
            file=sys.stderr,
        )
    return whole


def _after_running(campaign: Campaign, strategies: Sequence[str]) -> _Found:
    store = Store(campaign.terms.store)
    histories = [History.of(store.find(campaign.there[plan])) for plan in campaign.plans]
    return _of_histories(campaign.plans[0].experiment.name, histories, strategies)


@contextmanager
def _told(campaign: Campaign) -> Iterator[CampaignProgress]:
    name = campaign.plans[0].experiment.name
    console = Console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)
    missing, there = len(campaign.missing), len(campaign.there)
    amount = campaign.terms.amount
    console.print(
        f"{name}: {spelled(missing, 'run')} to do, {there} are there; each strategy gets {amount.value:.3g} "
        f"{amount.unit} a seed",
        highlight=False,
        soft_wrap=True,
    )
    with CampaignProgress(name, console, whole=missing + there, missing=missing) as progress:
        yield progress


def _show(found: Sequence[_Found], options: argparse.Namespace) -> None:
    """Print the comparisons, and write what was asked for."""
    comparisons = [each.comparison for each in found]
    for comparison in comparisons:
        print_comparison(comparison, sys.stderr if options.json else sys.stdout)
    if options.csv is not None:
        _write(options.csv, _joined_csv(comparisons))
    if options.report is not None:
        pictures = {
            each.comparison.experiment: list(pictures_of(each.comparison, each.histories))
            for each in found
        }
        _write(options.report, html_report(comparisons, pictures=pictures))
        _attach(comparisons, options)
    if options.json:
        print(json.dumps([as_json(comparison) for comparison in comparisons]))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error
    print(f"{path} is written", file=sys.stderr)


def _joined_csv(comparisons: Sequence[Comparison]) -> str:
    """One table of all, under one head."""
    head, *_ = as_csv(comparisons[0]).splitlines()
    rows = [
        f"{comparison.experiment},{line}"
        for comparison in comparisons
        for line in as_csv(comparison).splitlines()[1:]
    ]
    return "\n".join((f"experiment,{head}", *rows, ""))


def _attach(comparisons: Sequence[Comparison], options: argparse.Namespace) -> None:
    """Attach the report to MLflow; where that is away, say so, and do without."""
    from curriculum.record.report_copy import attach_report

    store = Store(options.store)
    uri = tracking_uri_of(store, options.tracking_uri)
    for comparison in comparisons:
        metrics = {
            f"reach/{NO_METRIC.sub(' ', name)}": outcome.reach.value + 1
            for name, outcome in comparison.outcomes.items()
        }
        note = "\n\n".join((headline(comparison), *terms(comparison)))
        try:
            attach_report(
                store, uri, comparison.experiment, [options.report], note=note, metrics=metrics
            )
        except Exception as error:  # MLflow's trouble must not cost the comparison
            print(
                f"curriculum: the report is not in MLflow at {displayed(uri)}: {first_line(error)}",
                file=sys.stderr,
            )
            return
    print(f"the report is attached to MLflow at {displayed(uri)}", file=sys.stderr)
