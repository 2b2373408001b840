"""Evaluates a model on fresh held-out examples, or on a stage's finite evaluation set."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curriculum.learn.batch import Batch
from curriculum.learn.distinct_inputs import DistinctInputs
from curriculum.learn.held_out_screen import held_out_screen
from curriculum.learn.learner import Learner
from curriculum.learn.measured_values import measured_values, values_of_metric
from curriculum.learn.metrics import correct_count, is_comparable, standard_metric
from curriculum.learn.network_protocols import State, Streaming
from curriculum.learn.predictions import evaluated_outputs
from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.scores import EvaluatedExamples, Values, means, score_of
from curriculum.learn.streaming import streamed_predictions
from curriculum.learn.task import METRICS, EvaluationSet, Task
from curriculum.learn.work import evaluation_compute
from curriculum.plan import (
    Criterion,
    Evaluation,
    EvaluationCounts,
    Score,
    Stage,
    pooled,
)

Draw = Callable[[np.random.Generator, Stage, int], Batch]

MOST_EXAMPLES = 256
MOST_TOKENS = 2**18
MOST_NUMBERS = 2**19
"""Of a sequence's hidden states; with more, it is read in pieces."""

STREAMED_ROWS = 64


@dataclass(frozen=True)
class Evaluator:
    """Evaluates on a stream of its own, so that no example of it is ever trained on.

    `on_progress` is called with the tokens of each piece of a long input; screens of a task with held-out
    examples are made on those of `apart`, where it has others.
    """

    task: Task
    criterion: Criterion
    seed: int
    stream: str = "gate"
    on_progress: Callable[[int], None] | None = None
    apart: Task | None = None

    def evaluate(
        self,
        learner: Learner,
        stage: Stage,
        counts: EvaluationCounts,
        *,
        full_test: bool = True,
        criterion: Criterion | None = None,
    ) -> tuple[Evaluation, float]:
        """Screen, and test in full where the screen passes; give the compute that it took too.

        Besides the criterion's metric the screen, or a finite evaluation set without one, shows
        of symbols and values the mean `loss`, in nats or squared, how many were correct, and the task's own
        metrics.

        Args:
            learner: whose model is evaluated, in evaluation mode and without gradients.
            stage: what it is evaluated on.
            counts: of the stage's evaluations so far; they number its examples.
            full_test: whether a full test may follow that spends error. One on a finite evaluation
                set without a screen always may. After failed ones on fresh examples it does where
                several screens together promise that it is passed.
            criterion: the stage's, where the path's stages differ in it.
        """
        criterion = criterion or self.criterion
        whole = self.task.evaluation_set(stage)
        screen, metrics, compute = self._screened(learner, stage, counts, criterion, whole)
        if screen is not None:
            passed = criterion.passes_screen(screen)
            if passed and whole is None and full_test and counts.failed_tests:
                screen, passed, more = self._screen_again(learner, stage, counts, criterion, screen)
                compute += more
            spends = whole is None or whole.source == "held_out"
            if not passed or (spends and not full_test):
                return Evaluation(screen=screen, metrics=metrics, stream=self.stream), compute
        if whole is None:
            examples = criterion.examples_of_test(counts.full_tests + 1)
            number = counts.full_tests
            score, slices, more = self.test_sample(learner, stage, number, examples)
        else:
            score, slices, measured, more = self._test_whole(learner, stage, whole)
            metrics = metrics or measured
        evaluation = Evaluation(
            screen=screen, full_test=score, slices=slices, metrics=metrics, stream=self.stream
        )
        return evaluation, compute + more

    def screen(self, learner: Learner, stage: Stage, number: int = 0) -> Score:
        """A screen of a stage, by itself, on the examples of that number."""
        values, _ = self._measure(learner, self._screen_batch(stage, number))
        return self._score(values[self.criterion.measured])

    def measure(self, learner: Learner, batches: Sequence[Batch]) -> tuple[dict[str, float], float]:
        """All metrics and the loss on given examples, and the compute it took."""
        values = [self._measure(learner, batch)[0] for batch in batches]
        found = means(values)
        if self.criterion.measured == "perplexity":  # which is measured by the loss that it is of
            found.pop("perplexity")
        return found, sum(map(learner.evaluation_compute, batches))

    def test_sample(
        self,
        learner: Learner,
        stage: Stage,
        number: int,
        examples: int,
        distinct: DistinctInputs | None = None,
    ) -> tuple[Score, dict[str, Score], float]:
        """Full test `number` on fresh examples, of the whole and of each slice, and its compute.

        The score tells how many inputs are distinct, together with those that `distinct` knows.
        """
        task, distinct = self.task, distinct or DistinctInputs()
        score, compute = self._test_part(
            learner, stage, "test", task.sample, number=number, total=examples, distinct=distinct
        )
        score = replace(score, distinct=distinct.count)
        slices = {}
        for name in task.slices:
            draw = partial(task.sample_slice, name=name)
            part = f"slice/{name}"
            slices[name], more = self._test_part(
                learner, stage, part, draw, number=number, total=examples
            )
            compute += more
        return score, slices, compute

    def full_test(
        self, learner: Learner, stage: Stage, number: int, examples: int
    ) -> tuple[Score, dict[str, Score]]:
        """Full test `number` without a screen: of all of a finite evaluation set, or of a sample."""
        whole = self.task.evaluation_set(stage)
        if whole is None:
            score, slices, _ = self.test_sample(learner, stage, number, examples)
        else:
            score, slices, _, _ = self._test_whole(learner, stage, whole)
        return score, slices

    def _screened(
        self,
        learner: Learner,
        stage: Stage,
        counts: EvaluationCounts,
        criterion: Criterion,
        whole: EvaluationSet | None,
    ) -> tuple[Score | None, dict[str, float], float]:
        """The first screen, if there is one; what else was measured; the compute.

        A set that is hardly larger than a screen, or has to be read in order, needs none; and what
        is drawn is no screen of what was held out.
        """
        if not criterion.has_screen or (whole is not None and whole.rows is not None):
            return None, {}, 0.0
        if whole is not None and whole.source == "held_out":
            others, task = held_out_screen(self.task, self.apart, stage, criterion), self.apart
            if others is None or task is None:
                return None, {}, 0.0
            found, _, metrics, compute = replace(self, task=task)._test_whole(
                learner, stage, others
            )
            return found, metrics, compute
        if whole is not None and whole.examples <= self.criterion.screen:
            return None, {}, 0.0
        batch = self._screen_batch(stage, counts.evaluations)
        values, _ = self._measure(learner, batch)
        screen = self._score(values.pop(self.criterion.measured))
        return screen, means([values]), learner.evaluation_compute(batch)

    def _screen_batch(self, stage: Stage, number: int, again: int = 0) -> Batch:
        size, stream = self.criterion.screen, f"{self.stream}/screen{f'/{again}' if again else ''}"
        return batch_of(self.task, stage, size, seed=self.seed, stream=stream, index=number)

    def _screen_again(
        self,
        learner: Learner,
        stage: Stage,
        counts: EvaluationCounts,
        criterion: Criterion,
        first: Score,
    ) -> tuple[Score, bool, float]:
        """All screens that a stage needs after failed tests; whether they promise a pass; compute.

        Their number is doubled until there are enough, or they are too low. Then each slice has
        to promise a pass as well, on as many examples.
        """
        number = counts.full_tests + 1
        screen, compute, done = first, 0.0, 1
        while done < counts.screens and criterion.passes_screen(screen):
            batches = [
                self._screen_batch(stage, counts.evaluations, n) for n in range(done, 2 * done)
            ]
            added = self._scores(learner, batches)
            both = pooled(criterion, screen, added)
            screen = (
                both
                if criterion.has_spread
                else replace(both, value=(screen.value + added.value) / 2)
            )
            compute += sum(map(learner.evaluation_compute, batches))
            done *= 2
        passed, task = criterion.promises_pass(screen, number), self.task
        for name in task.slices:
            if passed:
                part, draw = f"screen/{name}", partial(task.sample_slice, name=name)
                found, more = self._test_part(
                    learner, stage, part, draw, number=counts.evaluations, total=screen.examples
                )
                passed = criterion.promises_pass(found, number)
                compute += more
        return screen, passed, compute

    def _scores(self, learner: Learner, batches: Sequence[Batch]) -> Score:
        """The criterion's metric on given examples."""
        values = [self._measure(learner, batch)[0][self.criterion.measured] for batch in batches]
        return self._score(np.concatenate(values))

    def _test_whole(
        self, learner: Learner, stage: Stage, whole: EvaluationSet
    ) -> tuple[Score, dict[str, Score], dict[str, float], float]:
        """All of a finite set; read in order, where it is, with the state carried along."""
        metric, size = self.criterion.measured, whole.rows or _batch_size(stage)
        values, parts, compute = [], list[EvaluatedExamples](), 0.0
        state: State | None = None
        for start in range(0, whole.examples, size):
            batch = self.task.evaluation_batch(stage, start, min(start + size, whole.examples))
            found, state = self._measure(learner, batch, state if whole.rows else None)
            parts.append(EvaluatedExamples.of(found.pop(metric), batch, metric))
            values.append(found)
            compute += learner.evaluation_compute(batch)
        examples = EvaluatedExamples.joined(parts)
        slices = {
            name: examples.of_slice(name).score(whole, self.criterion)
            for name, member in examples.slices.items()
            if member.any()
        }
        score = examples.score(whole, self.criterion)
        return score, slices, means(values, examples.weights), compute

    def _test_part(
        self,
        learner: Learner,
        stage: Stage,
        part: str,
        draw: Draw,
        *,
        number: int,
        total: int,
        distinct: DistinctInputs | None = None,
    ) -> tuple[Score, float]:
        """Full test `number` on `total` examples of one part, in batches that fit into memory."""
        found, compute = [], 0.0
        streams = part == "test" and self._streams(learner, stage)
        size = STREAMED_ROWS if streams else _batch_size(stage)
        for start in range(0, total, size):
            count = min(size, total - start)
            rng = generator(self.seed, f"{self.stream}/{part}", stage.key, count, number, start)
            if streams:
                predictions, targets = streamed_predictions(
                    learner,
                    self.task,
                    rng,
                    stage,
                    count,
                    on_progress=self.on_progress,
                    distinct=distinct,
                )
                read = Batch(inputs=np.empty((count, 0), dtype=np.int64), targets=targets)
                values = standard_metric(self.task, self.criterion.measured, predictions, read)
                work = learner.work(count, stage.length, 1, training=False)
                compute += evaluation_compute(work)
            else:
                batch = draw(rng, stage, count)
                if distinct is not None:
                    distinct.add(batch.inputs)
                outputs, _ = evaluated_outputs(learner, batch, None)
                values = self._values(outputs, batch, self.criterion.measured)
                compute += learner.evaluation_compute(batch)
            found.append(values)
        return self._score(np.concatenate(found)), compute

    def _streams(self, learner: Learner, stage: Stage) -> bool:
        """Whether examples are so long that they are read in pieces, where the model can."""
        long = stage.length * learner.recipe.hidden_size > MOST_NUMBERS
        model = learner.model
        known = self.criterion.measured in METRICS  # others may be of the inputs too
        symbols = not learner.shape.channels
        return long and known and symbols and isinstance(model, Streaming) and model.can_stream

    def share_correct(self, outputs: Tensor, targets: Tensor, batch: Batch) -> Tensor | float:
        """How much of a batch is correct, in [0, 1]: of all symbols or values that are asked for.

        A scalar on the device, float32, where the batch's `targets` are too. Where outputs can't equal
        them, it is the mean of the criterion's metric, which is measured on the CPU.
        """
        if is_comparable(self.task, batch):
            correct = correct_count(self.task, outputs.detach(), targets).float()
            asked = targets.numel() if self.task.output == "values" else batch.target_count
            # Divided by a tensor: by a number, CUDA would multiply with the inverse, and round twice.
            return correct / torch.full_like(correct, max(1, asked))
        mean = float(self._values(outputs, batch, self.criterion.measured).mean())
        return math.exp(-abs(mean)) if self.criterion.lower_is_better else mean

    def _values(self, outputs: Tensor, batch: Batch, metric: str) -> NDArray[np.float64]:
        return values_of_metric(self.task, self.criterion, metric, outputs, batch)

    def _measure(
        self, learner: Learner, batch: Batch, state: State | None = None
    ) -> tuple[Values, State | None]:
        return measured_values(learner, self.task, self.criterion, batch, state)

    def _score(self, values: NDArray[np.float64]) -> Score:
        return score_of(values, self.criterion)


def _batch_size(stage: Stage) -> int:
    """As many examples at a time as memory is sure to hold; a function of the stage alone."""
    return max(1, min(MOST_EXAMPLES, MOST_TOKENS // stage.length))
