"""LSTMs on formal languages: counting, and brackets."""

from curriculum import Adam, Arithmetic, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from curriculum.tasks import AnBn, DyckMembership, DyckNextSymbol

lstm_anbn = Experiment(
    task=AnBn(),
    model=Recurrent(cell="lstm", hidden_size=10, embedding_size=4),
    growth=Geometric(start=Stage(2, 2), end=Stage(100, 2), factor=1.5),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=1e-2),
    training=Training(batch_size=32, eval_every=50),
    budget=Budget(steps_per_stage=3000),
)
"""An LSTM on a^n b^n: counts to 2, and on to 100."""

lstm_anbncn = lstm_anbn.replace(
    task=AnBn(symbols=3),
    growth=Geometric(start=Stage(2, 3), end=Stage(50, 3), factor=1.5),
)
"""An LSTM on a^n b^n c^n: counts to 2, and on to 50."""

lstm_dyck_membership = Experiment(
    task=DyckMembership(),
    model=Recurrent(cell="lstm", hidden_size=64, embedding_size=16),
    growth=Arithmetic(start=Stage(2, 4), end=Stage(32, 4), step=2),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=5e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=3000),
)
"""An LSTM on Dyck-2 membership: lengths 2 to 32."""

lstm_dyck_closing = lstm_dyck_membership.replace(
    task=DyckNextSymbol(predict="closing"),
    growth=Arithmetic(start=Stage(16, 4, 1), end=Stage(32, 4, 6), step=16, order="level_first"),
)
"""An LSTM on Dyck-2 words of length 16, then 32: predicts closing brackets, nested 1 to 6 deep."""

lstm_dyck_allowed = lstm_dyck_closing.replace(
    task=DyckNextSymbol(predict="sets"),
    growth=Arithmetic(start=Stage(2, 4), end=Stage(16, 4), step=2),
    criterion=Mastery(threshold=0.95, metric="allowed_sets"),
)
"""An LSTM on Dyck-2 words of length 2 to 16: predicts the sets of brackets that may come next."""
