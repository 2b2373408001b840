"""The tables of README and docs are those that were measured."""

import json
import re
from pathlib import Path

import accuracy_tables
import figures
import pytest
import reproduce
import run_tables
import sequences
import sequences_table
from recorded_rows import Row, rows_of
from squared import squared

PAGES = [*reproduce.pages()]
MEASURED = reproduce.stored()
MARK = re.compile(r"<!-- figures (\w+) -->")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_is_what_was_measured(page: Path) -> None:
    text = page.read_text()
    assert reproduce.with_tables(text, MEASURED) == text, "python benchmarks/reproduce.py --tables"


def test_every_figure_that_is_measured_is_shown_once_and_no_other() -> None:
    shown = [name for page in PAGES for name in MARK.findall(page.read_text())]
    assert sorted(shown) == sorted(figures.FIGURES)


def test_every_figure_was_measured() -> None:
    assert set(MEASURED) == {name for name, each in figures.FIGURES.items() if not each.of}


def test_all_tables_are_closed() -> None:
    for page in PAGES:
        text = page.read_text()
        assert (
            len(MARK.findall(text))
            == text.count("<!-- end -->")
            == len(reproduce.BLOCK.findall(text))
        )


def test_what_is_stored_was_measured_by_the_commands_that_are_named() -> None:
    for name, measured in MEASURED.items():
        assert measured["commands"] == reproduce.commands_of(name), name
        assert len(measured["content"]) == len(measured["commands"])
        assert measured["minutes"] > 0


def test_a_table_changes_with_its_figures() -> None:
    name, measured = next(iter(MEASURED.items()))
    page = f"before\n<!-- figures {name} -->\nanything\n<!-- end -->\nafter"
    made = reproduce.with_tables(page, MEASURED)
    assert "anything" not in made
    assert made.startswith("before\n")
    assert made.endswith("\nafter")
    assert reproduce.with_tables(made, MEASURED) == made
    other = {name: {**measured, "minutes": 12345}}
    assert "12345 min" in reproduce.with_tables(made, other)


def test_a_measurement_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    commands = tuple(f"echo '{{{{\"row\": {n}}}}}' > {{out}} && echo {n} >> {ran}" for n in (1, 2))
    made = figures.Figures(commands=commands, minutes=1, seeds="0", table=lambda _: "")
    monkeypatch.setitem(figures.FIGURES, "made", made)
    work = tmp_path / "work"
    found = reproduce.measure("made", work)
    assert found["content"] == [[{"row": 1}], [{"row": 2}]]
    (work / "made" / "1.done").unlink()
    assert reproduce.measure("made", work)["content"] == found["content"]
    assert ran.read_text().split() == ["1", "2", "2"]


def test_what_a_stopped_measurement_has_made_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "echo '{{\"row\": 1}}' > {out}"
    made = figures.Figures(commands=(command, command), minutes=1, table=lambda _: "")
    monkeypatch.setitem(figures.FIGURES, "made", made)
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "version").write_text("abc123 and its commands")
    (folder / "0.json").write_text('{"row": 1}\n{"row": 2}\n{"row"')  # stopped within a line
    found = reproduce.made_so_far("made", tmp_path)
    assert found["content"] == [[{"row": 1}, {"row": 2}], []]
    assert found["commit"] == "abc123"
    assert found["minutes"] >= 0


def test_sequences_are_shown_beside_those_of_the_paper() -> None:
    rows = [
        robustness_row(name, reached=True) | {"sequences": n, "wrong": w}
        for name in sequences_table.PAPER
        for n, w in ((1000, 0), (3000, 2))
    ]
    made = sequences_table.long_lags([rows]).splitlines()
    assert made[2] == (
        "| adding, T = 100 (`lstm_adding`) | 74,000 | 2 of 2 | 2,000 | 1,000, 3,000 | 0, 2 "
        "| 3.2e12 | 11 min |"
    )
    assert len({line.count(" | ") for line in made}) == 1


def test_addition_is_shown_by_digits_and_strategy_whether_it_is_mastered_or_not() -> None:
    used = {"sequences": 640_000, "experiment": "lstm_addition"}
    five = [
        robustness_row("", reached=True) | used | {"strategy": "gated", "reach": 5, "wrong": 0},
        robustness_row("", reached=False)
        | used
        | {"strategy": "direct", "reach": None}
        | {"wrong": 2560},
    ]
    made = sequences_table.addition([five, []]).splitlines()
    assert made[2:] == [
        "| 5 | `gated` | 1 of 1 | 5 | 1.000 | 640 k | 1.5 k | 3.2e12 | 11 min |",
        "| 5 | `direct` | 0 of 1 | 0 | 0.000 | 640 k | 1.5 k | 3.2e12 | 11 min |",
    ]
    assert len({line.count(" | ") for line in made}) == 1


def test_sequences_of_a_run_are_its_steps_times_its_batch() -> None:
    key = {"experiment": "lstm_temporal_order", "strategy": "gated", "seed": 0, "limit": 60.0}
    settings = "--growth.end 12 --model.hidden-size 4 --budget.steps 3 --training.batch-size 5"
    row = sequences.run_one(key | {"settings": settings})
    assert (row["steps"], row["sequences"], row["status"]) == (3, 15, "stopped")
    assert 0 < row["wrong"] <= sequences.TESTED


def test_rows_that_a_file_has_are_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"seed": 1, "value": 7}) + "\n")
    keys = [{"seed": 1}, {"seed": 2}]
    for _ in range(2):
        rows = list(rows_of(keys, squared, file=file))
        assert rows == [{"seed": 1, "value": 7}, {"seed": 2, "value": 4}]
    assert len(file.read_text().splitlines()) == 2


def robustness_row(name: str, *, reached: bool, **more: object) -> Row:
    row: Row = {
        "experiment": name,
        "status": "reached" if reached else "stopped",
        "settings": "--strategy gated --tuning.mode off",
        "seconds": 638.4,
        "steps": 1500,
        "tokens": 2_000_000,
        "compute": 3.2e12,
        "fresh_starts": 0,
    }
    return row | more


@pytest.mark.parametrize("reached", [False, True])
def test_tables_of_runs_are_readable_also_where_none_got_there(*, reached: bool) -> None:
    nets = [f"human_numbers_{net}{v}" for net in run_tables.NETS for v in ("", ":direct")]
    rows = [robustness_row(name, reached=reached) for name in ("lstm_firstbit", "parity")]
    every = [robustness_row(name, reached=reached) for name in (*run_tables.GOALS, *nets)]
    made = [
        run_tables.any_seed([rows] * 3),
        run_tables.far_off([rows] * 2),
        run_tables.slow([rows]),
        run_tables.hard_pair([rows] * 2),
        run_tables.order([rows]),
        run_tables.first_crossing([every]),
        run_tables.summary([[every]]),
    ]
    for table in made:
        assert "nan" not in table
        assert "e+" not in table
        widths = {line.count(" | ") for line in table.splitlines()}
        assert len(widths) == 1
        assert ("1,500" in table or "11 min" in table or "1 of 1" in table) == reached


def test_tables_of_epochs_and_ends_are_readable() -> None:
    epoch = {"train_loss": 1.0, "score": 0.35, "loss": 2.3}
    rows = [
        {"experiment": f"human_numbers_{net}:seed", "epochs": [epoch] * 2, "seconds": 3.0}
        for net in run_tables.NETS
        for _ in range(2)
    ]
    assert (
        "| `unrolled` | .354 | .350 | .350–.350 | .350–.350 | 2.30 | 3 |"
        in accuracy_tables.notebook_ends([rows])
    )
    made = accuracy_tables.epochs(("train_loss", "training loss"))([rows[:1]])
    assert made.splitlines()[-1] == "| 2 | 1.000 |"


def test_a_curriculum_that_does_not_come_to_the_last_stage_has_no_accuracy_there() -> None:
    row: Row = {
        "curriculum": 0.8,
        "direct": 0.7,
        "steps": 100,
        "seconds": 3.0,
        "compute": 1e11,
    }
    rows = [
        row | {"experiment": f"human_numbers_{net}", "curriculum": accuracy}
        for net in run_tables.NETS
        for accuracy in ((0.8, 0.9, None) if net == "gru" else (None, None, None))
    ]
    made = accuracy_tables.full_cycle([rows]).splitlines()
    assert made[2].startswith("| `unrolled` | 0 of 3 | – |")
    assert made[-1].startswith("| `gru` | 2 of 3 | .850 (.800–.900) | .700 (.700–.700) | +0.150 ")


def test_guesses_are_summed_up_by_width() -> None:
    row = {"cell": "gru", "zeros": "hard", "length": 10, "status": "reached", "steps": 7}
    rows = [row | {"width": width, "compute": 1e9, "seconds": 0.5} for width in (1.0, None)]
    made = run_tables.guessing([rows]).splitlines()
    assert made[0] == "| net | zeros | length | guessed, w = 1 | trained, gated |"
    assert made[2] == "| gru | hard | 10 | 1 of 1: 7 (1.0e9, 0.5 s) | 1 of 1: 7 (1.0e9, 0.5 s) |"


def test_a_stopped_measurement_at_another_version_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    made = figures.Figures(
        commands=(f"echo ran >> {ran} && echo '{{{{}}}}' > {{out}}",), table=lambda _: "", minutes=1
    )
    monkeypatch.setitem(figures.FIGURES, "made", made)
    for version in ("one", "one", "other"):
        monkeypatch.setattr(reproduce, "commit", lambda version=version: version)
        found = reproduce.measure("made", tmp_path / "work")
        assert found["commit"] == version
    assert ran.read_text().split() == ["ran"] * 2
