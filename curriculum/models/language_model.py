"""Settings of small language models of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from curriculum.errors import UsageError
from curriculum.learn.shape import Shape

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn.widening import Placement

__all__ = ["LanguageModel", "Net"]

Net = Literal["unrolled", "loop", "every_word", "rnn", "lstm", "gru"]

UNROLLED = 3
"""The unrolled net is written out for so many words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModel:
    """Predicts the next word. Embedding and hidden layer are of one size; BatchNorm over features.

    Attributes:
        net: `unrolled` is written out for three words and predicts the one after them;
            `loop` does the same in a loop, for any number; `every_word` predicts after each
            word, and normalises what is read out in place of the state; `rnn`, `lstm` and
            `gru` are torch's, in its place.
        hidden_size: units of the embedding and of each layer.
        layers: of `rnn`, `lstm`, `gru`.
        carries_state: whether the state at the end of a batch is where the next one
            begins, for tasks that are read in order. Gradients stop there (truncated
            back-propagation through time: Williams & Peng 1990,
            doi:10.1162/neco.1990.2.4.490).
    """

    net: Net = "gru"
    hidden_size: int = 64
    layers: int = 1
    carries_state: bool = False

    def __post_init__(self) -> None:
        kinds = ("unrolled", "loop", "every_word", "rnn", "lstm", "gru")
        if self.net not in kinds:
            raise UsageError(f"model.net must be {', '.join(kinds)}, got {self.net!r}")
        for name in ("hidden_size", "layers"):
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} must be at least 1, got {getattr(self, name)}")
        if self.layers > 1 and not self.is_torchs:
            raise UsageError(f"model.layers is for rnn, lstm and gru; {self.net} has one layer")
        if self.carries_state and self.net in ("unrolled", "loop"):
            raise UsageError(
                f"model.carries_state is for nets that predict every word, and {self.net} "
                f"predicts the last"
            )

    @property
    def least_batch_size(self) -> int:
        """Batch normalisation compares examples: there must be two."""
        return 2

    @property
    def is_torchs(self) -> bool:
        """Whether the layers are one of torch's recurrent modules."""
        return self.net in ("rnn", "lstm", "gru")

    def check(self, shape: Shape) -> None:
        if self.net == "unrolled" and shape.length != UNROLLED:
            raise UsageError(
                f"the unrolled net is written out for a length of {UNROLLED}, got {shape.length}; "
                f"take model.net loop"
            )
        wanted = "symbol" if self.net in ("unrolled", "loop") else "symbols"
        if shape.answer != wanted:
            raise UsageError(
                f"the net {self.net} answers with {wanted}, and the task asks for "
                f"{shape.answer}; for human numbers set task.predict"
            )
        if shape.answer == "symbols" and shape.answer_length != shape.length:
            raise UsageError(
                f"the net {self.net} answers at each of {shape.length} places, and the task asks "
                f"for {shape.answer_length} symbols"
            )

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the alphabets of `shape`."""
        from curriculum.models import language_model_networks as networks

        if self.is_torchs:
            return networks.Layered(self, shape)
        return networks.Stepwise(self, shape)

    def check_wider(self, hidden_size: int) -> None:
        """Any larger size will do."""

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        from curriculum.models import language_model_networks as networks

        return networks.placements(small, large)
