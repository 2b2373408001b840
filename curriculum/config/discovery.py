"""Finds experiments in files: those that come with the package, a project's, a user's own.

A file defines `experiment`, which is called by the file's name, and variables besides it, called
`FILE:VARIABLE`. Or it defines several experiments, each called by its variable. A function from
an experiment to an experiment is a variant of each experiment in its file, called `NAME:FUNCTION`.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from curriculum.config.experiment import Experiment

SHIPPED = "curriculum.experiments"
MAIN = "experiment"
USERS_FILE = "curriculum_file_"
"""How the name of a module begins that is a user's file."""

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """An experiment as its file defines it.

    Attributes:
        name: what the command line calls it.
        description: in one line.
        path: of its file.
        variable: that it is assigned to.
        variant: the function that makes it from that one; None where it is that one.
        title: of its file, in one line.
    """

    name: str
    description: str
    path: Path
    variable: str = MAIN
    variant: str | None = None
    title: str = ""

    @property
    def family(self) -> str:
        """The name of its file, which it shares with its like."""
        return self.path.stem


def list_experiments() -> list[Listing]:
    """All experiments, read without executing their files; those of the current folder first.

    Those of a file are together, in the order in which they are defined.
    """
    found: dict[str, Listing] = {}
    for folder in _folders():
        for path in sorted(folder.glob("*.py")):
            if FILE_NAME.fullmatch(path.stem):
                for listing in _listings(path):
                    found.setdefault(listing.name, listing)
    return [*found.values()]


def list_file(where: str) -> list[Listing]:
    """The experiments of that file, read without executing it, by the names that they are run by.

    Raises:
        UsageError: where there is no such file, or it defines none.
    """
    path = _checked_path(where)
    found = [*_listings(path)]
    if not found:
        raise UsageError(f"{where} defines no experiment")
    named = [(listing.variable, listing.variant) for listing in found]
    parts = [
        [v for v in (variable, variant) if v not in (None, MAIN)] for variable, variant in named
    ]
    return [
        replace(listing, name=":".join([where, *map(str, each)]))
        for listing, each in zip(found, parts, strict=True)
    ]


def load_experiment(name: str) -> tuple[Experiment, Path]:
    """The experiment of that name, or in a file `PATH.py` or `PATH.py:NAME`, and its file.

    Raises:
        UsageError: where there is no such file or experiment, or the file fails to import.
    """
    where, _, part = name.partition(":")
    if where.endswith(".py") or "/" in where:
        path = _checked_path(where)
        return _experiment_in(load_module(path), path, part), path
    known = {listing.name: listing for listing in list_experiments()}
    if name not in known:
        raise UsageError(f"there is no experiment {name!r}; {did_you_mean(name, known)}")
    listing = known[name]
    shipped = listing.path.parent == _shipped_folder()
    module = (
        importlib.import_module(f"{SHIPPED}.{listing.path.stem}")
        if shipped
        else load_module(listing.path)
    )
    parts = (listing.variable, listing.variant)
    found = _experiment_in(module, listing.path, ":".join(filter(None, parts)))
    return found.replace(name=name), listing.path


def experiment_name(name: str) -> str:
    """What the experiment that is typed so is called in the store; its file is not executed.

    Nor need it be there any more: then it is taken for one that defines `experiment`.
    """
    where, *parts = name.split(":")
    if not where.endswith(".py"):
        return name
    path = Path(where)
    variables = {listing.variable for listing in _listings(path)} if path.is_file() else {MAIN}
    stem = [path.stem] if MAIN in variables or not parts else []
    return ":".join([*stem, *(part for part in parts if part not in ("", MAIN))])


def load_module(path: Path) -> ModuleType:
    """The module in that file, executed; files beside it can be imported by it.

    Raises:
        UsageError: where the file isn't there or fails to import, with the line.
    """
    name = f"{USERS_FILE}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # after what is installed, never before
    try:
        spec.loader.exec_module(module)
    except UsageError as error:
        raise UsageError(f"{path}{_line_of(error, path)}: {error}") from error
    except (Exception, SystemExit) as error:
        message = " ".join(str(error).split())
        raise UsageError(
            f"{path}{_line_of(error, path)} can't be imported: {type(error).__name__}: {message}"
        ) from error
    return module


def _folders() -> list[Path]:
    """Where experiments are looked up by name: the current folder's `experiments`, and ours."""
    shipped, own = _shipped_folder(), Path.cwd() / "experiments"
    return [shipped] if own.resolve() == shipped else [own, shipped]


def _shipped_folder() -> Path:
    return Path(importlib.import_module(SHIPPED).__path__[0]).resolve()


def is_shipped(path: Path) -> bool:
    """Whether that file is an experiment of this package's."""
    return path.resolve().parent == _shipped_folder()


def _checked_path(where: str) -> Path:
    path = Path(where)
    if not path.is_file():
        raise UsageError(
            f"there is no file {where}; give the path of a Python file, or a name from 'list'"
        )
    if path.suffix != ".py":
        raise UsageError(f"an experiment's file must end in .py, got {where}")
    if not FILE_NAME.fullmatch(path.stem):
        raise UsageError(
            f"an experiment's file is named with letters, digits, '_' and '-', got {path.name!r}"
        )
    return path


def _experiment_in(module: ModuleType, path: Path, part: str) -> Experiment:
    """A module's experiment of that variable, variant, or both; its main one for none."""
    from curriculum.config.experiment import Experiment  # `list` does without

    named = [key for key, value in vars(module).items() if isinstance(value, Experiment)]
    if not named:
        raise UsageError(
            f"{path} defines no experiment: it needs a line 'experiment = Experiment(…)'"
        )
    variable, _, variant = part.partition(":")
    if variable not in named and _variant(module, variable):
        variable, variant = MAIN, variable
    variable = variable or MAIN
    if variable not in named:
        several = f"; add the name of one, as in {path.name}:{named[0]}" if variable == MAIN else ""
        raise UsageError(
            f"{path} defines no experiment {variable!r}; {did_you_mean(variable, named)}{several}"
        )
    found: Experiment = getattr(module, variable)
    names = [path.stem] if MAIN in named else []
    names += [variable] if variable != MAIN else []
    if variant:
        make = _variant(module, variant)
        if make is None:
            raise UsageError(
                f"{path} has no variant {variant!r}, which is a function that takes an "
                f"Experiment and returns one, and is annotated so"
            )
        found, names = make(found), [*names, variant]
    return found.replace(name=":".join(names))


def _variant(module: ModuleType, name: str) -> Callable[[Experiment], Experiment] | None:
    """The module's function of that name, if it takes an experiment and returns one."""
    from curriculum.config.experiment import Experiment

    function = getattr(module, name, None)
    if not inspect.isfunction(function):
        return None
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that can't be evaluated
        return None
    annotations = [parameter.annotation for parameter in signature.parameters.values()]
    matches = annotations == [Experiment] and signature.return_annotation is Experiment
    return function if matches else None


def _line_of(error: BaseException, path: Path) -> str:
    """`, line N` of that file, where the error passed through it."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def _listings(path: Path) -> Iterator[Listing]:
    """What a file defines: experiments, and functions that make an experiment from another."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        yield Listing(
            name=path.stem, description=f"(can't be read: {type(error).__name__})", path=path
        )
        return
    title = (ast.get_docstring(tree) or "").partition("\n")[0]
    functions = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and _named(node.returns) == "Experiment"
    }
    variables = dict(_variables(tree, functions))
    variants = {
        name: (ast.get_docstring(node) or "").partition("\n")[0]
        for name, node in functions.items()
        if not name.startswith("_")
        and [_named(argument.annotation) for argument in node.args.args] == ["Experiment"]
    }
    for variable, description in variables.items():
        name = variable
        if MAIN in variables:
            name = path.stem if variable == MAIN else f"{path.stem}:{variable}"
        line = description or (title if variable == MAIN else "")
        of: dict[str, Any] = {"path": path, "variable": variable, "title": title}
        yield Listing(name=name, description=line, **of)
        for variant, line in variants.items():
            yield Listing(name=f"{name}:{variant}", description=line, variant=variant, **of)


def _variables(tree: ast.Module, functions: Collection[str]) -> Iterator[tuple[str, str]]:
    """Variables assigned an experiment, each with the first line of the string beneath it."""
    for number, node in enumerate(tree.body):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and _makes_experiment(node.value, functions):
            yield target.id, _string_at(tree.body, number + 1).partition("\n")[0]


def _makes_experiment(call: ast.Call, functions: Collection[str]) -> bool:
    """Whether a call is of `Experiment`, of another's `replace`, or of one of the functions."""
    if isinstance(call.func, ast.Attribute):
        on_a_name = isinstance(call.func.value, ast.Name)
        return call.func.attr == "replace" and on_a_name and not call.args
    return _named(call.func) in ("Experiment", *functions)


def _named(node: ast.expr | None) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _string_at(body: list[ast.stmt], number: int) -> str:
    if number < len(body):
        node = body[number]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return ""
