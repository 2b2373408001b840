"""Long time lags in real-valued sequences, by an LSTM."""

from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from curriculum.tasks import Adding, NoisyLatch

lstm_adding = Experiment(
    task=Adding(),
    model=Recurrent(cell="lstm", hidden_size=32),
    growth=Geometric(start=Stage(10), end=Stage(100), factor=1.5),
    criterion=Mastery(threshold=0.99),
    optimizer=Adam(learning_rate=5e-3),
    training=Training(batch_size=32, eval_every=50),
    budget=Budget(steps_per_stage=3000),
)
"""An LSTM on the adding problem: lengths 10 to 100."""

lstm_latch = lstm_adding.replace(
    task=NoisyLatch(),
    model=Recurrent(cell="lstm", hidden_size=8),
    optimizer=Adam(learning_rate=1e-2),
)
"""An LSTM on the noisy latch: lengths 10 to 100."""
