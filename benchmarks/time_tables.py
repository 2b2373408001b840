"""Tables of what things take: a step of the loop, a whole process, a test at a great length."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from recorded_rows import Row
from run_tables import Content, share, table


def middle(values: Sequence[float], digits: int = 2) -> str:
    """The median, and from where to where."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def overhead(content: Content) -> str:
    """A step of the core loop beside one written by hand, by length."""

    def lines() -> Iterator[Sequence[str]]:
        for row in content[0]:
            low, _, high = statistics.quantiles(row["ratios"], n=4)
            yield [
                str(row["length"]),
                f"{statistics.median(row['ratios']):.3f}",
                f"{low:.3f}–{high:.3f}",
                str(len(row["ratios"])),
                f"{row['milliseconds']:.2f} ms",
            ]

    return table(["length", "ratio, median", "quartiles", "pairs", "a step by hand"], lines())


def training_speed(content: Content) -> str:
    """A step here beside a plain loop's and beside one of the Trainer of Hugging Face."""

    def ratio(row: Row, other: str) -> str:
        ratios = [ours / theirs for ours, theirs in zip(row["ours"], row[other], strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4)
        return f"{median:.3f} ({low:.3f}–{high:.3f})"

    def lines() -> Iterator[Sequence[str]]:
        for row in content[0]:
            yield [
                f"{row['parameters']:,}",
                ratio(row, "plain"),
                ratio(row, "hugging_face"),
                str(len(row["ours"])),
                f"{1000 * statistics.median(row['plain']):.1f} ms",
            ]

    head = ["parameters", "ours to a plain loop's", "to the Trainer's", "rounds", "a plain step"]
    return table(head, lines())


def whole_process(content: Content) -> str:
    """The command line beside a bare script, by whether the store is there already."""

    def lines() -> Iterator[Sequence[str]]:
        for store, (row,) in zip(("there already", "new"), content, strict=True):
            ratios = [ours / bare for bare, ours in zip(row["bare"], row["ours"], strict=True)]
            yield [
                store,
                middle(ratios),
                str(len(ratios)),
                f"{statistics.median(row['bare']):.1f} s",
                f"{statistics.median(row['mirrored']):.1f} s, at most {max(row['mirrored']):.1f} s",
            ]

    head = ["store", "ratio, median (range)", "pairs", "the bare script", "MLflow complete after"]
    return table(head, lines())


def started_low(content: Content) -> str:
    """A run that starts where nothing can be learned, with the search and without."""

    def lines() -> Iterator[Sequence[str]]:
        for words, rows in zip(("tuned", "by fresh starts alone"), content, strict=True):
            done = [row["seconds"] for row in rows if row["status"] == "reached"]
            lengths = sorted(row["reach"] or 0 for row in rows)
            yield [
                words,
                share(rows),
                f"{lengths[len(lengths) // 2]:,} ({lengths[0]:,}–{lengths[-1]:,})",
                middle(done, 1) if done else "–",
                middle([100 * row["discarded"] for row in rows], 0) if any_trials(rows) else "–",
            ]

    head = ["", "reach 1000", "length reached, median (range)", "seconds", "discarded trials, %"]
    return table(head, lines())


def any_trials(rows: Sequence[dict[str, float]]) -> bool:
    """Whether any of these runs discarded trials."""
    return any(row["discarded"] > 0 for row in rows)


def far_lengths(content: Content) -> str:
    """The test of a final model at lengths far beyond those that it was trained on."""

    def lines() -> Iterator[Sequence[str]]:
        for row in content[0]:
            yield [
                f"{row['length']:,}",
                f"{row['score']:.4g}",
                str(row["examples"]),
                row["answer"],
                f"{row['seconds']:,.0f} s",
                f"{row['megabytes']} MB",
            ]

    return table(["length", "score", "examples", "answer", "time", "memory, at most"], lines())


def many_runs(content: Content) -> str:
    """What commands take in stores of thousands of runs, and for a run with a long journal."""

    def took(found: Sequence[float] | None) -> str:
        return "–" if found is None else f"{found[0]:.1f} s, {found[1]:.0f} MB"

    def lines() -> Iterator[Sequence[str]]:
        for row in content[0]:
            long = row["journal_megabytes"]
            yield [
                f"one run, a journal of {long} MB" if long else f"{row['runs']:,} runs",
                took(row["first"]),
                took(row["runs_command"]),
                took(row.get("compare")),
                "–" if long else f"{row['resume_longer']:+.2f} s",
            ]

    heads = ["store", "first `runs`, which makes the index", "`runs`", "`compare`"]
    return table([*heads, "`run --resume`, against 12 runs"], lines())
