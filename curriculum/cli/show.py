"""The commands `explain`, `show` and `runs`, which read what is recorded."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from curriculum import api, record, report
from curriculum.cli.arguments import RunArgument, SourceOption, StoreOption
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_line, print_note, users_output_on_stderr
from curriculum.cli.values import natural
from curriculum.errors import counted


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(RunArgument, StoreOption):
    """Which run to explain."""


@dataclass(frozen=True, kw_only=True)
class ShowRequest(RunArgument, SourceOption, StoreOption):
    """Which examples of which run to show."""

    length: int | None = option(
        "the inputs' length (default: that of the hardest stage passed)", natural
    )
    vocab_size: int | None = option(
        "the inputs' vocabulary (default: that of the hardest stage passed)", natural, "V"
    )
    level: int | None = option(
        "the inputs' level (default: that of the hardest stage passed)", natural
    )
    input: str | None = option(
        "show this input, such as '0 1 1', in place of examples", metavar="TEXT"
    )
    examples: int = option("how many to show", natural, default=10)


@dataclass(frozen=True, kw_only=True)
class RunsRequest(StoreOption):
    """Which store's runs to list."""

    json: bool = option("print the runs as one JSON list", bool)


def explain(request: ExplainRequest) -> int:
    """Explain why each visit of a run advanced, or did not."""
    folder = record.Store(request.store).find(request.run)
    running = folder.is_running
    for sentence in report.explain_run(record.History.of(folder), running=running):
        print_line(sentence, hanging=2)
    return 0


def show(request: ShowRequest) -> int:
    """Show inputs, targets and predictions of a run's final model, and what it writes."""
    with users_output_on_stderr():
        found = api.show(
            request.run,
            length=request.length,
            vocab_size=request.vocab_size,
            level=request.level,
            input=request.input,
            examples=request.examples,
            store=request.store,
            source=request.source,
        )
    print_line(found.title)
    report.literal_console().print(found.table)
    for line in found.sample:
        print_line(line, hanging=2)
    return 0


def runs(request: RunsRequest) -> int:
    """List a store's runs."""
    store = record.Store(request.store)
    store.check_not_empty()
    lines = report.run_lines(store)
    if request.json:
        print(json.dumps([line.as_json() for line in lines]))
        return 0
    report.print_runs(lines, sys.stdout)
    foreign = sum(line.state == "foreign" for line in lines)
    if foreign:
        print_note(
            f"{counted(foreign, 'run')} recorded by another version of this package, in a "
            f"format that this one doesn't read"
        )
    return 0
