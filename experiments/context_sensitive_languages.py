"""LSTMs and encoder-decoders on the context-sensitive tasks of the Chomsky hierarchy.

The tasks and lengths are those of Delétang et al. 2023, arXiv 2207.02098.
"""

from curriculum import (
    Adam,
    AfterInput,
    Budget,
    Experiment,
    Geometric,
    Mastery,
    Stage,
    Training,
)
from curriculum.models import Recurrent, Seq2Seq
from curriculum.tasks import (
    BinaryAddition,
    BinaryMultiplication,
    BucketSort,
    Duplicate,
    MissingDuplicate,
    OddsFirst,
    SquareRoot,
)

lstm_bucket_sort = Experiment(
    task=AfterInput(task=BucketSort()),
    model=Recurrent(cell="lstm", hidden_size=128, embedding_size=8),
    growth=Geometric(start=Stage(2, 5), end=Stage(40, 5), factor=1.3),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=4000),
)
"""An LSTM on sorting five symbols, given after they are read: lengths 2 to 40."""

lstm_duplicate = lstm_bucket_sort.replace(
    task=AfterInput(task=Duplicate()),
    growth=Geometric(start=Stage(2), end=Stage(40), factor=1.3),
)
"""An LSTM that says a string of bits twice: lengths 2 to 40."""

lstm_odds_first = lstm_duplicate.replace(task=AfterInput(task=OddsFirst()))
"""An LSTM on the bits at odd places first: lengths 2 to 40."""

lstm_missing_duplicate = lstm_bucket_sort.replace(
    task=MissingDuplicate(),
    growth=Geometric(start=Stage(2, 4), end=Stage(40, 4), factor=1.3),
)
"""An LSTM on the bit that is missing in a string written twice: lengths 2 to 40."""

gru_binary_addition = lstm_bucket_sort.replace(
    task=BinaryAddition(),
    model=Seq2Seq(hidden_size=128, embedding_size=16, attention="dot"),
    growth=Geometric(start=Stage(3, 3), end=Stage(40, 3), factor=1.3),
)
"""A GRU encoder-decoder with attention on binary addition: lengths 3 to 40."""

gru_binary_multiplication = gru_binary_addition.replace(task=BinaryMultiplication())
"""A GRU encoder-decoder with attention on binary multiplication: lengths 3 to 40."""

gru_square_root = gru_binary_addition.replace(
    task=SquareRoot(), growth=Geometric(start=Stage(2), end=Stage(40), factor=1.3)
)
"""A GRU encoder-decoder with attention on binary square roots: lengths 2 to 40."""
