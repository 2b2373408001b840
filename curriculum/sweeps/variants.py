"""The variants that a sweep makes of experiments: strategies, settings, learning rates."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from curriculum.config import Experiment, is_own, names_setting, override, serialize
from curriculum.errors import UsageError
from curriculum.learn import default_threads
from curriculum.plan import get_strategy
from curriculum.sweeps.grid import (
    Amount,
    comparable_experiment,
    default_rates,
    guess_widths,
)
from curriculum.sweeps.run_identity import settled_part

Grid = Mapping[str, Sequence[str]]
"""By setting, such as `growth.factor`, the values that it takes, as they are typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunVariant:
    """The runs of a sweep that differ in their seed alone.

    Attributes:
        name: of the experiment.
        group: what people call them.
        experiment: the final one as JSON.
        settled: what their ids depend on besides the seed.
        overrides: of the experiment's settings, for the record.
        source: the user's file that defines the task or the model.
        threads: that each takes.
        tunes: whether its runs search for settings of their own, and so write into Optuna's storage.
    """

    name: str
    group: str
    experiment: str
    settled: str
    overrides: tuple[str, ...]
    source: Path | None
    threads: int
    tunes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantRequest:
    """What is to be made of each experiment.

    Attributes:
        strategies: the names of strategies; empty for the experiment's own.
        overrides: of its settings, as the command line takes them.
        grid: settings that take several values, in all combinations.
        budget: of each strategy with each seed, for runs that are to be compared; None for runs as `run`
            makes them.
        learning_rates: that share the budget; by default the experiment's times 1/30 to 3.
        threads: of torch; by default as many as `run` takes.
    """

    strategies: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    grid: Grid
    budget: Amount | None = None
    learning_rates: tuple[float, ...] | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in self.strategies:
            get_strategy(name)
        for key, values in self.grid.items():
            if key in ("strategy", "seed"):
                plural = "strategies" if key == "strategy" else "seeds"
                raise UsageError(f"--set varies settings; give --{plural} for several {plural}")
            if not names_setting(f"--{key}"):
                raise UsageError(
                    f"--set varies settings such as growth.factor or optimizer.learning_rate, got {key!r}"
                )
            if not values:
                raise UsageError(f"--set {key} needs values, such as {key}=1,2")
        for word in self.overrides:
            key = word.partition("=")[0].removeprefix("--").replace("-", "_")
            if word.startswith("--") and key in self.grid:
                raise UsageError(
                    f"--{key} is given, and --set {key} too, which takes its place; give one of them"
                )
        if self.budget is None and self.learning_rates is not None:
            raise UsageError(
                "--learning-rates share a --budget, and there is none; give one such as 2000steps, or "
                "--set optimizer.learning-rate=1e-3,1e-2"
            )
        if self.budget is not None and not self.strategies:
            raise UsageError(
                "a --budget is what each of the --strategies gets; name them, such as gated,direct"
            )

    @property
    def combinations(self) -> Iterator[tuple[tuple[str, str], ...]]:
        """Each setting of the grid with one of its values, in all combinations."""
        each = ([(key, value) for value in values] for key, values in self.grid.items())
        return itertools.product(*each)


def run_variants(
    experiment: Experiment, source: Path | None, request: VariantRequest
) -> Iterator[RunVariant]:
    """The variants of an experiment.

    Raises:
        UsageError: for a setting or a value that it does not take, or a strategy that its task refuses.
    """
    if source is None and is_own(experiment):
        raise UsageError(
            f"the runs of a sweep are made by processes that make the experiment anew, and the task or "
            f"model of {experiment.name} is not the package's: give the path of its file as `source`"
        )
    for combination in request.combinations:
        given = [word for pair in combination for word in _words(*pair)]
        setting = [f"{key} {value}" for key, value in combination]
        made = _compared if request.budget is not None else _single
        for found, chosen, names in made(experiment, [*request.overrides, *given], request):
            settings = serialize(found)
            yield RunVariant(
                name=experiment.name,
                group=", ".join([experiment.name, *names[:1], *setting, *names[1:]]),
                experiment=json.dumps(settings),
                settled=settled_part(found, source),
                overrides=tuple(chosen),
                source=source,
                threads=request.threads or default_threads(found.model.hidden_size),
                tunes=found.tuning.is_on,
            )


Made = Iterator[tuple[Experiment, list[str], list[str]]]
"""Experiments, with what would be typed to have each, and what tells it from the others in words."""


def _single(experiment: Experiment, words: list[str], request: VariantRequest) -> Made:
    """As `run` makes them."""
    if not request.strategies:
        yield override(experiment, words), words, []
    for strategy in request.strategies:
        chosen = ["--strategy", strategy, *words]
        yield override(experiment, chosen), chosen, [strategy]


def _compared(experiment: Experiment, words: list[str], request: VariantRequest) -> Made:
    """As `compare` makes them: under equal terms."""
    amount = request.budget
    assert amount is not None
    base = override(experiment, words)
    rates = request.learning_rates or default_rates(base)
    for strategy in request.strategies:
        guesses = get_strategy(strategy).guesses
        for rate in guess_widths(len(rates)) if guesses else rates:
            found = comparable_experiment(base, strategy, amount, rate, len(rates))
            limit = repr(getattr(found.budget, amount.unit))
            chosen = ["--strategy", strategy, "--optimizer.learning-rate", repr(rate)]
            name = f"{'width' if guesses else 'learning rate'} {rate:g}"
            yield found, [*words, *chosen, f"--budget.{amount.unit}", limit], [strategy, name]


def _words(key: str, value: str) -> list[str]:
    """What would be typed to set that; a list's parts have spaces between them."""
    try:
        return [f"--{key}", *shlex.split(value)]
    except ValueError as error:
        raise UsageError(f"--set {key} can't take {value!r}: {error}") from None
