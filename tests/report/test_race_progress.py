"""What a race of arms shows of its progress, on a terminal and elsewhere."""

import io
import re
from itertools import islice
from pathlib import Path

import pytest
from interrupted_runs import (
    After,
    Wholes,
    run,
)
from rich.console import Console
from stopped_experiments import (
    EXPERIMENTS,
    raced,
)

import curriculum
from curriculum import Experiment
from curriculum.record import ArmEvaluated, History, RunFolder, Store, VisitEnded, read_journal
from curriculum.report import Progress, progress, run_line

WIDTH = 80


def replayed(
    experiment: Experiment, folder: RunFolder, *, terminal: bool, count: int | None = None
) -> list[str]:
    """The lines shown of a run, as if its records came now; of the first so many alone."""
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=terminal, width=WIDTH, color_system=None)
    with Progress(experiment, 1, console) as listener:
        listener._made = 0.0
        for entry, _ in islice(read_journal(folder.journal), count):
            listener(entry)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]+", plain)]


@pytest.fixture
def folder(tiny: Experiment, wholes: Wholes) -> RunFolder:
    return Store(wholes("raced", raced(tiny))).find("last")


def test_each_stage_that_an_arm_masters_has_one_line(tiny: Experiment, folder: RunFolder) -> None:
    lines = replayed(raced(tiny), folder, terminal=False)
    events = [entry.event for entry, _ in read_journal(folder.journal)]
    risen = {(e.arm, e.reach) for e in events if isinstance(e, ArmEvaluated) and e.reach}
    mastered = [line for line in lines if line.startswith("mastered")]
    assert len(mastered) == len(risen)
    assert any(isinstance(event, VisitEnded) for event in events)
    (selected,) = (line for line in lines if line.startswith("selected"))
    assert selected.startswith("selected  gated: length 12, score 1 on the target, ")
    assert all(len(line) <= WIDTH for line in lines)


def test_now_and_then_a_line_tells_which_arm_is_trained(
    tiny: Experiment, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    lines = replayed(raced(tiny), folder, terminal=False)
    racing = [line.split()[1] for line in lines if line.startswith("racing")]
    assert {"direct:", "gated:"} <= set(racing)
    assert not any(line.startswith(("learning", "searching")) for line in lines)


def test_a_panel_has_a_row_for_each_arm(
    tiny: Experiment, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)
    panel = replayed(raced(tiny), folder, terminal=True, count=8)
    text = "\n".join(panel)
    for name in ("direct", "gated", "combined"):
        assert re.search(rf"^(> |  ){name} ", text, re.MULTILINE)
    assert "all arms together" in text
    whole = "\n".join(replayed(raced(tiny), folder, terminal=True))
    total = History.of(folder).total_cost
    assert "arm    gated; the race is over" in whole
    assert f"{total.steps:,} steps, {total.tokens:,} tokens" in whole


def test_amid_a_race_a_list_of_runs_tells_where_each_arm_stands(
    tiny: Experiment, store: Path
) -> None:
    run(raced(tiny), store, stop=After(12))
    line = run_line(Store(store).find("last"))
    arms = History.of(line.folder).arms
    assert line.state == "interrupted"
    assert line.reach is None
    assert [part.split()[0] for part in line.reach_words.split(", ")] == [*arms.names]
    found = line.as_json()["arms"]
    assert {n: found[n]["steps"] for n in arms.last} == {
        n: event.cost.steps for n, event in arms.last.items()
    }


@pytest.mark.parametrize("name", ["raced", "raced in vain"])
def test_a_result_has_what_each_arm_came_to(tiny: Experiment, wholes: Wholes, name: str) -> None:
    folder = Store(wholes(name, EXPERIMENTS[name](tiny))).find("last")
    result = curriculum.resume(folder.id, store=folder.path.parents[1], mirror=False)
    assert [*result.arms] == ["direct", "gated", "combined"]
    (chosen,) = (arm for arm in result.arms.values() if arm.selected)
    assert chosen.mastered == (result.status == "reached")
    assert chosen.reach == result.reach
    assert sum(arm.steps for arm in result.arms.values()) == result.steps
    found = result.as_json()["arms"]
    assert {n: arm["mastered"] for n, arm in found.items()} == {
        n: arm.mastered for n, arm in result.arms.items()
    }
