"""A store's own files and folders."""

from pathlib import Path

import pytest

from curriculum.record import make_within


def test_a_folder_that_another_process_takes_away_meanwhile_is_made_again(tmp_path: Path) -> None:
    root, taken = tmp_path / "in" / "root", 0

    def make() -> None:
        nonlocal taken
        if taken < 3:
            taken += 1
            root.rmdir()
        (root / "made").mkdir()

    make_within(root, make)
    assert taken == 3
    assert (root / "made").is_dir()


def test_what_can_never_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_within(tmp_path, (tmp_path / "missing" / "made").mkdir)
