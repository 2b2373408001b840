"""The command `certify`: evaluates a run's final model again, on inputs of any length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from curriculum import api, report
from curriculum.cli.arguments import RunArgument, SourceOption, StoreOption
from curriculum.cli.output_files import check_can_be_written, write_text, writing
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_line, users_output_on_stderr
from curriculum.cli.values import lengths, natural, thread_count
from curriculum.errors import UsageError

EXAMPLES = """\
examples:
  python -m curriculum certify last
  python -m curriculum certify last --length 100000
  python -m curriculum certify last --length 41..500 --metric symbol_accuracy
  python -m curriculum certify last --length 41..500..20 --length 1000,2000
  python -m curriculum certify last --length 41..500 --figure curve.png --csv curve.csv

exit codes:
  0    all that was asked for was evaluated, and passes
  2    a mistake on the command line, or none of the lengths can be evaluated
  3    a stage does not pass, or task or model refuse it
  130  interrupted; what was done by then is printed
"""

FIGURE_TYPES = (".png", ".svg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class CertifyRequest(RunArgument, SourceOption, StoreOption):
    """Which model to evaluate, and on what."""

    length: list[tuple[int, ...]] = option(
        "evaluate on these lengths alone, such as 40, 41..500, 41..500..20 (every 20th) or "
        "40,80,160; may be repeated (default: all stages, and beyond)",
        lengths,
        action="append",
        default=[],
    )
    metric: str | None = option(
        "what is measured, and compared with the criterion's threshold: exact_match, "
        "symbol_accuracy or one of the task's own (default: criterion.metric)",
        metavar="NAME",
    )
    vocab_size: int | None = option(
        "with --length: the vocabulary (default: that of the hardest stage passed)", natural, "V"
    )
    level: int | None = option(
        "with --length: the level (default: that of the hardest stage passed)", natural
    )
    examples: int | None = option(
        "with --length: how many examples, where there are too many inputs to evaluate on all "
        "(default: final_evaluation.examples)",
        natural,
    )
    threads: int = option(
        "threads of torch; on long inputs one is fastest", thread_count, default=1
    )
    json: bool = option("print the results as one JSON object", bool)
    csv: Path | None = option("write the results to this CSV file, a line for each stage", Path)
    figure: Path | None = option(
        "draw the curve of scores by length into this file (.png, .svg or .pdf)", Path
    )


def certify(request: CertifyRequest) -> int:
    """Evaluate, print the results, and give the exit code."""
    if not request.length and (request.examples or request.vocab_size or request.level):
        raise UsageError("--examples, --vocab-size and --level need --length; give it too")
    _check_files(request)
    with users_output_on_stderr():
        found = api.certify(
            request.run,
            [length for each in request.length for length in each] or None,
            metric=request.metric,
            vocab_size=request.vocab_size,
            level=request.level,
            examples=request.examples,
            store=request.store,
            source=request.source,
            threads=request.threads,
            progress=True,
            on_interrupt="return",
        )
    if request.csv is not None:
        write_text(request.csv, found.as_csv())
    if request.figure is not None and found.evaluations:
        with writing(request.figure):
            found.figure.savefig(request.figure)
    if request.json:
        print(json.dumps(found.as_json()))
    else:
        report.literal_console().print(found.table)
        for line in found.lines:
            print_line(line, hanging=2)
    if found.interrupted:
        return 130
    return 0 if found.passes else 3


def _check_files(request: CertifyRequest) -> None:
    """Check, before the work, that what is asked for can be written."""
    for path in (request.csv, request.figure):
        if path is not None:
            check_can_be_written(path)
    if request.figure is not None and request.figure.suffix.lower() not in FIGURE_TYPES:
        raise UsageError(
            f"--figure takes a name that ends in {', '.join(FIGURE_TYPES)}, got {request.figure}"
        )
