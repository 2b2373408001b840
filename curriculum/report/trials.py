"""The table of a visit's trials."""

from __future__ import annotations

from typing import Any

from curriculum.record.history import Visit

__all__ = ["trials_table"]


def trials_table(visit: Visit) -> dict[str, list[Any]]:
    """A searched visit's trials as columns: number, settings, cost, score, outcome, reason."""
    trials = visit.trials
    names = list(trials[0]["settings"]) if trials else []
    chosen = None if visit.choice is None else visit.choice["trial"]
    return {
        "trial": [trial["number"] for trial in trials],
        "chosen": [trial["number"] == chosen for trial in trials],
        **{
            name.rpartition(".")[2]: [trial["settings"][name] for trial in trials] for name in names
        },
        "score": [trial["score"] for trial in trials],
        "outcome": [trial["outcome"] for trial in trials],
        "compute": [trial["compute"] for trial in trials],
        "steps": [trial["attributes"].get("steps", 0) for trial in trials],
        "tokens": [trial["attributes"].get("tokens", 0) for trial in trials],
        "reason": [trial["attributes"]["reason"] for trial in trials],
    }
