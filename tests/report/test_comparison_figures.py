"""The figures and the page of a comparison, on runs made by hand."""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from journals_by_hand import describe
from matplotlib.figure import Figure

from curriculum.comparison import Comparison, compare_runs
from curriculum.plan import STRATEGIES, AxisNames, Cost, Stage
from curriculum.record import FinalEvaluated, History, RetentionMeasured
from curriculum.report.comparison import history_figures, html_report
from curriculum.report.comparison.page import CaptionedFigure
from curriculum.report.comparison.plots import cost_by_stage, reach_by_strategy
from curriculum.report.figures.extrapolation import extrapolation_curve, extrapolation_curves
from curriculum.report.figures.line_styles import line_styles
from curriculum.report.figures.retention import retention_map
from curriculum.report.figures.settings import settings_map
from curriculum.report.figures.svg import svg
from curriculum.sweeps import RunSummary

LENGTHS = (2, 3, 5, 7, 11, 16, 24, 36, 54, 81, 122, 182, 273, 410, 614, 800, 1000)
PATH = tuple(Stage(length) for length in LENGTHS)
RATES = (0.001, 0.003, 0.01)
BUDGET = 1e10
FEW = ("direct", "gated", "linear")
MOST = ("gated", "mixed", "combined", "linear", "root", "bandit")
RETENTION = [
    RetentionMeasured(
        visit=visit,
        stage=PATH[visit],
        scores={PATH[place]: 1 - 0.1 * (visit - place) for place in range(visit + 1)},
    )
    for visit in range(5)
]
ONE_STAGE = [RetentionMeasured(visit=0, stage=Stage(2), scores={Stage(2): 0.9})]


def summaries(
    strategies: Iterable[str], seeds: int = 6, path: Sequence[Stage] = PATH, most: int = 99
) -> list[RunSummary]:
    """Runs with random costs, that master at most so many stages."""
    draws = random.Random(0)
    return [
        run_summary(strategy, seed, rate, tuple(path), _costs(draws, strategy, len(path), most))
        for strategy in strategies
        for seed in range(seeds)
        for rate in RATES
    ]


def _costs(draws: random.Random, strategy: str, stages: int, most: int) -> list[Cost]:
    """What the run had cost when it mastered each stage."""
    reached = 5 if strategy == "direct" else stages - draws.randint(0, 2)
    found = [Cost()]
    for place in range(min(most, stages, reached)):
        cost = draws.lognormvariate(0, 0.5) * 2e7 * 1.2**place
        found.append(
            found[-1]
            + Cost(steps=int(cost / 1e5), tokens=int(cost / 1e3), compute=cost, seconds=cost / 1e8)
        )
    return found[1:]


def run_summary(
    strategy: str, seed: int, rate: float, path: tuple[Stage, ...], costs: Sequence[Cost]
) -> RunSummary:
    return RunSummary(
        run_id=f"{strategy}-{seed}-{rate}",
        strategy=strategy,
        seed=seed,
        learning_rate=rate,
        created=0.0,
        path=path,
        unit="compute",
        budget=BUDGET,
        conditions={"task.name": "first_bit", "python": "3.11.2", "torch": "2.6.0"},
        mastered=dict(enumerate(costs)),
        total=Cost(compute=BUDGET),
        not_comparable=None,
    )


def of(strategies: Iterable[str] = FEW, **more: Any) -> Comparison:
    return compare_runs("lstm_firstbit", summaries(strategies, **more))


def final_evaluation(
    scores: Sequence[float], lengths: Sequence[int] = (10, 100, 1000, 2000, 4000)
) -> list[FinalEvaluated]:
    return [
        FinalEvaluated(
            stage=Stage(length),
            beyond=length > 1000,
            score=score,
            examples=512,
            answer="passes" if score == 1 else "fails",
            reason="",
        )
        for length, score in zip(lengths, scores, strict=False)
    ]


def evaluated_history(*, retention: bool = True) -> History:
    """The history of a run as far as figures of comparisons read it."""
    history = History(describe())
    history.retention = RETENTION if retention else []
    history.final_evaluations = final_evaluation([1, 1, 1, 0.9, 0.5])
    return history


def furthest(comparison: Comparison) -> list[str]:
    """The four strategies whose median reach is greatest, and of these the cheapest first."""
    ranked = sorted(
        comparison.outcomes.values(),
        key=lambda o: (-o.reach.value, o.cost(int(o.reach.value), "compute").value),
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


def all_figures() -> dict[str, Figure]:
    both = tuple(Stage(5 * (n + 1), 10 * (n + 1)) for n in range(7))
    sizes = {name: {place: 16 * (1 + place) for place in range(9)} for name in FEW}
    seeds = [final_evaluation([1, 1, 1, 0.9, 0.6 + seed / 100]) for seed in range(6)]
    return {
        "few": reach_by_strategy(of()),
        "many": reach_by_strategy(of(STRATEGIES)),
        "few seeds": reach_by_strategy(of(seeds=3)),
        "cost": cost_by_stage(of(STRATEGIES)),
        "cost of both": cost_by_stage(of(path=both)),
        "settings": settings_map(of(), sizes),
        "retention": retention_map(RETENTION, "seed 0", AxisNames()),
        "retention of one stage": retention_map(ONE_STAGE, "seed 0", AxisNames()),
        "extrapolation": extrapolation_curves(
            {"gated": seeds, "direct": seeds[:2]}, "exp", AxisNames()
        ),
        "extrapolation of many": extrapolation_curves(
            dict.fromkeys(STRATEGIES, seeds), "exp", AxisNames()
        ),
        "one run": extrapolation_curve(seeds[0], "gated", 100, "exp, seed 0", names=AxisNames()),
    }


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return all_figures()


@pytest.fixture(scope="module")
def page() -> str:
    """Two comparisons, one of them with hostile names, and a figure more."""
    hostile = replace(of(), experiment='<script>"a" & b</script>$x$', left_out=("<i>one</i>",))
    retention = CaptionedFigure(
        retention_map(RETENTION, "seed 0", AxisNames()), "What was retained."
    )
    return html_report([of(), hostile], figures={"lstm_firstbit": [retention]})


class References(HTMLParser):
    """Collects what a page would fetch or link to, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset", "data"):
                self.targets.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def test_every_figure_names_its_axes_and_is_the_same_each_time(
    figures: Mapping[str, Figure],
) -> None:
    for (name, figure), again in zip(figures.items(), all_figures().values(), strict=True):
        drawn = svg(figure)
        assert drawn == svg(again), name
        assert all(labels(figure)), name
        ElementTree.fromstring(drawn)
        assert "currentColor" in drawn
        assert "#000000" not in drawn
        assert re.findall(r"https?://[^\"]+", drawn) == ["http://www.w3.org/2000/svg"]


def test_labels_along_an_axis_do_not_overlap(figures: Mapping[str, Figure]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for name, figure in figures.items():
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
    names = [*STRATEGIES, "one's", "own", "another"]
    styles = line_styles(names)
    for one, other in combinations(map(astuple, styles.values()), 2):
        assert sum(mine != theirs for mine, theirs in zip(one, other, strict=True)) >= 2
    styles = line_styles(STRATEGIES)
    assert styles == line_styles(reversed([*STRATEGIES]))


def test_a_heat_map_holds_the_scores() -> None:
    figure = retention_map(RETENTION, "seed 0", AxisNames())
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert texts == {"1", ".90", ".80", ".70", ".60"}


def test_a_heat_map_names_every_stage_and_at_each_visit_the_one_mastered() -> None:
    again = [*RETENTION, replace(RETENTION[-1], visit=5, stage=PATH[3])]
    axes = retention_map(again, "seed 0", AxisNames()).axes[0]
    assert {label.get_text() for label in axes.get_yticklabels()} == {"2", "3", "5", "7", "11"}
    visits = sorted((label.get_position()[0], label.get_text()) for label in axes.get_xticklabels())
    assert [text for _, text in visits] == ["2", "3", "5", "7", "11", "7"]


def test_a_width_of_guesses_is_not_shown_as_a_learning_rate(page: str) -> None:
    figure = settings_map(of((*FEW, "guess")))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [*FEW]
    assert "guess has none" in html_report([of((*FEW, "guess"))])
    assert "guess" not in page


def test_a_median_beyond_is_of_all_seeds_and_single_seeds_are_dots() -> None:
    seeds = [final_evaluation([1, 0.5 + seed / 10, 0.5]) for seed in range(6)]
    seeds[0] += final_evaluation([1, 1, 1, 0.75, 0.25])[3:]
    median, dots, _ = extrapolation_curves({"gated": seeds}, "exp", AxisNames()).axes[0].lines
    assert list(median.get_xdata()) == [10, 100, 1000]  # type: ignore[arg-type]
    assert list(median.get_ydata()) == [1, 0.75, 0.5]  # type: ignore[arg-type]
    assert list(dots.get_xdata()) == [2000, 4000]  # type: ignore[arg-type]
    assert list(dots.get_ydata()) == [0.75, 0.25]  # type: ignore[arg-type]


def test_extrapolation_of_many_strategies_is_drawn_on_axes_of_their_own() -> None:
    figure = extrapolation_curves(
        {name: [final_evaluation([1, 0.5])] for name in STRATEGIES}, "exp", AxisNames()
    )
    assert [axes.get_title(loc="left") for axes in figure.axes] == [*STRATEGIES]
    assert [len(axes.lines) for axes in figure.axes] == [2, *[3] * (len(STRATEGIES) - 1)]


def test_extrapolation_marks_the_last_length_trained_on() -> None:
    figure = extrapolation_curves(
        {"gated": [final_evaluation([1, 1, 1, 0.9, 0.5])]}, "exp", AxisNames()
    )
    named = {str(line.get_label()): line for line in figure.axes[0].lines}
    assert list(named["trained to 1,000"].get_xdata()) == [1000, 1000]  # type: ignore[arg-type]
    assert list(named["gated"].get_ydata()) == [1, 1, 1, 0.9, 0.5]  # type: ignore[arg-type]


def test_lengths_that_differ_little_are_named_once_each() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    events = final_evaluation([0.5, 0.5], lengths=(2, 3))
    figure = extrapolation_curve(events, "gated", 3, "exp, seed 0", names=AxisNames())
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    named = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert len(named) == len({*named})
    assert {"2", "3"} <= {*named}


def test_the_labels_of_a_small_maps_axes_lie_within_the_figure() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = retention_map(ONE_STAGE, "seed 0", AxisNames())
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    axes = figure.axes[0]
    name = axes.yaxis.label.get_window_extent()
    assert name.y0 >= 0
    assert name.y1 <= axes.get_window_extent().y1  # the title is above


@pytest.mark.parametrize("most", [0, 1])
def test_where_little_or_nothing_was_mastered_there_is_still_a_page(most: int) -> None:
    for path in (PATH, PATH[:1]):
        ElementTree.fromstring(html_report([of(most=most, path=path)]))


def test_the_page_is_well_formed_and_fetches_nothing(page: str) -> None:
    ElementTree.fromstring(page)
    read = References()
    read.feed(page)
    assert not read.tags & {"script", "link", "img", "iframe", "object", "i"}
    assert "http" not in page
    targets = {name for name in read.targets if not name.startswith("data:image/png")}
    assert targets <= {f"#{name}" for name in read.ids}
    assert len(read.ids) == len({*read.ids})
    assert page.count("<svg") == page.count('role="img"') == 7
    assert "Report by curriculum" in page
    assert "torch 2.6.0" in page


def test_the_caption_of_a_retention_map_names_its_run_and_why_it_is_shown() -> None:
    runs = summaries(["direct", "guess", *MOST])
    histories = {run.run_id: evaluated_history() for run in runs}
    found = compare_runs("lstm_firstbit", runs)
    *maps, last = history_figures(found, histories)
    assert [each.caption.split(",")[0] for each in maps] == [
        "Retention under direct",
        *(f"Retention under {name}" for name in furthest(found)),
    ]
    assert "seed " in maps[0].caption
    assert "learning rate 0.0" in maps[0].caption
    assert "Shown are the baseline and the 4 strategies that got furthest" in maps[0].caption
    assert "Small dots: single seeds" in last.caption
    assert "Grey and dotted: the median of direct." in last.caption


def test_a_strategy_whose_retention_was_not_measured_has_no_map() -> None:
    runs = summaries(FEW)
    histories = {run.run_id: evaluated_history(retention=run.strategy == "gated") for run in runs}
    only, _ = history_figures(compare_runs("lstm_firstbit", runs), histories)
    assert only.caption.startswith("Retention under gated, seed ")
    assert "Of each strategy, the run that got furthest" in only.caption


@pytest.mark.parametrize(
    ("strategies", "stages", "corner"),
    [(FEW, 17, "stage"), (STRATEGIES, 11, "strategy / stage"), (STRATEGIES, 17, "stage")],
)
def test_of_strategies_and_stages_the_fewer_are_columns(
    strategies: Sequence[str], stages: int, corner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.report.comparison.html._figures", lambda _: ())  # are slow
    page = html_report([of(strategies, path=PATH[:stages])])
    (table,) = re.findall(r'<table class="dense">.*?</table>', page, flags=re.DOTALL)
    head, *rows = re.findall(r"<tr>.*?</tr>", table)
    assert head.startswith(f'<tr><th scope="col">{corner}</th>')
    assert head.count("<th") == 1 + min(len(strategies), stages)
    assert len(rows) == max(len(strategies), stages)


def test_a_page_of_many_runs_is_small_and_the_same_each_time() -> None:
    runs = summaries([name for name, strategy in STRATEGIES.items() if not strategy.guesses])
    assert len(runs) == 288
    page = html_report([compare_runs("lstm_firstbit", runs)])
    assert len(page.encode()) < 1_000_000
    assert page == html_report([compare_runs("lstm_firstbit", runs)])


def test_the_page_counts_strategies_seeds_and_runs(page: str) -> None:
    assert "3 strategies with 6 seeds each, 54 runs in all, on 17 stages from " in page
