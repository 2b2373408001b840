"""Reads all that is recorded of a run, every record and every byte of its checkpoints, and says what is wrong."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from curriculum.errors import RunFailed, UsageError
from curriculum.record import events
from curriculum.record.checkpoint import load_state
from curriculum.record.disk import reading
from curriculum.record.journal import read_whole_journal
from curriculum.record.overview import RunOverview
from curriculum.record.problem import Problem, ProblemKind, problem_kind
from curriculum.record.run_folder import TARGET_CHECKPOINT, RunFolder
from curriculum.record.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something of a store that somebody may want to know.

    Attributes:
        name: the run's id, or of what is no run its name.
        kind: of problem; or `unfinished`: it can be resumed; `not copied`: MLflow lacks some of it.
            What is no run of this package is `foreign`, too.
        what: a sentence.
    """

    name: str
    kind: ProblemKind | Literal["unfinished", "not copied"]
    what: str


def inspect_run(folder: RunFolder) -> list[Finding]:
    """What is to be said of a run; nothing of one that is whole and over, that is running, or is gone by now."""
    try:
        overview = RunOverview.of(folder)
        if overview.running:
            return []
        problems = [*_journal_problems(folder), *_checkpoint_problems(folder)]
        if problems and folder.is_running:
            return []  # it was resumed meanwhile
    except (UsageError, RunFailed) as problem:
        problems = [problem]
    if not os.path.lexists(folder.path):
        return []
    if problems:
        return [
            Finding(name=folder.id, kind=problem_kind(each), what=str(each)) for each in problems
        ]
    if overview.totals.ended is not None:
        return []
    stage, words = overview.totals.reach, overview.description.axis_names.words
    reach = "before it mastered a stage" if stage is None else f"at a reach of {words(stage)}"
    what = f"{overview.status} {reach}; 'resume {folder.id}' continues it"
    return [Finding(name=folder.id, kind="unfinished", what=what)]


def foreign_files(store: Store) -> list[Finding]:
    """What lies among a store's runs, and is none."""
    try:
        paths = sorted(path for path in store.runs_folder.iterdir() if path.name[0] != ".")
    except OSError:  # which the list of runs tells of
        return []
    runs = {folder.id for folder in store.runs()}
    return [
        Finding(name=printable(path.name), kind="foreign", what="no run of this package")
        for path in paths
        if path.name not in runs
    ]


def printable(name: str) -> str:
    """A file's name, which may hold anything, with `?` in place of what can't be printed."""
    return "".join(each if each.isprintable() else "?" for each in name)


def _journal_problems(folder: RunFolder) -> list[Problem]:
    """Why a journal is not what was written, if it isn't."""
    end, over = 0, False
    try:
        saved = folder.journal_bytes_saved
        with suppress(OSError), reading(folder.journal):  # there may be none yet
            for record, end in read_whole_journal(folder.journal):  # noqa: B007 - used after the loop
                over = over or isinstance(record.event, events.RunEnded)
    except (UsageError, RunFailed) as problem:
        return [problem]
    if end < saved and not over:
        return [
            UsageError(
                f"{folder.journal} ends at byte {end:,}, and was longer when the newest checkpoint "
                f"was saved; 'resume {folder.id}' continues from what is whole"
            )
        ]
    return []


def _checkpoint_problems(folder: RunFolder) -> list[Problem]:
    """Why checkpoints are not what was saved, each that isn't."""
    problems: list[Problem] = []
    try:
        paths = folder.checkpoint_folders()
        target = folder.checkpoints / TARGET_CHECKPOINT
        if os.path.lexists(target):
            paths.append(target)
    except (UsageError, RunFailed) as problem:
        return [problem]
    for path in paths:
        try:
            with reading(path, is_there=True):
                load_state(folder.checkpoint(path.name))
        except (UsageError, RunFailed) as problem:
            problems.append(problem)
    return problems
