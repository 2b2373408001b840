"""What one race says of its arms, on races made by hand."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from journals_by_hand import cost_of, describe, history

from curriculum import Stage
from curriculum.api.comparison import check_settings
from curriculum.comparison import least_seeds
from curriculum.plan import ArmReport
from curriculum.record import (
    ArmEvaluated,
    ArmSelected,
    Event,
    FavouritesChanged,
    History,
    RaceStarted,
)
from curriculum.report import comparing_command, explain_run, race_verdict, verdict_needs

TWO, NINE = Stage(2), Stage(9)
DESCRIPTION = describe(experiment="tiny", path=(TWO, NINE), strategy="auto")
ARMS = {"direct": 100.0, "gated": 10.0, "combined": 1000.0}


def evaluated(arm: str, steps: int, reach: Stage | None = None, **report: Any) -> ArmEvaluated:
    return ArmEvaluated(
        arm=arm,
        stage=NINE if reach else TWO,
        reach=reach,
        report=ArmReport(compute=float(steps), mastered=reach == NINE, **report),
        cost=cost_of(steps),
    )


def selected(arm: str, steps: int, *, mastered: bool = True) -> ArmSelected:
    return ArmSelected(
        arm=arm,
        mastered=mastered,
        ending=f"{arm} is the first arm to master the target" if mastered else "no steps left",
        cost=cost_of(steps),
        discarded_cost=cost_of(0),
    )


def race(*events: Event, first_costs: dict[str, float] | None = None, **run: Any) -> History:
    started = RaceStarted(
        first_costs=first_costs or ARMS, left_out={"look_back": "it has no length"}
    )
    told: Sequence[Event] = (started, *events)
    return history(replace(DESCRIPTION, **run), [(float(n), event) for n, event in enumerate(told)])


def verdict(*events: Event, **more: Any) -> str:
    return " ".join(race_verdict(race(*events, **more)))


def test_nothing_is_said_before_a_race_is_over() -> None:
    assert verdict(evaluated("gated", 50, TWO)) == ""
    assert comparing_command(race(evaluated("gated", 50, TWO))) == ""
    assert list(race_verdict(history(DESCRIPTION, []))) == []


def test_an_arm_that_spent_more_than_the_winner_is_shown_to_cost_more() -> None:
    text = verdict(evaluated("direct", 600), evaluated("gated", 200, NINE), selected("gated", 200))
    assert "gated mastered the target first, at a compute of 2.0e2." in text
    assert (
        "direct had by then mastered no stage, for 6.0e2: alone it would have cost more than × 3.0 of that."
    ) in text
    assert "On this seed the curriculum helped: direct costs more than × 3.0 of gated." in text
    assert "The race cost × 4.0 of what gated did in it." in text


def test_an_arm_that_spent_less_than_the_winner_is_not_judged() -> None:
    text = verdict(evaluated("direct", 100), evaluated("gated", 200, NINE), selected("gated", 200))
    assert "for 1.0e2, × 0.5 of that: what it would have cost alone is not known." in text
    assert "Whether the curriculum helped is not known from this run." in text
    assert "cost more than" not in text


def test_an_arm_that_was_not_trained_is_judged_by_its_first_interval() -> None:
    text = verdict(evaluated("direct", 900), evaluated("gated", 500, NINE), selected("gated", 500))
    assert (
        "combined was not trained, as its first 6 evaluation intervals, 6.0e3, were more than"
        in text
    )
    assert "the first alone is × 2.0 of that." in text
    text = verdict(evaluated("gated", 250, NINE), selected("gated", 250))
    assert "to be cheaper it would have had to get there within 2 of them." in text
    assert "Whether the curriculum helped is not known" in text
    text = verdict(evaluated("gated", 50, NINE), selected("gated", 50))
    assert "On this seed the curriculum helped: direct costs more than × 2.0 of gated." in text


def test_direct_training_that_wins_shows_which_curricula_did_not_help() -> None:
    text = verdict(
        evaluated("gated", 210, TWO), evaluated("direct", 100, NINE), selected("direct", 100)
    )
    assert "gated had by then mastered up to length 2, for 2.1e2: alone" in text
    assert "On this seed no curriculum of these helped (gated, combined)." in text
    text = verdict(
        evaluated("gated", 50, TWO), evaluated("direct", 2000, NINE), selected("direct", 2000)
    )
    assert "Whether a curriculum would have helped is not known from this run." in text


def test_an_arm_that_could_not_go_on_did_not_get_there_whatever_it_spent() -> None:
    text = verdict(
        evaluated("direct", 10, ending="the stage's 10 steps are used up"),
        evaluated("gated", 200, NINE),
        selected("gated", 200),
    )
    assert "and could not be trained further: the stage's 10 steps are used up." in text
    assert "On this seed the curriculum helped: direct did not get there." in text


def test_where_no_arm_gets_there_the_run_is_the_one_that_got_farthest() -> None:
    found = race(
        evaluated("gated", 90, TWO, score=0.5),
        evaluated("direct", 60, target_score=0.25),
        selected("gated", 90, mastered=False),
    )
    (text,) = race_verdict(found)
    assert text.startswith("No arm mastered the target (no steps left). gated got farthest")
    assert "reach length 2, score 0.5 on length 9; 1 evaluation, 90 steps, compute 9.0e1" in text
    assert "direct: reach no stage, score 0.25 on the target;" in text
    assert "combined: not trained." in text
    assert verdict_needs(found) == comparing_command(found) == ""


def test_a_race_without_direct_training_says_nothing_of_curricula() -> None:
    text = verdict(
        evaluated("gated", 50, NINE),
        selected("gated", 50),
        first_costs={"gated": 10.0, "combined": 10.0},
    )
    assert "helped" not in text


@pytest.mark.parametrize(
    ("events", "compared"),
    [
        ((evaluated("gated", 50, NINE), selected("gated", 50)), "direct,gated"),
        ((evaluated("direct", 50, NINE), selected("direct", 50)), "direct,gated"),
        (
            (
                evaluated("gated", 40),
                evaluated("combined", 30, TWO),
                evaluated("direct", 50, NINE),
                selected("direct", 50),
            ),
            "direct,combined",
        ),
    ],
)
def test_the_command_compares_with_direct_training_on_seeds_that_played_no_part(
    events: Sequence[Event], compared: str
) -> None:
    typed = (
        "--strategy", "auto", "--arms=direct,gated", "--tuning.mode", "off", "--growth.end", "9",
        "--budget.steps", "9", "--training.schedule=none", "--training.eval-every", "3",
    )  # fmt: skip
    found = race(*events, overrides=typed)
    assert f"at least {least_seeds(1)} seeds" in verdict_needs(found)
    words = shlex.split(comparing_command(found))
    assert words[:5] == ["python", "-m", "curriculum", "compare", "tiny"]
    assert words[words.index("--strategies") + 1] == compared
    first, last = words[words.index("--seeds") + 1].split("..")
    assert int(first) == DESCRIPTION.seed + 1
    assert int(last) - int(first) + 1 == least_seeds(1)
    assert words[-4:] == ["--growth.end", "9", "--training.eval-every", "3"]
    check_settings(words[-4:])


def test_an_explanation_tells_of_the_race_and_of_each_arm() -> None:
    favourites = (
        FavouritesChanged(arms=("direct", "gated"), remaining={}),
        FavouritesChanged(arms=("gated",), remaining={"direct": None, "gated": 1500.0}),
    )
    lines = list(
        explain_run(
            race(
                favourites[0],
                evaluated("direct", 100, target_score=0.125),
                favourites[1],
                evaluated("gated", 200, NINE),
                selected("gated", 200),
            )
        )
    )
    assert lines[1:9] == [
        "Race of 3 arms: direct, gated, combined.",
        "Left out: look_back, as it has no length.",
        "After 0 evaluations: direct and gated are trained on.",
        (
            "After 1 evaluation: gated is trained on, and direct set aside but for the least share "
            "(predicted to need: direct not predictable, as it shows no progress, gated 1.5e3 more)."
        ),
        (
            "Arm direct: reach no stage, score 0.125 on the target; 1 evaluation, 100 steps, compute 1.0e2."
        ),
        "Arm gated: reach length 9; 1 evaluation, 200 steps, compute 2.0e2.",
        "Arm combined: not trained.",
        "The run is what gated was: gated is the first arm to master the target.",
    ]
    assert lines[-1].endswith("--strategies direct,gated --seeds 4..9")


def test_amid_a_race_the_outcome_tells_where_each_arm_stands() -> None:
    found = race(evaluated("gated", 90, TWO), evaluated("direct", 60))
    last = list(explain_run(found))[-1]
    assert "amid its race: direct no stage, gated length 2, combined not trained; 150 steps" in last
