"""A run that is interrupted, or killed, and resumed ends as one that never was.

The exhaustive tests stop all experiments at many moments in both manners, and under both policies
of checkpoints; by default each pair of these is covered, at fewer moments.
"""

import itertools
import os
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    EACH_STEP,
    NEVER_WITHIN_A_VISIT,
    After,
    KilledHere,
    Wholes,
    events,
    kill_at,
    killed,
    run,
    same,
)
from recorded_events import kinds, of_kind, recorded
from stopped_experiments import (
    EXPERIMENTS,
    plain,
    widely_tuned,
)

from curriculum import (
    CheckpointPolicy,
    Experiment,
    Verdict,
)
from curriculum.plan import VisitReason
from curriculum.record import (
    Evaluated,
    Event,
    FinalEvaluated,
    History,
    RetentionMeasured,
    RunEnded,
    Store,
    TrainingEnded,
    TrialCompleted,
    TrialSelected,
    VisitEnded,
    VisitStarted,
)

Case = tuple[str, str, str]
POLICIES = {"each step": EACH_STEP, "between visits": NEVER_WITHIN_A_VISIT}
FACTORS = (tuple(EXPERIMENTS), ("interrupted", "killed"), tuple(POLICIES))
PRODUCT: list[Case] = list(itertools.product(*FACTORS))


def covering_pairs() -> list[Case]:
    """Each experiment is stopped in both manners, one under each policy; so any pair is covered."""

    def even(case: Case) -> bool:
        return sum(map(tuple.index, FACTORS, case)) % 2 == 0

    return list(filter(even, PRODUCT))


def pairs(cases: Iterable[Case]) -> set[object]:
    return {
        (*places, case[places[0]], case[places[1]])
        for case in cases
        for places in itertools.combinations(range(3), 2)
    }


def test_the_default_cases_cover_each_pair() -> None:
    assert pairs(covering_pairs()) == pairs(PRODUCT)
    assert len(covering_pairs()) == len(PRODUCT) // 2


def interrupt_repeatedly(
    experiment: Experiment, store: Path, counts: Iterator[int], checkpoints: CheckpointPolicy
) -> int:
    """Run to the end with interrupts after so many reads of the request; how many there were."""
    stops = 0
    while True:
        more = {"resume": stops > 0, "checkpoints": checkpoints}
        result = run(experiment, store, stop=After(next(counts)), **more)
        if result.status != "interrupted":
            return stops
        stops += 1
        assert stops < 200, "it makes no progress"


def longer_and_longer(first: float, factor: float) -> Iterator[int]:
    """Of a search only whole rounds are kept, so that a run must get to their ends at times."""
    while True:
        yield int(first)
        first *= factor


def kill_repeatedly(
    experiment: Experiment, store: Path, counts: Iterable[int], checkpoints: CheckpointPolicy
) -> None:
    """Run to the end with kills at records of these numbers."""
    for count in sorted(counts):
        with pytest.raises(KilledHere):
            run(experiment, store, listener=kill_at(count), resume=True, checkpoints=checkpoints)
        folder = Store(store).find("last")
        assert History.of(folder).status() == "killed"
        assert folder.stop_note() is None
    assert run(experiment, store, resume=True).status in ("reached", "stopped")


def check_stopped_run(
    case: Case, tiny: Experiment, store: Path, wholes: Wholes, *, factors: tuple[float, float]
) -> None:
    """A run that is stopped as that case says must end as one that is not.

    `factors` tell by how much each part of an interrupted run is longer than the one before,
    where it searches and where it doesn't.
    """
    name, manner, policy = case
    experiment, checkpoints = EXPERIMENTS[name](tiny), POLICIES[policy]
    whole = wholes(name, experiment)
    if manner == "interrupted":
        factor = factors[0] if experiment.tuning.is_on else factors[1]
        counts = longer_and_longer(2 if checkpoints == EACH_STEP else 3, factor)
        assert interrupt_repeatedly(experiment, store, counts, checkpoints) > 2
    else:
        total = len(recorded(whole))
        often = 4 if factors == FINE else 2
        kills = random.Random(total).sample(range(1, total), min(often, total - 1))
        kill_repeatedly(experiment, store, kills, checkpoints)
    assert len(Store(store).runs()) == 1
    assert same(store, whole)


FINE, COARSE = (1.7, 1.2), (2.4, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("case", covering_pairs(), ids="-".join)
def test_a_run_that_is_stopped_a_few_times_ends_as_one_that_is_not(
    case: Case, tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    check_stopped_run(case, tiny, store, wholes, factors=COARSE)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", PRODUCT, ids="-".join)
def test_a_run_that_is_stopped_many_times_ends_as_one_that_is_not(
    case: Case, tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    check_stopped_run(case, tiny, store, wholes, factors=FINE)


def test_the_experiments_are_what_they_are_meant_to_be(tiny: Experiment, wholes: Wholes) -> None:
    found = {
        name: recorded(wholes(name, EXPERIMENTS[name](tiny)))
        for name in ("tuned", "exhausted", "hopeless", "demoted", "words", "growing")
    }
    reasons = {event.reason for event in of_kind(VisitStarted, found["demoted"])}
    assert {VisitReason.HALF_STEP, VisitReason.DEMOTION} <= reasons
    for name in ("exhausted", "hopeless"):
        assert any(event.retuning for event in of_kind(VisitStarted, found[name]))
    for name in ("tuned", "growing"):
        assert of_kind(RunEnded, found[name])[0].status == "reached"
    trials = [event.trial for event in of_kind(TrialCompleted, found["tuned"])]
    assert any(trial.outcome == "mastered" for trial in trials)
    selections = of_kind(TrialSelected, found["hopeless"])
    assert {event.ending for event in selections} == {"all trials were tried"}
    verdicts = [event.verdict for event in of_kind(VisitEnded, found["words"])]
    assert verdicts == [Verdict.MASTERED, Verdict.EXHAUSTED]


def one_of_each_kind(events: Sequence[Event]) -> list[tuple[int, str]]:
    """Numbers of records, each with a policy: of each kind the first and the last."""
    places = {kind: place for place, kind in enumerate(kinds(events), 1)}
    first = {kind: len(events) - place for place, kind in enumerate(kinds(events[::-1]))}
    found = zip(POLICIES, (first, places), strict=True)
    return [(count, policy) for policy, counts in found for count in counts.values()]


def test_each_kind_of_record_is_covered_under_each_policy(tiny: Experiment, wholes: Wholes) -> None:
    whole = recorded(wholes("plain", plain(tiny)))
    covered = [(type(whole[count - 1]), policy) for count, policy in one_of_each_kind(whole)]
    in_visits = (VisitStarted, Evaluated, RetentionMeasured, VisitEnded)
    every = (*in_visits, TrainingEnded, FinalEvaluated, RunEnded)
    assert set(covered) == set(itertools.product(every, POLICIES))
    assert len(covered) == 14


def check_killed_run(
    tiny: Experiment, store: Path, wholes: Wholes, moments: Iterable[tuple[int, str]]
) -> None:
    """A run that is killed at the record of that number must end as one that is not."""
    experiment = plain(tiny)
    for count, policy in moments:
        place = store / f"{count} {policy}"
        folder = killed(experiment, place, count, checkpoints=POLICIES[policy])
        assert len(events(folder)) == count
        run(experiment, place, resume=True)
        assert same(place, wholes("plain", experiment))


def test_a_run_may_be_killed_after_any_kind_of_record(
    tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    whole = recorded(wholes("plain", plain(tiny)))
    check_killed_run(tiny, store, wholes, one_of_each_kind(whole))


@pytest.mark.exhaustive
@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_may_be_killed_after_any_record(
    tiny: Experiment, policy: str, store: Path, wholes: Wholes
) -> None:
    whole = recorded(wholes("plain", plain(tiny)))
    check_killed_run(tiny, store, wholes, [(n, policy) for n in range(1, len(whole) + 1)])


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fsync", "rename"])
@pytest.mark.parametrize(
    "counts", [range(0, 40, 13), pytest.param(range(40), marks=pytest.mark.exhaustive)]
)
def test_a_run_may_be_killed_as_it_writes_a_checkpoint(
    tiny: Experiment,
    store: Path,
    wholes: Wholes,
    monkeypatch: pytest.MonkeyPatch,
    *,
    call: str,
    counts: range,
) -> None:
    experiment = plain(tiny)
    whole, done = wholes("plain", experiment), getattr(os, call)
    run(experiment, store / "started", stop=After(2))
    for count in counts:
        left = iter(range(count))

        def dying(*given: Any, left: Iterator[int] = left, **more: Any) -> Any:
            if next(left, None) is None:
                raise KilledHere
            return done(*given, **more)

        copy = store / str(count)
        shutil.copytree(store / "started", copy)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, dying)
            try:
                run(experiment, copy, resume=True, checkpoints=EACH_STEP)
            except KilledHere:
                assert not Store(copy).find("last").is_running
        run(experiment, copy, resume=True)
        assert same(copy, whole)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [(1, 2, 1), pytest.param((2, 2, 3), marks=pytest.mark.exhaustive)])
def test_processes_change_nothing_in_a_run_that_is_resumed(
    tiny: Experiment, jobs: tuple[int, int, int], store: Path, wholes: Wholes
) -> None:
    experiment = widely_tuned(tiny)
    whole = recorded(wholes("widely tuned", experiment))
    assert run(experiment, store, stop=After(4), jobs=jobs[0]).status == "interrupted"
    with pytest.raises(KilledHere):
        run(experiment, store, listener=kill_at(len(whole) // 2), resume=True, jobs=jobs[1])
    assert len(recorded(store)) < len(whole)
    run(experiment, store, resume=True, jobs=jobs[2])
    assert same(store, wholes("widely tuned", experiment))
