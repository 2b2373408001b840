import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import curriculum
from curriculum import (
    Adam,
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Result,
    Saving,
    Stage,
    Stop,
    Training,
)
from curriculum.models import Recurrent
from curriculum.record.journal import Record, read_journal
from curriculum.record.store import RunFolder, Store
from tasks import FirstBit

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run beside each other; torch isn't loaded yet

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


Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class StoppedRun:
    """A run in a store of its own, and what it would have come to without the stop."""

    experiment: Experiment
    root: Path
    weights_sha256: str
    journal: tuple[Record, ...]

    @property
    def folder(self) -> RunFolder:
        return Store(self.root).find("last")

    def copied(self, root: Path) -> "StoppedRun":
        """The same in another store."""
        shutil.copytree(self.root, root)
        return StoppedRun(self.experiment, root, self.weights_sha256, self.journal)

    def records(self) -> tuple[Record, ...]:
        """What the journal holds, its clock apart."""
        return tuple(
            {key: value for key, value in record.items() if key != "clock"}
            for record, _ in read_journal(self.folder.journal)
        )

    def resume(self, **more: Any) -> Result:
        return curriculum.resume("last", store=self.root, mirror=False, **more)


@pytest.fixture(scope="session")
def stopped_run(tmp_path_factory: pytest.TempPathFactory) -> StoppedRun:
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(2, 3, 4)),
        criterion=Mastery(threshold=1.0, least_steps=9),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(batch_size=16, look_every=3),
        budget=Budget(steps_per_stage=300),
        name="stopped",
    )
    whole = tmp_path_factory.mktemp("whole")
    result = curriculum.run(experiment, store=whole, mirror=False)
    assert result.status == "reached"

    def tired(record: Record) -> None:
        if record["kind"] == "look" and record["visit"] == 2:
            looks.append(record)
        if len(looks) == 3:
            stop.request()

    stop, looks = Stop(), list[Record]()
    root = tmp_path_factory.mktemp("stopped") / "store"
    cut = curriculum.run(
        experiment,
        store=root,
        mirror=False,
        listener=tired,
        saving=Saving(every=0, keep=3),
        stop=stop,
    )
    assert cut.status == "interrupted"
    found = StoppedRun(experiment, root, result.weights_sha256 or "", ())
    assert [path.name[:6] for path in found.folder.saved] == ["000001"] + 4 * ["000002"]
    told = StoppedRun(experiment, whole, "", ()).records()
    return StoppedRun(experiment, root, found.weights_sha256, told)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Experiment], Path]:
    """The store of each experiment's run without a stop."""
    found: dict[str, Path] = {}

    def whole(name: str, experiment: Experiment) -> Path:
        if name not in found:
            found[name] = tmp_path_factory.mktemp("whole") / "store"
            saving = Saving(every=float("inf"))
            curriculum.run(experiment, 1, store=found[name], mirror=False, saving=saving)
        return found[name]

    return whole


@pytest.fixture(scope="session")
def forge() -> Callable[[Path, Change], None]:
    """Changes what stands in `state.json`, and gives it a digest that says it is right."""

    def change_and_sign(checkpoint: Path, change: Change) -> None:
        path = checkpoint / "state.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        sign_files(checkpoint)

    return change_and_sign


@pytest.fixture(scope="session")
def sign() -> Callable[[Path], None]:
    """Writes the digests of a checkpoint's files as they are now."""
    return sign_files


def sign_files(checkpoint: Path) -> None:
    names = ("model.safetensors", "optimizer.safetensors", "state.json")
    digests = {name: hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() for name in names}
    (checkpoint / "digest.json").write_text(json.dumps(digests))
