"""One tiny run of each kind of task and model, through everything that is done with runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow_copies import client_of, copy_of, sync

import curriculum
from curriculum import (
    Adam,
    AfterInput,
    Backtracking,
    Budget,
    Experiment,
    Explicit,
    FinalEvaluation,
    Mastery,
    Rollback,
    Task,
    Training,
)
from curriculum.learn import Model
from curriculum.models import Decoder, MinGRU, Recurrent, StackRNN
from curriculum.record import Evaluated, History, Record, Store, read_journal
from curriculum.tasks import Adding, Duplicate, DyckNextSymbol, NoisyLatch, PointerChasing, Reverse
from curriculum.tracking import local_tracking_uri

pytestmark = pytest.mark.slow


def tiny(task: Task, model: Model, metric: str = "exact_match", **growth: Any) -> Experiment:
    return Experiment(
        task=task,
        model=model,
        growth=Explicit(**growth),
        criterion=Mastery(threshold=0.02, confidence=0.6, metric=metric, min_steps=4, examples=64),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(batch_size=16, eval_every=2),
        budget=Budget(steps_per_stage=8, steps=16),
        backtracking=Backtracking(demotions=0, fresh_starts=0),
        rollback=Rollback(times=0),
        final_evaluation=FinalEvaluation(mode="off"),
    )


KINDS = {
    "values": tiny(Adding(), Recurrent(hidden_size=4), lengths=(6, 12)),
    "channels": tiny(NoisyLatch(), MinGRU(hidden_size=4, layers=1), lengths=(3, 12)),
    "own loss": tiny(
        DyckNextSymbol(predict="sets"),
        Recurrent(cell="gru", hidden_size=4, embedding_size=3),
        "allowed_sets",
        lengths=(2, 4),
        vocab_sizes=(4,),
    ).with_strategy("uniform"),
    "levels": tiny(
        PointerChasing(), StackRNN(hidden_size=4), lengths=(3,), vocab_sizes=(6,), levels=(1, 2)
    ),
    "after the input": tiny(
        AfterInput(task=Duplicate()), Recurrent(hidden_size=4, embedding_size=3), lengths=(2, 3)
    ),
    "written": tiny(
        Reverse(), Decoder(hidden_size=8, head_size=4, layers=1), lengths=(2, 3), vocab_sizes=(4,)
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_is_done_with_runs_is_done_with_all_kinds(
    kind: str, tmp_path: Path, new_database: Callable[[Path], Path]
) -> None:
    made, store, stopped = KINDS[kind], tmp_path / "store", tmp_path / "stopped"
    new_database(store)
    whole = curriculum.run(made, 3, store=store, mirror=False, threads=1)
    assert whole.steps > 4

    # A run that is stopped and resumed is the same as one that is not.
    stop = curriculum.StopRequest()

    def stop_at_the_third_evaluation(record: Record) -> None:
        if isinstance(record.event, Evaluated):
            seen.append(record)
        if len(seen) == 3:
            stop.request()

    seen: list[Record] = []

    interrupted = curriculum.run(
        made,
        3,
        store=stopped,
        mirror=False,
        threads=1,
        stop=stop,
        listener=stop_at_the_third_evaluation,
    )
    assert interrupted.status == "interrupted"
    curriculum.resume("last", store=stopped, mirror=False, threads=1)
    one, other = (Store(each).find("last") for each in (store, stopped))
    journals = [[record.event for record, _ in read_journal(each.journal)] for each in (one, other)]
    assert journals[0] == journals[1]
    history = History.of(one)
    assert history.end is not None
    assert history.end.weights_sha256 == journals[1][-1].weights_sha256  # type: ignore[union-attr]

    # It is shown, certified on other lengths, and compared.
    shown = repr(curriculum.show("last", store=store, examples=3))
    assert "prediction" in shown
    found = curriculum.certify(
        "last", [made.growth.path()[-1].length], store=store, examples=64, progress=False
    )
    assert found.mean is not None
    assert 0 <= found.mean <= 1
    compared = curriculum.compare(
        made, ["gated", "direct"], seeds=[0], learning_rates=[1e-2], budget="8steps",
        store=tmp_path / "compared", threads=1, progress=False,
    )  # fmt: skip
    assert "direct" in repr(compared)

    # Its copy in MLflow predicts what it has predicted.
    sync(Store(store), one)
    parent, _ = copy_of(Store(store), one)
    (logged,) = client_of(Store(store)).search_logged_models([parent.info.experiment_id])
    import mlflow

    mlflow.set_tracking_uri(local_tracking_uri(Store(store)))
    loaded = mlflow.pyfunc.load_model(logged.model_uri)
    assert history.end.examples is not None
    predicted = loaded.predict(loaded.input_example)
    assert np.allclose(predicted, np.array(history.end.examples.predictions), atol=1e-5)
    assert isinstance(mlflow.pytorch.load_model(logged.model_uri), torch.nn.Module)
