"""What the learning is made of: tasks, models, optimizers, training and examination.

Importing this package loads no torch; its modules that train do.
"""

from curriculum.learn.model import Model, Widens
from curriculum.learn.optimizers import SGD, Adam, AdamW, OptimizerSettings, RAdam
from curriculum.learn.settings import Training
from curriculum.learn.task import (
    IGNORED,
    Answer,
    Batch,
    Exam,
    Examined,
    Scored,
    Sliced,
    Task,
)

__all__ = [
    "IGNORED",
    "SGD",
    "Adam",
    "AdamW",
    "Answer",
    "Batch",
    "Exam",
    "Examined",
    "Model",
    "OptimizerSettings",
    "RAdam",
    "Scored",
    "Sliced",
    "Task",
    "Training",
    "Widens",
]
