"""Whatever is damaged on disk: a resume ends as it would have, or says what is amiss."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import curriculum
from curriculum import Experiment, RunFailed, Saving, Stop, Training, UsageError
from curriculum.record.journal import Record, content_of, read_journal
from curriculum.record.store import RunFolder, Store

GROUPS = 26
CASES = 20


def told(folder: RunFolder) -> list[str]:
    return [content_of(record) for record, _ in read_journal(folder.journal)]


def experiment(tiny: Experiment) -> Experiment:
    return tiny.but(training=Training(look_every=4))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Made once: where the whole run lies, and where one that was stopped late."""
    root = tmp_path_factory.mktemp("damage")
    yield {"whole": root / "whole", "stopped": root / "stopped"}
    shutil.rmtree(root)


@pytest.fixture
def stopped(stores: dict[str, Path], tiny: Experiment, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A run that was stopped amid its last stage, with several checkpoints."""
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)  # takes time
    if not stores["whole"].exists():
        curriculum.run(experiment(tiny), store=stores["whole"], mirror=False)
        count = sum('"look"' in line for line in told(Store(stores["whole"]).find("last")))
        stop, looks = Stop(), iter(range(count - 2))

        def listener(record: Record) -> None:
            if record["kind"] == "look" and next(looks, None) is None:
                stop.request()

        curriculum.run(
            experiment(tiny),
            store=stores["stopped"],
            mirror=False,
            listener=listener,
            stop=stop,
            saving=Saving(every=0, keep=3),
        )
    return Store(stores["stopped"])


def files(folder: RunFolder) -> list[Path]:
    """All that a resume reads; the journal and the newest states more often than the rest."""
    found = [path for path in sorted(folder.path.rglob("*")) if path.is_file()]
    found = [path for path in found if path.name not in ("writer.lock", "stopped.json")]
    newest = [path for path in found if path.parent == folder.saved[-1]]
    return [*found, *newest, *newest, *[folder.journal] * len(found)]


def damage(path: Path, rng: random.Random) -> str:
    """Flip a bit, cut the end off, take a piece out, or empty it; what was done."""
    content = bytearray(path.read_bytes())
    how = rng.choice(["flip", "flip", "flip", "cut", "cut", "piece", "zeros", "remove"])
    tail = path.name == "journal.jsonl" and rng.random() < 0.7
    place = rng.randrange(max(0, len(content) - 900) if tail else 0, len(content))
    if how == "flip":
        content[place] ^= 1 << rng.randrange(8)
    elif how == "cut":
        del content[place:]
    elif how == "piece":
        del content[place : place + rng.randint(1, 200)]
    elif how == "zeros":
        content[place:] = bytes(len(content) - place)
    if how == "remove":
        path.unlink()
    else:
        path.write_bytes(content)
    return f"{how} at {place} of {path.parent.name}/{path.name}"


def resumed(folder: RunFolder, root: Path) -> str | None:
    """Resume it; what it says where it can't."""
    try:
        curriculum.resume(folder.id, store=root, mirror=False)
    except (UsageError, RunFailed) as error:
        return str(error)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_a_damaged_run_ends_as_it_would_have_or_says_what_is_amiss(
    group: int, stopped: Store, stores: dict[str, Path], tmp_path: Path
) -> None:
    whole = told(Store(stores["whole"]).find("last"))
    rng = random.Random(group)
    ended = 0
    for case in range(CASES):
        root = tmp_path / str(case)
        shutil.copytree(stopped.root, root)
        folder = Store(root).find("last")
        chosen = {rng.choice(files(folder)) for _ in range(rng.choice([1, 1, 1, 2]))}
        done = [damage(path, rng) for path in sorted(chosen)]
        said = resumed(folder, root)
        if said is None:
            assert told(folder) == whole, done
            ended += 1
        else:
            assert "\n" not in said, done
            assert any("run.json" in what for what in done), (done, said)
        shutil.rmtree(root)
    assert ended > CASES // 2
