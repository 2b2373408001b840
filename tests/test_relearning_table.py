"""The table of what stages cost a model that has mastered the one before, and one that is new."""

from typing import Any

from relearning_table import relearning


def visit(
    stage: str, compute: float, *, mastered: bool = True, loss: float = 2.0
) -> dict[str, Any]:
    return {
        "stage": stage,
        "entry_score": 0.25,
        "entry_loss": loss,
        "steps": 75,
        "compute": compute,
        "mastered": mastered,
    }


def row(trained: str, *visits: dict[str, Any], reached: bool = True) -> dict[str, Any]:
    status = "reached" if reached else "stopped"
    return {"pair": "reversal", "seed": 0, "trained": trained, "status": status, "visits": visits}


def cells(text: str, line: int) -> list[str]:
    return [cell.strip() for cell in text.splitlines()[line].strip("|").split("|")]


def test_a_stage_is_set_against_a_new_model_on_it_alone_and_the_path_against_its_last_stage() -> (
    None
):
    rows = [
        row("path", visit("5x10", 1e11), visit("9x10", 3e11, loss=4.5)),
        row("5x10", visit("5x10", 1e11)),
        row("9x10", visit("9x10", 2e11, loss=2.3)),
    ]
    found = relearning([rows])
    assert cells(found, 3) == ["", "9/10", "0.25", "4.5", "2.3", "75", "3.0e11", "2.0e11", "× 1.5"]
    assert cells(found, 4)[-3:] == ["4.0e11", "2.0e11", "**× 2**"]


def test_what_is_not_mastered_has_no_cost() -> None:
    rows = [
        row("path", visit("5x10", 1e11), visit("9x10", 9e11, mastered=False), reached=False),
        row("5x10", visit("5x10", 1e11)),
        row("9x10", visit("9x10", 2e11)),
    ]
    found = relearning([rows])
    assert cells(found, 3)[-4:] == ["–", "never", "2.0e11", "–"]
    assert cells(found, 4)[-3:] == ["never", "2.0e11", "–"]
