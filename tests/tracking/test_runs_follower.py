"""One mirror for many runs, with destinations that keep what is copied in memory."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlflow_copies import destinations_in
from recordings import Recording

import curriculum
from curriculum import Experiment, Explicit
from curriculum.record import Lock, RunFolder, Store
from curriculum.tracking import Destinations, RunsFile, follow_runs, is_synced


@dataclass
class Memory:
    """A destination that keeps what is copied, by run.

    Attributes:
        copied: the journals, as far as they were copied.
        statuses: of the copies that were completed.
        broken: runs whose copies fail.
        failing: how many of the next calls fail.
        calls: how often it was asked for anything.
        opened: the runs whose copies were opened, in order.
        open_now: those whose copies are open; `most_open` at once.
        on_copy: called with a run's id before it is copied.
        on_close: called with a run's id after its copy was completed.
    """

    name: str = "memory"
    copied: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    failing: int = 0
    calls: int = 0
    opened: list[str] = field(default_factory=list)
    open_now: set[str] = field(default_factory=set)
    most_open: int = 0
    on_copy: Callable[[str], None] = lambda _: None
    on_close: Callable[[str], None] = lambda _: None

    def open(self, folder: RunFolder) -> "MemoryCopy":
        self.check()
        self.opened.append(folder.id)
        self.open_now.add(folder.id)
        self.most_open = max(self.most_open, len(self.open_now))
        return MemoryCopy(self, folder)

    def check(self) -> None:
        self.calls += 1
        if self.failing > 0:
            self.failing -= 1
            raise ConnectionError("no answer")

    def reset(self) -> None:
        """There is no connection."""


@dataclass
class MemoryCopy:
    memory: Memory
    folder: RunFolder

    def copy(self) -> None:
        self.memory.on_copy(self.folder.id)
        self.memory.check()
        if self.folder.id in self.memory.broken:
            raise ValueError("this run can't be copied")
        self.memory.copied[self.folder.id] = self.folder.journal.read_bytes()

    def close(self, status: str) -> None:
        self.memory.check()
        self.memory.statuses[self.folder.id] = status
        self.memory.on_close(self.folder.id)

    def release(self) -> None:
        self.memory.open_now.discard(self.folder.id)


@dataclass
class Place:
    """A store with runs to copy, and where to."""

    store: Store
    whole: RunFolder
    first: Memory = field(default_factory=Memory)
    second: Memory = field(default_factory=Memory)

    @property
    def destinations(self) -> Destinations:
        return destinations_in(self.store)

    @property
    def runs_file(self) -> Path:
        return self.store.root / "sweeps" / "s1.runs"

    def path(self, run_id: str) -> Path:
        return self.store.runs_folder / run_id

    def finished(self, *run_ids: str) -> None:
        """Runs that are over, and not copied."""
        for run_id in run_ids:
            shutil.copytree(self.whole.path, self.path(run_id))

    def list_runs(self, *run_ids: str) -> None:
        with RunsFile(self.runs_file) as runs:
            runs.add(*run_ids)

    def follow(self) -> bool:
        return follow_runs(self.store, self.runs_file, self.destinations)

    def check_whole(self, *run_ids: str) -> None:
        """Both destinations have all of these runs, and the store knows it."""
        journal = self.whole.journal.read_bytes()
        for memory in (self.first, self.second):
            assert {run_id: memory.copied[run_id] for run_id in run_ids} == dict.fromkeys(
                run_ids, journal
            )
            assert {memory.statuses[run_id] for run_id in run_ids} == {"reached"}
            assert not memory.open_now
        for run_id in run_ids:
            assert is_synced(self.store, self.store.folder(run_id), self.destinations)


@pytest.fixture(scope="module")
def whole(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    root = tmp_path_factory.mktemp("whole")
    short = tiny.replace(growth=Explicit(lengths=(2, 3)))
    return Store(root).find(curriculum.run(short, store=root, mirror=False).run_id)


@pytest.fixture
def place(store: Path, whole: RunFolder, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(Store(store), whole)
    found.store.runs_folder.mkdir(parents=True)
    both = (found.first, found.second)
    monkeypatch.setattr(Destinations, "of", lambda *_: both)
    follower = "curriculum.tracking.runs_follower"
    for name, value in {
        "POLL_SECONDS": 0.001,
        "COPY_SECONDS": 0.0,
        "PATIENCE_SECONDS": 5.0,
    }.items():
        monkeypatch.setattr(f"{follower}.{name}", value)
    monkeypatch.setattr("curriculum.tracking.persistent_copy.FIRST_SECONDS", 0.001)
    return found


IDS = [f"{number:04x}" for number in range(12)]


def test_runs_that_are_over_are_copied_whole_and_once(place: Place) -> None:
    place.finished(*IDS)
    place.list_runs(*IDS)
    assert place.follow()
    place.check_whole(*IDS)
    assert sorted(place.first.opened) == IDS
    assert place.follow()
    assert sorted(place.first.opened) == IDS  # copied runs are not opened again


def test_runs_are_copied_as_they_go_also_those_that_begin_later(place: Place) -> None:
    recordings = {IDS[0]: Recording.again(place.whole, place.path(IDS[0]))}
    seen = []
    runs = RunsFile(place.runs_file)

    def go_on(run_id: str) -> None:
        seen.append((run_id, recordings[run_id].folder.is_running))
        recordings[run_id].advance()
        if len(seen) == 2:  # a run of the list begins
            recordings[IDS[1]] = Recording.again(place.whole, place.path(IDS[1]))
        if len(seen) == 6:  # one is added, and there are no more
            recordings[IDS[2]] = Recording.again(place.whole, place.path(IDS[2]))
            runs.add(IDS[2])
            runs.__exit__()

    place.first.on_copy = go_on
    with runs:
        runs.add(*IDS[:2])
        assert place.follow()
    place.check_whole(*IDS[:3])
    assert {run_id for run_id, running in seen if running} == set(IDS[:3])
    assert len(place.first.opened) == 3  # each was open from its first record to its last


def test_a_run_that_is_resumed_after_it_was_copied_is_copied_on(place: Place) -> None:
    cut = Recording.again(place.whole, place.path(IDS[0]))
    cut.stop()
    with RunsFile(place.runs_file) as runs:
        runs.add(IDS[0])

        def resume(_: str) -> None:
            assert place.second.statuses == {IDS[0]: "killed"}
            resumed = Recording(cut.folder, cut.records)
            place.first.on_copy = lambda _: resumed.advance()
            place.second.on_close = lambda _: None
            runs.__exit__()

        place.second.on_close = resume
        assert place.follow()
    place.check_whole(IDS[0])
    assert place.first.opened.count(IDS[0]) == 2


def test_all_wait_for_a_destination_that_is_away_while_another_continues(place: Place) -> None:
    recordings = {run_id: Recording.again(place.whole, place.path(run_id)) for run_id in IDS[:6]}
    place.second.on_copy = lambda run_id: recordings[run_id].advance()
    place.first.failing = 5
    place.list_runs(*IDS[:6])
    assert place.follow()
    place.check_whole(*IDS[:6])


def test_a_destination_that_is_away_is_asked_for_once_for_all_runs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.tracking.runs_follower.PATIENCE_SECONDS", 0.2)
    place.first.failing = 1_000_000
    place.finished(*IDS)
    place.list_runs(*IDS)
    assert not place.follow()
    assert place.first.calls < 15  # longer and longer apart
    assert not place.first.copied
    place.first.failing = 0
    assert place.follow()
    place.check_whole(*IDS)


def test_a_run_that_cannot_be_copied_keeps_none_from_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.tracking.runs_follower.TRIES", 3)
    place.finished(*IDS)
    (place.path(IDS[4]) / "run.json").write_text("damaged")
    place.first.broken = {IDS[3]}
    place.list_runs(*IDS)
    assert not place.follow()
    place.check_whole(*IDS[:3], *IDS[5:])
    assert place.first.opened.count(IDS[3]) == 3
    assert not is_synced(place.store, place.store.folder(IDS[3]), place.destinations)


def test_few_copies_are_open_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.runs_follower.MOST_OPEN", 3)
    recordings = {run_id: Recording.again(place.whole, place.path(run_id)) for run_id in IDS}
    place.first.on_copy = lambda run_id: recordings[run_id].advance()
    place.list_runs(*IDS)
    assert place.follow()
    place.check_whole(*IDS)
    assert place.first.most_open == 3


def test_a_run_that_another_mirror_copies_is_left_to_it(place: Place) -> None:
    place.finished(*IDS[:2])
    place.list_runs(*IDS[:2])
    other = Lock(place.store.mirror_file(place.store.folder(IDS[0]), "lock"))
    assert other.acquire()

    def on_copy(run_id: str) -> None:
        assert (run_id == IDS[1]) == (other._file is not None)
        other.release()

    place.first.on_copy = on_copy
    assert place.follow()
    place.check_whole(*IDS[:2])


def test_runs_that_were_deleted_or_never_began_are_passed_over(place: Place) -> None:
    place.finished(IDS[0])
    place.path(IDS[1]).mkdir()
    place.list_runs(*IDS[:3])
    assert place.follow()
    place.check_whole(IDS[0])
    assert place.first.opened == [IDS[0]]
