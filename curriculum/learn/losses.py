"""From a model's outputs to a loss, for each kind of output.

Legend: B batch, T length of the output, V its vocabulary, K values.
"""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from curriculum.learn.batch import IGNORED
from curriculum.learn.shape import OutputKind


def mean_loss(output: OutputKind, outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean loss: binary cross-entropy of a bit, cross-entropy of symbols, squared error of values.

    Entropies are in nats.

    Args:
        output: the kind of output.
        outputs: (B,) logits for a bit, (B, V) for a symbol, (B, T, V) for symbols, (B, K) values.
        targets: (B,) or (B, T) int64, or (B,) or (B, K) float32.
    """
    if output == "values":
        return mse_loss(outputs, targets.view_as(outputs))
    if output == "bit":
        return binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))
    flat = outputs.flatten(0, -2)
    return cross_entropy(flat, targets.flatten(), ignore_index=IGNORED)
