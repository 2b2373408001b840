"""The commands `run` and `resume`."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

from curriculum import config, learn, record, report, runner
from curriculum.cli.arguments import (
    OptunaOption,
    RunArgument,
    SourceOption,
    StoreOption,
    TrackingOption,
)
from curriculum.cli.parser import Parser, argument, option
from curriculum.cli.terminal import print_line, print_note, stderr_console, users_output_on_stderr
from curriculum.cli.values import natural, seconds, seed, thread_count
from curriculum.errors import UsageError

EXIT_CODES = {"reached": 0, "stopped": 3}
USAGE = "python -m curriculum run EXPERIMENT [options] [--part.setting VALUE ...]"
EXAMPLES = """\
examples:
  python -m curriculum run lstm_firstbit
  python -m curriculum run gru_firstbit --seed 3 --growth.factor 2
  python -m curriculum run bert_reverse:direct
  python -m curriculum run my_task.py --strategy auto
  python -m curriculum run my_task.py --growth galloping --dry-run
  python -m curriculum run my_task.py --tuning.mode each --jobs 2
  python -m curriculum run bert_reverse --seed 3 --resume
"""


@dataclass(frozen=True, kw_only=True)
class RunningRequest(StoreOption, TrackingOption, OptunaOption):
    """What `run` and `resume` have in common."""

    device: str | None = option(
        "auto, cpu, cuda, cuda:N or mps (default: auto; for a resumed run, the one it was started on)",
        metavar="DEVICE",
    )
    threads: int | None = option(
        "threads of torch (default: by the model's size; for a resumed run, as many as it was "
        "started with)",
        thread_count,
    )
    jobs: int = option(
        "processes that train the trials of a round, at most 4, or with --strategy auto its arms; the "
        "result is the same",
        natural,
        default=1,
    )
    checkpoint_every: float = option(
        "how often to save a checkpoint within a stage", seconds, default=30
    )
    keep_checkpoints: int = option(
        "the newest checkpoints to keep, besides one of each stage passed", natural, default=2
    )
    wait: bool = option("at the end, wait until MLflow has the whole run", bool)
    force: bool = option(
        "resume even if the experiment, its search space or library versions have changed", bool
    )
    json: bool = option("print the result as one JSON object", bool)


@dataclass(frozen=True, kw_only=True)
class RunRequest(RunningRequest):
    """Which experiment to run, and how; `parser` prints the help."""

    experiment: str | None = argument(
        "EXPERIMENT", "a name from 'list', or a Python file", nargs="?"
    )
    help: bool = option("show this help; after EXPERIMENT, with its settings", bool, short=("-h",))
    seed: int = option("the seed of all randomness", seed, default=0)
    mlflow_children: str = option(
        "off: the visits are a table of the run in MLflow, not child runs of it",
        metavar="on|off",
        choices=("on", "off"),
        default="on",
    )
    log_code: bool = option("log your file with the model, so that MLflow can load it", bool)
    system_metrics: bool = option("log the machine's load to MLflow, every ten seconds", bool)
    dry_run: bool = option("show the plan without running it", bool)
    resume: bool = option(
        "resume the newest run of this experiment and seed; print its result if it is over", bool
    )
    overrides: tuple[str, ...]
    parser: Parser


@dataclass(frozen=True, kw_only=True)
class ResumeRequest(RunArgument, SourceOption, RunningRequest):
    """Which run to resume, and how."""


def run(request: RunRequest) -> int:
    """Run an experiment; or show its settings, or what would be run."""
    if request.experiment is None:
        if request.help:
            request.parser.print_help()
            return 0
        raise UsageError("run needs the name of an experiment, or a file; 'list' shows the names")
    if request.json and request.dry_run:
        raise UsageError("--json prints a run's result, and --dry-run has none; leave one out")
    with users_output_on_stderr():
        experiment, source = config.load_experiment(request.experiment)
    if request.help:
        _add_settings(request.parser, experiment, request.overrides)
        request.parser.print_help()
        return 0
    experiment = config.override(experiment, request.overrides)
    record.Store(request.store)  # an address of no folder is a mistake without a run too
    if request.dry_run:
        with learn.isolated(1):
            experiment.check_first_batch()
        for line in report.describe_dry_run(experiment):
            print_line(line, hanging=4)
        return 0
    if config.is_portfolio(experiment):
        for name, why in config.arms_left_out(experiment).items():
            print_note(f"{name} is left out of the race, as {why}")
    if experiment.budget.compute is not None or experiment.tuning.is_on:
        _note_estimate(experiment)
    seed, overrides, outcome = request.seed, request.overrides, _Outcome.printing_for(request)
    with _run_options(request, experiment, seed, source, outcome) as options:
        options["mlflow"] = _mlflow_settings(request)
        result = runner.run(experiment, seed, resume=request.resume, overrides=overrides, **options)
    return _finish(request, result, options["stop"], outcome)


def _mlflow_settings(request: RunRequest) -> record.MlflowSettings | None:
    """What of the run is copied; None where nothing is said, as for one that is resumed."""
    if request.system_metrics and importlib.util.find_spec("psutil") is None:
        raise UsageError("--system-metrics needs psutil: pip install psutil")
    given = record.MlflowSettings(
        visits_as_table=request.mlflow_children == "off",
        log_code=request.log_code,
        system_metrics=request.system_metrics,
    )
    return None if given == record.MlflowSettings() else given


def _note_estimate(experiment: config.Experiment) -> None:
    """Say where compute, by which trials and budgets go, is estimated."""
    found = learn.estimated_work(experiment.model, experiment.shape)
    if found is not None:
        print_note(found)


def resume(request: ResumeRequest) -> int:
    """Resume a run that stopped before its end."""
    folder = record.Store(request.store).find(request.run)
    description = folder.description()
    source = runner.source_of(folder, request.source)
    with users_output_on_stderr():
        experiment = runner.restore_experiment(description, source)
    seed, outcome = description.seed, _Outcome.printing_for(request)
    with _run_options(request, experiment, seed, source, outcome) as options:
        result = runner.resume(folder.id, **options)
    return _finish(request, result, options["stop"], outcome)


def _add_settings(
    parser: Parser, experiment: config.Experiment, overrides: tuple[str, ...]
) -> None:
    """Add an experiment's settings, part by part, to what the help shows."""
    parser.usage = USAGE.replace("EXPERIMENT", experiment.name)
    for part in config.describe_settings(experiment, overrides):
        group = parser.add_argument_group(f"{part.name} settings", part.description)
        for setting in part.settings:
            text = setting.description.replace("%", "%%")
            if setting.value:
                group.add_argument(*setting.options, metavar=setting.value, help=text)
            else:
                group.add_argument(*setting.options, action="store_true", help=text)


@dataclass
class _Outcome:
    """Prints what training came to, once: before the final evaluation, or at the end."""

    stream: TextIO
    printed: bool = False

    @classmethod
    def printing_for(cls, request: RunningRequest) -> Self:
        return cls(sys.stderr if request.json else sys.stdout)

    def __call__(self, history: record.History) -> None:

        if self.printed:
            return
        self.printed = True
        console = report.literal_console(file=self.stream)
        with console.capture() as capture:
            if history.visits:  # amid a race there are none
                console.print(report.stage_table(history.result()), end="\n\n")
        # A run goes on though nobody reads; what is printed at its end finds that out as well.
        with contextlib.suppress(BrokenPipeError):
            self.stream.write(capture.get())
            print_line(report.outcome(history), self.stream)


@contextmanager
def _run_options(
    request: RunningRequest,
    experiment: config.Experiment,
    seed: int,
    source: Path | None,
    outcome: _Outcome,
) -> Iterator[runner.RunOptions]:
    """The runner's options; progress is shown while they are in use."""
    stop = learn.StopRequest(signal.SIGINT, signal.SIGTERM)
    with report.Progress(experiment, seed, stderr_console()) as progress, users_output_on_stderr():
        yield {
            "store": request.store,
            "device": request.device,
            "threads": request.threads,
            "jobs": request.jobs,
            "checkpoints": record.CheckpointPolicy(
                every=request.checkpoint_every, keep=request.keep_checkpoints
            ),
            "wait": request.wait,
            "force": request.force,
            "tracking_uri": request.tracking_uri,
            "optuna_storage": request.optuna_storage,
            "source": source,
            "listener": progress,
            "on_trained": outcome,
            "stop": stop,
        }


def _finish(
    request: RunningRequest, result: record.Result, stop: learn.StopRequest, outcome: _Outcome
) -> int:
    """Print what a run came to, as far as that was not done yet, and give the exit code."""
    history = record.History.of(record.Store(request.store).find(result.run_id))
    stream = outcome.stream
    outcome(history)
    for sentence in report.final_evaluation(history):
        print_line(sentence, stream)
    _print_verdict(history, stream)
    if history.end is not None:
        print_line(
            f"Run {result.run_id}: 'explain {result.run_id}' says why, 'show {result.run_id}' shows "
            f"examples, 'ui' opens MLflow",
            stream,
        )
    else:  # a command is left on one line, to be copied
        command = _resume_command(history, request.store)
        print(f"Run {result.run_id} can be resumed: {command}", file=stream)
    if request.json:
        print(json.dumps(result.as_json()))
    if result.status == "interrupted":
        return 128 + (stop.signal or signal.SIGINT)
    return EXIT_CODES[result.status]


def _print_verdict(history: record.History, stream: TextIO) -> None:
    """Print what a race says of its arms, and the command that would show it, on one line to be copied."""
    for sentence in (*report.race_verdict(history), report.verdict_needs(history)):
        if sentence:
            print_line(sentence, stream)
    if command := report.comparing_command(history):
        print(command, file=stream)


def _resume_command(history: record.History, store: Path) -> str:
    description = history.description
    words = ["python", "-m", "curriculum", "resume", description.id]
    if store != record.DEFAULT_STORE:
        words += ["--store", str(store)]
    if "curriculum_file_" in str(description.config):
        words += ["--source", str(description.source)]
    return shlex.join(words)
