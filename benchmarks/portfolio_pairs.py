"""Tasks and models that a portfolio of strategies is measured on: shipped experiments, cut down.

Each is cut, by lengths, units and examples alone, until the cheapest of its strategies takes some
seconds of one core. Settings were chosen on seeds 0 to 2.
"""

from __future__ import annotations

from dataclasses import replace

from curriculum import (
    Arithmetic,
    Budget,
    Experiment,
    Explicit,
    Geometric,
    LossBelow,
    Mastery,
    Stage,
    Training,
    Tuning,
)
from curriculum.data import BYTES
from curriculum.experiments import (
    bert_reverse,
    context_free_languages,
    context_sensitive_languages,
    digits_series,
    first_bit,
    formal_languages,
    gru_addition,
    gru_subsequence,
    gru_subsequence_attention,
    human_numbers,
    long_time_lags,
    recall,
    regular_languages,
    stdlib_lm,
    text_labels,
)
from curriculum.models import Bert, HuggingFace, Recurrent, Seq2Seq
from curriculum.tasks import CopyMemory

ARMS = ("direct", "gated", "combined")
"""The strategies that are raced by default."""

SEEDS_CHOSEN_ON = (0, 1, 2)
SEEDS = tuple(range(100, 106))


def _sequences() -> dict[str, Experiment]:
    """Sequences that are turned into others."""
    return {
        "reverse_bert": bert_reverse.experiment.replace(
            model=Bert(hidden_size=64, layers=2, positions="sinusoidal"),
            growth=Geometric(start=Stage(5, 10), end=Stage(16, 32), factor=1.5),
            training=Training(eval_every=10),
            model_size="path",
        ),
        "reverse_far_bert": bert_reverse.experiment.replace(
            model=Bert(hidden_size=64, layers=2, positions="sinusoidal"),
            growth=Geometric(start=Stage(5, 10), end=Stage(40, 10), factor=1.5),
            training=Training(eval_every=10),
            model_size="path",
        ),
        "subsequence_gru": gru_subsequence.experiment.replace(
            model=Seq2Seq(hidden_size=64, embedding_size=64),
            growth=Arithmetic(start=Stage(4, 10), end=Stage(6, 10), step=1),
            training=Training(batch_size=64, eval_every=25),
        ),
        "subsequence_attention_gru": gru_subsequence_attention.experiment.replace(
            growth=Arithmetic(start=Stage(4, 10), end=Stage(8, 10), step=2),
            training=Training(batch_size=64, eval_every=25),
        ),
        "decimal_addition_gru": gru_addition.experiment.replace(
            model=Seq2Seq(hidden_size=64, embedding_size=32, attention="dot"),
            growth=Arithmetic(start=Stage(1, 10), end=Stage(2, 10)),
            training=Training(batch_size=64, eval_every=25),
        ),
        "binary_addition_gru": context_sensitive_languages.gru_binary_addition.replace(
            model=Seq2Seq(hidden_size=64, embedding_size=16, attention="dot"),
            growth=Arithmetic(start=Stage(3, 3), end=Stage(7, 3), step=1),
            training=Training(batch_size=64, eval_every=25),
        ),
        "bucket_sort_lstm": context_sensitive_languages.lstm_bucket_sort.replace(
            model=Recurrent(cell="lstm", hidden_size=64, embedding_size=8),
            growth=Geometric(start=Stage(2, 5), end=Stage(16, 5), factor=1.3),
            training=Training(batch_size=64, eval_every=25),
        ),
        "odds_first_lstm": context_sensitive_languages.lstm_odds_first.replace(
            model=Recurrent(cell="lstm", hidden_size=64, embedding_size=8),
            growth=Geometric(start=Stage(2), end=Stage(10), factor=1.3),
            training=Training(batch_size=64, eval_every=25),
        ),
        "reverse_lstm": context_free_languages.lstm_reverse.replace(
            model=Recurrent(cell="lstm", hidden_size=64, embedding_size=8),
            growth=Geometric(start=Stage(2), end=Stage(12), factor=1.3),
            training=Training(batch_size=64, eval_every=25),
        ),
        "reverse_stack_rnn": context_free_languages.stack_rnn_reverse.with_strategy(
            "gated"
        ).replace(
            growth=Geometric(start=Stage(2), end=Stage(16), factor=1.3),
            training=Training(batch_size=32, eval_every=10),
            budget=Budget(steps_per_stage=2000),
        ),
    }


def _long_inputs() -> dict[str, Experiment]:
    """Answers that hang on the whole of a long input."""
    return {
        "first_bit_lstm": first_bit.lstm_firstbit.replace(
            growth=Geometric(start=Stage(2), end=Stage(300), factor=1.5),
            training=Training(eval_every=10),
        ),
        "first_bit_gru": first_bit.gru_firstbit.replace(
            growth=Geometric(start=Stage(2), end=Stage(300), factor=1.5),
            training=Training(eval_every=10),
        ),
        "first_bit_rnn": first_bit.rnn_firstbit.replace(
            growth=Geometric(start=Stage(2), end=Stage(200), factor=1.5),
            training=Training(eval_every=20),
        ),
        "adding_lstm": long_time_lags.lstm_adding.replace(
            growth=Geometric(start=Stage(10), end=Stage(60), factor=1.5),
            criterion=Mastery(threshold=0.95),
            training=Training(batch_size=16, eval_every=50),
        ),
        "temporal_order_lstm": long_time_lags.lstm_temporal_order.replace(
            growth=Geometric(start=Stage(10, 8), end=Stage(60, 8), factor=1.5),
            criterion=Mastery(threshold=0.95),
            training=Training(batch_size=16, eval_every=10),
        ),
        "latch_lstm": long_time_lags.lstm_latch.replace(
            growth=Geometric(start=Stage(10), end=Stage(100), factor=1.5),
            training=Training(batch_size=32, eval_every=5),
        ),
        "copy_memory_lstm": long_time_lags.lstm_copy_memory.replace(
            task=CopyMemory(remembered=3),
            model=Recurrent(cell="lstm", hidden_size=48, embedding_size=16),
            growth=Geometric(start=Stage(1, 8), end=Stage(20, 8), factor=1.5),
            training=Training(batch_size=64, eval_every=25),
        ),
        "parity_rnn": regular_languages.rnn_parity.replace(
            training=Training(batch_size=64, eval_every=10)
        ),
        "even_pairs_rnn": regular_languages.rnn_even_pairs.replace(
            training=Training(batch_size=64, eval_every=10)
        ),
        "cycle_navigation_rnn": regular_languages.rnn_cycle_navigation.replace(
            model=Recurrent(
                cell="rnn", hidden_size=64, embedding_size=8, recurrent_init="orthogonal"
            ),
            growth=Geometric(start=Stage(1, 3), end=Stage(12, 3), factor=1.3),
            criterion=Mastery(threshold=0.95),
        ),
        "modular_arithmetic_lstm": regular_languages.lstm_modular_arithmetic.replace(
            growth=Arithmetic(start=Stage(1, 8), end=Stage(19, 8), step=2),
            training=Training(batch_size=64, eval_every=25),
        ),
    }


def _languages_and_recall() -> dict[str, Experiment]:
    """Formal languages, associations, and what people write."""
    return {
        "anbn_lstm": formal_languages.lstm_anbn.replace(
            growth=Geometric(start=Stage(2, 2), end=Stage(50, 2), factor=1.5),
            training=Training(batch_size=32, eval_every=10),
        ),
        "dyck_membership_lstm": formal_languages.lstm_dyck_membership.replace(
            growth=Arithmetic(start=Stage(2, 4), end=Stage(16, 4), step=2),
            training=Training(batch_size=64, eval_every=10),
        ),
        "dyck_closing_lstm": formal_languages.lstm_dyck_closing.replace(
            growth=Arithmetic(start=Stage(16, 4, 1), end=Stage(16, 4, 5)),
            training=Training(batch_size=64, eval_every=10),
        ),
        "recall_bert": recall.bert_associative_recall.replace(
            growth=Explicit(lengths=(8, 12, 16), vocab_sizes=(16,), levels=(1, 1, 2)),
            training=Training(batch_size=32, eval_every=25),
        ),
        "pointer_chasing_bert": recall.bert_pointer_chasing.replace(
            growth=Arithmetic(start=Stage(4, 8, 1), end=Stage(4, 8, 2)),
            training=Training(batch_size=32, eval_every=25),
        ),
        "human_numbers_gru": _constant(human_numbers.human_numbers_gru),
        "human_numbers_rnn": _constant(human_numbers.human_numbers_rnn),
        "digits_gru": digits_series.digits_series.replace(
            training=Training(batch_size=32, eval_every=10),
        ),
        "text_labels_convolution": text_labels.text_labels.replace(
            criterion=Mastery(threshold=0.65, per_stage={128: 0.6}),
            training=Training(batch_size=16, eval_every=10),
        ),
        "stdlib_llama": stdlib_lm.stdlib_lm.replace(
            model=HuggingFace(
                config=stdlib_lm.LLAMA
                | {"hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2}
            ),
            growth=Geometric(start=Stage(16, BYTES), end=Stage(128, BYTES), factor=2),
            criterion=LossBelow(
                unit="bits_per_byte", threshold=3.7, per_stage={16: 4.4, 32: 4.1, 64: 3.9}
            ),
            training=Training(tokens_per_step=1024, eval_every=20),
            budget=Budget(steps_per_stage=1000),
        ),
    }


def _constant(base: Experiment) -> Experiment:
    """The same at a constant learning rate, evaluated oftener."""
    return base.replace(
        training=replace(base.training, schedule="constant", eval_every=10),
        budget=Budget(steps_per_stage=2000),
    )


PAIRS = {
    name: pair.replace(name=name, tuning=Tuning(mode="off"))
    for name, pair in (_sequences() | _long_inputs() | _languages_and_recall()).items()
}
"""By name: a task, a model, and how it is trained."""

FURTHER: dict[str, tuple[str, ...]] = dict.fromkeys(PAIRS, ("look_back", "mixed", "mastering_rate"))
"""Strategies that are shown beside the arms, without a bar."""
