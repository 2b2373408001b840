"""What the documents show works, word for word."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from mlflow_copies import sync
from nbclient import NotebookClient

import curriculum.models
import curriculum.tasks
from curriculum import Stage, Verdict
from curriculum.config import list_experiments, load_experiment
from curriculum.record import Store

ROOT = Path(__file__).parents[1]

NEEDS_EXTRA = {"decoder_arithmetic"}
"""Experiments on what isn't always installed."""

reasoning_gym = pytest.mark.skipif(
    find_spec("reasoning_gym") is None, reason="an extra that isn't installed, which compiles C"
)


def blocks(path: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)


def test_the_scheduler_works_in_somebodys_own_loop(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("docs/own_loop.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["scheduler"].reach == Stage(8)
    assert "reach: length 8" in capsys.readouterr().out


def test_the_readme_has_exactly_two_commands() -> None:
    commands = blocks("README.md", "sh")
    assert "python -m curriculum run lstm_firstbit" in commands[0]
    assert "pytest" in commands[1]
    assert len(commands) == 2
    assert all(len(command.strip().splitlines()) == 1 for command in commands)


def test_ci_runs_the_readmes_test_command() -> None:
    assert blocks("README.md", "sh")[1].strip() in (ROOT / ".ci" / "run").read_text()


def test_the_readmes_links_are_absolute_and_lead_to_files_of_this_repository() -> None:
    """PyPI shows it, too."""
    readme = (ROOT / "README.md").read_text()
    links = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", readme, re.MULTILINE))
    home = r"https://(?:github\.com|raw\.githubusercontent\.com)/curriculum-learning/curriculum/"
    for name, link in links.items():
        path = re.sub(rf"^{home}(?:blob/)?main/", "", link)
        assert (ROOT / path).is_file(), name
        assert f"][{name}]" in readme, f"{name} is linked nowhere"
    used = set(re.findall(r"\]\[([\w-]+)\]", readme))
    assert used == set(links)
    assert "](docs/" not in readme


@pytest.fixture
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("start_mirror", "start_sweep_mirror"):
        monkeypatch.setattr(f"curriculum.tracking.{name}", lambda *_: None)


@pytest.mark.usefixtures("_no_mirror")
def test_the_readmes_own_task_works(tmp_path: Path) -> None:
    from curriculum.cli.main import main

    code = blocks("README.md", "python")[0]
    path = tmp_path / "my_parity.py"
    path.write_text(code)
    arguments = ["--growth.end", "3", "--store", str(tmp_path / "store")]
    assert main(["run", str(path), *arguments]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("_no_mirror")
def test_the_readmes_python_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(blocks("README.md", "python")[1], {})
    assert "reached length 1000" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("_no_mirror")
def test_python_and_notebooks_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run, compare, resume = blocks("docs/notebooks.md", "python")
    names: dict[str, Any] = {}
    exec(run.replace('"100"', '"5"'), names)
    assert names["result"].reach == Stage(5)
    names["experiment"] = None  # the package's own classes need none
    exec(resume, names)
    short = compare.replace(
        "range(6), jobs=2", "range(2), budget='100steps', learning_rates=[1e-2]"
    )
    exec(short.replace("seeds=", 'overrides=["--growth.end", "3"], seeds='), names)
    assert set(names["frame"]["strategy"]) == {"gated", "direct"}


@pytest.mark.slow
def test_the_model_is_loaded_from_mlflow_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[Path], Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    new_database(tmp_path / "mlruns")
    result = curriculum.run("lstm_firstbit", overrides=["--growth.end", "3"], mirror=False)
    sync(Store(tmp_path / "mlruns"), Store(tmp_path / "mlruns").find(result.run_id))
    (code,) = blocks("docs/mlflow.md", "python")
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["predictions"].tolist() == [0]
    assert not found["network"].training


def test_data_of_ones_own_are_read_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    for number in range(200):
        text = f"{number} " * (1 + number)
        (tmp_path / "texts" / f"{number}.txt").write_text(text)
    rows = [f"{n:04d}{'ab'[n % 2] * (2 * n % 1100)},{n % 2}" for n in range(4000)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]))
    np.savez(tmp_path / "series.npz", inputs=np.random.default_rng(0).normal(size=(60, 5)),
             label=np.arange(60) % 2)  # fmt: skip
    texts, labels, own, series = blocks("docs/data.md", "python")
    for code in (texts, labels):
        found: dict[str, Any] = {}
        exec(code, found)
        found["experiment"].check_first_batch()
    exec(own, found := {"__name__": "docs"})
    assert found["Words"]().load().classes == ("one", "two")
    exec(series, found)
    found["task"].check(Stage(5, level=4))


@pytest.mark.slow
@pytest.mark.usefixtures("_no_mirror")
def test_a_curriculum_is_searched_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("docs/optimize.md", "python")
    less = "trials=3, confirm_seeds=[7], budget='40steps', overrides=['--growth.end', '3']"
    names: dict[str, Any] = {}
    exec(code.replace("range(3)", "range(1)").replace("trials=18", less), names)
    assert names["found"].command.startswith(
        "python -m curriculum run lstm_firstbit --growth.end 3"
    )


def test_other_settings_are_searched_as_shown() -> None:
    found: dict[str, Any] = {}
    exec(blocks("docs/tuning.md", "python")[0], found)
    settings = [parameter.setting for parameter in found["tuning"].also]
    assert settings == ["optimizer.weight_decay", "training.batch_size"]


@pytest.mark.usefixtures("_no_mirror")
@pytest.mark.parametrize(
    ("page", "file", "settings"),
    [
        ("docs/own_task.md", "brackets.py", ["--growth.end", "4"]),
        ("docs/own_task.md", "noisy_mean.py", ["--growth.end", "4"]),
        ("docs/own_model.md", "tiny_transformer.py", ["--growth.end.length", "3"]),
        ("docs/own_model.md", "writing_lstm.py", ["--growth.end.length", "2"]),
    ],
)
def test_own_tasks_and_models_run_as_shown(
    page: str, file: str, settings: list[str], tmp_path: Path
) -> None:
    from curriculum.cli.main import main

    named = re.findall(r"as `(\w+\.py)`", (ROOT / page).read_text())
    path = tmp_path / file
    path.write_text(dict(zip(named, blocks(page, "python"), strict=True))[file])
    assert main(["run", str(path), *settings, "--store", str(tmp_path / "store")]) == 0


@reasoning_gym
def test_a_data_set_of_reasoning_gym_is_an_experiment_as_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from curriculum.cli.main import main

    path = tmp_path / "sums.py"
    path.write_text(blocks("docs/tasks.md", "python")[0])
    assert main(["run", str(path), "--dry-run"]) == 0
    assert "characters 100, vocabulary 96, num_terms level 3" in capsys.readouterr().out


def test_an_own_model_that_writes_takes_about_25_lines() -> None:
    code = blocks("docs/own_model.md", "python")[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 25


def test_all_models_are_listed() -> None:
    page = (ROOT / "docs" / "models.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    others = {"AutoregressiveNetwork", "ExportedModel", "export_network", "export_tokenizer"}
    assert listed == set(dir(curriculum.models)) - others


def test_all_tasks_are_listed_with_the_experiments_on_each() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE)
    listed = {task: set(re.findall(r"`(\w+)`", names)) for task, names in rows}
    tasks = {
        name
        for name, found in vars(curriculum.tasks).items()
        if isinstance(found, type) and issubclass(found, curriculum.Task)
    }
    assert set(listed) == tasks
    assert len(rows) == len(tasks)
    shipped = {
        each.name
        for each in list_experiments()
        if each.path.is_relative_to(ROOT / "experiments") and ":" not in each.name
    }
    assert set().union(*listed.values()) == shipped
    for task, names in listed.items():
        for name in names - NEEDS_EXTRA:
            found = load_experiment(name)[0].task
            assert type(getattr(found, "task", found)).__name__ == task, name


def test_the_own_task_takes_about_thirty_lines() -> None:
    code = blocks("docs/own_task.md", "python")[0]
    assert 20 <= len([line for line in code.splitlines() if line.strip()]) <= 30


def test_mastery_is_decided_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks("docs/mastery.md", "python")[0], {})
    assert capsys.readouterr().out == blocks("docs/mastery.md", "text")[0]


def callback_blocks() -> list[str]:
    return blocks("docs/callbacks.md", "python")


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1], ids=["hugging_face", "lightning"])
def test_the_scheduler_works_as_a_callback(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = callback_blocks()[number]
    assert len([line for line in code.splitlines() if line.strip()]) < 40
    found: dict[str, Any] = {"__name__": "example"}
    exec(code, found)
    assert found["scheduler"].reach == Stage(16)
    assert "reach: length 16" in capsys.readouterr().out


def test_a_dataset_is_cut_to_the_stage_as_shown() -> None:
    exec(callback_blocks()[3], {})


@pytest.mark.slow
def test_the_scheduler_works_in_a_loop_of_accelerate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    whole: dict[str, Any] = {"__name__": "example"}
    exec(callback_blocks()[4], whole)
    assert "reach: length 4" in capsys.readouterr().out
    resumed: dict[str, Any] = {"__name__": "example"}
    exec(callback_blocks()[4], resumed)  # from the last checkpoint, before the end
    assert whole["gate"].state_dict() == resumed["gate"].state_dict()
    assert whole["model"].weight.equal(resumed["model"].weight)


def test_weights_are_restored_as_shown_when_a_stage_is_exhausted() -> None:
    from torch import nn

    found: dict[str, Any] = {}
    exec(callback_blocks()[2], found)
    restore, model = found["restore"], nn.Linear(1, 1)
    nn.init.constant_(model.weight, 1)
    restore(model, Verdict.EXHAUSTED)  # nothing to restore yet
    restore(model, Verdict.MASTERED)
    nn.init.constant_(model.weight, 2)
    restore(model, Verdict.EXHAUSTED)
    assert model.weight.item() == 1


def test_a_network_states_its_work_as_shown() -> None:
    from curriculum.learn import StatesWork

    found: dict[str, Any] = {}
    exec(blocks("docs/compute.md", "python")[0], found)
    network = found["Network"]()
    assert isinstance(network, StatesWork)
    assert network.forward_work(32, 5, 1, training=True).operations > 0


def test_the_constants_of_compute_are_those_in_the_code() -> None:
    from curriculum.learn import layer_work, work
    from curriculum.models import (
        autoregressive_network,
        language_model_networks,
        scanned_network,
        seq2seq_network,
        stack_rnn_network,
    )

    page = (ROOT / "docs" / "compute.md").read_text()
    assert (
        f"training step   {work.STEP:.0e}".replace("e+0", "e")
        + f" + {work.UPDATE:g} × parameters + {work.TRAINING} × forward pass"
    ) in page
    assert f"evaluation      {work.EVALUATION:.0e}".replace("e+0", "e") in page
    assert f"floating-point operations + {work.DEPTH:,.0f} × calls" in page
    assert f"exponential counts {layer_work.ACTIVATION:g}" in page
    costs = layer_work.SLOWDOWNS
    assert f"a GRU {costs['GRU']}, an LSTM {costs['LSTM']}, an RNN {costs['RNN_TANH']}" in page
    assert f"the encoder–decoder {seq2seq_network.SLOWDOWN} besides" in page
    assert f"word by word {language_model_networks.SLOWDOWN}." in page
    assert f"by a scan count {scanned_network.SLOWDOWN}" in page
    assert f"with stacks {stack_rnn_network.SLOWDOWN}" in page
    assert f"cache {autoregressive_network.CACHE_SLOWDOWN}." in page.replace("\n", " ")
    assert f"{work.OPERATIONS_A_SECOND:.0e} of compute".replace("e+", "e") in page


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first_bit", "own_task", "does_a_curriculum_help"])
def test_tutorials_run_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    notebook: Any = nbformat.read(ROOT / "docs" / "tutorials" / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    shown = kinds_of_outputs(notebook)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds_of_outputs(notebook) == shown  # what the site shows


def kinds_of_outputs(notebook: Any) -> list[set[str]]:
    """Of each cell; how many displays of progress there are is a matter of time."""
    return [{output.output_type for output in cell.get("outputs", ())} for cell in notebook.cells]
