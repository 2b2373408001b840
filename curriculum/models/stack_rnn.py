"""Settings of recurrent networks with stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByNetwork

if TYPE_CHECKING:
    from torch import nn

Controller = Literal["rnn", "lstm"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRNN(WidenedByNetwork):
    """A recurrent network that writes to differentiable stacks and reads their tops.

    At each symbol the controller reads the symbol and the top of each stack, and then pushes a
    vector, pops one, or does nothing: each to a degree, the degrees adding up to 1 (Joulin & Mikolov
    2015, arXiv 1503.01007, section 3.2). The vector is linear in the hidden units, as in Delétang et
    al. 2023, arXiv 2207.02098, appendix A, whose Stack-RNN and Stack-LSTM these are. Outputs go through ReLU
    and a linear head.

    It reads from left to right: an output is found from the inputs up to its position. To reverse a
    sequence, say, the task has to leave places for the output after its input.

    Attributes:
        cell: the controller, `rnn` (tanh) or `lstm`.
        hidden_size: its units.
        stacks: how many stacks, each with its own actions.
        stack_width: numbers of each vector on a stack.
        stack_depth: vectors that a stack holds; when one more is pushed, the lowest is lost. None
            loses none, takes time that grows with the square of the length, and can't read an input
            piece by piece.
    """

    cell: Controller = "rnn"
    hidden_size: Annotated[int, "[1, inf)"] = 64
    stacks: Annotated[int, "[1, inf)"] = 1
    stack_width: Annotated[int, "[1, inf)"] = 8
    stack_depth: Annotated[int | None, "[1, inf)"] = None

    def __post_init__(self) -> None:
        check_fields(self, "model")

    def check(self, shape: Shape) -> None:
        shape.check_output_at_each_position("StackRNN")

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`; any length will do."""
        from curriculum.models.stack_rnn_network import StackRNNNetwork

        settings = {name: getattr(self, name) for name in StackRNN.__slots__}
        return StackRNNNetwork(shape, **settings)
