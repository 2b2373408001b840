"""The search space of curricula: what may vary, between which bounds, and the experiment of each point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

from curriculum.config.curriculum_parameters import (
    CHOSEN_BY_NAME,
    MOST_CHECKED,
    Given,
    curriculum_parameters,
    kind_combinations,
    parts_under,
    words_of,
)
from curriculum.config.experiment import Experiment
from curriculum.config.flat_settings import flatten
from curriculum.config.overrides import override
from curriculum.config.search_space import Settings
from curriculum.config.tuning import Choices, Range
from curriculum.errors import UsageError


@dataclass(frozen=True, slots=True)
class CurriculumSpace:
    """Parameters by dotted name, and the experiment whose curriculum they change.

    Whatever is chosen, the target stays as it is: the last stage, and what it takes to pass it.

    Attributes:
        base: without a search of its own, so that every curriculum may be chosen.
        parameters: of kinds first.
    """

    base: Experiment
    parameters: Mapping[str, Range | Choices]

    @classmethod
    def of(cls, experiment: Experiment, over: Mapping[str, Given]) -> CurriculumSpace:
        """The space that was given.

        Raises:
            UsageError: for a setting that doesn't exist or is no curriculum's, and for a range or
                choices that are none.
        """
        base = _searchable(experiment)
        return cls(base, curriculum_parameters(base, over))

    def words(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """What would be typed to have these values.

        A setting that the kinds which are chosen don't have is left out.
        """
        kinds = {name: values[name] for name in CHOSEN_BY_NAME if name in values}
        known = flatten(parts_under(self.base, kinds))
        more = [name for name in values if name not in kinds and name in known]
        return tuple(word for name in (*kinds, *more) for word in words_of(name, values))

    def experiment(self, values: Mapping[str, Any]) -> Experiment:
        """The experiment with these values, and the target of the base.

        Raises:
            UsageError: where they don't fit together, or would move the target.
        """
        return self._at_same_target(override(self.base, self.words(values)))

    def command(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """What would be typed to run it: with the target's threshold, where that is not the one searched."""
        words = self.words(values)
        criterion: Any = self.experiment(values).criterion
        if criterion == override(self.base, words).criterion:
            return words
        target = getattr(criterion, "target_threshold", None)
        if target is not None:
            return (*words, "--criterion.target-threshold", repr(target))
        stages = [str(part) for pair in criterion.per_stage for part in pair]
        return (*words, "--criterion.per-stage", *stages)

    def check(self, fit: Callable[[Experiment], object]) -> None:
        """Check both ends of each range, and every choice, one by one.

        Args:
            fit: raises a `UsageError` for an experiment that can't be run.

        Raises:
            UsageError: for the first that is refused, with the setting.
        """
        for names, values in self._extremes():
            try:
                fit(self.experiment(values))
            except UsageError as error:
                given = " with ".join(f"{name}={values[name]}" for name in names)
                raise UsageError(f"--over {given} is refused: {error}") from error

    def _extremes(self) -> Iterator[tuple[Sequence[str], Settings]]:
        """The kinds in all combinations, and with each of them the ends of what it has."""
        for kinds in islice(kind_combinations(self.parameters), MOST_CHECKED):
            if kinds:
                yield [*kinds], dict(kinds)
            known = _known(self.base, kinds)
            for name, parameter in self.parameters.items():
                if name in CHOSEN_BY_NAME or name not in known:
                    continue
                for value in _ends(parameter):
                    yield [name, *kinds], {**kinds, name: value}

    def _at_same_target(self, experiment: Experiment) -> Experiment:
        """The experiment with the base's threshold of the last stage, where it has another."""
        path, last = experiment.growth.path(), self.base.growth.path()[-1]
        if path[-1] != last:
            words = self.base.axis_names.words
            raise UsageError(
                f"the target must stay {words(last)}, or costs would be of different things, got "
                f"{words(path[-1])}; leave growth.end out"
            )
        wanted = self.base.criterion.at(last, target=True)
        found = experiment
        if experiment.criterion.at(last, target=True) != wanted:
            found = _with_target(experiment, getattr(wanted, "threshold", None))
        if found.criterion.at(last, target=True) != wanted:
            raise UsageError(
                "what it takes to pass the last stage must stay as it is, or costs would be of "
                "different things; of a criterion search the threshold, which holds for the stages "
                "before the last alone"
            )
        return found


def _searchable(experiment: Experiment) -> Experiment:
    """The same without a search of its own, and with a limit, which some pacings take."""
    budget = replace(experiment.budget, until="target", steps=2**40)
    tuning = replace(experiment.tuning, mode="off")
    training = replace(experiment.training, schedule="constant")
    return experiment.replace(budget=budget, tuning=tuning, training=training)


def _known(base: Experiment, kinds: Mapping[str, Any]) -> set[str]:
    """The settings that there are under these kinds; none where one doesn't exist."""
    try:
        return {*flatten(parts_under(base, kinds))}
    except UsageError:  # that is said of the kinds themselves
        return set()


def _ends(parameter: Range | Choices) -> Sequence[Any]:
    return parameter.values if isinstance(parameter, Choices) else (parameter.low, parameter.high)


def _with_target(experiment: Experiment, threshold: float | None) -> Experiment:
    """The experiment with that threshold on its last stage alone."""
    criterion: Any = experiment.criterion
    if threshold is None:
        return experiment
    names = {field.name for field in fields(criterion)}
    last = experiment.growth.path()[-1]
    if "target_threshold" in names:
        return experiment.replace(criterion=replace(criterion, target_threshold=threshold))
    if "per_stage" in names:
        own = dict(criterion.per_stage) | {last.key: threshold}
        return experiment.replace(criterion=replace(criterion, per_stage=own))
    return experiment
