"""The command `compare`: runs what is missing of a sweep, and compares its strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curriculum import api, comparison, learn, plan, sweeps
from curriculum.cli.compare_output import OutputRequest, write_outputs
from curriculum.cli.output_files import check_can_be_written
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_error, print_note, stderr_console
from curriculum.cli.values import (
    amount,
    learning_rates,
    natural,
    seeds,
    strategies,
    thread_count,
    usage_checked,
)
from curriculum.errors import UsageError, counted

USAGE = "python -m curriculum compare EXPERIMENT ... [options] [--part.setting VALUE ...]"
EXAMPLES = """\
examples:
  python -m curriculum compare lstm_firstbit --run
  python -m curriculum compare lstm_firstbit --strategies gated,direct,bandit
  python -m curriculum compare lstm_firstbit --run --seeds 0..9 --jobs 2
  python -m curriculum compare lstm_firstbit --run --budget 2000steps
  python -m curriculum compare lstm_firstbit bert_reverse --report report.html
  python -m curriculum compare stdlib_lm --run --strategies direct,linear_warmup,gated --measure loss@512 --equal tokens --budget 6e6tokens --learning-rates 2e-3
  python -m curriculum compare lstm_firstbit --json
"""


def _measure(text: str) -> str:
    return str(plan.Measure.parse(text))


def _equal(text: str) -> str:
    sweeps.unit_of(text)  # looked up late: torch is loaded with it
    return text


@dataclass(frozen=True, kw_only=True)
class CompareRequest(OutputRequest):
    """What to compare, and how to run what is missing."""

    experiments: list[str] = argument("EXPERIMENT", "names from 'list', or Python files", nargs="+")
    strategies: tuple[str, ...] | None = option(
        "the strategies to compare (default: all in the store; with --run, gated,direct)",
        usage_checked(strategies),
        "A,B",
    )
    seeds: tuple[int, ...] | None = option(
        "the seeds, such as 0..5 or 0,2,7 (default: all in the store; with --run, 0..5)", seeds
    )
    learning_rates: tuple[float, ...] | None = option(
        "the learning rates that share the budget (default: those in the store; with --run, the "
        "experiment's times 1/30, 1/10, 1/3, 1 and 3)",
        learning_rates,
    )
    run: bool = option("first make the runs that are missing", bool)
    budget: sweeps.Amount | None = option(
        "with --run: the budget of each strategy with each seed, in compute, or N followed by "
        "tokens, steps or s (default: 500 steps on the last stage for each learning rate)",
        usage_checked(amount),
        "N",
    )
    equal: str | None = option(
        "what budgets are equal in: tokens, or cost, which is compute with evaluations (default: "
        "what --budget is in)",
        usage_checked(_equal),
        "UNIT",
    )
    measure: str | None = option(
        "compare what the final models score on held-out examples of a length, such as loss@512, once "
        "all have trained until their budgets are used up (default: what stages cost)",
        usage_checked(_measure),
        "METRIC@LENGTH",
    )
    jobs: int | None = option("with --run: how many runs at a time (default: 1)", natural)
    threads: int | None = option(
        "with --run: threads of torch (default: by the model's size; 1 with several --jobs)",
        thread_count,
    )
    device: str | None = option(
        "with --run: auto, cpu, cuda, cuda:N or mps (default: auto)", metavar="DEVICE"
    )
    overrides: tuple[str, ...]


def compare(request: CompareRequest) -> int:
    """Compare strategies on each of the experiments; the exit code."""
    for path in (request.csv, request.report):
        if path is not None:
            check_can_be_written(path)
    api.check_settings(request.overrides, measured=request.measure is not None)
    names = list(dict.fromkeys(request.experiments))
    if not request.run:
        _check_no_run_options(request)
        found = [_from_store(name, request) for name in names]
    else:
        planned = [_sweep(name, request) for name in names]  # mistakes are found before any is run
        found = []
        for each in planned:
            strategies = request.strategies or api.DEFAULT_STRATEGIES
            if not _run_missing(each, strategies, request):
                return 130
            found.append(api.compare_planned(each, strategies, request.measure))
    write_outputs(found, request)
    return 0


def _check_no_run_options(request: CompareRequest) -> None:
    """Check that nothing is given that would have no effect without `--run`."""
    names = ("budget", "jobs", "threads", "device")
    given = [f"--{name}" for name in names if getattr(request, name) is not None]
    given += request.overrides
    if given:
        raise UsageError(f"{given[0]} is for the runs that --run makes; give --run too")


def _from_store(name: str, request: CompareRequest) -> api.StrategyComparison:
    """The comparison of the runs that the store has."""
    return api.compare_recorded(
        name,
        request.strategies,
        seeds=request.seeds,
        learning_rates=request.learning_rates,
        equal=request.equal,
        measure=request.measure,
        store=request.store,
    )


def _sweep(name: str, request: CompareRequest) -> sweeps.ComparisonRuns:
    """All runs of a comparison, and which of them are done."""
    return api.plan_comparison(
        name,
        request.strategies or api.DEFAULT_STRATEGIES,
        seeds=request.seeds or api.DEFAULT_SEEDS,
        learning_rates=request.learning_rates,
        amount=request.budget,
        equal=request.equal,
        measure=request.measure,
        overrides=request.overrides,
        store=request.store,
        device=request.device or "auto",
        jobs=request.jobs or 1,
        threads=request.threads,
    )


def _run_missing(
    each: sweeps.ComparisonRuns, strategies: Sequence[str], request: CompareRequest
) -> bool:
    """Run what is missing, with progress, and return whether all of it was run."""
    name, amount, missing = each.base.name, each.settings.amount, len(each.missing)
    print_note(
        f"{name}: {counted(missing, 'run')} to do, {len(each.done)} already done; budget of "
        f"each strategy with each seed: {amount.value:.3g} {amount.unit}"
    )
    few = comparison.too_few_seeds(
        strategies, {run.seed for run in each.runs}, measured=request.measure is not None
    )
    estimated = learn.estimated_work(each.base.model, each.base.shape)
    for note in (few, estimated):
        if note is not None:
            print_note(note)
    complete = api.run_missing(each, request.jobs or 1, stderr_console())
    if not complete:
        print_error(
            f"interrupted; {len(each.done)} of {len(each.runs)} runs are over, and the same command "
            f"continues with the rest"
        )
    return complete
