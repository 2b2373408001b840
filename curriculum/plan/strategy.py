"""The curricula of the literature by name, each a pacing and a sampling; baselines are too."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from curriculum.errors import UsageError, did_you_mean
from curriculum.plan.pacing.direct import Direct
from curriculum.plan.pacing.gated import Gated
from curriculum.plan.pacing.length_warmup import LengthWarmup
from curriculum.plan.pacing.linear import Linear
from curriculum.plan.pacing.pacing import Pacing
from curriculum.plan.pacing.portfolio import Portfolio
from curriculum.plan.pacing.root import Root
from curriculum.plan.sampling.bandit import Bandit
from curriculum.plan.sampling.combined import Combined
from curriculum.plan.sampling.current import Current
from curriculum.plan.sampling.hardest import Hardest
from curriculum.plan.sampling.look_back import LookBack
from curriculum.plan.sampling.look_back_and_ahead import LookBackAndAhead
from curriculum.plan.sampling.mastering_rate import MasteringRate
from curriculum.plan.sampling.mixed import Mixed
from curriculum.plan.sampling.sampler import Sampling
from curriculum.plan.sampling.teacher import Teacher
from curriculum.plan.sampling.uniform import Uniform


@dataclass(frozen=True, slots=True)
class Strategy:
    """When the frontier moves, and which stages are trained on.

    Attributes:
        pacing: when the frontier moves.
        sampling: which stages up to it are trained on.
        description: in one line.
        guesses: whether weights are drawn at random in place of training, as a control.
    """

    pacing: Pacing
    sampling: Sampling
    description: str
    guesses: bool = False

    @property
    def can_be_tuned(self) -> bool:
        """Whether a search can race trials on one stage after another."""
        return self.pacing.waits_for_mastery and self.sampling.feedback is None and not self.guesses


STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "direct": Strategy(Direct(), Current(), "the last stage from the start: no curriculum"),
        "uniform": Strategy(Direct(), Uniform(), "all stages alike from the start"),
        "gated": Strategy(Gated(), Current(), "the lowest unmastered stage alone"),
        "mixed": Strategy(Direct(), Mixed(), "any length with any vocabulary, example by example"),
        "combined": Strategy(
            Gated(), Combined(), "the lowest unmastered stage, one example in five mixed"
        ),
        "look_back": Strategy(
            Gated(), LookBack(), "the lowest unmastered stage, sometimes one before it"
        ),
        "look_back_and_ahead": Strategy(
            Gated(), LookBackAndAhead(), "the lowest unmastered stage, sometimes any other"
        ),
        "linear": Strategy(Linear(), Uniform(), "stages opened evenly by the clock"),
        "linear_warmup": Strategy(
            LengthWarmup(), Current(), "one length at a time, which grows along a line by the clock"
        ),
        "root": Strategy(Root(), Uniform(), "stages opened by the clock, the later the slower"),
        "bandit": Strategy(Direct(), Bandit(), "Exp3.S on prediction gain"),
        "teacher": Strategy(
            Direct(), Teacher(), "the steepest learning curve, epsilon-greedily chosen"
        ),
        "thompson": Strategy(
            Direct(),
            Teacher(choice="thompson"),
            "the steepest learning curve, by Thompson sampling",
        ),
        "mastering_rate": Strategy(
            Direct(), MasteringRate(), "what is learnable and not mastered yet"
        ),
        "wrong_order": Strategy(Linear(), Hardest(), "a control: opened from the hard end"),
        "auto": Strategy(
            Portfolio(),
            Current(),
            "races direct, gated and combined in cost: the first at the target wins",
        ),
        "guess": Strategy(Gated(), Current(), "a control: weights drawn at random", guesses=True),
    }
)


def get_strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        UsageError: where there is none.
    """
    found = STRATEGIES.get(name)
    if found is None:
        raise UsageError(f"there is no strategy {name!r}; {did_you_mean(name, STRATEGIES)}")
    return found


def strategy_name(pacing: Pacing, sampling: Sampling) -> str:
    """The name of a pair, whatever its settings; its two parts where it has none."""
    pairs = {name: each for name, each in STRATEGIES.items() if not each.guesses}
    exact = (n for n, s in pairs.items() if (s.pacing, s.sampling) == (pacing, sampling))
    kinds = (type(pacing), type(sampling))
    alike = (n for n, s in pairs.items() if (type(s.pacing), type(s.sampling)) == kinds)
    return next(exact, None) or next(alike, None) or " x ".join(k.__name__ for k in kinds).lower()
