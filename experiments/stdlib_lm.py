"""A language model of bytes on Python's own standard library, from windows of 32 bytes to 512."""

import sysconfig

from curriculum import AdamW, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.data import BYTES, Corpus
from curriculum.models import Decoder
from curriculum.tasks import LanguageModelling

stdlib_lm = Experiment(
    task=LanguageModelling(
        corpus=Corpus(
            files="**/*.py",
            root=sysconfig.get_paths()["stdlib"],
            exclude=("site-packages", "dist-packages"),
            held_out=0.5,  # a bound takes a hundred documents or more for each use
        )
    ),
    model=Decoder(hidden_size=128, layers=4, head_size=32, initializer_range=0.02),
    growth=Geometric(start=Stage(32, BYTES), end=Stage(512, BYTES), factor=2),
    criterion=Mastery(threshold=0.25, target_threshold=0.3, metric="symbol_accuracy"),
    optimizer=AdamW(learning_rate=2e-3),
    training=Training(tokens_per_step=4096, eval_every=50),
    budget=Budget(steps_per_stage=1000),
)
"""A Llama-style model of a million parameters on the standard library's sources, byte by byte."""
