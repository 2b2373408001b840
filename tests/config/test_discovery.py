from pathlib import Path

import pytest

from curriculum import Experiment, UsageError
from curriculum.config import experiment_name, list_experiments, load_experiment
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

HEAD = """\
'''A file of mine.

More about it.
'''
import sys
from curriculum import Experiment, Explicit, Mastery
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

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
    found = {listing.name: listing.description for listing in list_experiments()}
    for name in ("lstm_firstbit", "rnn_firstbit", "gru_firstbit"):
        assert found[name]
        assert found[f"{name}:hard"]


def test_a_projects_own_experiments_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file(
        tmp_path / "experiments",
        "mine.py",
        HEAD + "hard = experiment.replace()\n'''The hard one.'''\n",
    )
    file(tmp_path / "experiments", "lstm_firstbit.py", HEAD)
    monkeypatch.chdir(tmp_path)
    found = {listing.name: listing.description for listing in list_experiments()}
    assert found["mine"] == "A file of mine."
    assert found["mine:hard"] == "The hard one."
    assert found["lstm_firstbit"] == "A file of mine."
    assert found["gru_firstbit"]


def test_listing_executes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file(tmp_path / "experiments", "trap.py", HEAD + "raise SystemExit('executed')\n")
    file(tmp_path / "experiments", "broken.py", "def (:\n")
    monkeypatch.chdir(tmp_path)
    found = {listing.name: listing.description for listing in list_experiments()}
    assert found["trap"] == "A file of mine."
    assert "can't be read" in found["broken"]


def test_an_experiment_is_named_after_its_file(tmp_path: Path) -> None:
    path = file(tmp_path, "mine.py", HEAD + "other = experiment.replace()\n")
    experiment, source = load_experiment(path)
    assert isinstance(experiment, Experiment)
    assert experiment.name == "mine"
    assert source == Path(path)
    assert load_experiment(f"{path}:other")[0].name == "mine:other"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no experiment: it needs a line"),
        ("import nothing_like_it\n", "line 1 can't be imported: ModuleNotFoundError"),
        ("import sys\nsys.exit('bye')\n", "line 2 can't be imported: SystemExit: bye"),
        ("def (:\n", "line 1 can't be imported: SyntaxError"),
        ("x = 1\n1 / 0\n", "line 2 can't be imported: ZeroDivisionError"),
        (HEAD.replace("=1.0", "=1.5"), "criterion.threshold must be in"),
    ],
)
def test_a_file_that_is_no_experiment_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_experiment(file(tmp_path, "mine.py", text))


def test_an_unknown_variable_is_an_error(tmp_path: Path) -> None:
    path = file(tmp_path, "mine.py", HEAD)
    with pytest.raises(UsageError, match="no experiment 'experimant'; did you mean experiment"):
        load_experiment(f"{path}:experimant")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lstm_fristbit", "did you mean lstm_firstbit"),
        ("zzzzzz", "known: "),
        ("nowhere/mine.py", "there is no file nowhere/mine.py"),
        ("/etc/passwd", "must end in .py, got /etc/passwd"),
        ("../../nowhere/else", "there is no file"),
        ("..", "there is no experiment"),
    ],
)
def test_a_name_that_finds_nothing_is_an_error(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_experiment(name)


def test_a_files_name_must_be_an_experiments_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        load_experiment(file(tmp_path, "my experiment.py", HEAD))


VARIANTS = """

def small(base: Experiment) -> Experiment:
    '''The small one.

    More about it.
    '''
    return base.replace(model=Recurrent(hidden_size=3))


def _private(base: Experiment) -> Experiment:
    return base


def of_size(size: int) -> Experiment:
    return Experiment(task=FirstBit(), model=Recurrent(hidden_size=size),
                      growth=Explicit(lengths=(2,)), criterion=Mastery(threshold=1.0))


def joined(base: Experiment, other: Experiment) -> Experiment:
    return other


def name_of(base: Experiment) -> str:
    return base.name


def unannotated(base):
    return base
"""
WITH_MAIN = HEAD + "other = experiment.replace(name='x')\n'''Another.'''\n" + VARIANTS
SEVERAL = (
    HEAD.replace("experiment =", "first =")
    + "'''The first.'''\n"
    + VARIANTS
    + "second = of_size(7)\n'''The second.'''\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            WITH_MAIN,
            {
                "mine": "A file of mine.",
                "mine:small": "The small one.",
                "mine:other": "Another.",
                "mine:other:small": "The small one.",
            },
        ),
        (
            SEVERAL,
            {
                "first": "The first.",
                "first:small": "The small one.",
                "second": "The second.",
                "second:small": "The small one.",
            },
        ),
    ],
    ids=["main", "several"],
)
def test_experiments_and_their_variants_are_listed_and_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, expected: dict[str, str]
) -> None:
    path = Path(file(tmp_path / "experiments", "mine.py", text))
    monkeypatch.chdir(tmp_path)
    listings = [listing for listing in list_experiments() if listing.path == path]
    assert {listing.name: listing.description for listing in listings} == expected
    loaded = {listing.name: load_experiment(listing.name) for listing in listings}
    for listing in listings:
        experiment, source = loaded[listing.name]
        assert experiment.name == listing.name
        assert source == path
        if listing.variant is not None:
            base, _ = loaded[listing.name.removesuffix(":small")]
            model = Recurrent(hidden_size=3)
            assert experiment == base.replace(model=model, name=listing.name)
            assert base.model != model


def test_a_shipped_variant_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    base, source = load_experiment("gru_firstbit")
    hard, same_source = load_experiment("gru_firstbit:hard")
    assert source == same_source
    assert source.name == "first_bit.py"
    assert (base.name, hard.name) == ("gru_firstbit", "gru_firstbit:hard")
    assert hard.model == base.model
    assert (base.task, hard.task) == (FirstBit(), FirstBit(zeros="hard"))


@pytest.mark.parametrize(
    ("text", "part", "name"),
    [
        (WITH_MAIN, "", "mine"),
        (WITH_MAIN, ":experiment", "mine"),
        (WITH_MAIN, ":small", "mine:small"),
        (WITH_MAIN, ":experiment:small", "mine:small"),
        (WITH_MAIN, ":other", "mine:other"),
        (WITH_MAIN, ":other:small", "mine:other:small"),
        (SEVERAL, ":first", "first"),
        (SEVERAL, ":second", "second"),
        (SEVERAL, ":first:small", "first:small"),
        (SEVERAL, ":second:small", "second:small"),
    ],
)
def test_an_experiment_of_a_path_has_the_name_that_it_is_listed_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, part: str, name: str
) -> None:
    path = file(tmp_path / "experiments", "mine.py", text)
    experiment, source = load_experiment(f"{path}{part}")
    assert source == Path(path)
    assert experiment.name == name == experiment_name(f"{path}{part}")
    monkeypatch.chdir(tmp_path)
    listed, _ = load_experiment(name)
    assert listed == experiment


def test_a_name_is_known_without_executing_the_file(tmp_path: Path) -> None:
    trap = "raise SystemExit('executed')\n"
    assert experiment_name(file(tmp_path, "mine.py", WITH_MAIN + trap) + ":small") == "mine:small"
    assert experiment_name(file(tmp_path, "mine.py", SEVERAL + trap) + ":first") == "first"


def test_a_missing_file_is_taken_for_one_that_defines_experiment() -> None:
    assert experiment_name("gone/mine.py") == "mine"
    assert experiment_name("gone/mine.py:experiment") == "mine"
    assert experiment_name("gone/mine.py:other:small") == "mine:other:small"
    assert experiment_name("first:small") == "first:small"


@pytest.mark.parametrize(
    ("text", "part", "message"),
    [
        (WITH_MAIN, ":smal", "defines no experiment 'smal'; known: experiment, other"),
        (WITH_MAIN, ":of_size", "defines no experiment 'of_size'"),
        (WITH_MAIN, ":joined", "defines no experiment 'joined'"),
        (WITH_MAIN, ":name_of", "defines no experiment 'name_of'"),
        (WITH_MAIN, ":unannotated", "defines no experiment 'unannotated'"),
        (WITH_MAIN, ":other:name_of", "has no variant 'name_of', which is a function that takes"),
        (WITH_MAIN, ":other:Recurrent", "has no variant 'Recurrent'"),
        (WITH_MAIN, ":other:gone", "has no variant 'gone'"),
        (SEVERAL, "", "known: first, second; add the name of one, as in mine.py:first"),
        (SEVERAL, ":small", "known: first, second; add the name of one, as in mine.py:first"),
    ],
)
def test_what_is_no_variant_is_an_error(tmp_path: Path, text: str, part: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_experiment(file(tmp_path, "mine.py", text) + part)
