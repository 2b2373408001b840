"""What to train on, and when to move on: pure decisions, without torch and without I/O."""

from curriculum.plan.budget import Budget, Spending
from curriculum.plan.certificate import Certificate
from curriculum.plan.criterion import Decision, Mastery
from curriculum.plan.growth import Arithmetic, Explicit, Galloping, Geometric, Growth
from curriculum.plan.look import Look, Tally
from curriculum.plan.pacing import Direct, Gated, Linear, Pacing, Root
from curriculum.plan.sampling import (
    Bandit,
    Combined,
    Current,
    Hardest,
    LookBack,
    LookBackAndAhead,
    MasteringRate,
    Mixed,
    Sampler,
    Sampling,
    Signal,
    Teacher,
    Uniform,
)
from curriculum.plan.scheduler import Scheduler
from curriculum.plan.stage import Stage
from curriculum.plan.strategy import STRATEGIES, Strategy, strategy_of
from curriculum.plan.stuck import Stuck
from curriculum.plan.verdict import Entry, Verdict

__all__ = [
    "STRATEGIES",
    "Arithmetic",
    "Bandit",
    "Budget",
    "Certificate",
    "Combined",
    "Current",
    "Decision",
    "Direct",
    "Entry",
    "Explicit",
    "Galloping",
    "Gated",
    "Geometric",
    "Growth",
    "Hardest",
    "Linear",
    "Look",
    "LookBack",
    "LookBackAndAhead",
    "MasteringRate",
    "Mastery",
    "Mixed",
    "Pacing",
    "Root",
    "Sampler",
    "Sampling",
    "Scheduler",
    "Signal",
    "Spending",
    "Stage",
    "Strategy",
    "Stuck",
    "Tally",
    "Teacher",
    "Uniform",
    "Verdict",
    "strategy_of",
]
