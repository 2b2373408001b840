"""What the learning is made of: tasks, models, optimizers, training and examination.

Importing this package loads no torch; its modules that train do.
"""

from curriculum.learn.model import Model, Widens
from curriculum.learn.optimizers import SGD, Adam, AdamW, Guess, OptimizerSettings, RAdam
from curriculum.learn.settings import Training
from curriculum.learn.shape import Answer, Shape
from curriculum.learn.stop import Stop
from curriculum.learn.task import (
    IGNORED,
    PADDING,
    Batch,
    Contiguous,
    Exam,
    Examined,
    Scored,
    Shaped,
    Sliced,
    Streamed,
    Task,
    Worded,
)

__all__ = [
    "IGNORED",
    "PADDING",
    "SGD",
    "Adam",
    "AdamW",
    "Answer",
    "Batch",
    "Contiguous",
    "Exam",
    "Examined",
    "Guess",
    "Model",
    "OptimizerSettings",
    "RAdam",
    "Scored",
    "Shape",
    "Shaped",
    "Sliced",
    "Stop",
    "Streamed",
    "Task",
    "Training",
    "Widens",
    "Worded",
]
