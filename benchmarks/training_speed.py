"""What a step of a language model costs here, in a plain loop, and in the Trainer of Hugging Face.

All three train the same Llama on windows of the standard library's sources, with AdamW and clipped
gradients, and take turns in one process, block by block. Evaluations are in none of them.

    python benchmarks/training_speed.py
    python benchmarks/training_speed.py --only small --rounds 40
"""

from __future__ import annotations

import argparse
import json
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from curriculum import AdamW, Budget, Experiment, Explicit, LossBelow, Stage, Training
from curriculum import learn as own
from curriculum.data import BYTES, Corpus
from curriculum.models import HuggingFace
from curriculum.tasks import LanguageModelling

LIBRARY = sysconfig.get_paths()["stdlib"]
RATE = 1e-3
WARM_UP = 2
"""Steps of each block that are not timed, and rounds."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A network, its batches, and how many steps of it are timed in a row."""

    hidden_size: int
    layers: int
    length: int
    batch_size: int
    steps: int

    def config(self) -> dict[str, Any]:
        """In the words of the library, without the hidden size."""
        return {
            "model_type": "llama",
            "num_hidden_layers": self.layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "intermediate_size": 4 * self.hidden_size,
            "tie_word_embeddings": True,
        }

    def model(self) -> Any:
        """The library's own network."""
        torch.manual_seed(0)
        settings = self.config() | {
            "hidden_size": self.hidden_size,
            "vocab_size": BYTES,
            "max_position_embeddings": self.length,
            "bos_token_id": None,
            "eos_token_id": None,
        }
        kind: Any = AutoModelForCausalLM
        return kind.from_config(AutoConfig.for_model(settings.pop("model_type"), **settings))


SIZES = {
    "small": Size(hidden_size=32, layers=1, length=32, batch_size=8, steps=100),
    "million": Size(hidden_size=128, layers=4, length=128, batch_size=32, steps=10),
}


def corpus() -> Corpus:
    """The sources that come with Python, without what was installed."""
    return Corpus(
        files="**/*.py", root=LIBRARY, exclude=("site-packages", "dist-packages"), held_out=0.5
    )


def text() -> NDArray[np.uint16]:
    """Their bytes, one file after the other."""
    paths = sorted(Path(LIBRARY).rglob("*.py"))
    files = [path for path in paths if not {"site-packages", "dist-packages"} & {*path.parts}]
    joined = b"".join(path.read_bytes() for path in files)
    return np.frombuffer(joined, np.uint8).astype(np.uint16)


class Windows(Dataset[dict[str, Any]]):
    """Windows of a text, each at its place; and batches of windows at random places."""

    def __init__(self, text: NDArray[np.uint16], length: int) -> None:
        self.text, self.length = text, length

    def __len__(self) -> int:
        return len(self.text) - self.length

    def __getitem__(self, place: int) -> dict[str, Any]:
        window = torch.from_numpy(self.text[place : place + self.length].astype(np.int64))
        return {"input_ids": window, "labels": window}

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Symbols and those after them, each (size, L)."""
        places = torch.randint(len(self), (size,)).tolist()
        windows = np.stack([self.text[i : i + self.length + 1] for i in places])
        symbols = torch.from_numpy(windows.astype(np.int64))
        return symbols[:, :-1], symbols[:, 1:]


def plain(size: Size, windows: Windows) -> Iterator[float]:
    """Seconds a step of a loop by hand, block by block."""
    model = size.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)

    def step() -> None:
        inputs, targets = windows.batch(size.batch_size)
        logits = model(input_ids=inputs, use_cache=False).logits
        loss = cross_entropy(logits.reshape(-1, BYTES), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    while True:
        for _ in range(WARM_UP):
            step()
        started = time.perf_counter()
        for _ in range(size.steps):
            step()
        yield (time.perf_counter() - started) / size.steps


def ours(size: Size) -> Iterator[float]:
    """Seconds a step between two evaluations here, block by block."""
    stage = Stage(size.length, BYTES)
    experiment = Experiment(
        task=LanguageModelling(corpus=corpus()),
        model=HuggingFace(config=size.config(), hidden_size=size.hidden_size),
        growth=Explicit(lengths=(size.length,), vocab_sizes=(BYTES,)),
        criterion=LossBelow(threshold=0.1),
        optimizer=AdamW(learning_rate=RATE),
        training=Training(batch_size=size.batch_size),
        budget=Budget(steps_per_stage=10**9),
    )
    scheduler = experiment.scheduler()
    device = torch.device("cpu")
    learner = own.Learner.start(
        experiment.task.shape(stage), experiment.recipe, seed=0, device=device
    )
    evaluator = own.Evaluator(experiment.task, experiment.criterion, 0)
    meter = own.CostMeter()
    trainer = own.Trainer(experiment.task, seed=0, evaluator=evaluator, meter=meter)
    taken = 0

    def steps(count: int) -> None:
        nonlocal taken
        trainer.take_steps(learner, scheduler, visit=0, start=taken, count=count)
        taken += count

    while True:
        steps(WARM_UP)
        started = time.perf_counter()
        steps(size.steps)
        yield (time.perf_counter() - started) / size.steps


class Clock(TrainerCallback):
    """When each step of the other Trainer ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())


def hugging_face(size: Size, windows: Windows, folder: str) -> Iterator[float]:
    """Seconds a step within the Trainer of Hugging Face, which starts anew in each block."""
    model = size.model()
    settings = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=size.batch_size,
        max_steps=WARM_UP + size.steps,
        learning_rate=RATE,
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        use_cpu=True,
        report_to="none",
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
    )
    while True:
        clock = Clock()
        Trainer(model=model, args=settings, train_dataset=windows, callbacks=[clock]).train()
        yield (clock.ends[-1] - clock.ends[WARM_UP - 1]) / size.steps


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Seconds a step of each, round by round; who goes first changes."""
    size = SIZES[name]
    windows = Windows(text(), size.length)
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Iterator[float]] = {
            "plain": plain(size, windows),
            "ours": ours(size),
            "hugging_face": hugging_face(size, windows, folder),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        names = list(ways)
        for number in range(-WARM_UP, rounds):
            order = names[number % 3 :] + names[: number % 3]
            for way in order:
                found = next(ways[way])
                if number >= 0:
                    seconds[way].append(found)
    parameters = sum(each.numel() for each in size.model().parameters())
    return {"model": name, "parameters": parameters, "threads": torch.get_num_threads(), **seconds}


def main() -> None:
    """Print the ratios for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=SIZES, help="one size")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write a line for each size to this file")
    options = parser.parse_args()
    own.configure_threads(options.threads)
    rows = []
    for name in [options.only] if options.only else SIZES:
        row = measure(name, options.rounds)
        rows.append(row)
        step = 1000 * statistics.median(row["plain"])
        for other in ("plain", "hugging_face"):
            ratios = [a / b for a, b in zip(row["ours"], row[other], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"{name}: {middle:.3f} x {other}, quartiles {low:.3f} to {high:.3f}", flush=True)
        print(f"{name}: {row['parameters']:,} parameters, a plain step takes {step:.2f} ms")
    if options.json is not None:
        options.json.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


if __name__ == "__main__":
    main()
