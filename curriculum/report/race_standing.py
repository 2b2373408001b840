"""Where the arms of a portfolio stand, and how their race went, a sentence each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from curriculum.errors import counted
from curriculum.plan import AxisNames, Stage
from curriculum.record import ArmResult, FavouritesChanged, History
from curriculum.report.units import short


def race_lines(history: History) -> Iterator[str]:
    """What happened in a race: its arms, when others were trained on and why, and how far each came."""
    arms = history.arms
    if not arms.names:
        return
    yield f"Race of {counted(len(arms.names), 'arm')}: {', '.join(arms.names)}."
    left_out = {} if arms.started is None else arms.started.left_out
    yield from (f"Left out: {name}, as {why}." for name, why in left_out.items())
    before: FavouritesChanged | None = None
    for number, event in arms.favourites:
        yield f"After {counted(number, 'evaluation')}: {_favourites(event, before)}."
        before = event
    description = history.description
    for name, result in arms.results().items():
        yield f"Arm {name}: {standing(result, description.axis_names, description.path)}."
    if arms.selected is not None:
        yield f"The run is what {arms.selected.arm} was: {arms.selected.ending}."


def race_situation(arms: Mapping[str, ArmResult], names: AxisNames, path: tuple[Stage, ...]) -> str:
    """How far each arm is, in a few words: `direct no stage, gated length 9`."""
    return ", ".join(f"{name} {_place(arm, names, path)}" for name, arm in arms.items())


def standing(arm: ArmResult, names: AxisNames, path: tuple[Stage, ...]) -> str:
    """How far an arm is, at what cost, and why it can't be trained further."""
    if not arm.evaluations:
        return "not trained"
    cost = f"{counted(arm.steps, 'step')}, compute {short(arm.compute, 'compute')}"
    ending = f"; it ended: {arm.ending}" if arm.ending else ""
    score = _score(arm, names, path)
    return (
        f"reach {_place(arm, names, path)}{f', {score}' if score else ''}; "
        f"{counted(arm.evaluations, 'evaluation')}, {cost}{ending}"
    )


def standing_briefly(arm: ArmResult, names: AxisNames, path: tuple[Stage, ...]) -> str:
    """How far an arm is, and its compute, on a line of a terminal."""
    if not arm.evaluations:
        return "not trained yet"
    cost = f"compute {short(arm.compute, 'compute')}"
    parts = (_place(arm, names, path), _score(arm, names, path), cost)
    return f"{', '.join(filter(None, parts))}{' (ended)' if arm.ending else ''}"


def _score(arm: ArmResult, names: AxisNames, path: tuple[Stage, ...]) -> str:
    """At its last evaluation: on the target, if it was screened, or else on the stage that it stands on."""
    if arm.target_score is not None:
        return f"score {arm.target_score:.3g} on the target"
    if arm.score is None or arm.stage is None:
        return ""
    return f"score {arm.score:.3g} on {names.place(arm.stage, path)}"


def _place(arm: ArmResult, names: AxisNames, path: tuple[Stage, ...]) -> str:
    if not arm.evaluations:
        return "not trained"
    return "no stage" if arm.reach is None else names.place(arm.reach, path)


def _favourites(event: FavouritesChanged, before: FavouritesChanged | None) -> str:
    """Which arms are trained on from then, and by which forecast."""
    trained = " and ".join(event.arms)
    verb = "is" if len(event.arms) == 1 else "are"
    dropped = [] if before is None else [name for name in before.arms if name not in event.arms]
    words = f"{trained} {verb} trained on"
    if dropped:
        words += f", and {' and '.join(dropped)} set aside but for the least share"
    forecasts = [f"{name} {_forecast(left)}" for name, left in event.remaining.items()]
    return f"{words} (predicted to need: {', '.join(forecasts)})" if forecasts else words


def _forecast(remaining: float | None) -> str:
    """Of compute; None where nothing speaks for the arm."""
    if remaining is None or not math.isfinite(remaining):
        return "not predictable, as it shows no progress"
    return f"{short(remaining, 'compute')} more"
