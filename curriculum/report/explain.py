"""Why each visit advanced, or did not, in a sentence with the numbers."""

from collections.abc import Iterator, Mapping

from curriculum.errors import counted
from curriculum.plan import LOSSES, Verdict, VisitReason, perplexity
from curriculum.record import History, ProvenanceChanged, Visit
from curriculum.report.race import comparing_command, race_verdict, verdict_needs
from curriculum.report.race_standing import race_lines, race_situation

REASONS = {
    VisitReason.ADVANCE: "",
    VisitReason.HALF_STEP: " (half step)",
    VisitReason.DEMOTION: " (demotion)",
    VisitReason.RETURN: " (return)",
    VisitReason.FRESH_START: " (fresh start)",
    VisitReason.CONTINUATION: " (until the budget is used up)",
}


def explain_run(history: History, *, running: bool = False) -> Iterator[str]:
    """A heading, the race of its arms if it has any, a sentence for each visit, and how the run ended."""
    description = history.description
    yield (
        f"Run {description.id}: {description.experiment}, seed {description.seed}, "
        f"{counted(len(description.path), 'stage')}, strategy {description.strategy}"
    )
    for change in history.changes:
        yield f"Resumed by force under a changed provenance{_changes(change)}."
    yield from race_lines(history)
    for visit in history.visits:
        retuning = ", retuned" if visit.retuning else ""
        reason = REASONS[visit.visit_reason]
        stage = description.axis_names.words(visit.stage)
        yield f"Visit {visit.number}, {stage}{reason}{retuning}: {_sentence(visit)}"
    if history.damaged and history.end is None:
        yield (
            f"The journal is damaged after that: 'resume {description.id}' computes the rest again."
        )
    yield closing(history, running=running)


def _changes(change: ProvenanceChanged) -> str:
    parts = [f"{name} was {old} and is {new}" for name, (old, new) in change.changes.items()]
    if change.dropped:
        parts.append(f"the last {counted(change.dropped, 'record')} were dropped")
    return f": {'; '.join(parts)}" if parts else ""


def closing(history: History, *, running: bool = False) -> str:
    """How the run stands or ended, with its reach and cost, and what its final model passes.

    Of a race, also what that says, and the command that would show it.
    """
    parts = outcome(history, running=running), *final_evaluation(history, running=running)
    words = (*parts, *race_verdict(history), verdict_needs(history), comparing_command(history))
    return " ".join(filter(None, words))


def outcome(history: History, *, running: bool = False) -> str:
    """How training stands or ended, with its reach and cost."""
    cost = (
        f"{counted(history.total_cost.steps, 'step')}, "
        f"{counted(history.total_cost.tokens, 'token')}, {history.seconds:.1f} s"
    )
    if history.discarded_cost.compute:
        cost += f"; discarded trials took {history.discarded_share:.0%} of the compute"
    trained = history.training_end or history.end
    if trained is None:
        status, ending = history.status(running=running), "" if running else history.ending
    elif trained.status == "reached":
        return f"{_reached(history)}; {cost}."
    else:
        status, ending = trained.status, trained.ending
    description = history.description
    words, verdict = description.axis_names.words, description.verdict
    reach = f"no stage {verdict}"
    if history.reach is not None:
        kind = " (ready)" if verdict is Verdict.READY else ""
        reach = f"reach: {words(history.reach)}{kind}"
    elif history.arms.names:
        arms = history.arms.results()
        reach = f"amid its race: {race_situation(arms, description.axis_names, description.path)}"
    return f"{status.capitalize()}{f' ({ending})' if ending else ''}; {reach}; {cost}."


def _reached(history: History) -> str:
    """That the target was reached, and by passing which stages."""
    path = history.description.path
    passed = {v.stage for v in history.visits if v.verdict.passed}
    verdict = history.description.verdict
    target = history.description.axis_names.place(path[-1], path)
    if passed.issuperset(path):
        stages = "every stage" if len(path) > 1 else "the stage"
        return f"Target reached: {stages} {'up to' if len(path) > 1 else 'of'} {target} {verdict}"
    below = sum(stage not in passed for stage in path[:-1])
    return f"Target reached: {target} {verdict} ({below} of the stages below it are not)"


def final_evaluation(history: History, *, running: bool = False) -> Iterator[str]:
    """What the final model still passes; or that it is not known yet."""
    if history.training_end is not None and history.end is None:
        yield f"The final evaluation is not over ({history.status(running=running)})."
    if not history.final_evaluations or history.end is None:
        return
    names = history.description.axis_names
    count = sum(not event.beyond for event in history.final_evaluations)
    held, text = len(history.held), "The final model still passes "
    if not held:
        text = "The final model passes no stage of the path"
    elif held == count:
        text += f"all {counted(count, 'stage')}" if count > 1 else "its stage"
    else:
        retained = history.retained
        which = "not the first" if retained is None else f"all up to {names.words(retained)}"
        text += f"{held:,} of {counted(count, 'stage')} ({which})"
    if history.extrapolated is not None:
        text += (
            f", {'and' if held else 'but'} {names.lengths} up to {history.extrapolated:,} "
            f"(trained on {names.lengths} up to {history.longest_trained:,})"
        )
    yield f"{text}."


def _sentence(visit: Visit) -> str:
    reason = visit.reason
    if not reason:
        return "not evaluated yet."
    if visit.evaluations:
        last = visit.evaluations[-1]
        reason += _metrics(last.metrics, last.decision.metric)
    took = f"after {counted(visit.cost.steps, 'step')}{_search(visit)}{_rollbacks(visit)}"
    if visit.verdict.passed and visit.cost.steps == 0:
        return f"already {visit.verdict} (no training needed): {reason}."
    if visit.verdict.passed:
        return f"{visit.verdict} {took}: {reason}."
    if visit.verdict in (Verdict.EXHAUSTED, Verdict.ENDED):
        back = "" if visit.kept else "; the model went back to what it was before the visit"
        if visit.restored is not None:
            back = f"; the run ends with the model of visit {visit.restored}, which got farthest"
        return f"{visit.verdict} {took}: {visit.limit_reached}; last evaluation: {reason}{back}."
    return f"not decided yet {took}; last evaluation: {reason}."


def _rollbacks(visit: Visit) -> str:
    """How often the model went back, in words: to which score, and from which; empty for never."""
    if not visit.rollbacks:
        return ""
    parts = [
        f"from {'a loss that was not finite' if each.score is None else f'{each.score:.3g}'} to "
        f"{each.best_score:.3g} of step {each.best_step:,}"
        for _, each in visit.rollbacks
    ]
    rate = visit.rollbacks[-1][1].learning_rate
    times = counted(len(parts), "rollback")
    return f" and {times} ({', '.join(parts)}; learning rate {rate:.3g} since)"


def _metrics(metrics: Mapping[str, float], decided_on: str) -> str:
    """What an evaluation measured besides its score, in words: `, perplexity 1.02`."""
    parts = []
    if "loss" in metrics and decided_on not in LOSSES:
        parts.append(f"perplexity {perplexity(metrics['loss']):.4g}")
    parts += [
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in metrics.items()
        if not name.endswith("loss")
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _search(visit: Visit) -> str:
    """Which trial was selected, and what the others cost, in words; empty where none was tried."""
    if not visit.reports:
        return ""
    tried = counted(visit.trial_count, "trial")
    if visit.selection is None:
        return f", searching, {tried} so far"
    settings = f"learning rate {visit.learning_rate:.3g} and hidden size {visit.hidden_size}"
    if visit.selection.trial is None:
        return f" at the carried {settings}, as all of {tried} diverged"
    if not visit.discarded_cost.compute:
        return f" at {settings}, with its first trial"
    rank = "the best"
    if any(report.mastered for report in visit.reports):
        rank = "the first to master"
    elif any(report.ready for report in visit.reports):
        rank = "the first to be ready"
    return (
        f" at {settings}, {rank} of {tried} (discarded trials took "
        f"{visit.discarded_share:.0%} of the visit's compute)"
    )
