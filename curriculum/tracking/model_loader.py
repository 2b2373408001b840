"""Loads a logged model in MLflow's name: as `python_function`, and as PyTorch's module.

MLflow names this module in the model's folder, and imports it. For `mlflow.pyfunc.load_model` it
has `_load_pyfunc`. `mlflow.pytorch.load_model` hands it to `torch.load` as the module to unpickle
with, and then it is asked for the parts of such a file one after another; it answers them
without reading any pickle, and gives the model from safetensors.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from torch import nn

from curriculum import learn, record
from curriculum.config import Experiment, deserialize, load_module
from curriculum.errors import UsageError
from curriculum.plan import Stage
from curriculum.tracking.logged_model import CHECKPOINT, DESCRIPTION

MAGIC_NUMBER, PROTOCOL_VERSION = 0x1950A86A20F9469CFC6C, 1001
"""What `torch.load` expects at the beginning of a file of before version 1.6."""


class Predictor:
    """What MLflow calls on to predict: symbols or channels in, symbols or values out."""

    def __init__(self, experiment: Experiment, learner: learn.Learner) -> None:
        self._experiment, self._learner = experiment, learner
        self._learner.model.eval()
        self._lock = threading.Lock()  # a server predicts in several threads

    def predict(self, inputs: Any, params: object = None) -> NDArray[Any]:
        """The model's predictions.

        Args:
            inputs: (B, L) whole numbers: an array, a frame or lists; for a task of channels
                (B, L, C) numbers, with NaN after the end of shorter sequences.
            params: none.

        Returns:
            (B,) int64 where the task's output is a bit or a symbol, (B, T) where it is symbols,
            else (B, K) float32, or (B,) for one value.

        Raises:
            UsageError: where the inputs are none that the model knows.
        """
        task, found = self._experiment.task, np.asarray(inputs)
        channels = self._learner.shape.channels
        inputs, mask = _channels(found, channels) if channels else (_symbols(found), None)
        hardest = Stage.covering(self._experiment.growth.path())
        stage = replace(hardest, length=found.shape[1])
        shape, count = task.shape(stage), len(found)
        # A task with an output at each position has as many as it is given, whatever its stages are.
        each = shape.output_length == shape.length
        size = found.shape[1] if each else shape.output_length
        values = (count,) if shape.value_count == 1 else (count, shape.value_count)
        targets = {"symbols": (count, size), "values": values}
        unknown = np.full(targets.get(task.output, (count,)), learn.IGNORED)
        batch = learn.Batch(inputs=inputs, targets=unknown, mask=mask)
        self._experiment.model.check(learn.shape_of_typed(task, stage, batch))
        with self._lock:
            notes = [""] * count
            predictions = learn.predict_examples(self._learner, task, batch, notes).predictions
            self._learner.model.eval()
        return predictions

    def get_raw_model(self) -> nn.Module:
        """PyTorch's module."""
        return self._learner.model


def _symbols(found: NDArray[Any]) -> NDArray[np.int64]:
    """Inputs as symbols, (B, L).

    Raises:
        UsageError: where they are none.
    """
    whole = found.dtype.kind in "iub" and found.ndim == 2 and found.size > 0
    if not whole or found.min() < learn.PADDING:
        raise UsageError(
            f"inputs must be whole numbers of shape (batch, length), at least 0, or "
            f"{learn.PADDING} for padding, got {found.dtype} of shape {found.shape}"
        )
    return found.astype(np.int64)


def _channels(
    found: NDArray[Any], count: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Inputs as channels, (B, L, C), and their mask.

    Raises:
        UsageError: where they are none.
    """
    numbers = found.dtype.kind in "iufb" and found.ndim == 3 and found.size > 0
    if not numbers or found.shape[2] != count:
        raise UsageError(
            f"inputs must be numbers of shape (batch, length, {count}), or NaN for padding, got "
            f"{found.dtype} of shape {found.shape}"
        )
    values = found.astype(np.float32)
    mask = np.asarray(~np.isnan(values).all(axis=2))
    return np.nan_to_num(values), None if mask.all() else mask


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> Predictor:
    """What `mlflow.pyfunc.load_model` gives; its `model_config` may name a source or a device."""
    config = model_config or {}
    return Predictor(*_restore(Path(path), config.get("source"), config.get("device")))


def load(file: BinaryIO, **_: object) -> Any:
    """The next part of a file that `torch.load` takes for one of its own, of before version 1.6."""
    return _PARTS[_position(file)](file)


class Unpickler:
    """Gives the model, where `torch.load` would unpickle it."""

    def __init__(self, file: BinaryIO, **_: object) -> None:
        self._file = file

    def load(self) -> nn.Module:
        """The model, in evaluation mode."""
        folder = Path(self._file.name).parent
        return _restore(folder, None, None)[1].model.eval()


def _position(file: BinaryIO) -> int:
    """How many parts of a file were read; each is a byte of it."""
    position = file.tell()
    file.seek(1, io.SEEK_CUR)
    return min(position, len(_PARTS) - 1)


_PARTS: tuple[Callable[[BinaryIO], Any], ...] = (
    lambda _: MAGIC_NUMBER,
    lambda _: PROTOCOL_VERSION,
    lambda _: {},  # of the system that wrote it
    lambda _: [],  # keys of storages, of which there are none
)


def _restore(
    folder: Path, source: str | None, device: str | None
) -> tuple[Experiment, learn.Learner]:
    """The experiment and the learner that a model's folder holds."""
    try:
        described = record.RunDescription.from_json((folder / DESCRIPTION).read_text())
    except record.OtherFormat as error:
        raise UsageError(f"the model in {folder} {error}") from error
    path = Path(source) if source is not None else _code(folder, described)
    module = None if path is None else load_module(path)
    try:
        experiment = deserialize(described.config, module)
    except UsageError as error:
        if module is not None or " is defined in a user's own file" not in str(error):
            raise
        name = re.sub(r" is defined .*", "", str(error))
        place, way_out = "a notebook", "put its definition into a file"
        if described.source is not None:
            place, way_out = described.source, "run with --log-code"
        raise UsageError(
            f"the model of run {described.id} needs {name} of {place}, which was not logged with "
            f"it: {way_out}, or load it by mlflow.pyfunc.load_model with "
            f"model_config={{'source': PATH}}"
        ) from error
    where = learn.resolve_device(device or "cpu")
    with learn.isolated(1):
        learner = record.load_learner(folder / CHECKPOINT, experiment, where)
    return experiment, learner


def _code(folder: Path, described: record.RunDescription) -> Path | None:
    """The user's file that was logged with the model: MLflow keeps it in `code`, beside `data`."""
    if described.source is None:
        return None
    path = folder.parents[1] / "code" / Path(described.source).name
    return path if path.is_file() else None
