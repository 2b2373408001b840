"""One process of several that train a model together: `one_of_several.py RANK SIZE FOLDER LOOP`.

With one process there is no group. Each writes what it has decided and logged to FOLDER. The loop `bare` is
run once more by each process alone, and once with an evaluation that fails. A library's loop is in one process
trained in one go, and in several interrupted, not at an evaluation, and resumed from its checkpoint.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Subset

from curriculum import Arithmetic, Budget, Mastery, Scheduler, Stage
from curriculum.callbacks.gate import Gate

RANK, SIZE, FOLDER, LOOP = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
EXAMPLES = 200
PARTS = 2
CUT = 22
"""The step after which a library's loop is interrupted."""


def make_scheduler() -> Scheduler:
    growth = Arithmetic(start=Stage(2), end=Stage(4))
    return Scheduler(growth, Mastery(threshold=0.6), budget=Budget(steps_per_stage=60))


class Sums(nn.Module):
    """Says whether the numbers of a row are positive together."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, inputs: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        logits = self.weight * inputs.sum(dim=1) - 1.0 + self.weight * 2
        if labels is None:
            return {"logits": logits}
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
        return {"loss": loss, "logits": logits}


def draw(rng: np.random.Generator, stage: Stage, size: int) -> tuple[Tensor, Tensor]:
    inputs = torch.from_numpy(rng.normal(size=(size, stage.length))).float()
    return inputs, (inputs.sum(dim=1) > 0).float()


def evaluate(model: Any, stage: Stage, rng: np.random.Generator) -> tuple[int, int]:
    inputs, labels = draw(rng, stage, EXAMPLES)
    outputs = model(inputs)
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs
    return int(((logits > 0) == (labels > 0)).sum()), EXAMPLES


def batches(seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """This process's share of batches that are the same for any number of processes."""
    rng = np.random.default_rng(seed)
    while True:
        inputs, labels = draw(rng, Stage(4), 8)
        yield inputs[RANK::SIZE], labels[RANK::SIZE]


def bare() -> tuple[Scheduler, list[Any]]:
    """A loop by hand, with DDP where there are several."""
    scheduler, own = make_scheduler(), Sums()
    model = DistributedDataParallel(own) if SIZE > 1 else own
    optimizer = torch.optim.SGD(own.parameters(), lr=0.02)
    gate = Gate(scheduler, evaluate, eval_every=5, evaluation_parts=PARTS)
    gate.begin(0, processes=SIZE)
    logged = []
    for step, (inputs, labels) in enumerate(batches(), start=1):
        optimizer.zero_grad()
        model(inputs, labels)["loss"].backward()
        optimizer.step()
        numbers = gate.after_step(own, step)
        if numbers is not None:
            logged.append([step, numbers])
        if scheduler.finished:
            break
    return scheduler, logged


def failing() -> tuple[Scheduler, list[Any]]:
    """One process can't evaluate: no other waits for it."""

    def fails(model: Any, stage: Stage, rng: np.random.Generator) -> tuple[int, int]:
        if RANK == 1:
            raise ValueError("no examples here")
        return 1, 2

    gate = Gate(make_scheduler(), fails, eval_every=1)
    gate.begin(0)
    try:
        gate.after_step(Sums(), 1)
    except Exception as error:
        return gate.scheduler, [f"{type(error).__name__}: {error}"]
    return gate.scheduler, []


class Rows(torch.utils.data.Dataset[dict[str, Tensor]]):
    def __len__(self) -> int:
        return 4096

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        inputs, labels = draw(np.random.default_rng(index), Stage(4), 1)
        return {"inputs": inputs[0], "labels": labels[0]}


def hugging_face() -> tuple[Scheduler, list[Any]]:
    from transformers import Trainer, TrainingArguments

    from curriculum.callbacks.hugging_face import CurriculumCallback

    def run(steps: int, resume: bool = False) -> tuple[Scheduler, list[Any]]:
        scheduler = make_scheduler()
        arguments = TrainingArguments(
            str(FOLDER / f"checkpoints{SIZE}"),
            use_cpu=True,
            max_steps=steps,
            save_steps=CUT,
            report_to="none",
            disable_tqdm=True,
            optim="sgd",
            learning_rate=0.02,
            lr_scheduler_type="constant",
            max_grad_norm=0,
            per_device_train_batch_size=8 // SIZE,
        )
        trainer = Trainer(Sums(), arguments, train_dataset=Rows())
        callback = CurriculumCallback(
            scheduler, evaluate, log=trainer.log, eval_every=5, evaluation_parts=PARTS
        )
        trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=resume)
        rows = [row for row in trainer.state.log_history if "curriculum/length" in row]
        return scheduler, [[row["step"], row["curriculum/verdict"]] for row in rows]

    if SIZE == 1:
        return run(500)
    run(CUT)
    return run(500, resume=True)


def lightning() -> tuple[Scheduler, list[Any]]:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers.logger import DummyLogger
    from torch.utils.data import DataLoader

    from curriculum.callbacks.lightning import CurriculumCallback

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = Sums()

        def forward(self, inputs: Tensor) -> Tensor:
            return self.model(inputs)["logits"]  # type: ignore[no-any-return]

        def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
            return self.model(**batch)["loss"]  # type: ignore[no-any-return]

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.02)

    class Logger(DummyLogger):
        def log_metrics(self, metrics: Any, step: int | None = None) -> None:
            logged.append([step, metrics["curriculum/verdict"]])

    logged: list[Any] = []
    folder = FOLDER / f"checkpoints{SIZE}"

    def run(steps: int, resume: Path | None = None) -> Scheduler:
        scheduler = make_scheduler()
        callback = CurriculumCallback(scheduler, evaluate, eval_every=5, evaluation_parts=PARTS)
        trainer = Trainer(
            accelerator="cpu",
            devices=SIZE,
            strategy="ddp" if SIZE > 1 else "auto",
            callbacks=[callback, ModelCheckpoint(folder, save_last=True, every_n_train_steps=CUT)],
            use_distributed_sampler=False,  # it shuffles
            max_steps=steps,
            logger=Logger(),
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        # A fit that is resumed begins with the rows after those that it was trained on.
        done = 8 * CUT if resume else 0
        rows = Subset(Rows(), range(done + RANK, len(Rows()), SIZE))
        trainer.fit(Module(), DataLoader(rows, batch_size=8 // SIZE), ckpt_path=resume)
        return scheduler

    if SIZE == 1:
        return run(500), logged
    run(CUT)
    return run(500, resume=folder / "last.ckpt"), logged


def accelerate() -> tuple[Scheduler, list[Any]]:
    from accelerate import Accelerator  # type: ignore[import-untyped]
    from torch.utils.data import DataLoader

    logged: list[Any] = []

    def run(steps: int, resume: bool = False) -> Scheduler:
        scheduler, accelerator = make_scheduler(), Accelerator(cpu=True)
        own = Sums()
        optimizer = torch.optim.SGD(own.parameters(), lr=0.02)
        model, optimizer, loader = accelerator.prepare(
            own, optimizer, DataLoader(Rows(), batch_size=8 // SIZE)
        )
        gate = Gate(scheduler, evaluate, eval_every=5, evaluation_parts=PARTS)
        accelerator.register_for_checkpointing(gate)
        if resume:
            accelerator.load_state(str(FOLDER / "state"))
            loader = accelerator.skip_first_batches(loader, gate.step)
        gate.begin(gate.step, processes=accelerator.num_processes)
        for batch in loader:
            optimizer.zero_grad()
            accelerator.backward(model(**batch)["loss"])
            optimizer.step()
            numbers = gate.after_step(own, gate.step + 1)
            if numbers is not None:
                logged.append([gate.step, numbers])
            if scheduler.finished or gate.step == steps:
                break
        accelerator.save_state(str(FOLDER / "state"))
        return scheduler

    if SIZE == 1:
        return run(500), logged
    run(CUT)
    return run(500, resume=True), logged


LIBRARIES = {"hugging_face": hugging_face, "lightning": lightning, "accelerate": accelerate}


def found_by(loop: Callable[[], tuple[Scheduler, list[Any]]]) -> dict[str, Any]:
    scheduler, logged = loop()
    decision = None if scheduler.decision is None else scheduler.decision.reason
    return {"scheduler": scheduler.state_dict(), "logged": logged, "decision": decision}


def bare_in_a_group() -> dict[str, Any]:
    """What the loop finds together, when one fails, and alone."""
    global RANK, SIZE  # noqa: PLW0603 - the group is over
    file = (FOLDER / "group").absolute()
    torch.distributed.init_process_group("gloo", f"file://{file}", rank=RANK, world_size=SIZE)
    found = found_by(bare) | {"failing": failing()[1]}
    torch.distributed.destroy_process_group()
    rank, RANK, SIZE = RANK, 0, 1
    alone = found_by(bare)
    RANK = rank
    return found | {"alone": alone}


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    name = f"{SIZE}-{RANK}.json"
    # The libraries make their group by themselves.
    found = bare_in_a_group() if LOOP == "bare" else found_by(LIBRARIES[LOOP])
    (FOLDER / name).write_text(json.dumps(found))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    main()
