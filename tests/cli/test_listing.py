"""The command `list`: experiments by family, all of them or those with a word."""

import json
from pathlib import Path

import pytest
from command_line import call

from curriculum.config import list_experiments

MINE = """\
'''Parity, and the like.

More about it.
'''
raise SystemExit('executed')
first = Experiment()
'''The first.'''
second = first.replace()

def hard(base: Experiment) -> Experiment:
    '''Harder.'''
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with experiments of its own."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(text: str) -> list[list[str]]:
    """The lines of each family."""
    return [block.splitlines() for block in text.split("\n\n")]


@pytest.mark.usefixtures("project")
def test_families_have_their_titles_and_the_projects_own_come_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("list") == 0
    mine, *shipped = blocks(capsys.readouterr().out)
    assert mine[0] == "Parity, and the like (mine.py)"
    assert [line.split() for line in mine[1:]] == [
        ["first", "The", "first."],
        ["second"],
        ["NAME:hard", "Harder."],
    ]
    headings = [block[0] for block in shipped]
    assert len({*headings}) == len(headings)
    assert "First bit by an LSTM, an RNN and a GRU" in headings
    assert not any(heading.startswith(" ") for heading in headings)


def test_every_experiment_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """By its name; a variant of all of a family has one for them all, with its description."""
    assert call("list") == 0
    out = capsys.readouterr().out
    rows = [line.strip() for line in out.splitlines()]
    found = list_experiments()
    assert len({listing.name for listing in found}) == len(found) > 20
    for listing in found:
        shared = f"NAME:{listing.variant}"
        named = [row for row in rows if row.split("  ")[0] in (listing.name, shared)]
        assert named, listing.name
        assert listing.description in out or listing.description.rstrip(".") in out


def test_lines_fit_into_80_columns_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert call("list") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "\n                              curriculum" in out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("HARDER", ["first:hard", "second:hard"]),
        ("bert_reverse:seed_5", ["bert_reverse:seed_5_10"]),
        ("mine", ["first", "first:hard", "second", "second:hard"]),
        ("The first.", ["first"]),
    ],
)
def test_a_word_picks_those_that_have_it(
    word: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list", word, "--json") == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == expected


@pytest.mark.usefixtures("project")
def test_variants_that_are_picked_have_their_whole_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("list", "harder") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "first:hard",
        "second:hard",
    ]


def test_json_has_the_family(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == len(list_experiments())
    assert found[1] == {
        "name": "first:hard",
        "family": "mine",
        "family_title": "Parity, and the like.",
        "description": "Harder.",
        "variant": "hard",
        "file": str(project / "experiments" / "mine.py"),
    }


def test_the_experiments_of_a_file_are_named_as_they_are_run(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "experiments" / "mine.py").rename(project / "elsewhere.py")
    assert call("list", "elsewhere.py", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    names = ["first", "first:hard", "second", "second:hard"]
    assert [each["name"] for each in found] == [f"elsewhere.py:{name}" for name in names]
    (project / "main.py").write_text("experiment = Experiment()\n")
    assert call("list", "main.py") == 0
    assert capsys.readouterr().out == "main (main.py)\n  main.py\n"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("lstm_fristbit", "no experiment with 'lstm_fristbit'; did you mean lstm_firstbit"),
        ("nowhere.py", "there is no file nowhere.py"),
        ("empty.py", "empty.py defines no experiment"),
    ],
)
def test_where_there_is_none_it_is_a_mistake(
    word: str, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "empty.py").write_text("")
    assert call("list", word) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert not out
