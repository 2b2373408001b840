"""Which runs went on equal terms, and so can be compared; which did not, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curriculum.report.attempt import OF_TRAINING, Attempt, guesses
from curriculum.report.entry import Entry

__all__ = ["EqualTerms", "equal_terms", "lacking"]

MOST_DIFFERENCES = 3

Newest = Mapping[tuple[str, int], Mapping[float, Attempt]]
"""By strategy and seed, and by learning rate (of guesses by width), the newest run."""


@dataclass(frozen=True, slots=True)
class EqualTerms:
    """The runs that differ in strategy, seed and learning rate alone.

    Attributes:
        entries: by strategy and seed.
        learning_rates: those of each entry, but for guesses; in order.
        left_out: which runs are in no entry, and why, in words.
    """

    entries: Mapping[str, Mapping[int, Entry]]
    learning_rates: tuple[float, ...]
    left_out: tuple[str, ...]


def equal_terms(attempts: Sequence[Attempt]) -> EqualTerms:
    """The largest group of runs on equal terms, and what is said of the others."""
    left_out: list[str] = []
    fit = _fit(attempts, left_out)
    newest = _newest(_alike(fit, left_out), left_out)
    trained = [found for (name, _), found in newest.items() if not guesses(name)]
    rates = _common_rates(trained)
    guessed = [found for (name, _), found in newest.items() if guesses(name)]
    widths = _common_rates([f for f in guessed if len(f) >= len(rates)])[: len(rates)]
    if guessed and not widths:
        left_out.append(
            f"guess: at fewer widths than the {len(rates)} learning rates of the others"
            if rates
            else "guess: nothing that was trained is there to compare it with"
        )
        newest = {key: found for key, found in newest.items() if not guesses(key[0])}
    return EqualTerms(_entries(newest, rates, widths, left_out), rates, tuple(left_out))


def lacking(
    entries: Mapping[str, Mapping[int, Entry]], names: Sequence[str], asked: Sequence[str]
) -> list[str]:
    """Which strategies that were asked for have no runs, and which lack seeds of the others."""
    found = [
        f"{n}: no runs on these terms" for n in asked if n not in {m.split("(")[0] for m in names}
    ]
    seeds = {seed for name in names for seed in entries[name]}
    for name in names:
        missing = sorted(seeds - set(entries[name]))
        if missing:
            found.append(f"{name}: no runs with seed {', '.join(map(str, missing))}")
    return found


def _fit(attempts: Sequence[Attempt], left_out: list[str]) -> list[Attempt]:
    """Those that can be compared with others at all."""
    why: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.unfit is not None:
            why[attempt.unfit].append(attempt)
    left_out += [f"{_runs(group)} {reason}" for reason, group in why.items()]
    return [attempt for attempt in attempts if attempt.unfit is None]


def _alike(attempts: Sequence[Attempt], left_out: list[str]) -> list[Attempt]:
    """The largest group on the same terms, and the largest of guesses that can join it.

    Guesses share with those that train all but the settings of training; these they share
    among each other.
    """
    chosen: list[Attempt] = []
    for group in _by_terms(a for a in attempts if not guesses(a.strategy)):
        chosen += _joining(group, chosen[:1], (), left_out)
    guessed: list[Attempt] = []
    for group in _by_terms(a for a in attempts if guesses(a.strategy)):
        joining = _joining(group, chosen[:1], OF_TRAINING, left_out)
        guessed += _joining(joining, guessed[:1], (), left_out)
    return chosen + guessed


def _joining(
    group: list[Attempt], others: list[Attempt], but: Sequence[str], left_out: list[str]
) -> list[Attempt]:
    """The group, if its terms are the others', `but` for some; else none, and it is said why."""
    if not group or not others:
        return group
    terms, theirs = _terms(others[0]), _terms(group[0])
    names = [
        name
        for name in sorted({*terms, *theirs})
        if name.split(".")[0] not in but and terms.get(name) != theirs.get(name)
    ]
    if not names:
        return group
    said = ", ".join(
        f"{name} {_short(theirs.get(name))}, not {_short(terms.get(name))}"
        for name in names[:MOST_DIFFERENCES]
    )
    rest = len(names) - MOST_DIFFERENCES
    left_out.append(f"{_runs(group)} with {said}{f' and {rest} more' if rest > 0 else ''}")
    return []


def _by_terms(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """Grouped by what they have in common; first the group of most strategies and seeds."""
    groups: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        groups[repr(sorted(_terms(attempt).items()))].append(attempt)

    def size(group: Sequence[Attempt]) -> tuple[int, float]:
        return len({(a.strategy, a.seed) for a in group}), max(a.created for a in group)

    return sorted(groups.values(), key=size, reverse=True)


def _terms(attempt: Attempt) -> dict[str, Any]:
    return {**attempt.terms, **attempt.training}


def _newest(attempts: Sequence[Attempt], left_out: list[str]) -> Newest:
    found: dict[tuple[str, int], dict[float, Attempt]] = defaultdict(dict)
    older: list[Attempt] = []
    for attempt in sorted(attempts, key=lambda a: a.created):
        there = found[attempt.strategy, attempt.seed]
        if attempt.learning_rate in there:
            older.append(there[attempt.learning_rate])
        there[attempt.learning_rate] = attempt
    if older:
        one = older[0]
        newer = found[one.strategy, one.seed][one.learning_rate]
        since = f"as run {newer.run_id}" if len(older) == 1 else "since"
        left_out.append(f"{_runs(older)} made again {since}")
    return found


def _common_rates(found: Iterable[Mapping[float, Attempt]]) -> tuple[float, ...]:
    """The learning rates that most strategies and seeds were run at; of several, the most."""
    counts = Counter(tuple(sorted(rates)) for rates in found)
    ranked = sorted(counts, key=lambda rates: (counts[rates], len(rates)))
    return ranked[-1] if ranked else ()


def _entries(
    newest: Newest, rates: Sequence[float], widths: Sequence[float], left_out: list[str]
) -> dict[str, dict[int, Entry]]:
    """By strategy and seed, those that have a run at all rates; guesses, at all widths."""
    entries: dict[str, dict[int, Entry]] = defaultdict(dict)
    odd: dict[str, list[Attempt]] = defaultdict(list)
    for (strategy, seed), found in newest.items():
        rate_of, wanted = ("width", widths) if guesses(strategy) else ("learning rate", rates)
        missing = [rate for rate in wanted if rate not in found]
        if missing:
            left_out.append(f"{strategy}, seed {seed}: no run at {rate_of} {_listed(missing)}")
            continue
        for rate in sorted(set(found) - set(wanted)):
            odd[f"at {rate_of} {rate:g}, not one of {_listed(wanted)}"].append(found[rate])
        chosen = tuple(found[rate] for rate in wanted)
        unit = chosen[0].unit
        assert unit is not None  # a run without a limit is unfit
        entries[strategy][seed] = Entry(chosen, unit)
    left_out += [f"{_runs(group)} {why}" for why, group in odd.items()]
    return entries


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _runs(group: Sequence[Attempt]) -> str:
    ids = [attempt.run_id for attempt in group]
    if len(ids) == 1:
        return f"run {ids[0]}"
    named = ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
    return f"{len(ids)} runs ({named})"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:10]}…{text[-9:]}"  # which may end in a mark
