"""The tables of README and docs are those that were measured."""

import json
import re
from pathlib import Path

import figures
import pytest
import reproduce
from recorded_rows import rows_of
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
    (work / "made" / "1.seconds").unlink()
    assert reproduce.measure("made", work)["content"] == found["content"]
    assert ran.read_text().split() == ["1", "2", "2"]


def test_rows_that_a_file_has_are_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"seed": 1, "value": 7}) + "\n")
    keys = [{"seed": 1}, {"seed": 2}]
    for _ in range(2):
        rows = list(rows_of(keys, squared, file=file))
        assert rows == [{"seed": 1, "value": 7}, {"seed": 2, "value": 4}]
    assert len(file.read_text().splitlines()) == 2
