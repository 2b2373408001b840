"""Prints for people: lines are wrapped between words on terminals, and left whole in pipes."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from contextlib import AbstractContextManager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console


WHOLE_WORDS: Mapping[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
"""Has textwrap wrap between words alone: what is longer than a line can still be copied."""


def print_line(text: str, stream: TextIO | None = None, *, hanging: int = 0) -> None:
    """Print a line; where it is wrapped, what follows its first line is indented so far."""
    stream = sys.stdout if stream is None else stream
    if stream.isatty():
        columns, indent = shutil.get_terminal_size().columns, " " * hanging
        text = textwrap.fill(text, columns, subsequent_indent=indent, **WHOLE_WORDS)
    print(text, file=stream, flush=True)


def open_standard_streams() -> None:
    """Have what a closed stream would take go nowhere.

    Python has None for a stream that was closed before it started, and the next file that is
    opened would get its number: what a child process prints would then be written into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            null = os.open(os.devnull, os.O_RDONLY if name == "stdin" else os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def users_output_on_stderr() -> AbstractContextManager[TextIO]:
    """What a user's file prints, when it is imported or run, stays out of a command's output."""
    return redirect_stdout(sys.stderr)


def print_note(text: str) -> None:
    """Print to stderr, where it is in the way of no output."""
    print_line(text, sys.stderr)


def print_error(text: object) -> None:
    """Print an error or a warning."""
    print_note(f"curriculum: {text}")


def stderr_console() -> Console:
    """A console for progress."""
    from curriculum.report import literal_console  # most errors do without

    return literal_console(stderr=True, force_terminal=None if sys.stderr.isatty() else False)


class WarningHandler(logging.Handler):
    """Prints what the package logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        print_error(self.format(record))
