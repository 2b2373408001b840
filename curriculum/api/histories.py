"""The histories of a store's runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from curriculum import record


class Histories(Mapping[str, record.History]):
    """The histories of a store's runs by their ids; each is read when it is asked for."""

    def __init__(self, store: record.Store, run_ids: Iterable[str]) -> None:
        self._store = store
        self._found: dict[str, record.History | None] = dict.fromkeys(run_ids)

    def __getitem__(self, run_id: str) -> record.History:
        found = self._found[run_id]
        if found is None:
            found = self._found[run_id] = record.History.of(self._store.folder(run_id))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
