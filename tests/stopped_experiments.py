"""Experiments of an instant that are stopped, killed and resumed: one of each kind."""

from dataclasses import replace
from typing import Any

from curriculum import (
    SGD,
    Adam,
    AdamW,
    Backtracking,
    Budget,
    Choices,
    Direct,
    Experiment,
    Explicit,
    LengthWarmup,
    Mastery,
    Portfolio,
    Rollback,
    Training,
    Tuning,
)
from curriculum.models import LanguageModel, Recurrent, Seq2Seq
from curriculum.tasks import HumanNumbers, Reverse


def plain(tiny: Experiment) -> Experiment:
    """Some 8 steps on each of three stages."""
    return tiny.replace(
        training=Training(eval_every=4), criterion=Mastery(threshold=1.0, min_steps=6)
    )


def tuned(tiny: Experiment, **settings: Any) -> Experiment:
    """One whose carried learning rate is hopeless."""
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8)
    return tiny.replace(
        growth=Explicit(lengths=(2, 3)),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=60),
        training=Training(eval_every=6),
        tuning=replace(tuning, **settings),
    )


def exhausted(tiny: Experiment) -> Experiment:
    return tuned(tiny, mode="exhausted")


def hopeless(tiny: Experiment) -> Experiment:
    """A search in which no trial masters the stage, its retune, and the end of the run."""
    one = tuned(tiny, trials=5)
    return one.replace(
        growth=Explicit(lengths=(40,)),
        budget=Budget(steps_per_stage=7),
        backtracking=Backtracking(fresh_starts=0),
    )


def widely_tuned(tiny: Experiment) -> Experiment:
    one = tuned(tiny, also=(Choices(setting="training.batch_size", values=(16, 64)),))
    return one.replace(tuning=replace(one.tuning, trials=4))


def words(tiny: Experiment, **changes: Any) -> Experiment:
    """A document that is read in order, by a state that is carried."""
    made = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net="lstm", hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(10, 20), vocab_sizes=(38, 38)),
        criterion=Mastery(
            threshold=0.15, target_threshold=0.9, metric="symbol_accuracy", min_steps=7
        ),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(batch_size=16, eval_every=5),
        budget=Budget(steps_per_stage=18),
        backtracking=Backtracking(half_steps=0, demotions=0, fresh_starts=0),
        name="words",
    )
    return made.replace(**changes)


def direct(tiny: Experiment) -> Experiment:
    return tiny.replace(
        growth=Explicit(lengths=(2, 3, 12)),
        pacing=Direct(),
        budget=Budget(steps=40),
        criterion=Mastery(threshold=1.0),
        training=Training(eval_every=6, schedule="one_cycle"),
    )


def direct_words(tiny: Experiment) -> Experiment:
    return words(tiny, pacing=Direct(), budget=Budget(steps=30))


def in_bfloat16(tiny: Experiment) -> Experiment:
    """Steps of so many tokens, in parts, under one schedule of the learning rate for the whole run."""
    return tiny.replace(
        optimizer=AdamW(learning_rate=2e-2, weight_decay=0.1, decayed="matrices"),
        training=Training(
            tokens_per_step=48,
            accumulate=2,
            precision="bf16",
            deterministic=True,
            schedule="cosine",
            schedule_over="run",
            eval_every=7,
        ),
        budget=Budget(tokens=6000),
    )


def continued(tiny: Experiment) -> Experiment:
    """One that trains on, once the target is mastered, until its tokens are used up."""
    return in_bfloat16(tiny).replace(
        growth=Explicit(lengths=(2, 3)), budget=Budget(until="limit", tokens=3000)
    )


def warmed_up(tiny: Experiment) -> Experiment:
    """One whose length grows by the clock, and that trains until its compute is used up."""
    return tiny.replace(
        growth=Explicit(lengths=(2, 3, 5)),
        pacing=LengthWarmup(),
        budget=Budget(until="limit", compute=4e9),
        training=Training(eval_every=6),
    )


def growing(tiny: Experiment) -> Experiment:
    """A model that gets symbols only as its stages need them."""
    return Experiment(
        task=Reverse(),
        model=Recurrent(cell="gru", hidden_size=12, embedding_size=6),
        growth=Explicit(lengths=(2, 2, 2), vocab_sizes=(2, 3, 4)),
        criterion=Mastery(threshold=0.4, metric="symbol_accuracy", min_steps=9),
        optimizer=Adam(learning_rate=2e-2),
        training=Training(eval_every=7),
        model_size="stage",
        budget=Budget(steps_per_stage=60),
        name="growing",
    )


def demoted(tiny: Experiment) -> Experiment:
    """One that takes a half step and a demotion, and ends before its target."""
    return tiny.replace(
        growth=Explicit(lengths=(2, 60)),
        budget=Budget(steps_per_stage=30),
        optimizer=Adam(learning_rate=2e-2),
        backtracking=Backtracking(consolidation_steps=9, fresh_starts=0),
        training=Training(eval_every=7),
    )


def begun_afresh(tiny: Experiment) -> Experiment:
    """One whose stages begin with fresh moments."""
    return plain(tiny).replace(training=Training(eval_every=4, optimizer_state="reset"))


def per_stage(tiny: Experiment) -> Experiment:
    """One whose stages have thresholds of their own."""
    criterion = Mastery(threshold=0.99, per_stage={2: 0.6, "3x2": 0.7}, min_steps=6)
    return plain(tiny).replace(criterion=criterion)


def drawing(tiny: Experiment) -> Experiment:
    """One that draws at random as it trains: what is dropped, and what the decoder is shown."""
    return Experiment(
        task=Reverse(),
        model=Seq2Seq(hidden_size=8, embedding_size=4, dropout=0.2, teacher_forcing=0.5),
        growth=Explicit(lengths=(2, 4), vocab_sizes=(3, 3)),
        criterion=Mastery(threshold=0.5, metric="symbol_accuracy", min_steps=8),
        optimizer=SGD(learning_rate=0.1, momentum=0.9),
        training=Training(eval_every=5, distinct_examples=64, batch_size=16),
        budget=Budget(steps_per_stage=20),
        backtracking=Backtracking(demotions=0, fresh_starts=0),
        name="drawing",
    )


def online(tiny: Experiment) -> Experiment:
    return tiny.replace(
        growth=Explicit(lengths=(2, 3)),
        training=Training(online=True, batch_size=4, eval_every=9),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=45),
    )


def unstable(tiny: Experiment) -> Experiment:
    """One whose screens differ so much that it goes back now and then, and starts afresh in the end."""
    return Experiment(
        task=Reverse(),
        model=Recurrent(cell="gru", hidden_size=6, embedding_size=4),
        growth=Explicit(lengths=(1, 2, 4), vocab_sizes=(2, 2, 6)),
        criterion=Mastery(threshold=0.8, screen=8),
        optimizer=Adam(learning_rate=5e-2),
        training=Training(eval_every=3),
        budget=Budget(steps_per_stage=60),
        backtracking=Backtracking(half_steps=0, demotions=0, fresh_starts=1, patience=24),
        rollback=Rollback(times=2, significance=0.35),
        name="unstable",
    )


def tuned_unstable(tiny: Experiment) -> Experiment:
    """The same with trials that go back."""
    one = unstable(tiny)
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=4)
    return one.replace(
        tuning=tuning,
        budget=Budget(steps_per_stage=20),
        backtracking=replace(one.backtracking, retunes=0),
    )


def raced(tiny: Experiment) -> Experiment:
    """One that races three arms, which all are trained: one of the gated ones wins."""
    return plain(tiny).replace(
        growth=Explicit(lengths=(2, 3, 12)),
        training=Training(eval_every=3),
        optimizer=Adam(learning_rate=1e-2),
        pacing=Portfolio(least_share=1.0),
    )


def raced_ahead(tiny: Experiment) -> Experiment:
    """A race that direct training wins, before it has mastered the first stage."""
    return Experiment(
        task=Reverse(),
        model=Recurrent(cell="gru", hidden_size=12, embedding_size=6),
        growth=Explicit(lengths=(2, 3), vocab_sizes=(2, 2)),
        criterion=Mastery(threshold=0.99, target_threshold=0.55, metric="symbol_accuracy"),
        optimizer=Adam(learning_rate=2e-2),
        training=Training(eval_every=4),
        pacing=Portfolio(arms=("direct", "gated"), least_share=1.0),
        budget=Budget(steps_per_stage=100),
        name="raced_ahead",
    )


def raced_in_vain(tiny: Experiment) -> Experiment:
    """A race whose budget is used up before any arm is at the target."""
    return raced(tiny).replace(
        growth=Explicit(lengths=(2, 60)), budget=Budget(steps_per_stage=100, steps=60)
    )


def raced_and_tuned(tiny: Experiment) -> Experiment:
    """A race in which each arm tries settings on each stage."""
    return tuned(tiny, trials=4).replace(
        growth=Explicit(lengths=(2, 12)),
        training=Training(eval_every=2),
        pacing=Portfolio(arms=("gated", "combined"), least_share=1.0),
    )


EXPERIMENTS = {
    "plain": plain,
    "tuned": tuned,
    "exhausted": exhausted,
    "hopeless": hopeless,
    "widely tuned": widely_tuned,
    "words": words,
    "direct": direct,
    "direct words": direct_words,
    "in bfloat16": in_bfloat16,
    "continued": continued,
    "warmed up": warmed_up,
    "growing": growing,
    "demoted": demoted,
    "begun afresh": begun_afresh,
    "per stage": per_stage,
    "drawing": drawing,
    "online": online,
    "unstable": unstable,
    "tuned unstable": tuned_unstable,
    "raced": raced,
    "raced ahead": raced_ahead,
    "raced in vain": raced_in_vain,
    "raced and tuned": raced_and_tuned,
}
