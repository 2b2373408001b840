"""Tables in files, as columns."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from curriculum import UsageError
from curriculum.data.table import column, numbers, read_columns

COLUMNS = {"text": ["one", "two, three", 'a "b"\nc'], "label": ["x", "y", "x"]}


def as_csv(path: Path) -> Path:
    path.write_text('\ufefftext,label\none,x\n"two, three",y\n\n"a ""b""\nc",x\n', encoding="utf-8")
    return path


def as_tsv(path: Path) -> Path:
    path.write_text('text\tlabel\none\tx\ntwo, three\ty\n"a ""b""\nc"\tx\n')
    return path


def as_parquet(path: Path) -> Path:
    parquet.write_table(pyarrow.table(COLUMNS), path)
    return path


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", as_csv), ("a.tsv", as_tsv), ("a.parquet", as_parquet)]
)
def test_all_formats_give_the_same_columns(name: str, write: Any, tmp_path: Path) -> None:
    found = read_columns(str(write(tmp_path / name)))
    assert {key: list(values) for key, values in found.items()} == COLUMNS


class StandIn:
    """What `datasets` gives for a data set: names of columns, and each by its name."""

    column_names = ("text", "label")

    def __getitem__(self, name: str) -> list[str]:
        return COLUMNS[name]


class Splits(dict[str, StandIn]):
    @property
    def column_names(self) -> dict[str, tuple[str, ...]]:
        return {name: each.column_names for name, each in self.items()}


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for the library, which isn't installed: what it loads from a folder, by its name."""
    module, known = ModuleType("datasets"), dict[str, Any]()

    def load_from_disk(path: str) -> Any:
        name = Path(path).name
        if name not in known:
            raise FileNotFoundError(f"Directory {path} is neither a `Dataset` directory nor")
        return known[name]

    module.load_from_disk = load_from_disk  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    return known


def test_a_saved_data_set_is_read(datasets: dict[str, Any], tmp_path: Path) -> None:
    datasets.update(plain=StandIn(), split=Splits(train=StandIn(), test=StandIn()))
    for name in ("plain", "split", "other"):
        (tmp_path / name).mkdir()
    assert read_columns(str(tmp_path / "plain")) == COLUMNS
    assert read_columns(str(tmp_path / "split"), "test") == COLUMNS
    with pytest.raises(UsageError, match=r"has the splits train, test, got ''; say which by"):
        read_columns(str(tmp_path / "split"))
    with pytest.raises(UsageError, match=r"other holds no data set as `save_to_disk` saves it"):
        read_columns(str(tmp_path / "other"))


@pytest.mark.parametrize(("library", "file"), [("datasets", "folder"), ("pyarrow", "a.parquet")])
def test_a_library_that_is_missing_is_named(
    library: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.parquet").touch()
    with pytest.raises(UsageError, match=rf"need {library}, .* pip install 'curriculum\[data\]'"):
        read_columns(str(tmp_path / file))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, r"there is no file .*missing\.csv; give"),
        ("a.xls", b"x", r"a table is a \.csv, \.tsv or \.parquet file, or a folder"),
        ("a.csv", b"", r"a\.csv is empty; its first row must hold the columns' names"),
        ("a.csv", b"text\n\xff\xfe", r"is no text in UTF-8 \(byte 0xff at 5\)"),
        ("a.csv", b"text,label\none\n", r"row 1 of .* has 1 value and the first 2 names"),
        ("a.parquet", b"PAR0", "can't be read as Parquet"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message) as error:
        read_columns(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_a_column_that_is_missing_or_empty_is_refused() -> None:
    with pytest.raises(UsageError, match=r"t\.csv has no column 'txt'; did you mean text\?"):
        column(COLUMNS, "txt", "t.csv")
    with pytest.raises(UsageError, match=r"t\.csv has no rows"):
        column({"text": []}, "text", "t.csv")


def test_a_column_of_numbers_holds_nothing_else() -> None:
    assert numbers(["1", "2.5"], "score").tolist() == [1.0, 2.5]
    for wrong in ("many", "", None, "nan", "inf"):
        with pytest.raises(UsageError, match=r"'score' must hold finite numbers, got .* in row 2"):
            numbers([1, wrong], "score")
