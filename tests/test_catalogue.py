from pathlib import Path

import pytest

from curriculum import Experiment, UsageError
from curriculum.catalogue import listings, load_experiment

HEAD = """\
'''A file of mine.

More about it.
'''
import sys
from curriculum import Experiment, Explicit, Mastery
from curriculum.models import Recurrent
from tasks import FirstBit

experiment = Experiment(task=FirstBit(), model=Recurrent(), growth=Explicit(lengths=(2, 3)),
                        criterion=Mastery(threshold=1.0))
"""


def file(folder: Path, name: str, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_shipped_experiments_are_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    found = {listing.name: listing.line for listing in listings()}
    for name in ("lstm_firstbit", "rnn_firstbit", "gru_firstbit"):
        assert found[name]
        assert found[f"{name}:hard"]


def test_a_projects_own_experiments_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file(
        tmp_path / "experiments", "mine.py", HEAD + "hard = experiment.but()\n'''The hard one.'''\n"
    )
    file(tmp_path / "experiments", "lstm_firstbit.py", HEAD)
    monkeypatch.chdir(tmp_path)
    found = {listing.name: listing.line for listing in listings()}
    assert found["mine"] == "A file of mine."
    assert found["mine:hard"] == "The hard one."
    assert found["lstm_firstbit"] == "A file of mine."
    assert found["gru_firstbit"]


def test_listing_executes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file(tmp_path / "experiments", "trap.py", HEAD + "raise SystemExit('executed')\n")
    file(tmp_path / "experiments", "broken.py", "def (:\n")
    monkeypatch.chdir(tmp_path)
    found = {listing.name: listing.line for listing in listings()}
    assert found["trap"] == "A file of mine."
    assert "can't be read" in found["broken"]


def test_an_experiment_is_named_after_its_file(tmp_path: Path) -> None:
    path = file(tmp_path, "mine.py", HEAD + "other = experiment.but()\n")
    experiment, source = load_experiment(path)
    assert isinstance(experiment, Experiment)
    assert experiment.name == "mine"
    assert source == Path(path)
    assert load_experiment(f"{path}:other")[0].name == "mine:other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "defines no experiment: it needs a line"),
        ("import nothing_like_it\n", "line 1 can't be imported: ModuleNotFoundError"),
        ("import sys\nsys.exit('bye')\n", "line 2 can't be imported: SystemExit: bye"),
        ("def (:\n", "line 1 can't be imported: SyntaxError"),
        ("x = 1\n1 / 0\n", "line 2 can't be imported: ZeroDivisionError"),
        (HEAD.replace("=1.0", "=1.5"), "criterion.threshold must be in"),
    ],
)
def test_a_file_that_is_no_experiment_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_experiment(file(tmp_path, "mine.py", text))


def test_an_unknown_variable_is_an_error(tmp_path: Path) -> None:
    path = file(tmp_path, "mine.py", HEAD)
    with pytest.raises(UsageError, match="no experiment 'experimant'; did you mean experiment"):
        load_experiment(f"{path}:experimant")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lstm_fristbit", "did you mean lstm_firstbit"),
        ("zzzzzz", "known: "),
        ("nowhere/mine.py", "there is no file nowhere/mine.py"),
        ("../../etc/passwd", "there is no file"),
        ("../../nowhere/else", "there is no file"),
        ("..", "there is no experiment"),
    ],
)
def test_a_name_that_finds_nothing_is_an_error(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_experiment(name)


def test_a_files_name_must_serve_in_the_store(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        load_experiment(file(tmp_path, "my experiment.py", HEAD))
