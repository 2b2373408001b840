"""A comparison for other programs: CSV in long format, and strict JSON."""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from curriculum.comparison import (
    TOTALS,
    Comparison,
    MeasuredOutcome,
    Median,
    Outcome,
    Ratio,
    SeedResult,
)
from curriculum.plan import Cost, Stage
from curriculum.record import verdict_of
from curriculum.report.units import csv_cell
from curriculum.sweeps import UNITS, RunSummary

CSV_COLUMNS = ("experiment", "strategy", "length", "vocab_size", "level", "seeds", "reached")
"""The first columns; after them come, by unit, the median cost and the ends of its interval."""


MEASURED_COLUMNS = (
    *("experiment", "strategy", "seed", "metric", "unit", "length", "vocab_size", "level"),
    *("value", "difference", "learning_rate", "reach", "used_up"),
    *("tokens", "compute", "evaluation_compute", "seconds", "steps", "run_id"),
)
"""Those of what final models score. Costs are of all runs of the seed; the reach is a length."""


def as_csv(*comparisons: Comparison) -> str:
    """A line for each experiment, strategy and stage; or, of final models, for each seed.

    `inf` is never; an interval of too few seeds is empty. A name that a spreadsheet would take for a
    formula has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if any(comparison.measured for comparison in comparisons):
        writer.writerow(MEASURED_COLUMNS)
        writer.writerows(row for comparison in comparisons for row in _measured_rows(comparison))
        return text.getvalue()
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
    measured = comparison.measured
    if measured is not None:
        content["measure"] = {
            "name": measured.measure.name,
            "metric": measured.measure.metric,
            "unit": measured.measure.unit,
            "lower_is_better": measured.measure.lower_is_better,
            "stage": measured.measure.stage,
            "examples": measured.basis,
            "baseline": measured.baseline,
        }
        outcomes = {n: o | _measured(measured.outcomes[n]) for n, o in outcomes.items()}
    found: dict[str, Any] = _finite(content | {"strategies": outcomes})
    return found


def _measured(outcome: MeasuredOutcome) -> dict[str, Any]:
    """What the final models of a strategy score. Its verdict is the one on that."""
    difference = outcome.difference
    return {
        "verdict": outcome.verdict,
        "adjusted_p_value": outcome.adjusted_p_value,
        "measured": {
            "median": outcome.median,
            "difference": None if difference is None else asdict(difference),
            "single_verdict": outcome.single_verdict,
            "evaluation_share": outcome.evaluation_share,
            "ended_early": outcome.ended_early,
            "seeds": {
                seed: {
                    "run_id": each.run.run_id,
                    "learning_rate": each.run.learning_rate,
                    "value": each.value,
                    "used_up": each.run.used_up,
                    "total": each.total,
                }
                for seed, each in outcome.seeds.items()
            },
        },
    }


def _measured_rows(comparison: Comparison) -> Iterator[tuple[object, ...]]:
    measured = comparison.measured
    assert measured is not None  # all comparisons of one call are by the same measure
    measure, others = measured.measure, measured.outcomes[measured.baseline].seeds
    stage = measure.stage.length, measure.stage.vocab_size, measure.stage.level
    for name, outcome in measured.outcomes.items():
        names = csv_cell(comparison.experiment), csv_cell(name)
        results = comparison.outcomes[name].results
        for seed, each in outcome.seeds.items():
            paired = name != measured.baseline and seed in others
            difference = each.value - others[seed].value if paired else None
            reach = comparison.key(results[seed].reach)
            found = each.value, difference, each.run.learning_rate, reach, each.run.used_up
            totals = (each.total[unit] for unit in TOTALS)
            run_id = each.run.run_id
            yield (*names, seed, measure.metric, measure.unit, *stage, *found, *totals, run_id)


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
