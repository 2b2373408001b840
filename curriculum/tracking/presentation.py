"""How a run and its visits are shown in MLflow: made by others, copied by the mirror."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curriculum.record import History, Visit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Presentation:
    """What makes notes, plots and tables of a record.

    Attributes:
        note: the run's note, in markdown.
        figures: the run's plots, by name.
        visit_figures: a searched visit's plots, by name.
        trials: a searched visit's trials as columns, by name.
        visits: a run's visits as columns, by name.
    """

    note: Callable[[History], str]
    figures: Callable[[History], dict[str, Figure]]
    visit_figures: Callable[[History, Visit], dict[str, Figure]]
    trials: Callable[[Visit], dict[str, list[Any]]]
    visits: Callable[[History], dict[str, list[Any]]]
