"""The pictures of a comparison that take more than its numbers: what the final models still do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from curriculum.record.history import History
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import Comparison, Entry, Outcome
from curriculum.report.extrapolation_plot import extrapolation_curves
from curriculum.report.html import Picture
from curriculum.report.retention_plot import retention_map

__all__ = ["pictures_of"]

MOST_MAPS = 4
"""Maps of retention on a page, of the strategies that got furthest."""


def pictures_of(comparison: Comparison, histories: Mapping[str, History]) -> Iterator[Picture]:
    """Retention along the best runs, and how far beyond their training all got.

    Args:
        comparison: what was compared.
        histories: its runs', by their ids.
    """
    for outcome in sorted(comparison.outcomes.values(), key=_merit)[:MOST_MAPS]:
        seed, entry = min(outcome.entries.items(), key=lambda item: -item[1].reach)
        history = histories[best_of(entry).run_id]
        if history.retention:
            title = f"{outcome.strategy}, seed {seed}"
            yield Picture(
                retention_map(history.retention, title),
                f"Retention under {title}: after each stage that was mastered, the score on "
                f"every stage of the path, on examples of a stream of their own.",
            )
    retests = {
        name: [found for entry in outcome.entries.values() if (found := _retests(entry, histories))]
        for name, outcome in comparison.outcomes.items()
    }
    retests = {name: found for name, found in retests.items() if found}
    if retests:
        yield Picture(
            extrapolation_curves(retests, f"{comparison.experiment}: final models, tested again"),
            "The final models on every length of the path, and beyond it: the median over seeds.",
        )


def best_of(entry: Entry) -> Attempt:
    """Of a strategy's attempts with one seed, the one that got furthest, for least."""

    def merit(attempt: Attempt) -> tuple[float, float]:
        spent = attempt.mastered[attempt.reach] if attempt.mastered else attempt.total
        return -attempt.reach, getattr(spent, entry.unit)

    return min(entry.attempts, key=merit)


def _merit(outcome: Outcome) -> tuple[float, float]:
    place = int(outcome.reach.value)
    unit = next(iter(outcome.entries.values())).unit
    return -place, outcome.spent(place, unit).value if place >= 0 else 0.0


def _retests(entry: Entry, histories: Mapping[str, History]) -> list[dict[str, object]]:
    return list(histories[best_of(entry).run_id].retests)
