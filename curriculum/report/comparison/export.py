"""A comparison for other programs: CSV in long format, and strict JSON."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from curriculum.comparison import Comparison, Median, Outcome, Ratio, SeedResult
from curriculum.plan import Cost, Stage
from curriculum.record import verdict_of
from curriculum.report.units import csv_cell
from curriculum.sweep import UNITS, RunSummary

CSV_COLUMNS = ("experiment", "strategy", "length", "vocab_size", "level", "seeds", "reached")
"""The first columns; after them come, by unit, the median cost and the ends of its interval."""


def as_csv(*comparisons: Comparison) -> str:
    """A line for each experiment, strategy and stage.

    `inf` is never; an interval of too few seeds is empty. A name that a spreadsheet would take for a
    formula has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    parts = (f"{unit}_{part}" for unit in UNITS for part in ("median", "low", "high"))
    writer.writerow((*CSV_COLUMNS, *parts))
    for comparison in comparisons:
        for name, outcome in comparison.outcomes.items():
            names = (csv_cell(comparison.experiment), csv_cell(name))
            seeds = len(outcome.results)
            for place, stage in enumerate(comparison.path):
                medians = (outcome.cost(place, unit) for unit in UNITS)
                costs = (cost for m in medians for cost in (m.value, m.low, m.high))
                counts = (seeds, outcome.reached(place))
                writer.writerow(
                    (*names, stage.length, stage.vocab_size, stage.level, *counts, *costs)
                )
    return text.getvalue()


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of it, seed by seed and run by run. Places are positions on `path`; infinite is null."""
    names = ("experiment", "path", "unit", "budget", "learning_rates", "stage", "left_out")
    content = {name: getattr(comparison, name) for name in (*names, "conditions")}
    outcomes = {n: _outcome(comparison, o) for n, o in comparison.outcomes.items()}
    found: dict[str, Any] = _finite(content | {"strategies": outcomes})
    return found


def _outcome(comparison: Comparison, outcome: Outcome) -> dict[str, Any]:
    return {
        "reach": outcome.reach,
        "ratio_stage": outcome.stage,
        "ratio": _ratio(outcome.ratio),
        "ratio_seconds": _ratio(outcome.seconds),
        "adjusted_p_value": outcome.adjusted_p_value,
        "verdict": outcome.verdict,
        "stages": [
            {"place": place, "reached": outcome.reached(place)}
            | {unit: outcome.cost(place, unit) for unit in UNITS}
            for place in range(len(comparison.path))
        ],
        "seeds": [_seed_result(seed, result) for seed, result in outcome.results.items()],
    }


def _ratio(ratio: Ratio | None) -> dict[str, Any] | None:
    return None if ratio is None else asdict(ratio) | {"verdict": ratio.verdict}


def _seed_result(seed: int, result: SeedResult) -> dict[str, Any]:
    costs = ((place, result.cost(place)) for place in range(result.reach + 1))
    return {
        "seed": seed,
        "reach": result.reach,
        "costs": {place: cost for place, cost in costs if cost is not None},
        "runs": [_run(run) for run in result.runs],
    }


def _run(run: RunSummary) -> dict[str, Any]:
    found = {name: getattr(run, name) for name in ("run_id", "learning_rate", "budget", "reach")}
    return found | {
        str(verdict_of(run.conditions)): dict(sorted(run.mastered.items())),
        "total": run.total,
    }


def _finite(value: Any) -> Any:
    """What strict JSON can hold: null for numbers that are not finite, lists for tuples."""
    if isinstance(value, Stage | Cost | Median):
        return _finite(asdict(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): _finite(part) for name, part in value.items()}
    return value if value is None or isinstance(value, bool | int | str) else str(value)
