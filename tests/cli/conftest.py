from pathlib import Path

import pytest
from command_line import TINY

import curriculum
from curriculum import Experiment
from curriculum.record import Store


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, tiny: Experiment) -> Path:
    """The folder of a run that reached its target."""
    root = tmp_path_factory.mktemp("recorded")
    result = curriculum.run(tiny, 3, store=root, mirror=False)
    return Store(root).find(result.run_id).path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TINY)
    return path
