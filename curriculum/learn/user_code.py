"""Tells what a user's own class gets wrong in one sentence, with the stage and the line."""

from __future__ import annotations

import inspect
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.learn.memory import is_out_of_memory

LIBRARIES = [
    Path(__file__).parents[1],
    *(Path(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib", "platlib")),
]
"""Folders whose code is not the user's: this package, Python's own, and what is installed."""


@contextmanager
def user_errors(owner: object, at: str = "") -> Iterator[None]:
    """A context in which code is called that may be a user's.

    Args:
        owner: the task or the model that it belongs to.
        at: which stage, in words; empty for none.

    Raises:
        UsageError: in place of what is raised inside, but for a lack of memory.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = " ".join(str(error).split())[:300]
        where = at and f" at {at}"
        raise UsageError(
            f"{type(owner).__name__} fails{where}{_line_of(error)}: {type(error).__name__}: {message}"
        ) from error


def contract_error(
    owner: object, method: Callable[..., object], at: str, problem: str
) -> UsageError:
    """The error that a method breaks a rule at a stage, with the line where it is defined."""
    name = getattr(method, "__name__", type(method).__name__)
    code = getattr(inspect.unwrap(method), "__code__", None)
    where = "" if code is None else f" ({Path(code.co_filename).name}, line {code.co_firstlineno})"
    return UsageError(f"{type(owner).__name__}.{name}{where} {problem} (at {at})")


def _line_of(error: BaseException) -> str:
    """The user's line that an error came from, the last that is of no library; nothing for none."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [
        frame
        for frame in frames
        if not any(Path(frame.filename).is_relative_to(folder) for folder in LIBRARIES)
    ]
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""
