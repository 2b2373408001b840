"""What a search over curricula found, in words, as tables, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from curriculum.comparison import (
    LEAST_SEEDS,
    Confirmation,
    CurriculumTrial,
    Optimization,
    Ratio,
    TargetCost,
    least_seeds,
)
from curriculum.errors import counted
from curriculum.report.comparison.advantage import NOT_KNOWN, advantage
from curriculum.report.screen import literal_console
from curriculum.report.units import short

WIDTH = 80
MOST_ROWS = 10
"""Of trials, in a terminal."""

Rows = list[tuple[str, ...]]

_IN_WORDS = {
    "better": "better than {}",
    "worse": "worse than {}",
    "inconclusive": "inconclusive",
}


def optimization_sentences(found: Optimization, command: str) -> Iterator[str]:
    """What came out, in the order of what matters: the verdicts first, then how to read the figures."""
    yield from _verdicts(found)
    yield f"To run it: {command}"
    yield _searched(found)
    yield (
        f"Costs are {found.unit} up to the target, as geometric means over seeds; a seed that did not "
        f"reach it counts as if it had at the end of its budget ({short(found.budget, found.unit)}), "
        f"and so for less than it would have cost."
    )
    if found.importances:
        parts = sorted(found.importances.items(), key=lambda pair: -pair[1])
        shares = ", ".join(f"{name} {share:.0%}" for name, share in parts)
        yield f"What mattered in the first rung (PED-ANOVA): {shares}."


def trial_rows(found: Optimization) -> Rows:
    """A head, and the trials from best to worst."""
    rows: Rows = [("trial", "settings", "rung", "reached", found.unit)]
    for trial in found.ranking:
        last = trial.costs[-1]
        reached = f"{last.reached}/{len(last.results)}"
        cost = f"{'≥ ' if last.censored else ''}{short(last.mean, found.unit)}"
        rows.append((trial.label, trial.brief, str(len(trial.costs)), reached, cost))
    return rows


def confirmation_rows(found: Confirmation) -> Rows:
    """A head, and the best beside what it is compared with, on fresh seeds."""
    unit = found.best.unit
    rows: Rows = [
        ("curriculum", "reached", unit, "the best found is", "verdict"),
        ("best found", *_cost(found.best), "", ""),
    ]
    for name, cost in found.others.items():
        rows.append((name, *_cost(cost), advantage(found.ratios[name]), found.verdict(name)))
    return rows


def print_optimization(found: Optimization, command: str, stream: TextIO) -> None:
    """Print the tables and the sentences."""
    terminal = stream.isatty()
    console = literal_console(
        file=stream,
        width=None if terminal else WIDTH,
        highlight=False,
        force_jupyter=False,
        force_terminal=None if terminal else False,  # FORCE_COLOR would say it is one
    )
    rows = trial_rows(found)
    title = f"{found.experiment}: the best of {counted(len(found.trials), 'trial')}"
    console.print(_table(title, rows[: MOST_ROWS + 1]))
    if found.confirmation is not None:
        seeds = counted(len(found.confirmation.best.results), "fresh seed")
        console.print(_table(f"On {seeds}", confirmation_rows(found.confirmation)))
    for sentence in optimization_sentences(found, command):
        console.print(sentence, soft_wrap=sentence.endswith(command))


def optimization_json(found: Optimization, command: str) -> dict[str, Any]:
    """All of it, trial by trial and seed by seed. Infinite is null."""
    content: dict[str, Any] = {
        "experiment": found.experiment,
        "unit": found.unit,
        "budget": found.budget,
        "learning_rates": found.learning_rates,
        "seeds": found.seeds,
        "over": {name: _parameter(each) for name, each in found.parameters.items()},
        "best": {"trial": found.best.number, "command": command},
        "importances": found.importances,
        "trials": [_trial(trial) for trial in found.trials],
        "confirmation": None,
    }
    if (confirmed := found.confirmation) is not None:
        content["confirmation"] = {
            "best": _seeds(confirmed.best),
            "others": {
                name: {
                    **_seeds(cost),
                    "ratio": _ratio_json(confirmed.ratios[name]),
                    "adjusted_p_value": confirmed.adjusted_p_values[name],
                    "best_is": confirmed.verdict(name),
                }
                for name, cost in confirmed.others.items()
            },
        }
    return content


def _verdicts(found: Optimization) -> Iterator[str]:
    """Whether the best is better than what it was compared with."""
    confirmed, best = found.confirmation, found.best
    if confirmed is None:
        yield f"No other curriculum than {best.label} was given the whole budget: all that were proposed are the same."
        return
    seeds = len(confirmed.best.results)
    for name, ratio in confirmed.ratios.items():
        other = confirmed.others[name]
        words = advantage(ratio, name)
        if words == NOT_KNOWN:
            words = f"not known to be cheaper or dearer than {name}"
        yield (
            f"On {counted(seeds, 'fresh seed')} the best found is {words}: "
            f"{_IN_WORDS[confirmed.verdict(name)].format(name)} ({confirmed.best.reached} of {seeds} "
            f"reached the target, {other.reached} with {name})."
        )
    ahead = [t for t in found.trials if t.name and t.values and t.values[-1] < best.values[-1]]
    if ahead:
        names = " and ".join(trial.name for trial in ahead)
        yield f"In the search {names} cost less than the best of what was proposed ({best.label})."
    least = least_seeds(max(1, len(confirmed.ratios)))
    if seeds < least:
        yield (
            f"An interval needs at least {LEAST_SEEDS} fresh seeds, and a verdict {least}; there are "
            f"{seeds}."
        )
    yield (
        "The fresh seeds had no part in the choice, so its luck on the others is not in these ratios; "
        "their intervals hold the true median in at least 95 % of cases, and the verdicts are corrected "
        "for their number (Holm)."
    )


def _searched(found: Optimization) -> str:
    """What was searched, and what it took."""
    refused = sum(trial.problem is not None for trial in found.trials)
    complete = sum(trial.complete for trial in found.trials)
    over = ", ".join(f"{name} {_parameter(each)}" for name, each in found.parameters.items())
    without = f", {refused} could not be run" if refused else ""
    return (
        f"{counted(len(found.trials), 'trial')} over {over}; {complete} went on to all "
        f"{counted(len(found.seeds), 'seed')} and the whole budget{without}."
    )


def _parameter(parameter: Any) -> str:
    """A range or choices as they are typed."""
    values = getattr(parameter, "values", None)
    if values is None:
        return f"{parameter.low:g}..{parameter.high:g}"
    return ",".join(map(str, values))


def _cost(cost: TargetCost) -> tuple[str, str]:
    mean = f"{'≥ ' if cost.censored else ''}{short(cost.mean, cost.unit)}"
    return f"{cost.reached}/{len(cost.results)}", mean


def _table(title: str, rows: Sequence[Sequence[str]]) -> Table:
    head, *body = rows
    table = Table(
        title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False
    )
    for name in head:
        left = name in ("trial", "settings", "curriculum", "the best found is", "verdict")
        table.add_column(Text(name), justify="left" if left else "right", overflow="fold")
    for row in body:
        table.add_row(*map(Text, row))
    return table


def _trial(trial: CurriculumTrial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "name": trial.name,
        "settings": trial.settings,
        "words": trial.words,
        "complete": trial.complete,
        "problem": trial.problem,
        "rungs": [_seeds(cost) for cost in trial.costs],
    }


def _seeds(cost: TargetCost) -> dict[str, Any]:
    """Costs seed by seed; null where the target was not reached."""
    return {
        "budget": cost.budget,
        "mean": cost.mean,
        "reached": cost.reached,
        "censored": cost.censored,
        "seeds": {
            str(seed): {
                "cost": None if result.target_cost is None else cost.of(seed),
                "run_ids": [run.run_id for run in result.runs],
            }
            for seed, result in cost.results.items()
        },
    }


def _ratio_json(ratio: Ratio) -> dict[str, Any]:
    names = ("least", "most", "low", "high", "count", "p_value")
    values = {name: getattr(ratio, name) for name in names}
    return {n: None if v is not None and math.isinf(v) else v for n, v in values.items()}
