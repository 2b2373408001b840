"""Studies and races: which settings a stage needs. Optuna is known here alone.

Importing this package loads neither Optuna nor torch.
"""

from curriculum.tune.settings import Choices, Range, Tuning

__all__ = ["Choices", "Range", "Tuning"]
