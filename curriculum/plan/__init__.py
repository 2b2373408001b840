"""What to train on, and when to move on: pure decisions, without torch and without I/O."""

from curriculum.plan.budget import Budget, Spending
from curriculum.plan.criterion import Decision, Mastery
from curriculum.plan.growth import Arithmetic, Explicit, Galloping, Geometric, Growth
from curriculum.plan.look import Look, Tally
from curriculum.plan.pacing import Direct, Gated, Pacing
from curriculum.plan.sampling import Current, Sampling
from curriculum.plan.scheduler import Scheduler
from curriculum.plan.stage import Stage
from curriculum.plan.stuck import Stuck
from curriculum.plan.verdict import Entry, Verdict

__all__ = [
    "Arithmetic",
    "Budget",
    "Current",
    "Decision",
    "Direct",
    "Entry",
    "Explicit",
    "Galloping",
    "Gated",
    "Geometric",
    "Growth",
    "Look",
    "Mastery",
    "Pacing",
    "Sampling",
    "Scheduler",
    "Spending",
    "Stage",
    "Stuck",
    "Tally",
    "Verdict",
]
