"""Runs the files that docs/gallery.md shows, and draws the picture of each.

python benchmarks/gallery.py
python benchmarks/gallery.py dyck stack_rnn
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from recorded_rows import Row, rows_of
from run_tables import Content, table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
IMAGES = ROOT / "docs" / "images"
FILE = re.compile(r"[Ss]ave this as `(\w+)\.py`.*?```python\n(.*?)```", re.DOTALL)


def main() -> None:
    """Run what was named, or all of it, on one core and with seed 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of files; default: all")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    options = parser.parse_args()
    names = options.names or list(files())
    rows_of(({"file": name, "seed": 0} for name in names), run_and_draw, file=options.json)


def files() -> dict[str, str]:
    """The code of each file that the page shows, by its name without `.py`."""
    return dict(FILE.findall(PAGE.read_text()))


def run_and_draw(key: Row) -> Row:
    """Run a file to its end, write its picture, and give what it took to its target.

    Seconds are those of the processor, which other processes don't lengthen.
    """
    import torch  # noqa: F401 - its import is not part of a run

    import curriculum

    name, ends = key["file"], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(files()[name])
        started = time.process_time()
        result = curriculum.run(
            str(path),
            key["seed"],
            store=Path(folder) / "store",
            mirror=False,
            progress=False,
            threads=1,
            on_trained=lambda _: ends.append(time.process_time()),
        )
    result.figures["score_by_stage"].savefig(IMAGES / f"gallery_{name}.png")
    return {
        "status": result.status,
        "reach": str(result.reach),
        "steps": result.steps,
        "compute": result.compute,
        "seconds": round(ends[0] - started, 1),
    }


def gallery(content: Content) -> str:
    """A line for each file, with what it took to its target."""
    lines: list[Sequence[str]] = [
        [
            f"`{row['file']}.py`",
            row["reach"] if row["status"] == "reached" else f"not its target: {row['reach']}",
            f"{row['steps']:,}",
            f"{row['seconds']:.1f} s",
        ]
        for row in content[0]
    ]
    return table(["file", "target", "steps", "seconds of one core"], iter(lines))


if __name__ == "__main__":
    main()
