from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record import Store
from curriculum.sweeps.ray.shipped_source import check_shipped, ship_source


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with another that it imports."""
    (tmp_path / "mine.py").write_text("import helper")
    (tmp_path / "helper.py").write_text("x = 1")
    (tmp_path / "other.py").write_text("y = 1")
    return tmp_path / "mine.py"


def test_what_is_shipped_is_whole_and_lies_under_its_digest(source: Path, store: Path) -> None:
    shipped = ship_source(source, Store(store))
    assert {path.name for path in shipped.parent.iterdir()} == {"mine.py", "helper.py"}
    check_shipped(shipped)
    assert ship_source(source, Store(store)) == shipped
    assert len([*(store / "sources").iterdir()]) == 1


def test_a_changed_file_is_shipped_beside_the_one_before(source: Path, store: Path) -> None:
    before = ship_source(source, Store(store))
    source.with_name("helper.py").write_text("x = 2")
    after = ship_source(source, Store(store))
    assert after.parent != before.parent
    assert before.with_name("helper.py").read_text() == "x = 1"


def test_what_is_not_as_it_was_shipped_is_refused(source: Path, store: Path) -> None:
    shipped = ship_source(source, Store(store))
    shipped.with_name("helper.py").write_text("x = 3")
    with pytest.raises(UsageError, match="is not what was put into the store"):
        check_shipped(shipped)


def test_a_file_that_is_gone_is_refused(source: Path, store: Path) -> None:
    source.unlink()
    with pytest.raises(UsageError, match="can't be copied into the store"):
        ship_source(source, Store(store))
    assert not (store / "sources").exists()
