"""Human numbers by six language models."""

from dataclasses import replace

from curriculum import AdamW, Budget, Direct, Experiment, Explicit, Mastery, Training, Tuning
from curriculum.models import LanguageModel
from curriculum.tasks import HumanNumbers

RECIPES = {
    ("unrolled", False): (6, 261, 1e-4),
    ("loop", False): (6, 261, 1e-4),
    ("every_word", False): (10, 40, 1e-4),
    ("every_word", True): (20, 40, 3e-3),
    ("rnn", True): (20, 40, 3e-3),
    ("gru", True): (10, 40, 1e-2),
}
"""By network, and whether it carries its state: the notebook's epochs, their steps, and rate."""


def _experiment(
    model: LanguageModel,
    thresholds: tuple[float, float],
    *,
    learning_rate: float,
    steps: int = 400,
    task: HumanNumbers | None = None,
) -> Experiment:
    """One on every vocabulary, with the thresholds on the way and at the end, and the steps of a stage."""
    task = task or HumanNumbers()
    metric = "exact_match" if task.predict == "last" else "symbol_accuracy"
    return Experiment(
        task=task,
        model=model,
        growth=Explicit(
            lengths=(3 if task.predict == "last" else 20,), vocab_sizes=(19, 29, 37, 38, 39)
        ),
        criterion=Mastery(threshold=thresholds[0], target_threshold=thresholds[1], metric=metric),
        optimizer=AdamW(learning_rate=learning_rate, betas=(0.9, 0.99)),
        training=Training(batch_size=64, eval_every=20, schedule="one_cycle"),
        budget=Budget(steps_per_stage=steps),
        tuning=Tuning(mode="exhausted", trials=8),
    )


human_numbers_unrolled = _experiment(
    LanguageModel(net="unrolled"),
    (0.38, 0.35),
    learning_rate=1e-3,
    steps=800,
    task=HumanNumbers(predict="last"),
)
"""A network unrolled for three words on human numbers: predicts the fourth."""

human_numbers_loop = _experiment(
    LanguageModel(net="loop"),
    (0.4, 0.45),
    learning_rate=1e-3,
    steps=800,
    task=HumanNumbers(predict="last"),
)
"""A network in a loop on human numbers: predicts the word after three."""

human_numbers_every_word = _experiment(
    LanguageModel(net="every_word"), (0.4, 0.4), learning_rate=3e-3
)
"""A network in a loop on human numbers: predicts the next word after every word."""

human_numbers_stateful = _experiment(
    LanguageModel(net="every_word", carries_state=True),
    (0.42, 0.55),
    learning_rate=3e-3,
    steps=800,
)
"""A network in a loop on human numbers, its state carried from batch to batch."""

human_numbers_rnn = _experiment(
    LanguageModel(net="rnn", carries_state=True), (0.42, 0.58), learning_rate=3e-3, steps=800
)
"""An RNN on human numbers, its state carried from batch to batch."""

human_numbers_gru = _experiment(
    LanguageModel(net="gru", layers=2, carries_state=True), (0.45, 0.83), learning_rate=1e-2
)
"""A two-layer GRU on human numbers, its state carried from batch to batch."""


def direct(base: Experiment) -> Experiment:
    """The numbers to 9,999 from the start, without a curriculum."""
    return base.replace(
        pacing=Direct(),
        growth=Explicit(lengths=(base.growth.path()[0].length,), vocab_sizes=(39,)),
        budget=Budget(steps=2 * base.budget.steps_per_stage),
        tuning=Tuning(mode="off"),
    )


def seed(base: Experiment) -> Experiment:
    """The original notebook's learning rate and epochs; evaluated every epoch."""
    model, criterion = base.model, base.criterion
    assert isinstance(model, LanguageModel)
    assert isinstance(criterion, Mastery)
    assert criterion.target_threshold is not None
    epochs, epoch, rate = RECIPES[model.net, model.carries_state]
    training = Training(batch_size=64, clip_norm=None, eval_every=epoch, schedule="one_cycle")
    if not model.carries_state and model.net == "every_word":
        training = replace(training, warmup=0.1)
    return direct(base).replace(
        criterion=Mastery(
            threshold=criterion.target_threshold, metric=criterion.metric, min_steps=epochs * epoch
        ),
        optimizer=AdamW(learning_rate=rate, betas=(0.9, 0.99)),
        training=training,
        budget=Budget(steps=epochs * epoch),
    )
