"""Compares strategies by what their final models score, once equal budgets are used up."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from curriculum import comparison, learn, plan, record, runner, sweeps
from curriculum.config import Experiment
from curriculum.errors import UsageError

log = logging.getLogger(__name__)

ANY_BUDGET = plan.Budget(tokens=2**40)
"""Of a whole run, until a comparison sets the one that it has."""


def for_measuring(experiment: Experiment) -> Experiment:
    """The experiment without a search, and with a budget of the whole run, which a schedule over it takes."""
    tuning = replace(experiment.tuning, mode="off")
    return experiment.replace(tuning=tuning, budget=ANY_BUDGET)


def check_measured(
    measure: str, experiment: Experiment, strategies: Sequence[str], overrides: Sequence[str]
) -> None:
    """Check that final models of an experiment can be measured so, before any is trained.

    Raises:
        UsageError: where they can't, or a strategy trains none, or a setting would have no effect.
    """
    runner.FinalMeasure.of(plan.Measure.parse(measure), experiment)
    for name in strategies:
        if plan.get_strategy(name).guesses:
            raise UsageError(
                f"strategy {name} trains no model that {measure} could be measured of; leave it out"
            )
    typed = any(word.partition("=")[0] == "--training.schedule" for word in overrides)
    if typed and experiment.training.schedule_over != "run":
        raise UsageError(
            "--training.schedule is over each visit, of which a comparison has one strategy make "
            "more than another; give --training.schedule-over run too"
        )


def trained_to_limit(
    overviews: Sequence[record.RunOverview], equal: str | None, *, measured: bool
) -> list[record.RunOverview]:
    """Those whose budgets are equal in `equal`, and which were trained until these were used up."""
    unit = None if equal is None else f"budget.{sweeps.unit_of(equal)}"
    return [
        each
        for each in overviews
        if (unit is None or each.description.settings.get(unit) is not None)
        and (not measured or each.description.settings.get("budget.until") == "limit")
    ]


def with_measure(
    found: comparison.Comparison,
    measure: str,
    store: record.Store,
    histories: Mapping[str, record.History],
    like: Experiment | None = None,
) -> comparison.Comparison:
    """The comparison with what its final models score; those that were not measured yet, are now.

    Args:
        found: the comparison.
        measure: such as `loss@512`.
        store: of the runs.
        histories: of the runs.
        like: an experiment that defines task and model, where they are a user's own.

    Raises:
        UsageError: where the models can't be measured so.
    """
    results = {name: outcome.results for name, outcome in found.outcomes.items()}
    groups = [result for by_seed in results.values() for result in by_seed.values()]
    first = store.folder(groups[0].runs[0].run_id)
    source = runner.source_of(first, None, like)
    experiment = runner.restore_experiment(first.description(), source, like)
    how = runner.FinalMeasure.of(plan.Measure.parse(measure), experiment)
    models = _Models(how, store, histories, like)
    several = [run.run_id for each in groups for run in each.runs if len(each.runs) > 1]
    choosing = models.scores(several, "target")
    lower = how.lower_is_better
    best = [comparison.best_run(each, choosing, lower_is_better=lower).run_id for each in groups]
    scores = models.scores(best, "certificate")
    measured = comparison.measured_of(how, results, found.baseline, scores, choosing)
    return replace(found, measured=measured)


class _Models:
    """The final models of a store's runs, each measured once."""

    def __init__(
        self,
        measure: runner.FinalMeasure,
        store: record.Store,
        histories: Mapping[str, record.History],
        like: Experiment | None,
    ) -> None:
        self._measure, self._store, self._histories, self._like = measure, store, histories, like
        self._device = str(learn.resolve_device("auto"))

    def scores(self, run_ids: Sequence[str], part: runner.Part) -> dict[str, plan.Score]:
        """What they score on examples of a stream; those that are not known yet are evaluated, and kept."""
        keys = {each: self._measure.key(self._histories[each], part) for each in run_ids}
        kept = self._store.scores() if keys else {}
        missing = [each for each, key in keys.items() if key not in kept]
        if missing:
            log.warning("%s of %d final models is evaluated …", self._measure.name, len(missing))
        for run_id in missing:
            folder = self._store.folder(run_id)
            with learn.isolated(folder.description().threads):
                score = self._measure.of_run(folder, part, like=self._like, device=self._device)
            kept[keys[run_id]] = score
            self._store.keep_scores({keys[run_id]: score})  # one by one: it may be interrupted
        return {each: kept[key] for each, key in keys.items()}
