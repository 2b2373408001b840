"""Measure the figures of README and docs anew, and write their tables.

python benchmarks/reproduce.py --list
python benchmarks/reproduce.py first_bit_strategies human_numbers_notebook
python benchmarks/reproduce.py                 # all of them: some hours
python benchmarks/reproduce.py --tables        # from benchmarks/figures.json alone
python benchmarks/reproduce.py chomsky --so-far  # the rows that a stopped measurement has made

Stop it at any time: the same command goes on, at the same version. What was measured is kept in benchmarks/figures.json,
with its command, date, machine and version, and the tables between `<!-- figures NAME -->` and
`<!-- end -->` in README.md and docs/ are made from that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import torch
from figures import FIGURES
from recorded_rows import stored_rows

ROOT = Path(__file__).parents[1]
FILE = ROOT / "benchmarks" / "figures.json"
BLOCK = re.compile(r"<!-- figures (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def main() -> None:
    """Measure what was named, or all of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; default: all")
    parser.add_argument("--list", action="store_true", help="list names, minutes and commands")
    parser.add_argument(
        "--tables", action="store_true", help="write the tables, and measure nothing"
    )
    parser.add_argument(
        "--so-far", action="store_true", help="keep the rows that stopped measurements have made"
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".reproduce", help="what is not over yet is kept here"
    )
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in FIGURES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    names = options.names or list(FIGURES)
    names = [each for name in names for each in FIGURES[name].of or (name,)]
    names = list(dict.fromkeys(names))
    if options.list:
        for name in names:
            print(f"{name} (about {FIGURES[name].minutes:g} min)")
            print(*(f"  {command}" for command in commands_of(name)), sep="\n")
        return
    if options.so_far:
        for name in names:
            keep(name, made_so_far(name, options.work))
    elif not options.tables:
        minutes = sum(FIGURES[name].minutes for name in names)
        print(f"{len(names)} to measure, about {minutes:g} min on two cores", flush=True)
        for name in names:
            keep(name, measure(name, options.work))
            shutil.rmtree(options.work / name)
    for page in pages():
        page.write_text(with_tables(page.read_text(), stored()))


def commands_of(name: str) -> list[str]:
    """Its commands, as they may be typed."""
    bare = (
        re.sub(r" --store \{store\}| --json >? ?\{out\}", "", c) for c in FIGURES[name].commands
    )
    return [*bare]


def measure(name: str, work: Path) -> dict[str, Any]:
    """Run the commands of one of them; one that was stopped goes on, at the same version of the code.

    What they wrote is kept until the result is.
    """
    folder = work / name
    stamp, version = folder / "version", f"{commit()} {FIGURES[name].commands}"
    if not stamp.exists() or stamp.read_text() != version:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stamp.write_text(version)
    content, seconds = [], folder / "seconds"
    for number, command in enumerate(FIGURES[name].commands):
        out, done = folder / f"{number}.json", folder / f"{number}.done"
        if not done.exists():
            print(f"{name}: {commands_of(name)[number]}", flush=True)
            paths = {"out": out, "store": folder / "store"}
            line = command.format_map({key: shlex.quote(str(path)) for key, path in paths.items()})
            with counted(seconds):
                subprocess.run(
                    line.replace("python ", f"{shlex.quote(sys.executable)} ", 1),
                    shell=True,
                    check=True,
                    cwd=ROOT,
                )
            done.touch()
        content.append(read(out))
    return entry(name, commit(), float(seconds.read_text()), content)


def made_so_far(name: str, work: Path) -> dict[str, Any]:
    """The rows that a measurement has made that was stopped, or goes on still; nothing is run.

    Its table has to say how many there are to be.
    """
    folder = work / name
    outs = [folder / f"{number}.json" for number, _ in enumerate(FIGURES[name].commands)]
    rows = [stored_rows(out) for out in outs]
    stamp = folder / "version"
    begun = stamp.stat().st_mtime
    ended = max((out.stat().st_mtime for out in outs if out.exists()), default=begun)
    return entry(name, stamp.read_text().split()[0], ended - begun, rows)


def entry(name: str, version: str, seconds: float, content: list[Any]) -> dict[str, Any]:
    """What was measured, and what it was measured with."""
    return {
        "commands": commands_of(name),
        "seeds": FIGURES[name].seeds,
        "date": date.today().isoformat(),
        "commit": version,
        "machine": machine(),
        "minutes": round(seconds / 60, 1),
        "content": content,
    }


@contextmanager
def counted(file: Path) -> Iterator[None]:
    """Add the seconds that pass to those in a file, however it ends."""
    before = float(file.read_text()) if file.exists() else 0.0
    started = time.perf_counter()
    try:
        yield
    finally:
        file.write_text(f"{before + time.perf_counter() - started:.0f}")


def read(file: Path) -> Any:
    """The rows of JSON lines; or the first comparison of a list, without its single runs."""
    text = file.read_text()
    if not text.startswith("["):
        return [json.loads(line) for line in text.splitlines()]
    (found,) = json.loads(text)
    last = str(found["stage"])
    for outcome in found["strategies"].values():
        outcome["seeds"] = [
            {"seed": each["seed"], "reach": each["reach"], "rate": quickest(each["runs"], last)}
            for each in outcome["seeds"]
        ]
    del found["conditions"]
    return found


def quickest(runs: list[dict[str, Any]], place: str) -> float | None:
    """The learning rate of the run that mastered a stage at the least compute; None for none."""
    mastered = [run for run in runs if place in run["mastered"]]
    rate: Any = min(mastered, key=lambda r: r["mastered"][place]["compute"], default={})
    return rate.get("learning_rate") if rate else None


def commit() -> str:
    """The version of the code, in short; where code was changed since, it says so."""
    changed = git("status", "--porcelain", "--", "*.py", "pyproject.toml")
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def git(*words: str) -> str:
    """What git prints."""
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.strip()


def machine() -> str:
    """The processor, what torch uses of it, and torch."""
    lines = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", lines.read_text()) if lines.exists() else []
    name = names[0] if names else platform.processor()
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{name} ({capability}), {os.cpu_count()} cores, torch {torch.__version__}"


def stored() -> dict[str, Any]:
    """All that was measured, by name."""
    found: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def keep(name: str, measured: dict[str, Any]) -> None:
    """Write it down."""
    found = stored() | {name: measured}
    ordered = {each: found[each] for each in FIGURES if each in found}
    aside = FILE.with_suffix(".new")
    aside.write_text(json.dumps(ordered, indent=1) + "\n")
    aside.replace(FILE)


def pages() -> Iterator[Path]:
    """The documents that may hold tables."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").glob("*.md"))


def with_tables(text: str, found: dict[str, Any]) -> str:
    """A page with its tables as measured; those that were not measured yet stay as they are."""

    def made(match: re.Match[str]) -> str:
        name = match[1]
        parts = FIGURES[name].of
        if parts and all(part in found for part in parts):
            return derived(name, [found[part]["content"] for part in parts])
        return block(name, found[name]) if name in found else match[0]

    return BLOCK.sub(made, text)


def derived(name: str, content: list[Any]) -> str:
    """A table that is made of other figures."""
    parts = ", ".join(f"`{part}`" for part in FIGURES[name].of)
    source = f"Made of {parts} in [docs/results.md][results], seeds and machine there."
    return f"<!-- figures {name} -->\n{FIGURES[name].table(content)}\n\n{source}\n<!-- end -->"


def block(name: str, measured: dict[str, Any]) -> str:
    """A table, and what it was measured with."""
    return "\n".join(
        [
            f"<!-- figures {name} -->",
            FIGURES[name].table(measured["content"]),
            "",
            (
                f"`python benchmarks/reproduce.py {name}`, {measured['minutes']:g} min; seeds "
                f"{measured['seeds']}. {measured['machine']}; commit {measured['commit']}, "
                f"{measured['date']}."
            ),
            "<!-- end -->",
        ]
    )


if __name__ == "__main__":
    main()
