"""Sentences, tables and notes from a run's journal, on journals made by hand."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from journals_by_hand import (
    cost_of,
    describe,
    evaluated,
    history,
    rolled_back,
    run_ended,
    visit_ended,
    visit_started,
)

from curriculum import Stage, Verdict
from curriculum.plan import VisitReason
from curriculum.record import (
    Event,
    FinalEvaluated,
    TrialEvaluated,
    TrialReport,
    TrialSelected,
)
from curriculum.report import explain_run, markdown_note
from curriculum.report.note import MOST_CHARACTERS
from curriculum.report.tables import SPACE, stage_table_markdown

TWO, FIVE, NINE = Stage(2), Stage(5), Stage(9)
DESCRIPTION = describe(experiment="tiny", path=(TWO, NINE), strategy="gated x current")
MASTERED, EXHAUSTED = Verdict.MASTERED, Verdict.EXHAUSTED
LIMIT = "the stage's 300 steps are used up"

Events = Sequence[tuple[float, Event]]


def evaluation(stage: Stage, steps: int, reason: str) -> tuple[float, Event]:
    return 5.0, evaluated(0, stage, cost_of(steps), reason)


END = (7.0, run_ended(LIMIT))
EVENTS: Events = [
    (0.0, visit_started(0, TWO)),
    evaluation(TWO, 0, "score 1 >= 1"),
    (6.0, visit_ended(0, TWO, MASTERED, TWO)),
    (1.0, visit_started(1, NINE)),
    evaluation(NINE, 300, "score 0.5 < 1"),
    (6.0, visit_ended(1, NINE, EXHAUSTED, TWO, LIMIT)),
    (2.0, visit_started(2, FIVE, VisitReason.HALF_STEP)),
    evaluation(FIVE, 301, "score 1 >= 1"),
    (6.0, visit_ended(2, FIVE, MASTERED, TWO)),
    (3.0, visit_started(3, NINE, VisitReason.RETURN)),
    evaluation(NINE, 310, "score 0.7 < 1"),
]


def explained(events: Events, *, running: bool = False) -> list[str]:
    return list(explain_run(history(DESCRIPTION, events), running=running))


def test_each_visit_is_a_sentence_with_its_numbers() -> None:
    assert explained([*EVENTS, END]) == [
        "Run abcd1234: tiny, seed 3, 2 stages, strategy gated x current",
        "Visit 0, length 2, vocabulary 2: already mastered (no training needed): score 1 >= 1.",
        (
            "Visit 1, length 9, vocabulary 2: exhausted after 300 steps: the stage's 300 steps "
            "are used up; last evaluation: score 0.5 < 1; the model went back to what it was "
            "before the visit."
        ),
        "Visit 2, length 5, vocabulary 2 (half step): mastered after 1 step: score 1 >= 1.",
        (
            "Visit 3, length 9, vocabulary 2 (return): not decided yet after 9 steps; last "
            "evaluation: score 0.7 < 1."
        ),
        (
            "Stopped (the stage's 300 steps are used up); reach: length 2, vocabulary 2; "
            "310 steps, 3,100 tokens, 5.0 s."
        ),
    ]


def test_rollbacks_a_fresh_start_and_the_model_that_the_run_ends_with_are_told() -> None:
    events: Events = [
        *EVENTS[:4],
        evaluation(NINE, 50, "score 0.5 < 1"),
        (5.0, rolled_back(1, 1, 50, 0.5)),
        evaluation(NINE, 1300, "score 0.5 < 1"),
        (5.0, rolled_back(1, 2, 1300, None)),
        (6.0, visit_ended(1, NINE, EXHAUSTED, TWO, LIMIT)),
        (7.0, visit_started(2, TWO, VisitReason.FRESH_START)),
        evaluation(TWO, 1310, "score 0.2 < 1"),
        (8.0, replace(visit_ended(2, TWO, EXHAUSTED, TWO, LIMIT), restored=0)),
    ]
    _, _, second, third, _ = explained(events)
    assert second.startswith(
        "Visit 1, length 9, vocabulary 2: exhausted after 1,300 steps and 2 rollbacks (from 0.5 to "
        "0.9 of step 40, from a loss that was not finite to 0.9 of step 1,290; learning rate "
        "0.00111 since): "
    )
    assert third.startswith(
        "Visit 2, length 2, vocabulary 2 (fresh start): exhausted after 10 steps"
    )
    assert third.endswith("; the run ends with the model of visit 0, which got farthest.")


@pytest.mark.parametrize(("running", "word"), [(True, "Running"), (False, "Killed")])
def test_a_run_without_its_last_record_is_running_or_was_killed(running: bool, word: str) -> None:
    assert explained(EVENTS, running=running)[-1].startswith(word)


def test_a_run_killed_before_its_first_evaluation_can_be_explained() -> None:
    sentences = explained(EVENTS[:1])
    assert sentences[1] == "Visit 0, length 2, vocabulary 2: not evaluated yet."
    assert sentences[-1] == "Killed; no stage mastered; 0 steps, 0 tokens, 0.0 s."


def table(events: Events) -> list[str]:
    text = stage_table_markdown(history(DESCRIPTION, events).result())
    return text.replace(SPACE, "").splitlines()


def test_the_table_has_a_row_for_each_visit() -> None:
    lines = table([*EVENTS, END])
    assert lines[0] == "| length | vocab | verdict | steps | tokens | seconds | rate | hidden |"
    assert lines[3] == "| 9 | 2 | exhausted | 300 | 3,000 | 4.00 | 0.01 | 20 |"
    assert len(lines) == 2 + 4


def test_a_note_is_cut_to_what_mlflow_holds() -> None:
    many: list[tuple[float, Event]] = []
    for number in range(900):
        many += [(1.0 * number, visit_started(number, TWO)), evaluation(TWO, number, "x")]
    text = markdown_note(history(DESCRIPTION, [*many, END]))
    assert len(text) < MOST_CHARACTERS + 200 < 8000
    assert "curriculum explain abcd1234" in text


def searched(verdict: Verdict, *, mastered: bool, discarded: int = 30) -> Events:
    """A visit with a search of two trials, of which trial 1 is selected; or of that one alone."""
    cost, rest = cost_of(20), cost_of(discarded)
    reports = [
        TrialReport(trial=0, cost=rest, loss=0.5, score=0.5),
        TrialReport(trial=1, cost=cost, loss=0.5, score=0.9, mastered=mastered),
    ]
    selected = TrialSelected(
        visit=0,
        study=0,
        trial=1,
        learning_rate=0.03,
        hidden_size=28,
        ending="",
        cost=cost,
        discarded_cost=rest,
    )
    reason = "exact_match 1 >= 1 on every one of 3 inputs"
    return [
        (0.0, visit_started(0, TWO)),
        evaluation(TWO, 0, "exact_match 0.5 < 1 on every one of 3 inputs"),
        *[
            (4.0, TrialEvaluated(visit=0, study=0, report=report))
            for report in reports[0 if discarded else 1 :]
        ],
        (4.0, selected),
        (5.0, evaluated(0, TWO, cost, reason, discarded_cost=rest)),
        (
            6.0,
            visit_ended(
                0, TWO, verdict, TWO if verdict is MASTERED else None, "20 steps are used up"
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            searched(MASTERED, mastered=True),
            (
                "mastered after 20 steps at learning rate 0.03 and hidden size 28, the first to "
                "master of 2 trials (discarded trials took 60% of the visit's compute): exact"
            ),
        ),
        (
            searched(MASTERED, mastered=True, discarded=0),
            (
                "mastered after 20 steps at learning rate 0.03 and hidden size 28, with its first "
                "trial: exact"
            ),
        ),
        (
            searched(EXHAUSTED, mastered=False),
            (
                "exhausted after 20 steps at learning rate 0.03 and hidden size 28, the best of 2 "
                "trials (discarded trials took 60% of the visit's compute): 20 steps are used"
            ),
        ),
        (searched(MASTERED, mastered=True)[:3], "after 0 steps, searching, 1 trial so far"),
    ],
)
def test_a_search_is_explained_with_its_cost(events: Events, expected: str) -> None:
    sentences = explained(events)
    assert expected in sentences[1]
    if len(events) > 3 and "first trial" not in expected:
        assert sentences[-1].endswith("discarded trials took 60% of the compute.")


def test_a_retuned_visit_is_called_so() -> None:
    (_, sentence, _) = explained([(0.0, visit_started(0, TWO, retuning=True))])
    assert sentence.startswith("Visit 0, length 2, vocabulary 2, retuned: ")


def test_the_table_counts_trials_where_there_were_any() -> None:
    assert not any("trials" in line for line in table(EVENTS))
    head, _, row = table(searched(MASTERED, mastered=True))
    assert head.endswith("| trials | discarded |")
    assert row.endswith("| 0.03 | 28 | 2 | 60% |")


def final_evaluated(length: int, *, cleared: bool, beyond: bool) -> tuple[float, Event]:
    return 9.0, FinalEvaluated(
        stage=Stage(length),
        beyond=beyond,
        score=1.0 if cleared else 0.5,
        examples=512,
        answer="passes" if cleared else "not shown",
        reason="score",
    )


@pytest.mark.parametrize(
    ("evaluations", "expected"),
    [
        ([(2, False, False), (9, False, False)], "passes no stage of the path."),
        (
            [(2, False, False), (20, True, True)],
            "passes no stage of the path, but lengths up to 20 (trained on lengths up to 0).",
        ),
        (
            [(2, True, False), (9, True, False)],
            "still passes all 2 stages, and lengths up to 9 (trained on lengths up to 0).",
        ),
        (
            [(2, True, False), (9, False, False)],
            "still passes 1 of 2 stages (all up to length 2, vocabulary 2), and",
        ),
        ([(2, False, False), (9, True, False)], "still passes 1 of 2 stages (not the first), and"),
        (
            [(2, True, False), (20, True, True), (40, False, True)],
            "still passes its stage, and lengths up to 20 (trained on lengths up to 0).",
        ),
    ],
)
def test_the_closing_sentence_lists_what_the_final_model_still_passes(
    evaluations: list[tuple[int, bool, bool]], expected: str
) -> None:
    events = [
        final_evaluated(length, cleared=cleared, beyond=beyond)
        for length, cleared, beyond in evaluations
    ]
    sentence = explained([*EVENTS, *events, END])[-1]
    assert f"5.0 s. The final model {expected}" in sentence
