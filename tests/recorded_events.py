"""What the journal of a store's last run holds, its clock apart."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from interrupted_runs import (
    events,
)

from curriculum.record import Event, Store

E = TypeVar("E")


def recorded(store: Path) -> list[Event]:
    return events(Store(store).find("last"))


def of_kind(kind: type[E], events: Iterable[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def kinds(events: Iterable[Event]) -> list[type[Event]]:
    return [type(event) for event in events]
