"""MLflow's server goes away within a run, and comes back."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from mlflow_copies import client_of, copy_of, destinations_in, points_of
from recordings import Recording

import curriculum
from curriculum import Experiment
from curriculum.record import RunFolder, Store
from curriculum.tracking import Destinations, follow_run, sync_run
from curriculum.tracking.mirror import VISIT_TAG

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "how", [("--away", "60"), ("--away", "5", "--empty"), ("--away", "0", "--delay", "0.3")]
)
def test_nothing_is_missing_after_an_outage_of_a_real_server(how: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "benchmarks/outage.py", *how],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["evaluations"] > 0
    assert (found["runs"], found["status"]) == (1, ["FINISHED"])
    assert (found["missing"], found["too_many"]) == (0, 0)


FAILING = 3
"""The calls that fail in an outage."""


@dataclass
class Server:
    """MLflow as a mirror sees it; the run that is copied advances at each of its calls.

    Attributes:
        recording: the run.
        stores: whose database it has before an outage and after it.
        outage: the number of the call at which it goes away, or the method that is called. That
            call is carried out, but its reply is lost; the next ones fail.
        delay: seconds that each call takes.
        calls: the methods that were called.
        gone: how many calls there had been when it went away.
    """

    recording: Recording
    stores: tuple[Store, Store]
    outage: int | str | None = None
    delay: float = 0.0
    calls: list[str] = field(default_factory=list)
    gone: int | None = None

    def connect(self, *_: object) -> Any:
        """What a mirror gets for a client."""
        server, client = self, client_of(self.stores[self.gone is not None])

        class Client:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                return partial(server.call, name, getattr(client, name))

        return Client()

    def call(self, name: str, method: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        self.calls.append(name)
        self.recording.advance()
        time.sleep(self.delay)
        if self.gone is None and self.outage in (name, len(self.calls)):
            self.gone = len(self.calls)
            method(*given, **named)
        if self.gone is not None and len(self.calls) < self.gone + FAILING:
            raise ConnectionError("no answer")
        return method(*given, **named)


def destinations_of(store: Store) -> Destinations:
    """Those in a store, with a plot that is quick to draw."""
    found = destinations_in(store)
    figures = partial(dict[str, Figure], plot=Figure(figsize=(1, 1)))
    presentation = replace(found.presentation, figures=lambda _: figures())
    return replace(found, presentation=presentation)


def held_by(store: Store, folder: RunFolder) -> dict[str, Any]:
    """All that MLflow holds of a run, by visit, apart from the names that it makes up."""
    client = client_of(store)
    parent, children = copy_of(store, folder)
    found: dict[str, Any] = {}
    for run in (parent, *children):
        run_id, tags = run.info.run_id, dict(run.data.tags)
        tags.pop("mlflow.parentRunId", None)
        points = {name: sorted(points_of(store, run, name)) for name in run.data.metrics}
        times = (run.info.start_time, run.info.end_time, run.info.status)
        files = sorted(files_of(client, run_id, ""))
        found[tags.get(VISIT_TAG, "run")] = (tags, run.data.params, points, times, files)
    models = client.search_logged_models([parent.info.experiment_id])
    found["models"] = [str(model.status) for model in models]
    return found


def files_of(client: Any, run_id: str, folder: str) -> Iterator[str]:
    for info in client.list_artifacts(run_id, folder):
        if info.is_dir:
            yield from files_of(client, run_id, info.path)
        else:
            yield info.path


@pytest.fixture(scope="module")
def finished(
    tiny: Experiment,
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[Path], Path],
) -> tuple[RunFolder, dict[str, Any]]:
    """A run, and what MLflow holds of it where it is never away."""
    root = tmp_path_factory.mktemp("finished")
    new_database(root)
    store = Store(root)
    folder = store.find(curriculum.run(tiny, store=root, mirror=False).run_id)
    sync_run(store, folder, destinations_of(store))
    return folder, held_by(store, folder)


@pytest.fixture
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A mirror in this process, rather than in one of its own."""
    monkeypatch.setattr("curriculum.tracking.sync.os.nice", lambda _: None)
    monkeypatch.setattr("curriculum.tracking.sync.POLL_SECONDS", 0.001)
    monkeypatch.setattr("curriculum.tracking.sync.PATIENCE_SECONDS", 20.0)
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


Follow = Callable[..., Server]


@pytest.fixture
def follow(
    finished: tuple[RunFolder, dict[str, Any]],
    new_database: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    _without_pauses: None,
) -> Follow:
    """Follows the run anew, into a server that behaves so, and sees that nothing is missing."""
    whole, expected = finished

    def follow(*, empty: bool = False, **behaviour: Any) -> Server:
        """With `empty`, the server comes back with nothing."""
        roots = [tmp_path_factory.mktemp("store") for _ in range(1 + empty)]
        for root in roots:
            new_database(root)
        stores = Store(roots[0]), Store(roots[-1])
        path = stores[0].runs_folder / whole.id
        recording = Recording.again(whole, path)
        folder = recording.folder
        server = Server(recording, stores, **behaviour)
        monkeypatch.setattr("curriculum.tracking.client.connect", server.connect)
        assert follow_run(stores[0], folder, destinations_of(stores[0]))
        assert folder.journal.read_bytes() == whole.journal.read_bytes()
        if empty:  # the artifacts lie where the run does, and are the other server's
            shutil.copytree(stores[0].root / "artifacts", stores[1].root / "artifacts")
        assert held_by(stores[-1], RunFolder(path)) == expected
        return server

    return follow


@pytest.mark.parametrize(
    "method",
    [
        "create_experiment",
        "create_run",
        "log_batch",
        "log_artifacts",
        "create_logged_model",
        "set_terminated",
    ],
)
def test_nothing_is_missing_after_an_outage(method: str, follow: Follow) -> None:
    server = follow(outage=method)
    assert server.gone is not None
    assert server.calls[server.gone - 1] == method


@pytest.mark.exhaustive
@pytest.mark.parametrize("empty", [False, True])
def test_nothing_is_missing_after_an_outage_at_any_call(empty: bool, follow: Follow) -> None:
    for number in range(1, 1 + len(follow().calls)):
        assert follow(outage=number, empty=empty).gone == number


def test_nothing_is_missing_in_a_server_that_comes_back_with_nothing(follow: Follow) -> None:
    assert follow(outage="log_artifacts", empty=True).gone is not None


def test_nothing_is_missing_in_a_server_that_is_slow(follow: Follow) -> None:
    assert follow(delay=0.03).gone is None
