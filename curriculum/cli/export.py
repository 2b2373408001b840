"""The command `export`: writes a run's final model for the library `transformers`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curriculum import api
from curriculum.cli.arguments import RunArgument, SourceOption, StoreOption
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_line, print_note, users_output_on_stderr
from curriculum.errors import UsageError

EXAMPLES = """\
examples:
  python -m curriculum export last --to exported
  python -m curriculum export 3f2a --to exported --overwrite
  python -c "import transformers as t; t.AutoModelForCausalLM.from_pretrained('exported')"
"""


@dataclass(frozen=True, kw_only=True)
class ExportRequest(RunArgument, SourceOption, StoreOption):
    """Which model to write, and where."""

    to: Path | None = option("the folder to write it to, which is made", Path, "DIR")
    overwrite: bool = option("replace files that are there already", bool)


def export(request: ExportRequest) -> int:
    """Write the model, and say how it is loaded."""
    if request.to is None:
        raise UsageError("export needs --to DIR, the folder to write the model to")
    with users_output_on_stderr():
        found = api.export(
            request.run,
            request.to,
            overwrite=request.overwrite,
            store=request.store,
            source=request.source,
        )
    print_note(f"Wrote {found.folder}")
    for line in found.lines:
        print_line(line, hanging=2)
    return 0
