"""Gives the looks: examines a model on fresh held-out examples, or on a stage's finite exam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from curriculum.learn.answers import predict, results
from curriculum.learn.learner import Learner
from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.task import Batch, Exam, Examined, Sliced, Task, exam_of
from curriculum.plan import Mastery, Stage, Tally

__all__ = ["Examination", "Examiner", "predictions_of"]

Draw = Callable[[np.random.Generator, Stage, int], Batch]

MOST_EXAMPLES = 256
MOST_TOKENS = 2**18


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """What a look found, and the tokens it took."""

    screen: Tally | None
    test: Tally | None
    slices: dict[str, Tally] = field(default_factory=dict)
    tokens: int = 0


class Examiner:
    """Examines on a stream of its own, so that no example of a look is ever trained on."""

    def __init__(self, task: Task, criterion: Mastery, seed: int, stream: str = "gate") -> None:
        self.task = task
        self.criterion = criterion
        self.seed = seed
        self.stream = stream

    def look(
        self, learner: Learner, stage: Stage, *, looks: int, tests: int, full: bool = True
    ) -> Examination:
        """Screen, and test in full where the screen passes.

        Args:
            learner: whose model is examined, in evaluation mode and without gradients.
            stage: what it is examined on.
            looks: how many looks the stage has had; numbers the screen's examples.
            tests: how many full tests the stage has had; numbers the test's examples.
            full: whether a full test of fresh examples may follow. A finite exam always may.
        """
        exam = exam_of(self.task, stage)
        screen, tokens = None, 0
        if exam is None or exam.examples > self.criterion.screen:
            batch = batch_of(
                self.task,
                stage,
                self.criterion.screen,
                seed=self.seed,
                stream=f"{self.stream}/screen",
                index=looks,
            )
            screen = _mean(self._results(learner, batch))
            tokens = batch.token_count
            if not self.criterion.screened(screen) or (exam is None and not full):
                return Examination(screen=screen, test=None, tokens=tokens)
        if exam is not None:
            test, slices, spent = self._take(learner, stage, exam)
        else:
            test, slices, spent = self._sample(learner, stage, tests)
        return Examination(screen=screen, test=test, slices=slices, tokens=tokens + spent)

    def _take(
        self, learner: Learner, stage: Stage, exam: Exam
    ) -> tuple[Tally, dict[str, Tally], int]:
        """The finite exam, all of it."""
        assert isinstance(self.task, Examined)
        right, weights, tokens = [], [], 0
        members: dict[str, list[NDArray[np.bool_]]] = {}
        size = _batch_size(stage)
        for start in range(0, exam.examples, size):
            batch = self.task.exam_batch(stage, start, min(start + size, exam.examples))
            right.append(self._results(learner, batch))
            weights.append(np.ones(len(right[-1])) if batch.weights is None else batch.weights)
            tokens += batch.token_count
            for name, member in (batch.slices or {}).items():
                members.setdefault(name, []).append(member)
        result, weight = np.concatenate(right), np.concatenate(weights)
        chosen = {name: np.concatenate(parts) for name, parts in members.items()}
        slices = {
            name: _weighted(result[member], np.ones(int(member.sum())), exam)
            for name, member in chosen.items()
            if member.any()
        }
        return _weighted(result, weight, exam), slices, tokens

    def _sample(
        self, learner: Learner, stage: Stage, tests: int
    ) -> tuple[Tally, dict[str, Tally], int]:
        """A full test of fresh examples, of the whole and of each slice."""
        task = self.task
        test, tokens = self._fresh(learner, stage, tests, "test", task.sample)
        slices = {}
        if isinstance(task, Sliced):
            for name in task.slices:
                draw = partial(task.sample_slice, name=name)
                slices[name], spent = self._fresh(learner, stage, tests, f"slice/{name}", draw)
                tokens += spent
        return test, slices, tokens

    def _fresh(
        self, learner: Learner, stage: Stage, tests: int, part: str, draw: Draw
    ) -> tuple[Tally, int]:
        """Full test number `tests` of one part, in batches that fit into memory."""
        found, tokens = [], 0
        total, size = self.criterion.examples, _batch_size(stage)
        for start in range(0, total, size):
            count = min(size, total - start)
            rng = generator(self.seed, f"{self.stream}/{part}", stage.key, count, tests, start)
            batch = draw(rng, stage, count)
            tokens += batch.token_count
            found.append(self._results(learner, batch))
        return _mean(np.concatenate(found)), tokens

    def _results(self, learner: Learner, batch: Batch) -> NDArray[np.float64]:
        predictions = predictions_of(learner, self.task, batch)
        return results(self.task, self.criterion.metric, predictions, batch)


def predictions_of(learner: Learner, task: Task, batch: Batch) -> NDArray[np.int64]:
    """The model's answers, in evaluation mode: (B,) for a bit, (B, L) for symbols."""
    model = learner.model
    model.eval()
    with torch.inference_mode():
        logits = model(torch.from_numpy(batch.inputs).to(learner.device))
        answers: NDArray[np.int64] = predict(task.answer, logits).cpu().numpy()
    model.train()
    return answers


def _mean(result: NDArray[np.float64]) -> Tally:
    return Tally(score=float(result.mean()), examples=len(result))


def _weighted(result: NDArray[np.float64], weight: NDArray[np.float64], exam: Exam) -> Tally:
    # One minus the wrong, so that all right is 1 exactly and anything wrong is below.
    wrong = float(((1 - result) * weight).sum() / weight.sum())
    return Tally(
        score=max(0.0, 1 - wrong),
        examples=len(result),
        source=exam.source,
        memorised=exam.memorised,
    )


def _batch_size(stage: Stage) -> int:
    """As many examples at a time as memory is sure to hold; a function of the stage alone."""
    return max(1, min(MOST_EXAMPLES, MOST_TOKENS // stage.length))
