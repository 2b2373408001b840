"""What one run that raced the arms of a portfolio says about them: one seed's word."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from curriculum.comparison import BASELINE, least_seeds
from curriculum.config import is_shipped
from curriculum.plan import JUDGED_AFTER, verb_of
from curriculum.record import ArmResult, History, RunDescription
from curriculum.report.race_standing import standing
from curriculum.report.units import short, times

NOT_COMPARED = (
    "strategy", "arms", "pacing", "sampling", "budget", "backtracking", "tuning", "training.schedule"
)  # fmt: skip
"""The settings that a comparison sets by itself."""


def race_verdict(history: History) -> Iterator[str]:
    """What the race says of each arm, and whether a curriculum helped; nothing before it is over.

    An arm that had spent c without the target would have cost more than c by itself; that says
    something of the winner, which spent w, where c is more than w.
    """
    arms = history.arms
    if arms.selected is None:
        return
    results = arms.results()
    name = arms.selected.arm
    if not arms.selected.mastered:
        yield _in_vain(history, name, results)
        return
    own, verb = results[name].compute, verb_of(history.description.verdict)
    parts = [f"{name} {verb} the target first, at a compute of {short(own, 'compute')}."]
    parts += [_other(history, other, results[other]) for other in results if other != name]
    parts.append(_whether_it_helped(history))
    if own:
        parts.append(f"The race cost × {times(arms.compute / own)} of what {name} did in it.")
    yield " ".join(filter(None, parts))


def verdict_needs(history: History) -> str:
    """That a race is one seed's word, and how many seeds `compare` needs for a verdict; else empty."""
    if _compared(history) is None:
        return ""
    seeds = least_seeds(1)
    return (
        f"This is one seed's word: a verdict needs at least {seeds} seeds, others than this one, and "
        f"'compare':"
    )


def comparing_command(history: History) -> str:
    """The command that gives a verdict on what a race says, on seeds that played no part; else empty."""
    compared, run = _compared(history), history.description
    if compared is None:
        return ""
    first, count = run.seed + 1, least_seeds(1)
    words = ["python", "-m", "curriculum", "compare", _typed_name(run), "--run"]
    words += ["--strategies", ",".join(compared), "--seeds", f"{first}..{first + count - 1}"]
    return shlex.join([*words, *_settings(run)])


def _compared(history: History) -> tuple[str, str] | None:
    """Direct training, and the arm to compare it with: the winner, or else the other that got farthest."""
    selected = history.arms.selected
    if selected is None or not selected.mastered:
        return None
    if selected.arm != BASELINE:
        return BASELINE, selected.arm
    path, results = history.description.path, history.arms.results()
    others = [name for name in results if name != BASELINE]

    def farthest(name: str) -> tuple[int, float]:
        reach = results[name].reach
        return path.index(reach) if reach in path else -1, results[name].compute

    return (BASELINE, max(others, key=farthest)) if others else None


def _in_vain(history: History, name: str, results: dict[str, ArmResult]) -> str:
    """That no arm has mastered the target, and how far each has come."""
    run, selected = history.description, history.arms.selected
    assert selected is not None
    place = {n: standing(arm, run.axis_names, run.path) for n, arm in results.items()}
    others = "; ".join(f"{n}: {words}" for n, words in place.items() if n != name)
    return (
        f"No arm {verb_of(run.verdict)} the target ({selected.ending}). {name} got farthest ({place[name]}), "
        f"and the run is what it was. {others}."
    )


def _other(history: History, name: str, arm: ArmResult) -> str:
    """What is known of an arm that did not win."""
    ratio = _bound(history, name, arm)
    run, cost = history.description, short(arm.compute, "compute")
    if not arm.evaluations:
        return _not_trained(history, name)
    far = "no stage" if arm.reach is None else f"up to {run.axis_names.place(arm.reach, run.path)}"
    words = f"{name} had by then {verb_of(run.verdict)} {far}, for {cost}"
    if arm.ending:
        return f"{words}, and could not be trained further: {arm.ending}."
    if ratio > 1:
        return f"{words}: alone it would have cost more than × {times(ratio)} of that."
    return f"{words}, × {times(ratio)} of that: what it would have cost alone is not known."


def _not_trained(history: History, name: str) -> str:
    """Why an arm was not started, and what it can have cost at least."""
    first, own = history.arms.first_costs.get(name, 0.0), _own_compute(history)
    words = (
        f"{name} was not trained, as its first {JUDGED_AFTER} evaluation intervals, "
        f"{short(JUDGED_AFTER * first, 'compute')}, were more than its share"
    )
    if not (first and own):
        return f"{words}."
    if first > own:
        return f"{words}; the first alone is × {times(first / own)} of that."
    intervals = own / first
    most = "the first of them" if intervals < 2 else f"{intervals // 1:,.0f} of them"
    return f"{words}; to be cheaper it would have had to get there within {most}."


def _whether_it_helped(history: History) -> str:
    """Whether a curriculum was cheaper than direct training on this seed; empty without a direct arm."""
    assert history.arms.selected is not None
    winner, results = history.arms.selected.arm, history.arms.results()
    if BASELINE not in results:
        return ""
    if winner != BASELINE:
        return _whether_winner_helped(history, winner, results[BASELINE])
    curricula = [name for name in results if name != BASELINE]
    worse = [n for n in curricula if results[n].ending or _bound(history, n, results[n]) > 1]
    if len(worse) == len(curricula):
        return f"On this seed no curriculum of these helped ({', '.join(worse)})."
    if worse:
        return f"On this seed {' and '.join(worse)} did not help."
    return "Whether a curriculum would have helped is not known from this run."


def _whether_winner_helped(history: History, winner: str, direct: ArmResult) -> str:
    """Whether a curriculum that won was cheaper than direct training."""
    ratio = _bound(history, BASELINE, direct)
    if direct.ending:
        return f"On this seed the curriculum helped: {BASELINE} did not get there."
    if ratio > 1:
        return f"On this seed the curriculum helped: {BASELINE} costs more than × {times(ratio)} of {winner}."
    return "Whether the curriculum helped is not known from this run."


def _bound(history: History, name: str, arm: ArmResult) -> float:
    """What an arm costs more than, as a multiple of the winner's compute.

    One that was not trained costs its first interval at least, as estimated.
    """
    own, first_costs = _own_compute(history), history.arms.first_costs
    spent = arm.compute if arm.evaluations else first_costs.get(name, 0.0)
    return spent / own if own else 0.0


def _own_compute(history: History) -> float:
    """What the winner has cost."""
    assert history.arms.selected is not None
    return history.arms.selected.cost.compute


def _typed_name(run: RunDescription) -> str:
    """What the experiment is called on a command line: a user's own by its file."""
    own = run.source is not None and not is_shipped(Path(run.source))
    return str(run.source) if own else run.experiment


def _settings(run: RunDescription) -> list[str]:
    """The settings as typed, but for those that a comparison sets by itself."""
    words, kept = list[str](), True
    for word in run.overrides:
        if word.startswith("--"):
            name = word.removeprefix("--").partition("=")[0].replace("-", "_")
            kept = not any(name == part or name.startswith(f"{part}.") for part in NOT_COMPARED)
        if kept:
            words.append(word)
    return words
