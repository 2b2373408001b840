"""Cuts the batches of any dataset to the length of the current stage.

Legend: B examples of a batch, L their length, S the stage's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from curriculum.callbacks.shared_stage import HasStage
from curriculum.errors import UsageError

Mode = Literal["reshape", "truncate"]
POSITIONS = "position_ids"
MASK = "attention_mask"


class ReshapeCollator:
    """A `collate_fn`, or `data_collator`, for examples that have all the same length.

    The dataset is as it always is, such as windows of 1,024 tokens; the sampler, the number of examples and
    a resume know nothing of stages. A batch (B, L) becomes, at a stage of length S,

    - by `reshape` (B * (L // S), S): all tokens, in shorter pieces, so that each step trains on as many (but
      for the rest of a division);
    - by `truncate` (B, S): the beginning of each example.

    Tensors of B examples that have no second axis, such as labels of whole sequences, are kept by
    `truncate`, and refused by `reshape`, as a piece is not what they are of.

    Args:
        scheduler: whose stage it is; for a loader with workers a `SharedStage`.
        mode: `reshape` or `truncate`.
        multiple_of: the length is rounded up to a multiple of it, up to L; 8 suits tensor cores.
        collate: what makes tensors of a list of examples; by default each entry is stacked.

    >>> from curriculum.plan import Arithmetic, Scheduler, Stage
    >>> scheduler = Scheduler(Arithmetic(start=Stage(4), end=Stage(8), step=4))
    >>> examples = [{"input_ids": list(range(12))}, {"input_ids": list(range(12, 24))}]
    >>> ReshapeCollator(scheduler, multiple_of=1)(examples)["input_ids"].shape
    torch.Size([6, 4])
    >>> ReshapeCollator(scheduler, mode="truncate", multiple_of=1)(examples)["input_ids"].shape
    torch.Size([2, 4])

    Raises:
        UsageError: for a mode or a multiple that there is not; and when it is called, for examples that
            are shorter than the stage, or of several lengths.
    """

    def __init__(
        self,
        scheduler: HasStage,
        mode: Mode = "reshape",
        multiple_of: int = 8,
        *,
        collate: Callable[[Any], Any] | None = None,
    ) -> None:
        if mode not in get_args(Mode):
            raise UsageError(f"mode must be reshape or truncate, got {mode!r}")
        if isinstance(multiple_of, bool) or not isinstance(multiple_of, int) or multiple_of < 1:
            raise UsageError(f"multiple_of must be a whole number, at least 1, got {multiple_of!r}")
        self.scheduler, self.mode, self.multiple_of = scheduler, mode, multiple_of
        self._collate = collate or _stacked

    def __call__(self, examples: Sequence[Any]) -> Any:
        """The batch of these examples, as the stage has it."""
        batch = self._collate(examples)
        tensors = _tensors(batch)
        lengths = {value.shape[1] for value in tensors.values() if value.ndim > 1}
        if len(lengths) != 1:
            raise UsageError(
                f"ReshapeCollator needs examples of one length, got {sorted(lengths) or 'none'}; cut or "
                f"pack the dataset's examples to one"
            )
        (whole,) = lengths
        length = self._length(whole)
        cut = {name: self._cut(name, value, length) for name, value in tensors.items()}
        return _like(batch, _without_empty(cut) if self.mode == "reshape" else cut)

    def _length(self, whole: int) -> int:
        """The stage's, rounded up, of examples that are so long."""
        wanted = self.scheduler.stage.length
        if wanted > whole:
            raise UsageError(
                f"the stage's length is {wanted}, and the dataset's examples have {whole}; make them as "
                f"long as the last stage"
            )
        return min(whole, -(-wanted // self.multiple_of) * self.multiple_of)

    def _cut(self, name: Any, value: Tensor, length: int) -> Tensor:
        if self.mode == "truncate":
            return value[:, :length] if value.ndim > 1 else value
        if value.ndim < 2:
            raise UsageError(
                f"{name!r} has one entry for each example, and reshape cuts examples into pieces; take "
                f'mode="truncate"'
            )
        pieces = value.shape[1] // length
        found = value[:, : pieces * length].reshape(-1, length, *value.shape[2:])
        return found - found[:, :1] if name == POSITIONS else found


def _stacked(examples: Sequence[Any]) -> Any:
    """Examples that are mappings, sequences of tensors, or tensors, with an axis for them in front."""
    first = examples[0]
    if isinstance(first, Mapping):
        return {name: _stack([example[name] for example in examples]) for name in first}
    if isinstance(first, tuple):
        return tuple(_stack(column) for column in zip(*examples, strict=True))
    return _stack(examples)


def _stack(values: Sequence[Any]) -> Tensor:
    tensors = [torch.as_tensor(value) for value in values]
    lengths = sorted({len(tensor) for tensor in tensors if tensor.ndim})
    if len(lengths) > 1:
        raise UsageError(
            f"ReshapeCollator needs examples of one length, got {lengths}; cut or pack the dataset's "
            f"examples to one"
        )
    return torch.stack(tensors)


def _tensors(batch: Any) -> dict[Any, Tensor]:
    """The parts of a batch by name, or by place."""
    if isinstance(batch, Mapping):
        return dict(batch)
    return dict(enumerate(batch if isinstance(batch, tuple | list) else [batch]))


def _like(batch: Any, parts: dict[Any, Tensor]) -> Any:
    """The parts in a batch of the same kind."""
    if isinstance(batch, Mapping):
        return parts
    if isinstance(batch, tuple | list):
        return type(batch)(parts.values())
    return parts[0]


def _without_empty(parts: dict[Any, Tensor]) -> dict[Any, Tensor]:
    """Pieces in which nothing is attended to are left out, as long as another is left."""
    mask = parts.get(MASK)
    if mask is None:
        return parts
    kept = mask.reshape(len(mask), -1).any(dim=1)
    if not bool(kept.any()):
        return parts
    return {name: value[kept] for name, value in parts.items()}
