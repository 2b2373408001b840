"""Recurrent networks on the deterministic context-free tasks of the Chomsky hierarchy.

The tasks and lengths are those of Delétang et al. 2023, arXiv 2207.02098.
"""

from curriculum import (
    Adam,
    AfterInput,
    Arithmetic,
    Budget,
    Direct,
    Experiment,
    Geometric,
    Mastery,
    Stage,
    Training,
    Uniform,
)
from curriculum.models import Recurrent, StackRNN
from curriculum.tasks import BracketedArithmetic, Reverse, SolveEquation, StackManipulation

lstm_reverse = Experiment(
    task=AfterInput(task=Reverse()),
    model=Recurrent(cell="lstm", hidden_size=128, embedding_size=8),
    growth=Geometric(start=Stage(2), end=Stage(40), factor=1.3),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=4000),
)
"""An LSTM on the reversal of bits, given after they are read: lengths 2 to 40."""

stack_rnn_reverse = lstm_reverse.replace(
    model=StackRNN(hidden_size=128),
    growth=Arithmetic(start=Stage(1), end=Stage(40)),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(batch_size=32, eval_every=25),
    budget=Budget(steps=4000),
    pacing=Direct(),
    sampling=Uniform(),
)
"""An RNN with a stack on the same, all lengths from 1 to 40 alike from the start.

On short strings alone it learns to do without the stack, which then has to be unlearned.
"""

lstm_stack_manipulation = lstm_reverse.replace(
    task=AfterInput(task=StackManipulation()),
    growth=Geometric(start=Stage(2, 5), end=Stage(40, 5), factor=1.3),
)
"""An LSTM on a stack's pushes and pops, the stack given at the end: lengths 2 to 40."""

lstm_bracketed_arithmetic = lstm_reverse.replace(
    task=BracketedArithmetic(),
    growth=Geometric(start=Stage(1, 10), end=Stage(40, 10), factor=1.3),
)
"""An LSTM on modular arithmetic with brackets: lengths 1 to 40."""

lstm_solve_equation = lstm_reverse.replace(
    task=SolveEquation(),
    growth=Geometric(start=Stage(3, 11), end=Stage(40, 11), factor=1.3),
)
"""An LSTM on equations with brackets: lengths 3 to 40."""
