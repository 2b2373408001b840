"""The final model in MLflow: stock calls load it, in a process that does not import this package."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow_copies import client_of, copy_of, sync

import curriculum
from curriculum import AfterInput, Experiment, Explicit, Stage, UsageError
from curriculum.config import load_experiment
from curriculum.learn import Learner, isolated, weights_sha256
from curriculum.models import Recurrent
from curriculum.record import MlflowSettings, RunFolder, Store
from curriculum.tasks import Duplicate
from curriculum.tracking import local_tracking_uri
from curriculum.tracking.model_loader import Predictor

pytestmark = pytest.mark.slow

STRANGER = """
import json, sys
import mlflow
import numpy as np
import torch

mlflow.set_tracking_uri(sys.argv[1])
(run,) = mlflow.search_runs(
    search_all_experiments=True, filter_string="params.strategy = 'gated'", output_format="list"
)
(logged,) = mlflow.search_logged_models(
    experiment_ids=[run.info.experiment_id], output_format="list"
)
model = mlflow.pyfunc.load_model(logged.model_uri)
found = {"pyfunc": model.predict(model.input_example).tolist()}
network = mlflow.pytorch.load_model(logged.model_uri)
assert not network.training
logits = network(torch.from_numpy(np.asarray(model.input_example)))
found["pytorch"] = (logits > 0).long().tolist()
version = mlflow.register_model(logged.model_uri, "first_bit")
registered = mlflow.pyfunc.load_model(f"models:/first_bit/{version.version}")
found["registry"] = registered.predict(model.input_example).tolist()
found["run"] = run.data.tags["curriculum.run_id"]
print(json.dumps(found))
"""

OWN = """
from dataclasses import dataclass

from curriculum import Adam, Batch, Experiment, Explicit, Mastery, Task
from curriculum.models import Recurrent


@dataclass(frozen=True)
class Last(Task):
    output = "bit"

    def sample(self, rng, stage, batch_size):
        inputs = rng.integers(2, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs[:, -1])


experiment = Experiment(
    task=Last(), model=Recurrent(cell="gru", hidden_size=8), growth=Explicit(lengths=(2,)),
    criterion=Mastery(threshold=0.9), optimizer=Adam(learning_rate=3e-2),
)
"""


def copied(experiment: Experiment, store: Path, **more: Any) -> tuple[RunFolder, Any]:
    """A run's folder, and its model in MLflow."""
    result = curriculum.run(experiment, store=store, mirror=False, **more)
    folder = Store(store).find(result.run_id)
    sync(Store(store), folder)
    parent, _ = copy_of(Store(store), folder)
    models = client_of(Store(store)).search_logged_models([parent.info.experiment_id])
    return folder, models[0]


@pytest.fixture(scope="module")
def logged(
    tiny: Experiment,
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[Path], Path],
) -> tuple[RunFolder, Any]:
    root = tmp_path_factory.mktemp("store")
    new_database(root)
    return copied(tiny, root)


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "own" / "last.py"
    path.parent.mkdir()
    path.write_text(OWN)
    return path


def loaded(store: Path, model: Any, **more: Any) -> Any:
    import mlflow

    mlflow.set_tracking_uri(local_tracking_uri(Store(store)))
    return mlflow.pyfunc.load_model(model.model_uri, **more)


def test_a_stranger_finds_the_run_loads_its_model_and_predicts(
    logged: tuple[RunFolder, Any], tmp_path: Path
) -> None:
    folder, _ = logged
    store = Store(folder.path.parents[1])
    script = tmp_path / "stranger.py"
    script.write_text(STRANGER)
    done = subprocess.run(
        [sys.executable, str(script), local_tracking_uri(store)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    (examples,) = {
        curriculum.resume(folder.id, store=store.root, mirror=False).history.end.examples  # type: ignore[union-attr]
    }
    assert examples is not None
    wanted = list(examples.predictions)
    assert wanted == [inputs[0] for inputs in examples.inputs]  # the task: the first bit
    assert found == {"pyfunc": wanted, "pytorch": wanted, "registry": wanted, "run": folder.id}


def test_nothing_of_a_logged_model_is_pickled(logged: tuple[RunFolder, Any]) -> None:
    _, model = logged
    root = Path(model.artifact_location.removeprefix("file://"))
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {"MLmodel", "requirements.txt", "model.safetensors", "run.json"} <= {
        p.name for p in files
    }
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80"]
    assert "curriculum==" in (root / "requirements.txt").read_text()


def test_a_models_page_says_what_it_can_do(logged: tuple[RunFolder, Any]) -> None:
    _, model = logged
    metrics = {metric.key: metric.value for metric in model.metrics}
    assert metrics["by_step/reach_length"] == 5
    assert metrics["test/held_stages"] == 3
    assert metrics["test/score"] == 1.0
    assert model.params["growth.end.length"] == "5"
    assert model.tags["mlflow.note.content"].startswith("**tiny**, gated, seed 0, ")


def test_predictions_are_the_models_and_bad_inputs_a_sentence(
    logged: tuple[RunFolder, Any],
) -> None:
    folder, model = logged
    store = folder.path.parents[1]
    predictor = loaded(store, model)
    inputs = np.random.default_rng(0).integers(2, size=(50, 4))
    network = curriculum.load(folder.id, store=store)
    import torch

    with torch.inference_mode():
        wanted = (network(torch.from_numpy(inputs)) > 0).long().numpy()
    assert np.array_equal(predictor.predict(inputs), wanted)
    raw = predictor.get_raw_model()
    assert weights_sha256(raw) == weights_sha256(network)
    unchecked = predictor._model_impl  # MLflow's own check of the signature is passed by
    for wrong, message in (
        (np.zeros(3, dtype=np.int64), r"got int64 of shape \(3,\)"),
        (np.full((1, 3), 0.5), "got float64"),
        (np.full((1, 3), 7), "7"),
        (np.full((1, 3), -2), "at least 0"),
        (np.zeros((0, 3), dtype=np.int64), r"of shape \(0, 3\)"),
    ):
        with pytest.raises(UsageError, match=message):
            unchecked.predict(wrong)


def test_an_output_after_the_input_is_predicted_at_each_position_given() -> None:
    task, stage = AfterInput(task=Duplicate()), Stage(3)
    experiment = Experiment(
        task=task, model=Recurrent(hidden_size=4), growth=Explicit(lengths=(3,))
    )
    shape, device = task.shape(stage), torch.device("cpu")
    learner = Learner.start(shape, experiment.recipe, seed=0, device=device)
    inputs = task.encode("1 0 1", stage).inputs
    assert Predictor(experiment, learner).predict(inputs).shape == inputs.shape == (1, 9)


def test_a_server_predicts_in_several_threads_at_once_and_beside_a_run(
    logged: tuple[RunFolder, Any],
) -> None:
    folder, model = logged
    predictor = loaded(folder.path.parents[1], model)
    inputs = np.random.default_rng(1).integers(2, size=(200, 5))
    wanted = predictor.predict(inputs)
    with ThreadPoolExecutor(4) as pool, isolated(1):
        found = list(pool.map(predictor.predict, [inputs] * 20))
    assert all(np.array_equal(each, wanted) for each in found)
    assert not predictor.get_raw_model().training


def test_a_users_file_goes_with_the_model_only_if_they_say_so(
    own_file: Path, tmp_path: Path, new_database: Callable[[Path], Path]
) -> None:
    experiment, source = load_experiment(str(own_file))
    plain, coded = tmp_path / "plain", tmp_path / "coded"
    for root in (plain, coded):
        new_database(root)
    _, model = copied(experiment, plain, source=source)
    with pytest.raises(Exception, match="run with --log-code") as caught:
        loaded(plain, model)
    assert "Last of " in str(caught.value)
    inputs = np.array([[0, 1], [1, 0]])
    given = loaded(plain, model, model_config={"source": str(source)})
    assert given.predict(inputs).tolist() == [1, 0]
    _, model = copied(experiment, coded, source=source, mlflow=MlflowSettings(log_code=True))
    own_file.unlink()
    assert loaded(coded, model).predict(inputs).tolist() == [1, 0]


def test_what_of_a_run_is_copied_is_settled_when_it_starts(tiny: Experiment, store: Path) -> None:
    table = MlflowSettings(visits_as_table=True)
    result = curriculum.run(tiny, store=store, mirror=False, mlflow=table)
    again = curriculum.run(tiny, store=store, mirror=False, resume=True, force=True)
    assert again.history.description.mlflow == table
    with pytest.raises(UsageError, match="was settled when it was started"):
        curriculum.run(tiny, store=store, mirror=False, resume=True, mlflow=MlflowSettings())
    with pytest.raises(UsageError, match="was settled when it was started"):
        curriculum.resume(
            result.run_id, store=store, mirror=False, mlflow=MlflowSettings(log_code=True)
        )
