"""A run's metrics in MLflow. Their step is the total of optimizer steps."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from mlflow.entities import Metric

from curriculum.plan import Stage
from curriculum.record import Evaluated, History, Record, RolledBack, Visit, perplexity


def evaluation_metrics(history: History, evaluation: Evaluated, record: Record) -> list[Metric]:
    """What the last evaluation found, on which stage, and at what cost."""
    decision, total, seconds = evaluation.decision, history.total_cost, record.clock.seconds
    values = {
        "train/loss": evaluation.train_loss,
        f"gate/{decision.metric}": decision.score,
        "gate/lower_bound": decision.lower_bound,
        "stage/length": evaluation.stage.length,
        "stage/vocab_size": evaluation.stage.vocab_size,
        "progress/tokens": total.tokens,
        "progress/compute": total.compute,
        "speed/steps_per_second": total.steps / seconds if seconds else None,
        "speed/tokens_per_second": total.tokens / seconds if seconds else None,
    }
    for name, value in evaluation.metrics.items():
        group = "train" if name.startswith("memorised") else "gate"
        values[f"{group}/{name}"] = value
        if name.endswith("loss"):
            values[f"{group}/{name[:-4]}perplexity"] = perplexity(value)
    return _points(values, timestamp_of(record.clock.time), total.steps)


def rollback_metrics(history: History, event: RolledBack, record: Record) -> list[Metric]:
    """That a visit went back to its best state, how often it did, and the rate from there on."""
    values = {"rollback/number": event.number, "rollback/learning_rate": event.learning_rate}
    return _points(values, timestamp_of(record.clock.time), history.total_cost.steps)


def selected_trial_metrics(history: History) -> list[Metric]:
    """The learning curve of the trial that was selected, from the step that the search started."""
    visit = history.visits[-1]
    assert visit.selection is not None
    start = (history.total_cost - visit.cost - visit.discarded_cost).steps
    metric = history.description.settings["criterion.metric"]
    found = []
    for report, time in zip(visit.reports, visit.report_times, strict=True):
        if report.trial == visit.selection.trial:
            values = {"train/loss": report.loss, f"tuning/{metric}": report.score}
            found += _points(values, timestamp_of(time), start + report.cost.steps)
    return found


def reach_metrics(history: History) -> list[Metric]:
    """The reach so far, and what searching cost."""
    values = {
        **{f"reach/{name}": value for name, value in _numbers(history, history.reach).items()},
        "tuning/trials": sum(len(visit.trials) for visit in history.visits),
        "tuning/discarded_compute": history.discarded_cost.compute,
        "tuning/discarded_share": history.discarded_share,
    }
    return _points(values, last_timestamp(history), history.total_cost.steps)


def final_metrics(history: History) -> list[Metric]:
    """What the run came to, what its final model still passes, and its cost, trials included.

    The UI's comparison of runs sorts metrics by name, and as of MLflow 3.17 its names stay
    where they are while the values are scrolled: only what comes first can be read there. Seven
    fit, so what the final evaluation found has a name that comes later.
    """
    reach = _numbers(history, history.reach)
    cost = asdict(replace(history.total_cost, seconds=history.seconds))
    values = {
        **{f"final/reach_{name}": value for name, value in reach.items()},
        **{f"final/{name}": value for name, value in cost.items()},
        **{f"final_evaluation/{name}": value for name, value in _passed(history).items()},
    }
    return _points(values, last_timestamp(history), history.total_cost.steps)


def _passed(history: History) -> dict[str, int]:
    """What the final model still passes; what it was not evaluated on is left out.

    As for the reach, a length that there is none of is 0: also where nothing was mastered, so
    that nothing beyond could be evaluated.
    """
    if not history.final_evaluations:
        return {}
    retained = _numbers(history, history.retained)
    found = {f"retained_{name}": value for name, value in retained.items()}
    longest = max(event.stage.length for event in history.final_evaluations)
    if history.reach is None or longest > history.longest_trained:
        found["extrapolated_length"] = history.extrapolated or 0
    return {"held": len(history.held), **found}


def _numbers(history: History, stage: Stage | None) -> dict[str, int]:
    """A stage of the path as numbers; all are 0 for none.

    Its place on the path, counted from 1, is one number even where both length and
    vocabulary grow.
    """
    if stage is None:
        return dict.fromkeys(("length", "vocab_size", "place"), 0)
    place = 1 + history.description.path.index(stage)
    return {"length": stage.length, "vocab_size": stage.vocab_size, "place": place}


def visit_metrics(history: History, visit: Visit) -> list[Metric]:
    """What a visit that has just ended cost; its discarded trials apart."""
    cost = asdict(replace(visit.cost, seconds=visit.seconds))
    values = {
        **{f"cost/{name}": value for name, value in cost.items()},
        "tuning/trials": len(visit.trials),
        "tuning/discarded_compute": visit.discarded_cost.compute,
        "tuning/discarded_share": visit.discarded_share,
    }
    return _points(values, last_timestamp(history), history.total_cost.steps)


def timestamp_of(time: float) -> int:
    """A time of day as MLflow counts it, in milliseconds."""
    return int(time * 1000)


def last_timestamp(history: History) -> int:
    """When the last record was written, or the run started."""
    return timestamp_of(history.last_written)


def _points(values: Mapping[str, float | None], timestamp: int, step: int) -> list[Metric]:
    return [
        Metric(key, float(value), timestamp, step)
        for key, value in values.items()
        if value is not None
    ]
