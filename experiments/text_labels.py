"""A text classifier on functions of Python's standard library: which package is it from?"""

import ast
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curriculum import AdamW, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.data import BYTES, Labelled
from curriculum.models import Convolution
from curriculum.tasks import TextClassification


@dataclass(frozen=True, kw_only=True)
class Functions(Labelled):
    """The source of each function, and the package that it is from.

    Attributes:
        packages: that functions are taken from.
    """

    packages: tuple[str, ...] = ("asyncio", "email", "multiprocessing", "unittest", "xml")

    def read(self) -> dict[str, Sequence[str]]:
        root, texts, labels = Path(sysconfig.get_paths()["stdlib"]), [], []
        for package in self.packages:
            for path in sorted((root / package).rglob("*.py")):
                if "test" in path.relative_to(root).parts:  # some Pythons have none of these
                    continue
                source = path.read_text(encoding="utf-8")
                lines = source.splitlines(keepends=True)
                for node in ast.walk(ast.parse(source)):
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                        texts.append("".join(lines[node.lineno - 1 : node.end_lineno]))
                        labels.append(package)
        return {"text": texts, "label": labels}


text_labels = Experiment(
    task=TextClassification(data=Functions(held_out=0.6)),
    model=Convolution(hidden_size=128, width=6, dropout=0.3),
    growth=Geometric(start=Stage(128, BYTES), end=Stage(512, BYTES), factor=2),
    criterion=Mastery(threshold=0.7, per_stage={128: 0.6}),  # the commonest class is .3 of them
    optimizer=AdamW(learning_rate=3e-3),
    training=Training(batch_size=32, eval_every=100),
    budget=Budget(steps_per_stage=1000),
)
"""A convolution on the sources of functions, from 128 bytes to 512: the package that each is from."""
