"""How many threads of torch a run takes: known without torch, where runs are planned."""

from curriculum.processes import usable_cores

WIDE = 64
"""From this hidden size on, a second thread pays off."""


def default_threads(hidden_size: int) -> int:
    """How many threads suit a model: one where it is small, else all cores."""
    return 1 if hidden_size < WIDE else usable_cores()
