"""What of a run are metrics in MLflow. Their step is the total of optimizer steps spent."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import Metric

from curriculum.plan import Stage
from curriculum.record.history import History, Visit, perplexity
from curriculum.record.journal import Record

__all__ = [
    "final_metrics",
    "last_stamp",
    "look_metrics",
    "reach_metrics",
    "stamp_of",
    "visit_metrics",
    "winner_metrics",
]


def look_metrics(history: History, look: Record) -> list[Metric]:
    """What the last look found, on which stage, and at what spending."""
    visit, decision = history.visits[-1], look["decision"]
    total, seconds = history.total, look["clock"]["seconds"]
    values = {
        "train/loss": look["loss"],
        f"gate/{decision['metric']}": decision["score"],
        "gate/lower_bound": decision["bound"],
        "stage/length": visit.stage.length,
        "stage/vocab_size": visit.stage.vocab_size,
        "progress/tokens": total.tokens,
        "progress/compute": total.compute,
        "speed/steps_per_second": total.steps / seconds if seconds else None,
        "speed/tokens_per_second": total.tokens / seconds if seconds else None,
    }
    for name, value in look.get("measures", {}).items():
        where = "train" if name.startswith("memorised") else "gate"
        values[f"{where}/{name}"] = value
        if name.endswith("loss"):
            values[f"{where}/{name[:-4]}perplexity"] = perplexity(value)
    return _points(values, stamp_of(look), total.steps)


def winner_metrics(history: History) -> list[Metric]:
    """The learning curve of the trial that was chosen, from the step that the search began."""
    visit = history.visits[-1]
    assert visit.choice is not None
    began = (history.total - visit.spent - visit.lost).steps
    metric = history.description["settings"]["criterion.metric"]
    found = []
    for look in visit.advances:
        if look["trial"] == visit.choice["trial"]:
            values = {"train/loss": look["loss"], f"tuning/{metric}": look["score"]}
            found += _points(values, stamp_of(look), began + look["spent"]["steps"])
    return found


def reach_metrics(history: History) -> list[Metric]:
    """The reach so far, and what searching took."""
    values = {
        **{f"reach/{name}": value for name, value in _numbers(history, history.reach).items()},
        "tuning/trials": sum(len(visit.trials) for visit in history.visits),
        "tuning/lost_compute": history.lost.compute,
        "tuning/lost_share": history.lost_share,
    }
    return _points(values, last_stamp(history), history.total.steps)


def final_metrics(history: History) -> list[Metric]:
    """What the run came to, what its final model still masters, and what it cost, trials included.

    The UI's comparison of runs sorts metrics by name, and as of MLflow 3.17 its names stay
    where they are while the values are scrolled: only what comes first can be read there. Seven
    fit, so what was found in retests has a name that comes later.
    """
    total, reach = history.total, _numbers(history, history.reach)
    values = {
        **{f"final/reach_{name}": value for name, value in reach.items()},
        "final/compute": total.compute,
        "final/seconds": history.seconds,
        "final/steps": total.steps,
        "final/tokens": total.tokens,
        **{f"retest/{name}": value for name, value in _retested(history).items()},
    }
    return _points(values, last_stamp(history), total.steps)


def _retested(history: History) -> dict[str, int]:
    """What the final model still masters; what it was not asked is left out.

    As the reach, a length that there is none of is 0: also where nothing was mastered, so
    that nothing beyond could be asked.
    """
    if not history.retests:
        return {}
    retained = _numbers(history, history.retained)
    found = {f"retained_{name}": value for name, value in retained.items()}
    lengths = (Stage.from_key(record["stage"]).length for record in history.retests)
    if history.reach is None or max(lengths) > history.trained:
        found["extrapolated_length"] = history.extrapolated or 0
    return {"held": len(history.held), **found}


def _numbers(history: History, stage: Stage | None) -> dict[str, int]:
    """A stage of the path as numbers; all are 0 for none.

    Its place on the path, counted from 1, is one number even where both length and
    vocabulary grow.
    """
    if stage is None:
        return dict.fromkeys(("length", "vocab_size", "place"), 0)
    place = 1 + history.description["path"].index(stage.key)
    return {"length": stage.length, "vocab_size": stage.vocab_size, "place": place}


def visit_metrics(history: History, visit: Visit) -> list[Metric]:
    """What a visit that has just ended cost; by trials that did not win, apart."""
    values = {
        "cost/steps": visit.spent.steps,
        "cost/tokens": visit.spent.tokens,
        "cost/compute": visit.spent.compute,
        "cost/seconds": visit.seconds,
        "tuning/trials": len(visit.trials),
        "tuning/lost_compute": visit.lost.compute,
        "tuning/lost_share": visit.lost_share,
    }
    return _points(values, last_stamp(history), history.total.steps)


def stamp_of(record: Record) -> int:
    """When a record was written, as MLflow counts time, in milliseconds."""
    return int(record["clock"]["time"] * 1000)


def last_stamp(history: History) -> int:
    """When the last record was written, or the run begun, in milliseconds."""
    return int(history.last_written * 1000)


def _points(values: Mapping[str, float | None], stamp: int, step: int) -> list[Metric]:
    return [
        Metric(key, float(value), stamp, step) for key, value in values.items() if value is not None
    ]
