"""Runs to stop, to kill and to go on with, and what they leave on disk."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import curriculum
from curriculum import (
    SGD,
    Adam,
    Budget,
    Choices,
    Direct,
    Experiment,
    Explicit,
    Mastery,
    Result,
    Saving,
    Stop,
    Stuck,
    Training,
    Tuning,
)
from curriculum.learn.learner import weights_sha256
from curriculum.models import LanguageModel, Recurrent, Seq2Seq
from curriculum.record.journal import Record, read_journal
from curriculum.record.store import RunFolder, Store
from tasks import HumanNumbers, Reverse

NEVER_AMID_A_VISIT = Saving(every=float("inf"))


EACH_STEP = Saving(every=0)


def plain(tiny: Experiment) -> Experiment:
    """Some 8 steps on each of three stages."""
    return tiny.but(
        training=Training(look_every=4), criterion=Mastery(threshold=1.0, least_steps=6)
    )


def tuned(tiny: Experiment, **settings: Any) -> Experiment:
    """One whose carried learning rate is hopeless."""
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8)
    return tiny.but(
        growth=Explicit(lengths=(2, 3)),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=60),
        training=Training(look_every=6),
        tuning=replace(tuning, **settings),
    )


def stuck(tiny: Experiment) -> Experiment:
    return tuned(tiny, mode="stuck")


def hopeless(tiny: Experiment) -> Experiment:
    """A search that none of its trials ends, its retune, and an honest stop."""
    one = tuned(tiny, trials=5)
    return one.but(growth=Explicit(lengths=(40,)), budget=Budget(steps_per_stage=7))


def widely_tuned(tiny: Experiment) -> Experiment:
    one = tuned(tiny, also=(Choices(setting="training.batch_size", values=(16, 64)),))
    return one.but(tuning=replace(one.tuning, trials=4))


def words(tiny: Experiment, **changes: Any) -> Experiment:
    """A document that is read in order, by a state that is carried."""
    made = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net="lstm", hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(10, 20), vocab_sizes=(38, 38)),
        criterion=Mastery(
            threshold=0.15, target_threshold=0.9, metric="symbol_accuracy", least_steps=7
        ),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(batch_size=16, look_every=5),
        budget=Budget(steps_per_stage=18),
        stuck=Stuck(half_steps=0, demotions=0),
        name="words",
    )
    return made.but(**changes)


def direct(tiny: Experiment) -> Experiment:
    return tiny.but(
        growth=Explicit(lengths=(2, 3, 12)),
        pacing=Direct(),
        budget=Budget(steps=40),
        criterion=Mastery(threshold=1.0),
        training=Training(look_every=6, schedule="one_cycle"),
    )


def direct_words(tiny: Experiment) -> Experiment:
    return words(tiny, pacing=Direct(), budget=Budget(steps=30))


def growing(tiny: Experiment) -> Experiment:
    """A model that gets symbols only as its stages need them."""
    return Experiment(
        task=Reverse(),
        model=Recurrent(cell="gru", hidden_size=12, embedding_size=6),
        growth=Explicit(lengths=(2, 2, 2), vocab_sizes=(2, 3, 4)),
        criterion=Mastery(threshold=0.4, metric="symbol_accuracy", least_steps=9),
        optimizer=Adam(learning_rate=2e-2),
        training=Training(sized_for="stage", look_every=7),
        budget=Budget(steps_per_stage=60),
        name="growing",
    )


def demoted(tiny: Experiment) -> Experiment:
    """One that tries a half step and a demotion, and stops."""
    return tiny.but(
        growth=Explicit(lengths=(2, 60)),
        budget=Budget(steps_per_stage=30),
        optimizer=Adam(learning_rate=2e-2),
        stuck=Stuck(consolidation_steps=9),
        training=Training(look_every=7),
    )


def drawing(tiny: Experiment) -> Experiment:
    """One that draws at random as it trains: what is dropped, and what the decoder is shown."""
    return Experiment(
        task=Reverse(),
        model=Seq2Seq(hidden_size=8, embedding_size=4, dropout=0.2, teacher_forcing=0.5),
        growth=Explicit(lengths=(2, 4), vocab_sizes=(3, 3)),
        criterion=Mastery(threshold=0.5, metric="symbol_accuracy", least_steps=8),
        optimizer=SGD(learning_rate=0.1, momentum=0.9),
        training=Training(look_every=5, distinct_examples=64, batch_size=16),
        budget=Budget(steps_per_stage=20),
        stuck=Stuck(demotions=0),
        name="drawing",
    )


def online(tiny: Experiment) -> Experiment:
    return tiny.but(
        growth=Explicit(lengths=(2, 3)),
        training=Training(online=True, batch_size=4, look_every=9),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=45),
    )


EXPERIMENTS = {
    "plain": plain,
    "tuned": tuned,
    "stuck": stuck,
    "hopeless": hopeless,
    "widely tuned": widely_tuned,
    "words": words,
    "direct": direct,
    "direct words": direct_words,
    "growing": growing,
    "demoted": demoted,
    "drawing": drawing,
    "online": online,
}


class After(Stop):
    """Asks a run to stop once it has been looked at so often: before a step, or between visits."""

    def __init__(self, count: int) -> None:
        self._left = count
        super().__init__()

    @property
    def requested(self) -> bool:
        self._left -= 1
        return self._left < 0

    @requested.setter
    def requested(self, value: bool) -> None: ...


class KilledHere(BaseException):
    """Ends a run on the spot, as a kill would: nothing is saved or noted any more."""


def kill_at(count: int) -> Callable[[Record], None]:
    """A listener that kills the run once it has heard of so many records."""
    left = iter(range(count - 1))

    def listener(_: Record) -> None:
        if next(left, None) is None:
            raise KilledHere

    return listener


def run(experiment: Experiment, store: Path, **more: Any) -> Result:
    return curriculum.run(experiment, 1, store=store, mirror=False, **more)


def killed(experiment: Experiment, store: Path, count: int, **more: Any) -> RunFolder:
    with pytest.raises(KilledHere):
        run(experiment, store, listener=kill_at(count), **more)
    return Store(store).find("last")


def stopped_on_the_way(
    experiment: Experiment, store: Path, visit: int = 1, *, looks: int = 2, **more: Any
) -> RunFolder:
    """A run that was stopped at that look of a visit."""

    def tired(record: Record) -> None:
        if record["kind"] == "look" and record["visit"] == visit:
            heard.append(record)
        if len(heard) == looks:
            stop.request()

    heard: list[Record] = []
    stop = Stop()
    assert run(experiment, store, listener=tired, stop=stop, **more).status == "interrupted"
    return Store(store).find("last")


def told(folder: RunFolder) -> list[Record]:
    """What the journal holds, its clock apart."""
    return [
        {key: value for key, value in record.items() if key != "clock"}
        for record, _ in read_journal(folder.journal)
    ]


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
    }


def same(store: Path, whole: Path) -> bool:
    """Whether the last runs of two stores end the same: in records, weights and optimizer."""
    one, other = Store(store).find("last"), Store(whole).find("last")
    assert told(one) == told(other)
    for name in ("model.safetensors", "optimizer.safetensors"):
        ours, theirs = ((folder.saved[-1] / name).read_bytes() for folder in (one, other))
        assert ours == theirs
    loaded = weights_sha256(curriculum.load("last", store=store))
    return bool(loaded == told(other)[-1]["weights_sha256"])
