"""Runs experiments, and resumes runs that stopped before their end."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from subprocess import Popen
from typing import Unpack

from curriculum import record
from curriculum.config import Experiment, arms_of, is_portfolio
from curriculum.errors import UsageError
from curriculum.learn import Learner, default_threads, isolated
from curriculum.runner.adoption import remove_checkpoints_of_arms
from curriculum.runner.first_costs import check_memory
from curriculum.runner.fresh_learner import fresh_learner
from curriculum.runner.loop import CurriculumLoop
from curriculum.runner.options import RunContext, RunOptions, check_settled, check_withheld
from curriculum.runner.portfolio_run import PortfolioRun
from curriculum.runner.restore import remember_source, restore_experiment, source_of
from curriculum.tracking import was_copied
from curriculum.tune import RunSetup, open_executor

Ended = tuple[record.Result, Popen[bytes] | None]
"""What a run came to, and the process that copies it into MLflow."""


def run(
    experiment: Experiment,
    seed: int = 0,
    *,
    resume: bool = False,
    overrides: Sequence[str] = (),
    run_id: str | None = None,
    **options: Unpack[RunOptions],
) -> record.Result:
    """Train a fresh model along the experiment's path; the result says whether it was interrupted.

    `curriculum.run` documents what it takes and raises. Here `overrides` are for the record
    alone: they are part of the experiment already; and `run_id` is the id of the run, by default a new
    one.

    Raises:
        RunExists: where the store has a run of that id.
    """
    if seed < 0:
        raise UsageError(f"seed must be a whole number, at least 0, got {seed}")
    context = RunContext(**options)
    context.check(experiment)
    with isolated(context.threads or default_threads(experiment.model.hidden_size)):
        described = context.describe(experiment, seed, overrides)
        earlier = record.earlier_run(context.run_store, described) if resume else None
        if earlier is None:
            result, mirror = _start(described, experiment, context, run_id)
    if earlier is not None:
        original = earlier.description()
        check_settled(original, context)
        context = _on_the_same_device(context, original)
        with _isolated(context, original):
            described = context.describe(experiment, seed, overrides)
            remember_source(earlier, context.source)
            result, mirror = _resume(earlier, described, experiment, context)
    context.wait_for_mirror(mirror, result.run_id)
    return result


def resume(
    run_id: str, *, experiment: Experiment | None = None, **options: Unpack[RunOptions]
) -> record.Result:
    """Resume a run that stopped before its end; of one that is over, give the result.

    `curriculum.resume` documents what it takes and raises.
    """
    context = RunContext(**options)
    folder = context.run_store.find(run_id)
    original = folder.description()
    check_withheld(original, context)
    check_settled(original, context)
    context = replace(
        _on_the_same_device(context, original),
        tracking_uri=context.tracking_uri or original.tracking_uri,
        optuna_storage=context.optuna_storage or original.optuna_storage,
        mlflow=original.mlflow,
        source=source_of(folder, context.source, experiment),
    )
    given, experiment = experiment, restore_experiment(original, context.source, experiment)
    remember_source(folder, context.source)
    context.check(experiment)
    with _isolated(context, original):
        described = context.describe(given or experiment, original.seed, original.overrides)
        if given is None or described.settings == original.settings:
            described = replace(described, config=original.config)  # a file may have been moved
        result, mirror = _resume(folder, described, given or experiment, context)
    context.wait_for_mirror(mirror, result.run_id)
    return result


def _on_the_same_device(context: RunContext, original: record.RunDescription) -> RunContext:
    """The options of a run that is resumed: on the device that it was on, unless another is given."""
    return replace(context, device=context.device or original.device)


def _isolated(context: RunContext, original: record.RunDescription) -> AbstractContextManager[None]:
    """Torch as the run that is resumed had it, with as many threads, unless others are given."""
    threads = context.threads or original.threads
    return isolated(threads, flush_denormal=original.flush_denormal)


def _start(
    described: record.RunDescription,
    experiment: Experiment,
    context: RunContext,
    run_id: str | None,
) -> Ended:
    """Start a run, once task and model were seen to fit together."""
    _check_first_batch(experiment, context)
    setup = _setup(experiment, described, context)
    prepared = PortfolioRun(setup) if is_portfolio(experiment) else fresh_learner(setup)
    folder = context.run_store.create(described, run_id)
    remember_source(folder, context.source)
    with folder.held(wait_seconds=context.wait_for_writer):
        if isinstance(prepared, PortfolioRun):
            return _race(folder, prepared, context)
        return _loop(folder, setup, prepared, record.ResumePoint(), context)


def _check_first_batch(experiment: Experiment, context: RunContext) -> None:
    """Check that task and model fit together; of a portfolio, in an arm that mixes stages if there is one."""
    arms = arms_of(experiment).values() if is_portfolio(experiment) else ()
    if arms:
        check_memory(experiment, len(arms), context.torch_device)
    mixing = (arm for arm in arms if arm.sampling.mixes_stages)
    next(mixing, experiment).check_first_batch(context.torch_device)


def _setup(
    experiment: Experiment, described: record.RunDescription, context: RunContext
) -> RunSetup:
    """What a run of that experiment is made with."""
    device = context.torch_device
    return RunSetup(experiment=experiment, seed=described.seed, device=device, stop=context.stop)


def _resume(
    folder: record.RunFolder,
    now: record.RunDescription,
    experiment: Experiment,
    context: RunContext,
) -> Ended:
    """Resume a run where its record allows it, or give its result if it is over."""
    mirror: Popen[bytes] | None = None
    with folder.held(wait_seconds=context.wait_for_writer):
        original = folder.description()
        changes = record.changes_between(original, now)
        history = record.History.of(folder)
        if history.end is None and not context.force:
            record.check_unchanged(folder, changes)
        if is_portfolio(experiment) and history.training_end is None:
            if context.force and changes:
                raise UsageError(
                    f"run {folder.id} is amid a race, whose arms would no longer be alike; start it anew, or "
                    f"resume it where it was started"
                )
            folder.remove_stop_note()
            return _race(folder, PortfolioRun(_setup(experiment, now, context)), context)
        judged = experiment
        if history.arms.selected is not None:  # the run goes on as that arm
            remove_checkpoints_of_arms(folder)
            experiment = arms_of(experiment)[history.arms.selected.arm]
        # The state on disk is that of the experiment as it was; only then may it be changed.
        same = original.config == now.config
        before = experiment if same else restore_experiment(original, context.source, judged)
        if history.arms.selected is not None and not same:
            before = arms_of(before)[history.arms.selected.arm]
        setup = _setup(before, now, context)
        # What can't be built here is said before a checkpoint is tried, and taken for a damaged one.
        fresh = fresh_learner(setup)
        point = record.find_resume_point(folder, before, setup.device)
        if point.run_is_over:
            result = history.result()
            if not was_copied(context.run_store, folder):
                mirror = context.start_mirror(folder)
        else:
            if context.force:
                point = record.forced_resume_point(
                    folder,
                    point,
                    before,
                    experiment,
                    changes=changes,
                    device=setup.device,
                    seed=original.seed,
                )
                with folder.writing():
                    folder.describe(record.continued(original, now))
            folder.remove_stop_note()
            if not same:
                setup = _setup(experiment, now, context)
                fresh = fresh_learner(setup)
            result, mirror = _loop(folder, setup, fresh, point, context, judged=judged)
    return result, mirror


def _race(folder: record.RunFolder, race: PortfolioRun, context: RunContext) -> Ended:
    """Race the arms of a run with its recorder and mirror, and go on as the winner."""
    folder.remove_leftovers()
    with (
        context.stop.listening(),
        record.Recorder(
            folder,
            race.recipe,
            context.listener,
            resume_point=record.replay_point(folder),
            checkpoints=context.checkpoints,
        ) as recorder,
    ):
        mirror = context.start_mirror(folder)
        return race.run(folder, recorder, context), mirror


def _loop(
    folder: record.RunFolder,
    setup: RunSetup,
    fresh: Learner,
    point: record.ResumePoint,
    context: RunContext,
    *,
    judged: Experiment | None = None,
) -> Ended:
    """Run the core loop with its executor, recorder and mirror."""
    with (
        context.stop.listening(),
        open_executor(setup, jobs=context.jobs, source=context.source_file) as executor,
        record.Recorder(
            folder,
            setup.experiment.recipe,
            context.listener,
            resume_point=point,
            checkpoints=context.checkpoints,
        ) as recorder,
    ):
        mirror = context.start_mirror(folder)
        loop = CurriculumLoop(
            setup,
            fresh,
            point,
            recorder,
            executor,
            on_trained=context.on_trained,
            judged=judged,
        )
        return loop.run(), mirror
