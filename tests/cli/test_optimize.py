"""The command `optimize`: what it prints and writes, and what it refuses."""

import json
from pathlib import Path

import pytest
from command_line import call

from curriculum.record import Store

SMALL = (
    *("--trials", 3, "--seeds", "0", "--confirm-seeds", "7", "--budget", "40steps"),
    *("--threads", 1),
)


def optimize(file: Path, store: Path, *more: object) -> int:
    return call("optimize", file, "--store", store, *SMALL, *more)


def test_a_search_is_printed_and_written(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = ("--over", "growth.factor=1.2..4", "--over", "sampling=current,combined")
    report = store.parent / "report.html"
    assert optimize(file, store, *over, "--report", report) == 0
    printed = capsys.readouterr()
    assert (
        "3 trials, gated and direct among them; budget of each with each seed: up to 40 steps"
        in printed.err
    )
    assert "0 of 3 trials over; rung 1: 3 trials" in printed.err
    assert "On 1 fresh seed" in printed.out
    assert f"To run it: python -m curriculum run {file}" in printed.out
    assert "The trials, best first" in report.read_text()
    runs = len(Store(store).runs())

    assert optimize(file, store, *over, "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["over"] == {"growth.factor": "1.2..4", "sampling": "current,combined"}
    assert [trial["name"] for trial in found["trials"]] == ["gated", "direct", ""]
    assert [*found["confirmation"]["others"]] == ["gated", "direct"]
    assert "On 1 fresh seed" in printed.err
    assert len(Store(store).runs()) == runs


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "there is nothing to search: give --over"),
        (("--over", "growth.factor"), "--over takes a setting and a range or choices"),
        (("--over", "growth.factor=1..4"), "--over growth.factor=1.0 is refused"),
        (("--over", "growht.factor=1..4"), "growht.factor is no part of a curriculum"),
        (("--over", "growth.factor=1.2..4", "--confirm-seeds", "0..3"), "seed 0 is one of the search"),
        (("--over", "growth.factor=1.2..4", "--engine", "cloud"), "there is no engine 'cloud'"),
        (("--over", "growth.factor=1.2..4", "--report", "/"), "it is a folder"),
        (("--over", "growth.factor=1.2..4", "--tuning.mode", "each"), "can't be given to optimize"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_nothing_is_started(
    file: Path,
    store: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
) -> None:
    assert optimize(file, store, *more) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out
    assert not store.exists()
