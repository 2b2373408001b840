"""What a class does has a digest, whatever its lines and comments."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from curriculum.record.class_digest import classes_sha256

CELL = """
import math

LIMIT = 3

def helper(x):
    return x + 1

class Network:
    width = 4
    def forward(self, x):
        return x * 2

class Task:
    output = "bit"
    names = ["a", "b"]
    def sample(self, rng, size=2):
        class Inner:
            def run(self):
                return {"x", "y", "z"}
        return helper(rng) + Network().forward(size)
"""


def digest(text: str) -> str | None:
    module = ModuleType("cell")
    exec(compile(text, "cell.py", "exec"), module.__dict__)
    for value in vars(module).values():
        if isinstance(value, type):
            value.__module__ = "cell"
    module.Task.sample.__module__ = module.helper.__module__ = "cell"
    return classes_sha256([module.Task])


def edits() -> Iterator[tuple[str, str]]:
    yield "return x + 1", "return x + 2"
    yield "return x * 2", "return x * 3"
    yield "width = 4", "width = 5"
    yield "size=2", "size=3"
    yield '["a", "b"]', '["a", "c"]'
    yield '"z"', '"w"'
    yield 'output = "bit"', 'output = "symbol"'


@pytest.mark.parametrize(("before", "after"), list(edits()))
def test_what_is_done_is_part_of_it(before: str, after: str) -> None:
    assert before in CELL
    assert digest(CELL.replace(before, after)) != digest(CELL)


def test_lines_and_comments_are_not() -> None:
    assert digest(
        "# a comment\n\n" + CELL.replace("def sample", "# why\n    def sample")
    ) == digest(CELL)
    assert classes_sha256([]) is None
