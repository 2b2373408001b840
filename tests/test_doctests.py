"""Every example in a docstring of an installed module gives what it says."""

import ast
import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import curriculum
from curriculum import experiments, tasks

EXTRAS = {
    "curriculum.callbacks.lightning": "lightning",
    "curriculum.tasks.reasoning_gym": "reasoning_gym",
}
"""Modules whose examples need a library which isn't always installed."""

PACKAGES = (curriculum, experiments, tasks)
"""In a source tree the last two are not beneath the first."""


def installed_modules() -> Iterator[tuple[str, Path]]:
    """The name of each module, and its file, without importing it."""
    for package in PACKAGES:
        assert package.__file__ is not None
        yield package.__name__, Path(package.__file__)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = module.module_finder.find_spec(module.name, None)
            assert spec is not None
            assert spec.origin is not None
            yield module.name, Path(spec.origin)


def example_count(path: Path) -> int:
    """How many examples the docstrings of a file hold, read without executing it."""
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, described)]
    parser = doctest.DocTestParser()
    return sum(len(parser.get_examples(ast.get_docstring(node) or "")) for node in nodes)


MODULES = dict(installed_modules())
EXAMPLES = {name: count for name, path in MODULES.items() if (count := example_count(path))}


def test_all_source_files_are_searched() -> None:
    folders = [Path(path) for package in PACKAGES for path in package.__path__]
    assert set(MODULES.values()) == {path for folder in folders for path in folder.rglob("*.py")}
    assert {"curriculum.plan.scheduler", "curriculum.tasks.first_bit"} <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_module_give_what_they_say(name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name], reason="an extra that isn't installed")
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0
    assert found.attempted == EXAMPLES[name]
