"""A decoder on arithmetic in words, from the data sets of reasoning-gym: pip install '.[reasoning-gym]'."""

from curriculum import Adam, Arithmetic, Budget, Experiment, Mastery, Stage, Training
from curriculum.models import Decoder
from curriculum.tasks import ReasoningGym

decoder_arithmetic = Experiment(
    task=ReasoningGym(
        dataset="basic_arithmetic",
        attribute="num_digits",
        settings=("max_terms=2", 'operators=["+", "-"]', "allow_parentheses=false"),
        answer_length=6,
    ),
    model=Decoder(hidden_size=64, layers=2, head_size=32),
    growth=Arithmetic(start=Stage(32, 96, level=1), end=Stage(32, 96, level=3)),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=2e-3),
    training=Training(batch_size=64, eval_every=100),
    budget=Budget(steps_per_stage=5000),
)
"""A decoder on sums and differences of numbers with 1 to 3 digits, written as questions."""
