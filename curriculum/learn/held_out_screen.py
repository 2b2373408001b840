"""Which held-out examples a screen is made on."""

from __future__ import annotations

from dataclasses import replace

from curriculum.learn.task import EvaluationSet, Task
from curriculum.plan import Criterion, Stage


def held_out_screen(
    task: Task, apart: Task | None, stage: Stage, criterion: Criterion
) -> EvaluationSet | None:
    """The first of the held-out examples that are apart from those of the task's full tests.

    They are the same each time, and say nothing about those of the full tests: whether a test is made
    does not depend on how it would end, and the tests that are made share the error as ever.

    Args:
        task: whose full tests are on examples that are held out.
        apart: the task with others held out; the same one, or None, where there are none.
        stage: that is evaluated.
        criterion: of the stage. Without a spread it has no screen on such examples.

    Returns:
        As many as make the units of a screen; None where there are none.
    """
    if apart is None or apart == task or not criterion.has_spread:
        return None
    whole = apart.evaluation_set(stage)
    if whole is None or whole.source != "held_out" or whole.rows or whole.independent < 2:
        return None
    count = -(-whole.examples * criterion.screen // whole.independent)
    return replace(whole, examples=min(whole.examples, count))
