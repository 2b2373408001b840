from typing import Any

import pytest

from curriculum.record.history import History
from curriculum.record.journal import Record
from curriculum.report.explain import explain
from curriculum.report.note import MOST_CHARACTERS, note
from curriculum.report.table import markdown_table

DESCRIPTION = {
    "id": "abcd1234",
    "experiment": "tiny",
    "seed": 3,
    "path": ["2x2", "9x2"],
    "strategy": "gated x current",
}


def visit(number: int, stage: str, entry: str = "step") -> dict[str, Any]:
    return {
        "kind": "visit",
        "visit": number,
        "stage": stage,
        "entry": entry,
        "retuning": False,
        "learning_rate": 0.01,
        "hidden_size": 20,
        "clock": {"time": 0.0, "seconds": 1.0 * number},
    }


def look(steps: int, reason: str) -> dict[str, Any]:
    return {
        "kind": "look",
        "loss": 0.5,
        "decision": {"reason": reason, "score": 0.5, "threshold": 1.0},
        "spent": {"steps": steps, "tokens": 10 * steps, "compute": 1.0 * steps},
        "lost": {"steps": 0, "tokens": 0, "compute": 0.0},
        "clock": {"time": 0.0, "seconds": 5.0},
    }


def verdict(what: str, reach: str | None, overrun: str | None = None) -> dict[str, Any]:
    return {
        "kind": "verdict",
        "verdict": what,
        "reach": reach,
        "overrun": overrun,
        "clock": {"time": 0.0, "seconds": 6.0},
    }


END = {
    "kind": "end",
    "status": "stopped",
    "ending": "the stage's 300 steps are used up",
    "weights_sha256": "00",
    "clock": {"time": 0.0, "seconds": 7.0},
}

RECORDS = [
    visit(0, "2x2"),
    look(0, "score 1 >= 1"),
    verdict("mastered", "2x2"),
    visit(1, "9x2"),
    look(300, "score 0.5 < 1"),
    verdict("exhausted", "2x2", "the stage's 300 steps are used up"),
    visit(2, "5x2", "half step"),
    look(301, "score 1 >= 1"),
    verdict("mastered", "2x2"),
    visit(3, "9x2", "return"),
    look(310, "score 0.7 < 1"),
]


def test_each_visit_is_a_sentence_with_its_numbers() -> None:
    assert list(explain(History(DESCRIPTION, [*RECORDS, END]))) == [
        "Run abcd1234: tiny, seed 3, 2 stages, gated x current",
        "Visit 0, length 2, vocabulary 2: mastered without a training step, since score 1 >= 1.",
        (
            "Visit 1, length 9, vocabulary 2: exhausted, not mastered, after 300 steps: the "
            "stage's 300 steps are used up, and the last look found score 0.5 < 1; the model "
            "went back to what it was."
        ),
        "Visit 2, length 5, vocabulary 2 (a half step): mastered after 1 step, since score 1 >= 1.",
        (
            "Visit 3, length 9, vocabulary 2 (back after a detour): left undecided after 9 steps; "
            "the last look found score 0.7 < 1."
        ),
        (
            "Stopped, since the stage's 300 steps are used up; reach: length 2, vocabulary 2; "
            "310 steps, 3,100 tokens, 5.0 s."
        ),
    ]


@pytest.mark.parametrize(("running", "word"), [(True, "Running"), (False, "Killed")])
def test_a_run_without_a_last_record_is_running_or_was_killed(running: bool, word: str) -> None:
    assert list(explain(History(DESCRIPTION, RECORDS), running=running))[-1].startswith(word)


def test_a_run_killed_before_its_first_look_can_be_explained() -> None:
    sentences = list(explain(History(DESCRIPTION, RECORDS[:1])))
    assert "no look was taken yet" in sentences[1]
    assert sentences[-1] == "Killed; no stage mastered; 0 steps, 0 tokens, 0.0 s."


def test_the_table_has_a_line_for_each_visit() -> None:
    lines = markdown_table(History(DESCRIPTION, [*RECORDS, END]).result()).splitlines()
    assert lines[0] == "| length | vocab | verdict | steps | tokens | seconds | rate | hidden |"
    assert lines[3] == "| 9 | 2 | exhausted | 300 | 3,000 | 4.00 | 0.01 | 20 |"
    assert len(lines) == 2 + 4


def test_a_note_keeps_within_what_mlflow_holds() -> None:
    many = [part for number in range(900) for part in (visit(number, "2x2"), look(number, "x"))]
    text = note(History(DESCRIPTION, [*many, END]))
    assert len(text) < MOST_CHARACTERS + 200 < 8000
    assert "curriculum explain abcd1234" in text


def searched(outcome: str, *, mastered: bool, lost: int = 30) -> list[dict[str, Any]]:
    """A visit with a search of two trials, of which trial 1 is chosen, or none."""
    clock = {"clock": {"time": 0.0, "seconds": 4.0}}
    spent = {"steps": 20, "tokens": 200, "compute": 20.0}
    rest = {"steps": lost, "tokens": 10 * lost, "compute": 1.0 * lost}
    looks = [
        {"kind": "advance", "trial": 0, "spent": rest, "score": 0.5, "mastered": False} | clock,
        {"kind": "advance", "trial": 1, "spent": spent, "score": 0.9, "mastered": mastered} | clock,
    ]
    choice = {"kind": "choice", "trial": 1, "learning_rate": 0.03, "hidden_size": 28}
    after = look(20, "exact_match 1 >= 1 on every one of 3 inputs")
    after |= {"lost": {"steps": lost, "tokens": 10 * lost, "compute": 1.0 * lost}}
    return [
        visit(0, "2x2"),
        look(0, "exact_match 0.5 < 1 on every one of 3 inputs"),
        *looks[0 if lost else 1 :],
        choice | {"won": spent, "lost": rest} | clock,
        after,
        verdict(outcome, "2x2" if outcome == "mastered" else None, "20 steps are used up"),
    ]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            searched("mastered", mastered=True),
            (
                "mastered after 20 steps at learning rate 0.03 and hidden size 28, the first to master "
                "of 2 trials (the rest took 60% of the visit's compute), since"
            ),
        ),
        (
            searched("mastered", mastered=True, lost=0),
            (
                "mastered after 20 steps at learning rate 0.03 and hidden size 28, with its first "
                "trial, since"
            ),
        ),
        (
            searched("exhausted", mastered=False),
            (
                "exhausted, not mastered, after 20 steps at learning rate 0.03 and hidden size 28, "
                "the best of 2 trials (the rest took 60% of the visit's compute): 20 steps are used"
            ),
        ),
        (searched("mastered", mastered=True)[:3], "after 0 steps, amid a search of 1 trial so far"),
    ],
)
def test_a_search_is_accounted_for(records: list[dict[str, Any]], said: str) -> None:
    sentences = list(explain(History(DESCRIPTION, records)))
    assert said in sentences[1]
    if len(records) > 3 and "first trial" not in said:
        assert sentences[-1].endswith("losing trials took 60% of the compute.")


def test_a_retuned_visit_says_so() -> None:
    records = [visit(0, "2x2") | {"retuning": True}]
    assert (
        "length 2, vocabulary 2 (tried again, with more trials): "
        in list(explain(History(DESCRIPTION, records)))[1]
    )


def test_a_table_counts_trials_where_there_were_any() -> None:
    assert "trials" not in markdown_table(History(DESCRIPTION, RECORDS).result())
    row = markdown_table(History(DESCRIPTION, searched("mastered", mastered=True)).result())
    assert row.splitlines()[0].endswith("| trials | lost |")
    assert row.splitlines()[2].endswith("| 0.03 | 28 | 2 | 60% |")


def retest(stage: str, *, cleared: bool, beyond: bool = False) -> Record:
    return {
        "kind": "retest",
        "stage": stage,
        "beyond": beyond,
        "score": 1.0 if cleared else 0.5,
        "examples": 512,
        "cleared": cleared,
        "reason": "score",
        "clock": {"time": 9.0, "seconds": 9.0},
    }


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        (
            [("2x2", True, False), ("9x2", True, False)],
            "holds all 2 stages, and masters lengths up to 9",
        ),
        ([("2x2", True, False), ("9x2", False, False)], "holds 1 of 2 stages, all up to length 2,"),
        ([("2x2", False, False), ("9x2", True, False)], "holds 1 of 2 stages, not even the first"),
        (
            [("2x2", True, False), ("20x2", True, True), ("40x2", False, True)],
            "holds its stage, and masters lengths up to 20 (it was trained on lengths up to 0).",
        ),
    ],
)
def test_what_the_final_model_still_does_is_said(
    findings: list[tuple[str, bool, bool]], said: str
) -> None:
    found = [retest(stage, cleared=ok, beyond=beyond) for stage, ok, beyond in findings]
    sentence = list(explain(History(DESCRIPTION, [*RECORDS, *found, END])))[-1]
    assert f"5.0 s. Tested again, the final model {said}" in sentence
