"""Which runs differ in strategy, seed and learning rate alone, and so can be compared."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curriculum.comparison.seed_result import SeedResult
from curriculum.sweeps import OF_TRAINING, RunSummary, is_guess

MOST_DIFFERENCES = 3

Newest = Mapping[tuple[str, int], Mapping[float, RunSummary]]
"""By strategy and seed, and by learning rate (of guesses by width), the newest run."""


@dataclass(frozen=True, slots=True)
class MatchedRuns:
    """The runs that differ in strategy, seed and learning rate alone.

    Attributes:
        results: by strategy and seed.
        learning_rates: those of each result, but for guesses; in order.
        left_out: which runs are in no result, and why, in words.
    """

    results: Mapping[str, Mapping[int, SeedResult]]
    learning_rates: tuple[float, ...]
    left_out: tuple[str, ...]


def match_runs(runs: Sequence[RunSummary]) -> MatchedRuns:
    """The largest group of runs under the same conditions, and why the others are left out."""
    left_out: list[str] = []
    comparable = _comparable(runs, left_out)
    newest = _newest(_largest_group(comparable, left_out), left_out)
    trained = [found for (name, _), found in newest.items() if not is_guess(name)]
    rates = _common_rates(trained)
    guessed = [found for (name, _), found in newest.items() if is_guess(name)]
    widths = _common_rates([f for f in guessed if len(f) >= len(rates)])[: len(rates)]
    if guessed and not widths:
        left_out.append(
            f"guess: at fewer widths than the {len(rates)} learning rates of the others"
            if rates
            else "guess: there is no trained run to compare it with"
        )
        newest = {key: found for key, found in newest.items() if not is_guess(key[0])}
    return MatchedRuns(_results(newest, rates, widths, left_out), rates, tuple(left_out))


def missing_runs(
    results: Mapping[str, Mapping[int, SeedResult]], names: Sequence[str], wanted: Sequence[str]
) -> list[str]:
    """Which of the strategies wanted have no runs, and which lack seeds of the others."""
    known = {name.split("(")[0] for name in names}
    found = [f"{name}: no comparable runs" for name in wanted if name not in known]
    seeds = {seed for name in names for seed in results[name]}
    for name in names:
        missing = sorted(seeds - set(results[name]))
        if missing:
            found.append(f"{name}: no runs with seed {', '.join(map(str, missing))}")
    return found


def _comparable(runs: Sequence[RunSummary], left_out: list[str]) -> list[RunSummary]:
    """Those that can be compared with others at all."""
    why: dict[str | None, list[RunSummary]] = defaultdict(list)
    for run in runs:
        why[run.not_comparable].append(run)
    comparable = why.pop(None, [])
    left_out += [f"{_names(group)} {reason}" for reason, group in why.items()]
    return comparable


def _largest_group(runs: Sequence[RunSummary], left_out: list[str]) -> list[RunSummary]:
    """The largest group under the same conditions, and the largest of guesses that can join it.

    Guesses share with those that train all but the settings of training; these they share
    among each other.
    """
    chosen: list[RunSummary] = []
    for group in _by_conditions(run for run in runs if not is_guess(run.strategy)):
        chosen += _joining(group, chosen[:1], (), left_out)
    guessed: list[RunSummary] = []
    for group in _by_conditions(run for run in runs if is_guess(run.strategy)):
        joining = _joining(group, chosen[:1], OF_TRAINING, left_out)
        guessed += _joining(joining, guessed[:1], (), left_out)
    return chosen + guessed


def _joining(
    group: list[RunSummary],
    others: list[RunSummary],
    ignored: Sequence[str],
    left_out: list[str],
) -> list[RunSummary]:
    """The group, if its conditions are the others', but for those ignored; else none."""
    if not group or not others:
        return group
    wanted, own = _conditions(others[0]), _conditions(group[0])
    names = [
        name
        for name in sorted({*wanted, *own})
        if name.split(".")[0] not in ignored and wanted.get(name) != own.get(name)
    ]
    if not names:
        return group
    text = ", ".join(
        f"{name} {_short(own.get(name))}, not {_short(wanted.get(name))}"
        for name in names[:MOST_DIFFERENCES]
    )
    rest = len(names) - MOST_DIFFERENCES
    left_out.append(f"{_names(group)} with {text}{f' and {rest} more' if rest > 0 else ''}")
    return []


def _by_conditions(runs: Iterable[RunSummary]) -> list[list[RunSummary]]:
    """Grouped by what they have in common; first the group of most strategies and seeds."""
    groups: dict[str, list[RunSummary]] = defaultdict(list)
    for run in runs:
        groups[repr(sorted(_conditions(run).items()))].append(run)

    def size(group: Sequence[RunSummary]) -> tuple[int, float]:
        return len({(r.strategy, r.seed) for r in group}), max(r.created for r in group)

    return sorted(groups.values(), key=size, reverse=True)


def _conditions(run: RunSummary) -> dict[str, Any]:
    return {**run.conditions, **run.training}


def _newest(runs: Sequence[RunSummary], left_out: list[str]) -> Newest:
    found: dict[tuple[str, int], dict[float, RunSummary]] = defaultdict(dict)
    older: list[RunSummary] = []
    for run in sorted(runs, key=lambda r: r.created):
        by_rate = found[run.strategy, run.seed]
        if run.learning_rate in by_rate:
            older.append(by_rate[run.learning_rate])
        by_rate[run.learning_rate] = run
    if older:
        one = older[0]
        newer = found[one.strategy, one.seed][one.learning_rate]
        since = f"as run {newer.run_id}" if len(older) == 1 else "since"
        left_out.append(f"{_names(older)} repeated {since}")
    return found


def _common_rates(found: Iterable[Mapping[float, RunSummary]]) -> tuple[float, ...]:
    """The learning rates that most strategies and seeds were run at; of several, the most."""
    counts = Counter(tuple(sorted(rates)) for rates in found)
    ranked = sorted(counts, key=lambda rates: (counts[rates], len(rates)))
    return ranked[-1] if ranked else ()


def _results(
    newest: Newest, rates: Sequence[float], widths: Sequence[float], left_out: list[str]
) -> dict[str, dict[int, SeedResult]]:
    """By strategy and seed, those that have a run at all rates; guesses, at all widths."""
    results: dict[str, dict[int, SeedResult]] = defaultdict(dict)
    odd: dict[str, list[RunSummary]] = defaultdict(list)
    for (strategy, seed), found in newest.items():
        kind, wanted = ("width", widths) if is_guess(strategy) else ("learning rate", rates)
        missing = [rate for rate in wanted if rate not in found]
        if missing:
            left_out.append(f"{strategy}, seed {seed}: no run at {kind} {_listed(missing)}")
            continue
        for rate in sorted(set(found) - set(wanted)):
            odd[f"at {kind} {rate:g}, not one of {_listed(wanted)}"].append(found[rate])
        chosen = tuple(found[rate] for rate in wanted)
        unit = chosen[0].unit
        assert unit is not None  # a run without a limit is not comparable
        results[strategy][seed] = SeedResult(chosen, unit)
    left_out += [f"{_names(group)} {why}" for why, group in odd.items()]
    return results


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _names(group: Sequence[RunSummary]) -> str:
    ids = [run.run_id for run in group]
    if len(ids) == 1:
        return f"run {ids[0]}"
    named = ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
    return f"{len(ids)} runs ({named})"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:10]}…{text[-9:]}"  # the end may be a mark
