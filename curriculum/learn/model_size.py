"""How large a model is, before it is made."""

import torch

from curriculum.learn.model import Model, build_empty
from curriculum.learn.randomness import forked
from curriculum.learn.shape import Shape


def parameter_count(model: Model, shape: Shape) -> int | None:
    """How many numbers a model for that shape learns; None where that can't be told without memory for them.

    The model's module is built on torch's device `meta`, which holds no numbers.
    """
    try:
        with forked("parameters"), torch.device("meta"):
            module = build_empty(model, shape)
    except (
        RuntimeError,
        NotImplementedError,
    ):  # a module of the user's that computes as it is built
        return None
    return sum(parameter.numel() for parameter in module.parameters())
