"""What others make of a record, for its copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curriculum.record.history import History, Visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

__all__ = ["Presentation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Presentation:
    """How a run and its visits are shown.

    Attributes:
        note: the run's note, in markdown.
        pictures: the run's plots, by name.
        visit_pictures: a searched visit's plots, by name.
        trials: a searched visit's trials as columns, by name.
    """

    note: Callable[[History], str]
    pictures: Callable[[History], dict[str, Figure]]
    visit_pictures: Callable[[Visit], dict[str, Figure]]
    trials: Callable[[Visit], dict[str, list[Any]]]
