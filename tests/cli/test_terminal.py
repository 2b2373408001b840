"""What people read is wrapped between words on a terminal, and left whole in a pipe."""

import io
import logging

import pytest

from curriculum.cli import terminal
from curriculum.cli.terminal import print_error, print_line, print_note

SENTENCE = (
    "Visit 1, length 9, vocabulary 2: exhausted after 300 steps: the stage's budget of 300 steps is "
    "used up; last evaluation: 'certify last --length 100000' in a-word-with-hyphens-that-is-longer-"
    "than-what-is-left-of-the-line, and then a few words more."
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("hanging", [0, 2])
def test_a_terminal_gets_lines_wrapped_between_words(hanging: int) -> None:
    stream = Terminal()
    print_line(SENTENCE, stream, hanging=hanging)
    first, *rest = stream.getvalue().splitlines()
    assert len(rest) == 3
    assert max(map(len, (first, *rest))) <= 80
    assert all(line.startswith(" " * hanging) and line[hanging] != " " for line in rest)
    assert [word for line in (first, *rest) for word in line.split()] == SENTENCE.split()


def test_a_word_longer_than_a_line_of_a_terminal_is_left_whole() -> None:
    stream, path = Terminal(), "/" + "folder/" * 20
    print_line(f"The run was started from {path}", stream)
    assert stream.getvalue() == f"The run was started from\n{path}\n"


@pytest.mark.parametrize("columns", ["20", "80"])
def test_a_pipe_gets_whole_lines(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stream = io.StringIO()
    print_line(SENTENCE, stream, hanging=2)
    assert stream.getvalue() == f"{SENTENCE}\n"


def test_errors_notes_and_warnings_go_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_note("copying run 1a2b3c4d")
    print_error("there is no run 'x'")
    terminal.WarningHandler().emit(
        logging.LogRecord("curriculum", logging.WARNING, "", 1, "%s is damaged", ("it",), None)
    )
    out, err = capsys.readouterr()
    assert not out
    assert err.splitlines() == [
        "copying run 1a2b3c4d",
        "curriculum: there is no run 'x'",
        "curriculum: it is damaged",
    ]
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    print_error(SENTENCE)
    assert max(map(len, stream.getvalue().splitlines())) <= 80
