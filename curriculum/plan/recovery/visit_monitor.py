"""Watches the evaluations of a visit, or of a trial: is it getting better, worse, or nowhere?"""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from curriculum.errors import counted
from curriculum.plan.evaluation import Evaluation
from curriculum.plan.recovery.plateau import Plateau
from curriculum.plan.recovery.rollback import IN_A_ROW, BestState, Rollback


@dataclass
class VisitMonitor:
    """Says when to go back to the best state, and when to give up.

    Attributes:
        rollback: when to go back.
        patience: steps without progress after which to give up; 0 for never.
        examples: a score on more than so many is compared as if it were on so many.
        lower_is_better: whether a lower score is a better one.
        rollbacks: how often it went back.
        best_before: after the last time: the steps and the score of the state gone back to.
    """

    rollback: Rollback
    _: KW_ONLY
    patience: int
    examples: int
    lower_is_better: bool = False
    rollbacks: int = 0
    best_before: tuple[int, float] | None = None
    _best: BestState = field(default_factory=BestState)
    _plateau: Plateau = field(default_factory=Plateau)

    def observe(self, evaluation: Evaluation, *, steps: int) -> None:
        """Take an evaluation into account, made after so many steps."""
        if self.rollback.times:
            self._best.observe(
                evaluation,
                self.rollback.significance,
                examples=self.examples,
                steps=steps,
                lower_is_better=self.lower_is_better,
            )
        if self.patience:
            self._plateau.observe(
                evaluation,
                steps=steps,
                patience=self.patience,
                lower_is_better=self.lower_is_better,
            )

    @property
    def is_best(self) -> bool:
        """Whether the state that was evaluated last is the best, and so to be kept."""
        return self._best.is_newest

    @property
    def in_doubt(self) -> bool:
        """Whether it may have become worse, which another evaluation will show."""
        return 0 < self._best.worse < IN_A_ROW

    @property
    def worsened(self) -> bool:
        """Whether it has become worse than its best."""
        return self._best.worse >= IN_A_ROW

    def limit_reached(self, evaluation: Evaluation) -> str | None:
        """Why training on is of no use, in words; None while it may be."""
        diverged, times = evaluation.divergence, self.rollback.times
        if self.worsened and self.rollbacks >= times:
            return f"{diverged or 'the model has become worse'} again, after {counted(times, 'rollback')}"
        if diverged is not None and not self.worsened:  # there is nothing to go back to
            return diverged
        # Whoever had to go back, and has got nowhere since at the lower rate, has less patience.
        patience = self.patience // (1 + self.rollbacks)
        if patience and self._plateau.is_reached(patience):
            return f"neither score nor training loss improved over {counted(patience, 'step')}"
        return None

    def roll_back(self, *, steps: int) -> None:
        """The state is the best one again, which is to be evaluated afresh.

        Its old score was chosen for being the best, so that it is likely to have been lucky.
        """
        self.best_before = self._best.steps, self._best.score
        self._best = BestState()
        self._plateau.restart(steps)
        self.rollbacks += 1

    def state_dict(self) -> dict[str, Any]:
        return {
            "rollbacks": self.rollbacks,
            "best": self._best.state_dict(),
            "plateau": self._plateau.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rollbacks = state["rollbacks"]
        self._best.load_state_dict(state["best"])
        self._plateau.load_state_dict(state["plateau"])
