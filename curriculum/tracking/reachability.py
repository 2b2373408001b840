"""Whether a destination answers: asked once for all runs, at longer and longer intervals."""

import logging

from curriculum.record import first_line
from curriculum.tracking.destinations import Destination
from curriculum.tracking.persistent_copy import Pause

MOST_SECONDS = 30.0
"""Between two questions to a destination that is away."""

log = logging.getLogger(__name__)


class Reachability:
    """A destination, and whether it is away.

    Attributes:
        destination: that is asked.
        was_up: whether it answered when last asked.
    """

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.was_up = True
        self._pause = Pause(MOST_SECONDS)

    @property
    def is_up(self) -> bool:
        """Whether it can be copied to; one that is away is asked again when it is time to."""
        if not self.was_up and self._pause.is_over:
            self.check()
        return self.was_up

    def check(self) -> None:
        """Ask whether it is there, after copying to it has failed."""
        try:
            self.destination.check()
        except Exception as error:
            log.warning("%s is away: %s", self.destination.name, first_line(error))
            self.destination.reset()
            self._pause.begin()
            self.was_up = False
        else:
            self._pause = Pause(MOST_SECONDS)
            self.was_up = True
