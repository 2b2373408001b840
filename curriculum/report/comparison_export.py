"""A comparison for other programs: CSV in long format, and strict JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from curriculum.plan import Spending
from curriculum.report.attempt import UNITS, Attempt
from curriculum.report.comparison import Comparison, Outcome
from curriculum.report.entry import Entry
from curriculum.report.medians import Ratio

__all__ = ["as_csv", "as_json"]

CSV_COLUMNS = (
    "strategy",
    "length",
    "vocab_size",
    "seeds",
    "reached",
    *(f"{unit}_{part}" for unit in UNITS for part in ("median", "low", "high")),
)


def as_csv(comparison: Comparison) -> str:
    """A line for each strategy and stage. `inf` is never; empty an interval of too few seeds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for outcome in comparison.outcomes.values():
        for place, stage in enumerate(comparison.path):
            medians = (outcome.spent(place, unit) for unit in UNITS)
            writer.writerow(
                (
                    outcome.strategy,
                    stage.length,
                    stage.vocab_size,
                    len(outcome.entries),
                    outcome.reached(place),
                    *(value for m in medians for value in (m.value, m.low, m.high)),
                )
            )
    return text.getvalue()


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of it, seed by seed and run by run. Places are positions on `path`; infinite is null."""
    first = next(iter(next(iter(comparison.outcomes.values())).entries.values()))
    found: dict[str, Any] = _finite(
        {
            "experiment": comparison.experiment,
            "path": [asdict(stage) for stage in comparison.path],
            "unit": comparison.unit,
            "budget": comparison.budget,
            "learning_rates": comparison.learning_rates,
            "stage": comparison.stage,
            "left_out": comparison.left_out,
            "terms": first.attempts[0].terms,
            "strategies": {n: _outcome(comparison, o) for n, o in comparison.outcomes.items()},
        }
    )
    return found


def _outcome(comparison: Comparison, outcome: Outcome) -> dict[str, Any]:
    return {
        "reach": asdict(outcome.reach),
        "ratio_stage": outcome.stage,
        "ratio": _ratio(outcome.ratio),
        "ratio_seconds": _ratio(outcome.seconds),
        "stages": [
            {"place": place, "reached": outcome.reached(place)}
            | {unit: asdict(outcome.spent(place, unit)) for unit in UNITS}
            for place in range(len(comparison.path))
        ],
        "seeds": [_entry(seed, entry) for seed, entry in outcome.entries.items()],
    }


def _ratio(ratio: Ratio | None) -> dict[str, Any] | None:
    return None if ratio is None else asdict(ratio) | {"verdict": ratio.verdict}


def _entry(seed: int, entry: Entry) -> dict[str, Any]:
    spent = ((place, entry.spent(place)) for place in range(entry.reach + 1))
    return {
        "seed": seed,
        "reach": entry.reach,
        "spent": {str(place): _spending(s) for place, s in spent if s is not None},
        "runs": [_run(attempt) for attempt in entry.attempts],
    }


def _run(attempt: Attempt) -> dict[str, Any]:
    return {
        "run_id": attempt.run_id,
        "learning_rate": attempt.learning_rate,
        "budget": attempt.budget,
        "reach": attempt.reach,
        "mastered": {str(place): _spending(s) for place, s in sorted(attempt.mastered.items())},
        "total": _spending(attempt.total),
    }


def _spending(spent: Spending) -> dict[str, Any]:
    return spent.state_dict()


def _finite(value: Any) -> Any:
    """What strict JSON can hold: null for numbers that are not finite, lists for tuples."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): _finite(part) for name, part in value.items()}
    return value if value is None or isinstance(value, bool | int | str) else str(value)
