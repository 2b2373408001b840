from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from run_killer import Killer

from curriculum.record import Store


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    one = Killer(Path(__file__).with_name("killing.py"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def unbroken(killer: Killer, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Store]:
    """The store of an experiment's run that nobody kills."""

    @cache
    def made(name: str) -> Store:
        store = tmp_path_factory.mktemp(name)
        assert killer(store, name) == 0
        return Store(store)

    return made
