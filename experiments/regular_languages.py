"""Recurrent networks on the regular tasks of the Chomsky hierarchy: to length 40, the paper's.

The tasks and lengths are those of Delétang et al. 2023, arXiv 2207.02098.
"""

from curriculum import Adam, Arithmetic, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from curriculum.tasks import CycleNavigation, EvenPairs, ModularArithmetic, Parity

rnn_parity = Experiment(
    task=Parity(),
    model=Recurrent(cell="rnn", hidden_size=32, embedding_size=8),
    growth=Geometric(start=Stage(2), end=Stage(40), factor=1.2),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=2000),
)
"""An RNN on parity: lengths 2 to 40, each mastered before the next."""

rnn_even_pairs = rnn_parity.replace(task=EvenPairs())
"""An RNN on even pairs: lengths 2 to 40, each mastered before the next."""

rnn_cycle_navigation = rnn_parity.replace(
    task=CycleNavigation(),
    model=Recurrent(cell="rnn", hidden_size=128, embedding_size=8, recurrent_init="orthogonal"),
    growth=Arithmetic(start=Stage(1, 3), end=Stage(40, 3)),
    # What is just mastered is not yet sharp: without more steps a length, later ones are not found.
    criterion=Mastery(threshold=0.95, min_steps=100),
    optimizer=Adam(learning_rate=2e-3),
    training=Training(batch_size=32, eval_every=20),
)
"""An RNN on cycle navigation: lengths 1 to 40 one by one, each mastered before the next."""

lstm_modular_arithmetic = rnn_parity.replace(
    task=ModularArithmetic(),
    model=Recurrent(cell="lstm", hidden_size=64, embedding_size=16),
    growth=Arithmetic(start=Stage(1, 8), end=Stage(39, 8), step=2),
    budget=Budget(steps_per_stage=4000),
)
"""An LSTM on modular arithmetic without brackets: the odd lengths 1 to 39."""
