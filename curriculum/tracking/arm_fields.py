"""What MLflow shows of a portfolio's arms besides their metrics: names, params, tags, a table."""

from __future__ import annotations

from typing import Any

from curriculum import record
from curriculum.plan import STRATEGIES


def arm_params(arm: str) -> dict[str, str]:
    """What tells an arm from the others: the UI's plots know no tags."""
    found = {"arm": arm}
    strategy = STRATEGIES.get(arm)  # another version may know others
    if strategy is not None:
        found["pacing"] = type(strategy.pacing).__name__
        found["sampling"] = type(strategy.sampling).__name__
    return found


def arm_tags(history: record.History, arm: str) -> dict[str, str]:
    """How an arm stands, and, once the race is over, whether the run goes on as it."""
    tags = {"standing": standing(history, arm)}
    selected = history.arms.selected
    if selected is not None:
        tags["selected"] = "yes" if arm == selected.arm else "no"
    return tags


def arm_note(history: record.History, arm: str) -> str:
    """The description of an arm: its strategy, and how it stands."""
    strategy = STRATEGIES.get(arm)
    what = arm if strategy is None else f"{arm}, {strategy.description}"
    return f"{what}: {standing(history, arm)}"


def standing(history: record.History, arm: str) -> str:
    """How an arm that was started stands, in words."""
    arms, reach = history.arms, history.arms.last[arm].reach
    selected, own = arms.selected, arms.last[arm].report.ending
    words = history.description.axis_names.words
    come = "has mastered no stage" if reach is None else f"has come to {words(reach)}"
    if selected is not None and arm == selected.arm:
        return "has mastered the target" if selected.mastered else f"{come}, farthest of all"
    if own is not None:
        return f"{come}, and ended: {own}"
    if selected is not None:
        return f"{come}, and was outrun by {selected.arm}"
    favourites = arms.favourites[-1][1].arms if arms.favourites else ()
    share = "" if not favourites or arm in favourites else ", and gets its least share alone"
    return f"{come}{share}"


def arm_columns(history: record.History) -> dict[str, list[Any]]:
    """The arms that were started as columns, by name."""
    last, words = history.arms.last, history.description.axis_names.words
    events = last.values()
    selected = history.arms.selected
    return {
        "arm": list(last),
        "selected": [selected is not None and arm == selected.arm for arm in last],
        "standing": [standing(history, arm) for arm in last],
        "reach": [None if each.reach is None else words(each.reach) for each in events],
        "stages": [each.report.stages for each in events],
        "score": [each.report.score for each in events],
        "target_score": [each.report.target_score for each in events],
        "target_loss": [each.report.target_loss for each in events],
        "steps": [each.cost.steps for each in events],
        "tokens": [each.cost.tokens for each in events],
        "compute": [each.cost.compute for each in events],
    }
