"""Why each visit advanced, or did not, in a sentence with the numbers."""

from __future__ import annotations

from collections.abc import Iterator

from curriculum.record.history import History, Visit

__all__ = ["closing", "explain", "spelled"]

ENTRIES = {
    "step": "",
    "half step": " (a half step)",
    "demotion": " (a demotion, to consolidate)",
    "return": " (back after a detour)",
}


def explain(history: History, *, running: bool = False) -> Iterator[str]:
    """A heading, a sentence for each visit, and how the run ended."""
    described = history.description
    yield (
        f"Run {described['id']}: {described['experiment']}, seed {described['seed']}, "
        f"{len(described['path'])} stages, {described['strategy']}"
    )
    for visit in history.visits:
        yield f"Visit {visit.number}, {visit.stage}{ENTRIES[visit.entry]}: {_sentence(visit)}"
    yield closing(history, running=running)


def closing(history: History, *, running: bool = False) -> str:
    """How the run stands or ended, with its reach and cost."""
    status = history.status(running=running)
    reach = "no stage mastered" if history.reach is None else f"reach: {history.reach}"
    cost = (
        f"{spelled(history.steps, 'step')}, {spelled(history.tokens, 'token')}, "
        f"{history.seconds:.1f} s"
    )
    if history.end is not None and history.end["ending"]:
        return f"{status.capitalize()}, since {history.end['ending']}; {reach}; {cost}."
    return f"{status.capitalize()}; {reach}; {cost}."


def spelled(count: int, noun: str) -> str:
    """A number and its noun, e.g. `1 step`, `1,200 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sentence(visit: Visit) -> str:
    reason = visit.reason or "no look was taken yet"
    if visit.verdict == "mastered" and visit.steps == 0:
        return f"mastered without a training step, since {reason}."
    if visit.verdict == "mastered":
        return f"mastered after {spelled(visit.steps, 'step')}, since {reason}."
    if visit.verdict == "exhausted":
        return (
            f"exhausted, not mastered, after {spelled(visit.steps, 'step')}: {visit.overrun}, "
            f"and the last look found {reason}; the model went back to what it was."
        )
    return f"left undecided after {spelled(visit.steps, 'step')}; the last look found {reason}."
