"""Five experiments as a new user would write them: all that has a default is left at it.

The sixth is the README's parity, at the default learning rate. For choosing these defaults, as in

python benchmarks/robustness.py benchmarks/new_user.py:addition --seeds 0 3
python benchmarks/robustness.py benchmarks/new_user.py:addition --settings "--tuning.mode each"
python benchmarks/robustness.py parity --settings "--optimizer.learning-rate 1e-3"
"""

from dataclasses import dataclass

import numpy as np

from curriculum import Arithmetic, Batch, Experiment, Geometric, Mastery, Stage, Task
from curriculum.learn import Shape
from curriculum.models import Bert, Recurrent, Seq2Seq
from curriculum.tasks import FirstBit, Reverse, Subsequence

BASE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition(Task):
    """The sum of two numbers of so many digits, the last digits first, a pair of them a symbol."""

    output = "symbols"

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols",
            last,
            input_vocab_size=BASE * BASE,
            output_vocab_size=BASE,
            output_length=last.length + 1,
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        first, second = rng.integers(BASE, size=(2, batch_size, stage.length))
        targets = np.zeros((batch_size, stage.length + 1), dtype=np.int64)
        carry = np.zeros(batch_size, dtype=np.int64)
        for place in range(stage.length):
            carry, targets[:, place] = np.divmod(first[:, place] + second[:, place] + carry, BASE)
        targets[:, -1] = carry
        return Batch(inputs=first * BASE + second, targets=targets)


first_bit = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="rnn", hidden_size=32),
    growth=Geometric(start=Stage(2), end=Stage(500), factor=1.5),
)

reversal = Experiment(
    task=Reverse(),
    model=Seq2Seq(),
    growth=Arithmetic(start=Stage(2, 10), end=Stage(16, 10), step=2),
    criterion=Mastery(threshold=0.95),
)

reversal_bert = Experiment(
    task=Reverse(),
    model=Bert(hidden_size=64, layers=2),
    growth=Geometric(start=Stage(4, 10), end=Stage(64, 10), factor=1.5),
    criterion=Mastery(threshold=0.95),
)

subsequence = reversal.replace(
    task=Subsequence(), growth=Arithmetic(start=Stage(4, 10), end=Stage(14, 10), step=2)
)

addition = reversal.replace(
    task=Addition(), growth=Arithmetic(start=Stage(1, 10), end=Stage(12, 10), step=1)
)
