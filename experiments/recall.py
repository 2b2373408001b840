"""BERT on associations: values of keys, and pointers."""

from curriculum import Adam, Arithmetic, Budget, Experiment, Explicit, Mastery, Stage, Training
from curriculum.models import Bert
from curriculum.tasks import AssociativeRecall, PointerChasing

bert_associative_recall = Experiment(
    task=AssociativeRecall(),
    model=Bert(hidden_size=64, layers=2, head_size=32, positions="sinusoidal"),
    growth=Explicit(lengths=(8, 16, 32, 32), vocab_sizes=(16, 16, 16, 32), levels=(1, 2, 4, 4)),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=1e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=3000),
)
"""BERT on multi-query associative recall: 1 pair in 8 symbols to 4 pairs in 32."""

bert_pointer_chasing = bert_associative_recall.replace(
    task=PointerChasing(),
    model=Bert(hidden_size=64, layers=3, head_size=32, positions="sinusoidal"),
    growth=Arithmetic(start=Stage(4, 8, 1), end=Stage(4, 8, 3)),
)
"""BERT on pointer chasing: 1 to 3 hops along 4 pointers."""
