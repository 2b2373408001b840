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
from curriculum.learn.learner import Learner
from curriculum.learn.metrics import (
    correct_count,
    example_losses,
    is_comparable,
    loss_values,
    own_metrics,
    standard_metric,
)
from curriculum.learn.network_protocols import State, Streaming
from curriculum.learn.predictions import evaluated_outputs, predict_outputs
from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.scores import EvaluatedExamples, Values, means, score_of
from curriculum.learn.streaming import streamed_predictions
from curriculum.learn.task import METRICS, EvaluationSet, Task
from curriculum.learn.work import evaluation_compute
from curriculum.plan import (
    LOSSES,
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

    `on_progress` is called with the tokens of each piece of a long input.
    """

    task: Task
    criterion: Criterion
    seed: int
    stream: str = "gate"
    on_progress: Callable[[int], None] | None = None

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
            full_test: whether a full test on fresh examples may follow. One on a finite
                evaluation set always may. After failed ones it does where several screens
                together promise that it is passed.
            criterion: the stage's, where the path's stages differ in it.
        """
        criterion = criterion or self.criterion
        whole = self.task.evaluation_set(stage)
        screen, metrics, compute = None, {}, 0.0
        # A set that is hardly larger than a screen, or has to be read in order, needs none; and
        # what is drawn is no screen of what was held out.
        if criterion.has_screen and (
            whole is None
            or (
                whole.examples > self.criterion.screen
                and whole.rows is None
                and whole.source != "held_out"
            )
        ):
            batch = self._screen_batch(stage, counts.evaluations)
            values, _ = self._measure(learner, batch)
            screen = self._score(values.pop(self.criterion.measured))
            metrics = means([values])
            compute = learner.evaluation_compute(batch)
            passed = criterion.passes_screen(screen)
            if passed and whole is None and full_test and counts.failed_tests:
                screen, passed, more = self._screen_again(learner, stage, counts, criterion, screen)
                compute += more
            if not passed or (whole is None and not full_test):
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
        """Each example's value of a metric, (B,)."""
        if self._takes_loss and metric == self.criterion.measured:
            return loss_values(self.task, metric, outputs, batch)
        if metric not in METRICS:
            return own_metrics(self.task, outputs, batch)[metric]
        return standard_metric(self.task, metric, predict_outputs(self.task, outputs, batch), batch)

    def _measure(
        self, learner: Learner, batch: Batch, state: State | None = None
    ) -> tuple[Values, State | None]:
        """Each example's values of the criterion's metric, and of what is measured besides."""
        outputs, state = evaluated_outputs(learner, batch, state)
        task = self.task
        values = own_metrics(task, outputs, batch)
        if is_comparable(task, batch):
            predictions = predict_outputs(task, outputs, batch)
            several = task.output in ("symbols", "values")
            for name in METRICS if several else {self.criterion.measured} & {*METRICS}:
                values[name] = standard_metric(task, name, predictions, batch)
        losses = example_losses(task, outputs, torch.from_numpy(batch.targets).to(outputs.device))
        if losses is not None:
            values["loss"] = losses.detach().double().cpu().numpy()
        if self._takes_loss:
            metric = self.criterion.measured
            values[metric] = loss_values(task, metric, outputs, batch)
        return values, state

    @property
    def _takes_loss(self) -> bool:
        """Whether the criterion's metric is made of the loss, and none of the task's own."""
        metric = self.criterion.measured
        return metric in LOSSES and metric not in self.task.metrics

    def _score(self, values: NDArray[np.float64]) -> Score:
        return score_of(values, self.criterion)


def _batch_size(stage: Stage) -> int:
    """As many examples at a time as memory is sure to hold; a function of the stage alone."""
    return max(1, min(MOST_EXAMPLES, MOST_TOKENS // stage.length))
