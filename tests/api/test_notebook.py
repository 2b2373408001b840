"""A notebook, executed: its progress, its HTML, an interrupt and a resume."""

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = (
    """
import os, signal
from dataclasses import dataclass
import curriculum
from curriculum import Adam, Batch, Experiment, Geometric, Mastery, Stage, Task
from curriculum.models import Recurrent
from curriculum.record import Evaluated

@dataclass(frozen=True)
class Last(Task):
    output = "bit"

    def sample(self, rng, stage, batch_size):
        inputs = rng.integers(2, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs[:, -1])

experiment = Experiment(
    task=Last(), model=Recurrent(cell="gru", hidden_size=8), name="last",
    growth=Geometric(start=Stage(2), end=Stage(5)), criterion=Mastery(threshold=0.9),
    optimizer=Adam(learning_rate=3e-2),
)
experiment
""",
    """
def stop_button(entry):
    if isinstance(entry.event, Evaluated) and entry.event.visit == 1:
        os.kill(os.getpid(), signal.SIGINT)

curriculum.run(experiment, store="runs", mirror=False, listener=stop_button)
""",
    """
result = curriculum.resume("last", store="runs", mirror=False, experiment=experiment)
result
""",
    """
model = curriculum.load("last", store="runs", experiment=experiment)
curriculum.show("last", store="runs", experiment=experiment, examples=3)
""",
    """
compared = curriculum.compare(
    experiment, store="runs", seeds=[0], learning_rates=[3e-2], budget="100steps"
)
compared
""",
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    notebook: Any = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(text) for text in CELLS]  # type: ignore[no-untyped-call]
    )
    folder = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(
        notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return list(notebook.cells)


def shown(cell: Any, kind: str) -> list[str]:
    return [out.data.get("text/html", "") for out in cell.outputs if out.output_type == kind]


def test_an_experiment_is_a_table(cells: list[Any]) -> None:
    assert "last: 3 stages" in shown(cells[0], "execute_result")[0]


def test_an_interrupted_cell_ends_with_an_error_that_says_how_to_resume(cells: list[Any]) -> None:
    error = cells[1].outputs[-1]
    assert (error.output_type, error.ename) == ("error", "KeyboardInterrupt")
    assert "is saved, and can be resumed: curriculum.resume(" in error.evalue
    assert "experiment=…" in error.evalue


def test_progress_is_drawn_in_place_and_the_result_below_it(cells: list[Any]) -> None:
    progress = shown(cells[2], "display_data")
    assert "3 of 3 stages" in progress[0]
    (result,) = shown(cells[2], "execute_result")
    assert "<svg" in result
    assert "Target reached" in result


def test_examples_and_comparisons_show_themselves(cells: list[Any]) -> None:
    assert "correct" in shown(cells[3], "execute_result")[0]
    assert "2 of 2 runs" in shown(cells[4], "display_data")[0]
    assert "Budget of each strategy" in shown(cells[4], "execute_result")[0]


def test_nothing_warns_where_there_are_no_widgets(cells: list[Any]) -> None:
    """Only that there are too few seeds is said."""
    text = [out.text for cell in cells for out in cell.outputs if out.output_type == "stream"]
    assert [line for lines in text for line in lines.splitlines() if line] == [
        "verdicts on 1 strategy against direct need at least 6 seeds, and there are 1"
    ]
