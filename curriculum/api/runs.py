"""Runs from Python: with progress, interruptible, and with a result that shows itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Unpack

from curriculum import record, report, runner
from curriculum.api.result import RunResult
from curriculum.config import Experiment, is_own, load_experiment, override
from curriculum.errors import UsageError
from curriculum.learn import StopRequest
from curriculum.runner import RunOptions

OnInterrupt = Literal["raise", "return"]


def run(
    experiment: Experiment | str,
    seed: int = 0,
    *,
    overrides: Sequence[str] = (),
    resume: bool = False,
    progress: bool | None = None,
    on_interrupt: OnInterrupt = "raise",
    **options: Unpack[RunOptions],
) -> RunResult:
    """Train a fresh model along the experiment's path, and give what it came to.

    An interrupt (Ctrl-C, or the stop button of a notebook) lets the run finish its step and save
    itself.

    Args:
        experiment: what to run; or its name, or the path of its file, as on the command line.
        seed: all randomness follows from it; at least 0.
        overrides: of the experiment's settings, as the command line takes them, such as
            `["--growth.end", "20"]`.
        resume: whether to resume the newest run of the same experiment and seed, or give
            its result if it is over.
        progress: whether to show how far the run is; by default in a notebook and on a terminal.
        on_interrupt: whether an interrupted run raises KeyboardInterrupt, once it is saved, or
            returns a result with status `interrupted`.
        options: see `RunOptions`.

    Raises:
        UsageError: for a device that is not available, a store that can't be written, an Optuna
            storage that can't be reached, a seed below 0, fewer jobs or threads than 1, a run in
            another thread, or a run to resume that another process holds, or whose provenance
            has changed.
        RunFailed: where a run can't continue: for want of memory or room on the disk, or of a record
            that the system keeps from being read.
        KeyboardInterrupt: where the run was interrupted; says how to resume it.
    """
    stop = _stop(on_interrupt, options)
    if isinstance(experiment, str):
        experiment, source = load_experiment(experiment)
        options.setdefault("source", source)
    experiment = override(experiment, overrides)
    with _shown(experiment, seed, progress, options):
        result = runner.run(experiment, seed, resume=resume, overrides=overrides, **options)
    return _finished(result, experiment, stop, on_interrupt, options)


def resume(
    run_id: str,
    *,
    experiment: Experiment | None = None,
    progress: bool | None = None,
    on_interrupt: OnInterrupt = "raise",
    **options: Unpack[RunOptions],
) -> RunResult:
    """Resume a run that stopped before its end; of one that is over, give the result.

    It ends as it would have without the stop: the same weights, bit for bit, and the same
    journal but for its clock, on the same machine with as many threads.

    Args:
        run_id: the run's id, an unambiguous beginning of one, or `last`.
        experiment: the one that was run, where its task or model is defined in a notebook
            rather than in a file.
        progress: see `run`.
        on_interrupt: see `run`.
        options: see `RunOptions`.

    Raises:
        UsageError: where there is no such run, another process holds it, its experiment
            can't be made again, or its provenance has changed.
        RunFailed: where a run can't continue.
        KeyboardInterrupt: where the run was interrupted; says how to resume it.
    """
    stop = _stop(on_interrupt, options)
    folder = _store(options).find(run_id)
    description = folder.description()
    options["source"] = runner.source_of(folder, options.get("source"), experiment)
    restored = runner.restore_experiment(description, options["source"], experiment)
    with _shown(restored, description.seed, progress, options):
        result = runner.resume(folder.id, experiment=experiment, **options)
    return _finished(result, restored, stop, on_interrupt, options)


def check_on_interrupt(on_interrupt: str) -> None:
    """Check that it says what is done with an interrupt."""
    if on_interrupt not in ("raise", "return"):
        raise UsageError(f"on_interrupt must be 'raise' or 'return', got {on_interrupt!r}")


def _stop(on_interrupt: str, options: RunOptions) -> StopRequest:
    """What asks the run to stop; by default SIGINT does."""
    check_on_interrupt(on_interrupt)
    return options.setdefault("stop", StopRequest(signal.SIGINT))


def _store(options: RunOptions) -> record.Store:
    return record.Store(Path(options.get("store", record.DEFAULT_STORE)))


@contextmanager
def _shown(
    experiment: Experiment, seed: int, progress: bool | None, options: RunOptions
) -> Iterator[None]:
    """Show the run's progress, if that is wanted, besides what its listener does."""
    if not (report.shows_progress() if progress is None else progress):
        yield
        return
    listener = options.get("listener")
    with report.Progress(experiment, seed, report.literal_console(stderr=True)) as shown:

        def both(entry: record.Record) -> None:
            if listener is not None:
                listener(entry)
            shown(entry)

        options["listener"] = both
        yield


def _finished(
    result: record.Result,
    experiment: Experiment,
    stop: StopRequest,
    on_interrupt: OnInterrupt,
    options: RunOptions,
) -> RunResult:
    """The result with its history; or an interrupt, where the run was stopped by one.

    A cell that is run with others after it must not hand half a result to them.
    """
    interrupted = result.status == "interrupted" and stop.signal == signal.SIGINT
    if interrupted and on_interrupt == "raise":
        raise KeyboardInterrupt(
            f"run {result.run_id} is saved, and can be resumed: "
            f"curriculum.resume({_arguments(result.run_id, experiment, options)})"
        )
    return RunResult.of(result, record.History.of(_store(options).find(result.run_id)))


def _arguments(run_id: str, experiment: Experiment, options: RunOptions) -> str:
    """What it takes to resume the run, as it would be typed."""
    given = [repr(run_id)]
    if "store" in options:
        given.append(f"store={str(options['store'])!r}")
    if is_own(experiment):
        source = options.get("source")
        given.append("experiment=…" if source is None else f"source={str(source)!r}")
    return ", ".join(given)
