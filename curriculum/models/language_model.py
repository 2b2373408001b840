"""Settings of small language models of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByNetwork

if TYPE_CHECKING:
    from torch import nn

Net = Literal["unrolled", "loop", "every_word", "rnn", "lstm", "gru"]

UNROLLED = 3
"""The unrolled network is written out for so many words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModel(WidenedByNetwork):
    """Predicts the next word. Embedding and hidden layer are of one size; BatchNorm over features.

    Attributes:
        net: `unrolled` is written out for three words and predicts the one after them;
            `loop` does the same in a loop, for any number; `every_word` predicts after each
            word, and normalises what is read out in place of the state; `rnn`, `lstm` and
            `gru` are torch's, in its place.
        hidden_size: units of the embedding and of each layer.
        layers: layers of `rnn`, `lstm` and `gru`.
        carries_state: whether the state at the end of a batch is where the next one
            begins, for tasks that are read in order. Gradients stop there (truncated
            back-propagation through time: Williams & Peng 1990,
            doi:10.1162/neco.1990.2.4.490).
    """

    net: Net = "gru"
    hidden_size: Annotated[int, "[1, inf)"] = 64
    layers: Annotated[int, "[1, inf)"] = 1
    carries_state: bool = False

    def __post_init__(self) -> None:
        check_fields(self, "model")
        if self.layers > 1 and not self.is_torch_rnn:
            raise UsageError(f"model.layers is for rnn, lstm and gru; {self.net} has one layer")
        if self.carries_state and self.net in ("unrolled", "loop"):
            raise UsageError(
                f"model.carries_state is for networks that predict every word, and {self.net} "
                f"predicts the last"
            )

    @property
    def min_batch_size(self) -> int:
        """Batch normalisation compares examples: there must be two."""
        return 2

    @property
    def is_torch_rnn(self) -> bool:
        """Whether the layers are one of torch's recurrent modules."""
        return self.net in ("rnn", "lstm", "gru")

    def check(self, shape: Shape) -> None:
        shape.check_symbols("a language model")
        if self.net == "unrolled" and shape.length != UNROLLED:
            raise UsageError(
                f"the unrolled network is written out for a length of {UNROLLED}, got {shape.length}; "
                f"take model.net loop"
            )
        wanted = "symbol" if self.net in ("unrolled", "loop") else "symbols"
        if shape.output != wanted:
            raise UsageError(
                f"the network {self.net} outputs {wanted}, and the task's output is "
                f"{shape.output}; for human numbers set task.predict"
            )
        shape.check_output_at_each_position(f"the network {self.net}")

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`."""
        from curriculum.models import language_model_networks as networks

        network = networks.Layered if self.is_torch_rnn else networks.Stepwise
        settings = {name: getattr(self, name) for name in LanguageModel.__slots__}
        return network(shape, **settings)
