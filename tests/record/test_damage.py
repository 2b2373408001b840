"""Whatever is damaged on disk: a resume ends as it would have, or says what is amiss."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import curriculum
from curriculum import RunFailed, UsageError
from curriculum.learn.learner import weights_sha256
from curriculum.record.description import environment

pytestmark = pytest.mark.slow

FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "digest.json")
CHECKPOINTS = 5
A_FILE = 16
"""Cases of each file of each checkpoint."""

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


KINDS: tuple[Damage, ...] = (flip, flip, flip, cut, cut, piece, zeros, twice, remove)


def spoil(path: Path, rng: random.Random, begin: int = 0) -> str:
    """Damage a file somewhere from the byte `begin` on; what was done."""
    content = bytearray(path.read_bytes())
    kind, place = rng.choice(KINDS), rng.randrange(begin, len(content))
    found = kind(content, place, rng)
    if found is None:
        path.unlink()
    else:
        path.write_bytes(found)
    return f"{kind.__name__} at {place:,} of {path.parent.name}/{path.name}"


@pytest.fixture
def copies(
    stopped_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Iterator[Any]]:
    """Copies of the stopped run, one after another."""
    versions = environment()  # these take more time than the rest
    monkeypatch.setattr("curriculum.record.circumstances.environment", lambda: versions)
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)

    def one_by_one(count: int) -> Iterator[Any]:
        for number in range(count):
            run = stopped_run.copied(tmp_path / str(number))
            yield run
            shutil.rmtree(run.root)

    return one_by_one


def check_ends_as_it_would_have(run: Any, done: object) -> None:
    result = run.resume()
    assert result.status == "reached", done
    assert result.weights_sha256 == run.weights_sha256, done
    assert run.records() == run.journal, done
    loaded = curriculum.load("last", store=run.root)
    assert weights_sha256(loaded) == run.weights_sha256, done


def refusal(run: Any) -> str | None:
    """Why it can't be resumed, in one sentence; None where it can."""
    try:
        run.resume()
    except (UsageError, RunFailed) as error:
        return str(error)
    return None


def test_what_is_damaged_here_is_all_that_a_resume_reads(stopped_run: Any) -> None:
    folder = stopped_run.folder
    assert len(folder.saved) == CHECKPOINTS
    assert all({path.name for path in found.iterdir()} == set(FILES) for found in folder.saved)
    others = {path.name for path in folder.path.iterdir()}
    assert others == {"checkpoints", "journal.jsonl", "run.json", "stopped.json", "writer.lock"}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("checkpoint", range(CHECKPOINTS))
def test_a_run_with_a_damaged_checkpoint_ends_as_it_would_have(
    checkpoint: int, file: str, copies: Any
) -> None:
    rng = random.Random(f"{checkpoint}/{file}")
    for run in copies(A_FILE):
        check_ends_as_it_would_have(run, spoil(run.folder.saved[checkpoint] / file, rng))


@pytest.mark.parametrize("group", range(7))
def test_a_run_whose_journal_is_damaged_near_its_end_ends_as_it_would_have(
    group: int, copies: Any
) -> None:
    rng = random.Random(f"tail/{group}")
    for run in copies(20):
        begin = max(0, run.folder.journal_bytes - rng.choice([50, 400, 1500]))
        check_ends_as_it_would_have(run, spoil(run.folder.journal, rng, begin))


@pytest.mark.parametrize("group", range(3))
def test_a_run_whose_journal_is_damaged_anywhere_ends_as_it_would_have(
    group: int, copies: Any
) -> None:
    rng = random.Random(f"journal/{group}")
    for run in copies(20):
        check_ends_as_it_would_have(run, spoil(run.folder.journal, rng))


@pytest.mark.parametrize("group", range(2))
def test_a_run_with_damage_in_several_places_ends_as_it_would_have(group: int, copies: Any) -> None:
    rng = random.Random(f"several/{group}")
    for run in copies(20):
        files = [saved / file for saved in run.folder.saved for file in FILES]
        chosen = rng.sample([*files, run.folder.journal], rng.randint(2, 12))
        check_ends_as_it_would_have(run, [spoil(path, rng) for path in chosen])


def test_a_run_whose_description_is_damaged_says_so(copies: Any) -> None:
    """Where a blank is damaged, nothing is lost."""
    rng, refused = random.Random("run.json"), 0
    for run in copies(40):
        path = run.folder.path / "run.json"
        before = path.read_bytes()
        done = spoil(path, rng)
        said = refusal(run)
        if said is not None:
            refused += 1
            assert "\n" not in said
            assert "run.json is damaged" in said or not path.exists()
            path.write_bytes(before)
        check_ends_as_it_would_have(run, done)  # nothing else was touched
    assert refused > 30


def test_what_is_beside_the_record_may_be_damaged(copies: Any) -> None:
    rng = random.Random("beside")
    for run in copies(10):
        done = [spoil(run.folder.path / name, rng) for name in ("stopped.json", "writer.lock")]
        check_ends_as_it_would_have(run, done)
