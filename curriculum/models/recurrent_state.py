"""The state of torch's recurrent networks: one tensor, or an LSTM's two.

Legend: B batch, L length, E features, H hidden, N layers.
"""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from curriculum.learn import State

CELLS: Mapping[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def initial_state(recurrent: nn.RNNBase, batch_size: int) -> State:
    """The state (N, B, H) before anything was read, of one that reads from left to right."""
    weight = next(recurrent.parameters())
    empty = weight.new_zeros(recurrent.num_layers, batch_size, recurrent.hidden_size)
    return (empty, empty) if isinstance(recurrent, nn.LSTM) else (empty,)


def read_from(recurrent: nn.RNNBase, features: Tensor, state: State | None) -> tuple[Tensor, State]:
    """The top layer's states (B, L, H), and the state (N, B, H) after them.

    Args:
        recurrent: batch first.
        features: (B, L, E), one for each position.
        state: what was before; None for nothing.
    """
    before = state if state is None or len(state) > 1 else state[0]
    states, after = recurrent(features, before)
    return states, after if isinstance(after, tuple) else (after,)
