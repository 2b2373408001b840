from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import CheckpointPolicy, UsageError
from curriculum.record import checkpoint_name
from curriculum.record.checkpoint_policy import CheckpointRole, superseded

END = CheckpointRole(None, None)
"""Of a visit that did not end in mastery, or within one that has no parent."""


def mastered(stage: str) -> CheckpointRole:
    return CheckpointRole(stage, None)


def within(parent: str) -> CheckpointRole:
    return CheckpointRole(None, parent)


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
        # within a visit, what it would go back to stays with it
        ({"000001": END, "000001-00000050": within("000001")}, 1, []),
        (
            {"000001": END, "000001-00000050": within("000001"), "000001-00000100": within("000001")},
            1,
            ["000001-00000050"],
        ),
        ({"000001": END, "000001-00000050": within("000001"), "000002": END}, 2, []),
        (
            {"000001": END, "000001-00000050": within("000001"), "000002": END, "000003": END},
            2,
            ["000001", "000001-00000050"],
        ),
        # the first visit goes back to a fresh learner
        ({"000000-00000050": END, "000000-00000100": END}, 1, ["000000-00000050"]),
    ],
)  # fmt: skip
def test_superseded_checkpoints_are_those_no_longer_needed(
    saved: dict[str, CheckpointRole], newest: int, gone: list[str]
) -> None:
    assert superseded(saved, newest) == gone


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, "2x2", "3x2"])), max_size=9),
    st.integers(1, 3),
)
def test_a_run_can_be_resumed_from_what_is_kept_whatever_its_course(
    places: list[tuple[bool, str | None]], newest: int
) -> None:
    saved: dict[str, CheckpointRole] = {}
    visits = 0
    for number, (inside, stage) in enumerate(places):
        if inside:
            parent = checkpoint_name(visits)
            saved[checkpoint_name(visits, number)] = CheckpointRole(
                None, parent if parent in saved else None
            )
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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every": -1.0}, "checkpoints.every must be at least 0, got -1.0"),
        ({"every": float("nan")}, "checkpoints.every must be at least 0, got nan"),
        ({"keep": 0}, "checkpoints.keep must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_errors(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CheckpointPolicy(**settings)


def test_checkpoints_may_be_saved_after_every_step_or_never_within_a_visit() -> None:
    assert CheckpointPolicy(every=0).every == 0
    assert CheckpointPolicy(every=float("inf")).keep == 2
