"""Has a language model write on.

Legend: B batch, L length, P places, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curriculum.learn.learner import Learner
from curriculum.learn.network_protocols import HasCache

Reader = Callable[[Tensor, Any], tuple[Tensor, Any]]
"""Gives logits (1, P, V) of further symbols (1, P), and what has to be known of them later."""


def write_on(
    learner: Learner, prompt: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """What a language model writes after a prompt (L,): `count` symbols.

    Each is drawn with the probability that the model gives it after all those before, by `rng` alone.
    """
    learner.check_inputs(prompt[None])
    read, known, found = _reader(learner), None, []
    symbols = torch.from_numpy(prompt[None]).to(learner.device)  # (1, L)
    learner.model.eval()
    with learner.evaluating():
        for _ in range(count):
            logits, known = read(symbols, known)
            # What is no number, after training that diverged, is taken for 0: something is still shown.
            chances = logits[0, -1].double().nan_to_num().softmax(dim=0).cpu().numpy()  # (V,)
            found.append(int(rng.choice(len(chances), p=chances / chances.sum())))
            symbols = symbols.new_tensor([found[-1:]])  # (1, 1)
    learner.model.train()
    return np.array(found, dtype=np.int64)


def _reader(learner: Learner) -> Reader:
    """How the model reads on: with what it keeps, or else all again from the beginning."""
    model: Any = learner.model
    if learner.forward_mode == "stateful":
        return model.forward_with_state  # type: ignore[no-any-return]
    if isinstance(model, HasCache):
        return lambda symbols, cache: model.forward_with_cache(symbols, None, cache)

    def read(symbols: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        whole = symbols if before is None else torch.cat([before, symbols], dim=1)
        return model(whole), whole

    return read
