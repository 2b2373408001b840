"""A language model of bytes on Python's own standard library, from windows of 32 bytes to 512."""

import sysconfig

from curriculum import AdamW, Budget, Experiment, Geometric, LossBelow, Stage, Training
from curriculum.data import BYTES, Corpus
from curriculum.models import HuggingFace
from curriculum.tasks import LanguageModelling

LLAMA = {
    "model_type": "llama",
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
}
"""A million parameters: five layers of 128 units, from scratch."""

stdlib_lm = Experiment(
    task=LanguageModelling(
        corpus=Corpus(
            files="**/*.py",
            root=sysconfig.get_paths()["stdlib"],
            exclude=("site-packages", "dist-packages", "test", "tests", "idle_test"),
            held_out=0.7,  # a hundred documents or more for each use, whatever the Python
        )
    ),
    model=HuggingFace(config=LLAMA),
    growth=Geometric(start=Stage(32, BYTES), end=Stage(512, BYTES), factor=2),
    criterion=LossBelow(
        unit="bits_per_byte", threshold=2.7, per_stage={32: 3.6, 64: 3.2, 128: 3.0, 256: 2.8}
    ),
    optimizer=AdamW(learning_rate=3e-3, weight_decay=0.1, decayed="matrices"),
    training=Training(
        tokens_per_step=1024, eval_every=100, schedule="cosine", schedule_over="run", warmup=0.05
    ),
    budget=Budget(steps=1500),
)
"""A Llama-style model of a million parameters on the standard library's sources, gated by loss."""
