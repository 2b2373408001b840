"""Gives the looks: examines a model on fresh held-out examples, or on a stage's finite exam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curriculum.learn.answers import losses_of, predict, results
from curriculum.learn.learner import Learner
from curriculum.learn.network import State, Streaming, answer
from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.streaming import streamed_predictions
from curriculum.learn.task import METRICS, Batch, Exam, Examined, Sliced, Task, exam_of
from curriculum.plan import Mastery, Stage, Tally

__all__ = ["Examination", "Examiner", "predictions_of"]

Draw = Callable[[np.random.Generator, Stage, int], Batch]

MOST_EXAMPLES = 256
MOST_TOKENS = 2**18
MOST_NUMBERS = 2**19
"""Of a sequence's hidden states; with more, it is read in pieces."""

STREAMED_ROWS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """What a look found, and the tokens it took.

    `measures` are what the screen, or a finite exam without one, shows besides the
    criterion's metric: of symbols the mean `loss` in nats, and how many were right.
    """

    screen: Tally | None
    test: Tally | None
    slices: dict[str, Tally] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)
    tokens: int = 0


class Examiner:
    """Examines on a stream of its own, so that no example of a look is ever trained on."""

    def __init__(
        self,
        task: Task,
        criterion: Mastery,
        seed: int,
        stream: str = "gate",
        heard: Callable[[int], None] | None = None,
    ) -> None:
        """Make ready; `heard` is called with the tokens of each piece of a long input."""
        self.task = task
        self.criterion = criterion
        self.seed = seed
        self.stream = stream
        self._heard = heard

    def look(
        self,
        learner: Learner,
        stage: Stage,
        *,
        looks: int,
        tests: int,
        full: bool = True,
        criterion: Mastery | None = None,
    ) -> Examination:
        """Screen, and test in full where the screen passes.

        Args:
            learner: whose model is examined, in evaluation mode and without gradients.
            stage: what it is examined on.
            looks: how many looks the stage has had; numbers the screen's examples.
            tests: how many full tests the stage has had; numbers the test's examples.
            full: whether a full test of fresh examples may follow. A finite exam always may.
            criterion: the stage's, where the path's stages differ in it.
        """
        exam = exam_of(self.task, stage)
        screen, measures, tokens = None, {}, 0
        in_order = exam is not None and exam.rows is not None
        if exam is None or (exam.examples > self.criterion.screen and not in_order):
            batch = self._screen(stage, looks)
            marks, _ = self._marked(learner, batch)
            screen, measures = _mean(marks.pop(self.criterion.metric)), _means([marks])
            tokens = batch.token_count
            passed = (criterion or self.criterion).screened(screen)
            if not passed or (exam is None and not full):
                return Examination(screen=screen, test=None, measures=measures, tokens=tokens)
        if exam is None:
            test, slices, spent = self.sample(learner, stage, tests)
        else:
            test, slices, found, spent = self._take(learner, stage, exam)
            measures = measures or found
        return Examination(
            screen=screen, test=test, slices=slices, measures=measures, tokens=tokens + spent
        )

    def screen(self, learner: Learner, stage: Stage, number: int = 0) -> Tally:
        """Screen number so much of a stage, by itself."""
        marks, _ = self._marked(learner, self._screen(stage, number))
        return _mean(marks[self.criterion.metric])

    def _screen(self, stage: Stage, number: int) -> Batch:
        return batch_of(
            self.task,
            stage,
            self.criterion.screen,
            seed=self.seed,
            stream=f"{self.stream}/screen",
            index=number,
        )

    def measure(self, learner: Learner, batches: Sequence[Batch]) -> tuple[dict[str, float], int]:
        """All metrics and the loss on given examples, and the tokens it took."""
        marks = [self._marked(learner, batch)[0] for batch in batches]
        return _means(marks), sum(batch.token_count for batch in batches)

    def _take(
        self, learner: Learner, stage: Stage, exam: Exam
    ) -> tuple[Tally, dict[str, Tally], dict[str, float], int]:
        """The finite exam, all of it; read in order, where it is, with the state carried along."""
        assert isinstance(self.task, Examined)
        marks, weights, tokens = [], [], 0
        members: dict[str, list[NDArray[np.bool_]]] = {}
        state: State | None = None
        size = exam.rows or _batch_size(stage)
        for start in range(0, exam.examples, size):
            batch = self.task.exam_batch(stage, start, min(start + size, exam.examples))
            found, state = self._marked(learner, batch, state if exam.rows else None)
            marks.append(found)
            weights.append(np.ones(len(batch.targets)) if batch.weights is None else batch.weights)
            tokens += batch.token_count
            for name, member in (batch.slices or {}).items():
                members.setdefault(name, []).append(member)
        result = np.concatenate([found.pop(self.criterion.metric) for found in marks])
        weight = np.concatenate(weights)
        chosen = {name: np.concatenate(parts) for name, parts in members.items()}
        slices = {
            name: _weighted(result[member], np.ones(int(member.sum())), exam)
            for name, member in chosen.items()
            if member.any()
        }
        return _weighted(result, weight, exam), slices, _means(marks, weight), tokens

    def sample(
        self, learner: Learner, stage: Stage, tests: int
    ) -> tuple[Tally, dict[str, Tally], int]:
        """A full test of fresh examples, of the whole and of each slice, and the tokens it took."""
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
        streams = part == "test" and self._streams(learner, stage)
        total, size = self.criterion.examples, STREAMED_ROWS if streams else _batch_size(stage)
        for start in range(0, total, size):
            count = min(size, total - start)
            rng = generator(self.seed, f"{self.stream}/{part}", stage.key, count, tests, start)
            if streams:
                predictions, targets = streamed_predictions(
                    learner, self.task, rng, stage, count, heard=self._heard
                )
                batch = Batch(inputs=np.empty((count, 0), dtype=np.int64), targets=targets)
                tokens += count * stage.length
            else:
                batch = draw(rng, stage, count)
                predictions = predictions_of(learner, self.task, batch)
                tokens += batch.token_count
            found.append(results(self.task, self.criterion.metric, predictions, batch))
        return _mean(np.concatenate(found)), tokens

    def _streams(self, learner: Learner, stage: Stage) -> bool:
        """Whether examples are so long that they are read in pieces, where the model can."""
        long = stage.length * learner.recipe.hidden_size > MOST_NUMBERS
        model = learner.model
        known = self.criterion.metric in METRICS  # others may be of the inputs too
        return long and known and isinstance(model, Streaming) and model.streams

    def _marked(
        self, learner: Learner, batch: Batch, state: State | None = None
    ) -> tuple[dict[str, NDArray[np.float64]], State | None]:
        """Each example's marks: the criterion's metric, and what is measured besides."""
        logits, state = _logits_of(learner, batch, state)
        task, form = self.task, self.task.answer
        predictions = predict(form, logits).cpu().numpy()
        names = {self.criterion.metric, *(METRICS if form == "symbols" else ())}
        marks = {name: results(task, name, predictions, batch) for name in sorted(names)}
        if form != "bit":
            losses = losses_of(logits, torch.from_numpy(batch.targets).to(logits.device))
            marks["loss"] = losses.detach().double().cpu().numpy()
        return marks, state


def predictions_of(learner: Learner, task: Task, batch: Batch) -> NDArray[np.int64]:
    """The model's answers, in evaluation mode: (B,) for a bit or symbol, (B, T) for symbols."""
    logits, _ = _logits_of(learner, batch, None)
    answers: NDArray[np.int64] = predict(task.answer, logits).cpu().numpy()
    return answers


def _logits_of(learner: Learner, batch: Batch, state: State | None) -> tuple[Tensor, State | None]:
    """The model's logits in evaluation mode, and the state that it carries on."""
    model = learner.model
    model.eval()
    length = batch.targets.shape[1] if batch.targets.ndim > 1 else 1
    with torch.inference_mode():
        inputs = torch.from_numpy(batch.inputs).to(learner.device)
        found = answer(model, learner.manner, inputs, length, state)
    model.train()
    return found


def _mean(result: NDArray[np.float64]) -> Tally:
    return Tally(score=float(result.mean()), examples=len(result))


def _means(
    marks: Sequence[dict[str, NDArray[np.float64]]], weight: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Each mark's mean over the batches; a loss that is no finite number is left out."""
    found: dict[str, float] = {}
    for name in marks[0]:
        mean = float(np.average(np.concatenate([part[name] for part in marks]), weights=weight))
        if np.isfinite(mean):
            found[name] = mean
    return found


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
