"""Long time lags: what came first has to be remembered to the end, by an LSTM."""

from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from curriculum.tasks import Adding, CopyMemory, NoisyLatch, TemporalOrder

lstm_adding = Experiment(
    task=Adding(),
    model=Recurrent(cell="lstm", hidden_size=32),
    growth=Geometric(start=Stage(10), end=Stage(100), factor=1.5),
    criterion=Mastery(threshold=0.99, target_threshold=0.998, examples=4096),
    optimizer=Adam(learning_rate=1e-2),
    training=Training(batch_size=16, eval_every=50),
    budget=Budget(steps_per_stage=6000),
)
"""An LSTM on the adding problem: lengths 10 to 100."""

lstm_adding_500 = lstm_adding.replace(growth=Geometric(start=Stage(10), end=Stage(500), factor=1.5))
"""The same to length 500."""

lstm_latch = lstm_adding.replace(
    task=NoisyLatch(),
    model=Recurrent(cell="lstm", hidden_size=8),
    criterion=Mastery(threshold=0.99),
    training=Training(batch_size=32, eval_every=50),
    budget=Budget(steps_per_stage=3000),
)
"""An LSTM on the noisy latch: lengths 10 to 100."""

lstm_temporal_order = Experiment(
    task=TemporalOrder(),
    model=Recurrent(cell="lstm", hidden_size=20, embedding_size=8),
    growth=Geometric(start=Stage(10, 8), end=Stage(100, 8), factor=1.5),
    criterion=Mastery(threshold=0.95, target_threshold=0.998, examples=4096),
    optimizer=Adam(learning_rate=1e-2),
    training=Training(batch_size=16, eval_every=25),
    budget=Budget(steps_per_stage=3000),
)
"""An LSTM on the order of two symbols: sequences of 10 to 100."""

lstm_temporal_order_3 = lstm_temporal_order.replace(task=TemporalOrder(relevant=3))
"""An LSTM on the order of three symbols: sequences of 10 to 100."""

lstm_copy_memory = Experiment(
    task=CopyMemory(remembered=5),
    model=Recurrent(cell="lstm", hidden_size=64, embedding_size=16),
    growth=Geometric(start=Stage(1, 8), end=Stage(100, 8), factor=1.5),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=5e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=3000),
)
"""An LSTM that copies five symbols after a delay: of 1 to 100."""
