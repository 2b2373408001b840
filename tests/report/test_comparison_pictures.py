import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from curriculum.plan import Spending, Stage
from curriculum.plan.strategy import STRATEGIES
from curriculum.record.history import History
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import Comparison, compared
from curriculum.report.comparison_pictures import pictures_of
from curriculum.report.comparison_plots import reach_by_strategy, spending_by_stage
from curriculum.report.extrapolation_plot import extrapolation_curve, extrapolation_curves
from curriculum.report.html import Picture, html_report
from curriculum.report.line_styles import line_styles
from curriculum.report.retention_plot import retention_map
from curriculum.report.settings_plot import settings_map
from curriculum.report.svg import svg

LENGTHS = (2, 3, 5, 7, 11, 16, 24, 36, 54, 81, 122, 182, 273, 410, 614, 800, 1000)
PATH = tuple(Stage(length) for length in LENGTHS)
RATES = (0.001, 0.003, 0.01)
BUDGET = 1e10
FEW = ("direct", "gated", "linear")
MOST = ("gated", "mixed", "combined", "linear", "root", "bandit")
RETAINED = [
    {"kind": "retention", "visit": visit, "stage": PATH[visit].key, "scores": scores}
    for visit in range(5)
    if (scores := {PATH[place].key: 1 - 0.1 * (visit - place) for place in range(visit + 1)})
]


def attempts(
    strategies: Iterable[str], seeds: int = 6, path: Sequence[Stage] = PATH, far: int = 99
) -> list[Attempt]:
    """Runs with random spendings, that master at most `far` stages."""
    draws = random.Random(0)
    return [
        attempt(strategy, seed, rate, tuple(path), _spendings(draws, strategy, len(path), far))
        for strategy in strategies
        for seed in range(seeds)
        for rate in RATES
    ]


def _spendings(draws: random.Random, strategy: str, stages: int, far: int) -> list[Spending]:
    """What had been spent when each stage was mastered."""
    reached = 5 if strategy == "direct" else stages - draws.randint(0, 2)
    found = [Spending()]
    for place in range(min(far, stages, reached)):
        spent = draws.lognormvariate(0, 0.5) * 2e7 * 1.2**place
        found.append(
            found[-1]
            + Spending(
                steps=int(spent / 1e5), tokens=int(spent / 1e3), compute=spent, seconds=spent / 1e8
            )
        )
    return found[1:]


def attempt(
    strategy: str, seed: int, rate: float, path: tuple[Stage, ...], spent: Sequence[Spending]
) -> Attempt:
    return Attempt(
        run_id=f"{strategy}-{seed}-{rate}",
        strategy=strategy,
        seed=seed,
        learning_rate=rate,
        created=0.0,
        path=path,
        unit="compute",
        budget=BUDGET,
        terms={"task.name": "first_bit", "python": "3.11.2", "torch": "2.6.0"},
        mastered=dict(enumerate(spent)),
        total=Spending(compute=BUDGET),
        unfit=None,
    )


def of(strategies: Iterable[str] = FEW, **more: Any) -> Comparison:
    return compared("lstm_firstbit", attempts(strategies, **more))


def retests(scores: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"kind": "retest", "stage": f"{length}x2", "score": score, "beyond": length > 1000}
        for length, score in zip((10, 100, 1000, 2000, 4000), scores, strict=False)
    ]


def with_findings(retained: bool = True) -> History:
    """The record of a run as far as pictures look at it."""
    history = History({})
    history.retention = RETAINED if retained else []
    history.retests = retests([1, 1, 1, 0.9, 0.5])
    return history


def furthest(comparison: Comparison) -> list[str]:
    """The four strategies whose median reach is greatest, and of these the cheapest first."""
    ranked = sorted(
        comparison.outcomes.values(),
        key=lambda o: (-o.reach.value, o.spent(int(o.reach.value), "compute").value),
    )
    return [outcome.strategy for outcome in ranked[:4]]


def labels(figure: Figure) -> list[str]:
    """Those of the axes, or of the whole figure where axes share them."""
    shared = [figure.get_supxlabel(), figure.get_supylabel()]
    if all(shared):
        return shared
    return [
        figure.axes[-1].get_xlabel() or figure.axes[0].get_xlabel(),
        figure.axes[0].get_ylabel(),
    ]


def drawings() -> dict[str, Figure]:
    both = tuple(Stage(5 * (n + 1), 10 * (n + 1)) for n in range(7))
    sizes = {name: {place: 16 * (1 + place) for place in range(9)} for name in FEW}
    seeds = [retests([1, 1, 1, 0.9, 0.6 + seed / 100]) for seed in range(6)]
    return {
        "few": reach_by_strategy(of()),
        "many": reach_by_strategy(of(STRATEGIES)),
        "few seeds": reach_by_strategy(of(seeds=3)),
        "time": spending_by_stage(of(STRATEGIES)),
        "time of both": spending_by_stage(of(path=both)),
        "settings": settings_map(of(), sizes),
        "retention": retention_map(RETAINED, "seed 0"),
        "retention of one stage": retention_map(
            [{"visit": 0, "stage": "2x2", "scores": {"2x2": 0.9}}], "seed 0"
        ),
        "extrapolation": extrapolation_curves({"gated": seeds, "direct": seeds[:2]}, "exp"),
        "extrapolation of many": extrapolation_curves(dict.fromkeys(STRATEGIES, seeds), "exp"),
        "one run": extrapolation_curve(seeds[0], "gated", 100, "exp, seed 0"),
    }


class Outside(HTMLParser):
    """Collects what a page would fetch or lead to, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.led: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset", "data"):
                self.led.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def test_every_picture_names_its_axes_and_is_the_same_each_time() -> None:
    for (name, figure), again in zip(drawings().items(), drawings().values(), strict=True):
        drawn = svg(figure)
        assert drawn == svg(again), name
        assert all(labels(figure)), name
        ElementTree.fromstring(drawn)
        assert "currentColor" in drawn
        assert "#000000" not in drawn
        assert re.findall(r"https?://[^\"]+", drawn) == ["http://www.w3.org/2000/svg"]


def test_labels_along_an_axis_do_not_overlap() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for name, figure in drawings().items():
        FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
        for axes in figure.axes:
            for along, limits, ticks in (
                (0, axes.get_xlim(), axes.get_xticklabels()),
                (1, axes.get_ylim(), axes.get_yticklabels()),
            ):
                boxes = [
                    label.get_window_extent()
                    for label in ticks
                    if label.get_visible()
                    and label.get_text()
                    and not label.get_rotation()
                    and min(limits) <= label.get_position()[along] <= max(limits)
                ]
                ends = sorted((box.min[along], box.max[along]) for box in boxes)
                assert all(one[1] <= other[0] for one, other in pairwise(ends)), (name, along)


def test_the_median_curve_rises_to_the_median_reach() -> None:
    found = of()
    axes = reach_by_strategy(found).axes[0]
    lines = {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}  # type: ignore[arg-type]
    for name, outcome in found.outcomes.items():
        assert lines[name][0] == -1
        assert lines[name][-1] == outcome.reach.value


def test_strategies_differ_in_two_of_colour_dashes_and_marker() -> None:
    names = [*STRATEGIES, "of", "one's", "own", "another"]
    styles = line_styles(names)
    for one, other in combinations(map(astuple, styles.values()), 2):
        assert sum(mine != theirs for mine, theirs in zip(one, other, strict=True)) >= 2
    styles = line_styles(STRATEGIES)
    assert styles == line_styles(reversed([*STRATEGIES]))


def test_a_heat_map_holds_the_scores() -> None:
    figure = retention_map(RETAINED, "seed 0")
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert texts == {"1", ".90", ".80", ".70", ".60"}


def test_a_heat_map_names_every_stage_and_at_each_visit_the_one_mastered() -> None:
    again = [*RETAINED, {**RETAINED[-1], "visit": 5, "stage": PATH[3].key}]
    axes = retention_map(again, "seed 0").axes[0]
    assert {label.get_text() for label in axes.get_yticklabels()} == {"2", "3", "5", "7", "11"}
    visits = sorted((label.get_position()[0], label.get_text()) for label in axes.get_xticklabels())
    assert [text for _, text in visits] == ["2", "3", "5", "7", "11", "7"]


def test_a_width_of_guesses_is_not_shown_as_a_learning_rate() -> None:
    figure = settings_map(of((*FEW, "guess")))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [*FEW]
    assert "guess has none" in html_report([of((*FEW, "guess"))])
    assert "guess" not in html_report([of()])


def test_a_median_beyond_is_of_all_seeds_and_single_seeds_are_dots() -> None:
    seeds = [retests([1, 0.5 + seed / 10, 0.5]) for seed in range(6)]
    seeds[0] += retests([1, 1, 1, 0.75, 0.25])[3:]
    median, dots, _ = extrapolation_curves({"gated": seeds}, "exp").axes[0].lines
    assert list(median.get_xdata()) == [10, 100, 1000]  # type: ignore[arg-type]
    assert list(median.get_ydata()) == [1, 0.75, 0.5]  # type: ignore[arg-type]
    assert list(dots.get_xdata()) == [2000, 4000]  # type: ignore[arg-type]
    assert list(dots.get_ydata()) == [0.75, 0.25]  # type: ignore[arg-type]


def test_many_strategies_are_tested_again_on_axes_of_their_own() -> None:
    figure = extrapolation_curves({name: [retests([1, 0.5])] for name in STRATEGIES}, "exp")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [*STRATEGIES]
    assert [len(axes.lines) for axes in figure.axes] == [2, *[3] * (len(STRATEGIES) - 1)]


def test_extrapolation_marks_the_last_length_trained_on() -> None:
    figure = extrapolation_curves({"gated": [retests([1, 1, 1, 0.9, 0.5])]}, "exp")
    named = {str(line.get_label()): line for line in figure.axes[0].lines}
    assert list(named["trained to 1,000"].get_xdata()) == [1000, 1000]  # type: ignore[arg-type]
    assert list(named["gated"].get_ydata()) == [1, 1, 1, 0.9, 0.5]  # type: ignore[arg-type]


def test_lengths_that_differ_little_are_named_once_each() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    found = [{"stage": f"{n}x2", "score": 0.5, "beyond": False} for n in (2, 3)]
    figure = extrapolation_curve(found, "gated", 3, "exp, seed 0")
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    named = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert len(named) == len({*named})
    assert {"2", "3"} <= {*named}


def test_the_names_of_a_small_maps_axes_lie_within_the_picture() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = retention_map([{"visit": 0, "stage": "2x2", "scores": {"2x2": 0.9}}], "seed 0")
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    axes = figure.axes[0]
    name = axes.yaxis.label.get_window_extent()
    assert name.y0 >= 0
    assert name.y1 <= axes.get_window_extent().y1  # the title is above


@pytest.mark.parametrize("far", [0, 1])
def test_where_little_or_nothing_was_mastered_there_is_still_a_page(far: int) -> None:
    for path in (PATH, PATH[:1]):
        ElementTree.fromstring(html_report([of(far=far, path=path)]))


def test_the_page_is_well_formed_and_reaches_for_nothing() -> None:
    hostile = replace(of(), experiment='<script>"a" & b</script>$x$', left_out=("<i>one</i>",))
    more = {"lstm_firstbit": [Picture(retention_map(RETAINED, "seed 0"), "What was retained.")]}
    page = html_report([of(), hostile], pictures=more)
    ElementTree.fromstring(page)
    read = Outside()
    read.feed(page)
    assert not read.tags & {"script", "link", "img", "iframe", "object", "i"}
    assert "http" not in page
    led = {target for target in read.led if not target.startswith("data:image/png")}
    assert led <= {f"#{name}" for name in read.ids}
    assert len(read.ids) == len({*read.ids})
    assert page.count("<svg") == page.count('role="img"') == 7
    assert "Report by curriculum" in page
    assert "torch 2.6.0" in page


def test_a_retention_map_says_why_it_is_shown_and_of_which_run() -> None:
    runs = attempts(["direct", "guess", *MOST])
    histories = {run.run_id: with_findings() for run in runs}
    found = compared("lstm_firstbit", runs)
    *maps, last = pictures_of(found, histories)
    assert [each.caption.split(",")[0] for each in maps] == [
        "Retention under direct",
        *(f"Retention under {name}" for name in furthest(found)),
    ]
    assert "seed " in maps[0].caption
    assert "learning rate 0.0" in maps[0].caption
    assert "Shown are the baseline and the 4 strategies that got furthest" in maps[0].caption
    assert "Small dots: single seeds" in last.caption
    assert "Grey and dotted: the median of direct." in last.caption


def test_a_strategy_without_a_record_of_what_it_retained_has_no_map() -> None:
    runs = attempts(FEW)
    histories = {run.run_id: with_findings(run.strategy == "gated") for run in runs}
    only, _ = pictures_of(compared("lstm_firstbit", runs), histories)
    assert only.caption.startswith("Retention under gated, seed ")
    assert "Of each strategy, the run that got furthest" in only.caption


@pytest.mark.parametrize(
    ("strategies", "stages", "corner"),
    [(FEW, 17, "stage"), (STRATEGIES, 11, "strategy / stage"), (STRATEGIES, 17, "stage")],
)
def test_of_strategies_and_stages_the_fewer_are_columns(
    strategies: Sequence[str], stages: int, corner: str
) -> None:
    page = html_report([of(strategies, path=PATH[:stages])])
    (table,) = re.findall(r'<table class="dense">.*?</table>', page, flags=re.DOTALL)
    head, *rows = re.findall(r"<tr>.*?</tr>", table)
    assert head.startswith(f'<tr><th scope="col">{corner}</th>')
    assert head.count("<th") == 1 + min(len(strategies), stages)
    assert len(rows) == max(len(strategies), stages)


def test_a_page_of_many_runs_is_small_and_the_same_each_time() -> None:
    runs = attempts([name for name, strategy in STRATEGIES.items() if not strategy.guesses])
    assert len(runs) == 252
    page = html_report([compared("lstm_firstbit", runs)])
    assert len(page.encode()) < 1_000_000
    assert page == html_report([compared("lstm_firstbit", runs)])
