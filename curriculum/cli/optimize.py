"""The command `optimize`: searches for the curriculum that reaches the target at the least cost."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from curriculum import api, config, learn, record, report, sweeps
from curriculum.cli.arguments import (
    OptunaOption,
    RayOptions,
    StoreOption,
    TrackingOption,
    command_line,
)
from curriculum.cli.output_files import check_can_be_written, write_text
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_error, print_line, print_note, stderr_console
from curriculum.cli.values import amount, natural, thread_count, usage_checked
from curriculum.cli.values import learning_rates as read_rates
from curriculum.cli.values import seed as read_seed
from curriculum.cli.values import seeds as read_seeds
from curriculum.errors import counted
from curriculum.report import comparison as comparison_report

USAGE = "python -m curriculum optimize EXPERIMENT --over SETTING=RANGE ... [options] [--part.setting VALUE ...]"
EXAMPLES = """\
examples:
  python -m curriculum optimize lstm_firstbit --over growth.factor=1.2..4 --over sampling=current,look_back,combined
  python -m curriculum optimize lstm_firstbit --over criterion.threshold=.5..1 --over strategy=gated,linear,combined
  python -m curriculum optimize lstm_firstbit --over growth.factor=1.2..4 --seeds 0..2 --trials 40 --jobs 2
  python -m curriculum optimize bert_reverse --over growth.factor=1.2..4 --over criterion.threshold=.5..0.99 --report report.html
  python -m curriculum optimize lstm_firstbit --over growth.factor=1.2..4 --trials 9 --budget 2000steps --json
"""


def _over(text: str) -> str:
    config.parse_over([text])
    return text


@dataclass(frozen=True, kw_only=True)
class OptimizeRequest(RayOptions, StoreOption, TrackingOption, OptunaOption):
    """What to search, and how; `words` is the command as typed."""

    experiment: str = argument("EXPERIMENT", "a name from 'list', or a Python file")
    over: list[str] = option(
        "what to search, such as growth.factor=1.2..4 or sampling=current,look_back; give it once for "
        "each setting of the curriculum",
        usage_checked(_over),
        "SETTING=RANGE",
        default=[],
        action="append",
    )
    seeds: tuple[int, ...] | None = option("the seeds of the search (default: 0..2)", read_seeds)
    confirm_seeds: tuple[int, ...] | None = option(
        "the fresh seeds that the best is confirmed on (default: 100..109)", read_seeds
    )
    trials: int = option("how many curricula to try", natural, default=40)
    seed: int = option("of the proposals", read_seed, default=0)
    learning_rates: tuple[float, ...] | None = option(
        "the learning rates that share the budget (default: the experiment's alone)",
        read_rates,
    )
    budget: sweeps.Amount | None = option(
        "the budget of each curriculum with each seed, in compute, or N followed by tokens or steps "
        "(default: 500 steps on the last stage for each learning rate)",
        usage_checked(amount),
        "N",
    )
    engine: str | None = option(
        "what makes the runs: local, or ray (default: this process, or local with several --jobs)",
        metavar="NAME",
    )
    jobs: int | None = option("how many runs at a time (default: 1)", natural)
    threads: int | None = option(
        "threads of torch (default: by the model's size; 1 with several --jobs)", thread_count
    )
    device: str = option("auto, cpu, cuda, cuda:N or mps", metavar="DEVICE", default="auto")
    dry_run: bool = option("tell runs, budgets, cost and hours, and run nothing", bool)
    wait: bool = option("at the end, wait until MLflow has all runs", bool)
    json: bool = option("print all that was found as JSON", bool)
    report: Path | None = option("write an HTML report to this file", Path)
    overrides: tuple[str, ...]
    words: tuple[str, ...]


def optimize(request: OptimizeRequest) -> int:
    """Search for the best curriculum of an experiment; the exit code."""
    if request.report is not None:
        check_can_be_written(request.report)
    engine = _engine(request)
    plan = api.planned(request.experiment, config.parse_over(request.over), _settings(request))
    if request.dry_run:
        return _dry_run(request, plan, engine)
    whole, files = plan.amount, sweeps.SweepFiles(record.Store(plan.settings.store), plan.id)
    note = (
        f"{plan.title}: {counted(plan.settings.trials, 'trial')}, {' and '.join(plan.always)} among "
        f"them; budget of each with each seed: up to {whole.value:g} {whole.unit}; '{files.shown_by}' "
        f"shows it in another terminal"
    )
    here = nullcontext() if request.engine is None else engine.open(plan.settings.store)
    with here as opened:
        outcome = api.search(
            plan,
            stderr_console(),
            opened,
            wait=request.wait,
            begin=lambda: print_note(note),
        )
    found = outcome.result
    if found is None:
        print_error(f"{outcome.status}; the same command continues the search")
        return 128 + (outcome.signal or signal.SIGINT)
    stream = sys.stderr if request.json else sys.stdout
    comparison_report.print_optimization(found.optimization, found.command, stream)
    if request.report is not None:
        write_text(request.report, found.to_html())
    if request.json:
        print(json.dumps(found.to_json()))
    return 0


def _dry_run(
    request: OptimizeRequest, plan: api.OptimizationPlan, engine: sweeps.EngineSettings
) -> int:
    """Tell what a search would do, unless a start would be refused."""
    record.check_shared_store(plan.settings.store)
    cores = request.jobs or 1
    if request.engine is not None:
        at_a_time = engine.runs_at_a_time(plan.settings.store)
        cores = max(1, round(at_a_time * (1.0 if request.cpus is None else request.cpus)))
    with learn.isolated(1):
        estimate = api.estimate_search(plan)
    if request.json:
        print(json.dumps({"search": plan.id, **asdict(estimate), "cores": cores}))
        return 0
    always = " and ".join(plan.always)
    for line in report.describe_search_estimate(plan.title, always, estimate, cores):
        print_line(line, hanging=4)
    return 0


def _engine(request: OptimizeRequest) -> sweeps.EngineSettings:
    """What makes the runs; without a name this process, or as many as there are jobs."""
    return sweeps.EngineSettings(
        name=request.engine or "local",
        jobs=request.jobs,
        address=request.address,
        cpus=request.cpus,
        gpus=request.gpus,
        device=request.device,
    )


def _settings(request: OptimizeRequest) -> api.OptimizationSettings:
    return api.OptimizationSettings(
        seeds=request.seeds or api.DEFAULT_SEARCH_SEEDS,
        confirm_seeds=request.confirm_seeds or api.DEFAULT_CONFIRM_SEEDS,
        trials=request.trials,
        learning_rates=request.learning_rates,
        budget=request.budget,
        seed=request.seed,
        overrides=request.overrides,
        store=request.store,
        device=request.device,
        jobs=request.jobs or 1,
        elsewhere=request.engine is not None,
        threads=request.threads,
        optuna_storage=request.optuna_storage,
        tracking_uri=request.tracking_uri,
        command=command_line(request.words),
    )
