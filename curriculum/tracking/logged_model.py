"""A run's final model as one of MLflow's, which its stock calls load.

Weights are safetensors, and nothing is pickled: `model_loader` reads them, as the loader of the
flavour `python_function`, and in the place of the module that `torch.load` would unpickle with.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curriculum import record

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

LOADER = "curriculum.tracking.model_loader"
DATA = "run"
"""The folder of the model's own files, within MLflow's `data`."""

CHECKPOINT = "checkpoint"
DESCRIPTION = "run.json"
TORCH_FILE = "model.pth"
"""What MLflow passes to `torch.load`, and what that reads says where the weights are."""

NEEDED = ("torch", "safetensors", "numpy", "transformers")


def save_model(
    folder: Path,
    checkpoint: Path,
    history: record.History,
    *,
    model_id: str,
    run_id: str,
    code: Path | None,
) -> None:
    """Write the folder of a model that MLflow can load.

    Args:
        folder: where it shall be; there is nothing there yet.
        checkpoint: of the final model.
        history: the run's, which is over.
        model_id: MLflow's, of the model.
        run_id: MLflow's, of the run.
        code: the user's file that defines the task or the model, if it goes with it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Any type hint")  # about its own functions
        import mlflow.pyfunc
    from mlflow.models import Model

    described = history.description
    data = folder.with_name(f"{folder.name}.data") / DATA
    data.mkdir(parents=True)
    try:
        shutil.copytree(checkpoint, data / CHECKPOINT)
        (data / DESCRIPTION).write_text(described.to_json())
        (data / TORCH_FILE).write_text(f"The weights are in {CHECKPOINT}; {LOADER} reads them.\n")
        (data / "pickle_module_info.txt").write_text(LOADER)
        signature, example = _signature(history)
        model = Model(artifact_path="model", run_id=run_id, model_id=model_id)
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=LOADER,
            data_path=str(data),
            code_paths=None if code is None else [str(code)],
            mlflow_model=model,
            signature=signature,
            input_example=example,
            pip_requirements=_requirements(described),
            metadata={"curriculum_run_id": described.id, "experiment": described.experiment},
            model_config={"source": None, "device": None},
        )
    finally:
        shutil.rmtree(data.parent)
    saved = Model.load(str(folder))
    pyfunc: dict[str, Any] = saved.flavors["python_function"]
    saved.add_flavor(
        "pytorch",
        model_data=pyfunc["data"],
        pytorch_version=described.environment["torch"],
        code=pyfunc.get("code"),
    )
    saved.save(str(folder / "MLmodel"))


def _signature(history: record.History) -> tuple[ModelSignature | None, Any]:
    """What goes in and what comes out, and an example; None where the run has none."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    examples = None if history.end is None else history.end.examples
    if examples is None:
        return None, None
    inputs, outputs = _array(examples.inputs), _array(examples.predictions)
    specs = (TensorSpec(array.dtype, (-1,) * array.ndim) for array in (inputs, outputs))
    wanted, given = (Schema([spec]) for spec in specs)
    return ModelSignature(inputs=wanted, outputs=given), inputs


def _array(rows: Sequence[Any]) -> NDArray[Any]:
    """Symbols as int64, real numbers as float32."""
    found = np.array(rows)
    return found.astype(np.float32 if found.dtype.kind == "f" else np.int64)


def _requirements(described: record.RunDescription) -> list[str]:
    """This package and what the model is computed with, at the run's versions."""
    names = ("curriculum", *NEEDED)
    versions = {name: described.environment.get(name) for name in names}
    return [
        f"{name}=={version.partition('+')[0]}"
        for name, version in versions.items()
        if version is not None
    ]
