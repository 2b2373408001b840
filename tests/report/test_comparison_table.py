"""The tables, sentences and files of a comparison, on runs made by hand."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from curriculum.comparison import Comparison, Ratio, compare_runs
from curriculum.plan import Cost, Stage
from curriculum.report.comparison import as_csv, as_json, conditions, headline, print_comparison
from curriculum.report.comparison.table import overview, stage_by_stage
from curriculum.sweeps import RunSummary

PATH = (Stage(2), Stage(10), Stage(1000))
BUDGET = 1e9


def run_summary(
    strategy: str,
    seed: int,
    costs: Sequence[float],
    *,
    rate: float = 0.01,
    unit: str = "compute",
    path: tuple[Stage, ...] = PATH,
) -> RunSummary:
    """A run that mastered one stage after another when it had cost that much in all."""
    mastered = {
        place: Cost(steps=int(c / 1e6), tokens=int(c / 1e3), compute=c, seconds=c / 1e7)
        for place, c in enumerate(costs)
    }
    return RunSummary(
        run_id=f"{strategy}-{seed}-{rate}",
        strategy=strategy,
        seed=seed,
        learning_rate=rate,
        created=0.0,
        path=path,
        unit=unit,
        budget=BUDGET,
        conditions={"task.name": "first_bit", "python": "3.11.2", "odd": (1, math.inf)},
        mastered=mastered,
        total=Cost(compute=BUDGET),
        not_comparable=None,
    )


def comparison(found: Mapping[str, Sequence[Sequence[float]]], **more: Any) -> Comparison:
    """Of strategies, for each seed the run's cost when it mastered each stage."""
    runs = [
        run_summary(strategy, seed, costs, **more)
        for strategy, seeds in found.items()
        for seed, costs in enumerate(seeds)
    ]
    return compare_runs("exp", runs, list(found))


def row(found: Comparison, strategy: str) -> dict[str, str]:
    head, *rows = overview(found)
    return next(dict(zip(head, r, strict=True)) for r in rows if r[0] == strategy)


def six(*costs: float) -> list[list[float]]:
    """Six seeds, each a little slower than the one before."""
    return [[cost * (1 + seed / 100) for cost in costs] for seed in range(6)]


def printed(found: Comparison) -> str:
    stream = io.StringIO()
    print_comparison(found, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("direct", "ours", "expected"),
    [
        (six(1e6, 1e7, 8e8), six(1e6, 1e7, 1e8), "helped × 8.0 (8.0–8.0)"),
        (six(1e6, 1e7, 1e8), six(1e6, 1e7, 4e8), "hurt × 0.25 (0.25–0.25)"),
        (six(1e6, 1e7, 1e8), six(1e6, 1e7, 1e8)[::-1], "inconclusive × 1.0 (0.95–1.1)"),
        (six(1e6), six(1e6, 1e7, 1e8), "helped × ≥ 9.8 (≥9.5) direct never reached it"),
        (six(1e6, 1e7, 1e8), six(1e6), "hurt × ≤ 0.1 (≤0.1) never reached it"),
        (six(1e6)[:5] + six(1e6, 1e7, 9e8)[5:], six(1e6, 1e7, 1e8), "direct reached it 1/6"),
        (six(1e6, 1e7, 8e8)[:3], six(1e6, 1e7, 1e8)[:3], "inconclusive × 8.0"),
        (six(1e6)[:3], six(1e6, 1e7, 1e8)[:3], "inconclusive × ≥ 9.9 direct never reached it"),
    ],
)
def test_a_verdict_is_shown_with_the_ratio_that_it_rests_on(
    direct: list[list[float]], ours: list[list[float]], expected: str
) -> None:
    found = row(comparison({"direct": direct, "gated": ours}), "gated")["vs direct"]
    assert found == expected or (expected.startswith("direct") and found.endswith(expected))


def test_a_ratio_at_another_stage_than_the_tables_names_that_stage() -> None:
    found = comparison({"direct": six(1e6), "gated": six(1e6), "teacher": six(1e6, 1e7)})
    assert row(found, "gated")["vs direct"] == "inconclusive × 1.0 (1.0–1.0) at 2"
    assert row(found, "direct")["vs direct"] == "-"


def test_a_row_holds_the_reach_and_its_cost() -> None:
    found = row(comparison({"direct": six(1e6), "gated": six(1e6, 1e7, 1.2e8)}), "gated")
    assert {name: found[name] for name in ("seeds", "reach", "95 %")} == {
        "seeds": "6",
        "reach": "1,000",
        "95 %": "1,000–1,000",
    }
    assert (found["compute"], found["tokens"], found["time"]) == ("1.2e8", "120 k", "12 s")


def test_the_cost_of_a_stage_that_was_not_reached_is_never() -> None:
    found = comparison({"direct": [*six(1e6)[:5], []], "gated": six(1e6, 1e7, 1e8)})
    assert row(found, "direct")["compute"] == row(found, "direct")["time"] == "never"
    assert row(found, "direct")["95 %"] == "none–2"


def test_never_is_shown_with_how_many_seeds_reached_the_stage() -> None:
    """A stage is shown that half of the seeds mastered, and then their median is infinite."""
    half = six(1e6, 1e7, 1e8)[:3] + six(1e6)[3:]
    found = comparison({"direct": six(1e6), "gated": half})
    assert found.stage == 2
    assert row(found, "gated")["compute"] == "never (3/6)"
    assert row(found, "direct")["compute"] == "never"
    assert "'(3/6)': reached on 3 of 6 seeds." in " ".join(conditions(found))
    lines = printed(found).splitlines()
    assert max(map(len, lines)) <= 80
    whole = comparison({"direct": six(1e6), "gated": six(1e6, 1e7, 1e8)})
    assert "(3/6)" not in " ".join(conditions(whole))


def test_of_few_seeds_the_reach_of_each_is_listed_in_place_of_an_interval() -> None:
    found = comparison({"direct": [[], [1e6], [1e6, 1e7]], "gated": six(1e6, 1e7, 1e8)})
    assert row(found, "direct")["95 %"] == "-"
    assert "Reach of direct, seed by seed: none, 2, 10." in list(conditions(found))
    assert "-" not in row(found, "gated")["95 %"]


def test_the_table_and_the_sentences_fit_into_80_columns() -> None:
    path = tuple(Stage(100, 10**exponent) for exponent in range(1, 5))
    names = ("direct", "look_back_and_ahead", "mastering_rate", "[red]combined", "x" * 30)
    seeds = {name: six(1e6, 1e7, 1e8, 2e8) for name in names} | {"direct": six(1e6)}
    text = printed(comparison(seeds, path=path))
    assert max(map(len, text.splitlines())) <= 80
    assert "look_back_" in text
    assert "[red]" in text
    assert "helped* × ≥ 4.9" in text


def test_few_strategies_are_shown_stage_by_stage() -> None:
    seeds = {"direct": [*six(1e6)[:4], *six(1e6, 1e7)[4:]], "gated": six(1e6, 1e7, 1e8)}
    rows = stage_by_stage(comparison(seeds))
    assert rows[0] == ("stage", "direct", "gated")
    assert rows[2] == ("10", "never (2/6)", "1.0e7")
    assert rows[3] == ("1,000", "never", "1.0e8")
    assert "compute to each stage" in printed(comparison(seeds))
    many = comparison({**seeds, **{f"s{n}": six(1e6) for n in range(4)}})
    assert "to each stage" not in printed(many)


def test_the_conditions_are_printed() -> None:
    rates = (0.001, 0.01)
    runs = [
        run_summary(strategy, seed, [1e6], rate=rate)
        for strategy in ("direct", "gated")
        for seed in range(6)
        for rate in rates
    ]
    text = " ".join(printed(compare_runs("exp", [*runs, run_summary("linear", 0, [1e6])])).split())
    assert (
        "Budget of each strategy with each seed: compute 2.0e9 (FLOP equivalents; a core does 7.0e10 in about a second)"
        in text
    )
    assert "shared equally by 2 learning rates (0.001, 0.01); the cost" in text
    assert "Left out: linear, seed 0: no run at learning rate 0.001." in text
    assert "Compared with direct, inconclusive: gated." in text


@pytest.mark.parametrize(
    ("unit", "expected"), [("seconds", ": 12000 d, at"), ("tokens", ": 1 G tokens, at")]
)
def test_the_budget_is_printed_in_its_unit(unit: str, expected: str) -> None:
    found = comparison({"direct": six(1e6), "gated": six(1e6)}, unit=unit)
    assert expected in next(iter(conditions(found)))


def test_without_a_baseline_there_are_no_verdicts() -> None:
    found = comparison({"gated": six(1e6), "linear": six(1e6)})
    assert "vs direct" not in overview(found)[0]
    assert headline(found) == "No verdicts, since the baseline, direct, was not run."
    assert "direct" not in " ".join(conditions(found))


def test_where_nothing_was_mastered_the_reach_is_none() -> None:
    found = comparison({"direct": [[]] * 6, "gated": [[]] * 6})
    assert row(found, "gated")["reach"] == "none"
    assert row(found, "gated")["compute"] == "-"
    assert "no stage was mastered" in printed(found)


def test_the_csv_has_a_line_for_each_strategy_and_stage() -> None:
    found = comparison({"direct": six(1e6)[:3], "gated": six(1e6, 1e7, 1e8)})
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert len(lines) == 2 * len(PATH)
    last = next(line for line in lines if (line["strategy"], line["length"]) == ("gated", "1000"))
    assert (last["vocab_size"], last["seeds"], last["reached"]) == ("2", "6", "6")
    assert float(last["compute_median"]) == pytest.approx(1.025e8)
    assert float(last["steps_low"]) == 100
    never = next(line for line in lines if (line["strategy"], line["length"]) == ("direct", "10"))
    assert (never["tokens_median"], never["tokens_low"]) == ("inf", "")


def test_the_json_is_strict_and_whole() -> None:
    found = as_json(comparison({"direct": six(1e6), "gated": six(1e6, 1e7, 1e8)}))
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    gated, direct = found["strategies"]["gated"], found["strategies"]["direct"]
    assert gated["ratio"]["verdict"] == "helped"
    assert gated["ratio"]["most"] is None
    assert direct["stages"][2]["compute"]["value"] is None
    assert gated["seeds"][0]["runs"][0]["mastered"]["2"]["compute"] == 1e8
    assert found["conditions"]["odd"] == [1, None]
    assert found["strategies"]["gated"]["ratio_seconds"]["verdict"] == "inconclusive"
    assert direct["ratio_seconds"] is None


def test_a_ratio_between_two_bounds_is_shown_with_both() -> None:
    found = comparison({"direct": six(1e6), "gated": six(1e6)})
    between = replace(found.outcomes["gated"], ratio=Ratio(0.5, 2.0, None, None, 3, 1.0))
    shown = replace(found, outcomes={**found.outcomes, "gated": between})
    assert row(shown, "gated")["vs direct"] == "inconclusive × 0.5 to 2.0"
