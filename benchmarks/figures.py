"""The figures of README and docs: the commands that measure each, and the tables made from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notebooks import REPORTED, interval

from curriculum.report.units import short, times

Row = dict[str, Any]
Content = list[Any]
"""What the commands wrote, in order: a list of rows of each, or one comparison."""

MACHINES = ("one thread", "two threads", "one thread, without AVX")
"""What `any_seed` counts as three machines."""

NETS = ("unrolled", "loop", "every_word", "stateful", "rnn", "gru")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one table is made of.

    Attributes:
        table: the table in Markdown.
        commands: shell commands. `{out}` is the file that the rows are written to, `{store}` a
            folder for runs. Each goes on where it was stopped.
        minutes: that they take together on two cores, roughly.
        seeds: on which it was measured, and on which choices were made.
        of: in place of commands, the figures whose content it is made of.
    """

    table: Callable[[Content], str]
    commands: tuple[str, ...] = ()
    minutes: float = 0
    seeds: str = ""
    of: tuple[str, ...] = ()


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def share(rows: Sequence[Row]) -> str:
    """On how many of them the target is reached."""
    return f"{sum(row['status'] == 'reached' for row in rows)} of {len(rows)}"


def by(rows: Sequence[Row], name: str) -> dict[Any, list[Row]]:
    """The rows of each value of a column."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def cost_of(rows: Sequence[Row], unit: str) -> str:
    """The median cost of those that reach their target, in a few characters."""
    value = median_of(rows, unit)
    return "–" if math.isnan(value) else short(value, unit)


def median_of(rows: Sequence[Row], name: str) -> float:
    """Of those that reach their target."""
    found: list[float] = [row[name] for row in rows if row["status"] == "reached"]
    return statistics.median(found) if found else math.nan


COSTS = ("compute", "seconds", "steps", "tokens")


def any_seed(content: Content) -> str:
    """On how many seeds each experiment reaches its target, on each of three machines."""
    machines = [by(rows, "experiment") for rows in content]

    def lines() -> Iterator[Sequence[str]]:
        for name, rows in machines[0].items():
            counts = [share(each[name]) for each in machines]
            every = share([row for each in machines for row in each[name]])
            yield [f"`{name}`", *counts, f"**{every}**", *(cost_of(rows, unit) for unit in COSTS)]

    return table(["experiment", *MACHINES, "together", *COSTS], lines())


GOALS = {
    "lstm_firstbit": "first bit at length 1000",
    "gru_firstbit": "length 1000",
    "rnn_firstbit": "length 1000",
    "parity": "`my_parity.py`, above: parity at length 500",
    "bert_reverse": "reversal at length 100 with 1,000 symbols",
    "gru_subsequence": "subsequences of inputs of length 14",
    "human_numbers_gru": ".83 of next words correct on 8001–9999",
}
"""What experiments reach, in words, in the order of the README."""


def summary(content: Content) -> str:
    """What each experiment reaches, after how long, and on how many seeds; of several figures."""
    every = [row for figure in content for rows in figure for row in rows]
    found = by(every, "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for name, goal in GOALS.items():
            costs = (cost_of(found[name], unit) for unit in ("compute", "seconds"))
            yield [f"`{name}`", goal, share(found[name]), *costs]

    head = ["experiment", "what it reaches", "on how many runs", "compute, median", "time, median"]
    return table(head, lines())


def far_off(content: Content) -> str:
    """The same at learning rates that are far off."""
    names = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for name in names:
            found = [by(rows, "experiment")[name] for rows in content]
            yield [f"`{name}`", *(share(rows) for rows in found)]

    return table(["experiment", "× 30", "× 1/30"], lines())


def slow(content: Content) -> str:
    """On how many seeds the slower experiments reach their target, and after how long."""

    def lines() -> Iterator[Sequence[str]]:
        for rows in content:
            for name, each in by(rows, "experiment").items():
                seconds = sorted(row["seconds"] for row in each)
                fresh = sum(row["fresh_starts"] > 0 for row in each)
                yield [
                    f"`{name}`",
                    share(each),
                    cost_of(each, "compute"),
                    ", ".join(f"{value:,.0f}" for value in seconds),
                    f"{fresh} of {len(each)}",
                ]

    return table(
        ["experiment", "reached", "compute, median", "seconds, run by run", "with a fresh start"],
        lines(),
    )


def strategies(content: Content) -> str:
    """A comparison: reach and cost of each strategy, by compute and by the clock."""
    (found,) = content
    place, path = found["stage"], found["path"]
    sizes = {stage["vocab_size"] for stage in path}
    last = key(path[place], alone=len(sizes) == 1)

    def lines() -> Iterator[tuple[float, Sequence[str]]]:
        for name, outcome in found["strategies"].items():
            stage = outcome["stages"][place]
            seeds = len(outcome["seeds"])
            never = stage["compute"]["value"] is None
            costs = [
                "–" if never else short(stage[unit]["value"], unit)
                for unit in ("compute", "seconds", "tokens")
            ]
            if stage["reached"] < seeds:
                costs[0] = f"{'never' if never else costs[0]} ({stage['reached']} of {seeds})"
            value = math.inf if never else stage["compute"]["value"]
            yield (
                value,
                [
                    f"`{name}`",
                    reach(outcome["reach"], path, alone=len(sizes) == 1),
                    *costs,
                    against(outcome, "ratio"),
                    against(outcome, "ratio_seconds"),
                ],
            )

    head = [
        "strategy",
        "reach (interval)",
        f"compute to {last}",
        "seconds",
        "tokens",
        "against `direct`, by compute",
        "by the clock",
    ]
    return table(head, iter(line for _, line in sorted(lines(), key=lambda pair: pair[0])))


def key(stage: Mapping[str, int], *, alone: bool) -> str:
    """A stage in few characters; its vocabulary where stages differ in it."""
    return f"{stage['length']:,}" if alone else f"{stage['length']:,}/{stage['vocab_size']:,}"


def reach(median: Mapping[str, Any], path: Sequence[Mapping[str, int]], *, alone: bool) -> str:
    """The median reach, with its interval."""

    def words(place: float | None) -> str:
        return "?" if place is None else "–" if place < 0 else key(path[int(place)], alone=alone)

    return f"{words(median['value'])} ({words(median['low'])} to {words(median['high'])})"


def against(outcome: Mapping[str, Any], name: str) -> str:
    """A ratio with its interval, and by compute the verdict, corrected for the strategies' number."""
    ratio = outcome[name]
    if ratio is None:
        return "–"
    least, most = ratio["least"], ratio["most"]
    if most is None:
        value = f"× ≥ {times(least)}" if least else "unknown"
    elif not least:
        value = f"× ≤ {times(most)}"
    else:
        value = f"× {times(least)}"
    low, high = ratio["low"], ratio["high"]
    if low is not None:
        inside = (
            f"≥ {times(low)}"
            if high is None
            else f"≤ {times(high)}"
            if not low
            else f"{times(low)}–{times(high)}"
        )
        value += f" ({inside})" if low or high is not None else ""
    return f"{outcome['verdict']} {value}" if name == "ratio" else value


def first_crossing(content: Content) -> str:
    """Human numbers: the cost until the target is come to first, with the curriculum and directly."""
    found = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for net in NETS:
            for variant in ("", ":direct"):
                rows = found[f"human_numbers_{net}{variant}"]
                costs = (cost_of(rows, unit) for unit in ("compute", "seconds"))
                yield [f"`{net}{variant}`", share(rows), *costs, middle_and_range(rows, "steps")]

    return table(["net", "reached", "compute", "seconds", "steps, median (range)"], lines())


def full_cycle(content: Content) -> str:
    """Human numbers: accuracy at the end of a cycle, with the curriculum and directly."""
    found = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for net in NETS:
            every = found[f"human_numbers_{net}"]
            rows = [row for row in every if row["curriculum"] is not None]
            line = [f"`{net}`", f"{len(rows)} of {len(every)}"]
            if len(rows) < LEAST_INTERVAL:
                yield [*line, "–", "–", "–", "–", "–"]
                continue
            differences = [row["curriculum"] - row["direct"] for row in rows]
            low, high = interval(differences)
            yield [
                *line,
                *(mean_and_range([row[side] for row in rows]) for side in ("curriculum", "direct")),
                f"{statistics.mean(differences):+.3f} ({low:+.3f} to {high:+.3f})",
                *(
                    short(statistics.median(row[unit] for row in rows), unit)
                    for unit in ("compute", "seconds")
                ),
            ]

    head = ["net", "come to the last stage", "with the curriculum", "directly", "difference (95 %)"]
    return table([*head, "compute", "seconds"], lines())


LEAST_INTERVAL = 2
"""An interval needs so many seeds."""


def mean_and_range(values: Sequence[float]) -> str:
    """To three digits, as in .844 (.832–.858)."""
    return f"{bare(statistics.mean(values))} ({bare(min(values))}–{bare(max(values))})"


def bare(value: float, digits: int = 3) -> str:
    """A share without its leading zero."""
    return f"{value:.{digits}f}".removeprefix("0")


def notebook_ends(content: Content) -> str:
    """Human numbers as the notebook trains them, at their end."""
    found = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for net in NETS:
            name = f"human_numbers_{net}:seed"
            rows = found[name]
            scores, losses = (
                [row["epochs"][-1][metric] for row in rows] for metric in ("score", "loss")
            )
            metric, figure = REPORTED[name]
            low, high = interval(scores)
            yield [
                f"`{net}`",
                bare(figure) if metric == "score" else f"loss {figure:.2f}",
                bare(statistics.mean(scores)),
                f"{bare(low)}–{bare(high)}",
                f"{bare(min(scores))}–{bare(max(scores))}",
                f"{statistics.mean(losses):.2f}",
                f"{statistics.median(row['seconds'] for row in rows):.0f}",
            ]

    head = ["net", "notebook", "mean", "95 % interval of it", "range", "loss", "seconds"]
    return table(head, lines())


def hard_pair(content: Content) -> str:
    """On how many seeds the hard pair alone is separated, and after how many updates."""

    def lines() -> Iterator[Sequence[str]]:
        for length, rows in zip((10, 100), content, strict=True):
            for name, each in by(rows, "experiment").items():
                costs = (cost_of(each, unit) for unit in ("compute", "seconds"))
                steps = middle_and_range(each, "steps")
                yield [f"`{name}`", str(length), share(each), *costs, steps]

    head = ["experiment", "length", "separated", "compute", "seconds", "updates, median (range)"]
    return table(head, lines())


def middle_and_range(rows: Sequence[Row], name: str) -> str:
    """Of those that reach their target: the median, and from where to where."""
    values = sorted(row[name] for row in rows if row["status"] == "reached")
    if not values:
        return "–"
    return f"{statistics.median(values):,.0f} ({values[0]:,}–{values[-1]:,})"


def order(content: Content) -> str:
    """What the order of stages matters: steps and compute until all are mastered."""

    def lines() -> Iterator[Sequence[str]]:
        for rows in content:
            name = rows[0]["settings"].split()[1]
            costs = (cost_of(rows, unit) for unit in ("compute", "seconds"))
            yield [f"`{name}`", share(rows), *costs, middle_and_range(rows, "steps")]

    return table(["strategy", "reach 20", "compute", "seconds", "steps (range)"], lines())


def guessing(content: Content) -> str:
    """Which lengths are guessed, in how many guesses, and what training takes."""
    rows = content[0]
    widths = list(by(rows, "width"))

    def words(some: Sequence[Row]) -> str:
        if not any(row["status"] == "reached" for row in some):
            return share(some)
        compute, seconds = (cost_of(some, unit) for unit in ("compute", "seconds"))
        return f"{share(some)}: {median_of(some, 'steps'):,.0f} ({compute}, {seconds})"

    def lines() -> Iterator[Sequence[str]]:
        for cell, of_cell in by(rows, "cell").items():
            for zeros, of_zeros in by(of_cell, "zeros").items():
                for length, some in by(of_zeros, "length").items():
                    found = by(some, "width")
                    yield [cell, zeros, str(length), *(words(found[width]) for width in widths)]

    heads = ("trained, gated" if w is None else f"guessed, w = {w:g}" for w in widths)
    return table(["net", "zeros", "length", *heads], lines())


def epochs(*columns: tuple[str, str]) -> Callable[[Content], str]:
    """The epochs of one run; each column is a metric and its heading."""

    def made(content: Content) -> str:
        (row,) = content[0]
        lines = (
            [str(number + 1), *(f"{epoch[metric]:.3f}" for metric, _ in columns)]
            for number, epoch in enumerate(row["epochs"])
        )
        return table(["epoch", *(heading for _, heading in columns)], lines)

    return made


def charged(content: Content) -> str:
    """How near compute is to seconds, by kind of network."""
    rows = content[0]

    def counts(some: Sequence[Row]) -> Sequence[str]:
        off = [abs(math.log(row["ratio"])) for row in some]
        inside = (sum(value <= math.log(factor) for value in off) for factor in (1.5, 2))
        return [*(f"{count} of {len(off)}" for count in inside), f"{math.exp(max(off)):.2f}"]

    def lines() -> Iterator[Sequence[str]]:
        for kind, some in sorted(by(rows, "kind").items()):
            yield [kind, *counts(some)]
        for words, fitted in (("the constants were fitted to", True), ("played no part", False)):
            yield [
                f"**all that {words}**",
                *counts([row for row in rows if row["fitted"] == fitted]),
            ]

    return table(["network", "within × 1.5", "within × 2", "farthest"], lines())


ROBUSTNESS = "python benchmarks/robustness.py"
QUICK = "parity lstm_firstbit gru_firstbit rnn_firstbit"
HARD = "lstm_firstbit:hard rnn_firstbit:hard"
COMPARE = "python -m curriculum compare"
RUN = "--run --jobs 2 --store {store} --json > {out}"

FIGURES: dict[str, Figures] = {
    "any_seed": Figures(
        commands=(
            f"{ROBUSTNESS} {QUICK} --seeds 600 640 --jobs 2 --json {{out}}",
            f"{ROBUSTNESS} {QUICK} --seeds 600 640 --threads 2 --json {{out}}",
            f"ATEN_CPU_CAPABILITY=default {ROBUSTNESS} {QUICK} --seeds 600 640 --jobs 2 --json {{out}}",
        ),
        minutes=25,
        seeds="600–639, on which nothing was chosen; choices were made on 0–39 and 500–519",
        table=any_seed,
    ),
    "far_off_rate": Figures(
        commands=tuple(
            f"{ROBUSTNESS} {QUICK} --seeds 600 620 --seconds 180 --jobs 2 --rate-factor {factor} "
            f"--json {{out}}"
            for factor in ("30", "0.0333333")
        ),
        minutes=50,
        seeds="600–619, on which nothing was chosen; choices were made on 0–39 and 500–519",
        table=far_off,
    ),
    "slow_experiments": Figures(
        commands=(
            (
                f"{ROBUSTNESS} bert_reverse bert_reverse:direct gru_subsequence gru_subsequence:direct --seeds 300 306 --seconds 3600 --jobs 2 "
                f"--json {{out}}"
            ),
        ),
        minutes=120,
        seeds="300–305, on which nothing was chosen; choices were made on 0–2, 200 and 201",
        table=slow,
    ),
    "first_bit_strategies": Figures(
        commands=(
            (
                f"{COMPARE} lstm_firstbit --strategies direct,uniform,gated,mixed,combined,look_back,"
                f"look_back_and_ahead,linear,root,bandit,teacher,thompson,mastering_rate,wrong_order,guess "
                f"--seeds 400..419 --budget 7e11 --growth.end 100 --training.eval-every 10 {RUN}"
            ),
        ),
        minutes=30,
        seeds="400–419, on which nothing was chosen; the experiment's settings were on 0–39",
        table=strategies,
    ),
    "human_numbers_strategies": Figures(
        commands=(
            (
                f"{COMPARE} human_numbers_gru --strategies direct,gated --seeds 400..419 --budget 1e12 "
                f"{RUN}"
            ),
        ),
        minutes=5,
        seeds="400–419, on which nothing was chosen; the experiment's settings were on 0–4",
        table=strategies,
    ),
    "reversal_strategies": Figures(
        commands=(
            (
                f"{COMPARE} bert_reverse --strategies direct,gated,combined,bandit --seeds 400..407 "
                f"--budget 6e12 --growth.end.length 23 --growth.end.vocab-size 100 {RUN}"
            ),
        ),
        minutes=25,
        seeds="400–407, on which nothing was chosen; the experiment's settings were on 0–2",
        table=strategies,
    ),
    "subsequence_strategies": Figures(
        commands=(
            (
                f"{COMPARE} gru_subsequence --strategies direct,gated,combined,bandit --seeds 400..407 "
                f"--budget 6e12 --growth.end 8 {RUN}"
            ),
        ),
        minutes=25,
        seeds="400–407, on which nothing was chosen; the experiment's settings were on 0–2",
        table=strategies,
    ),
    "human_numbers_first_crossing": Figures(
        commands=(
            f"{ROBUSTNESS} "
            + " ".join(f"human_numbers_{net} human_numbers_{net}:direct" for net in NETS)
            + " --seeds 300 320 --seconds 300 --jobs 2 --json {out}",
        ),
        minutes=25,
        seeds="300–319, on which nothing was chosen; the experiments' settings were on 0–4",
        table=first_crossing,
    ),
    "human_numbers_full_cycle": Figures(
        commands=(
            "python benchmarks/full_cycle.py "
            + " ".join(f"human_numbers_{net}" for net in NETS)
            + " --seeds 300 320 --jobs 2 --json {out}",
        ),
        minutes=25,
        seeds="300–319, on which nothing was chosen; the experiments' settings were on 0–4",
        table=full_cycle,
    ),
    "hard_pair": Figures(
        commands=(
            f"{ROBUSTNESS} {HARD} --seeds 0 20 --seconds 600 --jobs 2 --json {{out}}",
            (
                f"{ROBUSTNESS} {HARD} --seeds 0 6 --seconds 600 --jobs 2 "
                f'--settings "--growth.lengths 100" --json {{out}}'
            ),
        ),
        minutes=30,
        seeds="0–19, and 0–5 at length 100; the notebook's settings, of which none was chosen here",
        table=hard_pair,
    ),
    "order": Figures(
        commands=tuple(
            f'{ROBUSTNESS} lstm_firstbit --seeds 400 420 --jobs 2 --settings "--strategy {name} '
            f'--growth.end 20 --training.eval-every 10 --tuning.mode off --budget.steps 600" '
            f"--json {{out}}"
            for name in ("gated", "linear", "uniform", "wrong_order", "direct")
        ),
        minutes=5,
        seeds="400–419, on which nothing was chosen; the experiment's settings were on 0–39",
        table=order,
    ),
    "guessing": Figures(
        commands=(
            "python benchmarks/guessing.py lstm rnn gru --seeds 400 420 --jobs 2 --json {out}",
        ),
        minutes=40,
        seeds="400–419, on which nothing was chosen; the experiments' settings were on 0–39",
        table=guessing,
    ),
    "human_numbers_notebook": Figures(
        commands=(
            "python benchmarks/notebooks.py "
            + " ".join(f"human_numbers_{net}:seed" for net in NETS)
            + " --seeds 0 20 --threads 1 --jobs 2 --json {out}",
        ),
        minutes=10,
        seeds="0–19; the notebook's settings, of which none was chosen here",
        table=notebook_ends,
    ),
    "subsequence_notebook": Figures(
        commands=(
            "python benchmarks/notebooks.py gru_subsequence:seed --seeds 0 1 --threads 1 --json {out}",
        ),
        minutes=6,
        seeds="0; the notebook's settings, of which none was chosen here",
        table=epochs(
            ("train_loss", "training loss"), ("loss", "held-out loss"), ("score", "exact")
        ),
    ),
    "reversal_notebook_5_10": Figures(
        commands=(
            "python benchmarks/notebooks.py bert_reverse:seed_5_10 --seeds 0 1 --json {out}",
        ),
        minutes=4,
        seeds="0; the notebook's settings, of which none was chosen here",
        table=epochs(
            ("memorised_symbol_accuracy", "memorised tokens correct"),
            ("symbol_accuracy", "held-out tokens correct"),
        ),
    ),
    "reversal_notebook_10_1000": Figures(
        commands=(
            "python benchmarks/notebooks.py bert_reverse:seed_10_1000 --seeds 0 1 --json {out}",
        ),
        minutes=15,
        seeds="0; the notebook's settings, of which none was chosen here",
        table=epochs(
            ("memorised_symbol_accuracy", "memorised tokens correct"),
            ("symbol_accuracy", "held-out tokens correct"),
        ),
    ),
    "summary": Figures(
        of=("any_seed", "slow_experiments", "human_numbers_first_crossing"), table=summary
    ),
    "compute": Figures(
        commands=("python benchmarks/cost.py --json {out}",),
        minutes=3,
        seeds="0; run it on a quiet machine",
        table=charged,
    ),
}
"""By name, all that `benchmarks/reproduce.py` measures."""
