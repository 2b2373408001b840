import math
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from interrupted_runs import (
    Change,
    StoppedRun,
    change_and_sign,
    sign_files,
)

import curriculum
from curriculum import (
    Adam,
    Budget,
    CheckpointPolicy,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Stage,
    StopRequest,
    Training,
)
from curriculum.models import Recurrent
from curriculum.record import Evaluated, Lock, Record, Store
from curriculum.tasks import FirstBit
from curriculum.tracking import TRACKING_URI_VARIABLE, local_tracking_uri

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run beside each other; torch isn't loaded yet

settings.register_profile("tests", deadline=None)  # no test asserts a time
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes to hours has no time limit."""
    for item in items:
        if item.get_closest_marker("exhaustive") is not None:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def tiny() -> Experiment:
    """A GRU on first bit, to length 5 in some 80 steps."""
    return Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Geometric(start=Stage(2), end=Stage(5)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps_per_stage=400),
        name="tiny",
    )


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["CURRICULUM_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Puts an empty database of MLflow's in a folder: a copy, which needs no migration."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which is the same for all workers
    template = folder / "migrated" / "mlflow.db"
    with Lock(folder / "migrated.lock") as lock:
        lock.acquire(seconds=math.inf)
        if not template.exists():
            from curriculum.tracking.client import connect

            aside = Store(folder / "migrating")
            connect(aside, local_tracking_uri(aside))
            os.rename(aside.root, template.parent)

    def put_in(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "mlflow.db"
        shutil.copyfile(template, path)
        with closing(sqlite3.connect(path)) as database, database:
            artifacts = (folder / "artifacts" / "0").as_uri()
            database.execute("UPDATE experiments SET artifact_location = ?", (artifacts,))
        return path

    return put_in


@pytest.fixture
def mlflow_store(store: Path, new_database: Callable[[Path], Path]) -> Path:
    """A store with a database of MLflow's, in which there is nothing yet."""
    new_database(store)
    return store


@pytest.fixture(autouse=True)
def _no_tracking_server() -> Iterator[None]:
    """Also none that a test leaves behind: `mlflow.set_tracking_uri` writes the variable."""
    os.environ.pop(TRACKING_URI_VARIABLE, None)
    yield
    os.environ.pop(TRACKING_URI_VARIABLE, None)


@pytest.fixture(autouse=True)
def _denormal_numbers_kept() -> Iterator[None]:
    """Commands flush denormal numbers to zero for good, which hypothesis refuses."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def stopped_run(tmp_path_factory: pytest.TempPathFactory) -> StoppedRun:
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(2, 3, 4)),
        criterion=Mastery(threshold=1.0, min_steps=9),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(batch_size=16, eval_every=3),
        budget=Budget(steps_per_stage=300),
        name="stopped",
    )
    whole = tmp_path_factory.mktemp("whole")
    result = curriculum.run(experiment, store=whole, mirror=False)
    assert result.status == "reached"

    def listener(record: Record) -> None:
        if isinstance(record.event, Evaluated) and record.event.visit == 2:
            evaluations.append(record)
        if len(evaluations) == 3:
            stop.request()

    stop, evaluations = StopRequest(), list[Record]()
    root = tmp_path_factory.mktemp("stopped") / "store"
    cut = curriculum.run(
        experiment,
        store=root,
        mirror=False,
        listener=listener,
        checkpoints=CheckpointPolicy(every=0, keep=3),
        stop=stop,
    )
    assert cut.status == "interrupted"
    found = StoppedRun(experiment, root, result.weights_sha256 or "", ())
    assert [path.name[:6] for path in found.folder.checkpoint_folders()] == ["000001"] + 4 * [
        "000002"
    ]
    events = StoppedRun(experiment, whole, "", ()).recorded()
    return StoppedRun(experiment, root, found.weights_sha256, events)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Experiment], Path]:
    """The store of each experiment's run without a stop."""
    found: dict[str, Path] = {}

    def whole(name: str, experiment: Experiment) -> Path:
        if name not in found:
            found[name] = tmp_path_factory.mktemp("whole") / "store"
            checkpoints = CheckpointPolicy(every=float("inf"))
            curriculum.run(experiment, 1, store=found[name], mirror=False, checkpoints=checkpoints)
        return found[name]

    return whole


@pytest.fixture(scope="session")
def forge() -> Callable[[Path, Change], None]:
    """Changes what is in `state.json`, and gives it a digest that says it is right."""
    return change_and_sign


@pytest.fixture(scope="session")
def sign() -> Callable[[Path], None]:
    """Writes the digests of a checkpoint's files as they are now."""
    return sign_files
