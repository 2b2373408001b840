import io
import re
from pathlib import Path

import curriculum
from curriculum import Adam, Experiment, Tuning
from curriculum.record.history import History
from curriculum.record.store import Store
from curriculum.report import progress
from curriculum.report.progress import Progress


def shown(experiment: Experiment, store: Path, *, terminal: bool) -> str:
    from rich.console import Console

    said = io.StringIO()
    console = Console(file=said, force_terminal=terminal, width=80, color_system=None)
    with Progress(experiment, 0, console) as listener:
        curriculum.run(experiment, store=store, mirror=False, listener=listener)
    return said.getvalue()


def test_elsewhere_than_on_a_terminal_there_are_plain_lines(tiny: Experiment, store: Path) -> None:
    lines = shown(tiny, store, terminal=False).splitlines()
    assert lines[0] == "tiny, seed 0: 3 stages to length 5, vocabulary 2"
    assert len(lines) == 4
    assert lines[-1].startswith("mastered  length 5, vocabulary 2: ")
    assert "exact_match 1.000 of 1" in lines[-1]
    assert "\x1b" not in "".join(lines)


def test_long_stages_get_a_line_now_and_then(
    tiny: Experiment, store: Path, monkeypatch: "object"
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)  # type: ignore[attr-defined]
    assert "learning  length 2" in shown(tiny, store, terminal=False)


def searching(tiny: Experiment) -> Experiment:
    return tiny.but(
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=8),
    )


def test_a_search_says_how_its_race_stands(
    tiny: Experiment, store: Path, monkeypatch: "object"
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)  # type: ignore[attr-defined]
    said = shown(searching(tiny), store, terminal=False)
    found = re.findall(r"searching length 2, vocabulary 2: trial (\d) of at most 8", said)
    assert [int(number) for number in found] == sorted(map(int, found))
    assert found[0] == "1"
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.0)  # type: ignore[attr-defined]
    assert "search  trial 2 of at most 8, best score" in shown(
        searching(tiny), store, terminal=True
    )


def test_the_last_line_counts_all_trials(tiny: Experiment, store: Path) -> None:
    said = shown(searching(tiny), store, terminal=False)
    history = History.of(Store(store).find("last"))
    assert history.lost.tokens > 0
    assert f"{history.total.tokens:,} tokens" in said.splitlines()[-1]


def test_a_terminal_shows_path_score_reach_speed_and_what_is_left(
    tiny: Experiment, store: Path
) -> None:
    said = shown(tiny, store, terminal=True)
    for word in ("3 of 3 stages", "score", "reach", "steps/s", "tokens", "steps of the stage"):
        assert word in said
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said)
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]+", plain)) <= 80
