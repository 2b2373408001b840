"""Which stages a training batch is drawn from."""

from curriculum.plan.sampling.bandit import Bandit
from curriculum.plan.sampling.combined import Combined
from curriculum.plan.sampling.current import Current
from curriculum.plan.sampling.hardest import Hardest
from curriculum.plan.sampling.look_back import LookBack
from curriculum.plan.sampling.look_back_and_ahead import LookBackAndAhead
from curriculum.plan.sampling.mastering_rate import MasteringRate
from curriculum.plan.sampling.mixed import Mixed
from curriculum.plan.sampling.sampler import Fixed, Sampler, Sampling
from curriculum.plan.sampling.signal import Signal
from curriculum.plan.sampling.teacher import Teacher
from curriculum.plan.sampling.uniform import Uniform

__all__ = [
    "Bandit",
    "Combined",
    "Current",
    "Fixed",
    "Hardest",
    "LookBack",
    "LookBackAndAhead",
    "MasteringRate",
    "Mixed",
    "Sampler",
    "Sampling",
    "Signal",
    "Teacher",
    "Uniform",
]
