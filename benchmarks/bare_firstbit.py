"""The main job written by hand: the same training and evaluations, without this package.

It ends in the same weights as `python -m curriculum run lstm_firstbit`, and prints their
digest. `benchmarks/whole_process.py` times the two beside each other.

Legend: B batch, L length.
"""

from __future__ import annotations

import argparse
import hashlib
import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

BATCH, SCREEN, EVAL_EVERY, BUDGET = 32, 64, 50, 300


class Classifier(nn.Module):
    """One input unit, hidden 20, ReLU on the last output, linear to one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(1, 20, batch_first=True)
        self.head = nn.Linear(20, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        states, _ = self.recurrent(inputs.float().unsqueeze(-1))
        logits: Tensor = self.head(torch.relu(states[:, -1]))
        return logits.squeeze(-1)


def digest(*key: int | str, bits: int) -> int:
    """A number of so many bits that depends on the key alone."""
    text = "/".join(map(str, key)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=bits // 8).digest(), "little")


def sample(*key: int | str, length: int, size: int) -> tuple[Tensor, Tensor]:
    """Half ones; of the rest, half with the zero in front and half with it anywhere."""
    rng = np.random.Generator(np.random.Philox(key=digest(*key, bits=128)))
    zeros = size // 2
    places = np.zeros(zeros, dtype=np.int64)
    places[zeros // 2 :] = rng.integers(length, size=zeros - zeros // 2)
    inputs = np.ones((size, length), dtype=np.int64)
    inputs[np.arange(size - zeros, size), places] = 0
    targets = np.zeros(size, dtype=np.int64)
    targets[: size - zeros] = 1
    return torch.from_numpy(inputs), torch.from_numpy(targets)


@torch.inference_mode()
def masters(model: nn.Module, seed: int, length: int, evaluations: int) -> bool:
    """A screen where there are more than 64 inputs, then every input."""
    if length + 1 > SCREEN:
        inputs, targets = sample(
            seed, "gate/screen", length, 2, SCREEN, evaluations, length=length, size=SCREEN
        )
        if not torch.equal(model(inputs) > 0, targets > 0):
            return False
    inputs = torch.ones(length + 1, length, dtype=torch.int64)
    inputs[torch.arange(1, length + 1), torch.arange(length)] = 0
    targets = torch.zeros(length + 1, dtype=torch.bool)
    targets[0] = True
    predictions = [model(part) > 0 for part in torch.split(inputs, 256)]
    return torch.equal(torch.cat(predictions), targets)


def train(seed: int) -> tuple[int, int, nn.Module]:
    """Train up the path; the length reached, the steps taken, the model."""
    torch.manual_seed(digest(seed, "initialisation", bits=64) >> 1)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2, betas=(0.9, 0.95), fused=True)
    length, reach, total, visit = 2, 0, 0, 0
    while True:
        step = 0
        while not masters(model, seed, length, step // EVAL_EVERY):
            if step == BUDGET:
                return reach, total, model
            for _ in range(EVAL_EVERY):
                inputs, targets = sample(
                    seed, "train", length, 2, BATCH, (visit << 32) + step, length=length, size=BATCH
                )
                loss = binary_cross_entropy_with_logits(model(inputs), targets.float())
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                step += 1
        reach, total, visit = length, total + step, visit + 1
        if length == 1000:
            return reach, total, model
        length = min(1000, max(length + 1, math.floor(length * 1.5 + 0.5)))


def main() -> None:
    """Train, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    reach, steps, model = train(options.seed)
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.numpy().tobytes())
    print(f"reach {reach}, {steps} steps, weights {found.hexdigest()}")


if __name__ == "__main__":
    main()
