"""What `compare` writes: tables, a CSV file, an HTML report, JSON, and the report in MLflow."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curriculum import api, comparison, record, tracking
from curriculum.cli.arguments import StoreOption, TrackingOption
from curriculum.cli.output_files import write_text
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_error, print_note
from curriculum.report import comparison as comparison_report

NOT_IN_METRIC_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)
"""What MLflow refuses in the name of a metric."""


@dataclass(frozen=True, kw_only=True)
class OutputRequest(StoreOption, TrackingOption):
    """What to print and to write."""

    json: bool = option("print the comparisons as one JSON list", bool)
    csv: Path | None = option(
        "write the costs of all stages (with --measure, the scores of all seeds) to this CSV file",
        Path,
    )
    report: Path | None = option(
        "write an HTML report with plots to this file, and attach it to MLflow", Path
    )


def write_outputs(found: Sequence[api.StrategyComparison], request: OutputRequest) -> None:
    """Print the comparisons, and write what else is wanted."""
    comparisons = [each.comparison for each in found]
    for each in comparisons:
        comparison_report.print_comparison(each, sys.stderr if request.json else sys.stdout)
    if request.csv is not None:
        write_text(request.csv, comparison_report.as_csv(*comparisons))
    if request.report is not None:
        figures = {
            each.comparison.experiment: list(
                comparison_report.history_figures(each.comparison, each.histories)
            )
            for each in found
        }
        write_text(request.report, comparison_report.html_report(comparisons, figures=figures))
        _upload(comparisons, request.report, request)
    if request.json:
        print(json.dumps([comparison_report.as_json(each) for each in comparisons]))


def _upload(
    comparisons: Sequence[comparison.Comparison], path: Path, request: OutputRequest
) -> None:
    """Attach the report to MLflow; where that fails, say so, and do without."""
    store = record.Store(request.store)
    uri = tracking.resolve_tracking_uri(store, request.tracking_uri)
    for each in comparisons:
        metrics = {
            f"reach/{NOT_IN_METRIC_NAMES.sub(' ', name)}": outcome.reach.value + 1
            for name, outcome in each.outcomes.items()
        }
        if each.measured is not None:
            metrics |= {
                f"{NOT_IN_METRIC_NAMES.sub(' ', f'{each.measured.measure.name}/{name}')}": outcome.median.value
                for name, outcome in each.measured.outcomes.items()
            }
        note = "\n\n".join(comparison_report.sentences(each))
        try:
            tracking.upload_report(store, uri, each.experiment, [path], note=note, metrics=metrics)
        except Exception as error:  # MLflow's trouble must not cost the comparison
            print_error(
                f"the report is not in MLflow at {record.redacted(uri)}: {record.first_line(error)}"
            )
            return
    print_note(f"Attached the report to MLflow at {record.redacted(uri)}")
