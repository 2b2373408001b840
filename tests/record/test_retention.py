import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Saving, UsageError
from curriculum.record.retention import Kept, superseded
from curriculum.record.store import checkpoint_name

END = Kept(None, None)  # of a visit that did not end in mastery, or amid training without a parent


def mastered(stage: str) -> Kept:
    return Kept(stage, None)


def amid(parent: str) -> Kept:
    return Kept(None, parent)


@pytest.mark.parametrize(
    ("saved", "newest", "gone"),
    [
        ({}, 2, []),
        ({"000001": END}, 1, []),
        ({"000001": END, "000002": END, "000003": END}, 1, ["000001", "000002"]),
        ({"000001": END, "000002": END, "000003": END}, 2, ["000001"]),
        ({"000001": END, "000002": END, "000003": END}, 9, []),
        # one of each mastered stage stays, the latest
        ({"000001": mastered("2x2"), "000002": mastered("3x2"), "000003": END}, 1, []),
        ({"000001": mastered("2x2"), "000002": END, "000003": mastered("2x2")}, 1, ["000001", "000002"]),
        ({"000001": mastered("2x2"), "000002": mastered("2x2"), "000003": END}, 1, ["000001"]),
        # amid a visit, what it would go back to stays with it
        ({"000001": END, "000001-00000050": amid("000001")}, 1, []),
        (
            {"000001": END, "000001-00000050": amid("000001"), "000001-00000100": amid("000001")},
            1,
            ["000001-00000050"],
        ),
        ({"000001": END, "000001-00000050": amid("000001"), "000002": END}, 2, []),
        (
            {"000001": END, "000001-00000050": amid("000001"), "000002": END, "000003": END},
            2,
            ["000001", "000001-00000050"],
        ),
        # the first visit goes back to a fresh learner
        ({"000000-00000050": END, "000000-00000100": END}, 1, ["000000-00000050"]),
    ],
)  # fmt: skip
def test_what_is_no_longer_needed(saved: dict[str, Kept], newest: int, gone: list[str]) -> None:
    assert superseded(saved, newest) == gone


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, "2x2", "3x2"])), max_size=9),
    st.integers(1, 3),
)
def test_however_a_run_goes_it_can_go_on_from_what_is_kept(
    places: list[tuple[bool, str | None]], newest: int
) -> None:
    saved: dict[str, Kept] = {}
    visits = 0
    for number, (inside, stage) in enumerate(places):
        if inside:
            parent = checkpoint_name(visits)
            saved[checkpoint_name(visits, number)] = Kept(None, parent if parent in saved else None)
        else:
            visits += 1
            saved[checkpoint_name(visits)] = mastered(stage) if stage else END
        before = dict(saved)
        for name in superseded(saved, newest):
            del saved[name]
        assert max(before) in saved
        assert sorted(before)[-newest:] == sorted(saved)[-newest:]
        assert all(kept.parent in (None, *saved) for kept in saved.values())
        assert {kept.mastered for kept in before.values()} <= {
            None, *(kept.mastered for kept in saved.values())
        }  # fmt: skip
        assert superseded(saved, newest) == []


def test_what_is_kept_of_a_state_is_read_from_it() -> None:
    state = {"mastered": "3x2", "parent": None, "visits": 3}
    assert Kept.of_state(state) == Kept("3x2", None)
    for wrong in ({"mastered": ["3x2"]}, {"parent": 3}):
        with pytest.raises(TypeError):
            Kept.of_state(state | wrong)
    with pytest.raises(KeyError):
        Kept.of_state({"mastered": None})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"every": -1.0}, "from 0 up, got -1.0"),
        ({"every": float("nan")}, "from 0 up, got nan"),
        ({"keep": 0}, "at least 1 checkpoint must be kept, got 0"),
    ],
)
def test_settings_that_could_not_be_obeyed_are_errors(
    settings: dict[str, float], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Saving(**settings)  # type: ignore[arg-type]


def test_it_may_be_saved_after_every_step_or_never_amid_a_visit() -> None:
    assert Saving(every=0).every == 0
    assert Saving(every=float("inf")).keep == 2
