"""Whatever is damaged on disk: a resumed run ends as it would have, or says what is damaged."""

import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from interrupted_runs import (
    StoppedRun,
    contents,
)

import curriculum
from curriculum import RunFailed, UsageError
from curriculum.learn import weights_sha256
from curriculum.record.environment import environment

pytestmark = pytest.mark.slow

FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "digest.json")
BEST_FILES = ("best_model.safetensors", "best_optimizer.safetensors")
"""Only within a visit."""
CHECKPOINTS = 5

Copies = Callable[[int], Iterator[StoppedRun]]
Damage = Callable[[bytearray, int, random.Random], bytearray | None]


def flip(content: bytearray, place: int, rng: random.Random) -> bytearray:
    content[place] ^= 1 << rng.randrange(8)
    return content


def cut(content: bytearray, place: int, _: random.Random) -> bytearray:
    return content[:place]


def piece(content: bytearray, place: int, rng: random.Random) -> bytearray:
    return content[:place] + content[place + rng.randint(1, 200) :]


def zeros(content: bytearray, place: int, _: random.Random) -> bytearray:
    return content[:place] + bytearray(len(content) - place)


def twice(content: bytearray, place: int, _: random.Random) -> bytearray:
    return content + content[place:]


def remove(*_: object) -> None:
    return None


KINDS: tuple[Damage, ...] = (flip, cut, piece, zeros, twice, remove)
DRAWN_FROM: tuple[Damage, ...] = (flip, flip, flip, cut, cut, piece, zeros, twice, remove)

NEAR_ITS_END = (50, 400, 1500)
"""So many bytes before the end of a journal, damage begins."""

PAIRWISE = [
    (checkpoint, FILES[(checkpoint + number) % len(FILES)], kind)
    for checkpoint in range(CHECKPOINTS)
    for number, kind in enumerate(KINDS)
]
"""Of each checkpoint's files with each kind of damage, enough for all pairs."""


def damage(path: Path, rng: random.Random, start: int = 0, kind: Damage | None = None) -> str:
    """Damage a file somewhere from the byte `start` on, and say how."""
    content = bytearray(path.read_bytes())
    kind = kind or rng.choice(DRAWN_FROM)
    place = rng.randrange(start, len(content))
    found = kind(content, place, rng)
    if found is None:
        path.unlink()
    else:
        path.write_bytes(found)
    return f"{kind.__name__} at {place:,} of {path.parent.name}/{path.name}"


@pytest.fixture
def copies(stopped_run: StoppedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copies:
    """Copies of the stopped run, one after another."""
    versions = environment()  # these take more time than the rest
    monkeypatch.setattr("curriculum.record.provenance.environment", lambda _=(): versions)
    monkeypatch.setattr("curriculum.record.provenance.git_commit", lambda _: None)

    def one_by_one(count: int) -> Iterator[StoppedRun]:
        for number in range(count):
            run = stopped_run.copied(tmp_path / str(number))
            yield run
            shutil.rmtree(run.root)

    return one_by_one


def check_ends_as_it_would_have(run: StoppedRun, done: object) -> None:
    result = run.resume()
    assert result.status == "reached", done
    assert result.weights_sha256 == run.weights_sha256, done
    assert run.recorded() == run.events, done
    loaded = curriculum.load("last", store=run.root)
    assert weights_sha256(loaded) == run.weights_sha256, done


def refusal(run: StoppedRun) -> str | None:
    """Why it can't be resumed, in one sentence; None where it can."""
    try:
        run.resume()
    except (UsageError, RunFailed) as error:
        return str(error)
    return None


def test_the_damaged_files_are_all_that_a_resume_reads(stopped_run: StoppedRun) -> None:
    folder = stopped_run.folder
    assert len(folder.checkpoint_folders()) == CHECKPOINTS
    found = [{path.name for path in each.iterdir()} for each in folder.checkpoint_folders()]
    assert all(names in ({*FILES}, {*FILES, *BEST_FILES}) for names in found)
    assert found[-1] == {*FILES, *BEST_FILES}
    others = {path.name for path in folder.path.iterdir()}
    assert others == {
        "checkpoints",
        "journal.jsonl",
        "run.json",
        "stopped.json",
        "lease-000001.json",
    }


@pytest.mark.parametrize("checkpoint", range(CHECKPOINTS))
def test_a_run_with_a_damaged_checkpoint_ends_as_it_would_have(
    checkpoint: int, copies: Copies
) -> None:
    rng = random.Random(checkpoint)
    cases = [(file, kind) for at, file, kind in PAIRWISE if at == checkpoint]
    for (file, kind), run in zip(cases, copies(len(cases)), strict=True):
        path = run.folder.checkpoint_folders()[checkpoint] / file
        check_ends_as_it_would_have(run, damage(path, rng, kind=kind))


@pytest.mark.parametrize("file", BEST_FILES)
def test_a_run_whose_visits_best_state_is_damaged_ends_as_it_would_have(
    file: str, copies: Copies
) -> None:
    rng = random.Random(file)
    for kind, run in zip(KINDS, copies(len(KINDS)), strict=True):
        path = run.folder.checkpoint_folders()[-1] / file
        check_ends_as_it_would_have(run, damage(path, rng, kind=kind))


def test_all_pairs_of_checkpoint_file_and_kind_of_damage_are_among_these() -> None:
    parts = (range(CHECKPOINTS), FILES, KINDS)
    for one, other in itertools.combinations(range(3), 2):
        pairs = {(case[one], case[other]) for case in PAIRWISE}
        assert pairs == set(itertools.product(parts[one], parts[other]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_whose_journal_is_damaged_ends_as_it_would_have(kind: Damage, copies: Copies) -> None:
    rng = random.Random(kind.__name__)
    for run, distance in zip(copies(4), (*NEAR_ITS_END, None), strict=True):
        size = run.folder.journal_bytes
        start = 0 if distance is None else max(0, size - distance)
        check_ends_as_it_would_have(run, damage(run.folder.journal, rng, start, kind))


def damage_several(run: StoppedRun, rng: random.Random) -> list[str]:
    files = [saved / file for saved in run.folder.checkpoint_folders() for file in FILES]
    chosen = rng.sample([*files, run.folder.journal], rng.randint(2, 12))
    return [damage(path, rng) for path in chosen]


def test_a_run_with_damage_in_several_places_ends_as_it_would_have(copies: Copies) -> None:
    rng = random.Random("several")
    for run in copies(5):
        check_ends_as_it_would_have(run, damage_several(run, rng))


def test_a_run_whose_description_is_damaged_says_so(copies: Copies) -> None:
    """Where white space is damaged, nothing is lost."""
    rng, refused = random.Random("run.json"), 0
    for number, run in enumerate(copies(40)):
        path = run.folder.path / "run.json"
        before, all_before = path.read_bytes(), contents(run.folder)
        done = damage(path, rng)
        message = refusal(run)
        if message is not None:
            refused += 1
            assert "\n" not in message
            assert "run.json is damaged" in message or not path.exists()
            path.write_bytes(before)
            assert contents(run.folder) == all_before, done
        if message is None or number < 3:
            check_ends_as_it_would_have(run, done)
    assert refused > 30


def test_files_beside_the_record_may_be_damaged(copies: Copies) -> None:
    rng = random.Random("beside")
    for kind, run in zip(KINDS, copies(len(KINDS)), strict=True):
        paths = [run.folder.path / name for name in ("stopped.json", "lease-000001.json")]
        check_ends_as_it_would_have(run, [damage(path, rng, kind=kind) for path in paths])


@pytest.mark.exhaustive
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("checkpoint", range(CHECKPOINTS))
def test_many_runs_with_a_damaged_checkpoint_end_as_they_would_have(
    checkpoint: int, file: str, copies: Copies
) -> None:
    rng = random.Random(f"{checkpoint}/{file}")
    for run in copies(16):
        path = run.folder.checkpoint_folders()[checkpoint] / file
        check_ends_as_it_would_have(run, damage(path, rng))


@pytest.mark.exhaustive
def test_many_runs_whose_journal_is_damaged_end_as_they_would_have(copies: Copies) -> None:
    rng = random.Random("journal")
    for run in copies(200):
        start = rng.choice([0, *(run.folder.journal_bytes - each for each in NEAR_ITS_END)])
        check_ends_as_it_would_have(run, damage(run.folder.journal, rng, max(0, start)))


@pytest.mark.exhaustive
def test_many_runs_with_damage_in_several_places_end_as_they_would_have(copies: Copies) -> None:
    rng = random.Random("many places")
    for run in copies(40):
        check_ends_as_it_would_have(run, damage_several(run, rng))
