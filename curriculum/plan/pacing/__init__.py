"""When the frontier of difficulty moves."""

from curriculum.plan.pacing.direct import Direct
from curriculum.plan.pacing.gated import Gated
from curriculum.plan.pacing.linear import Linear
from curriculum.plan.pacing.pacing import Pacing
from curriculum.plan.pacing.root import Root

__all__ = ["Direct", "Gated", "Linear", "Pacing", "Root"]
