"""Races of a portfolio's arms: which arm wins, what the run then is, and that nothing but the race decides."""

import shutil
from pathlib import Path

import pytest
from interrupted_runs import (
    After,
    Wholes,
    events,
    interrupted_at,
    run,
    same,
)
from recorded_events import of_kind, recorded
from stopped_experiments import (
    EXPERIMENTS,
    raced,
)

import curriculum
from curriculum import Experiment, UsageError
from curriculum.config import arms_of
from curriculum.plan import Race, Verdict
from curriculum.record import (
    ArmEvaluated,
    ArmSelected,
    Evaluated,
    Event,
    FavouritesChanged,
    History,
    RaceStarted,
    RunEnded,
    RunOverview,
    Store,
    UnexpectedFileType,
    VisitEnded,
    VisitStarted,
)

RACED = ("raced", "raced ahead", "raced in vain", "raced and tuned")
RACE_EVENTS = (RaceStarted, ArmEvaluated, FavouritesChanged, ArmSelected)


def selection(events: list[Event]) -> ArmSelected:
    (found,) = of_kind(ArmSelected, events)
    return found


def test_several_arms_are_trained_and_one_is_the_runs(tiny: Experiment, wholes: Wholes) -> None:
    """Or else the tests below could not fail."""
    for name, winner, mastered in (
        ("raced", "gated", True),
        ("raced ahead", "direct", True),
        ("raced in vain", "combined", False),
        ("raced and tuned", "gated", True),
    ):
        found = recorded(wholes(name, EXPERIMENTS[name](tiny)))
        trained = {event.arm for event in of_kind(ArmEvaluated, found) if event.cost.steps}
        assert len(trained) > 1
        assert (selection(found).arm, selection(found).mastered) == (winner, mastered)


@pytest.mark.parametrize("name", RACED)
def test_a_race_comes_first_and_then_the_record_of_its_winner(
    tiny: Experiment, wholes: Wholes, name: str
) -> None:
    found = recorded(wholes(name, EXPERIMENTS[name](tiny)))
    place = found.index(selection(found))
    assert all(isinstance(event, RACE_EVENTS) for event in found[: place + 1])
    assert not any(isinstance(event, RACE_EVENTS) for event in found[place + 1 :])
    assert isinstance(found[place + 1], VisitStarted)


@pytest.mark.parametrize("name", ["raced", "raced ahead"])
def test_the_winner_is_what_its_strategy_makes_of_the_experiment_alone(
    tiny: Experiment, store: Path, wholes: Wholes, name: str
) -> None:
    experiment = EXPERIMENTS[name](tiny)
    whole = recorded(wholes(name, experiment))
    chosen = selection(whole)
    run(arms_of(experiment)[chosen.arm], store)
    alone = recorded(store)
    ours, theirs = of_kind(Evaluated, whole), of_kind(Evaluated, alone)
    assert len(ours) > 1
    assert ours == theirs[: len(ours)]  # alone it trains on, where stages below the target are left
    assert (
        of_kind(VisitStarted, whole)
        == of_kind(VisitStarted, alone)[: len(of_kind(VisitStarted, whole))]
    )
    assert chosen.cost.compute == (ours[-1].cost + ours[-1].discarded_cost).compute
    if name == "raced":
        assert of_kind(VisitEnded, whole) == of_kind(VisitEnded, alone)


@pytest.mark.parametrize("name", ["raced ahead", "raced in vain"])
def test_a_visit_that_could_go_on_is_ended_and_not_exhausted(
    tiny: Experiment, wholes: Wholes, name: str
) -> None:
    *_, last = of_kind(VisitEnded, recorded(wholes(name, EXPERIMENTS[name](tiny))))
    assert last.verdict is Verdict.ENDED
    assert (last.limit_reached or "").startswith("the race is over: ")


@pytest.mark.parametrize("place", ["arms", "arms/direct"])
def test_nothing_is_written_where_a_link_in_the_place_of_an_arm_leads(
    tiny: Experiment, store: Path, tmp_path: Path, place: str
) -> None:
    run(raced(tiny), store, stop=After(12))
    folder = Store(store).find("last").path
    elsewhere = tmp_path / "elsewhere"
    shutil.move(folder / place, elsewhere)
    (folder / place).symlink_to(elsewhere)
    before = sorted((path, path.stat().st_mtime_ns) for path in elsewhere.rglob("*"))
    with pytest.raises(UnexpectedFileType):
        curriculum.resume("last", store=store, mirror=False)
    assert sorted((path, path.stat().st_mtime_ns) for path in elsewhere.rglob("*")) == before


@pytest.mark.parametrize("name", RACED)
def test_the_run_costs_what_all_arms_do(tiny: Experiment, wholes: Wholes, name: str) -> None:
    folder = Store(wholes(name, EXPERIMENTS[name](tiny))).find("last")
    history = History.of(folder)
    chosen = selection(events(folder))
    last = {event.arm: event.cost for event in of_kind(ArmEvaluated, events(folder))}
    assert history.total_cost.compute >= sum(cost.compute for cost in last.values())
    assert history.total_cost.steps == sum(cost.steps for cost in last.values())
    assert history.cost.steps + history.discarded_cost.steps == chosen.cost.steps
    (end,) = of_kind(RunEnded, events(folder))
    assert end.steps == history.total_cost.steps
    mastered = RunOverview.of(folder).totals.mastered
    if chosen.mastered:
        assert mastered[history.description.path[-1]].steps == end.steps


@pytest.mark.parametrize(
    "name",
    [
        "raced",
        pytest.param("raced ahead", marks=pytest.mark.exhaustive),
        "raced in vain",
        pytest.param("raced and tuned", marks=pytest.mark.exhaustive),
    ],
)
def test_several_processes_give_the_same_run(
    tiny: Experiment, store: Path, wholes: Wholes, name: str
) -> None:
    """Also where an arm was an evaluation ahead when the budget of all was used up, and is taken back."""
    experiment = EXPERIMENTS[name](tiny)
    run(experiment, store, jobs=3)
    assert same(store, wholes(name, experiment))


@pytest.mark.parametrize("jobs", [(2, 1), (1, 3)])
def test_a_race_that_is_interrupted_goes_on_with_another_number_of_processes(
    tiny: Experiment, store: Path, wholes: Wholes, jobs: tuple[int, int]
) -> None:
    experiment = raced(tiny)
    first = interrupted_at(
        experiment,
        store,
        lambda entry: isinstance(entry.event, ArmEvaluated) and entry.event.cost.steps > 12,
        jobs=jobs[0],
        seed=1,
    )
    assert first.status == "interrupted"
    assert curriculum.resume("last", store=store, mirror=False, jobs=jobs[1]).status == "reached"
    assert same(store, wholes("raced", experiment))


def test_of_a_race_that_is_over_arms_keep_their_journals_alone(
    tiny: Experiment, wholes: Wholes
) -> None:
    folder = Store(wholes("raced", raced(tiny))).find("last")
    for name in arms_of(raced(tiny)):
        assert folder.arm(name).journal.is_file()
        assert not folder.arm(name).checkpoints.exists()
        assert folder.arm(name).description().strategy == name


def test_a_run_whose_arms_are_amid_a_race_has_no_stage_yet(tiny: Experiment, store: Path) -> None:
    assert run(raced(tiny), store, stop=After(12)).status == "interrupted"
    history = History.of(Store(store).find("last"))
    assert history.visits == []
    assert history.reach is None
    assert history.total_cost.steps > 0


def test_a_race_is_not_forced_to_go_on_as_another(tiny: Experiment, store: Path) -> None:
    run(raced(tiny), store, stop=After(12))
    changed = raced(tiny).replace(optimizer=curriculum.Adam(learning_rate=2e-2))
    with pytest.raises(UsageError, match="amid a race"):
        curriculum.resume("last", store=store, mirror=False, experiment=changed, force=True)


def test_with_equal_shares_the_arm_that_has_cost_least_is_trained_next() -> None:
    race = Race([1.0, 1.0, 1.0], least_share=1.0)
    order = []
    for _ in range(60):
        assert race.next is not None
        arm = race.next
        order.append(arm)
        race.observe(arm, curriculum.plan.ArmReport(compute=race.compute_of(arm) + 1))
    assert {order.count(arm) for arm in range(3)} == {20}
