"""Why a run can't be read."""

from typing import Literal

from curriculum.errors import RunFailed, UsageError
from curriculum.record.description import OtherFormat
from curriculum.record.disk import Unreadable

Problem = UsageError | RunFailed

ProblemKind = Literal["damaged", "foreign", "unreadable"]
"""`damaged`: it is not what was written; `foreign`: another version of this package has written it;
`unreadable`: the system keeps it from being read, now."""


def problem_kind(problem: Problem) -> ProblemKind:
    """Which kind of problem it is."""
    if isinstance(problem, OtherFormat):
        return "foreign"
    return "unreadable" if isinstance(problem, Unreadable) else "damaged"
