"""Evaluates a run's final model again, on all stages or on lengths of the caller's choice."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from curriculum import learn, plan, record, report, runner
from curriculum.api.runs import OnInterrupt, check_on_interrupt
from curriculum.config import Experiment
from curriculum.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

MOST_STAGES = 10_000

Results = Iterable[record.FinalEvaluated | runner.Refused]


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Certification:
    """What a final model scores on a number of stages.

    Attributes:
        run_id: of the run.
        experiment: its name.
        strategy: its curriculum.
        trained: the longest length that it was trained on; 0 for none.
        metric: that the scores are of.
        lower_is_better: whether a lower score is a better one.
        evaluations: one of each stage, in the order asked for.
        refused: the stages that task or model do not take, each with the reason.
        seconds: what each evaluation took.
        interrupted: whether stages are missing since an interrupt came.
        axis_names: what the task calls the axes of its stages.
    """

    run_id: str
    experiment: str
    strategy: str
    trained: int
    metric: str
    lower_is_better: bool
    evaluations: tuple[record.FinalEvaluated, ...]
    refused: dict[plan.Stage, str]
    seconds: dict[plan.Stage, float] = field(compare=False)
    interrupted: bool = False
    axis_names: plan.AxisNames = field(default_factory=plan.AxisNames)

    @property
    def mean(self) -> float | None:
        """The mean score over the stages evaluated, each counted alike; None for none.

        Over the lengths 41 to 500 it is the score of Delétang et al., "Neural Networks and the
        Chomsky Hierarchy" (2023), section 4.
        """
        scores = [event.score for event in self.evaluations]
        return sum(scores) / len(scores) if scores else None

    @property
    def passes(self) -> bool:
        """Whether all that was asked for was evaluated, and passes."""
        whole = self.evaluations and not self.refused and not self.interrupted
        return bool(whole) and all(event.passes for event in self.evaluations)

    @property
    def figure(self) -> Figure:
        """The scores by length, as Matplotlib draws them."""
        report.show_figures_inline()
        title = f"{self.experiment}, run {self.run_id}"
        return report.extrapolation_curve(
            self.evaluations,
            self.strategy,
            self.trained,
            title,
            names=self.axis_names,
            metric=self.metric,
        )

    def as_csv(self) -> str:
        """A line for each stage."""
        return report.certification_csv(self.metric, self.evaluations, self.refused)

    def as_json(self) -> dict[str, Any]:
        """All of it, for `json.dumps`."""
        return {
            "run_id": self.run_id,
            "metric": self.metric,
            "lower_is_better": self.lower_is_better,
            "mean": self.mean,
            "interrupted": self.interrupted,
            "evaluations": [self._evaluation_as_json(event) for event in self.evaluations],
            "refused": [{"stage": s.key, "reason": reason} for s, reason in self.refused.items()],
        }

    def _evaluation_as_json(self, event: record.FinalEvaluated) -> dict[str, Any]:
        names = ("beyond", "score", "examples", "answer", "reason")
        content = {name: getattr(event, name) for name in names}
        return {
            "stage": event.stage.key,
            **content,
            "seconds": round(self.seconds[event.stage], 2),
        }

    @property
    def table(self) -> Table:
        """A row for each stage; of many stages for some."""
        title = f"run {self.run_id}, {self.experiment}"
        if self.lower_is_better:
            title += f"; of {self.metric} lower is better"
        return report.certification_table(title, self.evaluations, self.axis_names)

    @property
    def lines(self) -> list[str]:
        """The mean, how many stages pass, which were refused and why; in words."""
        found = [
            *report.certification_lines(
                self.metric, self.evaluations, self.refused, self.axis_names
            )
        ]
        if self.interrupted:
            found.append("Interrupted: the stages after these were not evaluated")
        return found

    def __repr__(self) -> str:
        return "\n".join((report.as_text(self.table), *self.lines))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        lines = (f"<p>{escape(line)}</p>" for line in self.lines)
        return "\n".join((report.as_html(self.table), *lines))


def certify(
    run_id: str,
    lengths: Iterable[int] | None = None,
    *,
    metric: str | None = None,
    vocab_size: int | None = None,
    level: int | None = None,
    examples: int | None = None,
    store: Path | str = record.DEFAULT_STORE,
    source: Path | str | None = None,
    experiment: Experiment | None = None,
    threads: int | None = None,
    progress: bool | None = None,
    on_interrupt: OnInterrupt = "raise",
) -> Certification:
    """Evaluate a run's final model again, on fresh examples of a stream of their own.

    A length that task or model do not take is left out, with its reason in `refused`.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        lengths: such as `range(41, 501)`; by default all stages of the path, and the lengths
            beyond it that a run's final evaluation has.
        metric: what is compared with the criterion's threshold: `exact_match`,
            `symbol_accuracy` or one of the task's own; by default the criterion's.
        vocab_size: with lengths; by default that of the hardest stage passed.
        level: with lengths; by default that of the hardest stage passed.
        examples: with lengths, where not all inputs are: by default `final_evaluation.examples`.
        store: the folder that the run is recorded in.
        source: the file that defines its task and model, as for `load`.
        experiment: the one that was run, where they are defined in a notebook.
        threads: of torch; by default one.
        progress: see `run`.
        on_interrupt: whether an interrupt raises KeyboardInterrupt, or returns what is done.

    Raises:
        UsageError: where there is no such run or metric, or none of the lengths is taken.
    """
    check_on_interrupt(on_interrupt)
    chosen = None if lengths is None else _checked(lengths)
    if chosen is None and (examples or vocab_size or level):
        raise UsageError("examples, vocab_size and level need lengths; give them too")
    folder = record.Store(Path(store)).find(run_id)
    history = record.History.of(folder)
    with learn.isolated(threads or 1):
        made, learner = runner.restore_run(folder, source=source, like=experiment)
        restored = _measuring(made, metric)
        evaluator = runner.FinalEvaluator(restored, seed=history.description.seed)
        if chosen is None:
            shown = _progress(progress)
            results: Results = evaluator.evaluate(learner, history)
        else:
            stages = _stages(chosen, history.reach or restored.growth.path()[0], vocab_size, level)
            number = examples or restored.final_evaluation.examples
            shown = _progress(progress, len(stages), number * sum(chosen))
            results = runner.evaluate_stages(evaluator, learner, stages, number, shown.on_read)
        done = _Done.of(results, shown, restored.axis_names)
    if done.interrupted and on_interrupt == "raise":
        raise KeyboardInterrupt
    if chosen is not None and not (done.evaluations or done.interrupted):
        raise UsageError(_none_taken(done.refused, restored.axis_names))
    criterion = restored.criterion
    return Certification(
        run_id=folder.id,
        experiment=restored.name,
        strategy=restored.strategy,
        trained=history.longest_trained,
        metric=criterion.measured,
        lower_is_better=criterion.lower_is_better,
        evaluations=tuple(done.evaluations),
        refused=done.refused,
        seconds=done.seconds,
        interrupted=done.interrupted,
        axis_names=restored.axis_names,
    )


@dataclass
class _Done:
    """What is done so far, which an interrupt does not take away."""

    evaluations: list[record.FinalEvaluated] = field(default_factory=list)
    refused: dict[plan.Stage, str] = field(default_factory=dict)
    seconds: dict[plan.Stage, float] = field(default_factory=dict)
    interrupted: bool = False

    @classmethod
    def of(
        cls,
        results: Results,
        shown: report.EvaluationProgress,
        names: plan.AxisNames,
    ) -> Self:
        """All results, or those before an interrupt."""
        done = cls()
        with shown:
            try:
                done._take(results, shown, names)
            except KeyboardInterrupt:
                done.interrupted = True
        return done

    def _take(
        self,
        results: Results,
        shown: report.EvaluationProgress,
        names: plan.AxisNames,
    ) -> None:
        began = time.perf_counter()
        for each in results:
            now = time.perf_counter()
            if isinstance(each, runner.Refused):
                self.refused[each.stage] = each.reason
                shown.on_stage(names.words(each.stage), "refused")
            else:
                self.evaluations.append(each)
                self.seconds[each.stage] = now - began
                shown.on_stage(names.words(each.stage), f"score {each.score:.4g}")
            began = now


def _checked(lengths: Iterable[int]) -> list[int]:
    """The lengths, each once."""
    found = [*dict.fromkeys(lengths)]
    if not found:
        raise UsageError("there must be a length to evaluate on, got none")
    if len(found) > MOST_STAGES:
        raise UsageError(
            f"at most {MOST_STAGES:,} lengths are evaluated at a time, got {len(found):,}; take "
            f"every tenth, say"
        )
    return found


def _stages(
    lengths: Sequence[int], like: plan.Stage, vocab_size: int | None, level: int | None
) -> list[plan.Stage]:
    """The stages of those lengths, alike in all that is not given."""
    sizes = vocab_size or like.vocab_size, level or like.level
    return [plan.Stage(length, *sizes) for length in lengths]


def _measuring(experiment: Experiment, metric: str | None) -> Experiment:
    """The experiment with that metric in its criterion."""
    with learn.user_errors(experiment.task):
        known = (*learn.METRICS, *experiment.task.metrics)
    if metric is None:
        return experiment
    if metric not in known:
        raise UsageError(
            f"{type(experiment.task).__name__} has no metric {metric!r}; "
            f"{did_you_mean(metric, known)}"
        )
    if not isinstance(experiment.criterion, plan.Mastery):
        if metric == experiment.criterion.measured:
            return experiment
        raise UsageError(
            f"the criterion of this run is of the {experiment.criterion.measured}, and has no "
            f"threshold of the {metric} to compare with; leave the metric out"
        )
    scale = experiment.task.metric_scales.get(metric, plan.MetricScale())
    if not scale.is_rate:
        raise UsageError(
            f"the criterion of this run has a threshold of a rate, {experiment.criterion.threshold:g}, and "
            f"{metric} is no rate but {scale.range}, so that there is nothing to compare it with; leave "
            f"the metric out, or train with the criterion MetricBeyond"
        )
    return experiment.replace(criterion=experiment.criterion.replace(metric=metric))


def _progress(wanted: bool | None, stages: int = 0, tokens: int = 0) -> report.EvaluationProgress:
    """Shows progress on stderr, if that is wanted."""
    wanted = report.shows_progress() if wanted is None else wanted
    terminal = None if sys.stderr is not None and sys.stderr.isatty() else False
    console = report.literal_console(stderr=True, quiet=not wanted, force_terminal=terminal)
    return report.EvaluationProgress(console, stages, tokens)


def _none_taken(refused: dict[plan.Stage, str], names: plan.AxisNames) -> str:
    """Why no stage was evaluated: the one reason, or the first."""
    (first, reason), *more = refused.items()
    if not more:
        return reason
    return f"none of the {len(refused):,} stages can be evaluated; {names.words(first)}: {reason}"
