"""A final model on many stages: a table, what it comes to in a few lines, and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from curriculum.errors import counted
from curriculum.plan import AxisNames, Stage
from curriculum.record import FinalEvaluated
from curriculum.report.tables import final_evaluation_table
from curriculum.report.units import csv_cell

MOST_ROWS = 40
"""Of more stages a table shows `SOME_ROWS`, evenly spaced: all of them are for a file."""

SOME_ROWS = 20

WORDS = {"passes": "passed", "fails": "failed", "not shown": "not shown"}

CSV_COLUMNS = ("length", "vocab_size", "level", "metric", "score", "examples", "answer", "reason")


def certification_table(title: str, events: Sequence[FinalEvaluated], names: AxisNames) -> Table:
    """A row for each stage; of many stages for some, the first and the last among them."""
    if len(events) <= MOST_ROWS:
        return final_evaluation_table(title, events, names)
    last = len(events) - 1
    some = [events[round(number * last / (SOME_ROWS - 1))] for number in range(SOME_ROWS)]
    return final_evaluation_table(f"{title}; {SOME_ROWS} of {len(events):,} stages", some, names)


def certification_lines(
    metric: str,
    events: Sequence[FinalEvaluated],
    refused: Mapping[Stage, str],
    names: AxisNames,
) -> Iterator[str]:
    """The mean over the stages, how many pass, and why some were refused."""
    if len(events) > 1:
        lengths = [event.stage.length for event in events]
        answers = [event.answer for event in events]
        text = ", ".join(
            f"{answers.count(answer):,} {words}"
            for answer, words in WORDS.items()
            if answer in answers
        )
        mean = sum(event.score for event in events) / len(events)
        yield (
            f"Mean {metric} {mean:.4f} over {len(events):,} stages, {names.lengths} {min(lengths):,} to "
            f"{max(lengths):,}: {text}"
        )
    alike = defaultdict[str, list[tuple[Stage, str]]](list)
    for stage, reason in refused.items():
        alike[re.sub(r"\d+", "N", reason)].append((stage, reason))
    for (stage, reason), *more in alike.values():
        others = f", and {counted(len(more), 'stage')} more likewise" if more else ""
        words = names.words(stage)
        where = "" if words in reason else f"{words}: "
        yield f"Not evaluated: {where}{reason}{others}"


def certification_csv(
    metric: str, events: Sequence[FinalEvaluated], refused: Mapping[Stage, str]
) -> str:
    """A line for each stage, the refused ones last, with no score and the answer `refused`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for event in events:
        what = (event.score, event.examples, event.answer, csv_cell(event.reason))
        writer.writerow((*_numbers(event.stage), csv_cell(metric), *what))
    for stage, reason in refused.items():
        writer.writerow((*_numbers(stage), csv_cell(metric), "", 0, "refused", csv_cell(reason)))
    return text.getvalue()


def _numbers(stage: Stage) -> tuple[int, int, int]:
    return stage.length, stage.vocab_size, stage.level
