"""Runs in an MLflow server on PostgreSQL, and their studies in the same: the real programs, on loopback."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlflow_copies import NewDatabase, destinations_in, in_mlflow, sync
from postgresql import MlflowServer, Postgresql, mlflow_server, needs_postgresql, postgresql
from recordings import Recording

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Tuning, UsageError
from curriculum.cli.sync import destinations
from curriculum.record import Evaluated, History, MlflowSettings, RunFolder, Store, read_journal
from curriculum.tracking import (
    TRACKING_URI_VARIABLE,
    RunsFile,
    is_synced,
    local_tracking_uri,
    start_sweep_mirror,
    sync_run,
)
from curriculum.tune import STORAGE_VARIABLE, check_storage

pytestmark = [needs_postgresql, pytest.mark.slow]

POINTS = """
    SELECT metrics.key, step, timestamp, metrics.value FROM metrics JOIN tags USING (run_uuid)
    WHERE tags.key = 'curriculum.run_id' AND tags.value = '{run_id}'
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Postgresql]:
    with postgresql() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    database: Postgresql, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MlflowServer]:
    with mlflow_server(database, tmp_path_factory.mktemp("artifacts")) as found:
        yield found


@pytest.fixture(scope="module")
def searched(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with a search, as a sweep makes it: its visits are a table."""
    experiment = tiny.replace(
        growth=Explicit(lengths=(2, 20)),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=60),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=4),
    )
    root = tmp_path_factory.mktemp("searched")
    curriculum.run(
        experiment, store=root, mirror=False, mlflow=MlflowSettings(visits_as_table=True)
    )
    return Store(root).find("last")


Points = Counter[tuple[str, int, int, float]]


@pytest.fixture(scope="module")
def expected(searched: RunFolder, new_database: NewDatabase) -> Points:
    """Every point of the run, as its journal gives them where nothing is ever away."""
    store = Store(searched.path.parents[1])
    new_database(store.root)
    sync(store, searched)
    [(_, _, points, *_)] = in_mlflow(store, searched, local_tracking_uri(store)).values()
    history, steps = History(searched.description()), set()
    for record, _ in read_journal(searched.journal):
        history.add(record)
        if isinstance(record.event, Evaluated):
            steps.add(history.total_cost.steps)
    assert {step for key, step, *_ in points if key == "progress/tokens"} == steps
    found: Points = points
    return found


@dataclass
class Many:
    """Runs in a store, half of them over and half of them being recorded, and their one mirror."""

    store: Store
    database: Postgresql
    server: MlflowServer
    searched: RunFolder
    ids: list[str]
    connections: list[int] = field(default_factory=list)

    def copy_through(
        self, away: Sequence[Postgresql | MlflowServer], seconds: float, seconds_a_record: float
    ) -> None:
        """Have all copied, while one server after the other is away for so long."""
        runs_file = self.store.root / "sweeps" / "many.runs"
        environment = {
            TRACKING_URI_VARIABLE: self.server.uri,
            STORAGE_VARIABLE: self.database.url("optuna"),
        }
        recordings = self._begin()
        ending = threading.Event()

        def go_on() -> None:
            while not ending.wait(seconds_a_record):
                for recording in recordings:
                    recording.advance()

        recorder = threading.Thread(target=go_on)
        with RunsFile(runs_file) as runs:
            runs.add(*self.ids)
            mirror = start_sweep_mirror(self.store.root, runs_file, environment)
            try:
                recorder.start()
                for each in away:
                    self._until_more_is_copied()
                    each.stop()
                    time.sleep(seconds)
                    each.start()
                while any(recording.records for recording in recordings):
                    self._count_connections()
                    time.sleep(0.2)
                ending.wait(2 * seconds_a_record)
            finally:
                ending.set()
                recorder.join()
        while mirror.poll() is None:
            self._count_connections()
            time.sleep(0.2)
        log = self.store.mirrors / "of many.log"
        assert mirror.returncode == 0, log.read_text()

    def _begin(self) -> list[Recording]:
        """Put the runs in the store."""
        paths = [self.store.runs_folder / run_id for run_id in self.ids]
        recordings = [Recording.again(self.searched, path) for path in paths]
        for recording in recordings[::2]:
            while recording.folder.is_running:
                recording.advance()
        return recordings[1::2]

    def points(self, run_id: str) -> Points:
        """Those that MLflow's database has of a run."""
        return Counter(self.database.query(POINTS.format(run_id=run_id), "mlflow"))

    def _until_more_is_copied(self) -> None:
        before = self._rows("metrics")
        while self._rows("metrics") == before:
            self._count_connections()
            time.sleep(0.1)

    def _rows(self, table: str) -> int:
        [(count,)] = self.database.query(f"SELECT count(*) FROM {table}", "mlflow")
        return int(count)

    def _count_connections(self) -> None:
        self.connections.append(self.database.connections())


@pytest.fixture
def many(
    store: Path, database: Postgresql, server: MlflowServer, searched: RunFolder
) -> Callable[[list[str]], Many]:
    return lambda ids: Many(Store(store), database, server, searched, ids)


def check_all_is_there(many: Many, expected: Points, trials: int) -> None:
    """Every point, once, and every study with all its trials; by few connections."""
    copies = destinations(many.store, many.server.uri, many.database.url("optuna"))
    for run_id in many.ids:
        assert many.points(run_id) == expected
        assert is_synced(many.store, many.store.folder(run_id), copies)
    ids = ", ".join(f"'\"{run_id}\"'" for run_id in many.ids)
    found = many.database.query(
        "SELECT count(DISTINCT trial_id), count(DISTINCT study_id) FROM trials "
        "JOIN study_user_attributes USING (study_id) "
        f"WHERE key = 'run' AND value_json IN ({ids})",
        "optuna",
    )
    assert found == [(trials * len(many.ids), 2 * len(many.ids))]
    # The mirror's own, and those that the server holds.
    assert max(many.connections) <= 12


def trials_of(folder: RunFolder) -> int:
    return sum(len(visit.trials) for visit in History.of(folder).visits)


def test_nothing_is_missing_after_postgresql_was_away(
    many: Callable[[list[str]], Many], expected: Points, searched: RunFolder
) -> None:
    runs = many([f"a{number:03d}" for number in range(4)])
    runs.copy_through([runs.database], 2.0, 0.1)
    check_all_is_there(runs, expected, trials_of(searched))
    for path in runs.store.root.rglob("*"):
        assert not path.is_file() or b"cret@" not in path.read_bytes()


@pytest.mark.exhaustive
def test_nothing_of_a_hundred_runs_is_missing_after_either_server_was_away_for_long(
    many: Callable[[list[str]], Many], expected: Points, searched: RunFolder
) -> None:
    runs = many([f"b{number:03d}" for number in range(100)])
    began = time.monotonic()
    runs.copy_through([runs.database, runs.server], 30.0, 1.0)
    check_all_is_there(runs, expected, trials_of(searched))
    print(
        f"{len(runs.ids)} runs of {expected.total()} points in {time.monotonic() - began:.0f} s, "
        f"by at most {max(runs.connections)} connections"
    )


def test_a_database_without_a_server_before_it_has_the_same(
    database: Postgresql, searched: RunFolder, expected: Points, store: Path, tmp_path: Path
) -> None:
    database.query("CREATE DATABASE direct")
    before = database.connections()
    one = Store(store)
    recording = Recording.again(searched, one.runs_folder / searched.id)
    while recording.folder.is_running:
        recording.advance()
    copies = destinations_in(one, database.url("direct"))
    sync_run(one, recording.folder, copies)
    assert database.connections() <= before
    assert Counter(database.query(POINTS.format(run_id=searched.id), "direct")) == expected
    assert list((store / "artifacts").rglob("model.safetensors"))
    assert is_synced(one, recording.folder, copies)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("se%2Fcret", "wrong"), "password authentication failed"),
        (("/optuna", "/nowhere"), 'database "nowhere" does not exist'),
        (("/optuna", "/mlflow"), "is a database of MLflow's; make another beside it"),
    ],
)
@pytest.mark.usefixtures("server")
def test_a_database_that_refuses_is_a_sentence(
    database: Postgresql, change: tuple[str, str], message: str
) -> None:
    before = database.query("SELECT count(*) FROM pg_tables", "mlflow")
    with pytest.raises(UsageError, match=message) as caught:
        check_storage(database.url("optuna").replace(*change))
    assert "cret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert database.query("SELECT count(*) FROM pg_tables", "mlflow") == before
