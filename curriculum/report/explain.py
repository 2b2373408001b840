"""Why each visit advanced, or did not, in a sentence with the numbers."""

from __future__ import annotations

from collections.abc import Iterator

from curriculum.record.history import History, Visit, perplexity
from curriculum.record.journal import Record

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
        f"{spelled(len(described['path']), 'stage')}, {described['strategy']}"
    )
    for change in history.changes:
        yield f"It was made to go on under other circumstances{_changed(change)}."
    for visit in history.visits:
        how = ENTRIES.get(visit.entry, f" ({visit.entry})") + (
            " (tried again, with more trials)" if visit.retuning else ""
        )
        yield f"Visit {visit.number}, {visit.stage}{how}: {_sentence(visit)}"
    if history.damaged and history.end is None:
        yield (
            f"The journal is damaged after that: 'resume {described['id']}' computes the rest again."
        )
    yield closing(history, running=running)


def _changed(change: Record) -> str:
    said = [f"{name} {was} is now {now}" for name, (was, now) in change["changes"].items()]
    if change["dropped"]:
        said.append(f"without the last {spelled(change['dropped'], 'record')}")
    return f": {'; '.join(said)}" if said else ""


def closing(history: History, *, running: bool = False) -> str:
    """How the run stands or ended, with its reach and cost."""
    status = history.status(running=running)
    reach = "no stage mastered" if history.reach is None else f"reach: {history.reach}"
    cost = (
        f"{spelled(history.total.steps, 'step')}, {spelled(history.total.tokens, 'token')}, "
        f"{history.seconds:.1f} s"
    )
    if history.lost.compute:
        cost += f"; losing trials took {history.lost_share:.0%} of the compute"
    if history.end is not None and history.ending:
        found = f"{status.capitalize()}, since {history.ending}; {reach}; {cost}."
        return " ".join((found, *_retested(history)))
    if history.ending and not running:
        return f"{status.capitalize()} ({history.ending}); {reach}; {cost}."
    return f"{status.capitalize()}; {reach}; {cost}."


def _retested(history: History) -> Iterator[str]:
    """What was found when the final model was tested again."""
    if not history.retests:
        return
    asked = sum(not record["beyond"] for record in history.retests)
    held, text = len(history.held), "Tested again, the final model "
    if held == asked:
        text += f"holds all {spelled(asked, 'stage')}" if asked > 1 else "holds its stage"
    else:
        upto = "not even the first" if history.retained is None else f"all up to {history.retained}"
        text += f"holds {held:,} of {spelled(asked, 'stage')}, {upto}"
    if history.extrapolated is not None:
        text += (
            f", and masters lengths up to {history.extrapolated:,} "
            f"(it was trained on lengths up to {history.trained:,})"
        )
    yield f"{text}."


def spelled(count: int, noun: str) -> str:
    """A number and its noun, e.g. `1 step`, `1,200 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sentence(visit: Visit) -> str:
    reason = visit.reason or "no look was taken yet"
    if visit.looks:
        reason += _measured(visit.looks[-1].get("measures", {}))
    took = f"after {spelled(visit.spent.steps, 'step')}{_search(visit)}"
    if visit.verdict == "mastered" and visit.spent.steps == 0:
        return f"mastered without a training step, since {reason}."
    if visit.verdict == "mastered":
        return f"mastered {took}, since {reason}."
    if visit.verdict == "exhausted":
        back = "" if visit.kept else "; the model went back to what it was"
        return (
            f"exhausted, not mastered, {took}: {visit.overrun}, and the last look found "
            f"{reason}{back}."
        )
    return f"left undecided {took}; the last look found {reason}."


def _measured(measures: Record) -> str:
    """What a look saw besides its score, in words: `, perplexity 1.02`."""
    parts = []
    if "loss" in measures:
        parts.append(f"perplexity {perplexity(measures['loss']):.4g}")
    parts += [
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in measures.items()
        if not name.endswith("loss")
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _search(visit: Visit) -> str:
    """Which trial went on, and what the others took, in words; empty where none was tried."""
    if not visit.advances:
        return ""
    tried = spelled(len({look["trial"] for look in visit.advances}), "trial")
    if visit.choice is None:
        return f", amid a search of {tried} so far"
    settings = f"learning rate {visit.learning_rate:.3g} and hidden size {visit.hidden_size}"
    if visit.choice["trial"] is None:
        return f" at the carried {settings}, as all of {tried} diverged"
    if not visit.lost.compute:
        return f" at {settings}, with its first trial"
    won = any(look["mastered"] for look in visit.advances)
    rank = "the first to master" if won else "the best"
    return (
        f" at {settings}, {rank} of {tried} (the rest took {visit.lost_share:.0%} of the "
        f"visit's compute)"
    )
