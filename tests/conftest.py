import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage
from curriculum.models import Recurrent
from tasks import FirstBit

settings.register_profile("here", deadline=None)  # no test asserts a time
settings.load_profile("here")


@pytest.fixture
def tiny() -> Experiment:
    """A GRU on first bit, to length 5 in some 80 steps."""
    return Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Geometric(start=Stage(2), until=Stage(5)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps_per_stage=400),
        name="tiny",
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def _nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(autouse=True)
def _no_leavings() -> Iterator[None]:
    """The command line treats denormal numbers as zero, and hypothesis does not work then."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
