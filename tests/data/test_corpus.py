"""Files as documents: which they are, how they are split, kept and read again."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from curriculum import UsageError
from curriculum.data import BYTES, Corpus, Documents
from curriculum.data.corpus import _LOADED
from curriculum.data.split import HELD_OUT, parts_of_positions, position

Write = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", str(tmp_path / "cache"))
    _LOADED.clear()
    return tmp_path / "cache" / "data"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(count: int = 80, folder: str = "texts") -> Path:
        root = tmp_path / folder
        root.mkdir()
        for number in range(count):
            (root / f"{number}.txt").write_text(f"document {number}: {'ab' * (number % 7)}\n")
        return root

    return written


def texts(documents: Documents, part: str) -> set[bytes]:
    """The documents of a part, as they were written."""
    found = documents.parts[part]  # type: ignore[index]
    symbols = np.asarray(found.stream)
    assert symbols[found.edges].tolist() == [BYTES - 1] * (found.count + 1)
    return {
        bytes(symbols[first + 1 : last].astype(np.uint8))
        for first, last in zip(found.edges, found.edges[1:], strict=False)
    }


def corpus(root: Path, **settings: object) -> Corpus:
    return Corpus(root=str(root), **{"held_out": 0.5, **settings})  # type: ignore[arg-type]


@pytest.mark.usefixtures("cache")
def test_every_document_is_in_one_part_whole(write: Write) -> None:
    root = write()
    documents = corpus(root).load()
    parts = [texts(documents, part) for part in ("train", *HELD_OUT)]
    assert all(parts)
    assert sum(map(len, parts)) == 80
    assert set.union(*parts) == {path.read_bytes() for path in root.iterdir()}
    sizes = {part: documents.parts[part].byte_counts.sum() for part in documents.parts}
    assert sizes == {part: sum(map(len, texts(documents, part))) for part in documents.parts}


@pytest.mark.usefixtures("cache")
def test_the_split_depends_on_contents_alone(write: Write, tmp_path: Path) -> None:
    root = write()
    before = corpus(root).load()
    other = tmp_path / "elsewhere"
    other.mkdir()
    for number, path in enumerate(sorted(root.iterdir(), reverse=True)):
        if number % 3:  # some are missing, and all have other names
            shutil.copy(path, other / f"name{number}.txt")
    after = corpus(other).load()
    for part in before.parts:
        kept = {path.read_bytes() for path in other.iterdir()}
        assert texts(after, part) == texts(before, part) & kept


@pytest.mark.usefixtures("cache")
def test_the_share_held_out_is_a_quarter_for_each_use() -> None:
    positions = np.sort(np.random.default_rng(0).integers(2**64, size=40_000, dtype=np.uint64))
    spans = parts_of_positions(positions, 0.2)
    counts = {part: last - first for part, (first, last) in spans.items()}
    assert counts["train"] == pytest.approx(32_000, abs=500)
    for part in HELD_OUT:
        assert counts[part] == pytest.approx(2_000, abs=200)


@pytest.mark.usefixtures("cache")
def test_a_smaller_share_holds_none_out_that_a_larger_one_does_not(write: Write) -> None:
    root = write(count=300)
    small, large = (corpus(root, held_out=share).load() for share in (0.2, 0.4))
    held = [set.union(*(texts(each, part) for part in HELD_OUT)) for each in (small, large)]
    assert held[0] < held[1]


@pytest.mark.usefixtures("cache")
def test_copies_are_left_out_and_counted(write: Write) -> None:
    root = write()
    before = corpus(root).load()
    for number in (3, 4, 5):
        shutil.copy(root / f"{number}.txt", root / f"copy{number}.txt")
    after = corpus(root).load(anew=True)
    assert after.digest == before.digest
    assert "left out, as copies of others: 3 documents" in [*after.notes()]
    assert not any("copies" in note for note in before.notes())


@pytest.mark.usefixtures("cache")
def test_documents_that_differ_in_spaces_alone_are_in_one_part(write: Write) -> None:
    root = write()
    for path in list(root.iterdir()):
        indented = path.read_text().replace(" ", "\t  ").replace("\n", "\r\n\n")
        (root / f"{path.stem}b.txt").write_text(indented)
    documents = corpus(root).load()
    for part in documents.parts:
        found = texts(documents, part)
        assert len(found) == 2 * len({position(text) for text in found})


@pytest.mark.usefixtures("cache")
def test_held_out_documents_made_of_lines_that_are_trained_on_are_counted(tmp_path: Path) -> None:
    def line(number: int) -> str:
        return f"a line that is long enough to be compared, {number}\n"

    for number in range(60):
        lines = [line(number), line(1000 + number)]  # of its own
        (tmp_path / f"{number}.txt").write_text("".join(lines))
    before = corpus(tmp_path).load()
    assert before.nearly_trained_on() == 0
    trained = sorted(texts(before, "train"))[0].decode()
    held_out = []
    for number in range(60):
        text = f"{trained}{line(2000 + number)}"  # two thirds of it are trained on
        if not _is_trained_on(text.encode()):
            held_out.append(text)
            (tmp_path / f"alike{number}.txt").write_text(text)
    after = corpus(tmp_path).load(anew=True)
    assert len(held_out) > 5
    assert after.nearly_trained_on() == len(held_out)
    assert any(f"trained on: {len(held_out)} of " in note for note in after.notes())


def _is_trained_on(text: bytes) -> bool:
    return position(text) >= 2**63


@pytest.mark.usefixtures("cache")
def test_few_held_out_documents_are_said_in_one_sentence(write: Write) -> None:
    (note,) = [note for note in corpus(write()).load().notes() if "bound" in note]
    assert note.startswith("a bound on a loss takes at least 100 held-out documents, and the gate")
    many = corpus(write(count=1000, folder="many"), held_out=0.6).load()
    assert not any("bound" in note for note in many.notes())


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("line", {b"one", b"two", b"three", b"four"}),
        ("paragraph", {b"one\ntwo", b"three", b"four"}),
        ("file", {b"one\ntwo\n\nthree\n \t\nfour\n"}),
    ],
)
def test_a_document_is_a_file_a_line_or_a_paragraph(
    by: str, expected: set[bytes], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\n\nthree\n \t\nfour\n")
    from curriculum.data.corpus import _found_in
    from curriculum.data.sources import matching_files

    found = _found_in(matching_files(str(tmp_path), "*.txt", ()), by)  # type: ignore[arg-type]
    content = (tmp_path / "a.txt").read_bytes()
    assert {content[place.start : place.stop].strip(b"\n") for place in found.places} == {
        text.strip(b"\n") for text in expected
    }


@pytest.mark.usefixtures("cache")
def test_patterns_go_through_folders_and_leave_names_out(tmp_path: Path) -> None:
    from curriculum.data.sources import matching_files

    for name in ("a.py", "b.txt", "one/c.py", "one/two/d.py", "tests/e.py", ".git/f.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)

    def found(pattern: str, *exclude: str) -> list[str]:
        sources = matching_files(str(tmp_path), pattern, exclude)
        return [str(source.path.relative_to(tmp_path)) for source in sources]

    assert found("**/*.py") == ["a.py", "one/c.py", "one/two/d.py", "tests/e.py"]
    assert found("**/*.py", "test*", "c.*") == ["a.py", "one/two/d.py"]
    assert found("*.py") == ["a.py"]
    assert found("one/**/*.py") == ["one/c.py", "one/two/d.py"]
    assert found("*/*.py") == [".git/f.py", "one/c.py", "tests/e.py"]
    assert found("**") == ["a.py", "b.txt", "one/c.py", "one/two/d.py", "tests/e.py"]


def test_what_is_kept_is_not_made_again(
    write: Write, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write()
    old = time.time() - 60
    for path in root.iterdir():
        os.utime(path, (old, old))
    first = corpus(root).load()
    (folder,) = (path for path in cache.iterdir() if path.name != "stamps")

    def fails(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr("curriculum.data.corpus._found_in", fails)
    second = corpus(root).load(anew=True)
    assert second.digest == first.digest
    assert texts(second, "gate") == texts(first, "gate")
    assert not np.asarray(second.parts["train"].stream).flags.writeable
    assert folder.name.startswith(first.digest)


def test_files_changed_with_the_same_size_and_time_are_read_while_they_are_young(
    write: Write, cache: Path
) -> None:
    root = write()
    before = corpus(root).load()
    path = root / "5.txt"
    changed = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("5", "x"))
    os.utime(path, ns=(changed, changed))
    assert corpus(root).load(anew=True).digest != before.digest
    assert cache.is_dir()


@pytest.mark.parametrize("damage", ["cut", "no JSON", "missing", "other JSON"])
def test_a_damaged_cache_is_made_anew(write: Write, cache: Path, damage: str) -> None:
    root = write()
    before = texts(corpus(root).load(), "train")
    (folder,) = (path for path in cache.iterdir() if path.name != "stamps")
    if damage == "cut":
        os.truncate(folder / "symbols.bin", 10)
    elif damage == "missing":
        (folder / "edges.bin").unlink()
    else:
        (folder / "about.json").write_text("{" if damage == "no JSON" else json.dumps([1]))
    assert texts(corpus(root).load(anew=True), "train") == before
    assert json.loads((folder / "about.json").read_text())["arrays"]


def test_without_a_cache_folder_all_works_as_well(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write()
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", "/proc/nowhere")
    _LOADED.clear()
    assert len(texts(corpus(root).load(), "train")) > 20


def test_two_processes_at_once_leave_one_folder(write: Write, cache: Path) -> None:
    """Each builds aside; whoever is second finds the folder in place, and takes its own arrays."""
    from curriculum.data.cache import ArrayWriter, kept

    def first(writer: ArrayWriter) -> dict[str, str]:
        other = kept("key", second)  # the other process is done in the meantime
        assert other.about == {"by": "second"}
        writer.append("rows", np.arange(6).reshape(3, 2))
        return {"by": "first"}

    def second(writer: ArrayWriter) -> dict[str, str]:
        writer.append("rows", np.arange(6).reshape(3, 2))
        return {"by": "second"}

    found = kept("key", first)
    assert found.about == {"by": "first"}
    assert found.arrays["rows"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert [path.name for path in cache.iterdir()] == ["key-1"]
    assert kept("key", first).about == {"by": "second"}


def test_what_nobody_asked_for_in_a_long_time_is_deleted(cache: Path) -> None:
    from curriculum.data.cache import kept

    for name in ("old", "new"):
        kept(name, lambda _: {})
    (cache / ".new-left").mkdir()
    long_ago = time.time() - 91 * 86_400
    for path in (cache / "old-1" / "about.json", cache / ".new-left"):
        os.utime(path, (long_ago, long_ago))
    kept("another", lambda _: {})
    assert sorted(path.name for path in cache.iterdir()) == ["another-1", "new-1"]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"root": "/nowhere"}, "there is no folder '/nowhere'; give the one"),
        ({"files": "*.md"}, r"matches '\*.md'; give another pattern"),
        ({"files": "**/*.txt", "exclude": ("*.txt",)}, r"without \*.txt; give another"),
        ({"files": "/"}, "corpus.files must be a pattern"),
        ({"held_out": 1.0}, r"corpus.held_out must be in \(0, 1\), got 1.0"),
        ({"by": "page"}, "corpus.by must be file, line or paragraph, got 'page'"),
        ({"pack": "none"}, "corpus.pack must be concat or per_document"),
        ({"held_out": 0.001}, "none is left for gate, tuning, target, certificate, as"),
        ({"held_out": 0.9999}, "none is left for train"),
        ({"tokenizer": "nobody/nothing"}, "'nobody/nothing' isn't on this machine, and nothing"),
        ({"tokenizer": "nowhere.json"}, "'nowhere.json' isn't on this machine"),
    ],
)
def test_bad_input_is_one_sentence(write: Write, settings: dict[str, object], message: str) -> None:
    root = write()
    with pytest.raises(UsageError, match=message) as error:
        corpus(**{"root": root, **settings}).load()  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("cache")
def test_empty_files_are_no_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" \n")
    with pytest.raises(UsageError, match=r"nothing is in 1 file of the corpus"):
        corpus(tmp_path).load()
