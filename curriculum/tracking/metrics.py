"""A run's metrics in MLflow. Their step is the total of optimizer steps, but of those by compute.

MLflow draws a section of charts for what comes before the slash of a name, in alphabetical order,
and at the end one of names without a slash, even if there are none. So loss, reach and score come first, by compute and by step, then the cost, and what the final
model passes comes after. In its comparison of runs metrics are sorted by name, and as of MLflow
3.17 the names stay where they are while the values are scrolled: only the first seven can be read.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace

from mlflow.entities import Dataset, Metric

from curriculum.plan import Cost, perplexity
from curriculum.record import Evaluated, History, Record, RolledBack, Visit
from curriculum.tracking.metric_points import (
    cost_then,
    last_timestamp,
    main_points,
    points,
    single_number,
    stage_numbers,
    timestamp_of,
)

IN_TRAINING = ("memorised", "gradient_norm")
"""How metrics begin that are of the examples trained on."""


def evaluation_metrics(history: History, evaluation: Evaluated, record: Record) -> list[Metric]:
    """What the last evaluation found, on which stage, and at what cost."""
    decision, total = evaluation.decision, cost_then(history)
    main = {"loss": evaluation.train_loss, "score": decision.score}
    values = {
        f"validation_{decision.metric}": decision.score,
        "validation_lower_bound": decision.lower_bound,
        "validation_upper_bound": decision.upper_bound,
        **{
            f"stage/{k}": v
            for k, v in stage_numbers(history, evaluation.stage, place=False).items()
        },
    }
    if not _is_told_by_race(history):
        values |= progress(total, record.clock.seconds)
    if decision.metric == "loss" and history.description.in_nats and decision.score is not None:
        values["validation_perplexity"] = perplexity(decision.score)
    for name, value in evaluation.metrics.items():
        group = "train/" if name.startswith(IN_TRAINING) else "validation_"
        values[f"{group}{name}"] = value
        if name.endswith("loss"):
            values[f"{group}{name[:-4]}perplexity"] = perplexity(value)
    time = timestamp_of(record.clock.time)
    return [*main_points(main, time, total), *points(values, time, total.steps)]


def rollback_metrics(history: History, event: RolledBack, record: Record) -> list[Metric]:
    """That a visit went back to its best state, how often it did, and the rate from there on."""
    values = {"rollback/number": event.number, "rollback/learning_rate": event.learning_rate}
    return points(values, timestamp_of(record.clock.time), cost_then(history).steps)


def selected_trial_metrics(history: History) -> list[Metric]:
    """The learning curve of the trial that was selected, from the step that the search started."""
    visit = history.visits[-1]
    assert visit.selection is not None
    start = cost_then(history) - visit.cost - visit.discarded_cost
    metric = history.description.metric
    found = []
    for report, time in zip(visit.reports, visit.report_times, strict=True):
        if report.trial == visit.selection.trial:
            cost, timestamp = start + report.cost, timestamp_of(time)
            found += main_points({"loss": report.loss}, timestamp, cost)
            found += points({f"tuning/{metric}": report.score}, timestamp, cost.steps)
    return found


def reach_metrics(history: History) -> list[Metric]:
    """The reach so far, and, where there is a search, what it cost."""
    numbers, total = stage_numbers(history, history.reach), cost_then(history)
    time, single = last_timestamp(history), single_number(numbers)
    main = main_points({f"reach_{single}": numbers.pop(single)}, time, total)
    values: dict[str, float | None] = {f"stage/reach_{n}": each for n, each in numbers.items()}
    if history.description.settings["tuning.mode"] != "off":
        values |= {
            "tuning/trials": sum(len(visit.trials) for visit in history.visits),
            "tuning/discarded_compute": history.discarded_cost.compute,
            "tuning/discarded_share": history.discarded_share,
        }
    return [*main, *points(values, time, total.steps)]


def final_metrics(history: History) -> list[Metric]:
    """What the run cost, trials included, and what its final model still passes."""
    values = {
        **_cost(history.total_cost, history.seconds),
        **{f"test/{name}": value for name, value in _passed(history).items()},
    }
    time = last_timestamp(history)
    found = points(values, time, history.total_cost.steps)
    evaluated = {event.stage: event.score for event in history.final_evaluations}
    lengths = {stage.length for stage in evaluated}
    if len(lengths) > 1 and len(lengths) == len(evaluated):
        for stage, score in sorted(evaluated.items(), key=lambda pair: pair[0].length):
            found += points({"test/score_by_length": score}, time, stage.length)
    return found


def is_done_at_its_step(history: History) -> bool:
    """Whether a run that stopped has no more points at the step where it stands, should it be resumed.

    A stage that was passed, or given up, is followed by another one, which is evaluated before any step; so is
    an arm that is started.
    """
    if history.end is None and history.arms.evaluations:
        return False
    if history.end is not None or not history.visits:
        return True
    last = history.visits[-1]
    evaluated = bool(last.evaluations) and not last.evaluations[-1].decision.passed
    return evaluated and last.ended is None


def model_metrics(history: History) -> list[Metric]:
    """What the final model can do, for its page: those of the run that are about it."""
    numbers = stage_numbers(history, history.reach)
    reach = {f"by_step/reach_{single_number(numbers)}": numbers[single_number(numbers)]}
    values = {**reach, **{f"test/{name}": value for name, value in _passed(history).items()}}
    return points(values, last_timestamp(history), history.total_cost.steps)


def of_model(metrics: Iterable[Metric], model_id: str, dataset: Dataset) -> list[Metric]:
    """The same metrics, as those of a logged model on a data set."""
    where = {"dataset_name": dataset.name, "dataset_digest": dataset.digest}
    return [
        Metric(each.key, each.value, each.timestamp, each.step, model_id=model_id, **where)
        for each in metrics
    ]


def progress(total: Cost, seconds: float) -> dict[str, float | None]:
    """What a run has cost in so many seconds, and how fast it is."""
    return {
        **_cost(total, seconds),
        "speed/steps_per_second": total.steps / seconds if seconds else None,
        "speed/tokens_per_second": total.tokens / seconds if seconds else None,
    }


def _cost(total: Cost, seconds: float) -> dict[str, float | None]:
    cost = asdict(replace(total, seconds=seconds))
    return {f"progress/{name}": value for name, value in cost.items()}


def _is_told_by_race(history: History) -> bool:
    """Whether what the run had cost at its last evaluation was told as its arms were raced."""
    selected = history.arms.selected
    if selected is None:
        return False
    own = history.cost + history.discarded_cost
    return own.compute <= history.arms.last[selected.arm].cost.compute


def _passed(history: History) -> dict[str, float]:
    """What the final model still passes; what it was not evaluated on is left out.

    As for the reach, a length that there is none of is 0: also where nothing was passed, so
    that nothing beyond could be evaluated.
    """
    if not history.final_evaluations:
        return {}
    retained = stage_numbers(history, history.retained)
    found: dict[str, float] = {f"retained_{name}": value for name, value in retained.items()}
    longest = max(event.stage.length for event in history.final_evaluations)
    if history.reach is None or longest > history.longest_trained:
        found["extrapolated_length"] = history.extrapolated or 0
    hardest = history.reach or history.description.path[0]
    scores = {event.stage: event.score for event in history.final_evaluations}
    if hardest in scores:
        found["score"] = scores[hardest]
    return {"held_stages": len(history.held), **found}


def visit_metrics(history: History, visit: Visit) -> list[Metric]:
    """What a visit that has just ended cost; its discarded trials apart, where it had any."""
    cost = asdict(replace(visit.cost, seconds=visit.seconds))
    values = {f"stage/{name}": value for name, value in cost.items()}
    if visit.trials:
        values |= {
            "tuning/trials": len(visit.trials),
            "tuning/discarded_compute": visit.discarded_cost.compute,
            "tuning/discarded_share": visit.discarded_share,
        }
    return points(values, last_timestamp(history), cost_then(history).steps)
